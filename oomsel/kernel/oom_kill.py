"""One OOM event from beginning to end: out_of_memory() and what it calls, after mm/oom_kill.c (Linux 5.4 to 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import numpy as np

from oomsel.kernel.badness import is_visited, of_task, oom_evaluate_task, skip_reasons, worst_of
from oomsel.kernel.constraint import Constraint, GroupVictimAgain, OomControl, constrained_alloc, group_victim_again
from oomsel.kernel.event import Kill, OomReport, Outcome
from oomsel.kernel.gfp import GFP_FS
from oomsel.kernel.memcontrol import mem_cgroup_get_oom_group, mem_cgroup_scan_tasks
from oomsel.kernel.oom_reaper import oom_reap_task
from oomsel.kernel.percpu_counter import (
    NR_MM_COUNTERS,
    Int64s,
    RssStat,
    percpu_counter_read_positive,
    percpu_counter_sum_positive,
)
from oomsel.kernel.system import NO_MM, OOM_SCORE_ADJ_MIN, Indices, System, TaskFlag
from oomsel.kernel.two_pass import Margin, TwoPass, accuracy_of, two_pass

#: Dying already, for a reason of its own or killed before.
DYING = TaskFlag.EXITING | TaskFlag.EXITED | TaskFlag.OOM_VICTIM
TWO_PASS = "two-pass"  # noqa: S105, no password

#: How a mode's report reads a counter; a new way to read is one more entry.
READS: dict[str, Callable[[RssStat], Int64s]] = {
    "approximate": percpu_counter_read_positive,
    "precise": percpu_counter_sum_positive,
    TWO_PASS: percpu_counter_sum_positive,  # the choice alone is made in two passes
}


def out_of_memory(system: System, oc: OomControl, mode: str) -> OomReport:
    """What the OOM killer does about a failed allocation when it reads the counters as `mode` says.

    Nothing in `system` changes: an event takes no time, and a killed process keeps its mm until its end.
    """
    return out_of_memory_by_mode(system, oc, (mode,))[0]


def out_of_memory_by_mode(system: System, oc: OomControl, modes: Sequence[str]) -> list[OomReport]:
    """`out_of_memory` in several modes; what does not depend on the mode is worked out once."""
    constraint, totalpages = constrained_alloc(system, oc)
    reasons = skip_reasons(system, oc, constraint)
    reports = {}
    for mode in modes:
        report = OomReport(
            system=system,
            oc=oc,
            mode=mode,
            outcome=Outcome.CURRENT_DYING,
            constraint=constraint,
            totalpages=totalpages,
            read=READS[mode],
            skip_reasons=reasons,
        )
        reports[mode] = _out_of_memory(report)
    if "precise" in reports:
        for report in reports.values():
            report.precise = reports["precise"].counters
    return list(reports.values())


def _out_of_memory(report: OomReport) -> OomReport:
    """The event itself, in the order in which mem_cgroup_out_of_memory() and out_of_memory() ask."""
    system, oc = report.system, report.oc
    if oc.current is not None:
        if oc.is_memcg_oom and system.rules.memcg_spares_dying and system.tasks.has(DYING)[oc.current]:
            return report
        if task_will_free_mem(system, oc.current, thread=True):
            return report.replace(reap=partial(oom_reap_task, system, [oc.current], report.read))
    may_kill = oc.gfp_mask & GFP_FS or (system.rules.gfp_zero_kills and oc.gfp_mask == 0)
    if not may_kill and not oc.is_memcg_oom:
        return report.replace(outcome=Outcome.NO_FS)
    if check_panic_on_oom(system, oc, report.constraint):
        return report.replace(outcome=Outcome.PANIC_ON_OOM)
    if _may_kill_allocating_task(report):
        return oom_kill_process(report.replace(chosen=oc.current, allocating_task=True))
    report = select_bad_process(report)
    return report if report.chosen is None else oom_kill_process(report)


def task_will_free_mem(system: System, task: int, *, thread: bool = False) -> bool:
    """Whether the process is dying already, so that nobody has to be killed for its memory.

    Asked of the leader, or of the allocating `thread`: a leader that has exited has no mm to free.
    """
    tasks = system.tasks
    if not tasks.some(DYING):
        return False
    has_left = bool(int(tasks.flags[task]) & TaskFlag.DEAD_LEADER) and not thread
    if tasks.mm[task] == NO_MM or has_left:
        return False
    if not int(tasks.flags[task]) & DYING or system.mm_oom_skip()[task]:
        return False
    dying = tasks.has(DYING) & ~tasks.has(TaskFlag.COREDUMP)
    return bool(dying[tasks.mm == tasks.mm[task]].all())


def check_panic_on_oom(system: System, oc: OomControl, constraint: Constraint) -> bool:
    """Whether vm.panic_on_oom ends the machine: 2 always, 1 unless the allocation was constrained; never for sysrq."""
    setting = system.sysctl.panic_on_oom
    if setting == 0 or oc.is_sysrq_oom:
        return False
    return setting == 2 or constraint is Constraint.NONE


def _may_kill_allocating_task(report: OomReport) -> bool:
    system, current = report.system, report.oc.current
    return bool(
        system.sysctl.oom_kill_allocating_task
        and current is not None
        and not report.oc.is_memcg_oom
        and system.tasks.mm[current] != NO_MM
        and is_visited(report.skip_reasons[current])
        and system.tasks.oom_score_adj[current] != OOM_SCORE_ADJ_MIN
    )


def select_bad_process(report: OomReport) -> OomReport:
    """The report with the worst task chosen of those that oom_evaluate_task() looks at, or with why there is none."""
    system, oc = report.system, report.oc
    if not oc.is_sysrq_oom and system.tasks.some(TaskFlag.OOM_VICTIM):
        in_flight = system.tasks.has(TaskFlag.OOM_VICTIM) & ~system.mm_oom_skip()
        if in_flight[report.visited].any():
            return report.replace(outcome=Outcome.VICTIM_IN_FLIGHT)
    # Skipped tasks have LONG_MIN points and cannot win: only the order of a cgroup walk has to be followed.
    order = report.visited if oc.is_memcg_oom else None
    in_two_passes = report.mode == TWO_PASS
    points = (
        oom_evaluate_task(system, system.rss.count, report.totalpages, report.skip_reasons)
        if in_two_passes
        else report.points
    )
    if order is not None:
        points = points[order]
    worst = worst_of(points, last=system.last_wins)
    if worst is None:
        return report.replace(outcome=Outcome.NO_KILLABLE)
    passes = select_in_two_passes(system, points, worst, order) if in_two_passes else None
    place = worst if passes is None else passes.chosen
    chosen = place if order is None else int(order[place])
    return report.replace(chosen=chosen, two_pass=passes)


def select_in_two_passes(system: System, points: Int64s, worst: int, order: Indices | None) -> TwoPass:
    """The choice by approximate points, int64[candidate], that sums precisely only where they leave a doubt.

    `worst` has the highest of them; `order` is which task each candidate is, if not all in the tasklist's order.
    """
    under, over = (_of_scores(system, bound, order) for bound in accuracy_of(system.rss))

    def hidden(candidates: Indices) -> Int64s:
        stat = system.rss.of(system.tasks.mm[candidates if order is None else order[candidates]])
        by_counter = percpu_counter_sum_positive(stat) - percpu_counter_read_positive(stat)
        return cast("Int64s", by_counter.sum(axis=1))

    return two_pass(points, worst, hidden, under, over)


def _of_scores(system: System, margin: Margin, order: Indices | None) -> Margin:
    """What a score is off by: it adds up four counters of an mm."""
    if isinstance(margin, int):
        return NR_MM_COUNTERS * margin
    margins = of_task(system, NR_MM_COUNTERS * margin)
    return margins if order is None else margins[order]


def oom_kill_process(report: OomReport) -> OomReport:
    """The report with the chosen process killed, with its memory.oom.group and all that share an mm."""
    system, oc, victim = report.system, report.oc, report.chosen
    assert victim is not None
    if task_will_free_mem(system, victim, thread=report.allocating_task):
        reap = partial(oom_reap_task, system, [victim], report.read)
        return report.replace(outcome=Outcome.CHOSEN_DYING, reap=reap)
    kills = [_oom_kill_process(system, victim)]
    group = mem_cgroup_get_oom_group(system, victim, oc.memcg)
    if group is not None:
        again = group_victim_again(system, oc)
        for member in mem_cgroup_scan_tasks(system, group).tolist():
            if not oom_kill_memcg_member(system, member):
                continue
            if member != victim:
                kills.append(_oom_kill_process(system, member))
            elif again is not GroupVictimAgain.UNSEEN:
                kills.append(kills[0]._replace(again=again))
    named = {kill.task for kill in kills}
    return report.replace(
        outcome=Outcome.KILLED,
        kills=tuple(kills),
        silent=tuple(task for task in _sharers_killed(system, kills) if task not in named),
        oom_group=group,
        reap=partial(oom_reap_task, system, [kill.task for kill in kills if not kill.pinned_by], report.read),
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
    init = np.flatnonzero(tasks.has(TaskFlag.INIT)).tolist() if tasks.some(TaskFlag.INIT) else []
    return Kill(victim, pinned_by=tuple(task for task in init if task != victim and tasks.mm[task] == tasks.mm[victim]))


def _sharers_killed(system: System, kills: list[Kill]) -> list[int]:
    """Processes that get SIGKILL, without a line, for sharing a victim's mm."""
    tasks = system.tasks
    if tasks.have_own_mms():
        return [kill.task for kill in kills]
    dies = np.zeros(len(system.total_vm) + 1, np.bool_)  # [mm]; the last one stands for NO_MM
    dies[tasks.mm[[kill.task for kill in kills]]] = True
    return [task for task in np.flatnonzero(dies[tasks.mm]).tolist() if not tasks.flags[task] & TaskFlag.INIT]
