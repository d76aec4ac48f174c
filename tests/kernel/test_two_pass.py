"""The two-pass selection against worked numbers, and what it has in common with the precise one."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oomsel
from oomsel.kernel.badness import LONG_MAX, worst_of
from oomsel.kernel.two_pass import MAX_PRECISE_SUMS, Margin, TwoPass, two_pass


def passes_of(approximate: list[int], precise: list[int], under: Margin, over: Margin) -> TwoPass:
    points = np.array(approximate)
    worst = worst_of(points)
    assert worst is not None
    hidden = np.array(precise) - points
    return two_pass(points, worst, hidden.__getitem__, under, over)


def run(approximate: list[int], precise: list[int], under: int, over: int) -> TwoPass:
    """With one bound for all, which is to be as good as the same bound for each."""
    passes = passes_of(approximate, precise, under, over)
    size = len(approximate)
    assert passes == passes_of(approximate, precise, np.full(size, under), np.full(size, over))
    return passes


@pytest.mark.parametrize(
    ("approximate", "precise", "expected"),
    [
        ([1000, 900, 100], [1200, 1650, 110], TwoPass(1, 2, limited=False)),
        ([5000, 3000], [5100, 3600], TwoPass(0, 1, limited=False)),
        # After 16 sums whoever is in range takes the place of the choice, the last one in the end.
        ([10000] * 20, [10700 - i for i in range(20)], TwoPass(19, 16, limited=True)),
        ([10000] * 16, [10700 - i for i in range(16)], TwoPass(0, 16, limited=False)),
        ([5, LONG_MAX, LONG_MAX, 7], [5, LONG_MAX, LONG_MAX, 7], TwoPass(2, 0, limited=False)),
        ([7, 7], [7, 7], TwoPass(1, 2, limited=False)),
    ],
)
def test_worked_numbers(approximate: list[int], precise: list[int], expected: TwoPass) -> None:
    assert run(approximate, precise, 768, 744) == expected


@given(st.lists(st.tuples(st.integers(-3000, 3000), st.integers(-500, 500)), min_size=1, max_size=14))
def test_it_is_the_precise_choice_while_16_sums_suffice(tasks: list[tuple[int, int]]) -> None:
    approximate = [points for points, _ in tasks]
    precise = [points + error for points, error in tasks]
    passes = run(approximate, precise, 500, 500)
    last_worst = max(range(len(tasks)), key=lambda task: (precise[task], task))
    assert passes.chosen == last_worst
    assert not passes.limited


def plainly(approximate: list[int], precise: list[int], under: int, over: int) -> tuple[int, int]:
    """Both passes as a loop over everybody, as the patch has them."""
    chosen, sums = 0, 0
    for task, points in enumerate(approximate):
        if points >= approximate[chosen]:
            chosen = task
    least, slack = approximate[chosen], under
    for task, points in enumerate(approximate):
        if points + over + slack - least < 0:
            continue
        accuracy = under
        score = points
        if sums < 16:
            sums += 1
            score, accuracy = precise[task], 0
            if score + slack - least < 0:
                continue
        chosen, least, slack = task, score, accuracy
    return chosen, sums


@given(st.lists(st.tuples(st.integers(-900, 900), st.integers(-200, 500)), min_size=1, max_size=40))
def test_it_is_the_loop_over_everybody(tasks: list[tuple[int, int]]) -> None:
    approximate = [points for points, _ in tasks]
    precise = [points + error for points, error in tasks]
    passes = run(approximate, precise, 500, 200)
    assert (passes.chosen, passes.sums) == plainly(approximate, precise, 500, 200)


def test_select_in_two_passes() -> None:
    scenario = oomsel.load("examples/real-contest.yaml")
    report = oomsel.select(scenario, mode="two-pass")
    precise = oomsel.select(scenario, mode="precise")
    assert oomsel.kernel_lines(report) == oomsel.kernel_lines(precise)
    assert report.two_pass is not None
    # Every counter may be off by 16 * 31 pages, a score by four times that: only two tasks come near.
    assert report.two_pass == TwoPass(report.two_pass.chosen, 2, limited=False)
    assert oomsel.report_object(report)["precise_sums"] == 2
    assert "precise_sums" not in oomsel.report_object(precise)


def many(count: int) -> str:
    tasks = "".join(
        f"  - {{pid: {100 + i}, comm: t{i}, rss: {{anon: {{count: 1000, deltas: {{0: {31 - i}}}}}}}}}\n"
        for i in range(count)
    )
    return f"oomsel: 1\nmachine: {{cpus: 8, ram: 1GiB}}\ntasks:\n{tasks}"


def test_the_limit_may_change_the_choice() -> None:
    scenario = oomsel.loads(many(20))
    assert oomsel.select(scenario, mode="precise").chosen == 0
    report = oomsel.select(scenario, mode="two-pass")
    assert (report.chosen, report.two_pass) == (19, TwoPass(19, 16, limited=True))


def test_before_6_2_nothing_is_in_doubt() -> None:
    scenario = oomsel.loads(many(20).replace("oomsel: 1\n", 'oomsel: 1\nkernel: "6.1"\n'))
    report = oomsel.select(scenario, mode="two-pass")
    assert report.chosen == 0
    assert report.two_pass == TwoPass(0, 1, limited=False)


def one_by_one(approximate: list[int], precise: list[int], under: list[int], over: list[int]) -> tuple[int, int, bool]:
    """Both passes as they stand in the proposal, a task at a time."""
    chosen = max(range(len(approximate)), key=lambda task: (approximate[task], task))
    least, slack, sums, limited = approximate[chosen], under[chosen], 0, False
    for task, score in enumerate(approximate):
        if score + over[task] + slack < least:
            continue
        if sums == MAX_PRECISE_SUMS:
            chosen, least, slack, limited = task, score, under[task], True
            continue
        sums += 1
        if precise[task] + slack >= least:
            chosen, least, slack = task, precise[task], 0
    return chosen, sums, limited


score_and_bounds = st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(0, 30), st.floats(0, 1))


@given(st.lists(score_and_bounds, min_size=1, max_size=60), st.sampled_from((1, 7, 2048)))
def test_shortcuts_change_nothing(rows: list[tuple[int, int, int, float]], stride: int) -> None:
    approximate, under, over, _ = (list(column) for column in zip(*rows, strict=True))
    precise = [score - o + round(where * (u + o)) for score, u, o, where in rows]
    with patch("oomsel.kernel.two_pass._STRIDE", stride):
        passes = passes_of(approximate, precise, np.array(under), np.array(over))
    assert tuple(passes) == one_by_one(approximate, precise, under, over)


def test_after_the_limit_whoever_met_it_may_be_the_last_in_range() -> None:
    # The first one's bounds are wide, and its counters hold less than they seem to.
    approximate, precise = [100, *[60] * 16, 10], [60, *[60] * 16, 10]
    wide = np.array([50] + [0] * 17)
    assert passes_of(approximate, precise, wide, wide) == TwoPass(16, 16, limited=True)
