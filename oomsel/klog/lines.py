"""The physical lines of a big log, most of them passed over: bytes are searched, not split, between reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

#: An input up to this size is looked at for everything; a larger one only for the needles below.
SMALL = 1 << 23
CHUNK = 1 << 22
#: Lines before a needle that may belong to it: a name with newlines in it splits the first line.
_BEFORE = 16
#: Every report has one of these.
NEEDLES = (b"oom-kill", b"Killed process ")
#: What else is worth a look in a small input: tables cut at both ends, boot lines, fields that hide their text.
MORE_NEEDLES = (
    b"oom_reaper: ",
    b"total_vm",
    b"Kill process ",
    b'"MESSAGE":',
    b'"MESSAGE" :',
    b"\nMESSAGE\n",
    b"Linux version ",
    b"nr_cpu_ids:",
    b"Brought up ",
    b"k swap on ",
    b"Total swap",
)
_HEADER = b"total_vm"


class Readable(Protocol):
    """What is read from."""

    def read(self, size: int = -1, /) -> bytes: ...


class LineSource:
    """Lines of `stream`; `number` is the 1-based number of the line last given, `read` bytes so far.

    After a line, `skip()` passes over everything up to the next line that may matter.
    """

    def __init__(self, stream: Readable, progress: Callable[[int], None] | None = None) -> None:
        self._stream = stream
        self._progress = progress
        self._buffer = b""
        self._at = 0  #: of the next line in the buffer
        self._ended = False
        self.number = 0
        self.read = 0
        self._fill(SMALL)
        small = self._ended
        self._needles = NEEDLES + MORE_NEEDLES if small else NEEDLES
        self._hits: dict[bytes, int] = {}

    def _fill(self, size: int) -> bool:
        """Read until `size` bytes are there beyond the next line's start; whether there was anything to read."""
        got = len(self._buffer) - self._at
        if self._ended or got >= size:
            return False
        parts = [self._buffer[self._at :]]
        self._at = 0
        self._hits = {}
        while got < size:
            part = self._stream.read(max(CHUNK, 1))
            if not part:
                self._ended = True
                break
            parts.append(part)
            got += len(part)
            self.read += len(part)
            if self._progress is not None:
                self._progress(self.read)
        self._buffer = b"".join(parts)
        return True

    def next_line(self) -> bytes | None:
        """The next line without its newline, None at the end."""
        end = self._buffer.find(b"\n", self._at)
        while end < 0 and not self._ended:
            searched = len(self._buffer) - self._at
            self._fill(searched + CHUNK)
            end = self._buffer.find(b"\n", self._at + searched)
        if end < 0:
            if self._at >= len(self._buffer):
                return None
            end = len(self._buffer)
        line = self._buffer[self._at : end]
        self._at = end + 1
        self.number += 1
        if line == b"MESSAGE":
            return self._binary_field(line)
        return line

    def _binary_field(self, line: bytes) -> bytes:
        """A field of journalctl's export form whose value is not text: eight bytes of length, the value, a newline."""
        self._fill(8)
        size = int.from_bytes(self._buffer[self._at : self._at + 8], "little")
        if size > SMALL:
            return line
        self._fill(9 + size)
        value = self._buffer[self._at + 8 : self._at + 8 + size]
        if len(value) < size or self._buffer[self._at + 8 + size : self._at + 9 + size] not in (b"\n", b""):
            return line
        self._at += 9 + size
        self.number += value.count(b"\n")
        return b"MESSAGE=" + value

    def skip(self) -> bool:
        """Go to the next line that may matter, or some lines before it; False where there is none."""
        while True:
            hit = self._next_hit()
            if hit is not None:
                self._go_back_from(hit)
                return True
            if self._ended:
                self._pass_to(len(self._buffer))
                return False
            # What comes before the end may belong to what is found next.
            keep = max(self._at, self._buffer.rfind(b"\n", 0, max(0, len(self._buffer) - (CHUNK >> 2))) + 1)
            self._pass_to(keep)
            self._fill(len(self._buffer) - self._at + CHUNK)

    def _next_hit(self) -> int | None:
        best: int | None = None
        for needle in self._needles:
            at = self._hits.get(needle, -2)
            if at == -2 or 0 <= at < self._at:
                at = self._buffer.find(needle, self._at)
                self._hits[needle] = at
            if at >= 0 and (best is None or at < best):
                best = at
        return best

    def _go_back_from(self, hit: int) -> None:
        start = self._buffer.rfind(b"\n", self._at, hit) + 1
        # The end of a table whose beginning has nothing else that is searched for.
        header = self._buffer.rfind(_HEADER, self._at, hit)
        if header >= 0:
            start = self._buffer.rfind(b"\n", self._at, header) + 1
        start = max(start, self._at)
        for _ in range(_BEFORE):
            if start <= self._at:
                break
            start = max(self._buffer.rfind(b"\n", self._at, start - 1) + 1, self._at)
        self._pass_to(start)

    def _pass_to(self, offset: int) -> None:
        if offset > self._at:
            self.number += self._buffer.count(b"\n", self._at, offset)
            self._at = offset

    def lines(self, idle: Callable[[], bool]) -> Iterator[tuple[int, bytes]]:
        """The lines that may matter, with their numbers; all of them while `idle` says that a report is being read."""
        quiet = 0
        if not self.skip():
            return
        while (line := self.next_line()) is not None:
            yield self.number, line
            # Around a needle some lines are read in any case.
            quiet = 0 if not idle() else quiet + 1
            if quiet > _BEFORE and not self.skip():
                return
