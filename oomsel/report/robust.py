"""Whether a choice depends on what the CPUs have not folded into the global counts: every possible world at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import LONG_MAX, LONG_MIN, oom_badness
from oomsel.kernel.percpu_counter import MM_ANONPAGES, Int64s
from oomsel.report.oom_report import OomReport

#: A `total` is the sum of so many counters, each with leftovers of its own.
_COUNTERS_IN_TOTAL = 3


class Rival(NamedTuple):
    """A task that would be chosen instead if the CPUs held other leftovers; pages of badness."""

    task: int
    at_most: int  #: the rival's badness, should its CPUs hold as much as they can
    at_least: int  #: the chosen one's, should its CPUs hold as little as they can


def possible_counters(report: OomReport) -> tuple[Int64s, Int64s]:
    """The least and the most that each counter can truly be, given its global count; int64[mm, member], pages.

    Every online or dying CPU may hold up to batch - 1 pages either way, or what the scenario says it holds.
    """
    stat = report.system.rss
    spread = np.full_like(stat.count, len(stat.online | stat.dying) * (stat.batch - 1))
    spread[report.system.rss_is_one_number, MM_ANONPAGES] *= _COUNTERS_IN_TOTAL
    low = np.minimum(stat.count - spread, report.precise)
    high = np.maximum(stat.count + spread, report.precise)
    return np.maximum(low, 0), np.maximum(high, 0)


def rival(report: OomReport) -> Rival | None:
    """The strongest task that could be chosen in the place of the report's, or None where nothing could change it."""
    chosen = report.chosen
    if chosen is None or report.allocating_task or report.points[chosen] == LONG_MAX:
        return None  # no counter was asked
    system = report.system
    low, high = possible_counters(report)
    least = int(oom_badness(system, low, report.totalpages)[chosen])
    most = oom_badness(system, high, report.totalpages)
    order = report.shown[report.points[report.shown] != LONG_MIN]
    after = np.arange(len(order)) > np.flatnonzero(order == chosen)[0]
    # Whoever shares the mm moves with it; of equals the later one is chosen.
    others = system.tasks.mm[order] != system.tasks.mm[chosen]
    beats = others & ((most[order] > least) | ((most[order] == least) & after))
    if not beats.any():
        return None
    worst = int(order[beats][np.argmax(most[order[beats]])])
    return Rival(worst, int(most[worst]), least)
