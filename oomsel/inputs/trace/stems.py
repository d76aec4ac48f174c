"""What a line says but for its time, its size and the task's name: few different texts, each read once.

A stem is told by a hash of its bytes with factors that every process draws anew, so that nobody
who chooses the name of a process can make two stems meet.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oomsel.inputs.trace.line import Update, task_of

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

#: More than these are not kept at a time.
MOST = 1 << 15
_BUCKETS = 1 << 16
#: Words of the longest line's stem.
_WORDS = 32
_HALF = np.uint64(32)


class Stem(NamedTuple):
    """What is the same on many lines."""

    cpu: int
    mm_id: int
    curr: int
    member: int
    pid: int  #: of the task that made the event, or of its process where the trace shows it; 0 where it is not plain
    comm: bytes

    @classmethod
    def of(cls, line: bytes, update: Update) -> Stem:
        """That of a line that is an update."""
        pid, comm = task_of(line) or (0, b"")
        return cls(update.cpu, update.mm_id, update.curr, update.member, pid, comm)


class Stems:
    """Stems by number, and numbers by hash."""

    def __init__(self) -> None:
        self.stems: list[Stem] = []
        self._numbers: dict[Stem, int] = {}
        self._hash = np.zeros(MOST, np.uint64)  #: by number
        self._bucket = np.full(_BUCKETS, -1, np.int32)  #: number by the hash's first bits
        self._columns: Ints | None = None

    def __len__(self) -> int:
        return len(self.stems)

    @property
    def columns(self) -> Ints:
        """cpu, mm_id, curr, member and pid of every stem; a row each."""
        if self._columns is None or self._columns.shape[1] < len(self.stems):
            rows = [stem[:5] for stem in self.stems]
            self._columns = np.array(rows, np.int64).reshape(-1, 5).T.copy()
        return self._columns

    def number_of(self, stem: Stem) -> int:
        """The stem's number; a new one for a new stem."""
        number = self._numbers.setdefault(stem, len(self.stems))
        if number == len(self.stems):
            self.stems.append(stem)
        return number

    def learn(self, hashed: int, stem: Stem) -> int:
        """Tell lines with this hash from now on; returns the stem's number."""
        number = self.number_of(stem)
        self._hash[number] = hashed
        self._bucket[hashed >> 48] = number
        return number

    def find(self, hashes: Words) -> npt.NDArray[np.int32]:
        """The number of the stem with each hash, -1 for one that is not known."""
        found: npt.NDArray[np.int32] = self._bucket[hashes >> np.uint64(48)]
        found[self._hash[found] != hashes] = -1
        return found


def words_at(text: Bytes, starts: Ints, words: int) -> Words:
    """So many words of 8 bytes from each of `starts`; a row each."""
    size = 8 * words
    # As items of that many bytes, one begins anywhere; a window of bytes would be copied three times slower.
    items = np.ndarray((len(text) - size + 1,), f"V{size}", text.data, strides=(1,))
    return items[starts].view(np.uint64).reshape(-1, words)


class Hasher:
    """Hashes of parts of lines."""

    def __init__(self) -> None:
        self._factors = [
            np.uint64(factor) for factor in np.frombuffer(os.urandom(8 * _WORDS), np.uint64) | np.uint64(1)
        ]

    def add(self, hashes: Words, text: Bytes, starts: Ints, width: int, word: int) -> int:
        """Mix `width` bytes from each of `starts` into the hashes, as words from number `word` on; returns the next."""
        words = -(-width // 8)
        columns = words_at(text, starts, words)
        if width % 8:
            columns[:, -1] &= np.uint64((1 << 8 * (width % 8)) - 1)
        for number in range(words):
            hashes ^= columns[:, number]
            hashes *= self._factors[word + number]
            hashes ^= hashes >> _HALF
        return word + words
