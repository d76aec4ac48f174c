"""`robust` is exact: where it says that nothing can change the choice nothing does, and its rival can really win."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oomsel
from oomsel.booting import Booted
from oomsel.check.expectation import rival
from oomsel.kernel.event import OomReport

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
    machine.system.rss.make_writable()
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


ROBUST = "oomsel: 1\nmachine: {cpus: 0-1, ram: 9, batch: 32}\nexpect: {robust: true}\n"
SHRUNK = (
    "kernel: 6.12\ntasks: [{pid: 7, comm: a, rss: {anon: 900}}, {pid: 8, comm: b, rss: {anon: %d}}]\n"
    "updates: [{cpu: 0, pid: 8, anon: 100}, {cpu: 0, pid: 8, anon: -100}, {offline: 1-63}]\n"
)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        # anon, file and shmem each 2 CPUs x 31 pages, and swap.
        (
            "tasks: [{pid: 7, comm: a, rss: {total: 900}}, {pid: 8, comm: b, rss: {total: %d}}]\n",
            900 - 3 * 62 - 4 * 62 - 1,
        ),
        # What a CPU held before others went and the batch shrank may be more than the batch.
        (SHRUNK, 900 - 127 - 4 * 127 - 1),
    ],
)
def test_the_bounds_are_those_that_explain_shows(text: str, most: int) -> None:
    head = "oomsel: 1\nmachine: {cpus: 64, ram: 9}\n" if "updates" in text else ROBUST
    for pages, could in ((most, False), (most + 1, True)):
        report = oomsel.select(oomsel.loads(head + text % pages))
        assert (rival(report) is not None) == could
