"""Whether a choice depends on what the CPUs have not folded into the global counts: every possible world at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import LONG_MAX, LONG_MIN
from oomsel.kernel.event import OomReport
from oomsel.kernel.uncertainty import badness_interval


class Rival(NamedTuple):
    """A task that would be chosen instead if the CPUs held other leftovers; pages of badness."""

    task: int
    at_most: int  #: the rival's badness, should its CPUs hold as much as they can
    at_least: int  #: the chosen one's, should its CPUs hold as little as they can


def rival(report: OomReport) -> Rival | None:
    """The strongest task that could be chosen in the place of the report's, or None where nothing could change it."""
    chosen = report.chosen
    if chosen is None or report.allocating_task or report.points[chosen] == LONG_MAX:
        return None  # no counter was asked
    system = report.system
    interval = badness_interval(system, report.points, report.totalpages)
    least, most = int(interval.low[chosen]), interval.high
    order = report.shown[report.points[report.shown] != LONG_MIN]
    after = np.arange(len(order)) > np.flatnonzero(order == chosen)[0]
    # Whoever shares the mm moves with it; of equals the later one is chosen.
    others = system.tasks.mm[order] != system.tasks.mm[chosen]
    beats = others & ((most[order] > least) | ((most[order] == least) & after))
    if not beats.any():
        return None
    worst = int(order[beats][np.argmax(most[order[beats]])])
    return Rival(worst, int(most[worst]), least)
