"""From a workload to counter updates: every thread's operations in order of time, where its schedule puts it.

Updates come in blocks of bounded size, equal ones after another on one CPU as one row.  Time is
counted in operations, and all threads do one in a unit of it, a process's threads the same one in
turn: their rows go in lockstep.  Where a thread runs is a hash of the seed, the thread and how
often it was scheduled: the same on any machine and in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oomsel.kernel.designs import How, Topology, Updates
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SWAPENTS, RSS_MEMBERS, Int64s
from oomsel.study.workload import FAULT_AROUND, Process, Schedule, Step, Workload, pages_per_table

#: Rows of a block, roughly: what is in memory at a time.
_BLOCK = 1 << 16
#: Runs of a piece, and steps done at once.
_TIMES = 1 << 12
#: Operations after which a thread is scheduled anew that stays where it is.
_NEVER = 1 << 62
_NOTHING = np.zeros((len(Updates._fields), 0), np.int64)


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

    def mms_of_processes(self) -> list[list[int]]:
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


def runs_of(process: Process, page_size: int) -> Iterator[tuple[list[Run], int]]:
    """What every thread does, in order: these runs so many times.

    All threads are at the same operation at any time, so that a fork copies what all of them have by then.
    """
    table = pages_per_table(page_size)
    if not any(step.fork for step in process.do) and sum(step.times for step in process.do) <= _TIMES:
        yield [run for step in process.do for run in _runs_of_step(step, table) * step.times], process.rounds
        return
    held = process.start.anon
    for _ in range(process.rounds):
        for step in process.do:
            runs = _runs_of_child(held, process.start.swap, table) if step.fork else _runs_of_step(step, table)
            yield runs, step.fork or step.times
            touched = sum(run.amount * run.times for run in runs if run.member == MM_ANONPAGES and not run.in_child)
            held += touched * step.times * process.threads


def _runs_of_step(step: Step, table: int) -> list[Run]:
    """Any step but a fork, done once."""
    member = RSS_MEMBERS[step.memory]
    if step.fault is not None:
        return _in_units(member, step.fault, 1, How.FAULT)
    if step.fault_around is not None:
        return _in_units(MM_FILEPAGES, step.fault_around, FAULT_AROUND, How.FAULT)
    if step.thp is not None:
        return _in_units(MM_ANONPAGES, step.thp, table, How.HUGE)
    pages = step.mmap_munmap or 0
    unmapped = pages if step.unmap is None else step.unmap
    return _in_units(member, pages, 1, How.FAULT) + _in_units(member, -unmapped, table, How.BULK)


def _runs_of_child(anon: int, swap: int, table: int) -> list[Run]:
    """A child that gets the private pages of its parent's mm and loses them again, a page table at a time."""
    copied = _in_units(MM_ANONPAGES, anon, table, How.BULK) + _in_units(MM_SWAPENTS, swap, table, How.BULK)
    runs = copied + [run._replace(amount=-run.amount) for run in copied]
    return [run._replace(how=How.BULK if at else How.FRESH, in_child=True) for at, run in enumerate(runs)]


def _in_units(member: int, pages: int, unit: int, how: How) -> list[Run]:
    sign = 1 if pages >= 0 else -1
    whole, rest = divmod(abs(pages), unit)
    return [Run(member, sign * unit, whole, how)] * (whole > 0) + [Run(member, sign * rest, 1, how)] * (rest > 0)


def rows_of(workload: Workload) -> int:
    """About how many rows of updates there are, never far too few: what a simulation's time depends on."""
    return sum(process.copies * process.threads * _rows_of_thread(process, workload) for process in workload.processes)


def _rows_of_thread(process: Process, workload: Workload) -> int:
    table = pages_per_table(workload.machine.page_size)
    runs = operations = 0
    held = process.start.anon
    for step in process.do:
        times = step.fork or step.times
        if step.fork:  # of the last round, when it copies the most
            grown = (held - process.start.anon) * (process.rounds - 1)
            once = _runs_of_child(held + grown, process.start.swap, table)
        else:
            once = _runs_of_step(step, table)
            held += sum(run.amount * run.times for run in once if run.member == MM_ANONPAGES) * process.threads
        runs += len(once) * times
        operations += sum(run.times for run in once) * times
    every = process.schedule.every
    moves = 0 if process.schedule.kind == "pinned" else operations * process.rounds // every
    return runs * process.rounds + moves + workload.samples


def operations_of(process: Process, page_size: int) -> int:
    """How many operations each thread of the process does."""
    return sum(times * sum(run.times for run in runs) for runs, times in runs_of(process, page_size))


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
        """The node of each slot: a migration is to another one."""
        span = np.arange(self.decided, int(slots[-1]) + 1, dtype=np.int64)
        moves = (_hash(self.key ^ 0x5DEECE66D, span) >> _U(32)).astype(np.int64) < self.limit
        moves &= span > 0
        steps = moves * (1 + _below(len(self.groups) - 1, _hash(self.key ^ 0xB5026F5AA96619E9, span)))
        groups: Int64s = (self.group + np.concatenate([[0], np.cumsum(steps)])) % len(self.groups)
        found = groups[slots - self.decided + 1]  # the slot before the span may be asked for again
        self.group, self.decided = int(groups[-1]), self.decided + len(span)
        return found


class _Runner:
    """A process's threads as they run their operations, all of them the same one at a time."""

    def __init__(self, workload: Workload, mms: Mms, mm: int, first: int, sample_times: Int64s) -> None:
        process = mms.processes[mm]
        topology = topology_of(workload)
        cpus = range(topology.cpus) if process.cpus is None else process.cpus
        self.mm, self.threads = mm, np.arange(first, first + process.threads, dtype=np.int64)
        self.child = np.array(mms.child, np.int64)[self.threads]
        self.schedulers = [
            Scheduler(process.schedule, cpus, topology, nth, _key(workload.seed, mms.pids[mm], nth))
            for nth in range(process.threads)
        ]
        # Rows are cut where threads are scheduled anew, which pinned ones never are.
        self.every = _NEVER if process.schedule.kind == "pinned" else process.schedule.every
        self.sample_times = sample_times
        self.most = max(16, _BLOCK // len(mms.thread_mm))
        self.pieces = _pieces(process, workload.machine.page_size)
        self.now = self.end = self.done = 0
        self.start = np.zeros(0, np.int64)

    def rows_until(self, until: int) -> Int64s | None:
        """The next rows before `until`, int64[column of Updates, row], of bounded number; None when there are none."""
        if self.done == len(self.start) and not self._fill():
            return None
        done, self.done = self.done, int(np.searchsorted(self.start, until))
        return self.rows[:, done : self.done].reshape(len(self.rows), -1) if done < self.done else None

    def _fill(self) -> bool:
        """Make rows for some time ahead, cut where a run begins, where threads are scheduled anew and at samples."""
        if self.now == self.end:
            piece = next(self.pieces, None)
            if piece is None:
                return False
            self.runs, self.ends = piece, self.now + np.cumsum(piece[2])
            self.starts, self.end = self.ends - piece[2], int(self.ends[-1])
        slot = self.now // self.every
        stop = min(self.end, (slot + self.most) * self.every)
        cuts = [
            [self.now],
            *(
                times[np.searchsorted(times, self.now) : np.searchsorted(times, stop)]
                for times in (self.starts, self.sample_times)
            ),
            np.arange((slot + 1) * self.every, stop, self.every, dtype=np.int64),
        ]
        start = np.concatenate(cuts)
        start.sort(kind="stable")  # merges what is in order already
        start = start[np.diff(start, prepend=-1) > 0]
        if len(start) > self.most:
            start, stop = start[: self.most], int(start[self.most])
        self.start, self.rows, self.done, self.now = start, self._rows(start, stop), 0, stop
        return True

    def _rows(self, start: Int64s, stop: int) -> Int64s:
        """The rows of each start and thread; int64[column of Updates, start, thread]."""
        which = np.searchsorted(self.ends, start, "right")
        member, amount, _, how, in_child = self.runs[:, which, np.newaxis]
        rows = np.empty((len(Updates._fields), len(start), len(self.threads)), np.int64)
        rows[0] = np.where(in_child, self.child, self.mm)
        rows[1] = member
        for nth, scheduler in enumerate(self.schedulers):
            rows[2, :, nth] = scheduler.cpus_at(start // self.every)
        rows[3] = self.threads
        rows[4] = amount
        rows[5] = np.diff(start, append=stop)[:, np.newaxis]
        begun = (start > self.starts[which])[:, np.newaxis]
        rows[6] = np.where(begun & (how == How.FRESH), How.BULK, how)
        rows[7] = np.where(in_child, 1, len(self.threads))  # each thread's children are alone
        return rows


def _pieces(process: Process, page_size: int) -> Iterator[Int64s]:
    """A process's runs, int64[field of Run, run], a bounded number at a time."""
    for runs, times in runs_of(process, page_size):
        once = np.array(runs, np.int64).T
        at_once = _TIMES // max(1, len(runs)) + 1
        for done in range(0, times if runs else 0, at_once):
            yield np.tile(once, min(at_once, times - done))


def topology_of(workload: Workload) -> Topology:
    """The workload's machine as counters see it."""
    return Topology.even(workload.machine.cpus, workload.machine.nodes)


def blocks_of(workload: Workload) -> Iterator[tuple[int | None, Updates]]:
    """The updates in blocks, and the time of the sample that follows a block, if one does.

    Each process's updates are in order of time; those of different processes do not meet in a counter.
    """
    mms = mms_of(workload)
    first = np.cumsum([0, *(process.threads for process in mms.processes)]).tolist()
    times = np.array(sample_times(workload), np.int64)
    runners = [_Runner(workload, mms, mm, first[mm], times) for mm in range(len(mms.processes))]
    for time in times.tolist():
        parts, size = [_NOTHING], 0
        for runner in runners:
            while (rows := runner.rows_until(time)) is not None:
                parts.append(rows)
                size += rows.shape[1]
                if size >= _BLOCK:
                    yield None, Updates(*np.concatenate(parts, axis=1))
                    parts, size = [_NOTHING], 0
        yield time, Updates(*np.concatenate(parts, axis=1))


def sample_times(workload: Workload) -> list[int]:
    """The times at which a watchdog samples, the last one the end: fewer than asked for where there are fewer."""
    total = max(1, *(operations_of(process, workload.machine.page_size) for process in workload.processes))
    return sorted({-(-total * sample // workload.samples) for sample in range(1, workload.samples + 1)})
