"""Bundles: a large scenario as a NumPy .npz, its tasks in arrays and everything else as the JSON of format 1.

Members: `scenario`, UTF-8 bytes of a JSON object like a scenario file whose tasks are a table
(what a column cannot say stands under `more`, by pid), and the columns of `TaskColumns`, an
entry a task.  Nothing in it is pickled.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from oomsel.errors import InputError, Problem
from oomsel.inputs.bundle_arrays import COLUMNS, Array, damaged, read_arrays
from oomsel.inputs.document import Document
from oomsel.inputs.read import read_document
from oomsel.inputs.read_columns import honoured, machine_of, put_counters, read_in_columns
from oomsel.kernel.percpu_counter import NR_MM_COUNTERS, compute_batch_value
from oomsel.outputs.plain import json_pieces, plain
from oomsel.scenario.columns import NOT_STATED, TaskColumns
from oomsel.scenario.models import Machine, Scenario, Task
from oomsel.scenario.rules.machine import online_cpus
from oomsel.scenario.rules.tasks import unseen_note
from oomsel.text import format_numbers

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
        put_counters(task, row, counts, percpu, slot_of)

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
    in_columns = honoured(overrides)
    scenario = _in_columns(source, file, *((overrides, kernel) if in_columns else ((), None)))
    if in_columns:
        return scenario
    document = Document(source, "".join(json_pieces(scenario)).encode())
    with _without_lines(source):
        return read_document(document, overrides, kernel)


@contextmanager
def _without_lines(source: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(source, [found._replace(line=None, column=None) for found in error.problems]) from None


def _in_columns(source: str, file: IO[bytes], overrides: Sequence[str], kernel: str | None) -> Scenario:
    arrays = read_arrays(source, file)
    try:
        document = Document(source, arrays.pop("scenario").tobytes())
    except InputError as error:
        raise damaged(source, f"its scenario is {error.problems[0].message.partition(';')[0]}") from None
    data = document.data
    if not document.is_json or not isinstance(data, dict) or "tasks" in data:
        raise damaged(source, "its scenario is no JSON object without tasks")
    number = arrays["percpu"].shape[-1]
    machine = machine_of(data)
    fits = machine is not None and len(machine.cpus) == number  # if not, reading the scenario will say so
    columns = TaskColumns(machine.cpus if machine is not None and fits else tuple(range(number)), **arrays)
    with _without_lines(source):
        scenario = read_in_columns(document, columns, overrides, kernel)
    vars(scenario)["notes"] = _check_slots(source, columns.percpu, scenario.machine)
    return scenario


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
    return (unseen_note(format_numbers(held)),) if held else ()
