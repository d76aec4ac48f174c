"""Both modes side by side, for a person: who is how bad, and how far the approximate counters are off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oomsel.kernel.badness import LONG_MAX, LONG_MIN, SkipReason, get_mm_rss, of_task
from oomsel.kernel.event import OomReport, worst_first
from oomsel.kernel.percpu_counter import MM_SWAPENTS, Int64s
from oomsel.outputs.summary import compare
from oomsel.text import printable

if TYPE_CHECKING:
    from rich.console import Console

#: Rows that a person gets without asking for all.
TOP = 20

#: Heading, and whether the column is text (left-aligned) rather than numbers.  `error` is approximate minus precise.
COLUMNS = (
    ("victim", True),
    ("pid", False),
    ("name", True),
    ("adj", False),
    ("approximate", False),
    ("precise", False),
    ("error", False),
    ("MiB", False),
)
_TITLE = "Badness in pages, as each mode reads it; error is approximate minus precise."


class Comparing:
    """Two runs of one event, row by row."""

    def __init__(self, approximate: OomReport, precise: OomReport) -> None:
        self.approximate, self.precise = approximate, precise
        points = np.maximum(approximate.points, precise.points)
        #: Tasks, the worst first; of equals the one that the kernel would choose.
        self.order = worst_first(approximate, points)
        self.error = _held(approximate, approximate.counters) - _held(approximate, approximate.precise)

    def eligible(self, task: int) -> bool:
        """Whether the task may be killed."""
        return bool(self.approximate.points[task] != LONG_MIN)

    def chosen(self, task: int) -> str:
        """The mode that chose the task, `both`, or nothing."""
        modes = [report.mode for report in (self.approximate, self.precise) if report.chosen == task]
        return "both" if len(modes) == 2 else "".join(modes)

    def cells(self, task: int) -> tuple[str, ...]:
        """The task's row."""
        tasks = self.approximate.system.tasks
        error = int(self.error[task])
        mib = error * self.approximate.system.page_size / (1 << 20)
        return (
            self.chosen(task),
            str(tasks.pid[task]),
            printable(tasks.comm[task]),
            str(tasks.oom_score_adj[task]),
            _points(self.approximate, task),
            _points(self.precise, task),
            f"{error:+d}" if error else "0",
            f"{mib:+.1f}" if error else "0.0",
        )

    def reason(self, task: int) -> str:
        """Why the task may not be killed."""
        return SkipReason(int(self.approximate.skip_reasons[task])).reason


def _held(report: OomReport, counters: Int64s) -> Int64s:
    return of_task(report.system, get_mm_rss(counters) + counters[:, MM_SWAPENTS])


def _points(report: OomReport, task: int) -> str:
    points = int(report.points[task])
    if points == LONG_MIN:
        return "-"
    return "first" if points == LONG_MAX else str(points)


def print_table(approximate: OomReport, precise: OomReport, console: Console) -> None:
    """Print the worst `TOP` tasks of the two runs, and each run's victim, on `console`."""
    from rich.table import Table
    from rich.text import Text

    both = Comparing(approximate, precise)
    eligible = [task for task in both.order if both.eligible(task)]
    top = [task for index, task in enumerate(eligible) if index < TOP or both.chosen(task)]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for heading, is_text in COLUMNS:
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    for task in top:
        style = "bold red" if both.chosen(task) else None
        table.add_row(*(Text(cell) for cell in both.cells(task)), style=style)
    console.print(_TITLE, soft_wrap=True, highlight=False)
    console.print(table)
    more = len(eligible) - len(top)
    skipped = len(both.order) - len(eligible)
    rest = [f"{more} more that may be killed"] * bool(more) + [f"{skipped} that may not"] * bool(skipped)
    if rest:
        console.print(f"Not shown: {' and '.join(rest)}; --all shows all.", soft_wrap=True, highlight=False)
    console.print(Text(compare(approximate, precise).sentence), style="bold", soft_wrap=True)


def plain_table(approximate: OomReport, precise: OomReport) -> list[str]:
    """Every task, the worst first and those that may not be killed last, as lines of aligned text."""
    both = Comparing(approximate, precise)
    headings = tuple(heading for heading, _ in COLUMNS)
    rows = [headings, *(both.cells(task) for task in both.order)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    form = "  ".join(
        f"{{:{'<' if is_text else '>'}{width}}}" for (_, is_text), width in zip(COLUMNS, widths, strict=True)
    )
    notes = ["", *(both.reason(task) for task in both.order)]
    lines = [f"{form.format(*row)}  {note}".rstrip() for row, note in zip(rows, notes, strict=True)]
    return [_TITLE, *lines, compare(approximate, precise).sentence]
