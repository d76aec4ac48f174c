"""The list of a log's reports: a line of text or an object for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from oomsel.inputs.log.facts import page_size_of
from oomsel.klog.cgroup_names import CgroupNames, names_of
from oomsel.klog.clock import moment_of
from oomsel.klog.event import OomEvent
from oomsel.layout import WIDTH, wrapped
from oomsel.text import comm_to_text, pages_of, printable, process_name, process_object

#: Columns that stand below an entry where the line is too long, the first one first.
_MAY_STAND_BELOW = ("invoked by", "time")
_HEADINGS = ("#", "line", "time", "invoked by", "killed", "freed", "tasks", "why")
_RIGHT = frozenset(("#", "line", "freed", "tasks"))
_INDENT = "     "


class Entry(NamedTuple):
    """One report in the list; `freed_kb` and `freed_pages` are None if no kill line states them."""

    source: str
    number: int
    line: int
    last_line: int
    time: str
    utc: str | None  #: ISO, where the log says a date with a zone
    host: str | None
    invoked_by: bytes | None
    constraint: str
    cgroup: str | None  #: the one that ran out of memory
    victim_cgroup: str | None
    names: CgroupNames
    killed: tuple[tuple[int, bytes], ...]
    named_by: str | None  #: where no kill line names the victim: the line that does
    end: str | None  #: killed, panic, nobody killable; None where the end is not in the log
    freed_kb: int | None
    freed_pages: int | None
    tasks: int
    missing: tuple[str, ...]
    remarks: tuple[str, ...]


def entry_of(source: str, event: OomEvent) -> Entry:
    """What the list shows of a report."""
    summary, memcg = event.summary, event.memcg
    kills = event.killed
    sizes = [kill.rss for kill in kills if kill.rss is not None]
    killed = tuple((kill.pid, kill.comm) for kill in kills)
    named_by = None
    is_cut = event.panic is None and event.no_killable is None and event.exiting is None
    if event.victim is not None and ((not killed and is_cut) or event.lacks_victims_line):
        killed, named_by = (event.victim, *killed), "the oom-kill line"
    cgroup = (summary.oom_memcg if summary else None) or (memcg.path if event.is_memcg else None)
    victim_cgroup = summary.task_memcg if summary else memcg.task_path
    return Entry(
        source,
        event.index,
        event.first_line,
        event.last_line,
        event.stamp,
        utc_of(event),
        event.host,
        event.invoked.comm if event.invoked else None,
        constraint_of(event),
        cgroup,
        victim_cgroup,
        names_of(victim_cgroup, cgroup),
        killed,
        named_by,
        end_of(event),
        sum(sizes) if sizes else None,
        pages_of(sum(sizes), page_size_of(event)[0]) if sizes else None,
        len(event.rows) + len(event.cut_rows),
        tuple(event.missing()),
        tuple(event.remarks),
    )


def end_of(event: OomEvent) -> str | None:
    """How a report ends: `killed`, `panic`, `nobody killable`, or the last two; None where that is not in the log."""
    if event.kills:
        return "killed"
    words = ["nobody killable"] if event.no_killable is not None else []
    if event.panic is not None:
        words.append("panic")
    if event.exiting is not None and not words:
        words.append("exiting already")
    return ", ".join(words) or None


def utc_of(event: OomEvent) -> str | None:
    """When the report was logged, as ISO in UTC; None where the log does not say it with a zone and a year."""
    from datetime import UTC

    for text in (event.date, event.stamp):
        moment = moment_of(text) if text else None
        if moment is not None and moment.date is not None and moment.date.tzinfo is not None and moment.has_year:
            return moment.date.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return None


def constraint_of(event: OomEvent) -> str:
    """What limited the allocation: `memcg`, `cpuset`, `mempolicy`, `global` for nothing, `?` if no line says.

    `global` is also what a release before 5.0 says of a cpuset's or a policy's: it has no line for them.
    """
    if event.is_sysrq:
        return "sysrq"
    if event.summary is not None:
        names = {"CONSTRAINT_NONE": "global", "CONSTRAINT_MEMORY_POLICY": "mempolicy"}
        constraint = event.summary.constraint
        return names.get(constraint, constraint.removeprefix("CONSTRAINT_").lower())
    if event.is_memcg:
        return "memcg"
    return "?" if event.is_memcg is None or event.has_lost_constraint else "global"


def entry_object(entry: Entry) -> dict[str, Any]:
    """An entry as plain data, for JSON."""
    return {
        "input": printable(entry.source),
        "event": entry.number,
        "line": entry.line,
        "last_line": entry.last_line,
        "time": entry.time or None,
        "utc": entry.utc,
        "host": _shown(entry.host),
        "invoked_by": None if entry.invoked_by is None else comm_to_text(entry.invoked_by),
        "constraint": entry.constraint,
        "cgroup": _shown(entry.cgroup),
        "victim_cgroup": _shown(entry.victim_cgroup),
        "pod": entry.names.pod,
        "container": entry.names.container,
        "unit": _shown(entry.names.unit),
        "guest": _shown(entry.names.guest),
        "killed": [process_object(*who) for who in entry.killed],
        "named_by": entry.named_by,
        "end": entry.end,
        "freed_pages": entry.freed_pages,
        "freed_kb": entry.freed_kb,
        "tasks": entry.tasks,
        "complete": not entry.missing,
        "missing": list(entry.missing),
        "remarks": list(entry.remarks),
    }


def _shown(text: str | None) -> str | None:
    return None if text is None else printable(text)


def event_lines(entries: Iterable[Entry], *, with_source: bool) -> Iterator[str]:
    """The entries as aligned text under a heading, with what is worth a word below each; a heading a log if asked.

    A column for which a terminal of 80 has no room stands below each entry instead.
    """
    entries = list(entries)
    several_hosts = len({entry.host for entry in entries}) > 1
    logs = groupby(entries, lambda entry: entry.source if with_source else None)
    for source, of_log in logs:
        if source is not None:
            yield f"{printable(source)}:"
        yield from _of_log(list(of_log), several_hosts=several_hosts)
    if not entries:
        yield "  ".join(_HEADINGS)


def _of_log(entries: list[Entry], *, several_hosts: bool) -> Iterator[str]:
    rows = [dict(zip(_HEADINGS, _cells(entry), strict=True)) for entry in entries]
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in _HEADINGS}
    below = []
    for name in _MAY_STAND_BELOW:
        if sum(widths.values()) + 2 * (len(widths) - 1) > WIDTH:
            below.append(name)
            del widths[name]
    yield _row(dict(zip(_HEADINGS, _HEADINGS, strict=True)), widths)
    for entry, row in zip(entries, rows, strict=True):
        yield _row(row, widths)
        moved = [", ".join(f"{name} {row[name]}" for name in below)] if below else []
        hosts = [f"host {printable(entry.host)}"] if several_hosts and entry.host is not None else []
        for text in (*moved, *hosts, *_details(entry)):
            yield from wrapped(text, _INDENT, f"{_INDENT}  ")


def _row(row: dict[str, str], widths: dict[str, int]) -> str:
    cells = [row[name].rjust(width) if name in _RIGHT else row[name].ljust(width) for name, width in widths.items()]
    return "  ".join(cells).rstrip()


def _cells(entry: Entry) -> tuple[str, ...]:
    return (
        str(entry.number),
        str(entry.line),
        _time(entry.time),
        "?" if entry.invoked_by is None else printable(entry.invoked_by),
        _killed(entry),
        "-" if entry.freed_kb is None else size_of(entry.freed_kb),
        str(entry.tasks),
        entry.constraint,
    )


def _time(text: str) -> str:
    """To the second where it is long: the line has it in full."""
    moment = moment_of(text) if len(text) > 19 else None
    if moment is None or moment.date is None or not moment.has_year:
        return printable(text)[:24] or "-"
    return moment.date.strftime("%Y-%m-%d %H:%M:%S")


def _killed(entry: Entry) -> str:
    if entry.killed:
        more = f" +{len(entry.killed) - 1}" if len(entry.killed) > 1 else ""
        return f"{process_name(*entry.killed[0])}{more}"
    return entry.end or "?"


def _details(entry: Entry) -> Iterator[str]:
    """Whose the cgroup is, and what is missing."""
    names = entry.names
    said = [("pod", names.pod), ("container", names.container and names.container[:12]), ("guest", names.guest)]
    if names.container is None and names.pod is None:
        said.append(("unit", names.unit))
    words = [f"{what} {printable(name)}" for what, name in said if name]
    if entry.cgroup is not None:
        words = words or [f"cgroup {printable(entry.cgroup)}"]
    if words and (entry.constraint == "memcg" or names.pod or names.container):
        yield ", ".join(words)
    if entry.missing:
        yield f"incomplete: {'; '.join(entry.missing)}"
    if entry.named_by is not None:
        lost = "no kill line is" if len(entry.killed) == 1 else "the first one's kill line is not"
        yield f"killed by {entry.named_by}: {lost} in the log"
    yield from entry.remarks


def size_of(kb: int) -> str:
    """kB in the largest unit that leaves a whole part: KiB, MiB or GiB, as the kernel's kB are.

    >>> [size_of(kb) for kb in (12, 2048, 160000, 5 << 20)]
    ['12 KiB', '2.0 MiB', '156.2 MiB', '5.0 GiB']
    """
    if kb < 1024:
        return f"{kb} KiB"
    return f"{kb / 1024:.1f} MiB" if kb < 1 << 20 else f"{kb / (1 << 20):.1f} GiB"
