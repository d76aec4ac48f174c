"""What the oom_reaper frees of a victim's mm, and what is left; after oom_reap_task_mm() in mm/oom_kill.c."""

from __future__ import annotations

from collections.abc import Callable

from oomsel.kernel.event import Reaped
from oomsel.kernel.percpu_counter import (
    MM_ANONPAGES,
    MM_FILEPAGES,
    MM_SHMEMPAGES,
    NR_MM_COUNTERS,
    Int64s,
    RssStat,
    percpu_counter_add_batch,
    percpu_counter_sum_positive,
)
from oomsel.kernel.system import ReaperLeaves, System


def oom_reap_task(system: System, victims: list[int], read: Callable[[RssStat], Int64s]) -> tuple[Reaped, ...]:
    """What is left of each mm of the `victims`, taken once: no anon, no swap, no private file mappings.

    Shared mappings stay: all of shmem, and of file what the scenario says.  The reaper runs on one
    CPU, the lowest online one, and its updates go through the batch like any other: an approximate
    read afterwards need not be 0.  An mm with MMF_OOM_SKIP has been reaped before.
    """
    skipped = system.mm_oom_skip()
    reaped: dict[int, Reaped] = {}
    for task in victims:
        mm = int(system.tasks.mm[task])
        if mm in reaped or skipped[task]:
            continue
        stat = system.rss.of([mm])
        held = percpu_counter_sum_positive(stat)[0]
        leaves = system.reaper_leaves.get(mm, ReaperLeaves())
        left = {MM_FILEPAGES: leaves.file, MM_SHMEMPAGES: leaves.shmem}
        for member in range(NR_MM_COUNTERS):
            stays = left.get(member, 0)
            if stays is not None and held[member] > stays:  # what is not unmapped is not counted either
                percpu_counter_add_batch(stat, 0, member, min(stat.online), stays - int(held[member]))
        after = read(stat)[0]
        anon, file, shmem = (int(after[member]) for member in (MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES))
        reaped[mm] = Reaped(task, anon, file, shmem)
    return tuple(reaped.values())
