"""Rows of a task table whose header is lost: their columns, as far as the rows' widths tell them."""

from __future__ import annotations

from collections.abc import Iterable

from oomsel.klog.formats import LAYOUTS, UNKNOWN, Layout
from oomsel.klog.patterns import Pattern
from oomsel.klog.report_lines import is_possible
from oomsel.klog.table import Columns

#: What may be a number in one more column, as well as a name's beginning.
_CELL = Pattern(r" *-?[0-9]+ ")


def columns_of_rows(rows: Iterable[str]) -> Columns | None:
    """The columns of the one layout in which every row would be printed as it stands; None where that is not one."""
    texts = list(rows)
    fitting = [layout for layout in LAYOUTS if all(_is_printed_by(layout, text) for text in texts)]
    if len(fitting) != 1:
        return None
    return Columns([column.name for column in fitting[0].columns], fitting[0].pid_header)


def _is_printed_by(layout: Layout, text: str) -> bool:
    names = [column.name for column in layout.columns]
    row = Columns(names, layout.pid_header).row(0, text, whole=True)
    if row is None or not is_possible(row) or _CELL.match(row.name):
        return False
    cells = [UNKNOWN if row.numbers[name] is None else row.numbers[name] for name in names]
    return text == layout.row % (row.pid, *cells, row.name)
