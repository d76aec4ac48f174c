"""Which of a log's reports a command is about."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from oomsel.errors import InputError, Problem
from oomsel.inputs.log.digest import Digest, digest_of
from oomsel.inputs.log.options import LogOptions
from oomsel.klog.clock import moment_of
from oomsel.klog.event import OomEvent
from oomsel.klog.readable import Readable
from oomsel.klog.reader import LogContext, LogReader
from oomsel.text import number_of

#: Reports of one machine that are not further apart are one storm.
STORM_SECONDS = 60
#: Other reports that are kept in short.
_MOST_OTHERS = 500


def are_near(one: OomEvent | None, other: OomEvent) -> bool:
    """Whether two reports belong to one storm, as far as their times tell."""
    if one is None or one.host != other.host:
        return False
    apart = seconds_between(one, other)
    return apart is not None and abs(apart) < STORM_SECONDS


def seconds_between(one: OomEvent | Digest, other: OomEvent | Digest) -> float | None:
    """From one report to the other; None where their times do not tell."""
    first, second = moment_of(one.stamp or one.date), moment_of(other.stamp or other.date)
    if first.seconds is not None and second.seconds is not None:
        return second.seconds - first.seconds
    if first.date is None or second.date is None or (first.date.tzinfo is None) != (second.date.tzinfo is None):
        return None
    return (second.date - first.date).total_seconds()


class Picked(NamedTuple):
    """A report, what the log says around it, and why it was picked, where a person did not say."""

    event: OomEvent
    context: LogContext
    because: str | None
    others: tuple[Digest, ...] = ()  #: for `explain`: the log's reports in short, this one too, the last so many


def pick(stream: Readable, source: str, options: LogOptions, progress: Callable[[int], None] | None = None) -> Picked:
    """The report that `options` ask for; of several that fit the last, without options the last complete one.

    Raises InputError where the log has no such report.
    """
    reader = LogReader(stream, keep_source=options.keep_source, progress=progress)
    best: tuple[int, OomEvent, LogContext] | None = None
    latest: OomEvent | None = None  #: of the reports that fit as well as the best
    count = storm = 0
    others: deque[Digest] = deque(maxlen=_MOST_OTHERS)
    for event in reader.events():
        count += 1
        if options.told is not None:
            options.told(event)
        if options.first_of_storm:
            others.append(digest_of(event, reader.context.boots))
        fit = _fit(event, options)
        if fit and (best is None or fit >= best[0]):
            goes_on = options.first_of_storm and best is not None and best[0] == fit and are_near(latest, event)
            storm = storm + 1 if goes_on else 1
            if not goes_on:
                best = (fit, event, reader.context.copy())
            latest = event
        if event.index == options.event and options.told is None:
            break
    if best is None:
        raise InputError(source, [Problem(_nothing(count, options))])
    fit, event, context = best
    later = reader.context_of(event)
    if context.boots == later.boots:
        # What only later lines say holds for the machine all the same, unless it has started anew since.
        context.possible_cpus = context.possible_cpus or later.possible_cpus
        context.online_cpus = context.online_cpus or later.online_cpus
        context.forgeable |= later.forgeable
    if options.event is not None or options.pid is not None or options.last or count == 1:
        return Picked(event, context, None, tuple(others))
    if storm > 1:
        complete = "complete " if fit == 4 and storm < count else ""
        what = f"the first of the last storm, {storm} {complete}reports less than {STORM_SECONDS} s apart,"
    else:
        what = "the last complete one" if fit == 4 else "the last with a table" if fit >= 2 else "the last"
    what = what if what.endswith(",") else f"{what},"
    because = f"{count} reports; this is number {event.index}, {what} line {event.first_line}; --event N picks another"
    return Picked(event, context, because, tuple(others))


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
    have = f"it has {number_of(count, 'report')}"
    if options.event is not None:
        return f"no report number {options.event}: {have}; oomsel events lists them"
    return f"no report killed pid {options.pid}: {have}; oomsel events lists them"
