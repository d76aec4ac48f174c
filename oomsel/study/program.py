"""From a workload to counter updates: every thread's operations in order of time, where its schedule puts it.

Updates come in blocks of bounded size, equal ones after another on one CPU as one row.  Time is
counted in operations, and all threads do one in a unit of it.  Where a thread runs is a hash of
the seed, the thread and how often it was scheduled: the same on any machine and in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oomsel.kernel.designs import How, Topology, Updates
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, Int64s
from oomsel.study.workload import FAULT_AROUND, Process, Schedule, Step, Workload, pages_per_table

_MEMBERS = {"anon": MM_ANONPAGES, "file": MM_FILEPAGES, "shmem": MM_SHMEMPAGES}
#: Rows of a block, roughly: what is in memory at a time.
_BLOCK = 1 << 16


class Run(NamedTuple):
    """Equal operations one after another."""

    member: int
    amount: int
    times: int
    how: How
    in_child: bool = False


class Mms(NamedTuple):
    """The processes as counters see them: an mm for each, then one for the children of each thread that forks."""

    processes: list[Process]  #: one entry a copy
    pids: list[int]
    thread_mm: list[int]  #: of every thread
    child: list[int]  #: the mm of every thread's children, which come one after another; its own if it does not fork

    @property
    def number(self) -> int:
        """How many mms there are."""
        return max([len(self.processes) - 1, *self.child]) + 1

    def families(self) -> list[list[int]]:
        """Every process's mm, and those of its children."""
        found = [[mm] for mm in range(len(self.processes))]
        for mm, child in zip(self.thread_mm, self.child, strict=True):
            if child != mm:
                found[mm].append(child)
        return found


def mms_of(workload: Workload) -> Mms:
    """The processes in order, copies written out."""
    processes = [process for process in workload.processes for _ in range(process.copies)]
    pids = [process.pid + copy for process in workload.processes for copy in range(process.copies)]
    threads = [mm for mm, process in enumerate(processes) for _ in range(process.threads)]
    child, last = [], len(processes) - 1
    for mm in threads:
        forks = any(step.fork for step in processes[mm].do)
        last += forks
        child.append(last if forks else mm)
    return Mms(processes, pids, threads, child)


def runs_of(process: Process, page_size: int) -> Iterator[Run]:
    """What one thread does, in order."""
    table = pages_per_table(page_size)
    held = process.start.anon
    for _ in range(process.rounds):
        for step in process.do:
            for _ in range(step.times):
                yield from _runs_of_step(step, table, held)
            held += sum(
                amount * times
                for member, amount, times, _, child in _runs_of_step(step, table, 0)
                if member == MM_ANONPAGES and not child
            )


def _runs_of_step(step: Step, table: int, held: int) -> Iterator[Run]:
    member = _MEMBERS[step.memory]
    if step.fault is not None:
        yield from _in_units(member, step.fault, 1, How.FAULT)
    elif step.fault_around is not None:
        yield from _in_units(MM_FILEPAGES, step.fault_around, FAULT_AROUND, How.FAULT)
    elif step.thp is not None:
        yield from _in_units(MM_ANONPAGES, step.thp, table, How.HUGE)
    elif step.unmap is not None:
        yield from _in_units(member, -step.unmap, table, How.BULK)
    elif step.mmap_munmap is not None:
        yield from _in_units(member, step.mmap_munmap, 1, How.FAULT)
        yield from _in_units(member, -step.mmap_munmap, table, How.BULK)
    for _ in range(step.fork or 0):
        how = How.FRESH
        for sign in (1, -1):
            for run in _in_units(MM_ANONPAGES, sign * held, table, how):
                yield run._replace(how=how, in_child=True)
                how = How.BULK


def _in_units(member: int, pages: int, unit: int, how: How) -> Iterator[Run]:
    sign = 1 if pages >= 0 else -1
    whole, rest = divmod(abs(pages), unit)
    if whole:
        yield Run(member, sign * unit, whole, how)
    if rest:
        yield Run(member, sign * rest, 1, how)


def operations_of(process: Process, page_size: int) -> int:
    """How many operations each thread of the process does."""
    once = _once(process, page_size)
    if not any(step.fork for step in process.do):
        return once * process.rounds
    return sum(run.times for run in runs_of(process, page_size))


def _once(process: Process, page_size: int) -> int:
    table = pages_per_table(page_size)
    return sum(step.times * sum(run.times for run in _runs_of_step(step, table, 0)) for step in process.do)


_U = np.uint64


def _hash(key: int, numbers: Int64s) -> npt.NDArray[np.uint64]:
    """splitmix64 of key and number: uniform, and the same everywhere."""
    z = numbers.astype(np.uint64) * _U(0x9E3779B97F4A7C15) + _U(key)
    z = (z ^ (z >> _U(30))) * _U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> _U(27))) * _U(0x94D049BB133111EB)
    return z ^ (z >> _U(31))


def _below(limit: int, hashes: npt.NDArray[np.uint64]) -> Int64s:
    """Each hash as a number from 0 to limit - 1."""
    return (((hashes >> _U(32)) * _U(limit)) >> _U(32)).astype(np.int64)


def _key(*parts: int) -> int:
    key = 0
    for part in parts:
        key = int(_hash(key, np.array([part & ((1 << 63) - 1)], np.int64))[0])
    return key


class Scheduler:
    """Where one thread runs; asked in order of time."""

    def __init__(self, schedule: Schedule, cpus: Sequence[int], topology: Topology, nth: int, key: int) -> None:
        self.kind = schedule.kind
        self.every = schedule.every
        self.cpus = np.array(cpus, np.int64)
        self.nth, self.key = nth, key
        if self.kind == "node_local":
            self._by_node(schedule, topology)

    def _by_node(self, schedule: Schedule, topology: Topology) -> None:
        node = np.array(topology.node_of, np.int64)[self.cpus]
        self.groups = [self.cpus[node == number] for number in np.unique(node)]
        self.group = self.nth % len(self.groups)
        # Above 2^53 a float holds multiples of 2048 only, which the comparison does not mind.
        self.limit = int(schedule.migrate * (1 << 32))
        self.decided = 0

    def cpus_at(self, slots: Int64s) -> Int64s:
        """The CPU of each slot of scheduling; `slots` does not fall, nor go back to before the last call's end."""
        if self.kind == "pinned" or not len(slots):
            return np.full(len(slots), self.cpus[self.nth % len(self.cpus)])
        if self.kind == "round_robin":
            return self.cpus[(self.nth + slots) % len(self.cpus)]
        draws = _hash(self.key, slots)
        if self.kind == "hop":
            return self.cpus[_below(len(self.cpus), draws)]
        groups = self._groups_at(slots)
        sizes = np.array([len(group) for group in self.groups], np.int64)[groups]
        at = (((draws >> _U(32)) * sizes.astype(np.uint64)) >> _U(32)).astype(np.int64)
        starts = np.cumsum([0, *(len(group) for group in self.groups[:-1])])
        return np.concatenate(self.groups)[starts[groups] + at]

    def _groups_at(self, slots: Int64s) -> Int64s:
        """The node of each slot: that of the last migration up to it."""
        last = int(slots[-1])
        span = np.arange(min(self.decided, int(slots[0])), last + 1, dtype=np.int64)
        moves = (_hash(self.key ^ 0x5DEECE66D, span) >> _U(32)).astype(np.int64) < self.limit
        moves &= span > 0
        target = _below(len(self.groups), _hash(self.key ^ 0xB5026F5AA96619E9, span))
        since = np.maximum.accumulate(np.where(moves, np.arange(len(span)), -1))
        groups = np.where(since >= 0, target[since], self.group)
        self.group, self.decided = int(groups[-1]), last + 1
        found: Int64s = groups[slots - span[0]]
        return found


class _Thread:
    """One thread on its way through its operations."""

    def __init__(self, runs: Iterator[Run], scheduler: Scheduler, mm: int, child: int) -> None:
        self.runs, self.scheduler, self.mm, self.child = runs, scheduler, mm, child
        self.now = 0
        self.run: Run | None = next(runs, None)

    def rows_until(self, until: int) -> tuple[Int64s, ...]:
        """start, mm, member, cpu, amount, repeat and how of every row that starts before `until`."""
        parts = []
        every = self.scheduler.every
        limit = -(-until // every) * every  # rows are cut where a thread is scheduled anew, and nowhere else
        while self.run is not None and self.now < until:
            times = min(self.run.times, limit - self.now)
            parts.append(self._piece(self.run, times))
            self.now += times
            if times < self.run.times:
                how = How.BULK if self.run.how is How.FRESH else self.run.how
                self.run = self.run._replace(times=self.run.times - times, how=how)
            else:
                self.run = next(self.runs, None)
        if not parts:
            return tuple(np.zeros((7, 0), np.int64))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        columns[3] = self.scheduler.cpus_at(columns[0] // self.scheduler.every)
        return tuple(columns)

    def _piece(self, run: Run, times: int) -> list[Int64s]:
        """A run's rows; it is cut where the thread is scheduled anew."""
        every = self.scheduler.every
        end = self.now + times
        start = np.arange(self.now - self.now % every, end, every, dtype=np.int64)
        start[0] = self.now
        repeat = np.diff(start, append=end)
        how = np.full(len(start), run.how, np.int64)
        if run.how is How.FRESH:
            how[1:] = How.BULK
        mm = self.child if run.in_child else self.mm
        fixed = [np.full(len(start), value, np.int64) for value in (mm, run.member, 0, run.amount)]
        return [start, *fixed, repeat, how]


def topology_of(workload: Workload) -> Topology:
    """The workload's machine as counters see it."""
    return Topology.even(workload.machine.cpus, workload.machine.nodes)


def blocks_of(workload: Workload) -> Iterator[tuple[int, Updates]]:
    """The updates in order of time, and the time after each block, among them every sample's.

    A thread may be ahead of that time by what is left until it is scheduled anew.
    """
    mms = mms_of(workload)
    topology = topology_of(workload)
    page_size = workload.machine.page_size
    threads: list[_Thread] = []
    for mm, process in enumerate(mms.processes):
        cpus = range(topology.cpus) if process.cpus is None else process.cpus
        for nth in range(process.threads):
            scheduler = Scheduler(process.schedule, cpus, topology, nth, _key(workload.seed, mms.pids[mm], nth))
            threads.append(_Thread(runs_of(process, page_size), scheduler, mm, mms.child[len(threads)]))
    stride = max(1, _BLOCK // len(threads)) * min(thread.scheduler.every for thread in threads)
    now = 0
    for sample in sample_times(workload):
        while now < sample:
            until = min(now + stride, sample)
            columns = [thread.rows_until(until) for thread in threads]
            yield until, _merged(columns)
            now = until


def sample_times(workload: Workload) -> list[int]:
    """The times at which the watchdog looks, the last one the end."""
    total = max(1, *(operations_of(process, workload.machine.page_size) for process in workload.processes))
    sample = -(-total // workload.samples)
    return [*range(sample, total, sample), total]


def _merged(threads: list[tuple[Int64s, ...]]) -> Updates:
    """All threads' rows in order of time, of the same time in order of threads."""
    start, mm, member, cpu, amount, repeat, how = (np.concatenate(column) for column in zip(*threads, strict=True))
    thread = np.repeat(np.arange(len(threads), dtype=np.int64), [len(rows[0]) for rows in threads])
    order = np.argsort(start, kind="stable")
    columns = (mm, member, cpu, thread, amount, repeat, how)
    return Updates(*(np.ascontiguousarray(column[order]) for column in columns))
