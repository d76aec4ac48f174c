"""An OomReport as a JSON object, version 1.

Keys are in reading order and stay: a later version adds keys, and one that changes a meaning
counts up `oomsel_report`.  Memory is in pages unless a name ends in `_bytes`; a comm is written
as in a scenario (`\\xNN` is one byte); what a terminal would act on in a cgroup's path likewise.
"""

from __future__ import annotations

from typing import Any

from oomsel.kernel.badness import LONG_MIN, SkipReason, oom_badness
from oomsel.kernel.constraint import current_of
from oomsel.kernel.event import OomReport
from oomsel.kernel.gfp import format_gfp
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, Int64s
from oomsel.kernel.system import NO_MM
from oomsel.outputs.summary import SILENCE, Comparison, freed_pages
from oomsel.text import comm_to_text, printable

REPORT_VERSION = 1
_PARTS = {"anon": MM_ANONPAGES, "file": MM_FILEPAGES, "shmem": MM_SHMEMPAGES}


def report_object(report: OomReport) -> dict[str, Any]:
    """One mode's event as plain data."""
    system, oc = report.system, report.oc
    return {
        "oomsel_report": REPORT_VERSION,
        "mode": report.mode,
        "outcome": report.outcome.value,
        "panics": report.panics,
        "silent_because": SILENCE.get(report.outcome),
        "constraint": str(report.constraint),
        "totalpages": report.totalpages,
        "page_size_bytes": system.page_size,
        "current": {
            "pid": oc.current_pid or None,  # of a kworker nobody knows it
            "comm": comm_to_text(oc.current_comm),
            "oom_score_adj": current_of(system, oc).oom_score_adj,
        },
        "order": oc.order,
        "gfp_mask": oc.gfp_mask,
        "gfp_flags": format_gfp(oc.gfp_mask, system.rules).partition("(")[2].removesuffix(")"),
        "memcg": None if oc.memcg is None else printable(system.memcgs[oc.memcg].path),
        "chosen": None if report.chosen is None else _named(report, report.chosen),
        "killed": [_named(report, kill.task) for kill in report.kills if kill.again is None],
        "killed_silently": [_named(report, task) for task in report.silent],
        "oom_group": None if report.oom_group is None else printable(system.memcgs[report.oom_group].path),
        "claimed_freed_pages": freed_pages(report, report.counters),
        "truly_held_pages": freed_pages(report, report.precise),
        "reaped": [
            {**_named(report, task), "anon": anon, "file": file, "shmem": shmem}
            for task, anon, file, shmem in report.reaped
        ],
        **_two_pass(report),
        "tasks": _tasks(report),
    }


def _two_pass(report: OomReport) -> dict[str, Any]:
    if report.two_pass is None:
        return {}
    return {"precise_sums": report.two_pass.sums, "precise_sums_limit_hit": report.two_pass.limited}


def both_object(approximate: OomReport, precise: OomReport, comparison: Comparison) -> dict[str, Any]:
    """Two modes' events and what their difference costs, as plain data."""
    return {
        "oomsel_report": REPORT_VERSION,
        "mode": "both",
        "agree": comparison.agree,
        "cost_pages": comparison.cost,
        "summary": comparison.sentence,
        "approximate": report_object(approximate),
        "precise": report_object(precise),
    }


def _named(report: OomReport, task: int) -> dict[str, Any]:
    tasks = report.system.tasks
    return {"pid": int(tasks.pid[task]), "comm": comm_to_text(tasks.comm[task])}


def _tasks(report: OomReport) -> list[dict[str, Any]]:
    system, tasks = report.system, report.system.tasks
    shown = set(report.shown.tolist())
    killed = set(report.killed)
    # What counters give, also of an oom_task_origin(), which is chosen without a look at it.
    badness = oom_badness(system, report.counters, report.totalpages)
    precise_badness = oom_badness(system, report.precise, report.totalpages)
    objects = []
    for task in range(len(tasks)):
        mm = int(tasks.mm[task])
        eligible = bool(report.points[task] != LONG_MIN)
        skip_reason = SkipReason(int(report.skip_reasons[task]))
        objects.append(
            {
                "pid": int(tasks.pid[task]),
                "comm": comm_to_text(tasks.comm[task]),
                "uid": int(tasks.uid[task]),
                "oom_score_adj": int(tasks.oom_score_adj[task]),
                "memcg": printable(system.memcgs[int(tasks.memcg[task])].path),
                "total_vm": None if mm == NO_MM else int(system.total_vm[mm]),
                "pgtables_bytes": None if mm == NO_MM else int(system.pgtables_bytes[mm]),
                "counters": _counters(report, mm, report.counters),
                "precise_counters": _counters(report, mm, report.precise),
                "eligible": eligible,
                "reason": None if eligible else skip_reason.reason,
                "badness": int(badness[task]) if eligible else None,
                "precise_badness": int(precise_badness[task]) if eligible else None,
                "in_table": task in shown,
                "chosen": task == report.chosen,
                "killed": task in killed,
            }
        )
    return objects


def _counters(report: OomReport, mm: int, counters: Int64s) -> dict[str, int | None] | None:
    if mm == NO_MM:
        return None
    values = [int(value) for value in counters[mm]]
    one_number = bool(report.system.rss_is_one_number[mm])
    parts = {name: None if one_number else values[member] for name, member in _PARTS.items()}
    return {"rss": sum(values[member] for member in _PARTS.values()), **parts, "swap": values[MM_SWAPENTS]}
