"""The oom_reaper's look at what a victim left behind; after oom_reap_task_mm() in mm/oom_kill.c."""

from __future__ import annotations

from collections.abc import Callable

from oomsel.kernel.event import Kill, Reaped
from oomsel.kernel.percpu_counter import (
    MM_ANONPAGES,
    MM_FILEPAGES,
    MM_SHMEMPAGES,
    MM_SWAPENTS,
    Int64s,
    RssStat,
    percpu_counter_add_batch,
    percpu_counter_sum_positive,
)
from oomsel.kernel.system import System


def oom_reap_task(system: System, kills: list[Kill], read: Callable[[RssStat], Int64s]) -> tuple[Reaped, ...]:
    """Every mm that the reaper takes, after it: anon and swap are unmapped, file and shmem stay.

    It runs on one CPU, the lowest online one, and its updates go through the batch like any other:
    an approximate read afterwards need not be 0.  A pinned mm is left alone.
    """
    after: dict[int, RssStat] = {}
    reaped = []
    for kill in kills:
        if kill.already_exiting or kill.pinned_by:
            continue
        mm = int(system.tasks.mm[kill.task])
        stat = after.setdefault(mm, system.rss.of([mm]))
        held = percpu_counter_sum_positive(stat)[0]
        for member in (MM_ANONPAGES, MM_SWAPENTS):
            percpu_counter_add_batch(stat, 0, member, min(stat.online), -int(held[member]))
        left = read(stat)[0]
        anon, file, shmem = (int(left[member]) for member in (MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES))
        reaped.append(Reaped(kill.task, anon, file, shmem))
    return tuple(reaped)
