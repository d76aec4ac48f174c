"""Logs printed newest first: told by their beginning, and given in the order in which the kernel printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from oomsel.klog.patterns import Pattern
from oomsel.klog.prefix import Line

_HEADER = Pattern(rb"\[ *pid *\] +uid +tgid +t")
_ROW = Pattern(rb"\[ *[0-9]+\](?: +-?[0-9]+){4}")
_KILLED = Pattern(rb"Killed process ([0-9]{1,10})\b")
_SUMMARY = Pattern(rb"oom-kill:constraint=[^\n]{0,8000},pid=([0-9]{1,10}),uid=")
#: So many lines a report may have; what is held is given then in any case.
_LONGEST = 200_000
#: Lines before the first that may be of it: a name with newlines.
_BEFORE = 2


def is_newest_first(start: bytes | bytearray) -> bool:
    """Whether a log that begins with `start` has its last line first: its table stands above the header."""
    for at in _each(start, b"total_vm"):
        begins = start.rfind(b"\n", 0, at) + 1
        if not _HEADER.search(start, begins, at + 1):
            continue
        before = start[max(start.rfind(b"\n", 0, max(begins - 1, 0)), 0) : begins]
        return _ROW.search(before) is not None and _ROW.search(_line_after(start, at)) is None
    for at in _each(start, b"Killed process "):
        killed = _KILLED.match(start, at)
        summary = _SUMMARY.search(_line_after(start, at))
        if killed is not None and summary is not None:
            return summary[1] == killed[1]
    return False


def _each(start: bytes | bytearray, word: bytes) -> Iterator[int]:
    at = start.find(word)
    while at >= 0:
        yield at
        at = start.find(word, at + 1)


def _line_after(start: bytes | bytearray, at: int) -> bytes | bytearray:
    ends = start.find(b"\n", at)
    if ends < 0:
        return b""
    later = start.find(b"\n", ends + 1)
    return start[ends + 1 : later if later >= 0 else len(start)]


class OldestFirst:
    """Turns such a log's lines around, report by report."""

    def __init__(self) -> None:
        self._held: list[Line] = []
        self._after = 0  #: lines since the first line of a report; 0 where none has come
        self.is_within = False  #: a report is being read

    def lines(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The lines of each report in the kernel's order; reports stay in the log's."""
        for line in lines:
            text = line.text
            is_end = "Killed process " in text or "oom_reaper: " in text or "oom-kill:" in text
            if is_end and self._after:  # of the report before it
                yield from self._turned()
            self._held.append(line)
            self.is_within = self.is_within or is_end
            if " invoked oom-killer: " in text or "Linux version " in text:
                self.is_within, self._after = False, 1
            elif self._after:
                self._after += 1
            if self._after > _BEFORE or len(self._held) > _LONGEST:
                yield from self._turned()
        yield from self._turned()

    def _turned(self) -> Iterator[Line]:
        held, self._held, self._after = self._held, [], 0
        yield from reversed(held)
