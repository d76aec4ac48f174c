"""Reading a bundle, the .npz that outputs/bundle.py writes: its tasks in arrays, the rest of the scenario as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from oomsel.errors import InputError, Problem
from oomsel.inputs.bundle_arrays import Array, damaged, read_arrays
from oomsel.inputs.document import Document
from oomsel.inputs.read import read_document
from oomsel.inputs.read_columns import can_override, machine_of, read_in_columns
from oomsel.inputs.table import by_pid
from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.kernel.percpu_counter import MM_ANONPAGES, Int64s
from oomsel.scenario.columns import TOTAL, TaskColumns
from oomsel.scenario.models import Machine, Scenario
from oomsel.scenario.plain import plain
from oomsel.scenario.rules.machine import online_cpus
from oomsel.scenario.rules.tasks import unseen_note
from oomsel.text import format_numbers


def load_bundle(source: str, file: IO[bytes], overrides: Sequence[str], kernel: str | None) -> Scenario:
    """The scenario in a bundle; `source` is what errors call it.

    Raises InputError, also for a file that is damaged or no bundle.  Errors have no line: the
    path of the key says where.
    """
    arrays = read_arrays(source, file)
    try:
        document = Document(source, arrays.pop("scenario").tobytes())
    except InputError as error:
        raise damaged(source, f"its scenario is {error.problems[0].message.partition(';')[0]}") from None
    data = document.data
    if not document.is_json or not isinstance(data, dict) or "tasks" in data:
        raise damaged(source, "its scenario is no JSON object without tasks")
    slots = arrays["percpu"].shape[-1]
    machine = machine_of(data)
    fits = machine is not None and len(machine.cpus) == slots  # if not, reading the scenario will say so
    cpus = machine.cpus if machine is not None and fits else tuple(range(slots))
    columns = TaskColumns(cpus, **arrays, stated=_totals(data, arrays["pid"]))
    in_columns = can_override(overrides)
    with _without_lines(source):
        scenario = read_in_columns(document, columns, *((overrides, kernel) if in_columns else ((), None)))
        notes = _check_slots(source, columns.percpu, scenario.machine)
        if in_columns:
            vars(scenario)["notes"] = notes
            return scenario
        document.set_tasks([plain(task) for task in scenario.tasks], [], [])
        return read_document(document, overrides, kernel)


def _totals(data: dict[str, Any], pid: Int64s) -> Int64s:
    """`TaskColumns.stated`: where `more` states an rss.total, the array has it in the place of anon."""
    stated = np.zeros(len(pid), np.int64)
    for key, (_, said) in by_pid(data.get("more"), []).items():
        if isinstance(said.get("rss"), dict) and "total" in said["rss"]:
            stated[pid == key] = TOTAL | 1 << MM_ANONPAGES
    return stated


@contextmanager
def _without_lines(source: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(source, [found._replace(line=None, column=None) for found in error.problems]) from None


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
