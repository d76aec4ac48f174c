"""The address spaces of a scenario's tasks and what their counters hold, from objects or from columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from oomsel.kernel.percpu_counter import (
    MM_ANONPAGES,
    MM_FILEPAGES,
    MM_SHMEMPAGES,
    MM_SWAPENTS,
    Int64s,
    RssStat,
    compute_batch_value,
)
from oomsel.kernel.system import NO_MM, Bools, Indices
from oomsel.scenario.columns import NOT_STATED, TaskColumns
from oomsel.scenario.models import Machine, Task
from oomsel.scenario.rules.machine import is_kthread, online_cpus

#: A scenario's counters and the member of rss_stat that holds each; `total` stands in the place of anon.
MEMBERS = {
    "anon": MM_ANONPAGES,
    "file": MM_FILEPAGES,
    "shmem": MM_SHMEMPAGES,
    "swap": MM_SWAPENTS,
    "total": MM_ANONPAGES,
}


class Mms(NamedTuple):
    """Every task's mm, and of every mm what is stated."""

    of_task: Indices  #: or `NO_MM`
    rss: RssStat
    total_vm: Int64s  #: pages, or `NOT_STATED`; [mm]
    pgtables_bytes: Int64s  #: [mm]
    rss_is_one_number: Bools  #: [mm]


def mms_of_tasks(tasks: Iterable[Task], machine: Machine) -> Mms:
    """The mms of tasks that are objects, numbered in their order."""
    of_task: list[int] = []
    owners: list[Task] = []
    shared: dict[str, int] = {}
    for task in tasks:
        mm = _mm_of(task, shared, len(owners))
        of_task.append(mm)
        if mm == len(owners):
            owners.append(task)
    return Mms(
        np.array(of_task, np.intp),
        _counters(owners, machine),
        np.array([NOT_STATED if task.total_vm is None else task.total_vm for task in owners], np.int64),
        np.array([task.pgtables_bytes or 0 for task in owners], np.int64),
        np.array([has_one_number(task) for task in owners], np.bool_),
    )


def mms_of_columns(tasks: TaskColumns, machine: Machine) -> Mms:
    """The mms of tasks in columns, numbered as the tasks: one that is not a task's own stays empty."""
    of_task = np.arange(len(tasks))
    one_number = np.zeros(len(tasks), np.bool_)
    shared: dict[str, int] = {}
    for row, task in sorted(tasks.named.items()):
        of_task[row] = _mm_of(task, shared, row)
        one_number[row] = has_one_number(task)
    rss = _empty(0, machine)
    rss.count = tasks.counts.copy("F")
    rss.percpu = tasks.percpu.view()
    rss.percpu.flags.writeable = False  # the scenario's
    rss.bound = max(int(tasks.percpu.max()), -int(tasks.percpu.min()))
    return Mms(of_task, rss, tasks.total_vm, tasks.pgtables_bytes, one_number)


def _mm_of(task: Task, shared: dict[str, int], own: int) -> int:
    """The task's mm: none, the one it shares, or `own`."""
    if is_kthread(task) or "zombie" in task.flags:
        return NO_MM
    return own if task.mm is None else shared.setdefault(task.mm, own)


def has_one_number(task: Task) -> bool:
    """Whether only the sum of the task's anon, file and shmem is known."""
    return task.rss is not None and task.rss.total is not None


def _empty(mms: int, machine: Machine) -> RssStat:
    online = online_cpus(machine)
    batch = compute_batch_value(len(online)) if machine.batch is None else machine.batch
    return RssStat.zeros(mms, machine.cpus, online, machine.dying, batch)


def _counters(owners: list[Task], machine: Machine) -> RssStat:
    stat = _empty(len(owners), machine)
    mms: list[int] = []
    members: list[int] = []
    sizes: list[int] = []
    cpus: list[int] = []
    values: list[int] = []
    for mm, task in enumerate(owners):
        if task.rss is None:
            continue
        for name, member in MEMBERS.items():
            counter = getattr(task.rss, name)
            if counter is None:
                continue
            stat.count[mm, member] = counter.count
            if counter.deltas:
                mms.append(mm)
                members.append(member)
                sizes.append(len(counter.deltas))
                cpus += counter.deltas.keys()
                values += counter.deltas.values()
    if values:
        slot_of = np.zeros(max(stat.slots) + 1, np.intp)
        slot_of[list(stat.slots)] = list(stat.slots.values())
        stat.percpu[np.repeat(mms, sizes), np.repeat(members, sizes), slot_of[cpus]] = values
        stat.bound = max(map(abs, values))
    return stat
