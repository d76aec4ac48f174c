"""Timing honestly: sides that are compared run in turns, so that what disturbs one disturbs the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple


class Times(NamedTuple):
    """Seconds that the runs of one thing took."""

    median: float
    least: float  #: the run that was disturbed least


def in_turns(things: Sequence[Callable[[], Any]], runs: int) -> list[Times]:
    """How long each of `things` takes: one round to warm up, then `runs` rounds of each in turn."""
    taken: list[list[float]] = [[] for _ in things]
    for round_ in range(runs + 1):
        for seconds, thing in zip(taken, things, strict=True):
            start = perf_counter()
            result = thing()
            end = perf_counter()
            del result  # freeing it is not what is measured
            if round_:
                seconds.append(end - start)
    return [Times(median(seconds), min(seconds)) for seconds in taken]
