"""Two-pass selection: precise sums only for those that could win; v9 to v16 of the counter tree, not merged."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import LONG_MAX
from oomsel.kernel.percpu_counter import Accuracy, Int64s, RssStat
from oomsel.kernel.uncertainty import counter_bound

#: max_precise_badness_sums: after so many the second pass takes approximate points as they are.
MAX_PRECISE_SUMS = 16


def accuracy_of(stat: RssStat) -> Accuracy:
    """What one counter guarantees: of any mm percpu_counter's bound (without an axis), or of each another design's."""
    if stat.guarantee is not None:
        return stat.guarantee
    bound = np.array(counter_bound(stat).worst, np.int64)
    return Accuracy(bound, bound)


class TwoPass(NamedTuple):
    """What the two passes came to."""

    chosen: int  #: index into the candidates
    sums: int  #: tasks whose counters were summed precisely
    limited: bool  #: a task that should have been summed was not, as `MAX_PRECISE_SUMS` were done


def two_pass(approximate: Int64s, precise: Callable[[int], int], under: Int64s, over: Int64s) -> TwoPass:
    """The task chosen in two passes over candidates in scan order.

    Approximate points, and what one may lack or have too much, are int64[candidate], pages;
    `precise` sums one candidate's counters.  The first pass keeps the worst by approximate points; the second sums
    whoever might still beat it, until the limit: from then on an approximate score in range wins.
    """
    chosen = int(np.flatnonzero(approximate == approximate.max())[-1])  # of equals the last one seen
    least, slack = int(approximate[chosen]), int(under[chosen])
    if least == LONG_MAX:  # oom_task_origin(): chosen outright
        return TwoPass(chosen, 0, limited=False)
    sums = 0
    # As long as the limit is not reached nobody else comes near.
    near = np.flatnonzero(approximate + over >= least - slack)
    for task in near.tolist() if len(near) <= MAX_PRECISE_SUMS else range(len(approximate)):
        if int(approximate[task]) + int(over[task]) + slack < least:
            continue
        if sums == MAX_PRECISE_SUMS:
            return TwoPass(_unsummed(approximate, under, over, chosen, task, least, slack), sums, limited=True)
        sums += 1
        exact = precise(task)
        if exact + slack >= least:
            chosen, least, slack = task, exact, 0
    return TwoPass(chosen, sums, limited=False)


def _unsummed(approximate: Int64s, under: Int64s, over: Int64s, chosen: int, start: int, least: int, slack: int) -> int:
    """The choice from `start` on, with no precise sum left: whoever is in range replaces it."""
    rest = slice(start, None)
    # In range however the ones before it came out; the last such one is where the answer begins.
    certain = approximate[rest] + over[rest] + min(slack, int(under[rest].min())) >= max(
        least, int(approximate[rest].max())
    )
    if certain.any():
        chosen = start + int(np.flatnonzero(certain)[-1])
        least, slack = int(approximate[chosen]), int(under[chosen])
        start = chosen + 1
    for task in range(start, len(approximate)):
        if int(approximate[task]) + int(over[task]) + slack >= least:
            chosen, least, slack = task, int(approximate[task]), int(under[task])
    return chosen
