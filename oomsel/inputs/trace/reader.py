"""A trace from beginning to end, in pieces: updates in columns, victims and losses in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from oomsel.errors import InputError, Problem
from oomsel.inputs.source import Peekable
from oomsel.inputs.trace.layout import Bytes, Columns, Ints, Layout
from oomsel.inputs.trace.line import Lost, Update, Victim, cpus_said, may_matter, read_line, task_of
from oomsel.klog.chunks import HEADROOM, ChunkReader

#: Layouts that are tried on a piece, the most frequent ones first.
_LAYOUTS = 8
#: Bytes behind a line that its windows may reach.
_REACH = 256
_BINARY = {
    b"\x17\x08\x44tracing": "a trace.dat of trace-cmd; give what `trace-cmd report` prints of it",
    b"PERFILE2": "a perf.data file; give what `perf script` prints of it",
}
_RECORD = "record it with trace-cmd record -e kmem:rss_stat -e oom:mark_victim"


class Piece(NamedTuple):
    """Updates in their order, without anything between them."""

    columns: Columns
    text: bytes | bytearray  #: valid until the next piece is asked for

    def task(self, index: int) -> tuple[int, bytes] | None:
        """pid and name of the task that made an update."""
        start = int(self.columns.start[index])
        return task_of(bytes(self.text[start : self.text.find(b"\n", start)]))


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
        self._lines = 0
        self._found = False

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
                raise InputError(self._name, [Problem("no trace: a line of more than 256 KiB", self._lines + 1)])
            rest = bytes(buffer[stop:end])
            if len(newlines):
                yield from self._piece(buffer, begin, newlines)
                self._lines += len(newlines)
            if not chunk.size:
                break
        if not self._found:
            raise InputError(self._name, [Problem(f"no kmem:rss_stat event in it; {_RECORD}")])

    def _piece(self, buffer: bytearray, begin: int, newlines: Ints) -> Iterator[Piece | Victim | Lost]:
        """What is in some whole lines."""
        text = np.frombuffer(buffer, np.uint8)
        starts = np.empty_like(newlines)
        starts[0], starts[1:] = begin, newlines[:-1] + 1
        columns, left = self._read_together(text, starts, newlines)
        others: list[tuple[int, Victim | Lost]] = []
        single: list[tuple[int, Update]] = []
        for index in left.tolist():
            line = bytes(buffer[starts[index] : newlines[index]])
            if not may_matter(line):
                continue
            try:
                event = read_line(line)
            except ValueError:
                what = "an rss_stat event that cannot be read; the trace is cut or damaged"
                raise InputError(self._name, [Problem(what, self._lines + index + 1)]) from None
            if isinstance(event, Update):
                single.append((index, event))
            elif event is not None:
                others.append((index, event))
        if single:
            columns = _with(columns, single, starts, buffer)
        self._found |= bool(len(columns.time) or others)
        at = 0
        for index, other in others:
            upto = int(np.searchsorted(columns.start, starts[index]))
            if upto > at:
                yield Piece(columns.of(slice(at, upto)), buffer)
            at = upto
            yield other
        if len(columns.time) > at:
            yield Piece(columns.of(slice(at, None)), buffer)

    def _read_together(self, text: Bytes, starts: Ints, ends: Ints) -> tuple[Columns, Ints]:
        """The events on lines whose layout is known or found here, and which lines are left."""
        left = np.arange(len(starts))
        inside = ends + _REACH < len(text)
        parts: list[Columns] = []
        tried = 0
        while len(left) and tried < _LAYOUTS:
            if tried == len(self._layouts) and not self._learn(text, starts[left], ends[left]):
                break
            layout = self._layouts[tried]
            tried += 1
            # Every window starts in the line, or not far behind one that is too short.
            able = left[inside[left]]
            columns, fits, is_other = layout.read(text, starts[able], ends[able])
            if fits.all() and len(able) == len(starts):
                return columns, left[:0]
            if fits.any():
                parts.append(columns.of(fits))
            is_left = np.ones(len(starts), np.bool_)
            is_left[able[fits | is_other]] = False
            left = left[is_left[left]]
        return _merged(parts), left

    def _learn(self, text: Bytes, starts: Ints, ends: Ints) -> bool:
        """Take the layout of the first of these lines that is an rss_stat event and has a new one."""
        for start, end in zip(starts[:64].tolist(), ends[:64].tolist(), strict=True):
            layout = Layout.of(text[start:end].tobytes())
            if layout is not None and layout not in self._layouts:
                self._layouts.append(layout)
                return True
        return False


def _merged(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        nothing = np.zeros(0, np.int64)
        return Columns(*(nothing,) * len(Columns._fields))
    joined = Columns(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return joined.of(np.argsort(joined.start, kind="stable"))


def _with(columns: Columns, single: list[tuple[int, Update]], starts: Ints, buffer: bytearray) -> Columns:
    """The columns with some updates more that were read one by one."""
    rows = []
    for index, update in single:
        start = int(starts[index])
        task = task_of(bytes(buffer[start : buffer.find(b"\n", start)]))
        rows.append((*update, 0 if task is None else task[0], start))
    more = Columns(*np.array(rows, np.int64).T)
    return _merged([columns, more])


__all__ = ["Columns", "Lost", "Piece", "TraceReader", "Victim"]
