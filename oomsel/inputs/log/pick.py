"""Which of a log's reports a command is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from oomsel.errors import InputError, Problem
from oomsel.inputs.log.options import LogOptions
from oomsel.klog.chunks import Readable
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogContext, LogReader


class Picked(NamedTuple):
    """A report, what the log says around it, and why it was picked, where a person did not say."""

    event: OomEvent
    context: LogContext
    because: str | None


def pick(stream: Readable, source: str, options: LogOptions, progress: Callable[[int], None] | None = None) -> Picked:
    """The report that `options` ask for; of several that fit the last, without options the last complete one.

    Raises InputError where the log has no such report.
    """
    reader = LogReader(stream, progress=progress)
    best: tuple[int, OomEvent, LogContext] | None = None
    count = 0
    for event in reader.events():
        count += 1
        fit = _fit(event, options)
        if fit and (best is None or fit >= best[0]):
            best = (fit, event, reader.context.copy())
        if event.index == options.event:
            break
    if best is None:
        raise InputError(source, [Problem(_nothing(count, options))])
    fit, event, context = best
    later = reader.context_of(event.host)
    if context.boots == later.boots:
        # What only later lines say holds for the machine all the same, unless it has started anew since.
        context.possible_cpus = context.possible_cpus or later.possible_cpus
        context.online_cpus = context.online_cpus or later.online_cpus
    if options.event is not None or options.pid is not None or options.last or count == 1:
        return Picked(event, context, None)
    what = "the last complete one" if fit == 4 else "the last with a table" if fit >= 2 else "the last"
    because = f"{count} reports; this is number {event.index}, {what}, line {event.first_line}; --event N picks another"
    return Picked(event, context, because)


def _fit(event: OomEvent, options: LogOptions) -> int:
    """How well a report is what is wanted; 0 for not at all."""
    if options.event is not None:
        return int(event.index == options.event)
    if options.pid is not None:
        return int(options.pid in {kill.pid for kill in event.kills} | ({event.victim[0]} if event.victim else set()))
    if options.last:
        return 1
    if event.is_complete:
        return 4
    return 3 if event.rows and event.ends else 2 if event.rows else 1


def _nothing(count: int, options: LogOptions) -> str:
    if count == 0:
        return "no OOM report in this log; look where the kernel's own messages are, as journalctl -k shows them"
    have = f"it has {count} report{'s' * (count > 1)}"
    if options.event is not None:
        return f"no report number {options.event}: {have}; oomsel events lists them"
    return f"no report killed pid {options.pid}: {have}; oomsel events lists them"
