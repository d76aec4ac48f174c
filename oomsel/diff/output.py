"""An EventDiff as a table for people and as an object for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oomsel.diff.tasks import EventDiff, TaskDiff
from oomsel.layout import WIDTH, aligned_within, folded

if TYPE_CHECKING:
    from rich.console import Console

DIFF_VERSION = 1
#: How many rows are shown unless --all asks for every one.
TOP = 20
_WORDS = {"changed": "changed", "moved": "moved", "a": "only in A", "b": "only in B"}
_STYLES = {"changed": "", "moved": "dim", "a": "red", "b": "green"}
_HEADINGS = ("", "pid", "name", "what changed, from A to B")


def diff_object(diff: EventDiff, a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """One pair of events as plain data; `a` and `b` describe the sides.

    Each change is a pair of values, in A and in B; null is none, or not known.
    """
    return {
        "same": diff.same,
        "a": a,
        "b": b,
        "event": {name: [_plain(value) for value in pair] for name, pair in diff.event.items()},
        "tasks": [
            {
                "pid": task.pid,
                "comm": task.comm,
                "status": {"a": "only_a", "b": "only_b"}.get(task.status, task.status),
                "changes": {name: list(pair) for name, pair in task.changes.items()},
            }
            for task in diff.tasks
        ],
    }


def _plain(value: Any) -> Any:
    return {"pid": value[0], "comm": value[1]} if isinstance(value, tuple) else value


def summary(diff: EventDiff) -> list[str]:
    """A line for each difference of the events themselves, then how many tasks differ."""
    lines = [f"{name}: {_event_value(name, a)} -> {_event_value(name, b)}" for name, (a, b) in diff.event.items()]
    statuses = [task.status for task in diff.tasks]
    counts = [f"{statuses.count(status)} {word}" for status, word in _WORDS.items() if status in statuses]
    return [*lines, f"tasks: {', '.join(counts) or 'no difference'}"]


def _event_value(name: str, value: Any) -> str:
    if name == "victim":
        return "nobody" if value is None else f"{value[0]} ({value[1]})"
    return f"{value:#x}" if name == "gfp_mask" else str(value)


def what_changed(task: TaskDiff) -> str:
    """`rank 1 -> 2, badness 12983 -> 11495 (-1488)`; for a task on one side only, its values there."""
    if not task.changes:
        return "its place in the table"
    if task.status in ("a", "b"):
        side = 0 if task.status == "a" else 1
        return ", ".join(f"{name} {pair[side]}" for name, pair in task.changes.items() if pair[side] != 0)
    return ", ".join(_change(name, *pair) for name, pair in task.changes.items())


def _change(name: str, a: Any, b: Any) -> str:
    change = f"{name} {'none' if a is None else a} -> {'none' if b is None else b}"
    if isinstance(a, int) and isinstance(b, int) and name not in ("rank", "uid"):
        change += f" ({b - a:+d})"
    return change


def print_table(diff: EventDiff, console: Console) -> None:
    """Print the first `TOP` tasks that differ, then what differs in the events themselves."""
    from rich.table import Table
    from rich.text import Text

    shown = diff.tasks[:TOP]
    if shown:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        for index, heading in enumerate(_HEADINGS):
            table.add_column(heading, justify="right" if index == 1 else "left", no_wrap=index < 3, overflow="fold")
        for task in shown:
            table.add_row(*map(Text, _cells(task)), style=_STYLES[task.status])
        console.print(table)
    if len(shown) < len(diff.tasks):
        rest = f"Not shown: {len(diff.tasks) - len(shown)} more; --all shows all."
        console.print(rest, highlight=False)
    for line in folded(summary(diff), width=min(console.width, WIDTH)):
        console.print(Text(line, style="bold"))


def plain_table(diff: EventDiff) -> list[str]:
    """The same, every task, as lines of aligned text."""
    rows = [_HEADINGS, *map(_cells, diff.tasks)]
    return [*(aligned_within(rows, "<><<") if diff.tasks else ()), *folded(summary(diff))]


def _cells(task: TaskDiff) -> tuple[str, str, str, str]:
    return _WORDS[task.status], str(task.pid), task.comm, what_changed(task)
