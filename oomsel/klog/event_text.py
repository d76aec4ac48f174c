"""Kernel-format text that an earlier run printed: recognised, divided into its events, and read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from oomsel.klog.table import NoHeader, Row, parse_table

#: printk's stamp, or a syslog line up to it.
PREFIX = re.compile(r"(?:[^\[\n]{0,200}? kernel: )?\[ *[0-9]+\.[0-9]+\](?:\[ *[TC][0-9]+\])? ")
_INVOKED = re.compile(r"(.{0,300}) invoked oom-killer: gfp_mask=(0x[0-9a-f]+)\(.*\), order=(-?[0-9]+)")
_CHOSEN = re.compile(r"oom-kill:constraint=([A-Z_]+).*?,task=(.*),pid=([0-9]+),uid=-?[0-9]+$")
_KILLED = re.compile(r"(.*?): Killed process ([0-9]+) \((.*)\) total-vm:")
_PANIC = re.compile(r"Kernel panic - not syncing: (?:System is deadlocked on memory|Out of memory: )")
_HEADING = re.compile(r"# (approximate|precise): ")


class EventText(NamedTuple):
    """One event as its lines tell it; None for what no line says."""

    rows: tuple[Row, ...]  #: the task table's, in its order
    current: str | None  #: name of the allocating task
    gfp_mask: int | None
    order: int | None
    constraint: str | None
    chosen: tuple[int, str] | None  #: pid and name in the oom-kill line: a process's leader's
    killed: tuple[int, ...]  #: pids of the kill lines
    panics: bool


def is_event_text(text: str) -> bool:
    """Whether the first line that is no remark (`# ...`) is the first line of an event.

    A log in which other lines come first is a log, not the output of an earlier run.
    """
    for line in text.split("\n", 100)[:100]:
        if line.strip() and not line.startswith("#"):
            return _INVOKED.match(PREFIX.sub("", line, count=1)) is not None
    return False


def events_of(lines: Sequence[str]) -> dict[str | None, list[str]]:
    """The lines of each event by its mode, None where no heading says it; remarks are dropped."""
    events: dict[str | None, list[str]] = {}
    mode: str | None = None
    for line in lines:
        if match := _HEADING.match(line):
            mode = match[1]
            events.setdefault(mode, [])
        elif not line.startswith("# "):
            events.setdefault(mode, []).append(line)
    return events or {None: []}


def read_event(lines: Sequence[str]) -> EventText:
    """What the lines of one event say; line ends and a logger's prefix do not matter."""
    bare = [PREFIX.sub("", line.rstrip("\r\n"), count=1) for line in lines]
    try:
        rows = tuple(parse_table("\n".join(bare)))
    except NoHeader:  # oom_dump_tasks was off
        rows = ()
    invoked = next((match for line in bare if (match := _INVOKED.match(line))), None)
    chosen = next((match for line in bare if (match := _CHOSEN.match(line))), None)
    return EventText(
        rows=rows,
        current=invoked[1] if invoked else None,
        gfp_mask=int(invoked[2], 16) if invoked else None,
        order=int(invoked[3]) if invoked else None,
        constraint=chosen[1] if chosen else None,
        chosen=(int(chosen[3]), chosen[2]) if chosen else None,
        killed=tuple(int(match[2]) for line in bare if (match := _KILLED.match(line))),
        panics=any(_PANIC.match(line) for line in bare),
    )
