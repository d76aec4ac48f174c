"""Lines whose end is cut off: what they still say."""

from __future__ import annotations

import re

from oomsel.klog.event import OomEvent
from oomsel.klog.patterns import Pattern
from oomsel.klog.prefix import Line
from oomsel.klog.table import KNOWN_COLUMNS, Row

_HEADER = Pattern(r"\[ *pid *\]((?: +[a-z_]+)+) *$")
_ROW = Pattern(r"\[ *([0-9]{1,10})\]((?: +(?:-?[0-9]{1,20}|\?))+)(?: |$)")
#: What begins a report, or belongs to one, and cannot be read without its end.
_ADDS_NOTHING = Pattern(r"oom-kill:constraint=|.{1,15} invoked oom-killer: ", re.DOTALL)
_LOST_KILL = Pattern(r"(?:[^:]{1,80}: )?Killed process [0-9]{1,10} \(")


def read_cut(event: OomEvent, line: Line) -> bool:
    """Take what a cut line still says into the report; whether it is the report's.

    A row counts with the cells that are whole: the last one, and the name, may lack digits.
    """
    text = line.text
    if event.header_line is None and (match := _HEADER.match(text)):
        names = match[1].split()
        if len(names) < 3 or not KNOWN_COLUMNS.issuperset(names[:-1]):
            return False
        event.columns, event.header_line = tuple(name for name in names if name in KNOWN_COLUMNS), line.number
    elif event.header_line is not None and not event.ends and (match := _ROW.match(text)):
        cells = match[2].split()
        whole = cells if text[match.end(2) :] else cells[:-1]
        values = [None if cell == "?" else int(cell) for cell in whole]
        event.cut_rows.append(Row(line.number, int(match[1]), dict(zip(event.columns, values, strict=False)), ""))
    elif not _ADDS_NOTHING.match(text) and not _LOST_KILL.match(text):
        return False
    event.cut_at = max(event.cut_at, line.cut_at)
    event.cut_lines.append(line.number)
    return not _LOST_KILL.match(text)  # whose first part the reader of kill lines takes
