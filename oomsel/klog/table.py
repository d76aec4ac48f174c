"""Reading the kernel's task table: the layout comes from its header, not from a version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from oomsel.klog.formats import LAYOUTS
from oomsel.klog.patterns import Pattern

# "[ pid ]   uid  tgid total_vm ..." after whatever a logger put before it.
_HEADER = Pattern(r"\[[ \t]*pid[ \t]*\]((?:[ \t]+[A-Za-z_][A-Za-z_0-9]*)+?)[ \t]+name\s*$")
#: That of 4.19 and later leaves room for seven digits.
_WIDE_PID = Pattern(r"\[ {2,}pid {2,}\]")
#: The columns that every layout since 2.6.25 has.
_REQUIRED = frozenset(("uid", "tgid", "total_vm", "rss"))
#: The three that rss is the sum of, since 6.8.
RSS_COLUMNS = ("rss_anon", "rss_file", "rss_shmem")
_PAGE_TABLES = ("nr_ptes", "nr_pmds", "nr_puds")
#: Every column that some release of the kernel has.
KNOWN_COLUMNS = frozenset((*(column.name for layout in LAYOUTS for column in layout.columns), *_PAGE_TABLES))


class Row(NamedTuple):
    """A row: the number in each column by the header's name, None for one printed as `?`."""

    line: int  #: of the text that was read, 0-based there; of a log, 1-based
    pid: int
    numbers: dict[str, int | None]
    name: str  #: as printed


class NoHeader(ValueError):
    """A text in which no line is the header of a task table."""


class Columns:
    """The layout that a header states, and the rows in it."""

    def __init__(self, names: list[str], pid_header: str = "[  pid  ]") -> None:
        self.names = tuple(names)
        self.pid_header = pid_header
        self._row = _row_pattern(len(names), " ")

    @classmethod
    def of_header(cls, line: str, *, whole: bool = False) -> Columns | None:
        """The layout of a header, with a logger's prefix unless the line is `whole`; None for another line."""
        match = _HEADER.match(line) if whole else _HEADER.search(line)
        if match is None:
            return None
        names = match[1].split()
        pid_header = "[  pid  ]" if _WIDE_PID.match(match[0]) else "[ pid ]"
        return cls(names, pid_header) if _REQUIRED.issubset(names) and len(set(names)) == len(names) else None

    def row(self, number: int, line: str, *, whole: bool = False) -> Row | None:
        """The row in `line`, None where it is none."""
        match = self._row.match(line) if whole else self._row.search(line)
        if match is None and "\t" in line:  # an editor's or a web page's, in the place of blanks
            tabbed = _row_pattern(len(self.names), r"[ \t]")
            match = tabbed.match(line) if whole else tabbed.search(line)
        if match is None:
            return None
        pid, *cells, name = match.groups()
        values = [None if cell == "?" else int(cell) for cell in cells]
        return Row(number, int(pid), dict(zip(self.names, values, strict=True)), name or "")


@cache
def _row_pattern(columns: int, blank: str) -> re.Pattern[str]:
    cells = rf"{blank}+(-?[0-9]{{1,20}}|\?)" * columns
    return re.compile(rf"\[{blank}*([0-9]{{1,20}})\]{cells}(?:{blank}(.*))?$", re.DOTALL)


def parse_table(text: str) -> Iterator[Row]:
    """The rows of a pasted table, with or without a logger's prefix on the lines; other lines are skipped.

    A name is everything after the one blank that follows the last number.  Raises NoHeader
    where the text has none, as without it nobody can tell one number from the other.
    """
    columns: Columns | None = None
    for number, whole in enumerate(text.split("\n")):
        line = whole.removesuffix("\r")
        if found := Columns.of_header(line):
            columns = found
        elif columns is not None and (row := columns.row(number, line)):
            yield row
    if columns is None:
        raise NoHeader("no header of a task table in it; paste the line that begins with [  pid  ], too")


def page_table_bytes(row: Row, page_size: int) -> int:
    """Bytes of page tables: stated as such since 4.15, before that as pages."""
    stated = row.numbers.get("pgtables_bytes")
    if stated is not None:
        return stated
    return sum(row.numbers.get(name) or 0 for name in _PAGE_TABLES) * page_size


def oom_score_adj(row: Row) -> int:
    """The row's oom_score_adj; of tables until 2.6.35 what the kernel since makes of oom_adj."""
    stated = row.numbers.get("oom_score_adj")
    if stated is not None:
        return stated
    return score_adj_of(row.numbers.get("oom_adj") or 0)


def score_adj_of(oom_adj: int) -> int:
    """The oom_score_adj that the kernel makes of an oom_adj, as oom_adj_write() does since 2.6.36."""
    return 1000 if oom_adj == 15 else int(oom_adj * 1000 / 17)


def rss_parts(row: Row) -> dict[str, int]:
    """anon, file and shmem in pages, or total where the table (before 6.8) or a `?` leaves only their sum."""
    parts = [row.numbers.get(name) for name in RSS_COLUMNS]
    known = {
        name.removeprefix("rss_"): pages for name, pages in zip(RSS_COLUMNS, parts, strict=True) if pages is not None
    }
    return known if len(known) == len(RSS_COLUMNS) else {"total": row.numbers["rss"] or 0}
