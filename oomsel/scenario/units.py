"""Quantities of memory and lists of CPUs or nodes, as a scenario writes them."""

from __future__ import annotations

import re
from collections import Counter

#: Quantities stay below this many pages in magnitude, so that no sum leaves 64 bits.
MAX_PAGES = 1 << 51
#: The highest CPU number: NR_CPUS is at most 8192 on any architecture.
MAX_CPU = 8191
#: The highest node number: MAX_NUMNODES is at most 1024.
MAX_NODE = 1023

#: Page sizes that a machine may have, in bytes.
PAGE_SIZES = (4096, 8192, 16384, 32768, 65536)

_SHIFT = {"k": 10, "m": 20, "g": 30, "t": 40}
_QUANTITY = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))? ?(pages|[kmgt]i?b)", re.IGNORECASE | re.ASCII)
_BARE_FRACTION = re.compile(r"[+-]?[0-9]*\.[0-9]*")
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+)(?::([0-9]+)/([0-9]+))?)?")
_UNITS = "kB, KiB, MB, MiB, GB, GiB, TB, TiB or pages"


def parse_quantity(text: str, page_size: int) -> int:
    """Pages that a text like `1.5GiB` stands for.

    Raises ValueError, saying what is wrong and what would be right, where it has no
    unit, is no whole number of pages of `page_size` bytes, or is 2^51 pages or more.

    >>> parse_quantity("100 kB", 4096), parse_quantity("-1.5GiB", 4096)
    (25, -393216)
    """
    match = _QUANTITY.fullmatch(text) if len(text) <= 80 else None
    if match is None:
        if _BARE_FRACTION.fullmatch(text):
            raise ValueError(f"a fraction without a unit; use whole pages or a unit: {_UNITS}")
        if re.fullmatch(r"[+-]?[0-9]+", text):
            raise ValueError(f"a text without a unit; use a plain number of pages, or add a unit: {_UNITS}")
        raise ValueError(f"not a quantity of memory; use a number of pages, or a number with {_UNITS}")
    sign, whole, fraction, unit = match.groups("")
    scale = 10 ** len(fraction)
    unit_bytes = page_size if unit.lower() == "pages" else 1 << _SHIFT[unit[0].lower()]
    pages, rest = divmod(int(whole + fraction) * unit_bytes, page_size * scale)
    if rest:
        raise ValueError(f"not a whole number of pages; use a multiple of {page_size >> 10} kB")
    return check_pages(-pages if sign == "-" else pages)


def check_pages(pages: int) -> int:
    """`pages`, or ValueError where it is 2^51 or more in magnitude."""
    if not -MAX_PAGES < pages < MAX_PAGES:
        raise ValueError("out of range; stay below 2^51 pages (8 EiB of 4 kB pages)")
    return pages


def parse_list(text: str, limit: int = MAX_CPU) -> list[int]:
    """Numbers of a list in the kernel's form, as `cpulist_parse()` and `nodelist_parse()` read it.

    Raises ValueError for a number above `limit`, stated twice, or anything else the form
    has not; allocates no more than `limit` numbers.

    >>> parse_list("0-3,8,16-31:2/4")
    [0, 1, 2, 3, 8, 16, 17, 20, 21, 24, 25, 28, 29]
    """
    numbers: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part) if len(part) <= 64 else None
        if match is None:
            what = "a list with a blank in it" if " " in part or "\t" in part else "no list of numbers"
            raise ValueError(f"{what}; use the kernel's form, like 0-3,8,10-15 or 0-31:2/4")
        first, last, used, group = (int(number) if number else None for number in match.groups())
        assert first is not None
        end = first if last is None else last
        if max(first, end) > limit:
            raise ValueError(f"{max(first, end)} is above {limit}, the highest number there can be")
        if end < first:
            raise ValueError(f"a list with the range {part}, which runs backwards; state the lower number first")
        if used is None or group is None:
            numbers += range(first, end + 1)
            if len(numbers) > limit + 1:  # some number is there twice: stop before the list grows
                break
            continue
        if not 0 < used <= group:
            raise ValueError(f"a list with the stride {part}, which is none; USED/GROUP needs 0 < USED <= GROUP")
        numbers += (number for number in range(first, end + 1) if (number - first) % group < used)
    return check_list(numbers, limit)


def check_list(numbers: list[int], limit: int = MAX_CPU) -> list[int]:
    """`numbers`, or ValueError where the list holds one twice or one out of range."""
    for number in numbers:
        if not 0 <= number <= limit:
            raise ValueError(f"{number} is out of range; numbers go from 0 to {limit}")
    if len(set(numbers)) != len(numbers):
        times = Counter(numbers)
        twice = next(number for number in numbers if times[number] > 1)
        raise ValueError(f"{twice} is stated twice; name each number once")
    return numbers
