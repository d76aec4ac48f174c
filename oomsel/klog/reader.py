"""From a log's bytes to its OOM reports, one after the other, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from oomsel.klog.event import OomEvent
from oomsel.klog.heads import Heads, Key
from oomsel.klog.lines import LineSource
from oomsel.klog.order import OldestFirst
from oomsel.klog.parser import EventParser
from oomsel.klog.patterns import Pattern
from oomsel.klog.prefix import Line
from oomsel.klog.readable import Readable
from oomsel.klog.report_lines import release_of_text
from oomsel.klog.torn import Joiner
from oomsel.klog.wrappers import Stripper

#: Lines without a word of the report's, after which it is taken to have been cut.
_PATIENCE = 3000
#: Lines after the kill in which a group's kills and the reaper may follow.
_AFTERMATH = 64
#: Blank lines one after the other that are looked at.
_MOST_BLANK = 100

#: At the beginning of a line, where no name can stand that is as long.
_CPUS = Pattern(
    r"(?:\w{1,20}: )?NR_CPUS:[0-9]{1,6} (?:nr_cpumask_bits:[0-9]{1,6} )?nr_cpu_ids:([0-9]{1,5})\b"
    r"|(?:\w{1,20}: )?[Bb]rought up (?:[0-9]{1,5} nodes?, )?([0-9]{1,5}) CPUs?\b"
)
_RELEASE = Pattern(r"Linux version ([0-9]+\.[0-9]\S*)")
_SWAP_ON = Pattern(r"Adding ([0-9]{1,15})k swap on ")
#: More digits than a number of 64 bits has, in what is no part of a path or an identifier.
_HUGE = Pattern(r"(?<![0-9A-Za-z_./-])[0-9]{21}")
#: So many earlier kills, and hosts, are kept in mind.
_MOST_KILLS = 20_000
_MOST_HOSTS = 2_000


@dataclass(slots=True)
class LogContext:
    """What the log says of a machine outside of its reports; each value with its line.

    Only what was logged as a report was counts for it: what the form shows to be another
    program's line says nothing of a machine whose reports the kernel logs.
    """

    possible_cpus: tuple[int, int] | None = None
    online_cpus: tuple[int, int] | None = None
    release: tuple[str, int] | None = None
    total_swap_kb: tuple[int, int] | None = None
    killed: dict[int, tuple[bytes, int]] = field(default_factory=dict)  #: pid -> name and line of an earlier kill
    reaped: dict[int, int] = field(default_factory=dict)  #: pid -> line of the oom_reaper about it
    boots: int = 0  #: how many have begun in the log
    forgeable: set[int] = field(default_factory=set)  #: those of the lines that only their tag says are the kernel's

    def read(self, line: Line) -> None:
        """Take in a line that belongs to no report."""
        text = line.text
        if line.continues:  # of a name with a newline, say
            return
        if (match := _CPUS.match(text)) is not None:
            if (self.possible_cpus if match[1] else self.online_cpus) is not None:
                self._start_anew()  # said once a boot: the banner of this one is lost
            if match[1]:
                self.possible_cpus = (int(match[1]), line.number)
            else:
                self.online_cpus = (int(match[2]), line.number)
        elif match := _RELEASE.match(text):
            self._start_anew()
            release = release_of_text(match[1])
            self.release = (release, line.number) if release is not None else None
        elif match := _SWAP_ON.match(text):
            before = self.total_swap_kb[0] if self.total_swap_kb else 0
            self.total_swap_kb = (before + int(match[1]), line.number)
        else:
            return
        if line.tag == "kernel" and not line.is_sure:
            self.forgeable.add(line.number)

    def _start_anew(self) -> None:
        """The machine boots, and what was known of it is no more."""
        self.possible_cpus = self.online_cpus = self.total_swap_kb = self.release = None
        self.killed, self.reaped, self.forgeable = {}, {}, set()
        self.boots += 1

    def learn(self, event: OomEvent) -> None:
        """Keep what a report says that later ones may not."""
        if event.meminfo.total_swap_kb is not None:
            self.total_swap_kb = (event.meminfo.total_swap_kb, event.meminfo.swap_line or event.first_line)
        for kill in event.kills:
            self.killed[kill.pid] = (kill.comm, kill.line)
        self.reaped.update((pid, line) for line, pid in event.reaped)
        while len(self.killed) > _MOST_KILLS:
            del self.killed[next(iter(self.killed))]
        while len(self.reaped) > _MOST_KILLS:
            del self.reaped[next(iter(self.reaped))]

    def copy(self) -> LogContext:
        """As it is now, for a report to be read with."""
        return replace(self, killed=dict(self.killed), reaped=dict(self.reaped), forgeable=set(self.forgeable))


def _boots(text: str) -> bool:
    """Whether a line is one of those that the kernel prints only when it starts."""
    if "Linux version " not in text and "nr_cpu_ids:" not in text and "rought up " not in text:
        return False  # as nearly every line
    return _RELEASE.match(text) is not None or _CPUS.match(text) is not None


class LogReader:
    """The reports in `stream`, in order of their beginnings, as `events()` gives them.

    `context` is what the log says beside them of the machine that the report given last is of, up
    to that report's end.  `keep_source` keeps each report's lines as they stand.  One pass, a few
    MiB of memory besides the reports that the caller keeps.
    """

    def __init__(
        self, stream: Readable, *, keep_source: bool = False, progress: Callable[[int], None] | None = None
    ) -> None:
        self._source = LineSource(stream, progress)
        self._turned = OldestFirst() if self._source.is_newest_first else None
        self._stripper = Stripper()
        self._joiner = Joiner(self._source.column)
        self._keep_source = keep_source
        self.context = LogContext()
        self._contexts: dict[tuple[str | None, str | None], LogContext] = {}
        self._open: dict[Key, EventParser] = {}
        self._heads = Heads()
        self._count = 0
        self._failure: Exception | None = None
        self._recent: dict[str | None, list[Line]] = {}
        self._sequence: int | None = None

    def context_of(self, line: Line | OomEvent) -> LogContext:
        """What the log says of the machine of a line or a report as far as it has been read."""
        key = (line.host, None if line.tag == "kernel" else line.tag)
        if key not in self._contexts:
            if len(self._contexts) >= _MOST_HOSTS:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[key] = LogContext()
        return self._contexts[key]

    def events(self) -> Iterator[OomEvent]:
        """The reports, each when it and all that began before it have ended."""
        following = 1
        held: dict[int, tuple[OomEvent, LogContext]] = {}
        for event in self._closed():
            live = self.context_of(event)
            if event.index == following:
                self.context = live
                following += 1
                yield event
            else:
                held[event.index] = (event, live.copy())
            live.learn(event)
            while following in held:
                later, self.context = held.pop(following)
                following += 1
                yield later

    def _closed(self) -> Iterator[OomEvent]:
        """The reports in order of their ends."""
        lines = self._stripper.strip(self._lines())
        if self._turned is not None:
            lines = self._turned.lines(lines)
        for line in self._joiner.lines(lines):
            yield from self._take(line)
        for key, head in self._heads.left():
            self._begin(key, head)
        for key in list(self._open):
            yield self._close(key)
        if self._failure is not None:
            raise self._failure

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that may matter.  Where they cannot be read on, those so far come to their end first.

        Of blank lines without end, which take no room in a compressed log, the first say all.
        """
        blank = 0
        try:
            for number, raw in self._source.lines(self._is_idle):
                blank = 0 if raw.strip() else blank + 1
                if blank <= _MOST_BLANK:
                    yield number, raw
        except Exception as error:
            self._failure = error

    def _is_idle(self) -> bool:
        turned = self._turned
        is_holding = self._joiner.is_holding or self._stripper.is_holding or (turned is not None and turned.is_within)
        return not self._open and not self._heads and not is_holding

    def _close_before(self, line: Line) -> list[OomEvent]:
        """The reports that have ended when `line` comes."""
        boots = _boots(line.text)
        over = []
        for key, report in self._open.items():
            report.age += 1
            if boots or report.age > _AFTERMATH:  # as few are
                is_over = report.age > (_AFTERMATH if report.event.ends else _PATIENCE)
                if is_over or (boots and key[:2] == (line.host, line.tag)):
                    over.append(key)
        if boots:
            self._source.look_closely()
        return [self._close(key) for key in over]

    def _take(self, line: Line) -> Iterator[OomEvent]:
        yield from self._close_before(line)
        self._watch_sequence(line)
        key = (line.host, line.tag, line.caller)
        self._heads.see(key, line)
        report_of = self._open.get(key)
        before: EventParser | None = None
        if _HUGE.search(line.text):
            if report_of is not None:
                report_of.event.losses.append((line.number, "a line with a number that no kernel prints"))
            return
        if report_of is None and line.text.startswith("oom_reaper: ") and self._is_reaped(line):
            return
        recent = self._recent.setdefault(line.host, [])
        if report_of is not None:
            if report_of.read(line, recent):
                self._remember(line)
                return
            if self._is_mixed(report_of.event, line):
                return
            if report_of.begins_another(line):
                yield self._close(key)
                before, report_of = report_of, None
        if report_of is None and self._begins(key, line, recent, before):
            return
        for (host, *_), other in self._open.items():
            if line.host in (host, None):
                other.overhear(line)
        self.context_of(line).read(line)
        self._remember(line)

    def _is_reaped(self, line: Line) -> bool:
        """Whether the line is of the reaper, which is another thread, about one of the reports' victims."""
        return any(report.read_reaper(line) for (host, *_), report in self._open.items() if host == line.host)

    def _begins(self, key: Key, line: Line, recent: list[Line], before: EventParser | None) -> bool:
        """Whether a report begins, or what is left of one, or may have begun with the line; `before` it ended."""
        parser = self._heads.parser(key, line, lambda: self._parser(line))
        if not parser.begin(line, recent):
            return self._heads.collect(key, parser, line)
        parser.follows_first_line = before is not None and before.has_first_line_only
        self._begin(key, parser)
        self._remember(line)
        return True

    def _is_mixed(self, event: OomEvent, line: Line) -> bool:
        """Whether a second header follows the first at once: two reports are mixed, and nothing tells them apart."""
        if event.header_line is None or event.rows or event.ends or "total_vm" not in line.text:
            return False
        event.losses.append((line.number, "the header of another table, as two reports are mixed"))
        event.mixed_line, event.mixed_tables = event.mixed_line or line.number, True
        return True

    def _parser(self, line: Line) -> EventParser:
        cpus, _ = self.context_of(line).possible_cpus or (None, 0)
        return EventParser(self._count + 1, line, keep_source=self._keep_source, cpus=cpus)

    def _begin(self, key: Key, parser: EventParser) -> None:
        self._count += 1
        parser.event.index = self._count
        if self._turned is not None:
            parser.event.remarks.append("the log is printed newest first; it is read from its end")
        self._heads.begin(key, parser)
        self._open[key] = parser

    def _watch_sequence(self, line: Line) -> None:
        """/dev/kmsg numbers all records, those of other code too, so a gap shows that some are lost."""
        if line.sequence is None:
            return
        before, self._sequence = self._sequence, line.sequence
        if before is not None and line.sequence > before + 1:
            for report in self._open.values():
                report.miss(line, line.sequence - before - 1)

    def _remember(self, line: Line) -> None:
        recent = self._recent.setdefault(line.host, [])
        recent.append(line)
        if len(recent) > 24:
            del recent[:8]
        if len(self._recent) > _MOST_HOSTS:
            del self._recent[next(iter(self._recent))]

    def _close(self, key: Key) -> OomEvent:
        return self._open.pop(key).finish()
