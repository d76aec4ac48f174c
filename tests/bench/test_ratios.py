"""The table of `make bench`: what it says of a ratio, and that in-turns timing is in turns."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.bench.measure import Times, in_turns
from tests.bench.ratios import HEADER, Ratio, row


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (Times(0.003, 0.003, 0.004), "  3.00   3.00   2.00    4.00      3.00 ms      1.00 ms  this / that"),
        (Times(0.005, 0.003, 0.004), "  5.00   3.00   2.00    4.00      5.00 ms      1.00 ms  this / that  unsure"),
        (Times(0.005, 0.0045, 0.004), "  5.00   4.50   2.00    4.00      5.00 ms      1.00 ms  this / that  missed"),
    ],
)
def test_a_ratio_stands_beside_its_target(ours: Times, said: str) -> None:
    line = row(Ratio("this / that", 4.0, int, int, 1), ours, Times(0.001, 0.001, 0.002))
    assert line == said
    assert len(line.partition("this")[0]) == HEADER.rindex("oomsel /")


def test_sides_run_in_turns_after_a_round_that_does_not_count() -> None:
    ran: list[str] = []
    times = in_turns([lambda: ran.append("a"), lambda: ran.append("b")], 2)
    assert ran == ["a", "b"] * 3
    assert [0 < least <= middle for middle, least, _ in times] == [True, True]


def test_the_time_of_processes_that_were_waited_for_counts() -> None:
    code = "sum(range(10**6))"
    (times,) = in_turns([lambda: subprocess.run([sys.executable, "-c", code], check=True)], 1)
    assert times.cpu > 0
