"""Lines of equal layout, read together: writers of traces pad names and pids, so that most lines have equal columns.

A line that does not fit in every byte that is looked at is left to `line`, which decides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oomsel.inputs.trace.line import RSS_STAT
from oomsel.inputs.trace.stems import Bytes, Hasher, Ints, Words, words_at

Bools = npt.NDArray[np.bool_]

#: Bytes from the mm_id on that tell the member, whether it is named or numbered.
_NAMED, _NUMBERED = 28, 26
_HEAD = 16  #: bytes up to the CPU that hold the pid
_EVENT = 8  #: bytes of the event's name that are looked at
_BEFORE_SIZE = 16  #: bytes before the size, which reach back to the tail: at most `MEMPAGES size=`


class Layout(NamedTuple):
    """Where everything stands in a line, in bytes from its beginning."""

    cpu_end: int
    point: int  #: of the seconds
    fraction_digits: int
    name: int  #: of the event's name, with its subsystem where it is shown
    event: int  #: of `rss_stat:`
    mm: int  #: of the mm_id
    tail: int  #: bytes from the mm_id on that belong to the stem

    @classmethod
    def of(cls, line: bytes) -> Layout | None:
        """The layout of a line that is an rss_stat event; None for any other."""
        match = RSS_STAT.search(line)
        if match is None:
            return None
        return cls(
            match.end("cpu"),
            match.end("seconds"),
            match.end("fraction") - match.start("fraction"),
            match.start("event"),
            match.start("event") + (5 if match["event"].startswith(b"kmem:") else 0),
            match.start("mm_id"),
            _NAMED if match["member"] is None else _NUMBERED,
        )

    def fits(self, text: Bytes, starts: Ints, ends: Ints) -> tuple[Bools, Bools]:
        """Which of the lines may be such events, and which are other events that nobody needs."""
        length = ends - starts
        if len(text) <= self.name:
            none = np.zeros(len(starts), bool)
            return none, none
        starts = np.minimum(starts, len(text) - 1 - self.name)  # of lines that are too short, so that all can be asked
        fits = (length > self.name) & (text[starts + self.cpu_end] == ord("]"))
        fits &= text[starts + self.point] == ord(".")
        fits &= text[starts + (self.point + 1 + self.fraction_digits)] == ord(":")
        # rss_stat and mark_victim, of kmem and oom.
        name = text[starts + self.name]
        is_needed = (name == ord("r")) | (name == ord("k")) | (name == ord("m")) | (name == ord("o"))
        is_other = fits & ~is_needed
        return fits & is_needed & (length > self.mm + self.tail), is_other

    def hashes(self, hasher: Hasher, text: Bytes, starts: Ints, sizes: Ints) -> Words:
        """The hash of each line's stem; windows behind its end must be inside of `text`.

        `sizes` is where each line's size begins: what stands between it and the tail belongs to the stem, too.
        """
        hashes = (sizes - starts).astype(np.uint64)
        begin = max(self.cpu_end + 1 - _HEAD, 0)
        word = hasher.add(hashes, text, starts + begin, self.cpu_end + 1 - begin, 0)
        word = hasher.add(hashes, text, starts + self.event, _EVENT, word)
        word = hasher.add(hashes, text, starts + self.mm - 4, self.tail + 4, word)
        hasher.add(hashes, text, sizes - _BEFORE_SIZE, _BEFORE_SIZE, word)
        return hashes


def sizes_of(text: Bytes, ends: Ints) -> tuple[Ints, Ints, Bools]:
    """The number between `=` and the B before each of `ends`, where it begins, and whether it has 1 to 15 digits."""
    words = words_at(text, ends - 17, 2)
    value, digits = _number_at_the_end(words[:, 1])
    longer = np.flatnonzero(digits == 8)
    if len(longer):
        higher, more = _number_at_the_end(words[longer, 0])
        value[longer] += higher * 10**8
        digits[longer] += more
    is_size = (digits > 0) & (digits < 16) & (text[ends - 1] == ord("B")) & (text[ends - 2 - digits] == ord("="))
    return value, ends - 1 - digits, is_size


def _number_at_the_end(eight: Words) -> tuple[Ints, Ints]:
    """The number that eight characters end in, and its digits; all at a time, a character a byte of a word.

    The first character is the lowest byte, so bytes at and below the highest one that is no digit are cleared.
    """
    digit = eight ^ _each(ord("0"))
    others = (((digit & _each(0x7F)) + _each(0x76)) | digit) & _each(0x80)  # bit 7 of what is above 9
    for bits in (8, 16, 32):
        others |= others >> np.uint64(bits)
    others >>= np.uint64(7)
    digit &= ~(others * np.uint64(0xFF))
    # Neighbours together: pairs of digits, then of pairs, then of fours.
    digit = (digit * np.uint64(10) + (digit >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    digit = (digit * np.uint64(100) + (digit >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    digit = (digit * np.uint64(10000) + (digit >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    cleared = (others * _each(1)) >> np.uint64(56)
    return digit.astype(np.int64), 8 - cleared.astype(np.int64)


def _each(byte: int) -> np.uint64:
    """A word with the same byte in all places."""
    return np.uint64(byte * 0x0101010101010101)
