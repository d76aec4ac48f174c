"""The kernel's own lines as a page shows them: as they stand in the log, or as the simulated kernel prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oomsel.outputs.account import Account
from oomsel.outputs.kernel_text import kernel_lines
from oomsel.outputs.page.holdings import explained
from oomsel.outputs.summary import compare
from oomsel.text import printable

#: Lines besides the task table's that are shown of a long report, two thirds of them at its beginning.
_BESIDE = 300
_READS = {"approximate": "reading approximately", "precise": "reading precisely"}


class Lines(NamedTuple):
    """Some lines; where there are too many, `left_out` of them between `lines` and `end` are not shown."""

    title: str
    lines: tuple[str, ...]
    left_out: int = 0
    end: tuple[str, ...] = ()


def own_lines(account: Account, source: str, most: int) -> list[Lines]:
    """The report's lines; of a scenario those of both readings where they differ."""
    event = account.event
    if event is not None:
        is_one = event.first_line == event.last_line
        lines = f"line {event.first_line}" if is_one else f"lines {event.first_line} to {event.last_line}"
        title = f"{source}, {lines}, as {'it stands' if is_one else 'they stand'} there"
        return [_cut(title, [line.decode("utf-8", "surrogateescape") for line in event.source_lines], most)]
    explanation = explained(account)
    reports = [explanation.report]
    if account.reading is None and not compare(explanation.approximate, explanation.precise).agree:
        reports.append(explanation.other)
    found = []
    for report in reports:
        how = _READS[report.mode] if len(reports) > 1 else "simulated"
        found.append(_cut(f"As the kernel would print it, {how}", kernel_lines(report), most))
    return [lines for lines in found if lines.lines]


def _cut(title: str, lines: Sequence[str], most: int) -> Lines:
    shown = [printable(line.replace("\t", "    ")) for line in lines]
    left_out = len(shown) - most - _BESIDE
    if left_out <= 0:
        return Lines(title, tuple(shown))
    end = _BESIDE // 3
    return Lines(title, tuple(shown[: most + _BESIDE - end]), left_out, tuple(shown[-end:]))
