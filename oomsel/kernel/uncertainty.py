"""How far an approximate read can be from the truth, and whom the OOM killer could rightfully have chosen.

After percpu_counter_add_batch() (Linux 6.2 to 7.3): no CPU holds the batch or more, so a count
is off by at most batch - 1 pages for each CPU that may hold something.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import LONG_MAX, LONG_MIN, page_tables, points_of
from oomsel.kernel.percpu_counter import (
    MM_ANONPAGES,
    MM_FILEPAGES,
    MM_SHMEMPAGES,
    Int64s,
    RssStat,
)
from oomsel.kernel.system import Bools, Indices, System


class Bound(NamedTuple):
    """What one counter of one mm can hide; pages."""

    cpus: int  #: that may hold something: online and dying ones
    per_cpu: int  #: the most that one of them holds, batch - 1

    @property
    def worst(self) -> int:
        """The largest error of a counter, either way."""
        return self.cpus * self.per_cpu

    @property
    def deviation(self) -> float:
        """The standard deviation of a counter, if every CPU holds a uniform leftover."""
        return math.sqrt(self.cpus * self.per_cpu * (self.per_cpu + 1) / 3)  # of 2 * per_cpu + 1 values

    def likely(self, counters: int) -> float:
        """The standard deviation of so many counters' sum."""
        return self.deviation * math.sqrt(counters)


def counter_bound(stat: RssStat) -> Bound:
    """The bound that percpu_counter guarantees; nothing where counters are exact.

    A slot left over from a larger batch may exceed the present one: then what it holds is the bound.
    """
    return Bound(cpus=len(stat.online) + len(stat.dying), per_cpu=max(stat.batch - 1, stat.bound))


class Interval(NamedTuple):
    """Between what two badnesses each task's true one lies; int64[task], pages; LONG_MIN where it may not be killed."""

    low: Int64s
    high: Int64s


def badness_interval(system: System, points: Int64s, totalpages: int) -> Interval:
    """The interval of every task's true badness, knowing only the global counts; `points` says who may be killed."""
    worst = counter_bound(system.rss).worst
    ends = []
    for error in (-worst, worst):
        # A count that stands for three counters is off by up to three bounds; the other two are 0 then.
        parts = np.where(system.rss_is_one_number, 3 * error, error)
        shifted = system.rss.count + error
        shifted[:, MM_ANONPAGES] = system.rss.count[:, MM_ANONPAGES] + parts
        for member in (MM_FILEPAGES, MM_SHMEMPAGES):
            shifted[system.rss_is_one_number, member] = 0
        end = points_of(system, np.maximum(shifted, 0).sum(axis=1) + page_tables(system), totalpages)
        fixed = (points == LONG_MIN) | (points == LONG_MAX)
        ends.append(np.where(fixed, points, end))
    return Interval(*ends)


def possible_victims(system: System, points: Int64s, interval: Interval, scan: Indices) -> Bools:
    """Whom the scan could choose if it knew the truth, whatever that is within the intervals; bool[task].

    A task can win where its highest badness is not below the lowest of any before it in the
    scan, and above that of every one after it, as of equals the last one wins.
    """
    can_win = np.zeros(len(system.tasks), np.bool_)
    candidates = scan[points[scan] != LONG_MIN]
    if not len(candidates):
        return can_win
    low, high = interval.low[candidates], interval.high[candidates]
    least = np.full(1, LONG_MIN, np.int64)
    before = np.concatenate((least, np.maximum.accumulate(low)[:-1]))
    after = np.concatenate((np.maximum.accumulate(low[::-1])[::-1][1:], least))
    beaten = (high < before) | ((high <= after) & (after != LONG_MIN))
    can_win[candidates] = ~beaten
    for task in _sharers(system, candidates):
        # Whoever shares an mm has the same truth: only what they do not share decides between them.
        others = candidates[system.tasks.mm[candidates] == system.tasks.mm[task]]
        place = int(np.flatnonzero(others == task)[0])
        if (points[others[:place]] > points[task]).any() or (points[others[place + 1 :]] >= points[task]).any():
            can_win[task] = False
    return can_win


def _sharers(system: System, candidates: Indices) -> list[int]:
    mm = system.tasks.mm[candidates]
    shared = np.bincount(mm, minlength=len(system.total_vm)) > 1
    sharers: list[int] = candidates[shared[mm]].tolist()
    return sharers
