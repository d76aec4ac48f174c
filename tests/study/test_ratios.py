"""The table of `make bench`: what it says of a ratio, and that in-turns timing is in turns."""

from __future__ import annotations

import pytest

from oomsel.study.measure import Times, in_turns
from oomsel.study.ratios import HEADER, Ratio, row


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (Times(0.003, 0.003), "  3.00   3.00    4.00      3.00 ms      1.00 ms  this / that"),
        (Times(0.005, 0.003), "  5.00   3.00    4.00      5.00 ms      1.00 ms  this / that  unsure"),
        (Times(0.005, 0.0045), "  5.00   4.50    4.00      5.00 ms      1.00 ms  this / that  missed"),
    ],
)
def test_a_ratio_stands_beside_its_target(ours: Times, said: str) -> None:
    line = row(Ratio("this / that", 4.0, int, int, 1), ours, Times(0.001, 0.001))
    assert line == said
    assert len(line.partition("this")[0]) == HEADER.rindex("oomsel /")


def test_sides_run_in_turns_after_a_round_that_does_not_count() -> None:
    ran: list[str] = []
    times = in_turns([lambda: ran.append("a"), lambda: ran.append("b")], 2)
    assert ran == ["a", "b"] * 3
    assert [0 < least <= middle for middle, least in times] == [True, True]
