"""What a trace of updates tells of one mm's counters: sizes for certain, what each CPU holds exactly or as a set.

A slot that is not known is the set of all it may hold, an int with bit v + batch - 1 set for the
value v.  Every update moves all of them at once, and what reaches the batch folds to 0, so that
sets only ever shrink.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from oomsel.kernel.percpu_counter import NR_MM_COUNTERS

#: The smallest and the largest that something may be, pages.
Range = tuple[int, int]


class Batch(NamedTuple):
    """percpu_counter_batch, and the sets of values that a slot below it may hold."""

    pages: int

    @property
    def anything(self) -> int:
        """The set of every value that percpu_counter_add_batch() can leave in a slot."""
        return (1 << (2 * self.pages - 1)) - 1

    def range_of(self, values: int) -> Range:
        """The ends of a set."""
        return (values & -values).bit_length() - self.pages, values.bit_length() - self.pages

    def add(self, values: int, amounts: Iterable[int]) -> int:
        """The set after so many adds."""
        anything, zero = self.anything, 1 << (self.pages - 1)
        most = 2 * self.pages  # so much folds whatever a slot holds
        for amount in amounts:
            if amount >= 0:
                moved = values << min(amount, most)
                inside = moved & anything
                values = inside if inside == moved else inside | zero
            else:
                moved = values >> -amount
                values = moved if moved << -amount == values else moved | zero
        return values


class TracedCounter:
    """One counter of an mm; pages."""

    __slots__ = ("sets", "size", "slots", "unknown")

    def __init__(self, *, is_new: bool) -> None:
        self.size: int | None = 0 if is_new else None  #: the precise sum; None where no event has said it
        self.slots: dict[int, int] = {}  #: by CPU, where it is known
        self.sets: dict[int, int] = {}  #: by CPU, where more than one value is possible
        self.unknown = not is_new  #: whether the other CPUs hold anything, or 0

    def is_exact(self, cpus: int) -> bool:
        """Whether it is known what each of so many CPUs holds."""
        return not self.sets and (not self.unknown or len(self.slots) >= cpus)

    def add(self, batch: Batch, cpu: int, amounts: Sequence[int]) -> None:
        """Some adds of one CPU; percpu_counter_add_batch()."""
        values = self.sets.get(cpu)
        if values is None and self.unknown and cpu not in self.slots:
            values = batch.anything
        if values is not None:
            values = batch.add(values, amounts)
            if values & (values - 1):
                self.sets[cpu] = values
            else:
                self.sets.pop(cpu, None)
                self.slots[cpu] = batch.range_of(values)[0]
            return
        most, least = batch.pages, -batch.pages
        held = self.slots.get(cpu, 0)
        for amount in amounts:
            held += amount
            if held >= most or held <= least:
                held = 0
        self.slots[cpu] = held

    def forget(self, batch: Batch, cpu: int | None) -> None:
        """Nothing is known any more of what a CPU holds, or any of them."""
        if cpu is None:
            self.slots.clear()
            self.sets.clear()
            self.unknown = True
        else:
            self.slots.pop(cpu, None)
            self.sets[cpu] = batch.anything

    def held(self, batch: Batch, cpus: int) -> Range:
        """What all CPUs together hold that is not in the count."""
        low = high = sum(self.slots.values())
        for values in self.sets.values():
            least, most = batch.range_of(values)
            low, high = low + least, high + most
        if self.unknown:
            others = max(cpus - len(self.slots) - len(self.sets), 0) * (batch.pages - 1)
            low, high = low - others, high + others
        return low, high

    def read(self, batch: Batch, cpus: int) -> Range | None:
        """What percpu_counter_read_positive() gives; None where the sum is not known."""
        if self.size is None:
            return None
        low, high = self.held(batch, cpus)
        return max(self.size - high, 0), max(self.size - low, 0)


class TracedMm:
    """An mm, from the first event that the trace has of it."""

    __slots__ = ("comm", "counters", "is_lossy", "is_new", "mm_id", "pid", "seen")

    def __init__(self, mm_id: int, *, is_new: bool) -> None:
        self.mm_id = mm_id
        self.is_new = is_new  #: whether the trace has all its events, so that every slot is known
        self.is_lossy = False  #: whether some of its events may be lost
        self.pid: int | None = None  #: the lowest of the tasks that it was current's mm of
        self.comm = b""
        self.seen = 0  #: nanoseconds of its last event
        self.counters = [TracedCounter(is_new=is_new) for _ in range(NR_MM_COUNTERS)]

    @property
    def is_over(self) -> bool:
        """Whether its last page is gone: it was torn down, and its next event is another mm's."""
        sizes = [counter.size for counter in self.counters]
        return not any(sizes) and sizes[0] is not None and sizes[1] is not None

    def is_exact(self, cpus: int) -> bool:
        """Whether it is known what each of so many CPUs holds of the counters that an event has told."""
        return all(counter.is_exact(cpus) for counter in self.counters if counter.size is not None)

    def lose(self, batch: Batch, cpu: int | None) -> None:
        """Events of a CPU, or of any, may be lost: the next event tells the size again, but not that CPU's part."""
        self.is_lossy = True
        for counter in self.counters:
            counter.size = None
            counter.forget(batch, cpu)
