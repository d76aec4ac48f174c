"""What a person reads has 80 columns: every command, on every kind of input, and nothing breaks inside a word.

Longer are only the kernel's own lines, lines to copy, and what programs read.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from oomsel.cli import COMMANDS
from oomsel.layout import WIDTH, aligned_within, folded, wrapped
from tests.running import run
from tests.support import DATA

EXAMPLES = Path(__file__).parents[2] / "examples"
LOGS = sorted(path for folder in ("logs", "real-logs") for path in (DATA / folder).glob("*.log"))
SCENARIOS = sorted(EXAMPLES.glob("*.yaml"))
#: A line to copy stands six blanks deep, and is a command, a setting or a file's line.
COPIED = ("echo ", "docker ", "podman ", "crictl ", "pct ", "lxc ", "systemctl ", "OOMScoreAdjust=", "resources: ")


def too_wide(text: str) -> list[str]:
    return [
        line
        for line in text.split("\n")
        if len(line) > WIDTH and not (line.startswith("      ") and line.strip().startswith(COPIED))
    ]


@pytest.mark.parametrize("name", [path.stem for path in LOGS])
@pytest.mark.parametrize(
    "words",
    [("explain", "--full", "--pages"), ("explain", "--all-events"), ("events",), ("select", "--format", "table")],
)
def test_of_a_log(words: tuple[str, ...], name: str) -> None:
    (path,) = [path for path in LOGS if path.stem == name]
    assert not too_wide(run(*words, path).out)


@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_of_a_scenario(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    what_if = ("--b-set", "oom.order=3", "--b-set", "machine.ram=300000")
    for words in (
        ("explain", "--full"),
        ("select", "--format", "table"),
        ("select", "--format", "table", "--all"),
        ("diff", "--format", "table", *what_if),
        ("check",),
    ):
        assert not too_wide(run(*words, path.name).out), words


@pytest.mark.parametrize("words", [(), ("--at", "1676.6"), ("--every", "0.1", "--all")])
def test_of_a_trace(words: tuple[str, ...]) -> None:
    ran = run("replay", *words, EXAMPLES / "walk.trace.xz")
    assert ran.status == 0
    assert not too_wide(ran.out)


@pytest.mark.parametrize("command", COMMANDS)
def test_of_help(command: str) -> None:
    assert not too_wide(run(command, "--help").out)


@pytest.mark.parametrize("path", sorted((DATA / "explained").glob("*.txt")), ids=lambda path: path.stem)
def test_of_the_golden_first_screens(path: Path) -> None:
    assert not too_wide(path.read_text())


def test_words_stay_whole() -> None:
    assert wrapped("a bb ccc dddd", width=6) == ["a bb", "ccc", "dddd"]
    assert list(folded(["  indented and long"], width=12)) == ["  indented", "    and long"]
    assert wrapped("limit of 96.0 MiB", width=14) == ["limit of", "96.0 MiB"]


def test_a_word_longer_than_a_line_lacks_its_middle() -> None:
    path = "/kubepods/" + 100 * "x" + "/end"
    (line,) = [line for line in wrapped(f"the cgroup {path} hit", width=40) if "..." in line]
    assert len(line) <= 40
    assert line.startswith("/kubepods/x")
    assert line.endswith("/end")
    assert path in wrapped(f"the file {path}", width=40, keep_long=True)


def test_a_last_column_without_room_stands_below() -> None:
    rows = [("name", "what"), ("n" * 70, "it is long")]
    assert aligned_within(rows, "<<")[2:] == ["n" * 70, "      it is long"]
