"""A trace from beginning to end, or to a moment: what each process reads over time, and what victims prove."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from oomsel.errors import InputError, Problem
from oomsel.inputs.source import Peekable
from oomsel.inputs.trace.line import Lost, Victim
from oomsel.inputs.trace.reader import Piece, TraceReader
from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.kernel.percpu_counter import RSS_MEMBERS
from oomsel.outputs.replay import ReplayRow, VictimEvidence, seconds
from oomsel.study.trace_replay import BEFORE_6_2, TraceReplay
from oomsel.study.traced_mm import TracedMm

if TYPE_CHECKING:
    from oomsel.study.trace_designs import TraceDesigns

#: Moments that are kept where nobody says how many; once there are twice as many, every other one goes.
_MOMENTS = 5
#: The design of Linux 6.2 on, which is replayed with what is not known of it.
_PERCPU = "percpu"
_RSS = tuple(RSS_MEMBERS.values())


class TraceOptions(NamedTuple):
    """What a person knows of a trace, or wants of it."""

    cpus: int | None = None  #: online; None for what the trace says
    batch: int | None = None  #: None for what the kernel computes of the CPUs
    page_size: int = 4096
    has_percpu_rss: bool | None = None  #: whether the kernel is 6.2 or later; None for what the event's form says
    designs: tuple[str, ...] = ()  #: none for the kernel's own
    at: int | None = None  #: a moment, nanoseconds
    every: int | None = None  #: nanoseconds between moments


@dataclass
class _Stops:
    """Multiples of an interval, which may grow; 0 until it is known."""

    every: int

    def after(self, time: int) -> int:
        """The first one after `time`."""
        return (time // self.every + 1) * self.every


class TraceSession:
    """Reads and replays a trace once; what it found can be asked for when `moments` is through."""

    def __init__(self, stream: Peekable, name: str, options: TraceOptions) -> None:
        self._name, self._options = name, options
        self._reader = TraceReader(stream, name)
        cpus = options.cpus or self._reader.cpus or 0
        self.is_percpu = not self._reader.is_numbered if options.has_percpu_rss is None else options.has_percpu_rss
        own = _PERCPU if self.is_percpu else "split"
        self.designs = options.designs or (own,)
        others = tuple(design for design in self.designs if design != own)
        if others and not self.is_percpu:
            what = "a kernel before 6.2 traces what threads fold, not every update"
            message = f"{what}; it cannot be replayed as {others[0]}"
            raise InputError(name, [Problem(message)])
        self._others: TraceDesigns | None = None
        if others:
            from oomsel.study.trace_designs import TraceDesigns

            self._others = TraceDesigns(others, cpus)
        self.replay = TraceReplay(
            name,
            cpus,
            options.batch or compute_batch_value(cpus),
            options.page_size,
            listener=self._others.add if self._others is not None else None,
        )
        self.victims: list[VictimEvidence] = []
        self.losses = 0
        self.time = 0  #: nanoseconds of the last event that was replayed
        self.is_past_end = False  #: whether the trace ends before the moment that was asked for

    def moments(self) -> Iterator[ReplayRow]:
        """The rows of every moment, in the order of time.  Raises InputError."""
        if self._options.at is not None:
            self._run_to(self._options.at)
            yield from self._rows(self.moment)
        elif self._options.every is not None:
            yield from self._at_intervals(self._options.every)
        else:
            yield from self._at_a_few_moments()

    @property
    def moment(self) -> int:
        """The last moment that is shown, nanoseconds: the one asked for, or the trace's end if that comes before."""
        return self.time if self._options.at is None or self.is_past_end else self._options.at

    @property
    def cut(self) -> int | None:
        """The number of the last line, where it is cut off."""
        return self._reader.cut

    def _events(self) -> Iterator[Piece]:
        """Pieces that are still to be fed; what stands between them is dealt with."""
        for event in self._reader:
            if isinstance(event, Piece):
                yield event
            elif isinstance(event, Lost):
                self.losses += 1
                self.replay.lose(event.cpu)
            elif self._options.at is None or event.time <= self._options.at:
                self.victims.append(self._evidence(event))

    def _feed(self, piece: Piece) -> None:
        self.replay.feed(piece)
        self.time = max(self.time, piece.time(len(piece.stem) - 1))

    def _run_to(self, moment: int) -> None:
        for piece in self._events():
            upto = piece.before(moment + 1)
            if upto:
                self._feed(piece.part(0, upto))
            if upto < len(piece.stem):
                break
        else:
            self.is_past_end = self.time < moment
        if not self.replay.updates and not self.victims:
            raise InputError(self._name, [Problem(f"no event up to {moment / 1e9:.6f} seconds; use a later moment")])

    def _at_intervals(self, every: int) -> Iterator[ReplayRow]:
        """Rows at multiples of `every`, of the processes with events since the row before."""
        before = 0
        for due in self._stops(_Stops(every)):
            yield from self._rows(due, before)
            before = due
        yield from self._rows(self.time, before)

    def _at_a_few_moments(self) -> Iterator[ReplayRow]:
        """Rows at not so many moments that a person loses count, evenly spaced whatever the length of the trace."""
        kept: dict[int, list[ReplayRow]] = {}
        stops = _Stops(0)
        for due in self._stops(stops):
            kept[due] = list(self._rows(due))
            while len(kept) >= 2 * _MOMENTS:
                stops.every *= 2
                kept = {time: rows for time, rows in kept.items() if time % stops.every == 0}
        for rows in kept.values():
            yield from rows
        yield from self._rows(self.time)

    def _stops(self, stops: _Stops) -> Iterator[int]:
        """Feed everything; stops at each multiple of `stops.every` that has events behind it and gives that moment."""
        due = 0
        for piece in self._events():
            begin, count = 0, len(piece.stem)
            if not stops.every:
                stops.every = _rounded((piece.time(count - 1) - piece.time(0)) // _MOMENTS)
            due = due or stops.after(piece.time(0))
            while begin < count:
                upto = piece.before(due, begin)
                if upto > begin:
                    self._feed(piece.part(begin, upto))
                if upto < count:
                    yield due
                    due = stops.after(piece.time(upto))
                begin = upto

    def _rows(self, time: int, since: int = -1) -> Iterator[ReplayRow]:
        """What is read of each process at `time`; of those with events after `since`."""
        mms = list(self.replay.living())
        if self._others is not None:
            self._others.keep(mms)
        for mm in mms:
            if mm.seen > since:
                yield from self._rows_of(mm, time)

    def _rows_of(self, mm: TracedMm, time: int) -> Iterator[ReplayRow]:
        replay = self.replay
        counters = {name: mm.counters[member] for name, member in RSS_MEMBERS.items()}
        missing = tuple(name for name, counter in counters.items() if counter.size is None)
        sizes = [counter.size for counter in counters.values() if counter.size is not None]
        truth = sum(sizes) if sizes else None
        for design in self.designs:
            bound: tuple[int, int] | None = None
            if not self.is_percpu:
                read, known = (None if truth is None else (truth, truth)), "what is read; threads hold back more"
            elif design == _PERCPU:
                read, known = self._read(mm), self._known(mm)
                most = len(sizes) * replay.cpus * (replay.batch.pages - 1)
                bound = most, most
            else:
                assert self._others is not None
                found = self._others.read(mm, design)
                read, bound = found or (None, None)
                known = "exact, from its beginning" if mm.is_new and not mm.is_lossy else "counted from its first event"
            yield ReplayRow(
                time, mm.pid, mm.comm, mm.mm_id, design, read, truth if self.is_percpu else None, bound, known, missing
            )

    def _known(self, mm: TracedMm) -> str:
        if mm.is_exact(self.replay.cpus):
            return "exact, from its beginning" if mm.is_new and not mm.is_lossy else "exact by now"
        return "a range: events were lost" if mm.is_lossy else "a range: seen from mid-life"

    def _read(self, mm: TracedMm) -> tuple[int, int] | None:
        """What an approximate read of the RSS gives, of the counters that are known."""
        reads = [mm.counters[member].read(self.replay.batch, self.replay.cpus) for member in _RSS]
        known = [read for read in reads if read is not None]
        return (sum(low for low, _ in known), sum(high for _, high in known)) if known else None

    def _evidence(self, victim: Victim) -> VictimEvidence:
        mm = self.replay.owner.get(victim.pid)
        told = None if victim.kb is None else sum(victim.kb.values()) * 1024 // self._options.page_size
        sizes = [] if mm is None else [mm.counters[member].size for member in _RSS]
        is_known = bool(sizes) and None not in sizes and self.is_percpu
        return VictimEvidence(
            victim.time,
            victim.pid,
            victim.comm if victim.comm is not None else mm.comm if mm is not None else b"",
            told,
            sum(size or 0 for size in sizes) if is_known else None,
            self._read(mm) if mm is not None and is_known else None,
        )


def _rounded(interval: int) -> int:
    """An interval with one digit that counts, at least a microsecond."""
    digits: int = 10 ** (len(str(interval)) - 1)
    return max(interval // digits * digits, 1000)


def notes_of(session: TraceSession) -> Iterable[str]:
    """What a person should know of the replay, sentences without their full stop."""
    if session.is_past_end:
        yield f"the trace ends at {seconds(session.time)} seconds, before the moment asked for; this is its end"
    if session.cut is not None:
        yield f"line {session.cut}, the last one, is cut off, and left out"
    if session.losses:
        places = "1 place" if session.losses == 1 else f"{session.losses} places"
        yield f"events are lost in {places}; what they touch is known again only as a range"
    if session.replay.simultaneous:
        count = session.replay.simultaneous
        updates = "1 update has" if count == 1 else f"{count} updates have"
        yield (
            f"{updates} the size of the one before: two CPUs added at once, so their"
            " amounts may be swapped, or a sum below 0 is shown as 0"
        )
    if not session.is_percpu:
        yield BEFORE_6_2
