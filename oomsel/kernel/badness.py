"""Who may be chosen and how bad each is; after oom_badness() and what it asks first in mm/oom_kill.c (5.4 to 7.3)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from oomsel.kernel.constraint import Constraint, OomControl, current_of
from oomsel.kernel.historic import historic_badness
from oomsel.kernel.memcontrol import is_hidden_from_cgroups, mem_cgroup_scan_tasks
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, NR_MM_COUNTERS, Int64s
from oomsel.kernel.release import Rules
from oomsel.kernel.system import NO_MM, OOM_SCORE_ADJ_MIN, Bools, Mempolicy, System, TaskFlag

#: The points of a task that may not be killed.
LONG_MIN = -(1 << 63)
#: The points of an oom_task_origin().
LONG_MAX = (1 << 63) - 1


class SkipReason(IntEnum):
    """Why oom_evaluate_task() skips a task, in the order in which it asks; `ELIGIBLE` is not skipped."""

    ELIGIBLE = 0
    INIT = 1
    KTHREAD = 2
    MEMCG = 3  #: not below the cgroup that is out of memory, so never visited
    EXITED = 4  #: in the cgroup, but the walk passes it by
    CPUSET = 5
    MEMPOLICY = 6
    REAPED_VICTIM = 7  #: an earlier victim with MMF_OOM_SKIP
    NO_MM = 8
    ADJ_MIN = 9
    OOM_SKIP = 10
    VFORK = 11

    @property
    def reason(self) -> str:
        """The kernel's reason in a few words."""
        return _REASONS[self]


_REASONS = {
    SkipReason.ELIGIBLE: "",
    SkipReason.INIT: "is init",
    SkipReason.KTHREAD: "is a kernel thread",
    SkipReason.MEMCG: "is outside the memory cgroup",
    SkipReason.EXITED: "is exiting, and a cgroup does not see such a process any more",
    SkipReason.CPUSET: "its cpuset shares no node with the allocating task's",
    SkipReason.MEMPOLICY: "its memory policy shares no node with the allocation's",
    SkipReason.REAPED_VICTIM: "was killed before and has nothing left to free (MMF_OOM_SKIP)",
    SkipReason.NO_MM: "has no memory left",
    SkipReason.ADJ_MIN: "has oom_score_adj -1000",
    SkipReason.OOM_SKIP: "has MMF_OOM_SKIP set",
    SkipReason.VFORK: "is in the middle of vfork",
}


def get_mm_rss(counters: Int64s) -> Int64s:
    """Resident pages: file, anon and shmem, each clamped before; int64[mm] from int64[mm, member]."""
    rss: Int64s = counters[:, MM_FILEPAGES] + counters[:, MM_ANONPAGES] + counters[:, MM_SHMEMPAGES]
    return rss


def of_task(system: System, per_mm: Int64s) -> Int64s:
    """A per-mm column as a per-task one, 0 for tasks without an mm; the column itself where that is the same."""
    if system.tasks.have_own_mms():
        return per_mm
    column: Int64s = np.append(per_mm, 0)[system.tasks.mm]  # the last one stands for NO_MM
    return column


def oom_badness(system: System, counters: Int64s, totalpages: int) -> Int64s:
    """Points of every task, as if each could be killed; int64[task], pages.

    rss + swap + page tables + oom_score_adj * (totalpages / 1000): the division comes first, on
    whole numbers.  Until 5.8 a task has at least one point.  Each of the `counters`, int64[mm, member], is
    clamped as it is read.  Source: Linux 7.0.
    """
    held = page_tables(system)
    for member in range(NR_MM_COUNTERS):  # a column at a time: fresh memory costs more than the sums
        column = counters[:, member]
        held += column if column.min(initial=0) == 0 else np.maximum(column, 0)
    return points_of(system, held, totalpages)


def page_tables(system: System) -> Int64s:
    """What page tables count; int64[mm], pages."""
    if system.scores_in_pages:
        return system.pgtables_bytes >> (system.page_size.bit_length() - 1)
    return np.zeros(len(system.pgtables_bytes), np.int64)


def points_of(system: System, held: Int64s, totalpages: int) -> Int64s:
    """Points of every task from what its mm holds; int64[task] from int64[mm], pages; `held` may be changed."""
    tasks, formula = system.tasks, system.formula
    if formula is not None:
        pages = of_task(system, system.total_vm if formula.scale == "raw" else held)
        return historic_badness(formula, pages, tasks.oom_score_adj, totalpages, is_root=tasks.uid == 0)
    points = of_task(system, held)
    points += tasks.oom_score_adj * (totalpages // 1000)
    return points if system.rules.signed_badness else np.maximum(points, 1)


def oom_evaluate_task(system: System, counters: Int64s, totalpages: int, skip_reasons: npt.NDArray[np.int8]) -> Int64s:
    """The points by which tasks are compared: badness, LONG_MAX for an origin, LONG_MIN if skipped; int64[task]."""
    points = oom_badness(system, counters, totalpages)
    if system.tasks.some(TaskFlag.OOM_ORIGIN):
        points[system.tasks.has(TaskFlag.OOM_ORIGIN)] = LONG_MAX
    points[skip_reasons != int(SkipReason.ELIGIBLE)] = LONG_MIN
    return points


def worst_of(points: Int64s, *, last: bool = True) -> int | None:
    """Whose points are the highest, if not LONG_MIN; of equals the last one seen, or (before 5.3) the first."""
    if not len(points):
        return None
    worst = len(points) - 1 - int(points[::-1].argmax()) if last else int(points.argmax())
    return worst if points[worst] != LONG_MIN else None


def is_visited(skip_reasons: npt.NDArray[np.int8]) -> Bools:
    """Whether the scan visits a task, even if it then skips it for a reason of the task's own; bool[task]."""
    visited: Bools = (skip_reasons == int(SkipReason.ELIGIBLE)) | (skip_reasons > int(SkipReason.MEMPOLICY))
    return visited


def mempolicy_in_oom_domain(policy: Mempolicy | None, mask: frozenset[int], rules: Rules) -> bool:
    """Whether a task with the policy may have memory on the nodes of `mask`."""
    if policy is None or (policy.interleave and not rules.interleave_binds):
        return True
    return bool(policy.nodes & mask)


def oom_cpuset_eligible(system: System, oc: OomControl, constraint: Constraint) -> Bools | None:
    """Whose memory the allocation could use, by policy or by cpuset; bool[task], None for everybody's.

    Not asked in memcg OOMs.
    """
    tasks = system.tasks
    if constraint is Constraint.MEMORY_POLICY:
        mask = oc.nodemask or frozenset()
        # A dead leader has no policy any more, and one thread in the domain is enough.
        in_domain = tasks.mempolicy.where(lambda policy: mempolicy_in_oom_domain(policy, mask, system.rules))
        return in_domain | tasks.has(TaskFlag.DEAD_LEADER)
    mems = current_of(system, oc).mems_allowed
    if all(allowed & mems for allowed in tasks.mems_allowed.values):
        return None
    return tasks.mems_allowed.where(lambda allowed: bool(allowed & mems))


def skip_reasons(system: System, oc: OomControl, constraint: Constraint) -> npt.NDArray[np.int8]:
    """Every task's `SkipReason`; int8[task]."""
    tasks = system.tasks
    adj_min = tasks.oom_score_adj == OOM_SCORE_ADJ_MIN
    verdict: npt.NDArray[np.int8] = adj_min.view(np.int8) * np.int8(SkipReason.ADJ_MIN)
    # The question that is asked first decides, so it is put last.
    if tasks.some(TaskFlag.VFORK):
        verdict[tasks.has(TaskFlag.VFORK) & ~adj_min] = SkipReason.VFORK
    if tasks.some(TaskFlag.OOM_SKIP):
        verdict[system.mm_oom_skip() & ~adj_min] = SkipReason.OOM_SKIP
    if tasks.some(TaskFlag.OOM_ORIGIN):  # chosen outright, whatever these would say
        verdict[tasks.has(TaskFlag.OOM_ORIGIN)] = SkipReason.ELIGIBLE
    if not tasks.have_own_mms():
        verdict[tasks.mm == NO_MM] = SkipReason.NO_MM
    if tasks.some(TaskFlag.OOM_VICTIM) and not oc.is_sysrq_oom:
        verdict[tasks.has(TaskFlag.OOM_VICTIM) & system.mm_oom_skip()] = SkipReason.REAPED_VICTIM
    if oc.memcg is not None:
        inside = np.zeros(len(tasks), np.bool_)
        inside[mem_cgroup_scan_tasks(system, oc.memcg, hidden=True)] = True
        zombie = tasks.has(TaskFlag.ZOMBIE)  # the walk passes zombies by too, but what they lack is an mm
        verdict[inside & ~zombie & is_hidden_from_cgroups(system)] = SkipReason.EXITED
        verdict[~inside & ~zombie] = SkipReason.MEMCG
    elif (eligible := oom_cpuset_eligible(system, oc, constraint)) is not None:
        verdict[~eligible] = SkipReason.MEMPOLICY if constraint is Constraint.MEMORY_POLICY else SkipReason.CPUSET
    if tasks.some(TaskFlag.KTHREAD):
        verdict[tasks.has(TaskFlag.KTHREAD)] = SkipReason.KTHREAD
    if tasks.some(TaskFlag.INIT):
        verdict[tasks.has(TaskFlag.INIT)] = SkipReason.INIT
    return verdict
