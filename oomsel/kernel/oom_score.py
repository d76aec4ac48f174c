"""What /proc/PID/oom_score says; after proc_oom_score() in fs/proc/base.c (5.4 to 7.3)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import oom_badness
from oomsel.kernel.percpu_counter import Int64s
from oomsel.kernel.release import Rules
from oomsel.kernel.system import NO_MM, OOM_SCORE_ADJ_MIN, System, TaskFlag


def proc_oom_score(system: System, counters: Int64s) -> Int64s:
    """Every task's oom_score, 0 for one that is not eligible; int64[task] from int64[mm, member], pages.

    It is against all RAM and swap, whatever an allocation is confined to.  Since 7.0 the kernel
    reads `counters` precisely, before approximately.
    """
    tasks = system.tasks
    totalpages = system.totalram_pages + system.total_swap_pages
    scores = scaled(oom_badness(system, counters, totalpages), totalpages, system.rules)
    scores[tasks.has(TaskFlag.INIT | TaskFlag.KTHREAD | TaskFlag.VFORK)] = 0
    scores[(tasks.mm == NO_MM) | (tasks.oom_score_adj == OOM_SCORE_ADJ_MIN) | system.mm_oom_skip()] = 0
    return scores


def scaled(badness: Int64s, totalpages: int, rules: Rules) -> Int64s:
    """Badness in pages as oom_score shows it, for tasks that are eligible.

    Since 9066e5cfb73c (v5.9, and 5.4.144) it is (1000 + badness * 1000 / totalpages) * 2 / 3, before
    badness * 1000 / totalpages; C's divisions cut towards 0.

    >>> from oomsel.kernel.release import parse_release
    >>> scaled(np.array([0, 500, -999]), 1000, parse_release("6.18").rules).tolist()
    [666, 1000, 0]
    """
    permille: Int64s = badness * 1000
    permille = np.sign(permille) * (np.abs(permille) // max(totalpages, 1))
    if not rules.signed_badness:
        return permille
    doubled = (1000 + permille) * 2
    scores: Int64s = np.sign(doubled) * (np.abs(doubled) // 3)
    return scores


class TotalRange(NamedTuple):
    """Between what two numbers of pages the total lies, so that a task's oom_score is what it is."""

    least: int
    most: int | None  #: None where there is no upper end


def totalpages_from(badness: int, oom_score: int, rules: Rules) -> TotalRange:
    """RAM plus swap in pages, from the badness of an eligible task with oom_score_adj 0 and its oom_score.

    >>> from oomsel.kernel.release import parse_release
    >>> totalpages_from(500, 1000, parse_release("6.18").rules)
    TotalRange(least=997, most=1000)
    """
    low = high = oom_score
    if rules.signed_badness:  # the steps of 2 / 3 are one or two thousandths wide
        low, high = -(-3 * oom_score // 2) - 1000, -(-3 * (oom_score + 1) // 2) - 1001
    return TotalRange(badness * 1000 // (high + 1) + 1, badness * 1000 // low if low > 0 else None)
