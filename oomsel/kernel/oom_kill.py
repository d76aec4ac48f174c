"""One OOM event from beginning to end: out_of_memory() and what it calls, after mm/oom_kill.c (Linux 5.4 to 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oomsel.kernel.badness import (
    LONG_MAX,
    LONG_MIN,
    Passed,
    oom_badness,
    oom_cpuset_eligible,
    oom_unkillable_task,
    passed_over,
)
from oomsel.kernel.gfp import GFP_FS
from oomsel.kernel.memcontrol import mem_cgroup_get_oom_group, mem_cgroup_scan_tasks
from oomsel.kernel.oom_control import Constraint, OomControl, constrained_alloc
from oomsel.kernel.oom_reaper import oom_reap_task
from oomsel.kernel.percpu_counter import (
    Int64s,
    RssStat,
    percpu_counter_read_positive,
    percpu_counter_sum_positive,
)
from oomsel.kernel.system import NO_MM, OOM_SCORE_ADJ_MIN, Bools, Indices, System, TaskFlag
from oomsel.report.oom_report import Kill, OomReport, Outcome

#: How a mode reads a counter; a new way to read is one more entry.
READS: dict[str, Callable[[RssStat], Int64s]] = {
    "approximate": percpu_counter_read_positive,
    "precise": percpu_counter_sum_positive,
}


def out_of_memory(system: System, oc: OomControl, mode: str) -> OomReport:
    """What the OOM killer does about a failed allocation when it reads the counters as `mode` says.

    Nothing in `system` changes: an event takes no time, and a killed process keeps its mm until its end.
    """
    return out_of_memory_by_mode(system, oc, (mode,))[0]


def out_of_memory_by_mode(system: System, oc: OomControl, modes: Sequence[str]) -> list[OomReport]:
    """`out_of_memory` in several modes; what does not depend on the mode is worked out once."""
    constraint, totalpages = constrained_alloc(system, oc)
    scan = scan_order(system, oc)
    passed = passed_over(system, oc, constraint, scan)
    eligible = _eligible(system, oc, constraint)
    visited = _those(scan, eligible)
    origin = system.tasks.has(TaskFlag.OOM_ORIGIN)
    shown = _those(visited, system.tasks.mm != NO_MM)
    reports = {}
    for mode in modes:
        counters = READS[mode](system.rss)
        points = oom_badness(system, counters, totalpages)
        points[origin] = LONG_MAX
        points[passed != int(Passed.ELIGIBLE)] = LONG_MIN
        report = OomReport(
            system=system,
            oc=oc,
            mode=mode,
            outcome=Outcome.CURRENT_DYING,
            constraint=constraint,
            totalpages=totalpages,
            counters=counters,
            points=points,
            passed=passed,
            shown=shown,
        )
        reports[mode] = _out_of_memory(report, visited, eligible)
    if "precise" in reports:
        for report in reports.values():
            report.precise = reports["precise"].counters
    return list(reports.values())


def _out_of_memory(report: OomReport, visited: Indices, eligible: Bools) -> OomReport:
    """The event itself, in the order in which out_of_memory() asks."""
    system, oc = report.system, report.oc
    if task_will_free_mem(system, oc.current, current_pid=oc.current_pid):
        return report
    if not oc.gfp_mask & GFP_FS and not oc.is_memcg_oom:
        return replace(report, outcome=Outcome.NO_FS)
    if check_panic_on_oom(system, oc, report.constraint):
        return replace(report, outcome=Outcome.PANIC_ON_OOM)
    if _may_kill_allocating_task(report, eligible):
        return oom_kill_process(replace(report, chosen=oc.current, allocating_task=True))
    return select_bad_process(report, visited)


def _those(scan: Indices, fit: Bools) -> Indices:
    """The tasks of a scan that fit, in its order."""
    return scan if fit.all() else scan[fit[scan]]


def scan_order(system: System, oc: OomControl) -> Indices:
    """The processes in the order in which they are visited: the tasklist's, or that of the cgroup walk."""
    if oc.memcg is not None:
        return mem_cgroup_scan_tasks(system, oc.memcg)
    return np.arange(len(system.tasks))


def _eligible(system: System, oc: OomControl, constraint: Constraint) -> Bools:
    """Who is neither unkillable nor out of the allocation's reach; bool[task]."""
    eligible: Bools = ~oom_unkillable_task(system)
    if not oc.is_memcg_oom:
        eligible &= oom_cpuset_eligible(system, oc, constraint)
    return eligible


def task_will_free_mem(system: System, task: int, *, current_pid: int | None = None) -> bool:
    """Whether the process is dying already, so that nobody has to be killed for its memory.

    Asked of the leader, or of the thread `current_pid`: a leader that has exited has no mm to free.
    """
    tasks = system.tasks
    asked = tasks.pid[task] if current_pid is None else current_pid
    if tasks.mm[task] == NO_MM or asked != tasks.live_pid[task]:
        return False
    if not tasks.flags[task] & (TaskFlag.EXITING | TaskFlag.OOM_VICTIM) or system.mm_oom_skip()[task]:
        return False
    dying = tasks.has(TaskFlag.EXITING | TaskFlag.OOM_VICTIM) & ~tasks.has(TaskFlag.COREDUMP)
    return bool(dying[tasks.mm == tasks.mm[task]].all())


def check_panic_on_oom(system: System, oc: OomControl, constraint: Constraint) -> bool:
    """Whether vm.panic_on_oom ends the machine: 2 always, 1 unless the allocation was constrained; never for sysrq."""
    setting = system.sysctl.panic_on_oom
    if setting == 0 or oc.is_sysrq_oom:
        return False
    return setting == 2 or constraint is Constraint.NONE


def _may_kill_allocating_task(report: OomReport, eligible: Bools) -> bool:
    system, current = report.system, report.oc.current
    return bool(
        system.sysctl.oom_kill_allocating_task
        and not report.oc.is_memcg_oom
        and system.tasks.mm[current] != NO_MM
        and eligible[current]
        and system.tasks.oom_score_adj[current] != OOM_SCORE_ADJ_MIN
    )


def select_bad_process(report: OomReport, visited: Indices) -> OomReport:
    """The report with the worst task killed; `visited` are the tasks oom_evaluate_task() looks at, in its order."""
    system, oc = report.system, report.oc
    if not oc.is_sysrq_oom:
        in_flight = system.tasks.has(TaskFlag.OOM_VICTIM) & ~system.mm_oom_skip()
        if in_flight.any() and in_flight[visited].any():
            return replace(report, outcome=Outcome.VICTIM_IN_FLIGHT)
    candidates = _those(visited, report.passed == int(Passed.ELIGIBLE))
    if not len(candidates):
        return replace(report, outcome=Outcome.NO_KILLABLE)
    # Equal points replace the choice, so that the last one seen wins.
    points = report.points[candidates]
    last_worst = np.flatnonzero(points == points.max())[-1]
    return oom_kill_process(replace(report, chosen=int(candidates[last_worst])))


def oom_kill_process(report: OomReport) -> OomReport:
    """The report with the chosen process killed, with its memory.oom.group and with whoever shares an mm."""
    system, oc, victim = report.system, report.oc, report.chosen
    assert victim is not None
    asked = oc.current_pid if report.allocating_task else None
    if task_will_free_mem(system, victim, current_pid=asked):
        return replace(report, outcome=Outcome.CHOSEN_DYING)
    kills = [_oom_kill_process(system, victim)]
    group = mem_cgroup_get_oom_group(system, victim, oc.memcg)
    if group is not None:
        for member in mem_cgroup_scan_tasks(system, group).tolist():
            if oom_kill_memcg_member(system, member):
                again = member == victim
                kills.append(Kill(member, already_exiting=True) if again else _oom_kill_process(system, member))
    named = {kill.task for kill in kills}
    return replace(
        report,
        outcome=Outcome.KILLED,
        kills=tuple(kills),
        silent=tuple(task for task in _sharers_killed(system, kills) if task not in named),
        oom_group=group,
        reap=partial(oom_reap_task, system, kills, READS[report.mode]),
    )


def oom_kill_memcg_member(system: System, member: int) -> bool:
    """Whether a member of the group dies with it: whatever its flags, but not init, nor at oom_score_adj -1000."""
    tasks = system.tasks
    if tasks.mm[member] == NO_MM or tasks.flags[member] & TaskFlag.INIT:
        return False
    return bool(tasks.oom_score_adj[member] != OOM_SCORE_ADJ_MIN)


def _oom_kill_process(system: System, victim: int) -> Kill:
    """One victim of __oom_kill_process()."""
    tasks = system.tasks
    init = np.flatnonzero(tasks.has(TaskFlag.INIT)).tolist()
    return Kill(victim, pinned_by=tuple(task for task in init if task != victim and tasks.mm[task] == tasks.mm[victim]))


def _sharers_killed(system: System, kills: list[Kill]) -> list[int]:
    """Processes that get SIGKILL, without a line, for sharing a victim's mm."""
    tasks = system.tasks
    mms = {int(tasks.mm[kill.task]) for kill in kills}
    if len(mms) == 1:
        dies = tasks.mm == mms.pop()
    else:
        dies_by_mm = np.zeros(len(system.total_vm) + 1, np.bool_)  # the last one stands for NO_MM
        dies_by_mm[list(mms)] = True
        dies = dies_by_mm[tasks.mm]
    return [task for task in np.flatnonzero(dies).tolist() if not tasks.flags[task] & TaskFlag.INIT]
