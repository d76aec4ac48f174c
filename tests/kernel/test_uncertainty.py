"""Intervals and the possible victims, held against every way in which tiny machines' CPUs can be filled."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomsel.booting import boot, select
from oomsel.inputs.load import loads
from oomsel.kernel.badness import LONG_MIN
from oomsel.kernel.constraint import scan_order
from oomsel.kernel.uncertainty import badness_interval, counter_bound, possible_victims

COUNTERS = ("anon", "file", "shmem", "swap")

tasks = st.lists(
    st.tuples(
        st.tuples(*[st.integers(-3, 4)] * 4),  # the global counts
        st.integers(-3, 3),  # oom_score_adj, times 1 page each
        st.sampled_from(["", "", "", "A"]),  # a shared mm
    ),
    min_size=2,
    max_size=4,
)


def scenario(rows: list[tuple[tuple[int, ...], int, str]], kernel: str) -> str:
    lines = [f'oomsel: 1\nkernel: "{kernel}"\nmachine: {{cpus: 2, ram: 1000, batch: 2}}\ntasks:']
    seen = False
    for index, (counts, adj, mm) in enumerate(rows):
        task = f"pid: {10 + index}, comm: t{index}, oom_score_adj: {adj}"
        if mm:
            task += f", mm: {mm}"
        if not (mm and seen):
            task += f", rss: {{{', '.join(f'{name}: {count}' for name, count in zip(COUNTERS, counts, strict=True))}}}"
        seen |= bool(mm)
        lines.append(f"  - {{{task}}}")
    return "\n".join(lines)


def reachable(counts: tuple[int, ...], error: int) -> set[int]:
    """Every sum that the four counters can truly have, if each is off by up to `error`."""
    offsets = range(-error, error + 1)
    return {
        sum(max(count + offset, 0) for count, offset in zip(counts, change, strict=True))
        for change in product(offsets, repeat=4)
    }


@given(tasks, st.sampled_from(["6.12", "7.0"]))
@settings(max_examples=60, deadline=None)
def test_against_every_filling(rows: list[tuple[tuple[int, ...], int, str]], kernel: str) -> None:
    booted = boot(loads(scenario(rows, kernel)))
    report = select(booted, "approximate")
    bound = counter_bound(booted.system.rss)
    assert bound.worst == 2  # two CPUs, each up to batch - 1 = 1
    interval = badness_interval(booted.system, report.points, report.totalpages)

    owner = [
        rows[next(i for i, row in enumerate(rows) if row[2] == mm)] if mm else rows[n]
        for n, (_, _, mm) in enumerate(rows)
    ]
    sums = [sorted(reachable(row[0], bound.worst)) for row in owner]
    for task, values in enumerate(sums):
        assert (interval.low[task], interval.high[task]) == (values[0] + rows[task][1], values[-1] + rows[task][1])
        assert values == list(range(values[0], values[-1] + 1))  # every value between can be

    # The mms are filled in every way; of equals the last one wins.
    keys = [mm or str(task) for task, (_, _, mm) in enumerate(rows)]
    distinct = list(dict.fromkeys(keys))
    winners = set()
    for filling in product(*(sums[keys.index(key)] for key in distinct)):
        value = dict(zip(distinct, filling, strict=True))
        points = [value[key] + rows[task][1] for task, key in enumerate(keys)]
        winners.add(len(points) - 1 - points[::-1].index(max(points)))
    could = possible_victims(booted.system, report.points, interval, scan_order(booted.system, booted.oc))
    assert set(np.flatnonzero(could).tolist()) == winners


def test_one_number_hides_three_counters() -> None:
    text = "oomsel: 1\nkernel: '6.6'\nmachine: {cpus: 2, ram: 1000, batch: 11}\n"
    text += "tasks: [{pid: 9, comm: a, rss: {total: 100}}]"
    booted = boot(loads(text))
    report = select(booted)
    low, high = badness_interval(booted.system, report.points, report.totalpages)
    # Two CPUs x 10 pages, three times for the RSS; swap, at 0, can only be more.
    assert (low.tolist(), high.tolist()) == ([40], [180])


@pytest.mark.parametrize(
    ("rss", "has_swap", "expected"),
    [
        ("anon: 90, file: 10, swap: 7", False, (107 - 41, 107 + 93)),  # what reads 0 can only be more
        ("anon: 90, file: 10, swap: 7", True, (107 - 48, 107 + 124)),
        ("total: 100, swap: 7", False, (107 - 93, 107 + 93)),
        ("total: 50, swap: 7", False, (57 - 50, 57 + 93)),
    ],
)
def test_without_swap_on_the_machine_its_counter_is_exact(rss: str, has_swap: bool, expected: tuple[int, int]) -> None:
    text = f"oomsel: 1\nkernel: '6.6'\nmachine: {{cpus: 1, ram: 9000}}\ntasks: [{{pid: 9, comm: a, rss: {{{rss}}}}}]"
    booted = boot(loads(text))
    report = select(booted)
    low, high = badness_interval(booted.system, report.points, report.totalpages, has_swap=has_swap)
    assert (low.tolist(), high.tolist()) == ([expected[0]], [expected[1]])


def test_floor_of_one_until_5_8_holds_for_both_ends() -> None:
    text = "oomsel: 1\nkernel: '5.8'\nmachine: {cpus: 2, ram: 1000000}\n"
    text += "tasks: [{pid: 9, comm: a, oom_score_adj: -900, rss: {anon: 100}}]"
    booted = boot(loads(text))
    report = select(booted)
    low, high = badness_interval(booted.system, report.points, report.totalpages)
    assert (low.tolist(), high.tolist()) == ([1], [1])


def test_who_may_not_be_killed_has_no_interval() -> None:
    text = (
        "oomsel: 1\nmachine: {cpus: 2, ram: 1000}\ntasks: [{pid: 9, comm: a}, {pid: 10, comm: b, oom_score_adj: -1000}]"
    )
    booted = boot(loads(text))
    report = select(booted)
    interval = badness_interval(booted.system, report.points, report.totalpages)
    assert (interval.low[1], interval.high[1]) == (LONG_MIN, LONG_MIN)
    assert possible_victims(booted.system, report.points, interval, scan_order(booted.system, booted.oc)).tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("cpus", "worst"),
    # kernel-facts' bounds table: pages a counter may be off on so many CPUs.
    [(2, 62), (4, 124), (16, 496), (32, 2016), (64, 8128), (128, 32640), (250, 124750), (256, 130816), (1024, 2096128)],
)
def test_bounds_table(cpus: int, worst: int) -> None:
    text = f"oomsel: 1\nmachine: {{cpus: {cpus}, ram: 1000}}\ntasks: [{{pid: 9, comm: a}}]"
    assert counter_bound(boot(loads(text)).system.rss).worst == worst


def test_deviation_is_that_of_uniform_leftovers() -> None:
    text = "oomsel: 1\nmachine: {cpus: 3, ram: 1000, batch: 4}\ntasks: [{pid: 9, comm: a}]"
    bound = counter_bound(boot(loads(text)).system.rss)
    leftovers = list(range(-3, 4))
    totals = [sum(choice) for choice in product(leftovers, repeat=3)]
    assert bound.deviation == pytest.approx(np.std(totals))
    assert bound.likely(4) == pytest.approx(2 * bound.deviation)


def test_a_leftover_of_a_larger_batch_widens_the_bound() -> None:
    text = (
        "oomsel: 1\nmachine: {cpus: 2, ram: 1000, batch: 8}\ntasks: [{pid: 9, comm: a, rss: {anon: {deltas: {1: 20}}}}]"
    )
    assert counter_bound(boot(loads(text)).system.rss).worst == 40


@pytest.mark.parametrize(("first", "second", "winners"), [(0, 10, [False, True]), (10, 0, [True, True])])
def test_of_equals_the_last_one_wins_at_the_border_too(first: int, second: int, winners: list[bool]) -> None:
    # With 0 pages counted at most 2 in each of four counters are held, with 10 anon pages at least 8.
    counts = [(first, 0, 0, 0), (second, 0, 0, 0)]
    booted = boot(loads(scenario([(count, 0, "") for count in counts], "6.12")))
    report = select(booted)
    interval = badness_interval(booted.system, report.points, report.totalpages)
    assert interval.high.min() == interval.low.max() == 8
    could = possible_victims(booted.system, report.points, interval, scan_order(booted.system, booted.oc))
    assert could.tolist() == winners
