"""Every report of a log as a page lists it: a row of a table and a mark on a time line."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.inputs.log.pick import seconds_between
from oomsel.klog.event import OomEvent
from oomsel.outputs.log_events import Entry, entry_of, size_of
from oomsel.outputs.page.scale import Scale, percentage
from oomsel.text import printable, process_name

#: Reports that are listed; of more the last ones are counted.
MOST = 500


class Point(NamedTuple):
    """A report on the time line."""

    number: int
    x: str
    is_this: bool
    title: str


class Line(NamedTuple):
    """A report in the table."""

    number: int
    cells: tuple[str, ...]  #: line, time, invoked by, killed, freed, what ran out
    is_this: bool


class Listing(NamedTuple):
    """What the page shows."""

    lines: tuple[Line, ...]
    points: tuple[Point, ...]
    first: str
    last: str
    span: str
    left_out: int


class Collector:
    """Told of each report as it is read, keeps what the list needs of it."""

    def __init__(self, source: str) -> None:
        self._source, self._first = source, None
        self._met: list[tuple[Entry, float | None]] = []
        self.count = 0

    _first: OomEvent | None

    def __call__(self, event: OomEvent) -> None:
        """Take in a report."""
        self.count += 1
        if len(self._met) >= MOST:
            return
        if self._first is None:
            self._first = event
        self._met.append((entry_of(self._source, event), seconds_between(self._first, event)))

    def listing(self, this: int | None) -> Listing | None:
        """The list, with report number `this` marked; None for a single report."""
        if self.count < 2:
            return None
        seconds = [when for _, when in self._met if when is not None]
        low, high = min(seconds, default=0.0), max(seconds, default=0.0)
        scale, points = Scale(low, high), []
        if high > low and len(seconds) == len(self._met):
            for entry, when in self._met:
                assert when is not None
                x = percentage(1 + 0.98 * scale.percent(when))
                title = f"{entry.number}: {_when(entry)}, killed {_killed(entry)}"
                points.append(Point(entry.number, x, entry.number == this, title))
        lines = tuple(Line(entry.number, _cells(entry), entry.number == this) for entry, _ in self._met)
        ordered = sorted(self._met, key=lambda met: met[1] or 0.0)
        return Listing(
            lines, tuple(points), _when(ordered[0][0]), _when(ordered[-1][0]), _span(high - low),
            self.count - len(self._met),
        )  # fmt: skip


def _cells(entry: Entry) -> tuple[str, ...]:
    by = "\N{EN DASH}" if entry.invoked_by is None else printable(entry.invoked_by)
    freed = "\N{EN DASH}" if entry.freed_kb is None else size_of(entry.freed_kb)
    return str(entry.line), _when(entry), by, _killed(entry), freed, entry.constraint


def _when(entry: Entry) -> str:
    return printable(entry.time) or "no time"


def _killed(entry: Entry) -> str:
    if not entry.killed:
        return entry.end or "not in the log"
    more = f" and {len(entry.killed) - 1} more" if len(entry.killed) > 1 else ""
    return f"{process_name(*entry.killed[0])}{more}"


def _span(seconds: float) -> str:
    """How much time lies between.

    >>> [_span(seconds) for seconds in (0.086, 75, 7200, 200000)]
    ['0.1 s', '75 s', '120 minutes', '2.3 days']
    """
    if seconds < 600:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 36000 else (
        f"{seconds / 3600:.0f} hours" if seconds < 172800 else f"{seconds / 86400:.1f} days"
    )  # fmt: skip
