"""`oomsel generate`: formats, files, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import oomsel
from tests.running import run


def generate(*words: str) -> int:
    return run("generate", *words).status


def test_the_same_scenario_as_yaml_and_as_json(tmp_path: Path) -> None:
    words = ["--tasks", "5", "--cpus", "4", "--seed", "7", "--contest", "-o"]
    names = [str(tmp_path / name) for name in ("a.yaml", "b.json", "again.yaml", "c.npz", "again.npz")]
    assert [generate(*words, name) for name in names] == [0] * 5
    assert oomsel.load(names[0]) == oomsel.load(names[1])
    assert json.loads(Path(names[1]).read_text())["oomsel"] == 1
    assert Path(names[0]).read_bytes() == Path(names[2]).read_bytes()
    assert Path(names[3]).read_bytes() == Path(names[4]).read_bytes()
    assert oomsel.load(names[3]).tasks == oomsel.load(names[0]).tasks


def test_to_standard_output() -> None:
    ran = run("generate", "--tasks", "2", "--cpus", "1", "--format", "json")
    assert (ran.status, len(json.loads(ran.out)["tasks"])) == (0, 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tasks", "1", "--contest"], "--contest needs two tasks; use --tasks 2 or more"),
        (["--tasks", "0"], "0 is out of range"),
        (["--cpus", "8193"], "8193 is out of range"),
        (["--leftovers", "some"], "no some; use one of"),
        (["-o", "no/such/folder/x"], "oomsel: no/such/folder/x: No such file or directory"),
    ],
)
def test_what_is_refused(words: list[str], said: str) -> None:
    ran = run("generate", *words)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err
