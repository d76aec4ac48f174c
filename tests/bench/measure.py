"""Timing honestly: sides that are compared run in turns, so that what disturbs one disturbs the other."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple


class Times(NamedTuple):
    """Seconds that the runs of one thing took."""

    median: float
    least: float  #: the run that was disturbed least
    cpu: float  #: the median of the user and system time, of this process and of those that it waited for


def in_turns(things: Sequence[Callable[[], Any]], runs: int) -> list[Times]:
    """How long each of `things` takes: one round to warm up, then `runs` rounds of each in turn."""
    walls: list[list[float]] = [[] for _ in things]
    cpus: list[list[float]] = [[] for _ in things]
    for round_ in range(runs + 1):
        for wall, cpu, thing in zip(walls, cpus, things, strict=True):
            cpu_start, start = _cpu_seconds(), perf_counter()
            result = thing()
            end, cpu_end = perf_counter(), _cpu_seconds()
            del result  # freeing it is not what is measured
            if round_:
                wall.append(end - start)
                cpu.append(cpu_end - cpu_start)
    return [Times(median(wall), min(wall), median(cpu)) for wall, cpu in zip(walls, cpus, strict=True)]


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
