"""Text that is laid out: columns that are aligned, lines of at most 80 columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

#: Columns of what a person reads.
WIDTH = 80
#: What no line breaks in: a number and its unit, a release.
_TOGETHER = re.compile(r"(?<=[0-9]) (?=(?:[KMG]iB|kB|%|s|pages?)\b|%)|(?<=\bLinux) (?=[0-9])|(?<=\bline) (?=[0-9])")
_BLANK = "\x00"


def aligned(rows: Iterable[Sequence[str]], sides: str, *, gap: int = 2) -> list[str]:
    """The rows as lines, their columns `gap` blanks apart; `sides` has `<` or `>` for each column, left or right.

    >>> aligned([("pid", "name"), ("7", "init")], "><")
    ['pid  name', '  7  init']
    """
    rows = list(rows)
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    form = (" " * gap).join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
    return [form.format(*row).rstrip() for row in rows]


def _without_long(text: str, room: int) -> str:
    """`text` with the middle of each word taken out that is longer than a line."""
    if len(text) <= room:
        return text
    half = (room - 3) // 2
    return " ".join(word if len(word) <= room else f"{word[:half]}...{word[-half:]}" for word in text.split(" "))


def wrapped(text: str, first: str = "", rest: str = "", *, width: int = WIDTH, keep_long: bool = False) -> list[str]:
    """`text` in lines of at most `width` columns, broken between words; the lines begin with `first` and `rest`.

    A word that is longer, a path say, lacks its middle, unless `keep_long` says that it is to be copied.

    >>> wrapped("it holds 96.0 MiB", width=13)
    ['it holds', '96.0 MiB']
    """
    import textwrap

    room = width - max(len(first), len(rest))
    lines = textwrap.wrap(
        _TOGETHER.sub(_BLANK, text if keep_long else _without_long(text, room)),
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_BLANK, " ") for line in lines]


#: What is left of the width for the last column, before it stands below its row instead.
_LEAST_ROOM = 24


def aligned_within(rows: Iterable[Sequence[str]], sides: str, *, width: int = WIDTH) -> list[str]:
    """As `aligned`, with the last column's words broken over lines that begin under it.

    >>> aligned_within([("pid", "what"), ("7", "it grew and grew")], "><", width=30)
    ['pid  what', '  7  it grew and grew']
    """
    rows = [tuple(row) for row in rows]
    heads = aligned([row[:-1] for row in rows], sides[:-1])
    indent = max(map(len, heads), default=0) + 2
    below = indent > width - _LEAST_ROOM
    lines = []
    for head, row in zip(heads, rows, strict=True):
        if below:
            lines += [head, *wrapped(row[-1], "      ", "        ", width=width)]
        else:
            lines += wrapped(row[-1], head.ljust(indent), " " * indent, width=width) or [head]
    return [line.rstrip() for line in lines]


def folded(lines: Iterable[str], *, width: int = WIDTH) -> Iterator[str]:
    """The lines, those that are longer than `width` broken between words, under their own indentation."""
    for line in lines:
        if len(line) <= width:
            yield line
            continue
        indent = line[: len(line) - len(line.lstrip())]
        yield from wrapped(line.strip(), indent, indent + "  " * bool(indent), width=width)
