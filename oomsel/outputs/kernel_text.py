"""An OomReport as the kernel prints it, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from oomsel.kernel.constraint import Constraint
from oomsel.kernel.event import Kill, OomReport, Outcome
from oomsel.kernel.gfp import format_gfp
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, RSS_MEMBERS
from oomsel.klog import formats
from oomsel.outputs.summary import compare
from oomsel.outputs.tasks import TABLE_COLUMNS, TaskView
from oomsel.text import format_numbers, printable, signed_uid

#: The heading of each mode's event where two are printed.
HEADINGS = {
    "approximate": "# approximate: every counter's global count alone",
    "precise": "# precise: what every CPU holds added in",
}
#: What begins a line that is not the kernel's.
REMARK = "# "


def event_text(
    reports: Sequence[OomReport], *, reaper: bool = False, prefix: str = "", closing: str | None = None
) -> str:
    """The lines that `select` prints; of two reports each has a heading, and a last line says how they compare.

    `closing` replaces that last line.
    """
    lines = []
    for report in reports:
        if len(reports) > 1:
            lines.append(HEADINGS[report.mode])
        lines += [prefix + line for line in kernel_lines(report, reaper=reaper)]
    if len(reports) > 1:
        lines.append(REMARK + (closing or compare(*reports).sentence))
    return "".join(f"{line}\n" for line in lines)


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
    numbers = {name: view[name] for name in ("total_vm", "pgtables_bytes", "oom_score_adj")} | view.counters()
    columns: dict[str, list[Any]] = {TABLE_COLUMNS[name]: column for name, column in numbers.items()}
    for name in RSS_MEMBERS:
        if None in numbers[name]:
            columns[TABLE_COLUMNS[name]] = [formats.UNKNOWN if pages is None else pages for pages in numbers[name]]
    columns |= {"uid": signed_uid(report.system.tasks.uid[report.shown]).tolist(), "tgid": view["pid"]}
    cells = [columns[column.name] for column in layout.columns]
    rows = zip(view["live_pid"], *cells, map(printable, view["live_comm"]), strict=True)
    return [formats.TASKS_STATE, layout.header, *map(layout.row.__mod__, rows)]


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


def _kill_lines(report: OomReport) -> Iterator[str]:
    yield from _kill_line(report, report.kills[0])
    if report.oom_group is not None:
        yield formats.OOM_GROUP % printable(report.system.memcgs[report.oom_group].path)
    for kill in report.kills[1:]:
        yield from _kill_line(report, kill)


def _prefix(report: OomReport) -> str:
    if report.allocating_task:
        return formats.PREFIX_ALLOCATING
    return formats.PREFIX_MEMCG if report.oc.is_memcg_oom else formats.PREFIX_GLOBAL


def _kill_line(report: OomReport, kill: Kill) -> Iterator[str]:
    system, tasks, task = report.system, report.system.tasks, kill.task
    if kill.already_exiting:
        if system.rules.exiting_note:
            yield formats.ALREADY_EXITING % (_prefix(report), tasks.pid[task], printable(tasks.comm[task]))
        return
    mm = int(tasks.mm[task])
    pid, comm = int(tasks.live_pid[task]), printable(tasks.live_comm[task])
    counters = report.counters[mm]
    pgtables = int(system.pgtables_bytes[mm])
    yield formats.KILLED % (
        _prefix(report),
        pid,
        comm,
        _kb(system.page_size, int(system.total_vm[mm])),
        *_rss_kb(report, mm, int(counters[MM_ANONPAGES]), int(counters[MM_FILEPAGES]), int(counters[MM_SHMEMPAGES])),
        int(tasks.uid[task]),
        pgtables if system.rules.pgtables_unit_slip else pgtables >> 10,
        int(tasks.oom_score_adj[task]),
    )
    for other in kill.pinned_by:
        yield formats.PINNED % (pid, comm, tasks.pid[other], printable(tasks.comm[other]))


def _kb(page_size: int, pages: int) -> int:
    return pages * (page_size >> 10)


def _rss_kb(report: OomReport, mm: int, *pages: int) -> tuple[int | str, ...]:
    if report.system.rss_is_one_number[mm]:
        return (formats.UNKNOWN,) * len(pages)
    return tuple(_kb(report.system.page_size, count) for count in pages)


def _reaper_lines(report: OomReport) -> Iterator[str]:
    tasks = report.system.tasks
    for task, anon, file, shmem in report.reaped:
        mm = int(tasks.mm[task])
        name = printable(tasks.live_comm[task])
        yield formats.REAPED % (tasks.live_pid[task], name, *_rss_kb(report, mm, anon, file, shmem))
