"""An OomReport in the kernel's own words, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oomsel.kernel.constraint import Constraint
from oomsel.kernel.event import OomReport, Outcome
from oomsel.kernel.gfp import format_gfp
from oomsel.kernel.percpu_counter import RSS_MEMBERS
from oomsel.klog import formats
from oomsel.outputs.tasks import TABLE_COLUMNS, TaskView
from oomsel.text import format_numbers, printable, signed_uid


def kernel_lines(report: OomReport, *, reaper: bool = False) -> list[str]:
    """The lines that the kernel's OOM code prints for the event, in order; none where it prints none."""
    if not report.outcome.has_report:
        return []
    lines = [_invoked(report)]
    if report.system.sysctl.oom_dump_tasks:
        lines += dump_tasks(report)
    if report.outcome is Outcome.PANIC_ON_OOM:
        lines.append(formats.PANIC % formats.PANIC_ON_OOM[report.system.sysctl.panic_on_oom])
    elif report.outcome is Outcome.NO_KILLABLE:
        lines.append(formats.NO_KILLABLE)
        if report.panics:
            lines.append(formats.PANIC % formats.PANIC_DEADLOCKED)
    else:
        lines.append(dump_oom_victim(report))
        lines += _kill_lines(report)
        if reaper:
            lines += _reaper_lines(report)
    return lines


def _invoked(report: OomReport) -> str:
    oc = report.oc
    gfp = format_gfp(oc.gfp_mask, report.system.rules)
    adj = int(report.system.tasks.oom_score_adj[oc.current])
    return formats.INVOKED % (printable(oc.current_comm), gfp, oc.order, adj)


def dump_tasks(report: OomReport) -> list[str]:
    """The task table, with its heading; dump_tasks() and dump_task()."""
    layout = formats.table_layout(report.system.rules)
    view = TaskView(report, report.shown)
    memory = {"total_vm": view.total_vm, "pgtables_bytes": view.pgtables_bytes, **view.counters}
    columns: dict[str, list[Any]] = {TABLE_COLUMNS[name]: _shown(column) for name, column in memory.items()}
    columns |= {"uid": list(map(signed_uid, view.uid)), "tgid": view.pid, "oom_score_adj": view.oom_score_adj}
    cells = [columns[column.name] for column in layout.columns]
    rows = zip(view.live_pid, *cells, map(printable, view.live_comm), strict=True)
    return [formats.TASKS_STATE, layout.header, *map(layout.row.__mod__, rows)]


def _shown(column: list[int | None]) -> list[Any]:
    """The column with `?` for what is not known."""
    return [formats.UNKNOWN if value is None else value for value in column] if None in column else column


def dump_oom_victim(report: OomReport) -> str:
    """The line that names the victim, the constraint and the cgroups; dump_oom_victim()."""
    system, tasks, oc, task = report.system, report.system.tasks, report.oc, report.chosen
    assert task is not None
    policy = report.constraint is Constraint.MEMORY_POLICY
    # An allocating-task victim is the allocating thread itself; a chosen one is the process's leader.
    comm, pid = (oc.current_comm, oc.current_pid) if report.allocating_task else (tasks.comm[task], tasks.pid[task])
    domain = formats.GLOBAL_OOM if oc.memcg is None else formats.OOM_MEMCG % printable(system.memcgs[oc.memcg].path)
    return formats.OOM_KILL % (
        report.constraint,
        format_numbers(oc.nodemask or ()) if policy else "(null)",
        printable(tasks.cpuset_name[oc.current]),
        format_numbers(tasks.mems_allowed[oc.current]),
        domain,
        printable(system.memcgs[int(tasks.memcg[task])].path),
        printable(comm),
        pid,
        signed_uid(int(tasks.uid[task])),
    )


def _prefix(report: OomReport) -> str:
    if report.allocating_task:
        return formats.PREFIX_ALLOCATING
    return formats.PREFIX_MEMCG if report.oc.is_memcg_oom else formats.PREFIX_GLOBAL


def _kill_lines(report: OomReport) -> Iterator[str]:
    """The line of every kill; the line that names a group stands between its victim's and the other members'."""
    system, tasks, kb = report.system, report.system.tasks, report.system.page_size >> 10
    view = TaskView(report, [kill.task for kill in report.kills])
    parts = zip(*(_kb(view.counters[name], kb) for name in RSS_MEMBERS), strict=True)
    rows = zip(
        report.kills,
        view.live_pid,
        map(printable, view.live_comm),
        _kb(view.total_vm, kb),
        parts,
        view.uid,
        view.pgtables_bytes,
        view.oom_score_adj,
        strict=True,
    )
    for index, (kill, pid, comm, total_vm, rss, uid, pgtables, adj) in enumerate(rows):
        if kill.already_exiting:
            if system.rules.exiting_note:
                name = printable(tasks.comm[kill.task])
                yield formats.ALREADY_EXITING % (_prefix(report), tasks.pid[kill.task], name)
            continue
        shown_pgtables = (pgtables or 0) >> (0 if system.rules.pgtables_unit_slip else 10)
        yield formats.KILLED % (_prefix(report), pid, comm, total_vm, *rss, uid, shown_pgtables, adj)
        for other in kill.pinned_by:
            yield formats.PINNED % (pid, comm, tasks.pid[other], printable(tasks.comm[other]))
        if index == 0 and report.oom_group is not None:
            yield formats.OOM_GROUP % printable(system.memcgs[report.oom_group].path)


def _kb(column: list[int | None], kb: int) -> list[int | str]:
    """Pages of `kb` kB each in kB, `?` where they are not known."""
    return [formats.UNKNOWN if pages is None else pages * kb for pages in column]


def _reaper_lines(report: OomReport) -> Iterator[str]:
    system, tasks, kb = report.system, report.system.tasks, report.system.page_size >> 10
    for task, *parts in report.reaped:
        known = [None if system.rss_is_one_number[tasks.mm[task]] else pages for pages in parts]
        yield formats.REAPED % (tasks.live_pid[task], printable(tasks.live_comm[task]), *_kb(known, kb))
