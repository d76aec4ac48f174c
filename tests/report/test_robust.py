"""`robust` is exact: where it says that nothing can change the choice nothing does, and its rival can really win."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import oomsel
from oomsel.report.oom_report import OomReport
from oomsel.report.robust import possible_counters, rival
from oomsel.scenario.boot import Booted

BATCH = 32
COUNTER = st.integers(-40, 300)
TASKS = st.lists(
    st.fixed_dictionaries(
        {"anon": COUNTER, "file": COUNTER, "swap": COUNTER, "adj": st.sampled_from([-1000, -200, 0, 0, 0, 300])}
    ),
    min_size=1,
    max_size=5,
)


def booted(tasks: list[dict[str, int]], cpus: int, kernel: str = "6.12", shared: bool = False) -> Booted:
    rows = []
    for index, task in enumerate(tasks):
        owner = index == 0 or not shared
        rss = f"anon: {task['anon']}, file: {task['file']}, swap: {task['swap']}"
        mm = "mm: A, " if shared else ""
        held = f", rss: {{{rss}}}" if owner else ""
        rows.append(f"  - {{{mm}pid: {index + 10}, comm: t, oom_score_adj: {task['adj']}{held}}}\n")
    head = f"oomsel: 1\nkernel: {kernel}\nmachine: {{cpus: {cpus}, ram: 1000000, batch: {BATCH}}}\ntasks:\n"
    return oomsel.boot(oomsel.loads(head + "".join(rows)))


def precise_with(machine: Booted, slots: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> OomReport:
    machine.system.rss.percpu[:] = slots
    machine.system.rss.bound = BATCH
    return oomsel.select(machine, "precise")


@given(TASKS, st.integers(1, 3), st.randoms(use_true_random=False), st.booleans())
def test_it_is_exact(tasks: list[dict[str, int]], cpus: int, random: object, shared: bool) -> None:
    machine = booted(tasks, cpus, shared=shared)
    report = oomsel.select(machine, "approximate")
    found = rival(report)
    shape = machine.system.rss.percpu.shape
    if found is None:
        generator = np.random.default_rng(random.randrange(1 << 30))  # type: ignore[attr-defined]
        worlds = [generator.integers(1 - BATCH, BATCH, shape, np.int32) for _ in range(6)]
        for chosen in {
            int(machine.system.tasks.mm[report.chosen or 0])
        }:  # and the worst worlds: everybody else as large as can be
            world = np.full(shape, BATCH - 1, np.int32)
            world[chosen] = 1 - BATCH
            worlds.append(world)
        assert {precise_with(machine, world).chosen for world in worlds} == {report.chosen}
        return
    world = np.zeros(shape, np.int32)
    world[machine.system.tasks.mm[found.task]] = BATCH - 1
    world[machine.system.tasks.mm[report.chosen]] = 1 - BATCH
    assert precise_with(machine, world).chosen != report.chosen
    assert oomsel.select(machine, "precise").points[found.task] == found.at_most


@given(TASKS)
def test_exact_counters_hide_nothing(tasks: list[dict[str, int]]) -> None:
    assert rival(oomsel.select(booted(tasks, 4, kernel="6.1"), "approximate")) is None


def test_a_total_is_three_counters() -> None:
    text = (
        "oomsel: 1\nmachine: {cpus: 2, ram: 9, batch: 32}\ntasks: [{pid: 7, comm: a, rss: {total: 900, swap: 900}}]\n"
    )
    low, high = possible_counters(oomsel.select(oomsel.loads(text)))
    assert (low.max(axis=1).tolist(), high[0].tolist()) == ([838], [62, 900 + 3 * 62, 962, 62])
    assert sorted(low[0].tolist()) == [0, 0, 900 - 3 * 62, 838]
