"""Removes from kernel-format lines what differs between any two boots: time stamps, pids, the order of tasks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from oomsel.klog.formats import PRINTK_ZERO
from oomsel.klog.table import NoHeader, Row, parse_table

IGNORABLE = ("timestamps", "pids", "order")

# The pid in brackets and, after the uid, the tgid.
_ROW_PIDS = re.compile(r"(?:^|(?<= ))\[( *)([0-9]+)\]( +-?[0-9]+ )( *)([0-9]+)(?= )")
_PIDS = re.compile(
    r"(?<=,pid=)[0-9]+(?=,uid=)|(?<=: Killed process )[0-9]+|(?<=: OOM victim )[0-9]+"
    r"|(?<=oom_reaper: reaped process )[0-9]+|(?<=^oom killer )[0-9]+|(?<= has mm pinned by )[0-9]+"
    r"|(?<=P[Ii][Dd]: )[0-9]+(?=,? [Cc]omm: )"
)
_KILL = ": Killed process "


def ignore(lines: Sequence[str], what: frozenset[str]) -> list[str]:
    """The lines without time stamps, with `*` for pids, sorted by name: as many of these as `what` names."""
    result = [line.removeprefix(PRINTK_ZERO) for line in lines] if "timestamps" in what else list(lines)
    if "order" in what:
        result = _in_order_of_names(result, by_pid="pids" not in what)
    if "pids" in what:
        result = [_PIDS.sub("*", _ROW_PIDS.sub(_starred, line, count=1)) for line in result]
    return result


def _starred(match: re.Match[str]) -> str:
    gap, pid, uid, tgid_gap, tgid = match.groups()
    return f"[{'*':>{len(gap + pid)}}]{uid}{'*':>{len(tgid_gap + tgid)}}"


def _in_order_of_names(lines: list[str], *, by_pid: bool) -> list[str]:
    """The lines, with consecutive table rows sorted, and consecutive kill lines."""
    try:
        rows = {row.line: row for row in parse_table("".join(f"{line.rstrip()}\n" for line in lines))}
    except NoHeader:
        rows = {}

    def run(index: int) -> str | None:
        return "row" if index in rows else "kill" if _KILL in lines[index] else None

    def key(index: int) -> tuple[object, ...]:
        row: Row | None = rows.get(index)
        if row is None:
            return (lines[index].partition(" (")[2], lines[index])
        numbers = [value or 0 for value in row.numbers.values()]
        return (row.name, row.pid, numbers) if by_pid else (row.name, numbers)

    result: list[str] = []
    start = 0
    while start < len(lines):
        end = start + 1
        while end < len(lines) and run(start) is not None and run(end) == run(start):
            end += 1
        result += [lines[index] for index in sorted(range(start, end), key=key)] if end > start + 1 else [lines[start]]
        start = end
    return result
