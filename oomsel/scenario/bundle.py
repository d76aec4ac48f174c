"""Bundles: a large scenario as a NumPy .npz, its tasks in arrays and everything else as the JSON of format 1.

Members: `scenario`, UTF-8 bytes of a JSON object like a scenario file whose tasks are a table
(what a column cannot say stands under `more`, by pid), and the columns of `TaskColumns`, an
entry a task.  Nothing in it is pickled.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from pydantic_core import ValidationError

from oomsel.errors import InputError, Problem
from oomsel.kernel.percpu_counter import NR_MM_COUNTERS, compute_batch_value
from oomsel.klog.formats import format_list
from oomsel.klog.names import comm_from_text
from oomsel.scenario.bundle_arrays import COLUMNS, Array, damaged, read_arrays
from oomsel.scenario.columns import COUNTERS, NOT_STATED, TaskColumns
from oomsel.scenario.document import Document
from oomsel.scenario.machine_rules import online_cpus
from oomsel.scenario.models import Machine, Scenario, Task
from oomsel.scenario.plain import plain
from oomsel.scenario.schema import Context, section_validator
from oomsel.scenario.table_form import MM_KEYS, Origin, Wrong, by_pid, merged
from oomsel.scenario.task_rules import KTHREAD_KEYS, ZOMBIE_KEYS, unseen_note
from oomsel.scenario.validate import read_scenario

_COLUMN_KEYS = frozenset("pid comm uid oom_score_adj total_vm pgtables_bytes rss".split())


def save(scenario: Scenario, file: IO[bytes]) -> None:
    """Write `scenario` as a bundle; the same one always makes the same bytes."""
    tasks = scenario.tasks
    columns = tasks if isinstance(tasks, TaskColumns) else _columns_of(tasks, scenario.machine)
    more = {str(task.pid): said for task in columns.named.values() if (said := _beyond_columns(task))}
    head = json.dumps(plain(scenario) | ({"more": more} if more else {}), ensure_ascii=False)
    arrays = {"scenario": np.frombuffer(head.encode(), np.uint8)} | {name: getattr(columns, name) for name in COLUMNS}
    with zipfile.ZipFile(file, "w") as members:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy")  # numpy.savez() would put in the time of day
            info.create_system = 3
            with members.open(info, "w", force_zip64=True) as member:
                stored = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
                np.lib.format.write_array(member, stored, version=(1, 0), allow_pickle=False)


def _columns_of(tasks: Sequence[Task], machine: Machine) -> TaskColumns:
    percpu = np.zeros((len(tasks), NR_MM_COUNTERS, len(machine.cpus)), np.int32)
    counts = np.zeros((len(tasks), NR_MM_COUNTERS), np.int64)
    slot_of = {cpu: slot for slot, cpu in enumerate(machine.cpus)}
    for row, task in enumerate(tasks):
        _put_counters(task, row, counts, percpu, slot_of)

    def column(name: str, unstated: int) -> npt.NDArray[np.int64]:
        stated = (getattr(task, name) for task in tasks)
        return np.array([unstated if value is None else value for value in stated], np.int64)

    return TaskColumns(
        machine.cpus,
        pid=column("pid", 0),
        comm=np.array([task.comm for task in tasks], "S15"),
        uid=column("uid", 0),
        oom_score_adj=column("oom_score_adj", 0),
        total_vm=column("total_vm", NOT_STATED),
        pgtables_bytes=column("pgtables_bytes", 0),
        counts=counts,
        percpu=percpu,
        named={row: task for row, task in enumerate(tasks) if _beyond_columns(task)},
    )


def _put_counters(task: Task, row: int, counts: Array, percpu: Array, slot_of: dict[int, int]) -> None:
    """What the task's counters hold, into its row; a `total` in the place of anon."""
    counts[row], percpu[row] = 0, 0
    for name, member in (COUNTERS | {"total": COUNTERS["anon"]}).items():
        counter = getattr(task.rss, name, None)
        if counter is not None:
            counts[row, member] = counter.count
            for cpu, pages in counter.deltas.items():
                percpu[row, member, slot_of[cpu]] = pages


def _beyond_columns(task: Task) -> dict[str, Any]:
    """What the task states that has no column, as `more` states it."""
    said = {key: value for key, value in plain(task).items() if key not in _COLUMN_KEYS}
    if task.rss is not None and task.rss.total is not None:
        said["rss"] = {"total": plain(task.rss)["total"]}  # swap has its column
    return said


def load_bundle(source: str, file: IO[bytes], overrides: Sequence[str], kernel: str | None) -> Scenario:
    """The scenario in a bundle; `source` is what errors call it.

    Raises InputError, also for a file that is damaged or no bundle.  Errors have no line: the
    path of the key says where.
    """
    arrays = read_arrays(source, file)
    document = Document(source, arrays.pop("scenario").tobytes())
    data = document.data
    if not isinstance(data, dict) or "tasks" in data:
        raise damaged(source, "its scenario is no JSON object without tasks")
    columns = TaskColumns(_cpus(data, arrays["percpu"]), **arrays)
    rows = _expand(document, columns, overrides)
    try:
        scenario = read_scenario(document, overrides, kernel)
    except InputError as error:
        raise InputError(source, [found._replace(line=None, column=None) for found in error.problems]) from None
    machine = scenario.machine
    if machine.cpus != columns.cpus:
        raise damaged(source, f"it has columns for {columns.percpu.shape[-1]} CPUs, machine.cpus {len(machine.cpus)}")
    for row, task in zip(rows, scenario.tasks, strict=True):
        _put(task, row, columns)
    columns.named = dict(zip(rows, scenario.tasks, strict=True))
    vars(scenario).update(tasks=columns, notes=_check_slots(source, columns.percpu, machine))
    return scenario


def _cpus(data: dict[Any, Any], percpu: Array) -> tuple[int, ...]:
    """The CPUs of the columns; where `machine` is wrong, any, as reading the scenario will say so."""
    try:
        machine = section_validator("machine").validate_python(data.get("machine"), context=Context(4096, True))
    except ValidationError:
        machine = None
    fits = machine is not None and len(machine.cpus) == percpu.shape[-1]
    return machine.cpus if fits else tuple(range(percpu.shape[-1]))


def _expand(document: Document, columns: TaskColumns, overrides: Sequence[str]) -> list[int]:
    """Put the tasks that the rest of the scenario speaks of into the document; returns their rows."""
    problems: list[Wrong] = []
    extra = by_pid(document.data.get("more"), problems)
    oom, updates = document.data.get("oom"), document.data.get("updates")
    stated = [oom.get("current")] if isinstance(oom, dict) else []
    stated += [update.get("pid") for update in updates if isinstance(update, dict)] if isinstance(updates, list) else []
    said = " ".join(overrides)
    pids = {*extra, *(pid for pid in stated if isinstance(pid, int)), *map(int, re.findall("[0-9]{1,7}", said))}
    comms = {comm_from_text(name) for name in re.findall(r'\[ *"?(.*?)"?\]', said)}
    spoken_of = columns.spoken_of(set(pids), comms)
    known = {int(columns.pid[row]) for row, _ in spoken_of}
    for pid, (key, _) in extra.items():
        if pid not in known:
            problems.append(Wrong(("more", key), f"no row has pid {pid}; name one of the column pid", at_key=True))
    tasks: list[Any] = []
    origins: list[Origin] = []
    described: set[Any] = set()
    for row, task in spoken_of:
        key, says = extra.get(task.pid, (str(task.pid), {}))
        tasks.append(merged(_stated(columns.plain(row), says, described), says))
        origins.append(Origin(None, key))
    document.set_tasks(tasks, origins, problems)
    return [row for row, _ in spoken_of]


def _stated(task: dict[str, Any], says: dict[Any, Any], described: set[Any]) -> dict[str, Any]:
    """What a row states of a task: nothing that one of its kind has not."""
    flags, label, rss = says.get("flags"), says.get("mm"), says.get("rss")
    flags = flags if isinstance(flags, list) else []
    keys = set(task)
    if "kthread" in flags:
        keys &= KTHREAD_KEYS
    elif "zombie" in flags:
        keys &= ZOMBIE_KEYS
    elif isinstance(label, str):
        keys -= set(MM_KEYS if label in described else ())
        described.add(label)
    stated = {key: task[key] for key in keys}
    if isinstance(rss, dict) and "total" in rss and "rss" in stated:
        stated["rss"] = {"swap": stated["rss"]["swap"]}
    return stated


def _put(task: Task, row: int, columns: TaskColumns) -> None:
    """A task into its row, as an option may have changed it."""
    columns.uid[row], columns.oom_score_adj[row] = task.uid, task.oom_score_adj
    columns.total_vm[row] = NOT_STATED if task.total_vm is None else task.total_vm
    columns.pgtables_bytes[row] = task.pgtables_bytes or 0
    slot_of = {cpu: slot for slot, cpu in enumerate(columns.cpus)}
    _put_counters(task, row, columns.counts, columns.percpu, slot_of)


def _check_slots(source: str, percpu: Array, machine: Machine) -> tuple[str, ...]:
    """Refuse slots that no CPU can hold; returns the note about CPUs that the precise sum does not see."""
    online = online_cpus(machine)
    batch = compute_batch_value(len(online))
    most = max(int(percpu.max()), -int(percpu.min()))
    if machine.batch is None and most >= batch:
        message = f"it holds {most} pages or their negative; a value of the batch, {batch}, or more is folded"
        raise InputError(source, [Problem(f"{message}; state machine.batch", path="percpu")])
    unseen = set(machine.cpus) - online - set(machine.dying)
    held = [cpu for slot, cpu in enumerate(machine.cpus) if cpu in unseen and percpu[:, :, slot].any()]
    return (unseen_note(format_list(held)),) if held else ()
