"""`oomsel bench`: the shape of its output; never its times."""

from __future__ import annotations

import json

import pytest

from oomsel.kernel.oom_kill import READS
from oomsel.study.bench import HEADER, Measured, bench_line, bench_object, measure
from tests.running import run


def test_every_mode_on_every_shape() -> None:
    rows = list(measure([3, 40], [2, 256], runs=1))
    assert [row[:3] for row in rows] == [
        (tasks, cpus, mode) for cpus in (2, 256) for tasks in (3, 40) for mode in READS
    ]
    assert all(row.median > 0 and row.floor > 0 for row in rows)
    known = {row.mode: row.kernel_ms for row in rows if row.kernel_ms is not None}
    assert (known["approximate"], known["precise"]) == (0.3, 0.5)
    assert {row.floor for row in rows if row.kernel_ms is not None} == {rows[-1].floor}


def test_the_object_for_programs() -> None:
    rows = [
        Measured(10, 8, "precise", 0.004, 0.001, None),
        Measured(10_000, 256, "approximate", 0.0025, 0.00812345, 3.0),
    ]
    assert bench_object(rows) == {
        "oomsel_bench": 1,
        "floor_ms": 8.1235,
        "rows": [
            {"tasks": 10, "cpus": 8, "mode": "precise", "median_ms": 4.0, "floor_ms": 1.0, "kernel_ms": None},
            {
                "tasks": 10_000,
                "cpus": 256,
                "mode": "approximate",
                "median_ms": 2.5,
                "floor_ms": 8.1235,
                "kernel_ms": 3.0,
            },
        ],
    }


def test_lines_for_a_person_stand_under_their_headings() -> None:
    lines = [
        bench_line(Measured(1_000_000, 4096, "approximate", 0.0025, 0.008, 3.0)),
        bench_line(Measured(40, 8, "precise", 12.5, 0.008, None)),
    ]
    assert {len(line) for line in lines} == {len(HEADER)}
    assert len(HEADER) < 80
    assert lines[0].split() == ["1000000", "4096", "approximate", "2.500", "ms", "3.0", "ms", "8.000", "ms", "0.31"]


def test_the_command() -> None:
    words = ["bench", "--tasks", "2", "--cpus", "1", "--runs", "1"]
    ran = run(*words)
    assert (ran.status, ran.out.splitlines()[0]) == (0, HEADER)
    assert [row["mode"] for row in json.loads(run(*words, "--json").out)["rows"]] == list(READS)


@pytest.mark.parametrize("words", [["--runs", "0"], ["--tasks", "x"], ["--cpus", "9000"]])
def test_what_is_refused(words: list[str]) -> None:
    ran = run("bench", *words)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
