"""A trace from beginning to end, in pieces: updates in columns, victims and losses in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oomsel.errors import InputError, Problem
from oomsel.inputs.source import Peekable
from oomsel.inputs.trace.chunks import HEADROOM, ChunkReader
from oomsel.inputs.trace.layout import Layout, sizes_of
from oomsel.inputs.trace.line import RSS_STAT, Lost, Update, Victim, cpus_said, may_matter, read_line, time_of
from oomsel.inputs.trace.stems import MOST, Bytes, Hasher, Ints, Stem, Stems, Words

#: In the place of a stem's number: a line that has not been read, and one that nobody needs.
_UNREAD, _OTHER = -1, -2
#: Layouts that are tried on a piece, the most frequent ones first.
_LAYOUTS = 8
#: Bytes behind a line that its windows may reach.
_REACH = 256
_BINARY = {
    b"\x17\x08\x44tracing": "a trace.dat of trace-cmd; give what `trace-cmd report` prints of it",
    b"PERFILE2": "a perf.data file; give what `perf script` prints of it",
}
#: Bytes of the shortest text in a line that matters: `_LOST`.
_SHORTEST = 5
_UNREADABLE = "an rss_stat event that cannot be read; the trace is cut or damaged"
_RECORD = "record it with trace-cmd record -e kmem:rss_stat -e oom:mark_victim"


class Piece(NamedTuple):
    """Updates in their order, without anything between them; an entry each."""

    stem: npt.NDArray[np.int32]  #: the number of the line's stem
    size: Ints  #: bytes
    start: Ints  #: where the line begins in `text`
    stems: Stems
    text: bytes | bytearray  #: valid until the next piece is asked for
    refusal: Callable[[int], InputError]  #: of the line that begins at an offset of `text`, should it be no event

    def part(self, begin: int, end: int) -> Piece:
        """The updates from `begin` to before `end`."""
        if begin == 0 and end == len(self.stem):
            return self
        return self._replace(stem=self.stem[begin:end], size=self.size[begin:end], start=self.start[begin:end])

    def time(self, index: int) -> int:
        """When an update was made, nanoseconds.  Raises InputError where its line is damaged.

        Of lines with equal layout not every byte is looked at before.
        """
        start = int(self.start[index])
        match = RSS_STAT.search(bytes(self.text[start : self.text.find(b"\n", start)]))
        if match is None:
            raise self.refusal(start)
        return time_of(match)

    def before(self, moment: int, begin: int = 0) -> int:
        """How many of the updates come before `moment`, from `begin` on; lines are in the order of time."""
        end = len(self.stem)
        while begin < end:
            middle = (begin + end) // 2
            if self.time(middle) < moment:
                begin = middle + 1
            else:
                end = middle
        return begin


class TraceReader:
    """Reads the trace `stream`, which people call `name`; `cpus` is known once the header is read."""

    def __init__(self, stream: Peekable, name: str) -> None:
        self._name = name
        head = stream.peek(1 << 16)
        for magic, what in _BINARY.items():
            if head.startswith(magic):
                raise InputError(name, [Problem(what)])
        lines = head.split(b"\n")[:200]
        self.cpus = next((cpus for line in lines if (cpus := cpus_said(line)) is not None), None)
        #: Whether members are numbered, as on older kernels.
        self.is_numbered = any(b" member=" in line and b"rss_stat:" in line for line in lines)
        self._chunks = ChunkReader(stream)
        self._layouts: list[Layout] = []
        self._stems, self._hasher = Stems(), Hasher()
        self._lines = 0
        self._found = False
        self.cut: int | None = None  #: the number of the last line, where it is cut off and left out

    def __iter__(self) -> Iterator[Piece | Victim | Lost]:
        """Everything that is needed, in the order of the lines.  Raises InputError where a line cannot be read."""
        rest = b""
        while True:
            chunk = self._chunks.next()
            begin, end = HEADROOM - len(rest), HEADROOM + chunk.size
            if not chunk.size and not rest:
                break
            buffer = chunk.buffer
            buffer[begin:HEADROOM] = rest
            if not chunk.size:  # the last line has no newline
                buffer[end : end + 1] = b"\n"
                end += 1
            newlines = np.flatnonzero(np.frombuffer(buffer, np.uint8, end - begin, begin) == 10) + begin
            stop = int(newlines[-1]) + 1 if len(newlines) else begin
            if end - stop > HEADROOM:
                what = "no trace: a line of more than 256 KiB"
                raise InputError(self._name, [Problem(what, self._lines + len(newlines) + 1)])
            rest = bytes(buffer[stop:end])
            if len(newlines):
                yield from self._piece(buffer, begin, newlines, is_open=not chunk.size)
                self._lines += len(newlines)
            if not chunk.size:
                break
        if not self._found:
            raise InputError(self._name, [Problem(f"no kmem:rss_stat event in it; {_RECORD}")])

    def _piece(
        self, buffer: bytearray, begin: int, newlines: Ints, *, is_open: bool
    ) -> Iterator[Piece | Victim | Lost]:
        """What is in some whole lines, or in the last one, which `is_open` without a newline and may be cut."""
        starts = np.empty_like(newlines)
        starts[0], starts[1:] = begin, newlines[:-1] + 1
        if len(self._stems) + len(starts) > MOST:
            self._stems = Stems()
        stem, size = self._read_together(np.frombuffer(buffer, np.uint8), starts, newlines)
        others: list[tuple[int, Victim | Lost]] = []
        before = self._lines

        def refusal(start: int) -> InputError:
            return InputError(self._name, [Problem(_UNREADABLE, before + buffer.count(b"\n", begin, start) + 1)])

        # Shorter lines hold nothing that matters, and of a few bytes that are compressed there may be millions.
        may_say = (newlines - starts >= _SHORTEST) | is_open
        for index in np.flatnonzero((stem == _UNREAD) & may_say).tolist():
            line = bytes(buffer[starts[index] : newlines[index]])
            if not may_matter(line):
                if is_open and line.strip() and not line.startswith(b"#"):
                    self.cut = self._lines + index + 1
                continue
            try:
                event = read_line(line)
            except ValueError:
                if is_open:
                    self.cut = self._lines + index + 1
                    continue
                raise refusal(int(starts[index])) from None
            if isinstance(event, Update):
                stem[index], size[index] = self._stems.number_of(Stem.of(line, event)), event.size
            elif event is not None:
                others.append((index, event))
        events = np.flatnonzero(stem >= 0)
        self._found |= bool(len(events) or others)
        piece = Piece(stem, size, starts, self._stems, buffer, refusal)
        if len(events) < len(stem):
            piece = piece._replace(stem=stem[events], size=size[events], start=starts[events])
        at = 0
        for index, other in others:
            upto = int(np.searchsorted(events, index))
            if upto > at:
                yield piece.part(at, upto)
            at = upto
            yield other
        if len(events) > at:
            yield piece.part(at, len(events))

    def _read_together(self, text: Bytes, starts: Ints, ends: Ints) -> tuple[npt.NDArray[np.int32], Ints]:
        """The stem of every line whose layout is known or found here, else `_UNREAD` or `_OTHER`, and its size."""
        stem = np.full(len(starts), _UNREAD, np.int32)
        size, begins, is_sized = sizes_of(text, ends)
        # Every window begins in its line.
        left = np.flatnonzero(ends + _REACH < len(text))
        tried = 0
        while len(left) and tried < _LAYOUTS:
            if tried == len(self._layouts) and not self._learn(text, starts[left], ends[left]):
                break
            layout = self._layouts[tried]
            tried += 1
            fits, is_other = layout.fits(text, starts[left], ends[left])
            stem[left[is_other]] = _OTHER
            fits &= is_sized[left]
            able = left if fits.all() else left[fits]
            hashes = layout.hashes(self._hasher, text, starts[able], begins[able])
            found = self._stems.find(hashes)
            if (found < 0).any():
                self._learn_stems(layout, text, starts[able], ends[able], hashes, found)
            stem[able] = found
            left = left[stem[left] == _UNREAD]
        return stem, size

    def _learn_stems(
        self, layout: Layout, text: Bytes, starts: Ints, ends: Ints, hashes: Words, found: npt.NDArray[np.int32]
    ) -> None:
        """Read the first line of each stem that is not known, and fill in its number where it is `found`."""
        unknown = np.flatnonzero(found < 0)
        different, first, which = np.unique(hashes[unknown], return_index=True, return_inverse=True)
        numbers = np.full(len(different), _UNREAD, np.int32)
        for index, (hashed, at) in enumerate(zip(different.tolist(), unknown[first].tolist(), strict=True)):
            line = text[starts[at] : ends[at]].tobytes()
            if Layout.of(line) == layout:
                with suppress(ValueError):
                    event = read_line(line)
                    assert isinstance(event, Update)  # it has a layout
                    numbers[index] = self._stems.learn(hashed, Stem.of(line, event))
        found[unknown] = numbers[which]

    def _learn(self, text: Bytes, starts: Ints, ends: Ints) -> bool:
        """Take the layout of the first of these lines that is an rss_stat event and has a new one."""
        for start, end in zip(starts[:64].tolist(), ends[:64].tolist(), strict=True):
            layout = Layout.of(text[start:end].tobytes())
            if layout is not None and layout not in self._layouts:
                self._layouts.append(layout)
                return True
        return False
