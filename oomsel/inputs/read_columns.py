"""Reading a scenario whose tasks are in columns: those that the rest of it speaks of become objects, and no other."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import Any

import numpy.typing as npt
from pydantic_core import ValidationError

from oomsel.errors import InputError, Problem
from oomsel.inputs.document import Document
from oomsel.inputs.read import read_document
from oomsel.inputs.table import MM_KEYS, Origin, Wrong, by_pid, merged
from oomsel.scenario.columns import COUNTERS, NOT_STATED, TaskColumns
from oomsel.scenario.field_types import Context, page_size_of
from oomsel.scenario.models import Machine, Scenario, Task
from oomsel.scenario.rules.machine import online_cpus
from oomsel.scenario.rules.tasks import KTHREAD_KEYS, ZOMBIE_KEYS
from oomsel.text import comm_from_text

Array = npt.NDArray[Any]

#: What-ifs that columns have a place for, of tasks that are named plainly.
_HONOURED = re.compile(
    r"(?:kernel|title|sysctl|memcgs|expect)\b|oom\.(?!current\b)|oom\.current=[1-9][0-9]*$"
    r"|tasks\[(?:[1-9][0-9]*|[A-Za-z_][A-Za-z0-9_-]*)\]\.(?:uid|oom_score_adj|total_vm|pgtables_bytes|rss)\b"
)


def honoured(overrides: Sequence[str]) -> bool:
    """Whether a scenario in columns can take all of the what-ifs; if not, its tasks are to be read one by one."""
    return all(map(_HONOURED.match, overrides))


def read_in_columns(
    document: Document,
    columns: TaskColumns,
    overrides: Sequence[str],
    kernel: str | None,
    special: Set[int] = frozenset(),
) -> Scenario:
    """The scenario in `document`, whose tasks are `columns`; the document's own are put in their place.

    Of a list of tasks `special` are those with keys that have no column.  Raises InputError,
    as `read_document` does.
    """
    rows = _expand(document, columns, overrides, special)
    scenario = read_document(document, overrides, kernel)
    _check_threads(document.source, columns, scenario.tasks)
    if scenario.machine.cpus != columns.cpus:
        message = f"the columns are for {len(columns.cpus)} CPUs, machine.cpus has {len(scenario.machine.cpus)}"
        raise InputError(document.source, [Problem(message, path="machine.cpus")])
    for row, task in zip(rows, scenario.tasks, strict=True):
        _put(task, row, columns)
    columns.named = dict(zip(rows, scenario.tasks, strict=True))
    vars(scenario)["tasks"] = columns
    return scenario


def _check_threads(source: str, columns: TaskColumns, tasks: Sequence[Task]) -> None:
    """The one rule between tasks that one without further keys can break: its pid is no other's thread."""
    for task in tasks:
        if task.thread is not None and (columns.pid == task.thread.pid).any():
            message = f"pid {task.thread.pid} is another task's already; pids are unique"
            raise InputError(source, [Problem(message, path=f'more["{task.pid}"].thread.pid')])


def machine_of(data: dict[Any, Any]) -> Machine | None:
    """The machine, if it reads well and breaks no rule that its columns depend on."""
    page_size = page_size_of(data)
    try:
        machine: Machine = Machine.validator().validate_python(data.get("machine"), context=Context(page_size, False))
    except ValidationError:
        return None
    return machine if online_cpus(machine) | set(machine.dying) <= set(machine.cpus) else None


def _expand(document: Document, columns: TaskColumns, overrides: Sequence[str], special: Set[int]) -> list[int]:
    """Put the tasks that the rest of the scenario speaks of into the document; returns their rows."""
    problems: list[Wrong] = []
    extra = by_pid(document.data.get("more"), problems)
    oom, updates = document.data.get("oom"), document.data.get("updates")
    stated = [oom.get("current")] if isinstance(oom, dict) else []
    stated += [update.get("pid") for update in updates if isinstance(update, dict)] if isinstance(updates, list) else []
    said = " ".join(overrides)
    pids = {*extra, *(pid for pid in stated if isinstance(pid, int)), *map(int, re.findall("[0-9]{1,7}", said))}
    comms = {comm_from_text(name) for name in re.findall(r"\[(.*?)\]", said)}
    rows = columns.referenced_rows(set(pids), comms, special)
    listed = document.data.get("tasks")
    if isinstance(listed, list):
        document.set_tasks([listed[row] for row in rows], [], [])
        return rows
    known = set(columns.pid[rows].tolist())
    for pid, (key, _) in extra.items():
        if pid not in known:
            problems.append(Wrong(("more", key), f"no row has pid {pid}; name one of the column pid", at_key=True))
    tasks: list[Any] = []
    origins: list[Origin] = []
    described: set[Any] = set()
    for row in rows:
        pid = int(columns.pid[row])
        key, says = extra.get(pid, (str(pid), {}))
        tasks.append(merged(_stated(columns.plain(row), says, described, in_bundle=listed is None), says))
        origins.append(Origin(None, key))
    document.set_tasks(tasks, origins, problems)
    return rows


def _stated(task: dict[str, Any], says: dict[Any, Any], described: set[Any], *, in_bundle: bool) -> dict[str, Any]:
    """What a row states of a task: nothing that one of its kind has not."""
    flags, label, rss = says.get("flags"), says.get("mm"), says.get("rss")
    flags = flags if in_bundle and isinstance(flags, list) else []  # in a table neither has a row
    keys = set(task)
    if "kthread" in flags:
        keys &= KTHREAD_KEYS
    elif "zombie" in flags:
        keys &= ZOMBIE_KEYS
    elif isinstance(label, str):
        keys -= set(MM_KEYS if label in described else ())
        described.add(label)
    stated = {key: task[key] for key in task if key in keys}
    if in_bundle and isinstance(rss, dict) and "total" in rss and "rss" in stated:
        stated["rss"].pop("anon", None)  # the total stands there
    return stated


def _put(task: Task, row: int, columns: TaskColumns) -> None:
    """A task into its row, as an option may have changed it."""
    columns.uid[row], columns.oom_score_adj[row] = task.uid, task.oom_score_adj
    columns.total_vm[row] = NOT_STATED if task.total_vm is None else task.total_vm
    columns.pgtables_bytes[row] = task.pgtables_bytes or 0
    slot_of = {cpu: slot for slot, cpu in enumerate(columns.cpus)}
    put_counters(task, row, columns.counts, columns.percpu, slot_of)


def put_counters(task: Task, row: int, counts: Array, percpu: Array, slot_of: dict[int, int]) -> None:
    """What the task's counters hold, into its row; a `total` in the place of anon."""
    counts[row], percpu[row] = 0, 0
    for name, member in (COUNTERS | {"total": COUNTERS["anon"]}).items():
        counter = getattr(task.rss, name, None)
        if counter is not None:
            counts[row, member] = counter.count
            for cpu, pages in counter.deltas.items():
                percpu[row, member, slot_of[cpu]] = pages
