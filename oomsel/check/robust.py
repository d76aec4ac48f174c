"""Whether a choice depends on what the CPUs hold that is not in the global counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import LONG_MAX
from oomsel.kernel.event import OomReport
from oomsel.kernel.uncertainty import badness_interval, possible_victims


class Rival(NamedTuple):
    """A task that would be chosen instead if the CPUs held something else; pages of badness."""

    task: int
    at_most: int  #: the rival's badness, if its CPUs hold as much as they can
    at_least: int  #: the chosen one's, if its CPUs hold as little as they can


def rival(report: OomReport) -> Rival | None:
    """The strongest of the other tasks that could be chosen, or None where the choice is certain."""
    chosen = report.chosen
    if chosen is None or report.allocating_task or report.points[chosen] == LONG_MAX:
        return None  # the counters did not matter
    interval = badness_interval(report.system, report.points, report.totalpages)
    could = possible_victims(report.system, report.points, interval, report.shown)
    could[chosen] = False
    others = report.shown[could[report.shown]]
    if not len(others):
        return None
    strongest = int(others[np.argmax(interval.high[others])])
    return Rival(strongest, int(interval.high[strongest]), int(interval.low[chosen]))
