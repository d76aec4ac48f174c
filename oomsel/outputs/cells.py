"""Tables for spreadsheets: the one writer of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from oomsel.text import printable, shown, spreadsheet_text


def csv_line(cells: Iterable[Any]) -> str:
    """A line of CSV: None is an empty cell, truth is `true` or `false`; no text in it does anything.

    >>> csv_line([None, True, -1000, "=1+1"])
    ",true,-1000,'=1+1\\n"
    """
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return file.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    # What is a formula before it is escaped, or after, is none as text.
    return spreadsheet_text(shown(printable(spreadsheet_text(value)))) if isinstance(value, str) else value
