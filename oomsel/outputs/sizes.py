"""Amounts of memory as a person reads them: GiB and MiB, three digits or so."""

from __future__ import annotations


def size_words(size: int) -> str:
    """Bytes in the largest unit that leaves a whole part.

    >>> [size_words(size) for size in (0, 4096, 5 << 20, 160 << 20, 13 << 30)]
    ['0', '4 KiB', '5.0 MiB', '160 MiB', '13.0 GiB']
    """
    if size == 0:
        return "0"
    if abs(size) < 1 << 20:
        return f"{size / 1024:.0f} KiB"
    unit, scale = ("MiB", 1 << 20) if abs(size) < 1 << 30 else ("GiB", 1 << 30)
    number = size / scale
    return f"{number:.1f} {unit}" if abs(number) < 100 else f"{number:.0f} {unit}"


def share_words(share: float) -> str:
    """A part of 1 in percent.

    >>> [share_words(share) for share in (0, 0.001, 0.5)]
    ['0 %', '<1 %', '50 %']
    """
    return f"{100 * share:.0f} %" if share >= 0.01 or not share else "<1 %"


class Sizes:
    """How an explanation writes an amount: in bytes' units, with the pages behind it where they are asked for."""

    def __init__(self, page_size: int, *, pages: bool = False) -> None:
        self.page_size, self._pages = page_size, pages

    def __call__(self, size: int) -> str:
        """Bytes in words."""
        words = size_words(size)
        return f"{words} ({size // self.page_size} pages)" if self._pages else words
