"""Each task's badness in both modes, for a person, and how far off the approximate counters are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from oomsel.kernel.badness import LONG_MIN, get_mm_rss, of_task
from oomsel.kernel.event import OomReport, worst_first
from oomsel.kernel.percpu_counter import MM_SWAPENTS
from oomsel.layout import WIDTH, aligned_within, wrapped
from oomsel.outputs.summary import compare, outcome_phrase
from oomsel.outputs.tasks import TaskView
from oomsel.text import printable

if TYPE_CHECKING:
    from rich.console import Console

#: How many rows are shown unless --all asks for every one.
TOP = 20

#: Headings, each with whether the column is text.
Columns: TypeAlias = tuple[tuple[str, bool], ...]
#: Heading, and whether the column is text (left-aligned) rather than numbers.  `error` is approximate minus precise.
COLUMNS = (
    ("victim", True),
    ("pid", False),
    ("name", True),
    ("adj", False),
    ("oom_score", False),
    ("approximate", False),
    ("precise", False),
    ("error", False),
    ("MiB", False),
)
#: Of a log, in which both modes are the same: these columns, the first mode's under a name of its own.
_ONE = len(("victim", "pid", "name", "adj", "oom_score", "badness"))
_ONE_TITLE = "Badness in pages."
_TITLE = "Badness in pages, as each mode reads it; error is approximate minus precise."
_UNKNOWN = "-"


class Shown(NamedTuple):
    """What of a run may be shown: of a log's not what the run had to assume."""

    badness: bool = True
    without: frozenset[int] = frozenset()  #: pids of tasks that are not to be named
    closing: str | None = None  #: in the place of whether the modes agree


ALL = Shown()


def _order(approximate: OomReport, precise: OomReport, shown: Shown) -> list[int]:
    """The tasks, sorted by their higher badness of the two modes; of equals the kernel's choice first."""
    order = worst_first(approximate, np.maximum(approximate.points, precise.points))
    pids = approximate.system.tasks.pid
    return [task for task in order if int(pids[task]) not in shown.without]


def _rows(approximate: OomReport, precise: OomReport, tasks: list[int], *, has_badness: bool) -> list[tuple[str, ...]]:
    """The rows of some tasks, with a cell for each of `COLUMNS`."""
    system = approximate.system
    view, other = TaskView(approximate, tasks), TaskView(precise, tasks)
    held, truly_held = (get_mm_rss(each) + each[:, MM_SWAPENTS] for each in (approximate.counters, approximate.precise))
    errors = of_task(system, held - truly_held)[tasks].tolist()
    columns = (view[name] for name in ("chosen", "pid", "comm", "oom_score_adj", "badness"))
    own = other if system.rules.precise_oom else view
    return [
        (
            _chosen_by(chosen, precisely_chosen),
            str(pid),
            printable(comm),
            str(adj),
            *(_shown(number if has_badness else None) for number in (score, points, precise_points)),
            f"{error:+d}" if error else "0",
            f"{error * system.page_size / (1 << 20):+.1f}" if error else "0.0",
        )
        for chosen, pid, comm, adj, points, precisely_chosen, precise_points, score, error in zip(
            *columns, other["chosen"], other["badness"], own["oom_score"], errors, strict=True
        )
    ]


def _shown(value: int | str | None) -> str:
    return _UNKNOWN if value is None else str(value)


def _chosen_by(approximate: bool, precise: bool) -> str:
    """The mode that chose a task, `both`, or nothing."""
    if approximate and precise:
        return "both"
    return "approximate" if approximate else "precise" if precise else ""


#: Columns that are left out where there is no room for them, the first one first.
_MAY_BE_LEFT_OUT = ("MiB", "oom_score", "error")


def _fitting(columns: Columns, rows: list[tuple[str, ...]], width: int, gap: int) -> list[int]:
    """Which columns fit in `width` with `gap` blanks between them."""
    widths = [max([len(name), *(len(row[at]) for row in rows)]) for at, (name, _) in enumerate(columns)]
    kept = list(range(len(columns)))
    for name in _MAY_BE_LEFT_OUT:
        if sum(widths[at] for at in kept) + gap * len(kept) <= width:
            break
        kept = [at for at in kept if columns[at][0] != name]
    return kept


def _columns(*, is_one: bool) -> Columns:
    return (*COLUMNS[: _ONE - 1], ("badness", False)) if is_one else COLUMNS


def _shortened(row: tuple[str, ...], *, is_one: bool) -> tuple[str, ...]:
    return ("victim" if row[0] else "", *row[1:_ONE]) if is_one else row


def _closing(approximate: OomReport, precise: OomReport, *, is_one: bool) -> str:
    said = outcome_phrase(approximate)
    return f"{said[0].upper()}{said[1:]}." if is_one else compare(approximate, precise).sentence


def print_table(
    approximate: OomReport,
    precise: OomReport,
    console: Console,
    *,
    is_one: bool = False,
    shown: Shown = ALL,
) -> None:
    """Print the `TOP` tasks with the highest badness, and each run's victim, on `console`.

    With `is_one` the two runs are the same, and there is one column for them.
    """
    from rich.table import Table
    from rich.text import Text

    order = _order(approximate, precise, shown)
    eligible = [task for task in order if approximate.points[task] != LONG_MIN]
    victims = (approximate.chosen, precise.chosen)
    top = [task for index, task in enumerate(eligible) if index < TOP or task in victims]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    columns = _columns(is_one=is_one)
    rows = [_shortened(row, is_one=is_one) for row in _rows(approximate, precise, top, has_badness=shown.badness)]
    kept = _fitting(columns, rows, console.width, 1)
    for heading, is_text in (columns[at] for at in kept):
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    for row in rows:
        table.add_row(*(Text(row[at]) for at in kept), style="bold red" if row[0] else None)
    console.print(_ONE_TITLE if is_one else _TITLE, highlight=False)
    console.print(table)
    more = len(eligible) - len(top)
    skipped = len(order) - len(eligible)
    rest = [f"{more} more that may be killed"] * bool(more) + [f"{skipped} that may not"] * bool(skipped)
    if rest:
        console.print(f"Not shown: {' and '.join(rest)}; --all shows all.", highlight=False)
    closing = shown.closing or _closing(approximate, precise, is_one=is_one)
    for line in wrapped(closing, width=min(console.width, WIDTH)):
        console.print(Text(line), style="bold")


def plain_table(
    approximate: OomReport,
    precise: OomReport,
    *,
    is_one: bool = False,
    shown: Shown = ALL,
) -> list[str]:
    """Every task, the worst first and those that may not be killed last, as lines of aligned text."""
    order = _order(approximate, precise, shown)
    columns = _columns(is_one=is_one)
    rows = [_shortened(row, is_one=is_one) for row in _rows(approximate, precise, order, has_badness=shown.badness)]
    reasons = ["", *TaskView(approximate, order)["skip_reason"]]
    kept = _fitting(columns, rows, WIDTH, 2)
    rows = [tuple(name for name, _ in columns), *rows]
    sides = "".join("<" if columns[at][1] else ">" for at in kept)
    cells = [(*(row[at] for at in kept), reason) for row, reason in zip(rows, reasons, strict=True)]
    closing = shown.closing or _closing(approximate, precise, is_one=is_one)
    return [_ONE_TITLE if is_one else _TITLE, *aligned_within(cells, f"{sides}<"), *wrapped(closing)]
