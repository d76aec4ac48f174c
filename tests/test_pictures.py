"""The README's picture of explain's screen is what the program prints today; `make pictures` makes it anew."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.pictures import FOLDER, shown

SCREENS = {
    "explain.svg": ("explain", "examples/dmesg.log"),
    "contest.svg": ("select", "--format", "table", "examples/real-contest.yaml"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_of_today(name: str) -> None:
    svg = (FOLDER / name).read_text(encoding="utf-8")
    matrix = svg[svg.index('-matrix">') :]
    drawn = "".join(re.findall(r">([^<]*)</text>", matrix))
    assert words(unescape(drawn)) == words(shown(*SCREENS[name]).plain), "stale; make pictures"


def words(text: str) -> str:
    """Text without its blanks."""
    return "".join(text.split())


def test_pictures_are_small_and_load_nothing() -> None:
    found = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert set(found) == {*SCREENS, "page.png"}
    assert all(len(raw) < 300_000 for raw in found.values())
    for name in SCREENS:
        assert set(re.findall(rb"https?://[^\s\"')]*", found[name])) == {b"http://www.w3.org/2000/svg"}
