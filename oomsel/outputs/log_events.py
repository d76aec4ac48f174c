"""A log's reports, a line or an object each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from oomsel.inputs.log.facts import page_size_of
from oomsel.klog.event import OomEvent
from oomsel.text import aligned, comm_to_text, pages_of, printable

_HEADINGS = ("#", "line", "time", "invoked by", "killed", "freed", "tasks", "report", "constraint")
_RIGHT = frozenset(("#", "line", "freed", "tasks"))


class Entry(NamedTuple):
    """One report, for the list; what was freed is None where no kill line says it."""

    source: str
    number: int
    line: int
    last_line: int
    time: str
    invoked_by: bytes | None
    constraint: str
    cgroup: str | None  #: the one that ran out of memory
    victim_cgroup: str | None
    killed: tuple[tuple[int, bytes], ...]
    freed_kb: int | None
    freed_pages: int | None
    tasks: int
    missing: tuple[str, ...]


def entry_of(source: str, event: OomEvent) -> Entry:
    """What the list shows of a report."""
    summary, memcg = event.summary, event.memcg
    sizes = [kill.rss for kill in event.kills if kill.rss is not None]
    return Entry(
        source,
        event.index,
        event.first_line,
        event.last_line,
        event.stamp,
        event.invoked.comm if event.invoked else None,
        constraint_of(event),
        (summary.oom_memcg if summary else None) or (memcg.path if memcg.memory is not None else None),
        summary.task_memcg if summary else memcg.task_path,
        tuple((kill.pid, kill.comm) for kill in event.kills),
        sum(sizes) if sizes else None,
        pages_of(sum(sizes), page_size_of(event)[0]) if sizes else None,
        len(event.rows),
        tuple(event.missing()),
    )


def constraint_of(event: OomEvent) -> str:
    """What limited the allocation, in a word: a cgroup is `memcg`, nothing `global`; `?` where nothing says."""
    if event.invoked is not None and event.invoked.order == -1:
        return "sysrq"
    if event.summary is not None:
        names = {"CONSTRAINT_NONE": "global", "CONSTRAINT_MEMORY_POLICY": "mempolicy"}
        constraint = event.summary.constraint
        return names.get(constraint, constraint.removeprefix("CONSTRAINT_").lower())
    if event.memcg.memory is not None or any(kill.prefix.startswith("Memory cgroup") for kill in event.kills):
        return "memcg"
    return "global" if event.meminfo.ram is not None or event.panic else "?"


def entry_object(entry: Entry) -> dict[str, Any]:
    """An entry as plain data; keys stay, memory is in kB as the kernel prints it."""
    return {
        "input": printable(entry.source),
        "event": entry.number,
        "line": entry.line,
        "last_line": entry.last_line,
        "time": entry.time or None,
        "invoked_by": None if entry.invoked_by is None else comm_to_text(entry.invoked_by),
        "constraint": entry.constraint,
        "cgroup": _shown(entry.cgroup),
        "victim_cgroup": _shown(entry.victim_cgroup),
        "killed": [{"pid": pid, "comm": comm_to_text(comm)} for pid, comm in entry.killed],
        "freed_pages": entry.freed_pages,
        "freed_kb": entry.freed_kb,
        "tasks": entry.tasks,
        "complete": not entry.missing,
        "missing": list(entry.missing),
    }


def _shown(text: str | None) -> str | None:
    return None if text is None else printable(text)


def event_lines(entries: Iterable[Entry], *, with_source: bool) -> Iterator[str]:
    """The entries as aligned text, under a heading."""
    headings = (*_HEADINGS, *(["input"] if with_source else []))
    rows = [headings, *((*_cells(entry), *([printable(entry.source)] if with_source else [])) for entry in entries)]
    yield from aligned(rows, "".join(">" if heading in _RIGHT else "<" for heading in headings))


def _cells(entry: Entry) -> tuple[str, ...]:
    killed = "nobody"
    if entry.killed:
        pid, comm = entry.killed[0]
        killed = f"{pid} ({printable(comm)})"
        if len(entry.killed) > 1:
            killed += f" +{len(entry.killed) - 1}"
    elif "no end, with the kill line" in entry.missing:
        killed = "?"
    return (
        str(entry.number),
        str(entry.line),
        printable(entry.time) or "-",
        "?" if entry.invoked_by is None else printable(entry.invoked_by),
        killed,
        "-" if entry.freed_pages is None else f"{entry.freed_pages} pages",
        str(entry.tasks),
        "complete" if not entry.missing else f"incomplete: {'; '.join(entry.missing)}",
        f"{entry.constraint} {printable(entry.cgroup)}" if entry.cgroup else entry.constraint,
    )
