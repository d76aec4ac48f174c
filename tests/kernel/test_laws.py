"""Laws of the choice, over random machines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import oomsel
from oomsel.kernel.badness import LONG_MIN
from oomsel.kernel.event import OomReport
from oomsel.kernel.percpu_counter import NR_MM_COUNTERS, percpu_counter_read_positive, percpu_counter_sum_positive
from oomsel.scenario.models import Counter, Machine, MemcgLimits, Oom, Rss, Scenario, Task

CPUS = 4
MODES = ("approximate", "precise")


def counters(deltas: bool) -> st.SearchStrategy[Counter]:
    unfolded = st.dictionaries(st.integers(0, CPUS - 1), st.integers(-31, 31)) if deltas else st.just({})
    return st.builds(lambda count, held: Counter(count=count, deltas=held), st.integers(-40, 300), unfolded)


def tasks_of(deltas: bool) -> st.SearchStrategy[tuple[Task, ...]]:
    task: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {
            "oom_score_adj": st.sampled_from([0, 0, 0, -1000, -999, -1, 5, 1000]),
            "flags": st.sampled_from([(), (), (), ("vfork",), ("oom_skip",), ("coredump",)]),
            "memcg": st.sampled_from(["/", "/a", "/a/b", "/c"]),
            "pgtables_bytes": st.integers(0, 40000),
            "rss": st.builds(
                lambda a, f, s, w: Rss(anon=a, file=f, shmem=s, swap=w), *(counters(deltas) for _ in range(4))
            ),
        }
    )
    return st.lists(task, min_size=1, max_size=8).map(
        lambda listed: tuple(Task(pid=10 + n, comm=b"t%d" % n, **keys) for n, keys in enumerate(listed))
    )


def scenario(tasks: tuple[Task, ...], *, cpus: int = CPUS, groups: bool = False, **more: Any) -> Scenario:
    memcgs = {"/a": MemcgLimits(oom_group=groups), "/a/b": MemcgLimits(), "/c": MemcgLimits(oom_group=groups)}
    machine = Machine(cpus=tuple(range(cpus)), ram=100_000, swap=1000)
    return Scenario(oomsel=1, machine=machine, tasks=tasks, memcgs=memcgs, **more)


def victim(report: OomReport) -> int | None:
    return None if report.chosen is None else int(report.system.tasks.pid[report.chosen])


@settings(max_examples=60)
@given(tasks=tasks_of(True), extra=st.integers(0, 8), unkillable=st.sampled_from(["adj", "init", "kthread", "zombie"]))
def test_a_task_that_may_not_be_killed_changes_no_verdict(tasks: tuple[Task, ...], extra: int, unkillable: str) -> None:
    if unkillable == "adj":
        added = Task(pid=9, comm=b"x", oom_score_adj=-1000, rss=Rss(anon=Counter(count=10_000)))
    elif unkillable == "init":
        added = Task(pid=9, comm=b"x", flags=("init",), rss=Rss(anon=Counter(count=10_000)))
    else:
        added = Task(pid=9, comm=b"x", flags=(unkillable,))
    longer = (*tasks[:extra], added, *tasks[extra:])
    oom = Oom(current=tasks[0].pid)
    for mode in MODES:
        one, two = (oomsel.select(scenario(each, oom=oom), mode) for each in (tasks, longer))
        assert (victim(one), one.outcome) == (victim(two), two.outcome)


@settings(max_examples=60)
@given(tasks=tasks_of(True), data=st.data())
def test_rows_that_do_not_tie_may_change_places(tasks: tuple[Task, ...], data: st.DataObject) -> None:
    shuffled = tuple(data.draw(st.permutations(tasks)))
    oom = Oom(current=tasks[0].pid)
    for mode in MODES:
        one, two = (oomsel.select(scenario(each, oom=oom), mode) for each in (tasks, shuffled))
        points = [int(value) for value in one.points if value != LONG_MIN]
        if points.count(max(points, default=0)) > 1:
            # Of equals the last one listed dies.
            pids = {int(one.system.tasks.pid[i]) for i in np.flatnonzero(one.points == max(points))}
            assert victim(two) == [task.pid for task in shuffled if task.pid in pids][-1]
        else:
            assert victim(one) == victim(two)


@settings(max_examples=40)
@given(tasks=tasks_of(False), cpus=st.integers(1, 300))
def test_without_deltas_the_number_of_cpus_does_not_matter(tasks: tuple[Task, ...], cpus: int) -> None:
    lines = {
        tuple(oomsel.kernel_lines(oomsel.select(scenario(tasks, cpus=count), mode)))
        for count in (CPUS, cpus)
        for mode in MODES
    }
    assert len(lines) == 1


@settings(max_examples=60)
@given(tasks=tasks_of(True))
def test_the_two_reads_are_no_further_apart_than_the_cpus_can_hold(tasks: tuple[Task, ...]) -> None:
    system = oomsel.boot(scenario(tasks)).system
    apart = np.abs(percpu_counter_read_positive(system.rss) - percpu_counter_sum_positive(system.rss))
    assert apart.shape == (len(tasks), NR_MM_COUNTERS)
    assert int(apart.max()) <= CPUS * (system.rss.batch - 1)


@settings(max_examples=60)
@given(tasks=tasks_of(True), memcg=st.sampled_from([None, "/a", "/a/b", "/c"]))
def test_whoever_dies_may_and_nobody_worse_could(tasks: tuple[Task, ...], memcg: str | None) -> None:
    for mode in MODES:
        report = oomsel.select(scenario(tasks, groups=True, oom=Oom(current=10, memcg=memcg)), mode)
        if report.chosen is None:
            assert (report.points == LONG_MIN).all()
            continue
        assert report.points[report.chosen] == report.points.max() != LONG_MIN
        assert report.chosen in report.shown
        named = [kill.task for kill in report.kills if kill.again is None]
        assert len(set(report.killed)) == len(report.killed)
        if report.oom_group is None:
            assert named == [report.chosen]
        else:
            path = report.system.memcgs[report.oom_group].path
            below = {n for n, task in enumerate(tasks) if f"{task.memcg}/".startswith(f"{path}/")}
            assert set(named) == {n for n in below if tasks[n].oom_score_adj != -1000}


@settings(max_examples=40)
@given(tasks=tasks_of(True), more=st.integers(1, 500))
def test_a_victim_that_grows_stays_the_victim(tasks: tuple[Task, ...], more: int) -> None:
    for mode in MODES:
        booted = oomsel.boot(scenario(tasks))
        report = oomsel.select(booted, mode)
        if report.chosen is None:
            continue
        pgtables = booted.system.pgtables_bytes.copy()
        pgtables[report.system.tasks.mm[report.chosen]] += more * 4096
        again = oomsel.select(booted._replace(system=replace(booted.system, pgtables_bytes=pgtables)), mode)
        assert again.chosen == report.chosen


@settings(max_examples=40)
@given(tasks=tasks_of(True), memcg=st.sampled_from([None, "/a", "/c"]), data=st.data())
def test_a_cgroups_order_is_that_of_its_lines_and_of_nothing_else(
    tasks: tuple[Task, ...], memcg: str | None, data: st.DataObject
) -> None:
    listed = [task.pid for task in tasks if task.memcg == "/c"]
    orders = {"as listed": listed, "another": data.draw(st.permutations(listed))}
    plain = scenario(tasks, groups=True, oom=Oom(current=10, memcg=memcg))
    for mode in MODES:
        before = oomsel.select(plain, mode)
        for name, order in orders.items():
            memcgs = {**plain.memcgs, "/c": MemcgLimits(oom_group=True, order=tuple(order))}
            after = oomsel.select(Scenario(**vars(plain) | {"memcgs": memcgs}), mode)
            assert after.points.tolist() == before.points.tolist()
            assert sorted(after.visited) == sorted(before.visited)
            if name == "as listed":
                assert oomsel.kernel_lines(after, reaper=True) == oomsel.kernel_lines(before, reaper=True)
            in_group = [tasks[task].pid for task in after.visited if tasks[task].memcg == "/c"]
            assert memcg is None or in_group == [pid for pid in order if pid in in_group]


@settings(max_examples=40)
@given(tasks=tasks_of(True), memcg=st.sampled_from([None, "/a", "/c"]))
def test_what_timing_decides_of_a_groups_victim_kills_nobody_else(tasks: tuple[Task, ...], memcg: str | None) -> None:
    for mode in MODES:
        reports = {
            again: oomsel.select(
                scenario(tasks, groups=True, oom=Oom(current=10, memcg=memcg, group_victim_again=again)), mode
            )
            for again in ("killed", "exiting", "unseen")
        }
        assert len({report.killed for report in reports.values()}) == 1
        assert len({report.reaped for report in reports.values()}) == 1
        lines = {again: oomsel.kernel_lines(report) for again, report in reports.items()}
        extra = len(lines["killed"]) - len(lines["unseen"])
        assert extra == len(lines["exiting"]) - len(lines["unseen"]) <= 1
        if extra:
            second = next(line for line in lines["killed"] if "Killed process" in line)
            assert lines["killed"].count(second) == 2
