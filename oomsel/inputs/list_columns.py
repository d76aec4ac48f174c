"""A long list of tasks straight into columns; what is odd about one is left to the schema, task by task."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from oomsel.inputs.bundle_arrays import in_range
from oomsel.kernel.percpu_counter import NR_MM_COUNTERS, compute_batch_value
from oomsel.scenario.columns import COUNTERS, NOT_STATED, TaskColumns
from oomsel.scenario.models import Machine
from oomsel.scenario.rules.machine import online_cpus

#: Keys of numbers, and what a task has that does not state them.
_NUMBERS = {"pid": 0, "uid": 0, "oom_score_adj": 0, "total_vm": NOT_STATED, "pgtables_bytes": 0}
_KEYS = frozenset([*_NUMBERS, "comm", "rss"])


class _Odd(Exception):
    """Something that needs the schema's eye."""


def columns_of_list(tasks: list[Any], machine: Machine) -> tuple[TaskColumns, set[int]] | None:
    """The tasks of a scenario as columns, and which of them have keys besides; None where one of the others is odd."""
    if set(map(type, tasks)) != {dict}:
        return None
    special = {row for row, task in enumerate(tasks) if not task.keys() <= _KEYS or _is_total(task.get("rss"))}
    plain = [{} if row in special else task for row, task in enumerate(tasks)] if special else tasks
    try:
        numbers = {name: _whole([task.get(name, default) for task in plain]) for name, default in _NUMBERS.items()}
        for row in special:  # its other numbers are put in when it has been read
            numbers["pid"][row] = _whole([tasks[row].get("pid")])[0]
        counts, percpu = _counters(plain, machine)
        comm = _comms([task.get("comm") for task in tasks])
        columns = TaskColumns(
            machine.cpus,
            pid=numbers["pid"],
            comm=comm,
            uid=numbers["uid"],
            oom_score_adj=numbers["oom_score_adj"],
            total_vm=numbers["total_vm"],
            pgtables_bytes=numbers["pgtables_bytes"],
            counts=counts,
            percpu=percpu,
        )
    except _Odd:
        return None
    stated = sum("total_vm" in task for task in plain)
    fits = all(in_range(name, column) for name, column in (*numbers.items(), ("counts", counts)))
    if not fits or np.count_nonzero(columns.total_vm >= 0) != stated or len(np.unique(columns.pid)) < len(tasks):
        return None
    return columns, special


def _is_total(rss: Any) -> bool:
    return type(rss) is dict and "total" in rss


def _whole(values: list[Any]) -> npt.NDArray[np.int64]:
    """Plain whole numbers as a column."""
    if not set(map(type, values)) <= {int}:
        raise _Odd
    try:
        return np.array(values, np.int64)
    except OverflowError:
        raise _Odd from None


def _comms(names: list[Any]) -> npt.NDArray[np.bytes_]:
    if set(map(type, names)) != {str} or max(map(len, names)) > 15:
        raise _Odd
    together = "".join(names)
    if not together.isascii() or "\\" in together or "\0" in together:
        raise _Odd
    return np.array(names, "S15")


def _counters(tasks: list[dict[str, Any]], machine: Machine) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Global counts and every CPU's share; deltas stay as sparse as they are stated until all are known."""
    where: list[int] = []  # row * members + member
    stated: list[Any] = []
    sizes: list[int] = []
    cpus: list[Any] = []
    shares: list[Any] = []
    for row, task in enumerate(tasks):
        if "rss" not in task:
            continue
        rss = task["rss"]
        if type(rss) is not dict:
            raise _Odd
        for name, counter in rss.items():
            if name not in COUNTERS:
                raise _Odd
            where.append(row * NR_MM_COUNTERS + COUNTERS[name])
            if type(counter) is not dict:
                stated.append(counter)
                sizes.append(0)
                continue
            deltas = counter.get("deltas", {})
            if type(deltas) is not dict or len(counter) != ("count" in counter) + ("deltas" in counter):
                raise _Odd
            stated.append(counter.get("count", 0))
            sizes.append(len(deltas))
            cpus += deltas
            shares += deltas.values()
    counts = np.zeros((len(tasks), NR_MM_COUNTERS), np.int64)
    counts.reshape(-1)[where] = _whole(stated)
    percpu = np.zeros((len(tasks), NR_MM_COUNTERS, len(machine.cpus)), np.int32)
    slots = _slots(cpus, machine)
    percpu.reshape(-1, len(machine.cpus))[np.repeat(np.array(where, np.intp), sizes), slots] = _shares(shares, machine)
    return counts, percpu


def _slots(cpus: list[Any], machine: Machine) -> list[int]:
    """The slot of each CPU, in JSON named by a text; only those whose share the precise sum sees."""
    seen = online_cpus(machine) | set(machine.dying)
    kinds = set(map(type, cpus))
    if len(kinds) > 1 or not kinds <= {int, str}:
        raise _Odd
    kind = kinds.pop() if kinds else int
    slot_of = {kind(cpu): slot for slot, cpu in enumerate(machine.cpus) if cpu in seen}
    try:
        return [slot_of[cpu] for cpu in cpus]
    except KeyError:
        raise _Odd from None


def _shares(shares: list[Any], machine: Machine) -> npt.NDArray[np.int64]:
    most = (compute_batch_value(len(online_cpus(machine))) if machine.batch is None else 1 << 31) - 1
    column = _whole(shares)
    if len(column) and not -most <= int(column.min()) <= int(column.max()) <= most:
        raise _Odd
    return column
