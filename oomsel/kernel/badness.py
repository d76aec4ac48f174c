"""Who may be chosen and how bad each is; after oom_badness() and what it asks first in mm/oom_kill.c (5.4 to 7.3)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from oomsel.kernel.oom_control import Constraint, OomControl
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, Int64s
from oomsel.kernel.system import NO_MM, OOM_SCORE_ADJ_MIN, Bools, Indices, System, TaskFlag

#: The points of a task that may not be killed.
LONG_MIN = -(1 << 63)
#: The points of an oom_task_origin().
LONG_MAX = (1 << 63) - 1


class Passed(IntEnum):
    """Why oom_evaluate_task() passes a task over, in the order in which it asks; `ELIGIBLE` is not passed over."""

    ELIGIBLE = 0
    INIT = 1
    KTHREAD = 2
    MEMCG = 3  #: not below the cgroup that is out of memory, so never visited
    CPUSET = 4
    MEMPOLICY = 5
    REAPED_VICTIM = 6  #: an earlier victim with MMF_OOM_SKIP
    NO_MM = 7
    ADJ_MIN = 8
    OOM_SKIP = 9
    VFORK = 10

    @property
    def reason(self) -> str:
        """The kernel's reason in a few words."""
        return _REASONS[self]


_REASONS = {
    Passed.ELIGIBLE: "",
    Passed.INIT: "is init",
    Passed.KTHREAD: "is a kernel thread",
    Passed.MEMCG: "is outside the memory cgroup",
    Passed.CPUSET: "its cpuset shares no node with the allocating task's",
    Passed.MEMPOLICY: "its memory policy shares no node with the allocation's",
    Passed.REAPED_VICTIM: "was killed before and has nothing left to free (MMF_OOM_SKIP)",
    Passed.NO_MM: "has no memory left",
    Passed.ADJ_MIN: "has oom_score_adj -1000",
    Passed.OOM_SKIP: "has MMF_OOM_SKIP set",
    Passed.VFORK: "is in the middle of vfork",
}


def get_mm_rss(counters: Int64s) -> Int64s:
    """Resident pages: file, anon and shmem, each clamped before; int64[mm] from int64[mm, member]."""
    rss: Int64s = counters[:, MM_FILEPAGES] + counters[:, MM_ANONPAGES] + counters[:, MM_SHMEMPAGES]
    return rss


def of_task(system: System, per_mm: Int64s) -> Int64s:
    """A per-mm column as a per-task one, 0 for tasks without an mm."""
    column: Int64s = np.append(per_mm, 0)[system.tasks.mm]  # the last one stands for NO_MM
    return column


def oom_badness(system: System, counters: Int64s, totalpages: int) -> Int64s:
    """Points of every task, as if each could be killed; int64[task], pages.

    rss + swap + page tables + oom_score_adj * (totalpages / 1000): the division comes first, on
    whole numbers.  Until 5.8 a task has at least one point.  Source: Linux 7.0.
    """
    page_shift = system.page_size.bit_length() - 1
    per_mm = get_mm_rss(counters) + counters[:, MM_SWAPENTS] + (system.pgtables_bytes >> page_shift)
    points = of_task(system, per_mm) + system.tasks.oom_score_adj * (totalpages // 1000)
    return points if system.rules.signed_badness else np.maximum(points, 1)


def oom_unkillable_task(system: System) -> Bools:
    """Init and kernel threads; bool[task]."""
    return system.tasks.has(TaskFlag.INIT | TaskFlag.KTHREAD)


def oom_cpuset_eligible(system: System, oc: OomControl, constraint: Constraint) -> Bools:
    """Whose memory the allocation could use, by policy or by cpuset; bool[task].  Not asked in memcg OOMs."""
    tasks = system.tasks
    if constraint is Constraint.MEMORY_POLICY:
        mask = oc.nodemask or frozenset()
        # A dead leader has no policy any more, and one thread in the domain is enough.
        in_domain = tasks.mempolicy.where(lambda policy: policy is None or bool(policy & mask))
        return in_domain | tasks.has(TaskFlag.DEAD_LEADER)
    mems = tasks.mems_allowed[oc.current]
    return tasks.mems_allowed.where(lambda allowed: bool(allowed & mems))


def passed_over(system: System, oc: OomControl, constraint: Constraint, visited: Indices) -> npt.NDArray[np.int8]:
    """The `Passed` of every task, given those that the scan visits; int8[task]."""
    tasks = system.tasks
    skip = system.mm_oom_skip()
    tests = [
        (tasks.has(TaskFlag.INIT), Passed.INIT),
        (tasks.has(TaskFlag.KTHREAD), Passed.KTHREAD),
    ]
    if oc.is_memcg_oom:
        outside = np.ones(len(tasks), np.bool_)
        outside[visited] = False
        # The walk leaves zombies out too, but what they lack is an mm.
        tests.append((outside & ~tasks.has(TaskFlag.ZOMBIE), Passed.MEMCG))
    else:
        why = Passed.MEMPOLICY if constraint is Constraint.MEMORY_POLICY else Passed.CPUSET
        tests.append((~oom_cpuset_eligible(system, oc, constraint), why))
    if not oc.is_sysrq_oom:
        tests.append((tasks.has(TaskFlag.OOM_VICTIM) & skip, Passed.REAPED_VICTIM))
    no_mm = tasks.mm == NO_MM
    later = [
        (tasks.oom_score_adj == OOM_SCORE_ADJ_MIN, Passed.ADJ_MIN),
        (skip, Passed.OOM_SKIP),
        (tasks.has(TaskFlag.VFORK), Passed.VFORK),
    ]
    origin = tasks.has(TaskFlag.OOM_ORIGIN)
    if origin.any():  # chosen outright: nothing later is asked
        later = [(which & ~origin, why) for which, why in later]
    tests += [(no_mm, Passed.NO_MM), *later]
    verdict = np.zeros(len(tasks), np.int8)
    for which, why in reversed(tests):  # the first question answered decides
        if which.any():
            verdict[which] = why
    return verdict
