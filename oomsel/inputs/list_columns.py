"""A long list of tasks straight into columns; a task with other keys than most have is left to the schema."""

from __future__ import annotations

from typing import Any

import numpy as np

from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.kernel.percpu_counter import MEMBERS, NR_MM_COUNTERS, Int32s, Int64s
from oomsel.scenario.columns import NUMBERS, Comms, TaskColumns, counter_columns, in_range
from oomsel.scenario.models import Machine
from oomsel.scenario.rules.machine import online_cpus

_KEYS = frozenset((*NUMBERS, "comm", "rss"))


class _NotPlain(Exception):
    """A value that the columns do not understand; it may be right all the same."""


def columns_of_list(tasks: list[Any], machine: Machine) -> tuple[TaskColumns, set[int]] | None:
    """The tasks of a scenario in columns, and the rows of those with other keys, of which only pid and comm are there.

    None where any value of the others is not plain.
    """
    if set(map(type, tasks)) != {dict}:
        return None
    unread = {row for row, task in enumerate(tasks) if not task.keys() <= _KEYS or _is_total(task.get("rss"))}
    plain = [{} if row in unread else task for row, task in enumerate(tasks)] if unread else tasks
    try:
        numbers = {name: _whole([task.get(name, unset) for task in plain]) for name, unset in NUMBERS.items()}
        numbers["pid"] = _whole([task.get("pid") for task in tasks])
        comm = _comms([task.get("comm") for task in tasks])
        counts, percpu = _counters(plain, machine)
    except _NotPlain:
        return None
    fits = all(in_range(name, column) for name, column in (*numbers.items(), ("counts", counts)))
    negative = np.count_nonzero(numbers["total_vm"] < 0) != sum("total_vm" not in task for task in plain)
    if not fits or negative or not np.diff(np.sort(numbers["pid"])).all():
        return None
    stated = np.zeros(len(tasks), np.int64)
    return TaskColumns(machine.cpus, comm, **numbers, counts=counts, percpu=percpu, stated=stated), unread


def _is_total(rss: Any) -> bool:
    return type(rss) is dict and "total" in rss


def _whole(values: list[Any]) -> Int64s:
    """Plain whole numbers as a column."""
    if not set(map(type, values)) <= {int}:
        raise _NotPlain
    try:
        return np.array(values, np.int64)
    except OverflowError:
        raise _NotPlain from None


def _comms(names: list[Any]) -> Comms:
    if set(map(type, names)) != {str} or max(map(len, names)) > 15:
        raise _NotPlain
    together = "".join(names)
    if not together.isascii() or "\\" in together or "\0" in together:
        raise _NotPlain
    return np.array(names, "S15")


def _counters(tasks: list[dict[str, Any]], machine: Machine) -> tuple[Int64s, Int32s]:
    """The columns of global counts and of every CPU's share."""
    counters: list[int] = []  # task * members + member
    counts: list[Any] = []
    sizes: list[int] = []
    cpus: list[Any] = []
    pages: list[Any] = []
    for row, task in enumerate(tasks):
        if "rss" not in task:
            continue
        rss = task["rss"]
        if type(rss) is not dict:
            raise _NotPlain
        for name, counter in rss.items():
            if name not in MEMBERS:
                raise _NotPlain
            counters.append(row * NR_MM_COUNTERS + MEMBERS[name])
            if type(counter) is not dict:
                counts.append(counter)
                sizes.append(0)
                continue
            deltas = counter.get("deltas", {})
            if type(deltas) is not dict or len(counter) != ("count" in counter) + ("deltas" in counter):
                raise _NotPlain
            counts.append(counter.get("count", 0))
            sizes.append(len(deltas))
            cpus += deltas
            pages += deltas.values()
    slots, held = _slots(cpus, machine), _held(pages, machine)
    return counter_columns(len(tasks), len(machine.cpus), counters, _whole(counts), sizes, slots, held)


def _slots(cpus: list[Any], machine: Machine) -> list[int]:
    """The slot of each CPU, whose number is text in JSON; only of CPUs that the precise sum sees."""
    seen = online_cpus(machine) | set(machine.dying)
    kinds = set(map(type, cpus))
    if len(kinds) > 1 or not kinds <= {int, str}:
        raise _NotPlain
    kind = kinds.pop() if kinds else int
    slot_of = {kind(cpu): slot for slot, cpu in enumerate(machine.cpus) if cpu in seen}
    try:
        return [slot_of[cpu] for cpu in cpus]
    except KeyError:
        raise _NotPlain from None


def _held(pages: list[Any], machine: Machine) -> Int64s:
    """What CPUs hold; only what none folds into the count."""
    most = (compute_batch_value(len(online_cpus(machine))) if machine.batch is None else 1 << 31) - 1
    column = _whole(pages)
    if len(column) and not -most <= int(column.min()) <= int(column.max()) <= most:
        raise _NotPlain
    return column
