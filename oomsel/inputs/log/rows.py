"""The tasks of a report: its rows, the victim of a kill line without a table, and who shares a victim's memory."""

from __future__ import annotations

from typing import Any, NamedTuple

from oomsel.inputs.log.facts import Facts
from oomsel.klog.event import Killed, OomEvent
from oomsel.klog.report_lines import row_name
from oomsel.klog.table import Row, oom_score_adj, page_table_bytes, rss_parts
from oomsel.scenario.models import Counter, Rss, Task, Thread
from oomsel.text import pages_of

#: A label of the mm that a victim and the global init share.
_PINNED_MM = "pinned"


class LogTask(NamedTuple):
    """A task, and the line that it is from."""

    task: Task
    line: int


def tasks_of(event: OomEvent, facts: Facts, skip_reasons: dict[int, str]) -> list[LogTask]:
    """The rows as tasks, or without a table the one that was killed."""
    if event.rows:
        victim = event.row_of(event.kills[0].pid) if event.kills else None
        tasks = [
            _task_of_row(event, facts, row, skip_reasons.get(row.pid), is_victim=row is victim) for row in event.rows
        ]
    else:
        tasks = [_victim(event, facts.page_size, kill) for kill in event.kills[:1]]
    return _pinned(event, tasks)


def changed(task: Task, **values: Any) -> Task:
    """The task with other values."""
    return Task(**vars(task) | values)


def held_pages(event: OomEvent) -> int:
    """Pages that the table's tasks hold."""
    return max(sum((row.numbers["rss"] or 0) + (row.numbers.get("swapents") or 0) for row in event.rows), 1)


def _task_of_row(event: OomEvent, facts: Facts, row: Row, skipped: str | None, *, is_victim: bool) -> LogTask:
    name, tgid, uid = row_name(row), row.numbers["tgid"] or row.pid, row.numbers["uid"] or 0
    is_thread = row.pid != tgid
    leader = event.summary.comm if event.summary is not None and event.summary.pid == tgid else name
    task = Task(
        pid=tgid,
        comm=leader if is_thread else name,
        uid=uid & 0xFFFFFFFF,
        oom_score_adj=oom_score_adj(row),
        total_vm=row.numbers["total_vm"] or 0,
        pgtables_bytes=page_table_bytes(row, facts.page_size),
        rss=_rss(event.kills[0] if is_victim else None, facts, row),
        flags=_flags(event, row, skipped),
        thread=Thread(pid=row.pid, comm=name) if is_thread else None,
    )
    return LogTask(task, row.line)


def _rss(kill: Killed | None, facts: Facts, row: Row) -> Rss:
    parts = rss_parts(row)
    if kill is not None and set(parts) == {"total"}:
        parts = _parts_by_kill_line(kill, row, facts.page_size) or parts
    counters = {name: Counter(count=pages) for name, pages in parts.items()}
    return Rss(**counters, swap=Counter(count=row.numbers.get("swapents") or 0))


def _parts_by_kill_line(kill: Killed, row: Row, page_size: int) -> dict[str, int] | None:
    """anon, file and shmem of the victim, where the table has only their sum and the kill line agrees with it."""
    if kill.anon is None or kill.file is None or kill.shmem is None:
        return None
    sizes = {"anon": kill.anon, "file": kill.file, "shmem": kill.shmem}
    parts = {name: pages_of(kb, page_size) for name, kb in sizes.items()}
    return parts if sum(parts.values()) == row.numbers["rss"] else None


def _flags(event: OomEvent, row: Row, skipped: str | None) -> tuple[str, ...]:
    if skipped == "killed":
        return ("oom_skip", "oom_victim")
    if skipped == "vfork":
        return ("vfork",)
    return ("oom_origin",) if asked_to_die(event) == row.pid else ()


def asked_to_die(event: OomEvent) -> int | None:
    """The pid of a victim that had marked itself with oom_flag_origin: it allocates, and its trace says for what."""
    current, kills = event.current, event.kills
    if event.origin_line is None or current is None or not kills or kills[0].pid != current.pid:
        return None
    return current.pid


def victim_numbers(event: OomEvent, size: int) -> dict[str, int]:
    """What lines say of a victim that has no whole row, by the kill line's names: its own, else a cut row's.

    Sizes are in pages, page tables in bytes; what no line says is not there.
    """
    kill = event.kills[0]
    row = next((row.numbers for row in event.cut_rows if row.pid == kill.pid), {})
    current, invoked = event.current, event.invoked
    allocating = invoked.oom_score_adj if invoked and current and current.pid == kill.pid else None
    sizes = {"total-vm": kill.total_vm, "anon-rss": kill.anon, "file-rss": kill.file, "shmem-rss": kill.shmem}
    cells = {"total-vm": "total_vm", "anon-rss": "rss_anon", "file-rss": "rss_file", "shmem-rss": "rss_shmem"}
    found = {name: row.get(cells[name]) if kb is None else pages_of(kb, size) for name, kb in sizes.items()}
    found["UID"] = row.get("uid") if kill.uid is None else kill.uid
    found["pgtables"] = row.get("pgtables_bytes") if kill.pgtables is None else kill.pgtables << 10
    stated = (kill.oom_score_adj, row.get("oom_score_adj"), allocating)
    found["oom_score_adj"] = next((adj for adj in stated if adj is not None and abs(adj) <= 1000), None)
    return {name: number for name, number in found.items() if number is not None}


def _victim(event: OomEvent, size: int, kill: Killed) -> LogTask:
    """The victim as the kill line and what is left of its row show it."""
    known = victim_numbers(event, size)
    parts = {name: known.get(f"{name}-rss") for name in ("anon", "file", "shmem")}
    summary = event.summary
    is_thread = summary is not None and summary.pid != kill.pid
    task = Task(
        pid=summary.pid if summary is not None else kill.pid,
        comm=summary.comm if summary is not None and is_thread else kill.comm,
        uid=known.get("UID", 0) & 0xFFFFFFFF,
        oom_score_adj=known.get("oom_score_adj", 0),
        total_vm=known.get("total-vm"),
        pgtables_bytes=known.get("pgtables"),
        rss=Rss(**{name: Counter(count=pages) for name, pages in parts.items() if pages is not None}),
        thread=Thread(pid=kill.pid, comm=kill.comm) if is_thread else None,
    )
    return LogTask(task, kill.line)


def _pinned(event: OomEvent, tasks: list[LogTask]) -> list[LogTask]:
    """Add the global init, which no table shows, where a line says that it shares a victim's mm."""
    taken = {found.task.pid for found in tasks}
    for pinned in event.pinned[:1]:
        victim = next((index for index, found in enumerate(tasks) if found.task.pid == pinned.pid), None)
        if victim is None or pinned.pinner in taken:
            continue
        init = Task(pid=pinned.pinner, comm=pinned.pinner_comm, flags=("init",), mm=_PINNED_MM)
        tasks[victim] = tasks[victim]._replace(task=changed(tasks[victim].task, mm=_PINNED_MM))
        tasks.append(LogTask(init, pinned.line))
    return tasks
