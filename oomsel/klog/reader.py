"""From a log's bytes to its OOM reports, one after the other, in one pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from oomsel.klog import formats
from oomsel.klog.chunks import Readable
from oomsel.klog.event import OomEvent
from oomsel.klog.lines import LineSource
from oomsel.klog.parser import EventParser
from oomsel.klog.prefix import Line, Stripper

#: Lines without a word of the report's, after which it is taken to have been cut.
_PATIENCE = 3000
#: Lines that may stand between the parts of a report whose first line is lost: the stack dump, the slabs.
_HEAD_PATIENCE = 300
#: Lines that another dump of the machine's memory has: a failed allocation's, say.
_OTHERS_DUMP = 150
#: Lines after the kill in which a group's kills and the reaper may follow.
_AFTERMATH = 64

_CPUS = re.compile(r"\bnr_cpu_ids:([0-9]{1,5})\b|[Bb]rought up (?:[0-9]+ nodes?, )?([0-9]{1,5}) CPUs?\b")
_RELEASE = re.compile(r"Linux version ([0-9]+\.[0-9]\S*)")
_SWAP_ON = re.compile(r"Adding ([0-9]{1,15})k swap on ")


@dataclass(slots=True)
class LogContext:
    """What the log says outside of its reports; each value with its line."""

    possible_cpus: tuple[int, int] | None = None
    online_cpus: tuple[int, int] | None = None
    release: tuple[str, int] | None = None
    total_swap_kb: tuple[int, int] | None = None
    killed: dict[int, tuple[bytes, int]] = field(default_factory=dict)  #: pid -> name and line of an earlier kill
    reaped: dict[int, int] = field(default_factory=dict)  #: pid -> line of the oom_reaper about it
    boots: int = 0  #: how many have begun in the log

    def read(self, line: Line) -> None:
        """Take in a line that belongs to no report."""
        text = line.text
        if (match := _CPUS.search(text)) is not None:
            if (self.possible_cpus if match[1] else self.online_cpus) is not None:
                self._start_anew()  # said once a boot: the banner of this one is lost
            if match[1]:
                self.possible_cpus = (int(match[1]), line.number)
            else:
                self.online_cpus = (int(match[2]), line.number)
        elif match := _RELEASE.match(text):
            self._start_anew()
            self.release = (match[1], line.number)
        elif match := _SWAP_ON.match(text):
            before = self.total_swap_kb[0] if self.total_swap_kb else 0
            self.total_swap_kb = (before + int(match[1]), line.number)

    def _start_anew(self) -> None:
        """The machine boots, and what was known of it is no more."""
        self.possible_cpus = self.online_cpus = self.total_swap_kb = self.release = None
        self.killed, self.reaped = {}, {}
        self.boots += 1

    def learn(self, event: OomEvent) -> None:
        """Keep what a report says that later ones may not."""
        if event.meminfo.total_swap_kb is not None:
            self.total_swap_kb = (event.meminfo.total_swap_kb, event.meminfo.swap_line or event.first_line)
        for kill in event.kills:
            self.killed[kill.pid] = (kill.comm, kill.line)
        self.reaped.update((pid, line) for line, pid in event.reaped)

    def copy(self) -> LogContext:
        """As it is now, for a report to be read with."""
        return replace(self, killed=dict(self.killed), reaped=dict(self.reaped))


def _boots(text: str) -> bool:
    """Whether a line is one of those that the kernel prints only when it starts."""
    if "Linux version " not in text and "nr_cpu_ids:" not in text and "rought up " not in text:
        return False  # as nearly every line
    return _RELEASE.match(text) is not None or _CPUS.search(text) is not None


class LogReader:
    """The reports in `stream`, in order of their ends, as `events()` gives them.

    `context` is what the log says beside them, up to the report that was given last.
    `keep_source` keeps each report's lines as they stand.  One pass, a few MiB of memory
    besides the reports that the caller keeps.
    """

    def __init__(
        self, stream: Readable, *, keep_source: bool = False, progress: Callable[[int], None] | None = None
    ) -> None:
        self._source = LineSource(stream, progress)
        self._keep_source = keep_source
        self.context = LogContext()
        self._open: dict[tuple[str | None, str], EventParser] = {}
        #: What may be a report whose first lines are lost.
        self._heads: dict[tuple[str | None, str], EventParser] = {}
        self._others: dict[tuple[str | None, str], int] = {}  #: until which line there is another dump of memory
        self._first_line: int | None = None
        self._count = 0
        self._recent: list[Line] = []
        self._sequence: int | None = None

    def events(self) -> Iterator[OomEvent]:
        """The reports, each when it has ended."""
        for line in Stripper().strip(self._source.lines(lambda: not self._open and not self._heads)):
            yield from self._take(line)
        for key, head in list(self._heads.items()):
            if head.is_ooms and key not in self._open:
                self._begin(key, head)
        for key in list(self._open):
            yield self._close(key)

    def _close_before(self, line: Line) -> Iterator[OomEvent]:
        """The reports that have ended when `line` comes."""
        boots = _boots(line.text)
        for key, report in list(self._open.items()):
            report.age += 1
            if report.age > (_AFTERMATH if report.event.ends else _PATIENCE) or (boots and key[0] == line.tag):
                yield self._close(key)
        if boots:
            self._source.look_closely()

    def _take(self, line: Line) -> Iterator[OomEvent]:
        yield from self._close_before(line)
        if self._first_line is None and line.text.strip():
            self._first_line = line.number
        self._watch_sequence(line)
        key = (line.tag, line.caller)
        report_of = self._open.get(key)
        if report_of is None and line.text.startswith("oom_reaper: "):
            # The reaper is another thread.
            for report in self._open.values():
                if report.read_reaper(line):
                    return
        if report_of is not None:
            if report_of.read(line, self._recent):
                self._remember(line)
                return
            if report_of.begins_another(line):
                yield self._close(key)
                report_of = None
        if any(words in line.text for words in formats.OTHER_MEMINFO):
            self._watch_for_others(key, line)
        elif report_of is None and self._begins(key, line):
            self._remember(line)
            return
        for other in self._open.values():
            other.overhear(line)
        self.context.read(line)
        self._remember(line)

    def _begins(self, key: tuple[str | None, str], line: Line) -> bool:
        """Whether a report begins with `line`, or with what was read before it, or may have begun with it."""
        head = self._heads.get(key)
        is_new = "invoked oom-killer" in line.text or " Comm: " in line.text
        parser = self._parser(line) if head is None or is_new else head
        if parser.has_trace_of_another and parser.begins_another(line):
            parser = self._parser(line)
        if parser.begin(line, self._recent):
            self._begin(key, parser)
            return True
        if line.number <= self._others.get(key, 0):
            return False
        taken = parser.collect(line)
        parser.age = 0 if taken else parser.age + 1
        if parser.has_trace_of_another and not parser.event.meminfo.is_empty:
            self._watch_for_others(key, line)
            return False
        if taken or (parser.has_trace_of_another and parser is not head):
            self._heads[key] = parser
        elif parser.age > _HEAD_PATIENCE:
            self._heads.pop(key, None)
        return taken

    def _watch_for_others(self, key: tuple[str | None, str], line: Line) -> None:
        """The dump of memory that begins with `line` is not the OOM killer's."""
        self._others[key] = line.number + _OTHERS_DUMP
        self._heads.pop(key, None)

    def _parser(self, line: Line) -> EventParser:
        cpus, _ = self.context.possible_cpus or (None, 0)
        return EventParser(self._count + 1, line, keep_source=self._keep_source, cpus=cpus)

    def _begin(self, key: tuple[str | None, str], parser: EventParser) -> None:
        self._count += 1
        event = parser.event
        event.index = self._count
        event.follows_lines = event.first_line != self._first_line
        self._heads.pop(key, None)
        self._others.pop(key, None)
        self._open[key] = parser

    def _watch_sequence(self, line: Line) -> None:
        """/dev/kmsg numbers its records throughout, whoever printed them."""
        if line.sequence is None:
            return
        before, self._sequence = self._sequence, line.sequence
        if before is not None and line.sequence > before + 1:
            for report in self._open.values():
                report.miss(line, line.sequence - before - 1)

    def _remember(self, line: Line) -> None:
        self._recent.append(line)
        if len(self._recent) > 24:
            del self._recent[:8]

    def _close(self, key: tuple[str | None, str]) -> OomEvent:
        return self._open.pop(key).finish()
