"""Reports whose first lines are lost: what is read of them before a line shows that there is a report at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from oomsel.klog import formats
from oomsel.klog.parser import EventParser
from oomsel.klog.prefix import Line

#: What tells the streams in a log apart: host, tag, printk's caller.
Key: TypeAlias = tuple[str | None, str | None, str]

#: Lines that may stand between the parts of a report whose first line is lost: the stack dump, the slabs.
_PATIENCE = 300
#: Lines that another dump of the machine's memory has: a failed allocation's, say.
_OTHERS_DUMP = 150
#: So many streams are watched at once.
_MOST = 2_000


class Heads:
    """The beginnings of possible reports, one for each stream of lines."""

    def __init__(self) -> None:
        self._heads: dict[Key, EventParser] = {}
        self._others: dict[Key, int] = {}  #: until which line there is another dump of memory
        self._first_line: int | None = None

    def __bool__(self) -> bool:
        return bool(self._heads)

    def see(self, key: Key, line: Line) -> None:
        """Note of any line whether it is the log's first, and whether it begins a dump that is not the OOM killer's."""
        if self._first_line is None and line.text.strip():
            self._first_line = line.number
        text = line.text
        if ("allocation " in text or "Show Memory" in text) and any(words in text for words in formats.OTHER_MEMINFO):
            self._watch_for_others(key, line)

    def parser(self, key: Key, line: Line, new: Callable[[], EventParser]) -> EventParser:
        """The parser that `line` may begin a report for: what was read before it belongs to that, or a new one."""
        head = self._heads.get(key)
        if head is None or "invoked oom-killer" in line.text or " Comm: " in line.text:
            return new()
        return new() if head.has_trace_of_another and head.begins_another(line) else head

    def begin(self, key: Key, parser: EventParser) -> None:
        """A report has begun with `parser`."""
        parser.event.follows_lines = parser.event.first_line != self._first_line
        self._heads.pop(key, None)
        self._others.pop(key, None)

    def collect(self, key: Key, parser: EventParser, line: Line) -> bool:
        """Let `parser` take in a line that may be of a report whose first lines are lost; whether it did."""
        if line.number <= self._others.get(key, 0):
            return False
        taken = parser.collect(line)
        parser.age = 0 if taken else parser.age + 1
        if parser.has_trace_of_another and not parser.event.meminfo.is_empty:
            self._watch_for_others(key, line)
            return False
        if taken or (parser.has_trace_of_another and parser is not self._heads.get(key)):
            self._heads[key] = parser
            if len(self._heads) > _MOST:
                del self._heads[next(iter(self._heads))]
        elif parser.age > _PATIENCE:
            self._heads.pop(key, None)
        return taken

    def left(self) -> Iterator[tuple[Key, EventParser]]:
        """At the log's end: those that are reports' for certain."""
        yield from [(key, head) for key, head in self._heads.items() if head.is_ooms or head.has_headless_rows]

    def _watch_for_others(self, key: Key, line: Line) -> None:
        self._others[key] = line.number + _OTHERS_DUMP
        self._heads.pop(key, None)
        if len(self._others) > _MOST:
            del self._others[next(iter(self._others))]
