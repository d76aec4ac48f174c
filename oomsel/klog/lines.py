"""The physical lines of a big log, most of them skipped: between reports bytes are searched, not split into lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from oomsel.klog.chunks import HEADROOM, ChunkReader, Readable, count_newlines
from oomsel.klog.order import is_newest_first
from oomsel.klog.search import fastest_find, plain_find
from oomsel.klog.utf16 import Utf8Stream, encoding_of

#: So many bytes are looked at for everything; what follows only for the needles below.
SMALL = 1 << 23
#: Lines of the beginning that are read in any case: a log often begins inside a report.
_HEAD = 400
#: Lines before a needle that may belong to it: a name with newlines in it splits the first line.
_BEFORE = 16
#: A report has one of these, and a boot the last.  Long ones are found sooner: a search leaps by as much.
NEEDLES = (b" invoked oom-killer: gfp_mask=0x", b"Killed process ", b"Linux version ")
#: What the beginning is looked through for: tables cut at both ends, boot lines, fields that hide their text, too.
SMALL_NEEDLES = (
    b"oom-kill",
    b"killer: gfp_",
    b"killed as a result",
    b": usage ",
    b"Mem-Info",
    b"active_anon:",
    b"Killed process ",
    b"oom_reaper: ",
    b"total_vm",
    b"ill process ",
    b'"MESSAGE":',
    b'"MESSAGE" :',
    b"\nMESSAGE\n",
    b"Linux version ",
    b"nr_cpu_ids:",
    b"rought up ",
    b"k swap on ",
    # What may stand before a table whose report has lost its first line.
    b"killed as a result of limit of ",
    b"memory: usage ",
    b"Memory cgroup stats for ",
    b"lowmem_reserve[]",
    b"Mem-Info:",
)
#: What journalctl -o json makes of a text that it cannot print.
_NUMBERED = tuple(comma.join(b"%d" % byte for byte in b" invoked oom-killer: ") for comma in (b",", b", "))
_LONGEST = max(map(len, (*NEEDLES, *_NUMBERED)))
_HEADER = b"total_vm"
#: Columns at which text may be cut or broken.
_NARROWEST, _WIDEST = 40, 1000


class LineSource:
    """Lines of `stream`; `progress` is told how many bytes have been read.

    After a line, `skip()` leaves out everything up to the next line that may matter.
    """

    def __init__(self, stream: Readable, progress: Callable[[int], None] | None = None) -> None:
        self._progress = progress
        first = _read_up_to(stream, SMALL)
        encoding = encoding_of(first)
        if encoding is not None:
            stream = Utf8Stream(first, stream, encoding)
            first = _read_up_to(stream, SMALL)
        self._buffer: bytes | bytearray = first if len(first) < SMALL else bytearray(first)
        self._at = 0  #: of the next line
        self._end = len(first)  #: of what is valid in the buffer
        self._number: int | None = 0  #: newlines before `_at`; None where nobody has counted
        self._total = count_newlines(first, 0, len(first))  #: newlines before `_end`
        self._read = len(first)
        is_small = len(first) < SMALL
        self.is_newest_first = is_newest_first(first)
        self.column = common_column(first)  #: bytes after which the lines are cut or broken; None where they are not
        self._ahead = None if is_small else ChunkReader(stream)
        self._needles: tuple[bytes, ...] = (
            SMALL_NEEDLES  # in the beginning of a large input, too: the machine boots there
        )
        self._deep_needles = (*NEEDLES, *_NUMBERED) if b'"MESSAGE"' in first else NEEDLES
        self._is_close = False  #: whether the next chunk is to be looked through for everything, too
        self._hits: dict[bytes, int] = {}
        self._clear = 0  #: before it no needle begins
        self._find = plain_find if is_small else fastest_find()

    @property
    def number(self) -> int:
        """The 1-based number of the line last given."""
        if self._number is None:
            self._number = self._total - count_newlines(self._buffer, self._at, self._end)
        return self._number

    def _more(self) -> bool:
        """Read on; what is left from `_at` on stays.  False at the end."""
        if self._ahead is None:
            return False
        chunk = self._ahead.next()
        if not chunk.size:
            self._ahead = None
            return False
        left, clear = self._end - self._at, self._clear - self._at
        if self._is_close:
            self._needles, self._is_close, clear = SMALL_NEEDLES, False, 0
        else:
            self._needles = self._deep_needles
        if left <= HEADROOM:
            start = HEADROOM - left
            chunk.buffer[start:HEADROOM] = self._buffer[self._at : self._end]
            self._buffer, self._at, self._end = chunk.buffer, start, HEADROOM + chunk.size
        else:
            with memoryview(chunk.buffer) as view:
                self._buffer = b"".join((self._buffer[self._at : self._end], view[HEADROOM : HEADROOM + chunk.size]))
            self._at, self._end = 0, len(self._buffer)
        self._clear = self._at + clear
        self._total += chunk.newlines
        self._hits = {}
        self._read += chunk.size
        if self._progress is not None:
            self._progress(self._read)
        return True

    def next_line(self) -> bytes | None:
        """The next line without its newline, None at the end."""
        searched = 0
        while (end := self._buffer.find(b"\n", self._at + searched, self._end)) < 0:
            searched = self._end - self._at
            if not self._more():
                if not searched:
                    return None
                end = self._end
                break
        line = bytes(self._buffer[self._at : end])
        number = self.number
        self._at = min(end + 1, self._end)
        self._number = number + 1
        return self._binary_field(line) if line == b"MESSAGE" else line

    def _binary_field(self, line: bytes) -> bytes:
        """A field of journalctl's export form whose value is not text: eight bytes of length, the value, a newline."""
        size = int.from_bytes(self._buffer[self._at : min(self._at + 8, self._end)], "little")
        while self._end - self._at < 9 + size <= SMALL and self._more():
            pass
        start, end = self._at + 8, self._at + 8 + size
        if size > SMALL or end > self._end or self._buffer[end : end + 1] not in (b"\n", b""):
            return line
        value = bytes(self._buffer[start:end])
        number = self.number + count_newlines(self._buffer, self._at, min(end + 1, self._end))
        self._at, self._number = min(end + 1, self._end), number
        return b"MESSAGE=" + value

    def look_closely(self) -> None:
        """Search this chunk and the next for every needle: the machine boots here."""
        if self._ahead is not None:
            self._needles, self._is_close = SMALL_NEEDLES, True
            self._hits, self._clear = {}, 0

    def skip(self) -> bool:
        """Go to the next line that may matter, or some lines before it; False where there is none."""
        while True:
            hit = self._next_hit()
            if hit is not None:
                self._go_back_from(hit)
                return True
            self._clear = max(self._end - _LONGEST, 0)
            # What comes before the end may belong to what is found next.
            keep = self._buffer.find(b"\n", max(self._at, self._end - HEADROOM), self._end)
            if self._end - self._at > HEADROOM and keep >= 0:
                self._at, self._number = keep + 1, None
            if not self._more():
                self._at, self._number = self._end, self._total
                return False

    def _next_hit(self) -> int | None:
        best: int | None = None
        for needle in self._needles:
            at = self._hits.get(needle, -2)
            if at == -2 or 0 <= at < self._at:
                at = self._find(self._buffer, needle, max(self._at, self._clear), self._end)
                self._hits[needle] = at
            if at >= 0 and (best is None or at < best):
                best = at
        return best

    def _go_back_from(self, hit: int) -> None:
        start = max(self._buffer.rfind(b"\n", self._at, hit) + 1, self._at)
        # The end of a table whose beginning has nothing else that is searched for.
        header = self._buffer.rfind(_HEADER, self._at, hit)
        if header >= 0:
            start = max(self._buffer.rfind(b"\n", self._at, header) + 1, self._at)
        for _ in range(_BEFORE):
            if start <= self._at:
                break
            start = max(self._buffer.rfind(b"\n", self._at, start - 1) + 1, self._at)
        if start > self._at:
            number = self.number + count_newlines(self._buffer, self._at, start)
            self._at, self._number = start, number

    def lines(self, idle: Callable[[], bool]) -> Iterator[tuple[int, bytes]]:
        """The lines that may matter, with their numbers; all of them while `idle` says that no report is being read."""
        quiet = -_HEAD
        while (line := self.next_line()) is not None:
            yield self.number - line.count(b"\n"), line
            # Around a needle some lines are read in any case.
            quiet = quiet + 1 if idle() else 0
            if quiet > 2 * _BEFORE and not self.skip():
                return


def common_column(start: bytes) -> int | None:
    """The length of the longest lines, in bytes, where several have just that: they may be cut, or broken there."""
    ends = np.flatnonzero(np.frombuffer(start, np.uint8) == 10)
    lengths = np.diff(ends, prepend=-1) - 1
    if not len(lengths):
        return None
    longest = int(lengths.max())
    return longest if _NARROWEST <= longest <= _WIDEST and int((lengths == longest).sum()) > 2 else None


def _read_up_to(stream: Readable, size: int) -> bytes:
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
