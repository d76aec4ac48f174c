"""The closest candidates as bars of characters, for a terminal: as read, counted precisely, and what can be true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oomsel.kernel.badness import LONG_MAX, LONG_MIN
from oomsel.layout import aligned
from oomsel.outputs.explain import Explanation
from oomsel.text import printable

_WIDTH = 80
#: Bars at most, and how far they go below 0, as a part of what is above.
MOST, _BELOW = 20, 0.25


class Signs(NamedTuple):
    """What bars are drawn with."""

    read: str  #: as read
    doubtful: str  #: as read, of which the truth may fall short
    reach: str  #: what the truth may reach
    end: str
    other: str  #: as the other mode reads it
    zero: str


UTF8 = Signs("\N{FULL BLOCK}", "\N{MEDIUM SHADE}", "\N{BOX DRAWINGS LIGHT HORIZONTAL}",
             "\N{BOX DRAWINGS LIGHT VERTICAL AND LEFT}", "\N{BLACK DIAMOND}",
             "\N{BOX DRAWINGS LIGHT VERTICAL}")  # fmt: skip
ASCII = Signs("#", "=", "-", "|", "*", "|")


def score_bars(explanation: Explanation, tasks: Sequence[int], signs: Signs, *, is_log: bool) -> list[str]:
    """A line a task of at most 80 columns, and one that says what the signs mean; none where nothing is compared."""
    report, other = explanation.report, explanation.other
    tasks = [task for task in tasks if LONG_MIN < report.points[task] < LONG_MAX][:MOST]
    if not tasks or not report.system.scores_in_pages:
        return []
    points = {task: int(report.points[task]) for task in tasks}
    has_other = explanation.deltas_known and not is_log
    others = {task: int(other.points[task]) for task in tasks} if has_other else {}
    bounds = {}
    if not is_log and report.system.rules.percpu_rss and report.mode == "approximate":
        interval = explanation.interval
        bounds = {task: (int(interval.low[task]), int(interval.high[task])) for task in tasks}
    every = [0, *points.values(), *others.values(), *(end for pair in bounds.values() for end in pair)]
    high = max(*every, 1)
    low = max(min(every), -_BELOW * high)
    table = report.system.tasks
    heads = aligned([(f"  {table.pid[task]}", printable(table.comm[task])) for task in tasks], "><")
    values = aligned([(str(points[task]),) for task in tasks], ">")
    left, right = max(map(len, heads)), max(map(len, values))
    scale = _Cells(low, high, _WIDTH - left - right - 2)
    lines = [
        f"{head:<{left}} {scale.bar(points[task], bounds.get(task), others.get(task), signs)} {value:>{right}}"
        for task, head, value in zip(tasks, heads, values, strict=True)
    ]
    return [*lines, _legend(signs, explanation, has_bounds=bool(bounds), has_other=bool(others))]


class _Cells(NamedTuple):
    """An axis of characters."""

    low: float
    high: float
    room: int

    def at(self, value: float) -> int:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return min(max(round(share * (self.room - 1)), 0), self.room - 1)

    def bar(self, points: int, bounds: tuple[int, int] | None, other: int | None, signs: Signs) -> str:
        """One task's."""
        cells = [" "] * self.room
        start, end = sorted((self.at(0), self.at(points)))
        cells[start : end + 1] = signs.read * (end + 1 - start)
        if self.low < 0:
            cells[self.at(0)] = signs.zero
        if bounds is not None and bounds[0] < bounds[1]:
            first, last = map(self.at, bounds)
            for cell in range(first, last + 1):
                cells[cell] = signs.doubtful if cells[cell] == signs.read else signs.reach
            if last > end:
                cells[last] = signs.end
        if other is not None:
            cells[self.at(other)] = signs.other
        return "".join(cells)


def _legend(signs: Signs, explanation: Explanation, *, has_bounds: bool, has_other: bool) -> str:
    said = [f"{signs.read} badness in pages, as read"]
    if has_other:
        said.append(f"{signs.other} {'precisely' if explanation.other.mode == 'precise' else 'approximately'}")
    if has_bounds:
        said.append(f"{signs.doubtful}{signs.reach}{signs.end} what it can truly be")
    return "  " + "   ".join(said)
