"""Lines of equal layout, read together: writers of traces pad names and pids, so that most lines have equal columns.

A line that does not fit in every byte that is looked at is left to `line`, which decides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oomsel.inputs.trace.line import RSS_STAT
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Bytes from the mm_id to the end of the longest event.
_TAIL = 78
_SIZE = 20  #: bytes from the end that hold a size
_PID = 9  #: bytes that hold a pid with its padding and what is before it
_ZERO, _SPACE, _NINE = 48, 32, 9


class Columns(NamedTuple):
    """Events in their order, an entry each."""

    time: Ints  #: nanoseconds
    cpu: Ints
    mm_id: Ints
    curr: Ints
    member: Ints
    size: Ints  #: bytes
    pid: Ints  #: of the task that made the event, or of its process where the trace shows it; 0 where it is not plain
    start: Ints  #: where its line begins

    def of(self, index: Bools | Ints | slice) -> Columns:
        """Some of the events."""
        return Columns(*(column[index] for column in self))


class Layout(NamedTuple):
    """Where everything stands in a line, in bytes from its beginning."""

    pid_end: int
    cpu: int
    cpu_digits: int
    point: int  #: of the seconds
    fraction_digits: int
    name: int  #: of the event's name, with its subsystem where it is shown
    event: int  #: of `rss_stat:`
    mm: int  #: of `mm_id=`

    @classmethod
    def of(cls, line: bytes) -> Layout | None:
        """The layout of a line that is an rss_stat event; None for any other."""
        match = RSS_STAT.search(line)
        if match is None:
            return None
        head = line[: match.start()].rstrip()
        pid_end = len(head) - 1 if head.endswith(b")") else match.start()
        return cls(
            pid_end,
            match.start("cpu"),
            match.end("cpu") - match.start("cpu"),
            match.end("seconds"),
            match.end("fraction") - match.start("fraction"),
            match.start("event"),
            match.start("event") + (5 if match["event"].startswith(b"kmem:") else 0),
            match.start("mm_id"),
        )

    def read(self, text: Bytes, starts: Ints, ends: Ints) -> tuple[Columns, Bools, Bools]:
        """The events on the lines that begin at `starts` and have their newline at `ends`.

        And which lines are such events, and which are another event that nobody needs.

        Windows of `_TAIL` bytes from anywhere in a line must be inside of `text`.
        """
        first = max(self.pid_end - _PID, 0)
        head = _columns_at(text, starts + first, self.mm - first)
        before = _Cursor(head, first)
        length = ends - starts
        fits = length > self.name
        pid = before.pid(self.pid_end).astype(np.int64)
        fits &= before.has(self.cpu - 1, b"[") & before.has(self.cpu + self.cpu_digits, b"] ")
        cpu, ok = before.number(self.cpu, self.cpu_digits)
        fits &= ok
        seconds, ok = before.number_before(self.point)
        fits &= ok & before.has(self.point, b".") & before.has(self.point + 1 + self.fraction_digits, b": ")
        fraction, ok = before.number(self.point + 1, self.fraction_digits)
        fits &= ok
        # rss_stat and mark_victim, of kmem and oom.
        name = before.at(self.name)
        is_other = fits & (name != ord("r")) & (name != ord("k")) & (name != ord("m")) & (name != ord("o"))
        fits &= (length > self.mm + _SIZE) & before.has(self.event, b"rss_stat:") & before.has(self.mm - 6, b"mm_id=")
        time = seconds * 10**9 + fraction * 10 ** (9 - self.fraction_digits)
        mm_id, digits, ok = _number_from(_columns_at(text, starts + self.mm, 11))
        fits &= ok
        after = _Cursor(_columns_at(text, starts + self.mm + digits, 18), 0)
        fits &= after.has(0, b" curr=") & after.has(7, b" ")
        curr = after.at(6).astype(np.int64) - _ZERO
        member, ok = _member(after)
        fits &= ok & (curr >= 0) & (curr <= 1)
        size, ok = _number_to(_columns_at(text, ends - _SIZE, _SIZE))
        fits &= ok
        return Columns(time, cpu, mm_id, curr, member, size, pid, starts), fits, is_other


class _Cursor:
    """Some columns of equal lines, by their place in the line."""

    def __init__(self, columns: Bytes, first: int) -> None:
        self._columns, self._first = columns, first

    def at(self, place: int) -> Bytes:
        column: Bytes = self._columns[place - self._first]
        return column

    def has(self, place: int, text: bytes) -> Bools:
        same: Bools = self.at(place) == text[0]
        for further, byte in enumerate(text[1:], place + 1):
            same &= self.at(further) == byte
        return same

    def number(self, place: int, digits: int) -> tuple[Ints, Bools]:
        """A number of so many digits, and where it is one."""
        value = np.zeros(self._columns.shape[1], np.int64)
        ok = np.ones(self._columns.shape[1], np.bool_)
        for at in range(place, place + digits):
            digit = self.at(at) - np.uint8(_ZERO)
            ok &= digit <= _NINE
            value = value * 10 + digit
        return value, ok

    def number_before(self, end: int) -> tuple[Ints, Bools]:
        """The number that ends before `end`, at most 10 digits; what precedes is a blank."""
        value = np.zeros(self._columns.shape[1], np.int64)
        alive = np.ones(self._columns.shape[1], np.bool_)
        unit = 1
        for at in range(end - 1, max(end - 11, self._first) - 1, -1):
            digit = self.at(at) - np.uint8(_ZERO)
            alive &= digit <= _NINE
            if not alive.any():
                break
            value += digit.astype(np.int64) * alive * unit
            unit *= 10
        return value, (self.at(end - 1) - np.uint8(_ZERO)) <= _NINE

    def pid(self, end: int) -> npt.NDArray[np.int32]:
        """The last number before `end`, 0 where something else stands between."""
        value = np.zeros(self._columns.shape[1], np.int32)
        was_digit: Bools | bool = False
        for at in range(max(end - _PID, self._first), end):
            byte = self.at(at)
            digit = byte - np.uint8(_ZERO)
            is_digit = digit <= _NINE
            # A digit after a blank begins another number; a blank keeps the number; all else ends it.
            value *= np.where(is_digit, was_digit * np.uint8(10), byte == _SPACE)
            value += digit * is_digit
            was_digit = is_digit
        return value


def _columns_at(text: Bytes, starts: Ints, width: int) -> Bytes:
    """Byte k of every window of `width` bytes, as row k."""
    windows = np.lib.stride_tricks.as_strided(text, (len(text) - width + 1, width), (1, 1), writeable=False)
    return np.ascontiguousarray(windows[starts].T)


def _number_from(columns: Bytes) -> tuple[Ints, Ints, Bools]:
    """The number that begins a window, how many digits it has, and whether it is one of at most 10."""
    width, lines = columns.shape
    value, digits = np.zeros(lines, np.int64), np.zeros(lines, np.int64)
    alive = np.ones(lines, np.bool_)
    for at in range(width):
        digit = columns[at] - np.uint8(_ZERO)
        alive &= digit <= _NINE
        if not alive.any():
            break
        value = np.where(alive, value * 10 + digit, value)
        digits += alive
    return value, digits, (digits > 0) & ~alive


def _number_to(columns: Bytes) -> tuple[Ints, Bools]:
    """The number behind `size=` and before the B that ends a window, and whether it is one."""
    width, lines = columns.shape
    value = np.zeros(lines, np.int64)
    alive = columns[-1] == ord("B")
    found = np.zeros(lines, np.bool_)
    unit = 1
    for at in range(width - 2, 0, -1):
        digit = columns[at] - np.uint8(_ZERO)
        is_digit = digit <= _NINE
        found |= alive & (columns[at] == ord("=")) & (unit > 1)
        alive &= is_digit
        if not alive.any():
            break
        value += digit.astype(np.int64) * alive * unit
        unit *= 10
    return value, found


def _member(after: _Cursor) -> tuple[Ints, Bools]:
    """The member by the letters of its name that tell it, or by its number."""
    named = after.has(8, b"type=MM_")
    first, second = after.at(16), after.at(17)
    is_shmem = (first == ord("S")) & (second == ord("H"))
    is_swap = (first == ord("S")) & (second == ord("W"))
    is_anon, is_file = (first == ord("A")) & (second == ord("N")), (first == ord("F")) & (second == ord("I"))
    others = np.where(is_swap, MM_SWAPENTS, MM_SHMEMPAGES)
    member = np.where(is_anon, MM_ANONPAGES, np.where(is_file, MM_FILEPAGES, others))
    ok = named & (is_anon | is_file | is_swap | is_shmem)
    if not ok.all():
        numbered = after.has(8, b"member=")
        number = after.at(15) - np.uint8(_ZERO)
        member = np.where(numbered, number, member)
        ok |= numbered & (number <= MM_SHMEMPAGES) & (after.at(16) == _SPACE)
    return member.astype(np.int64), ok
