"""Per-thread caches, Linux 2.6.34 to 6.1: SPLIT_RSS_COUNTING (mm/memory.c), 34e55232e59f."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oomsel.kernel.designs.base import NR_MM_COUNTERS, Accuracy, Costs, Design, How, Topology, Updates
from oomsel.kernel.designs.compiled import Loop
from oomsel.kernel.percpu_counter import Int64s
from oomsel.kernel.system import Bools

#: A cache may see so many page faults; the next one folds it first.
FAULTS = 65


def _replay(  # noqa: PLR0915 - one compiled loop
    mms,
    member,
    thread,
    amount,
    repeat,
    how,
    lockstep,
    count,
    cached,
    events,
    owner,
    folds,
    atomics,
    updates,
    lacks,
    under,
    over,
):
    def add(i, left):
        mm = mms[i]
        t = thread[i]
        kind = how[i]
        step = amount[i]
        rss = 0 if member[i] == 2 else 1  # MM_SWAPENTS is no part of it
        updates[mm] += left
        if kind == 4:  # How.FRESH
            for j in range(4 * mm, 4 * mm + 4):
                count[j] = 0
            lacks[mm] = 0
        first = True
        while left > 0:
            sync = kind >= 3 and first
            adds = left
            if kind <= 1:  # a fault: How.FAULT, How.HUGE
                sync = events[t] == 65
                adds = 1 if sync else min(left, 65 - events[t])
            first = False
            if sync:
                mine = owner[t]
                moved = 0
                for j in range(4):
                    pages = cached[4 * t + j]
                    if pages != 0:
                        count[4 * mine + j] += pages
                        cached[4 * t + j] = 0
                        moved = 1
                        atomics[mine] += 1
                        if j != 2:
                            lacks[mine] -= pages
                folds[mine] += moved
                events[t] = 0
            elif kind <= 1:
                events[t] += adds
            if kind in (0, 2):  # How.FAULT, How.INSERT: into the cache
                cached[4 * t + member[i]] += adds * step
                lacks[mm] += rss * adds * step
            else:  # straight to the mm
                count[4 * mm + member[i]] += adds * step
                atomics[mm] += adds
            left -= adds
            under[mm] = max(under[mm], lacks[mm])
            over[mm] = max(over[mm], -lacks[mm])

    def quiet(first, after, most):
        """So many rounds until one in which a fault folds: till then their order does not matter."""
        if how[first] <= 1:
            for i in range(first, after):
                most = min(most, 65 - events[thread[i]])
        return most

    after = 0
    for i in range(len(mms)):
        if lockstep[i] == 1:
            add(i, repeat[i])
        elif i >= after:
            after = i + lockstep[i]
            todo = repeat[i]
            while todo > 0:
                rounds = max(1, quiet(i, after, todo))
                for j in range(i, after):
                    add(j, rounds)
                todo -= rounds


_replay_split = Loop(_replay)


class Split(Design):
    """Each thread caches what its page faults count, and folds it at the start of the 66th.

    Bulk updates fold first and go straight to the mm.  Nothing sums the caches: an approximate
    read is all there is, and what the caches hold (`held`) only the simulation knows.
    """

    name = "split"
    since = "Linux 2.6.34 to 6.1"
    has_precise_read = False

    def __init__(self, topology: Topology, mms: int = 1, thread_mm: Sequence[int] = (0,)) -> None:
        super().__init__(topology, mms, thread_mm)
        self.cached = np.zeros(len(thread_mm) * NR_MM_COUNTERS, np.int64)
        self.events = np.zeros(len(thread_mm), np.int64)
        self._most = np.ones(mms * NR_MM_COUNTERS, np.int64)  # pages of a fault
        self._inserts = False

    def replay(self, updates: Updates) -> None:
        faults = updates.how == How.FAULT
        counter = updates.mm[faults] * NR_MM_COUNTERS + updates.member[faults]
        np.maximum.at(self._most, counter, np.abs(updates.amount[faults]))
        self._inserts |= bool((updates.how == How.INSERT).any())
        _replay_split(
            *updates.at(updates.thread),
            self.count,
            self.cached,
            self.events,
            self.thread_mm,
            self.folds,
            self.atomics,
            *self._tallies(),
        )

    def held(self) -> Int64s:
        total = np.zeros((self.mms, NR_MM_COUNTERS), np.int64)
        np.add.at(total, self.thread_mm, self.cached.reshape(-1, NR_MM_COUNTERS))
        return total

    def accuracy(self) -> Accuracy | None:
        return self._bound(self._most.reshape(-1, NR_MM_COUNTERS).max(axis=1))

    def bound(self, used: Bools) -> Accuracy | None:
        return self._bound(
            (used * self._most.reshape(-1, NR_MM_COUNTERS)).sum(axis=1)
        )  # only file pages come many at a fault

    def _bound(self, most: Int64s) -> Accuracy | None:
        if self._inserts:  # what counts without a fault never makes a cache fold
            return None
        pages = (FAULTS + 1) * np.bincount(self.thread_mm, minlength=self.mms) * most
        return Accuracy(pages, pages)

    def costs(self, mm: int) -> Costs:
        return Costs(atomics=int(self.atomics[mm]))

    def sum_costs(self) -> Costs:
        return Costs()
