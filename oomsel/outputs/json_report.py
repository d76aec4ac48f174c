"""An OomReport as a JSON object, version 1.

Keys are in reading order and stay: a later version adds keys, and one that changes a meaning
counts up `oomsel_report`.  Memory is in pages unless a name ends in `_bytes`; a comm is written
as in a scenario (`\\xNN` is one byte); what a terminal would act on in a cgroup's path likewise.
"""

from __future__ import annotations

from typing import Any

from oomsel.kernel.badness import oom_badness
from oomsel.kernel.constraint import current_of
from oomsel.kernel.event import OomReport
from oomsel.kernel.gfp import format_gfp
from oomsel.kernel.percpu_counter import Int64s
from oomsel.outputs.summary import SILENCE, Comparison, freed_pages
from oomsel.outputs.tasks import TaskView
from oomsel.text import comm_to_text, printable, process_object

REPORT_VERSION = 1


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
    return process_object(int(tasks.pid[task]), tasks.comm[task])


def _tasks(report: OomReport) -> list[dict[str, Any]]:
    view = TaskView(report)
    shown = set(report.shown.tolist())
    reasons = view["skip_reason"]

    def badness(counters: Int64s) -> list[int | None]:
        """What the counters come to, also for an oom_task_origin(), which is chosen whatever they say."""
        points = oom_badness(report.system, counters, report.totalpages).tolist()
        return [None if reason else pages for reason, pages in zip(reasons, points, strict=True)]

    columns: dict[str, list[Any]] = {
        "pid": view["pid"],
        "comm": list(map(comm_to_text, view["comm"])),
        "uid": view["uid"],
        "oom_score_adj": view["oom_score_adj"],
        "memcg": list(map(printable, view["memcg"])),
        **{name: view[name] for name in ("total_vm", "pgtables_bytes")},
        "counters": _objects(view.counters()),
        "precise_counters": _objects(view.counters(precise=True)),
        "eligible": [not reason for reason in reasons],
        "reason": [reason or None for reason in reasons],
        "badness": badness(report.counters),
        "precise_badness": badness(report.precise),
        "oom_score": view["oom_score"],
        "in_table": [task in shown for task in view.tasks.tolist()],
        "chosen": view["chosen"],
        "killed": view["killed"],
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _objects(counters: dict[str, list[int | None]]) -> list[dict[str, int | None] | None]:
    """Each task's counters as an object, None for a task without an mm."""
    rows = zip(*counters.values(), strict=True)
    return [None if values[0] is None else dict(zip(counters, values, strict=True)) for values in rows]
