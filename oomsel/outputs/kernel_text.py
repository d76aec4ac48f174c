"""An OomReport as the kernel prints it, byte for byte, by the functions of mm/oom_kill.c that print it.

Their formats, by release, are in `oomsel.klog.formats`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from oomsel.kernel.constraint import Constraint, GroupVictimAgain, current_of
from oomsel.kernel.event import Kill, OomReport, Outcome
from oomsel.kernel.gfp import format_gfp
from oomsel.kernel.percpu_counter import RSS_MEMBERS
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
#: What makes the lines of a report's task table.
Table: TypeAlias = Callable[[OomReport], list[str]]


def event_text(
    reports: Sequence[OomReport],
    *,
    reaper: bool = False,
    prefix: str = "",
    closing: str | None = None,
    table: Table | None = None,
) -> str:
    """The lines that `select` prints; of two reports each has a heading, and a last line says how they compare.

    `closing` replaces that last line, and `table` makes the task table, where it is not to be the release's.
    """
    lines = []
    for report in reports:
        if len(reports) > 1:
            lines.append(HEADINGS[report.mode])
        lines += [prefix + line for line in kernel_lines(report, reaper=reaper, table=table)]
    if len(reports) > 1:
        lines.append(REMARK + (closing or compare(*reports).sentence))
    return "".join(f"{line}\n" for line in lines)


def kernel_lines(report: OomReport, *, reaper: bool = False, table: Table | None = None) -> list[str]:
    """The lines that the kernel's OOM code prints for the event, in order; none where it prints none."""
    lines = _report_lines(report, table or dump_tasks) if report.outcome.has_report else []
    return [*lines, *_reaper_lines(report)] if reaper else lines


def _report_lines(report: OomReport, table: Table) -> list[str]:
    lines = dump_header(report, table)
    if report.outcome is Outcome.PANIC_ON_OOM:
        lines.append(formats.PANIC % formats.PANIC_ON_OOM[report.system.sysctl.panic_on_oom])
    elif report.outcome is Outcome.NO_KILLABLE:
        lines.append(formats.NO_KILLABLE)
        if report.panics:
            lines.append(formats.PANIC % formats.PANIC_DEADLOCKED)
    else:
        lines.append(dump_oom_victim(report))
        lines += oom_kill_process(report)
    return lines


def dump_header(report: OomReport, table: Table) -> list[str]:
    """Who asked for what, and the task table where vm.oom_dump_tasks is on; the stack and Mem-Info are left out."""
    system, oc = report.system, report.oc
    gfp, adj = format_gfp(oc.gfp_mask, system.rules), current_of(system, oc).oom_score_adj
    lines = [formats.INVOKED % (printable(oc.current_comm), gfp, oc.order, adj)]
    return lines + table(report) if system.sysctl.oom_dump_tasks else lines


def dump_tasks(report: OomReport) -> list[str]:
    """The task table, with its heading."""
    layout = formats.table_layout(report.system.rules)
    return [formats.TASKS_STATE, layout.header, *dump_task(report, layout)]


def dump_task(report: OomReport, layout: formats.Layout, more: Mapping[str, list[Any]] | None = None) -> Iterator[str]:
    """The rows of the task table, in scan order: dump_task() for every task that it shows.

    `more` has the cells of columns that a release since 5.4 does not print, by name.
    """
    view = TaskView(report, report.shown)
    numbers: dict[str, list[Any]] = {**view.counters()}
    printed = {column.name for column in layout.columns}
    numbers |= {name: view[name] for name, column in TABLE_COLUMNS.items() if name not in numbers and column in printed}
    columns: dict[str, list[Any]] = {TABLE_COLUMNS[name]: column for name, column in numbers.items()}
    for name in RSS_MEMBERS:
        if None in numbers[name]:
            columns[TABLE_COLUMNS[name]] = [formats.UNKNOWN if pages is None else pages for pages in numbers[name]]
    columns |= {"uid": signed_uid(report.system.tasks.uid[report.shown]).tolist(), "tgid": view["pid"], **(more or {})}
    cells = [columns[column.name] for column in layout.columns]
    rows = zip(view["live_pid"], *cells, map(printable, view["live_comm"]), strict=True)
    return map(layout.row.__mod__, rows)


def dump_oom_victim(report: OomReport) -> str:
    """The line that names the victim, the constraint and the cgroups; the function was dump_oom_summary() before."""
    system, tasks, oc, task = report.system, report.system.tasks, report.oc, report.chosen
    assert task is not None
    policy = report.constraint is Constraint.MEMORY_POLICY
    # An allocating-task victim is the allocating thread itself; a chosen one is the process's leader.
    comm, pid = (oc.current_comm, oc.current_pid) if report.allocating_task else (tasks.comm[task], tasks.pid[task])
    current = current_of(system, oc)
    domain = formats.GLOBAL_OOM if oc.memcg is None else formats.OOM_MEMCG % printable(system.memcgs[oc.memcg].path)
    return formats.OOM_KILL % (
        report.constraint,
        format_numbers(oc.nodemask or ()) if policy else "(null)",
        printable(current.cpuset_name),
        format_numbers(current.mems_allowed),
        domain,
        printable(system.memcgs[int(tasks.memcg[task])].path),
        printable(comm),
        pid,
        signed_uid(int(tasks.uid[task])),
    )


def oom_kill_process(report: OomReport) -> Iterator[str]:
    """The victim's kill line, and what memory.oom.group prints after it."""
    yield from __oom_kill_process(report, report.kills[0])
    if report.oom_group is not None:
        yield formats.OOM_GROUP % printable(report.system.memcgs[report.oom_group].path)
    for kill in report.kills[1:]:
        yield from __oom_kill_process(report, kill)


def _prefix(report: OomReport) -> str:
    if report.allocating_task:
        return formats.PREFIX_ALLOCATING
    return formats.PREFIX_MEMCG if report.oc.is_memcg_oom else formats.PREFIX_GLOBAL


def __oom_kill_process(report: OomReport, kill: Kill) -> Iterator[str]:
    system, tasks, task = report.system, report.system.tasks, kill.task
    if kill.again is GroupVictimAgain.EXITING:
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
        *_rss_kb(report, mm, *(int(counters[member]) for member in RSS_MEMBERS.values())),
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
    """oom_reap_task_mm()'s line for each mm; that of a current that was dying already names its own thread."""
    system, tasks = report.system, report.system.tasks
    for task, anon, file, shmem in report.reaped:
        pid, comm = int(tasks.live_pid[task]), tasks.live_comm[task]
        if report.outcome is Outcome.CURRENT_DYING:
            pid, comm = report.oc.current_pid, report.oc.current_comm
        parts = _rss_kb(report, int(tasks.mm[task]), file, shmem)
        # A count that stands for three is 0 once everything is unmapped; what is shared of it nobody knows.
        yield formats.REAPED % (pid, printable(comm), _kb(system.page_size, anon), *parts)
