"""What every design of an RSS counter can do: add, read, sum precisely, say what it guarantees and what it costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar, NamedTuple

import numpy as np

from oomsel.kernel.percpu_counter import NR_MM_COUNTERS, Accuracy, Int64s
from oomsel.kernel.system import Bools


class How(IntEnum):
    """By what path of the kernel an update comes; a design that does not care ignores it."""

    FAULT = 0  #: a page fault that counts what it mapped
    HUGE = 1  #: a page fault that maps a huge page
    INSERT = 2  #: vm_insert_page(): counted without a fault
    BULK = 3  #: unmapping, or fork's copy: once a page table
    FRESH = 4  #: as BULK, the first of a new mm: its counters start from 0


class Topology(NamedTuple):
    """The machine as counters see it; all CPUs are possible and online."""

    cpus: int
    node_of: tuple[int, ...]  #: a CPU's NUMA node
    arity: tuple[int, ...] | None = None  #: percpu_counter_tree.arity, the tree's fan-outs; None for its default

    @classmethod
    def even(cls, cpus: int, nodes: int = 1) -> Topology:
        """`cpus` CPUs in `nodes` equal blocks.

        >>> Topology.even(4, 2).node_of
        (0, 0, 1, 1)
        """
        return cls(cpus, tuple(cpu * nodes // cpus for cpu in range(cpus)))

    @property
    def nodes(self) -> int:
        return max(self.node_of) + 1


class Updates(NamedTuple):
    """Counter updates in order, in columns of int64; each stands for `repeat` equal ones after another.

    Where `lockstep` is N, this row and the next N - 1 are done in turn, one update of each at a time; they are of
    different threads, and alike in all but CPU and thread.  Such a row is no `How.FRESH`.
    """

    mm: Int64s
    member: Int64s
    cpu: Int64s
    thread: Int64s
    amount: Int64s  #: pages, signed
    repeat: Int64s
    how: Int64s  #: a `How`
    lockstep: Int64s  #: rows

    def at(self, place: Int64s) -> tuple[Int64s, ...]:
        """The columns as every loop takes them, with `place`, where an update is held first, for CPU and thread."""
        return self.mm, self.member, place, self.amount, self.repeat, self.how, self.lockstep


class Costs(NamedTuple):
    """What can be counted of an operation's price."""

    atomics: int = 0  #: locked read-modify-writes
    locks: int = 0  #: spinlocks taken
    remote_lines: int = 0  #: other CPUs' cache lines read


class Design(ABC):
    """The RSS counters of `mms` processes.

    `thread_mm` says whose each thread is.  All state is int64, flat: counter `mm * 4 + member`.
    """

    name: ClassVar[str]
    since: ClassVar[str]  #: where it is or was used
    has_precise_read: ClassVar[bool] = True

    def __init__(self, topology: Topology, mms: int = 1, thread_mm: Sequence[int] = (0,)) -> None:
        self.topology = topology
        self.mms = mms
        self.thread_mm = np.array(thread_mm, np.int64)
        self.count = np.zeros(mms * NR_MM_COUNTERS, np.int64)  #: what an approximate read sees
        self.start = np.zeros((mms, NR_MM_COUNTERS), np.int64)  #: pages from before, counted exactly
        self.updates = np.zeros(mms, np.int64)  #: adds; [mm]
        self.folds = np.zeros(mms, np.int64)  #: times something left its private place; [mm]
        self.atomics = np.zeros(mms, np.int64)  #: those the replay counts; [mm]
        #: Pages of RSS that an unclamped approximate read lacks, now and at most; negative is too many; [mm]
        self.lacks = np.zeros(mms, np.int64)
        self.most_under = np.zeros(mms, np.int64)
        self.most_over = np.zeros(mms, np.int64)

    @abstractmethod
    def replay(self, updates: Updates) -> None:
        """Add all of `updates` in their order."""

    @abstractmethod
    def held(self) -> Int64s:
        """Pages that are not in the count yet; int64[mm, member]."""

    def read(self) -> Int64s:
        """The approximate read, not clamped; int64[mm, member], pages."""
        return self.count.reshape(self.mms, NR_MM_COUNTERS) + self.start

    def summed(self) -> Int64s:
        """The precise sum, not clamped; int64[mm, member], pages."""
        return self.read() + self.held()

    def as_percpu(self) -> tuple[Int64s, int]:
        """Slots, int64[mm, member, CPU], and the batch with which per-CPU counters would read the same.

        By default a few CPUs hold all that is not in the count, and the batch bounds it as the design
        does, or by less than a page a CPU more.
        """
        held, accuracy = self.held(), self.accuracy()
        most = int(np.abs(held).max()) if accuracy is None else int(max(accuracy.under.max(), accuracy.over.max()))
        share = -(-most // self.topology.cpus)
        before = share * np.arange(self.topology.cpus)
        slots = np.abs(held)[:, :, np.newaxis] - before
        slots = np.clip(slots, 0, share, out=slots)
        slots *= np.sign(held)[:, :, np.newaxis]
        return slots, share + 1

    @abstractmethod
    def accuracy(self) -> Accuracy | None:
        """The bound of one counter of each mm, the widest; None where there is none."""

    def bound(self, used: Bools) -> Accuracy | None:
        """The bound of each mm's counters `used`, bool[mm, member], together; None where there is none."""
        accuracy, counters = self.accuracy(), used.sum(axis=1)
        return None if accuracy is None else Accuracy(counters * accuracy.under, counters * accuracy.over)

    @abstractmethod
    def costs(self, mm: int) -> Costs:
        """What all updates of one mm have cost."""

    @abstractmethod
    def sum_costs(self) -> Costs:
        """What one precise sum of one counter costs."""

    def _tallies(self) -> tuple[Int64s, ...]:
        """What every loop keeps, in the order of its last arguments."""
        return self.updates, self.lacks, self.most_under, self.most_over


__all__ = ["NR_MM_COUNTERS", "Accuracy", "Costs", "Design", "How", "Topology", "Updates"]
