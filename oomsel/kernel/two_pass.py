"""Two-pass selection: precise sums only for those that could win; v9 to v16 of the counter tree, not merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from oomsel.kernel.badness import LONG_MAX
from oomsel.kernel.percpu_counter import Int64s, RssStat
from oomsel.kernel.system import Indices
from oomsel.kernel.uncertainty import counter_bound

#: max_precise_badness_sums: after so many the second pass takes approximate points as they are.
MAX_PRECISE_SUMS = 16
#: Tasks whose range the second pass checks together.
_STRIDE = 2048


#: Pages: one number for all, or int64 with one for each.
Margin: TypeAlias = int | Int64s


def accuracy_of(stat: RssStat) -> tuple[Margin, Margin]:
    """What one counter guarantees, under and over: percpu_counter's bound for all mms, or another design's for each."""
    if stat.guarantee is not None:
        return stat.guarantee
    bound = counter_bound(stat).worst
    return bound, bound


class TwoPass(NamedTuple):
    """What the two passes came to."""

    chosen: int  #: index into the candidates
    sums: int  #: tasks whose counters were summed precisely
    limited: bool  #: a task that should have been summed was not, as `MAX_PRECISE_SUMS` were done


def two_pass(
    approximate: Int64s, chosen: int, hidden: Callable[[Indices], Int64s], under: Margin, over: Margin
) -> TwoPass:
    """The task chosen in two passes over candidates in scan order.

    Approximate points are int64[candidate], pages; `under` and `over` what one may lack or have too much; `hidden`
    sums the counters of those it is given, and tells what their points lack.  The first pass came to `chosen`, the
    worst by approximate points; the second sums those that might still beat it, until the limit: from then on an
    approximate score in range wins.
    """
    highest, slack = int(approximate[chosen]), _at(under, chosen)
    if highest == LONG_MAX:  # oom_task_origin(): chosen outright
        return TwoPass(chosen, 0, limited=False)
    least, sums = highest, 0
    for block in _in_range(approximate, over, least - slack):
        exact: list[int] = []
        scores = approximate[block]
        for place, (task, score) in enumerate(zip(block.tolist(), scores.tolist(), strict=True)):
            if score + _at(over, task) + slack < least:
                continue
            if sums == MAX_PRECISE_SUMS:
                return TwoPass(_unsummed(approximate, under, over, task, highest), sums, limited=True)
            sums += 1
            exact = exact or (scores + hidden(block)).tolist()  # a call costs more than a few sums too many
            if exact[place] + slack >= least:
                chosen, least, slack = task, exact[place], 0
    return TwoPass(chosen, sums, limited=False)


def _in_range(approximate: Int64s, over: Margin, least: int) -> Iterator[Indices]:
    """The candidates whose score may be `least` or more, in scan order and a few at a time: the limit comes early."""
    for start in range(0, len(approximate), _STRIDE):
        part = slice(start, start + _STRIDE)
        near = start + (approximate[part] >= least - _of(over, part)).nonzero()[0]
        for first in range(0, len(near), MAX_PRECISE_SUMS):
            yield near[first : first + MAX_PRECISE_SUMS]


def _unsummed(approximate: Int64s, under: Margin, over: Margin, chosen: int, highest: int) -> int:
    """The choice that ends what `chosen` began, with no precise sum left: a task in range replaces it."""
    # Candidates within range of the maximum stay in range of any later choice, so the last of them is the first that
    # order can affect.
    rest = slice(chosen, None)
    slack = under if isinstance(under, int) else int(under.min())
    certain = approximate[rest] >= highest - slack - _of(over, rest)
    certain[0] = True
    chosen += len(certain) - 1 - int(certain[::-1].argmax())
    least, slack = int(approximate[chosen]), _at(under, chosen)
    for task, score in enumerate(approximate[chosen + 1 :].tolist(), chosen + 1):
        if score + _at(over, task) + slack >= least:
            chosen, least, slack = task, score, _at(under, task)
    return chosen


def _of(bound: Margin, tasks: slice) -> Margin:
    return bound if isinstance(bound, int) else bound[tasks]


def _at(bound: Margin, task: int) -> int:
    return bound if isinstance(bound, int) else int(bound[task])
