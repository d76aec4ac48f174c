"""`oomsel bench`: what a choice costs here, beside what the kernel's own costs.

Measured is out_of_memory() on a machine in memory, from the failed allocation to the victim,
without reading a file or printing a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from oomsel.booting import boot
from oomsel.kernel.oom_kill import READS, out_of_memory
from oomsel.kernel.system import System
from oomsel.study.generate import Recipe, generate

#: Milliseconds that select_bad_process() takes in Linux on two AMD EPYC 9654, a KVM guest of 256 CPUs,
#: as the mails have them that brought the precise sums and the choice in two passes; by tasks, CPUs and mode.
KERNEL_MS = {
    (40, 256, "approximate"): 0.3,
    (40, 256, "precise"): 0.5,
    (40, 256, "two-pass"): 0.3,
    (10_000, 256, "approximate"): 3.0,
    (10_000, 256, "precise"): 80.0,
    (10_000, 256, "two-pass"): 7.9,
}
#: The shapes of the mail's table.
TASKS, CPUS = (40, 10_000), (256,)


class Measured(NamedTuple):
    """A choice among so many tasks in one mode."""

    tasks: int
    cpus: int
    mode: str
    median: float  #: seconds
    floor: float  #: seconds: reading every counter once
    kernel_ms: float | None


def read_once(system: System) -> Any:
    """The floor: one pass over every CPU's counters, in the way NumPy does it by default."""
    return system.rss.percpu.sum(axis=-1)


def measure(tasks: Iterable[int], cpus: Iterable[int], runs: int) -> Iterator[Measured]:
    """Every mode on every shape, the shapes in order, the modes of one in turns."""
    for width, number in product(cpus, tasks):
        system, oc, *_ = boot(generate(Recipe(tasks=number, cpus=width, seed=1)))
        # The floor is measured apart: whatever came after it in turns would pay for the caches that it empties.
        (floor,) = medians_in_turns([partial(read_once, system)], runs)
        times = medians_in_turns([partial(out_of_memory, system, oc, mode) for mode in READS], runs)
        for mode, seconds in zip(READS, times, strict=True):
            yield Measured(number, width, mode, seconds, floor, KERNEL_MS.get((number, width, mode)))


def medians_in_turns(things: Sequence[Callable[[], Any]], runs: int) -> list[float]:
    """The median of the seconds that each of `things` takes: a round to warm up, then `runs` rounds of each in turn."""
    taken: list[list[float]] = [[] for _ in things]
    for round_ in range(runs + 1):
        for seconds, thing in zip(taken, things, strict=True):
            start = perf_counter()
            result = thing()
            end = perf_counter()
            del result  # freeing it is not what is measured
            if round_:
                seconds.append(end - start)
    return [median(seconds) for seconds in taken]


def bench_object(rows: list[Measured]) -> dict[str, Any]:
    """The measurements as plain data; `floor_ms` beside the rows is that of the largest state."""
    largest = max(rows, key=lambda row: row.tasks * row.cpus)
    return {
        "oomsel_bench": 1,
        "floor_ms": _ms(largest.floor),
        "rows": [
            {
                "tasks": row.tasks,
                "cpus": row.cpus,
                "mode": row.mode,
                "median_ms": _ms(row.median),
                "floor_ms": _ms(row.floor),
                "kernel_ms": row.kernel_ms,
            }
            for row in rows
        ],
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 4)


HEADER = "    tasks  cpus  mode              oomsel     kernel   one read   oomsel / read"
FOOTER = (
    "oomsel: the median from allocation to victim, in memory. kernel: on two EPYC",
    "9654, as its mails have it. one read: one pass over every CPU's counters.",
)


def bench_line(row: Measured) -> str:
    """A line for a person."""
    kernel = "-" if row.kernel_ms is None else f"{row.kernel_ms:.1f} ms"
    return (
        f"{row.tasks:9}  {row.cpus:4}  {row.mode:<12}{row.median * 1e3:9.3f} ms {kernel:>10}"
        f"{row.floor * 1e3:8.3f} ms {row.median / row.floor:15.2f}"
    )
