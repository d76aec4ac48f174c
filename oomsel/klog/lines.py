"""The physical lines of a big log, most of them skipped: between reports bytes are searched, not split into lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from oomsel.errors import TooLarge
from oomsel.klog.order import is_newest_first
from oomsel.klog.readable import Readable, fill
from oomsel.klog.search import Finder, NewlineCounter
from oomsel.klog.utf16 import Utf8Stream, encoding_of

#: Bytes that are read and searched at a time: what fits in a core's own cache.
CHUNK = 1 << 19
#: Bytes that are kept of what has been searched: the lines before what is found next.
KEPT = 1 << 18
#: A longer line is refused: it would have to be in memory as a whole.
MOST_OF_LINE = 1 << 26
#: Chunks that a buffer has room for beside what is kept, so that this is moved once for all of them.
_CHUNKS = 2
#: So many bytes are looked at for everything; what follows only for the needles below.
SMALL = 1 << 23
#: So few bytes are searched by Python's own means.
_LITTLE = 1 << 20
#: Lines of the beginning that are read in any case: a log often begins inside a report.
_HEAD = 400
#: Lines before a needle that may belong to it: a name with newlines in it splits the first line.
_BEFORE = 16
#: A report has one of these, and a boot the last.  Long ones are found sooner: a search leaps by as much.
NEEDLES = (b" invoked oom-killer: gfp_mask=0x", b"Killed proc", b"Linux version ")
#: Needles that other programs' messages may hold, too, and the words that a number follows in the kernel's.
_BEFORE_NUMBER = {
    b"Killed proc": b"Killed process ",
    b"Killed process ": b"Killed process ",
    b"ill process ": b"ill process ",
    b"Linux version ": b"Linux version ",
}
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
    b"Memory cgroup stats for ",
    b"lowmem_reserve[]",
    # All that may be left of a report that killed nobody.
    b"no killable processes",
    b"Kernel panic - not syncing: ",
)
#: What journalctl -o json makes of a text that it cannot print.
_NUMBERED = tuple(comma.join(b"%d" % byte for byte in b" invoked oom-killer: ") for comma in (b",", b", "))
_LONGEST = max(map(len, (*NEEDLES, *_NUMBERED)))
_HEADER = b"total_vm"
#: Bytes of a big input by which it is told whether its lines are cut.
_TELLING = 1 << 20
#: Columns at which text may be cut or broken.
_NARROWEST, _WIDEST = 40, 1000


class LineSource:
    """Lines of `stream`; `progress` is told how many bytes have been read.

    After a line, `skip()` leaves out everything up to the next line that may matter.
    """

    def __init__(self, stream: Readable, progress: Callable[[int], None] | None = None) -> None:
        self._progress = progress
        first, goes_on = _read_up_to(stream, SMALL)
        encoding = encoding_of(first)
        if encoding is not None:
            stream = Utf8Stream(first, stream, encoding)
            first, goes_on = _read_up_to(stream, SMALL)
        if not goes_on and b"\n" not in first:
            first = first.replace(b"\r", b"\n")  # as lines ended on old Macs
        self._newlines = NewlineCounter()
        self._buffer: bytes | bytearray = first if len(first) < _LITTLE else bytearray(first)
        self._at = 0  #: of the next line
        self._end = len(first)  #: of what is valid in the buffer
        self._number: int | None = 0  #: newlines before `_at`; None where nobody has counted
        self._total = self._newlines.count(first, 0, len(first))  #: newlines before `_end`
        self._read = len(first)
        self.is_newest_first = is_newest_first(first)
        #: Bytes after which the lines are cut or broken; None where they are not.
        self.column = common_column(first[:_TELLING] if len(first) >= SMALL else first)
        self._stream = stream if goes_on else None  #: None at its end
        self._needles: tuple[bytes, ...] = (
            SMALL_NEEDLES  # in the beginning of a large input, too: the machine boots there
        )
        self._deep_needles = (*NEEDLES, *_NUMBERED) if b'"MESSAGE"' in first else NEEDLES
        self._is_close = False  #: whether the next chunk is to be looked through for everything, too
        self._hits: dict[bytes, int] = {}
        self._bytes: dict[int, bool] = {}  #: whether a byte is in what is searched next
        self._clear = 0  #: before it no needle begins
        self._finder = Finder() if len(first) >= _LITTLE else None

    @property
    def number(self) -> int:
        """The 1-based number of the line last given."""
        if self._number is None:
            self._number = self._total - self._newlines.count(self._buffer, self._at, self._end)
        return self._number

    def _more(self) -> bool:
        """Read on; what is left from `_at` on stays.  False at the end."""
        if self._stream is None:
            return False
        if not isinstance(self._buffer, bytearray) or len(self._buffer) - self._end < CHUNK:
            self._make_room()
        assert isinstance(self._buffer, bytearray)
        size = fill(self._stream, self._buffer, self._end, self._end + CHUNK)
        if not size:
            self._stream = None
            return False
        if self._is_close:
            self._needles, self._is_close, self._clear = SMALL_NEEDLES, False, self._at
        else:
            self._needles = self._deep_needles
        self._total += self._newlines.count(self._buffer, self._end, self._end + size)
        self._end += size
        self._hits, self._bytes = {}, {}
        self._read += size
        if self._progress is not None:
            self._progress(self._read)
        return True

    def _make_room(self) -> None:
        """Move what is left to the beginning of a buffer with room for more."""
        left = self._end - self._at
        if left > MOST_OF_LINE:
            what = f"a line of more than {MOST_OF_LINE >> 20} MiB, which no log has"
            raise TooLarge(f"{what}; give what is left without it, or split it (JSON: jq -c '.[]')", self._total + 1)
        # More than is kept is a line that goes on: its room doubles, for it would else be moved with each chunk.
        size = (KEPT if left <= KEPT else 2 * left) + _CHUNKS * CHUNK
        kept = self._buffer[self._at : self._end]
        if not isinstance(self._buffer, bytearray) or len(self._buffer) != size:
            self._buffer = bytearray(size)
        self._buffer[:left] = kept
        self._clear -= self._at
        self._at, self._end = 0, left

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
        number = self.number + self._newlines.count(self._buffer, self._at, min(end + 1, self._end))
        self._at, self._number = min(end + 1, self._end), number
        return b"MESSAGE=" + value

    def look_closely(self) -> None:
        """Search this chunk and the next for every needle: the machine boots here."""
        if self._stream is not None:
            self._needles, self._is_close = SMALL_NEEDLES, True
            self._hits, self._bytes, self._clear = {}, {}, 0

    def skip(self) -> bool:
        """Go to the next line that may matter, or some lines before it; False where there is none."""
        while True:
            hit = self._next_hit()
            if hit is not None:
                self._go_back_from(hit)
                return True
            self._clear = max(self._end - _LONGEST, 0)
            # What comes before the end may belong to what is found next.
            keep = self._buffer.find(b"\n", max(self._at, self._end - KEPT), self._end)
            if self._end - self._at > KEPT and keep >= 0:
                self._at, self._number = keep + 1, None
            if not self._more():
                self._at, self._number = self._end, self._total
                return False

    def _next_hit(self) -> int | None:
        best: int | None = None
        for needle in self._needles:
            at = self._hits.get(needle, -2)
            if at == -2 or 0 <= at < self._at:
                at = self._search(needle, max(self._at, self._clear))
                self._hits[needle] = at
            if at >= 0 and (best is None or at < best):
                best = at
        return best

    def _search(self, needle: bytes, start: int) -> int:
        """The offset of a needle from `start` on, -1 for none; a byte that is nowhere rules out all that have it."""
        if self._finder is None:
            return self._buffer.find(needle, start, self._end)
        for byte in needle:
            if byte not in self._bytes:
                self._bytes[byte] = self._buffer.find(byte, start, self._end) >= 0
            if not self._bytes[byte]:
                return -1
        at = self._finder.find(self._buffer, needle, start, self._end)
        while at >= 0 and needle in _BEFORE_NUMBER and not self._has_number(at, _BEFORE_NUMBER[needle]):
            at = self._finder.find(self._buffer, needle, at + 1, self._end)
        return at

    def _has_number(self, at: int, words: bytes) -> bool:
        """Whether a number follows the words, or what has been read ends before it."""
        if at + len(words) >= self._end:
            return True
        return self._buffer.startswith(words, at) and self._buffer[at + len(words)] in b"0123456789"

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
            number = self.number + self._newlines.count(self._buffer, self._at, start)
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
    lengths = list(map(len, start.split(b"\n")[:-1]))
    longest = max(lengths, default=0)
    return longest if _NARROWEST <= longest <= _WIDEST and lengths.count(longest) > 2 else None


def _read_up_to(stream: Readable, size: int) -> tuple[bytes, bool]:
    """The first bytes of a stream, and whether more may follow; where it fails, that is raised when it is read on."""
    parts: list[bytes] = []
    while size > 0:
        try:
            part = stream.read(size)
        except Exception:
            if not parts:
                raise
            return b"".join(parts), True
        if not part:
            return b"".join(parts), False
        parts.append(part)
        size -= len(part)
    return b"".join(parts), True
