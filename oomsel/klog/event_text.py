"""Kernel-format text that an earlier run printed: recognised, divided into its events, and read."""

from __future__ import annotations

import io
from collections.abc import Sequence

from oomsel.klog.event import OomEvent
from oomsel.klog.formats import PRINTK_ZERO
from oomsel.klog.patterns import Pattern
from oomsel.klog.reader import LogReader
from oomsel.klog.report_lines import name_bytes, parse_invoked
from oomsel.klog.wrappers import Stripper
from oomsel.text import TASK_COMM_LEN, comm_from_text

_HEADING = Pattern(r"# (approximate|precise): ")


def is_event_text(lines: Sequence[str]) -> bool:
    """Whether an earlier run printed `lines`: an event, or one under each heading, and no logger's prefix anywhere.

    What begins otherwise, or holds more, is a log.
    """
    bare = [line.removeprefix(PRINTK_ZERO) for line in lines]
    events = [event for event in map(_no_blanks, events_of(bare).values()) if event]
    return bool(events) and all(map(_is_one_event, events)) and not _has_prefixes(bare)


def _no_blanks(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def _is_one_event(lines: Sequence[str]) -> bool:
    invoked = parse_invoked(1, lines[0])
    return (
        invoked is not None
        and len(comm_from_text(invoked.comm.decode("utf-8", "surrogateescape"))) < TASK_COMM_LEN  # else a prefix, too
        and sum(" invoked oom-killer: " in line for line in lines) == 1
        and sum(" total_vm " in line for line in lines) <= 1
    )


def _has_prefixes(lines: Sequence[str]) -> bool:
    # A blank line has none, and of a few bytes that are compressed there may be millions.
    numbered = enumerate(name_bytes(line.removesuffix("\n")) for line in lines if line.strip())
    return not all(line.is_bare for line in Stripper().strip(numbered))


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


def read_event(lines: Sequence[str]) -> OomEvent:
    """What the lines of one event say; nothing at all where there is none."""
    events = LogReader(io.BytesIO(name_bytes("".join(lines)))).events()
    return next(events, OomEvent(1, 1, 1))
