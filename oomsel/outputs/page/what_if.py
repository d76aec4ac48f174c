"""What a page's script needs to score again with another oom_score_adj, by the rules of the event's release.

The data decide nothing: they are the terms of `oomsel.kernel.badness`, and the script adds them up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from oomsel.kernel.badness import SkipReason, is_visited, of_task, page_tables, skip_reasons
from oomsel.kernel.constraint import scan_order
from oomsel.kernel.event import Outcome
from oomsel.kernel.memcontrol import mem_cgroup_get_oom_group
from oomsel.kernel.oom_kill import DYING, task_will_free_mem
from oomsel.kernel.system import NO_MM, TaskFlag
from oomsel.outputs.account import Account
from oomsel.outputs.page.holdings import explained, knows_badness
from oomsel.text import comm_to_text, printable

#: Outcomes that no oom_score_adj changes.
_FIXED = {
    Outcome.CURRENT_DYING: "the allocating process is dying already, whatever anybody's oom_score_adj",
    Outcome.NO_FS: "the allocation may not enter the filesystem, and kills nobody whatever anybody's oom_score_adj",
    Outcome.PANIC_ON_OOM: "vm.panic_on_oom panics before anybody is chosen",
    Outcome.VICTIM_IN_FLIGHT: "an earlier victim is still exiting, and nobody else is chosen before it is gone",
}
#: Bits of a task's entry: root's bonus, chosen first, dying already, only ever killed for allocating, in no line.
ROOT, ORIGIN, IS_DYING, ALLOCATING_ONLY, UNSEEN = 1, 2, 4, 8, 16


def why_not(account: Account) -> str | None:
    """Why nothing can be tried; None where it can."""
    if account.explanation is None:
        return "the log shows nobody to choose from"
    report = account.explanation.report
    formula = report.system.formula
    if report.outcome in _FIXED:
        return _FIXED[report.outcome]
    if formula is not None and formula.scale == "raw":
        return "the scores of this release have terms that no report prints"
    return None if account.reading is None else _why_not_of_log(account)


def _why_not_of_log(account: Account) -> str | None:
    if not knows_badness(account) or (account.evidence is not None and not account.evidence.knows_total):
        return "what oom_score_adj weighs by, totalpages, or who could be killed is not in the log"
    if account.event is not None and (account.verdict is None or account.verdict.agrees is not True):
        return "the table alone does not lead to the kernel's own choice, so that it cannot tell of another"
    return None


def what_if_data(account: Account) -> dict[str, Any]:
    """The terms: `tasks` has [pid, name, oom_score_adj, pages, pages in the other mode, bits, group] in scan order."""
    explanation = explained(account)
    report, system, oc = explanation.report, explanation.report.system, explanation.report.oc
    tasks, formula = system.tasks, system.formula
    # Who may be killed if -1000 did not forbid it.
    free = replace(tasks, oom_score_adj=tasks.oom_score_adj.clip(-999))
    reasons = skip_reasons(replace(system, tasks=free), oc, report.constraint)
    held = [of_task(system, run.counters.sum(axis=1) + page_tables(system)) for run in (report, explanation.other)]
    is_root, is_origin = tasks.uid == 0, tasks.has(TaskFlag.OOM_ORIGIN)
    may_die = tasks.some(DYING)
    allocating = oc.current if _kills_allocating(account) else None
    has_groups = any(memcg.oom_group for memcg in system.memcgs)
    groups: dict[str, int] = {}
    entries = []
    scan = scan_order(system, oc).tolist()
    if allocating is not None and allocating not in scan:
        scan.append(allocating)
    for task in scan:
        is_eligible = reasons[task] == SkipReason.ELIGIBLE
        if not is_eligible and task != allocating:
            continue
        bits = ROOT * bool(is_root[task]) + ORIGIN * bool(is_origin[task])
        bits += IS_DYING * (may_die and task_will_free_mem(system, task, thread=task == allocating))
        bits += ALLOCATING_ONLY * (not is_eligible)
        bits += UNSEEN * (int(tasks.pid[task]) in account.usage.unseen)
        group = mem_cgroup_get_oom_group(system, task, oc.memcg) if has_groups else None
        which = None if group is None else groups.setdefault(printable(system.memcgs[group].path), len(groups))
        entries.append(
            [
                int(tasks.pid[task]), comm_to_text(tasks.comm[task]), int(tasks.oom_score_adj[task]),
                *(int(column[task]) for column in held), bits, which,
            ]
        )  # fmt: skip
    return {
        "page": system.page_size,
        "totalpages": report.totalpages,
        "modes": [report.mode, explanation.other.mode] if _has_two_readings(account) else [report.mode],
        "scale": "pages" if formula is None else formula.scale,
        "root": "" if formula is None else formula.root,
        "minimum": _minimum(account),
        "last_wins": system.last_wins,
        "allocating": None if allocating is None else int(tasks.pid[allocating]),
        "panics": not oc.is_memcg_oom and not oc.is_sysrq_oom,
        "groups": list(groups),
        "tasks": entries,
        "shown": [int(tasks.pid[task]) for task in explanation.candidates[:8]],
    }


def _has_two_readings(account: Account) -> bool:
    return account.reading is None and explained(account).deltas_known


def _minimum(account: Account) -> int | None:
    """The fewest points that a task which may be killed has."""
    system = explained(account).report.system
    if system.formula is not None:
        return system.formula.minimum
    return None if system.rules.signed_badness else 1


def _kills_allocating(account: Account) -> bool:
    """Whether vm.oom_kill_allocating_task kills the allocating task as long as its oom_score_adj is not -1000."""
    report = explained(account).report
    system, current = report.system, report.oc.current
    if current is None or not system.sysctl.oom_kill_allocating_task or report.oc.is_memcg_oom:
        return False
    return bool(system.tasks.mm[current] != NO_MM and is_visited(report.skip_reasons[current]))
