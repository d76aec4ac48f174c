"""Laws of the unified diff: it turns the one text into the other, and is no longer than diff's own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.outputs.unified import longest_increasing, unified_diff

LINES = st.lists(st.sampled_from("abcdefgh").map(lambda letter: f"{letter}\n"), max_size=12)
#: Like a report's: nearly every line is there once.
UNIQUE = st.permutations([f"{number}\n" for number in range(12)]).flatmap(
    lambda lines: st.integers(0, 12).map(lambda size: lines[:size])
)


def patched(lines: list[str], diff: list[str]) -> list[str]:
    """`lines` with `diff` applied, every context and removed line checked."""
    result: list[str] = []
    at = 0
    for index, line in enumerate(diff[2:], 2):
        if match := re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", line):
            start = int(match[1]) - (match[2] != "0")
            result += lines[at:start]
            at = start
            continue
        if line.startswith("\\"):
            continue
        newline = "" if diff[index + 1 : index + 2] == ["\\ No newline at end of file"] else "\n"
        if line[0] != "+":
            assert lines[at] == line[1:] + newline
            at += 1
        if line[0] != "-":
            result.append(line[1:] + newline)
    return result + lines[at:]


@pytest.mark.parametrize("context", [0, 1, 3])
@given(st.one_of(st.tuples(LINES, LINES), st.tuples(UNIQUE, UNIQUE)), st.booleans())
def test_the_diff_turns_a_into_b(context: int, texts: tuple[list[str], list[str]], cut: bool) -> None:
    a, b = texts
    if cut and b:
        b = [*b[:-1], b[-1].removesuffix("\n")]
    diff = list(unified_diff(a, b, ("a", "b"), context))
    assert (diff == []) == (a == b)
    if diff:
        assert diff[:2] == ["--- a", "+++ b"]
        assert patched(a, diff) == b


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"),
        ("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "2\n3\n4\n4\n5\n6\n7\n8\n8\n"),
        ("", "1\n"),
        ("1\n", ""),
        ("1\n2", "1\n2\n"),
        ("1\n2", "1\n3"),
    ],
)
def test_as_gnu_diff_has_it(tmp_path: Path, a: str, b: str) -> None:
    (tmp_path / "a").write_text(a)
    (tmp_path / "b").write_text(b)
    command = ["diff", "-u", "--label", "a", "--label", "b", str(tmp_path / "a"), str(tmp_path / "b")]
    theirs = subprocess.run(command, capture_output=True, check=False, text=True).stdout
    assert "".join(f"{line}\n" for line in unified_diff(a.splitlines(True), b.splitlines(True), ("a", "b"))) == theirs


@given(st.lists(st.integers(0, 20), max_size=9, unique=True))
def test_longest_increasing(numbers: list[int]) -> None:
    found = longest_increasing(numbers)
    values = [numbers[index] for index in found]
    assert found == sorted(found)
    assert values == sorted(values)
    best = 0
    for chosen in range(1 << len(numbers)):
        picked = [number for index, number in enumerate(numbers) if chosen >> index & 1]
        if picked == sorted(picked):
            best = max(best, len(picked))
    assert len(found) == best
