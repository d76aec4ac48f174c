"""Two-pass selection: precise sums only for those that could win; v9 to v16 of the counter tree, not merged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import LONG_MAX
from oomsel.kernel.percpu_counter import Accuracy, Int64s, RssStat
from oomsel.kernel.uncertainty import counter_bound

#: max_precise_badness_sums: after so many the second pass takes approximate points as they are.
MAX_PRECISE_SUMS = 16


def accuracy_of(stat: RssStat) -> Accuracy:
    """What one counter of every mm guarantees: percpu_counter's bound, or another design's own."""
    if stat.guarantee is not None:
        return stat.guarantee
    bound = np.full(len(stat.count), counter_bound(stat).worst, np.int64)
    return Accuracy(bound, bound)


class TwoPass(NamedTuple):
    """What the two passes came to."""

    chosen: int  #: index into the candidates
    sums: int  #: tasks whose counters were summed precisely
    limited: bool  #: a task that should have been summed was not, as `MAX_PRECISE_SUMS` were done


def two_pass(approximate: Int64s, precise: Int64s, under: Int64s, over: Int64s) -> TwoPass:
    """The task chosen in two passes over candidates in scan order.

    All are int64[candidate], pages: the points of both reads, and what an approximate score may
    lack or have too much.  The first pass keeps the worst by approximate points; the second sums
    whoever might still beat it, until the limit: from then on an approximate score in range wins.
    """
    points = approximate.tolist()
    chosen = max(range(len(points)), key=lambda task: (points[task], task))  # of equals the last one seen
    if points[chosen] == LONG_MAX:  # oom_task_origin(): chosen outright
        return TwoPass(chosen, 0, limited=False)
    least, slack = points[chosen], int(under[chosen])
    sums, limited = 0, False
    near = np.flatnonzero(approximate + over >= least - slack).tolist()
    # As long as the limit is not reached nobody else comes near.
    for task in near if len(near) <= MAX_PRECISE_SUMS else range(len(points)):
        score = points[task]
        if score + int(over[task]) + slack < least:
            continue
        if sums < MAX_PRECISE_SUMS:
            sums += 1
            exact = int(precise[task])
            if exact + slack < least:
                continue
            chosen, least, slack = task, exact, 0
        else:
            limited = True
            chosen, least, slack = task, score, int(under[task])
    return TwoPass(chosen, sums, limited)
