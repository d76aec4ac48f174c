"""`oomsel select --mode two-pass`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.kernel.test_two_pass import many
from tests.running import Ran, run


def select(*arguments: str) -> Ran:
    return run("select", "--mode", "two-pass", *arguments)


def test_it_prints_what_the_precise_mode_prints() -> None:
    precise = run("select", "--mode", "precise", "examples/real-contest.yaml")
    result = select("examples/real-contest.yaml")
    assert (result.status, result.out, result.err) == (0, precise.out, "")


def test_a_note_says_that_the_limit_was_hit(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text(many(20))
    result = select("--format", "json", str(path))
    note = "two-pass: the limit of 16 precise sums was hit: the choice may not be the precise one"
    assert result.err == f"oomsel: {path}: note: {note}\n"
    event = json.loads(result.out)
    assert event["chosen"] == {"pid": 119, "comm": "t19"}
    assert (event["precise_sums"], event["precise_sums_limit_hit"]) == (16, True)
