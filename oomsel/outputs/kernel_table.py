"""The table form, written: tasks as rows of the kernel's own table, and `more` for what a row cannot say."""

from __future__ import annotations

from typing import Any

from oomsel.kernel.percpu_counter import MEMBERS, RSS_MEMBERS
from oomsel.klog.formats import TABLE_4_19, TABLE_6_8, UNKNOWN, Layout
from oomsel.scenario.models import Counter, Rss, Task
from oomsel.scenario.plain import plain
from oomsel.text import comm_to_text, signed_uid

#: What a row says of a task.
_IN_ROW = frozenset(("pid", "comm", "uid", "oom_score_adj", "total_vm", "pgtables_bytes", "rss", "thread"))


def table_form(tasks: tuple[Task, ...]) -> tuple[list[str], dict[int, dict[str, Any]]] | None:
    """Lines of a table and `more`; None where a task that fits in no row comes first or before one that does."""
    with_row = [_has_row(task) for task in tasks]
    if (
        not with_row
        or not with_row[0]
        or True in with_row[with_row.index(False) if False in with_row else len(tasks) :]
    ):
        return None
    only_sums = all(task.rss is not None and task.rss.total is not None for task in tasks[: sum(with_row)])
    layout = TABLE_4_19 if only_sums else TABLE_6_8
    rows, line = [layout.header], layout.row
    more: dict[int, dict[str, Any]] = {}
    for task, has_row in zip(tasks, with_row, strict=True):
        if has_row:
            rows.append(line % _cells(task, layout))
        said = _beside(task, has_row=has_row)
        if said:
            more[task.pid] = said
    return rows, more


def _has_row(task: Task) -> bool:
    """Whether a row can hold everything that a row says, as it is read."""
    rss = task.rss
    if rss is None or rss.swap is None or task.total_vm is None or task.pgtables_bytes is None or task.mm is not None:
        return False
    parts = [getattr(rss, name) for name in RSS_MEMBERS]
    return (rss.total is not None and parts == [None] * 3) or (rss.total is None and None not in parts)


def _cells(task: Task, layout: Layout) -> tuple[object, ...]:
    rss = task.rss
    assert rss is not None
    parts = {
        f"rss_{name}": UNKNOWN if (counter := getattr(rss, name)) is None else counter.count for name in RSS_MEMBERS
    }
    total = rss.total.count if rss.total is not None else sum(int(value) for value in parts.values())
    values = {
        "uid": signed_uid(task.uid),
        "tgid": task.pid,
        "total_vm": task.total_vm,
        "rss": total,
        **parts,
        "pgtables_bytes": task.pgtables_bytes,
        "swapents": rss.swap.count if rss.swap else 0,
        "oom_score_adj": task.oom_score_adj,
    }
    pid, name = (task.pid, task.comm) if task.thread is None else (task.thread.pid, task.thread.comm or task.comm)
    return (pid, *(values[column.name] for column in layout.columns), _text(name))


def _text(name: bytes) -> str:
    """A name as a line of YAML holds it: what YAML refuses is written by its bytes."""
    return "".join(
        char if char not in "\ufeff\ufffe\uffff" else "".join(f"\\x{byte:02x}" for byte in char.encode())
        for char in comm_to_text(name)
    )


def _beside(task: Task, *, has_row: bool) -> dict[str, Any]:
    if not has_row:
        return plain(task, without=("pid",))
    beside = plain(task, without=_IN_ROW)
    if task.thread is not None and task.thread.comm != task.comm:
        beside["comm"] = comm_to_text(task.comm)
    if deltas := _deltas(task.rss):
        beside["rss"] = deltas
    return beside


def _deltas(rss: Rss | None) -> dict[str, Any]:
    found = {}
    for name in (*MEMBERS, "total"):
        counter: Counter | None = getattr(rss, name)
        if counter is not None and counter.deltas:
            found[name] = {"deltas": {int(cpu): pages for cpu, pages in counter.deltas.items()}}
    return found
