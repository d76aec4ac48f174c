"""The page's table of every task; what has no room in it is summed up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from oomsel.outputs.account import Account
from oomsel.outputs.page.candidates import known_interval
from oomsel.outputs.page.holdings import Holding, explained, fate, holdings, knows_badness, shown_tasks
from oomsel.outputs.page.scale import Segment, stacked
from oomsel.outputs.sizes import size_words
from oomsel.text import printable


class Column(NamedTuple):
    """A column."""

    heading: str
    kind: str  #: n number, p pages, t text, bar


class Row(NamedTuple):
    """A task: its cells as text, of the bar its segments."""

    kind: str  #: killed, could, skipped or nothing
    cells: tuple[str, ...]
    segments: tuple[Segment, ...]
    held: str


class TaskTable(NamedTuple):
    """The table."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: int  #: tasks, shown or not
    rest: str | None  #: what those hold that are not shown


def task_table(account: Account, most: int) -> TaskTable:
    """The table of the `most` tasks with the highest badness, then of who may not be killed."""
    every = shown_tasks(account)
    found = holdings(account, every)
    shown, rest = found[:most], found[most:]
    columns = _columns(account, shown)
    peak = max((holding.held for holding in shown), default=0) or 1
    could = _could_be(account)
    rows = tuple(_row(holding, account, columns, peak, could) for holding in shown)
    return TaskTable(columns, rows, len(found), _summed(account, rest) if rest else None)


def _could_be(account: Account) -> frozenset[int]:
    explanation = explained(account)
    if account.reading is None:
        several = len(explanation.possible_victims) > 1
        return frozenset(explanation.possible_victims) if several and known_interval(account) else frozenset()
    interval = None if account.verdict is None else account.verdict.interval
    pids = {rival.pid for rival in interval.rivals} if interval else set()
    tasks = explanation.report.system.tasks
    return frozenset(task for task in explanation.candidates if int(tasks.live_pid[task]) in pids)


def _columns(account: Account, shown: list[Holding]) -> tuple[Column, ...]:
    """The columns for which there is anything to show."""
    explanation = explained(account)
    has_other = account.reading is None and explanation.deltas_known
    is_split = any(holding.part("anon") is not None for holding in shown)
    wanted = [
        ("", "t", True), ("pid", "n", True), ("name", "t", True), ("uid", "n", True), ("adj", "n", True),
        ("badness", "p" if explanation.report.system.scores_in_pages else "n", knows_badness(account)),
        (explanation.other.mode, "p", has_other), ("error", "p", has_other), ("holds", "bar", True),
        ("RSS", "p", True), ("anon", "p", is_split), ("file", "p", is_split), ("shmem", "p", is_split),
        ("swap", "p", True), ("page tables", "p", True), ("total_vm", "p", True),
        ("oom_score", "n", any(holding.oom_score is not None for holding in shown)),
        ("cgroup", "t", any(holding.cgroup != "/" for holding in shown)),
    ]  # fmt: skip
    return tuple(Column(heading, kind) for heading, kind, is_there in wanted if is_there)


def _row(holding: Holding, account: Account, columns: tuple[Column, ...], peak: int, could: frozenset[int]) -> Row:
    said = fate(holding, account, could)
    error = None
    if isinstance(holding.badness, int) and isinstance(holding.other, int):
        precise = explained(account).other.mode == "precise"
        error = holding.badness - holding.other if precise else holding.other - holding.badness
    cells = {
        "": said, "pid": str(holding.pid), "name": printable(holding.comm), "uid": str(holding.uid),
        "adj": str(holding.adj), "badness": _number(holding.badness), "error": _number(error),
        explained(account).other.mode: _number(holding.other), "holds": "", "RSS": _number(holding.rss),
        "anon": _number(holding.part("anon")), "file": _number(holding.part("file")),
        "shmem": _number(holding.part("shmem")), "swap": _number(holding.part("swap")),
        "page tables": _number(holding.part("pt")), "total_vm": _number(holding.total_vm),
        "oom_score": _number(holding.oom_score), "cgroup": printable(holding.cgroup),
    }  # fmt: skip
    kind = "killed" if holding.killed else "skipped" if holding.skip_reason else "could" if said else ""
    size = size_words(holding.held * explained(account).report.system.page_size)
    segments = stacked(((part, pages, "") for part, pages in holding.parts), peak)
    return Row(kind, tuple(cells[column.heading] for column in columns), tuple(segments), size)


def _number(value: int | str | None) -> str:
    if value is None:
        return "\N{EN DASH}"
    return value if isinstance(value, str) else f"{value:,}"


def _summed(account: Account, rest: Iterable[Holding]) -> str:
    """What the tasks that are not shown come to."""
    rest = list(rest)
    page = explained(account).report.system.page_size
    rss = size_words(sum(holding.rss or 0 for holding in rest) * page)
    swap = sum(holding.part("swap") or 0 for holding in rest)
    may = [holding for holding in rest if not holding.skip_reason]
    text = f"{len(rest):,} more tasks are not in this table: together they hold {rss} of RSS"
    text += f" and {size_words(swap * page)} in swap" if swap else ""
    badness = [holding.badness for holding in may if isinstance(holding.badness, int)]
    top = f", with a badness of at most {max(badness):,}" if badness else ""
    return f"{text}. {len(may):,} of them may be killed{top}. --rows shows more."
