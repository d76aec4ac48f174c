"""How far an approximate read can be from the truth, and which tasks could be the true choice.

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
    MM_SWAPENTS,
    Int64s,
    RssStat,
)
from oomsel.kernel.system import Bools, Indices, System


class Bound(NamedTuple):
    """How far off one counter of one mm can be; pages."""

    cpus: int  #: whose slots may hold something: online and dying ones
    per_cpu: int  #: the most that one of them holds, batch - 1

    @property
    def worst(self) -> int:
        """The largest error of a counter, either way."""
        return self.cpus * self.per_cpu

    @property
    def deviation(self) -> float:
        """The standard deviation of a counter's error, if every CPU's slot is uniformly distributed."""
        return math.sqrt(self.cpus * self.per_cpu * (self.per_cpu + 1) / 3)  # of 2 * per_cpu + 1 values

    def likely(self, counters: int) -> float:
        """The standard deviation of the sum of so many counters."""
        return self.deviation * math.sqrt(counters)


def counter_bound(stat: RssStat) -> Bound:
    """The bound that percpu_counter guarantees; 0 where counters are exact.

    A slot filled under a larger batch may exceed the present one; then its content is the bound.
    """
    return Bound(cpus=len(stat.online) + len(stat.dying), per_cpu=max(stat.batch - 1, stat.bound))


class Interval(NamedTuple):
    """The lowest and the highest that each task's true badness can be; int64[task], pages; LONG_MIN if ineligible."""

    low: Int64s
    high: Int64s


def badness_interval(system: System, points: Int64s, totalpages: int, *, has_swap: bool = True) -> Interval:
    """Between what every task's true badness lies, if only the global counts are known.

    `points` says who may be killed; without swap on the machine MM_SWAPENTS is exact.
    """
    worst = counter_bound(system.rss).worst
    one_number = system.rss_is_one_number
    ends = []
    for error in (-worst, worst):
        shifted = system.rss.count + error
        # A count that stands for three counters is off by up to three times as much; the other two are 0 then.
        shifted[one_number, MM_ANONPAGES] += 2 * error
        for member in (MM_FILEPAGES, MM_SHMEMPAGES):
            shifted[one_number, member] = 0
        if not has_swap:
            shifted[:, MM_SWAPENTS] -= error
        end = points_of(system, np.maximum(shifted, 0).sum(axis=1) + page_tables(system), totalpages)
        fixed = (points == LONG_MIN) | (points == LONG_MAX)
        ends.append(np.where(fixed, points, end))
    return Interval(*ends)


def possible_victims(system: System, points: Int64s, interval: Interval, scan: Indices) -> Bools:
    """Which tasks can be chosen, given true badnesses anywhere within the intervals; bool[task].

    A task can win if its highest badness is at least the lowest of each task before it in the
    scan, and above the lowest of each after it: of equals the last one wins (before 5.3 the first).
    """
    can_win = np.zeros(len(system.tasks), np.bool_)
    candidates = scan[points[scan] != LONG_MIN]
    if not len(candidates):
        return can_win
    if not system.last_wins:
        candidates = candidates[::-1]
    low, high = interval.low[candidates], interval.high[candidates]
    least = np.full(1, LONG_MIN, np.int64)
    before = np.concatenate((least, np.maximum.accumulate(low)[:-1]))
    after = np.concatenate((np.maximum.accumulate(low[::-1])[::-1][1:], least))
    beaten = (high < before) | ((high <= after) & (after != LONG_MIN))
    can_win[candidates] = ~beaten & _leads_its_mm(system, candidates, points)
    return can_win


def _leads_its_mm(system: System, candidates: Indices, points: Int64s) -> Bools:
    """Whether a candidate beats all that share its mm: they have equal RSS; only adj and scan order separate them."""
    leads = np.ones(len(candidates), np.bool_)
    if not system.tasks.have_own_mms():
        mm = system.tasks.mm[candidates]
        order = np.lexsort((np.arange(len(candidates)), points[candidates], mm))  # the last of each mm leads it
        leads[order[:-1]] = mm[order[:-1]] != mm[order[1:]]
    return leads
