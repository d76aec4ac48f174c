"""Dense and hostile scenarios of every kind, with what another implementation of the same rules made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import oomsel
from tests.support import DATA

CASES = sorted((DATA / "golden").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("mode", ["approximate", "precise"])
def test_every_line_with_the_reapers(path: Path, mode: str) -> None:
    expected = path.with_suffix(f".{mode}.log").read_text(encoding="utf-8")
    lines = oomsel.kernel_lines(oomsel.select(oomsel.load(path), mode), reaper=True)
    assert "".join(f"{line}\n" for line in lines) == expected


def test_there_are_some() -> None:
    assert len(CASES) == 30
