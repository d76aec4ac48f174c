"""Threads run at the same speed: what is observed on the way is as if each did one operation in turn."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest

from oomsel.kernel.badness import get_mm_rss
from oomsel.kernel.designs import DESIGNS, Design, How, Topology
from oomsel.kernel.designs.compiled import Loop, has_numba
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, Int64s
from oomsel.study.program import Scheduler, _key, mms_of, sample_times, topology_of
from oomsel.study.simulate import Sample, simulate
from oomsel.study.workload import Process, Workload, read_workload
from tests.kernel.designs.support import updates_of

MEMBERS = {"anon": MM_ANONPAGES, "file": MM_FILEPAGES, "shmem": MM_SHMEMPAGES}
Operation = tuple[int, int, How, bool]


def chunks(pages: int, unit: int) -> Iterator[int]:
    while pages > 0:
        yield min(pages, unit)
        pages -= unit


def operations(process: Process, true: Int64s) -> Iterator[Operation]:
    """What one thread does, one update after another: member, pages, how, and whether a child does it.

    `true` is what the process has at any time; int64[member], pages.
    """
    for step in [step for _ in range(process.rounds) for step in process.do]:
        member = MEMBERS[step.memory]
        for _ in range(step.times):
            for _ in range((step.fault or 0) + (step.mmap_munmap or 0)):
                yield member, 1, How.FAULT, False
            for pages in chunks(step.fault_around or 0, 16):
                yield MM_FILEPAGES, pages, How.FAULT, False
            for pages in chunks(step.thp or 0, 512):
                yield MM_ANONPAGES, pages, How.HUGE, False
            for pages in chunks((step.unmap or 0) + (step.mmap_munmap or 0), 512):
                yield member, -pages, How.BULK, False
        for _ in range(step.fork or 0):
            anon, swap = int(true[MM_ANONPAGES]), int(true[MM_SWAPENTS])
            how = How.FRESH
            for sign in (1, -1):
                for private, held in ((MM_ANONPAGES, anon), (MM_SWAPENTS, swap)):
                    for pages in chunks(held, 512):
                        yield private, sign * pages, how, True
                        how = How.BULK


def naive(workload: Workload) -> tuple[list[tuple[int, str, list[int], list[int]]], dict[str, list[tuple[int, ...]]]]:
    """The trace, and each process's worst errors, updates, folds and atomics: one operation of a thread at a time."""
    mms, topology = mms_of(workload), topology_of(workload)
    designs = {name: made(topology, mms.number, mms.thread_mm) for name, made in DESIGNS.items()}
    true = np.zeros((mms.number, 4), np.int64)
    for mm, process in enumerate(mms.processes):
        true[mm] = (process.start.file, process.start.anon, process.start.swap, process.start.shmem)
    for design in designs.values():
        design.start += true
    nth_of = [nth for process in mms.processes for nth in range(process.threads)]
    todo, schedulers = [], []
    for nth, mm in zip(nth_of, mms.thread_mm, strict=True):
        process = mms.processes[mm]
        todo.append(operations(process, true[mm]))
        cpus = process.cpus or range(topology.cpus)
        schedulers.append(Scheduler(process.schedule, cpus, topology, nth, _key(workload.seed, mms.pids[mm], nth)))
    trace = []
    rows: list[tuple[int, ...]] = []
    size, now = len(mms.processes), 0
    for look in sample_times(workload):
        while now < look:
            for thread, operation in enumerate(map(next, todo, [None] * len(todo))):
                if operation is None:
                    continue
                mm = mms.thread_mm[thread]
                slot = np.array([now // mms.processes[mm].schedule.every])
                cpu = int(schedulers[thread].cpus_at(slot)[0])
                member, pages, how, in_child = operation
                mm = mms.child[thread] if in_child else mm
                rows.append((mm, member, cpu, thread, pages, 1, how))
                true[mm, member] += pages
            now += 1
        for name, design in designs.items():
            design.replay(updates_of(rows))
            reads = get_mm_rss(np.maximum(design.read()[:size], 0))
            trace.append((look, name, get_mm_rss(true[:size]).tolist(), reads.tolist()))
        rows = []
    worst = {
        name: [
            (
                -int(design.most_under[mm]),
                int(design.most_over[mm]),
                *(sum(column) for column in zip(*(_counted(design, one) for one in own), strict=True)),
            )
            for mm, own in enumerate(mms.mms_of_processes())
        ]
        for name, design in designs.items()
    }
    return trace, worst


def _counted(design: Design, mm: int) -> tuple[int, ...]:
    return int(design.updates[mm]), int(design.folds[mm]), design.costs(mm).atomics


def random_workload(seed: int) -> Workload:
    random = Random(seed)  # noqa: S311
    cpus = random.choice((1, 2, 3, 7, 8, 20, 64, 100))
    text = f"oomsel_workload: 1\nmachine: {{cpus: {cpus}, nodes: {random.randint(1, min(cpus, 5))}}}\nseed: {seed}\n"
    text += f"samples: {random.choice((1, 7, 100))}\nprocesses:\n"
    for index in range(random.randint(1, 3)):
        kind = random.choice(("pinned", "hop", "round_robin", "node_local"))
        schedule = f"kind: {kind}, every: {random.choice((1, 2, 7, 50, 1000))}"
        schedule += f", migrate: {random.choice((0.1, 0.5, 1))}" * (kind == "node_local")
        text += f"  - pid: {100 + 10 * index}\n    comm: p\n    threads: {random.choice((1, 2, 3, 5, 9))}\n"
        text += f"    copies: {random.choice((1, 1, 2))}\n    rounds: {random.randint(1, 3)}\n"
        text += f"    budget: {random.randint(1, 3000)}\n    schedule: {{{schedule}}}\n"
        text += f"    start: {{anon: {random.randint(0, 900)}, file: 7, swap: {random.choice((0, 9, 600))}}}\n    do:\n"
        held = dict.fromkeys(MEMBERS, 0)
        for _ in range(random.randint(1, 6)):
            memory, pages = random.choice(list(held)), random.randint(0, 500)
            operation = random.choice(("fault", "fault", "fault_around", "thp", "unmap", "mmap_munmap", "fork"))
            if operation == "thp":
                step, memory, pages = "thp: 512", "anon", 512
            elif operation == "fork":
                step, pages = f"fork: {random.randint(1, 3)}", 0
            elif operation == "fault_around":
                step, memory = f"fault_around: {pages}", "file"
            elif operation == "mmap_munmap":
                step = f"mmap_munmap: {pages}, times: {random.randint(1, 4)}, memory: {memory}"
                pages = 0
            else:
                pages = pages if operation == "fault" else -random.randint(0, held[memory])
                step = f"{operation}: {abs(pages)}, memory: {memory}"
            held[memory] += pages
            text += f"      - {{{step}}}\n"
    return read_workload("w.yaml", text.encode())


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 40))])
def test_random_workloads(seed: int) -> None:
    workload = random_workload(seed)
    rows: list[tuple[int, str, list[int], list[int]]] = []

    def note(sample: Sample) -> None:
        rows.append((sample.time, sample.design, sample.true.tolist(), sample.reads.tolist()))

    result = simulate(workload, trace=note)
    trace, worst = naive(workload)
    assert rows == trace
    for name, counted in result.counted.items():
        mine = [(one.least, one.most, one.updates, one.folds, one.costs.atomics) for one in counted.readings]
        assert mine == worst[name]
        for mm, process in enumerate(result.mms.processes):
            budget = process.budget or 0
            seen = [(reads[mm] > budget, true[mm] > budget) for _, of, true, reads in trace if of == name]
            assert counted.readings[mm].alarms == (seen.count((True, False)), seen.count((False, True)))


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", DESIGNS)
def test_rows_in_lockstep_are_single_updates_in_turn(
    name: str, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compiled and not has_numba():
        pytest.skip("numba is not installed")
    monkeypatch.setattr(Loop, "compiled", compiled)
    random = Random(1)  # noqa: S311
    together, single = (DESIGNS[name](Topology.even(6, 2), 1, range(4)) for _ in range(2))
    together.thread_mm[:] = single.thread_mm[:] = 0
    for _ in range(300):
        member, pages, times = (
            random.randint(0, 3),
            random.choice((1, 1, 1, -1, 3, 16, -40, 512, 0)),
            random.randint(1, 90),
        )
        how = random.choice((How.FAULT, How.FAULT, How.HUGE, How.BULK, How.INSERT))
        rows = [(0, member, random.randrange(6), thread, pages, times, how) for thread in range(4)]
        block = updates_of(rows)
        together.replay(block._replace(lockstep=np.full(4, 4)))
        single.replay(updates_of([(*row[:5], 1, how) for _ in range(times) for row in rows]))
        for tally in ("count", "lacks", "most_under", "most_over", "updates", "folds", "atomics"):
            assert getattr(together, tally).tolist() == getattr(single, tally).tolist()
        assert together.held().tolist() == single.held().tolist()


def many_threads(every: int) -> int:
    text = "oomsel_workload: 1\nmachine: {cpus: 16}\nprocesses:\n  - pid: 100\n    comm: a\n    threads: 100\n"
    text += f"    schedule: {{kind: pinned, every: {every}}}\n    do: [{{fault: 256}}]\n"
    return simulate(read_workload("w.yaml", text.encode()), ["percpu"]).counted["percpu"].readings[0].least


def test_many_threads_reach_the_bound_together() -> None:
    # Sixteen CPUs fold at 32 pages each, all about the same time.
    assert many_threads(1000) == many_threads(1) == -496
