"""Reading a scenario whose tasks are in columns: only those that its rules look at are read one by one."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import Any

import numpy as np
from pydantic_core import ValidationError

from oomsel.errors import InputError, Problem
from oomsel.inputs.document import Document
from oomsel.inputs.read import read_document
from oomsel.inputs.table import Origin, SharedMms, Wrong, by_pid, merged
from oomsel.scenario.columns import TaskColumns
from oomsel.scenario.field_types import Context, page_size_of
from oomsel.scenario.models import Machine, Scenario
from oomsel.scenario.plain import plain
from oomsel.scenario.rules.machine import online_cpus
from oomsel.text import comm_from_text

#: Options that change no more than the tasks they name, each by the pid or comm that its row has.
_LOCAL = re.compile(
    r"(?:kernel|title|sysctl|memcgs|expect)\b|oom\.(?!current\b)|oom\.current=[1-9][0-9]*$"
    r"|tasks\[(?:[1-9][0-9]*|[A-Za-z_][A-Za-z0-9_-]*)\]\.(?:uid|oom_score_adj|total_vm|pgtables_bytes|rss)\b"
)


def can_override(overrides: Sequence[str]) -> bool:
    """Whether a scenario in columns can take all of the overrides; if not, its tasks are to be read one by one."""
    return all(map(_LOCAL.match, overrides))


def read_in_columns(
    document: Document,
    columns: TaskColumns,
    overrides: Sequence[str],
    kernel: str | None,
    unread: Set[int] = frozenset(),
) -> Scenario:
    """The scenario in `document` with `columns` as its tasks.

    `unread` are the rows of those in a list that the columns do not show yet.  They, and those that
    the rules look at, are read as any task is and put into their rows.  Raises InputError, as
    `read_document` does.
    """
    problems: list[Wrong] = []
    extra = by_pid(document.data.get("more"), problems)
    rows = _rows_to_read(document.data, columns, " ".join(overrides), extra.keys(), unread)
    listed = document.data.get("tasks")
    if isinstance(listed, list):
        document.set_tasks([listed[row] for row in rows], [], [])
    else:
        _set_rows(document, [plain(columns[row]) for row in rows], extra, problems)
    scenario = read_document(document, overrides, kernel)
    read = TaskColumns.of_tasks(scenario.tasks, scenario.machine.cpus)
    _check_threads(document.source, columns, read)
    if scenario.machine.cpus != columns.cpus:
        message = f"the columns are for {len(columns.cpus)} CPUs, machine.cpus has {len(scenario.machine.cpus)}"
        raise InputError(document.source, [Problem(message, path="machine.cpus")])
    columns.put(rows, read)
    vars(scenario)["tasks"] = columns
    return scenario


def _rows_to_read(
    data: dict[Any, Any], columns: TaskColumns, overrides: str, more: Set[int], unread: Set[int]
) -> list[int]:
    """Besides `unread` the tasks that the rest of the scenario names or falls back on, pid 1 and the first other."""
    oom, machine, memcgs, updates = (data.get(key) for key in ("oom", "machine", "memcgs", "updates"))
    named: list[Any] = [oom.get("current"), oom.get("current_thread")] if isinstance(oom, dict) else []
    named += [machine.get("init")] if isinstance(machine, dict) else []
    for limits in memcgs.values() if isinstance(memcgs, dict) else ():
        order = limits.get("order") if isinstance(limits, dict) else None
        named += order if isinstance(order, list) else []
    named += [update.get("pid") for update in updates if isinstance(update, dict)] if isinstance(updates, list) else []
    named += map(int, re.findall("[0-9]{1,7}", overrides))
    pids = {1, *more, *(pid for pid in named if isinstance(pid, int) and 0 < pid <= 1 << 22)}
    comms = {comm_from_text(name) for name in re.findall(r"\[(.*?)\]", overrides)}
    rows = {*np.flatnonzero(np.isin(columns.pid, list(pids))).tolist(), *unread}
    if comms:
        rows |= {row for row, comm in enumerate(columns.comm.tolist()) if comm in comms}
    rows.update(next(([row] for row in range(len(columns)) if row not in rows), []))
    return sorted(rows)


def _set_rows(
    document: Document,
    rows: list[dict[str, Any]],
    extra: dict[int, tuple[int | str, dict[Any, Any]]],
    problems: list[Wrong],
) -> None:
    """Let the document have `rows`, joined with what `more` says, as its list of tasks."""
    pids = {row["pid"] for row in rows}
    problems += [
        Wrong(("more", key), f"no row has pid {pid}; name one of the column pid", at_key=True)
        for pid, (key, _) in extra.items()
        if pid not in pids
    ]
    shared = SharedMms()
    join = shared.joined if "tasks" in document.data else merged  # a bundle's columns may be silent
    more = [extra.get(row["pid"], (str(row["pid"]), {})) for row in rows]
    tasks = [join(row, said) for row, (_, said) in zip(rows, more, strict=True)]
    document.notes += shared.notes()
    document.set_tasks(tasks, [Origin(None, key) for key, _ in more], problems)


def _check_threads(source: str, columns: TaskColumns, read: TaskColumns) -> None:
    """The one rule between tasks that a task not read can break: its pid is no other's thread."""
    threads = [(pid, thread.pid) for pid, thread in zip(read.pid.tolist(), read.coded["thread"], strict=True) if thread]
    pids = set(columns.pid.tolist()) if threads else set()
    for pid, thread in threads:
        if thread in pids:
            message = f"pid {thread} is another task's already; pids are unique"
            raise InputError(source, [Problem(message, path=f'more["{pid}"].thread.pid')])


def machine_of(data: dict[Any, Any]) -> Machine | None:
    """The machine, if it reads well and breaks no rule that its columns depend on."""
    page_size = page_size_of(data)
    try:
        machine: Machine = Machine.validator().validate_python(data.get("machine"), context=Context(page_size, False))
    except ValidationError:
        return None
    return machine if online_cpus(machine) | set(machine.dying) <= set(machine.cpus) else None
