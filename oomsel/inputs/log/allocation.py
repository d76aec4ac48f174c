"""The failed allocation of a report: who allocates, with which mask, and what confined it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from oomsel.inputs.log.facts import Facts
from oomsel.inputs.log.nodes import mems_allowed, nodelist
from oomsel.inputs.log.rescore import version_of
from oomsel.inputs.log.rows import changed
from oomsel.kernel.gfp import GFP_FS, format_gfp, parse_gfp
from oomsel.kernel.release import parse_release
from oomsel.klog.event import Invoked, OomEvent
from oomsel.klog.report_lines import name_bytes
from oomsel.scenario.models import Cpuset, Oom, Task
from oomsel.scenario.rules.machine import pids_of

#: Names that kernel threads have and programs hardly.
_KTHREAD_NAME = re.compile(rb"(?:kworker/|kswapd[0-9]|ksoftirqd/|khugepaged$|kthreadd$|ksmd$|kcompactd[0-9]|jbd2/|xfs)")
#: The kernel's own: what no pid reaches.
PID_MAX_LIMIT = 1 << 22
#: What the first line names where it is lost.
NOBODY = b"?"


class Allocating(NamedTuple):
    """The allocating task among the others."""

    tasks: tuple[Task, ...]  #: all of them, with one more where it has no row
    position: int | None  #: of the allocating one; None for sysrq's kworker, which no list has
    comm: bytes | None = None  #: its thread's own name, where that is another than its row's
    thread: int | None = None  #: its thread's own pid, where that is no row's
    assumed_pid: int | None = None  #: pid of a task that only stands for it, as no line shows what it is
    note: str | None = None


def allocating_task(event: OomEvent, tasks: Sequence[Task]) -> Allocating:
    """Find the allocating task, or put one in its place."""
    invoked, current = event.invoked, event.current
    if invoked is None:
        return _nobody(event, tasks)
    if current is not None:
        for index, task in enumerate(tasks):
            if current.pid in pids_of(task):
                return _as_listed(tasks, index, invoked.comm)
    if invoked.order == -1 and tasks:  # a scenario has one task at least
        return Allocating(tuple(tasks), None, invoked.comm)
    if current is not None and current.pid == 1:
        init = Task(pid=1, comm=invoked.comm, oom_score_adj=invoked.oom_score_adj, flags=("init",))
        return Allocating((*tasks, init), len(tasks))
    if is_kthread(event) or invoked.order == -1:
        pid = current.pid if current is not None else _free_pid(tasks)
        kthread = Task(pid=pid, comm=invoked.comm, flags=("kthread",))
        return Allocating((*tasks, kthread), len(tasks), assumed_pid=None if current else pid)
    return _without_row(event, invoked, tasks)


def is_kthread(event: OomEvent) -> bool:
    """Whether the allocating task is a kernel thread, by its name or its trace."""
    assert event.invoked is not None
    return _KTHREAD_NAME.match(event.invoked.comm) is not None or event.kthread_line is not None


def _as_listed(tasks: Sequence[Task], index: int, comm: bytes, thread: int | None = None) -> Allocating:
    task = tasks[index]
    own = task.comm if task.thread is None or task.thread.comm is None else task.thread.comm
    return Allocating(tuple(tasks), index, None if own == comm else comm, thread)


def _nobody(event: OomEvent, tasks: Sequence[Task]) -> Allocating:
    note = "who invoked the OOM killer is not in the log, nor with which gfp_mask, order and oom_score_adj"
    if tasks and not event.is_memcg:  # somebody must have the cpuset that the oom-kill line prints
        return Allocating(tuple(tasks), 0, NOBODY, note=note)
    return _assumed(event, tasks, Task(pid=_free_pid(tasks), comm=NOBODY), note)


def _without_row(event: OomEvent, invoked: Invoked, tasks: Sequence[Task]) -> Allocating:
    """One who has no row: a thread of a listed process, one outside the cgroup, or its row is lost."""
    current = event.current
    pid = current.pid if current is not None and 1 <= current.pid <= PID_MAX_LIMIT else _free_pid(tasks)
    own = Task(pid=pid, comm=invoked.comm, oom_score_adj=invoked.oom_score_adj)
    if event.is_memcg:
        return _assumed(event, tasks, own, None)
    index = _process_like(event, tasks, invoked) if event.rows else None
    if index is not None:
        return _as_listed(tasks, index, invoked.comm, current.pid if current is not None else None)
    note = None
    if invoked.oom_score_adj != 0 and event.rows:
        note = f"the allocating task, line {invoked.line}, is not in the table, nor is its oom_score_adj"
    return _assumed(event, tasks, own, note)


def _assumed(event: OomEvent, tasks: Sequence[Task], own: Task, note: str | None) -> Allocating:
    """A task that is neither shown nor chosen: outside the cgroup that ran out, in a vfork, or without an mm."""
    task = own
    if not event.is_memcg and event.header_line is None and not event.rows:
        task = changed(own, flags=("vfork",))
    elif not event.is_memcg:
        task = Task(pid=own.pid, comm=own.comm, flags=("kthread",))
    return Allocating((*tasks, task), len(tasks), assumed_pid=own.pid, note=note)


def _process_like(event: OomEvent, tasks: Sequence[Task], invoked: Invoked) -> int | None:
    """The process that the allocating thread is or may be of: no row of its own, but one with its oom_score_adj."""
    for kill in event.kills[:1]:
        if "allocating" in kill.prefix:
            return next((index for index, task in enumerate(tasks) if kill.pid in pids_of(task)), None)
    uid = event.current.uid if event.current else None
    alike = [index for index, task in enumerate(tasks) if task.oom_score_adj == invoked.oom_score_adj]
    if uid is not None:
        alike = [index for index in alike if tasks[index].uid == uid] or alike
    named = [index for index in alike if tasks[index].comm == invoked.comm]
    return next(iter(named or alike), None)


def _free_pid(tasks: Sequence[Task]) -> int:
    """A pid for somebody whose own the log does not show: one that no kernel gives, as its pids end below."""
    taken = {pid for task in tasks for pid in pids_of(task)}
    return next(pid for pid in range(PID_MAX_LIMIT, 1, -1) if pid not in taken)


class Allocation(NamedTuple):
    """The allocation, and what was taken for granted of it."""

    oom: Oom
    cpuset: Cpuset | None  #: the allocating task's
    notes: list[str]


def allocation_of(
    event: OomEvent, facts: Facts, allocating: Allocating, memcg: str | None, nodes: list[int]
) -> Allocation:
    """struct oom_control, as the report shows it; `nodes` are those with memory."""
    notes = [allocating.note] if allocating.note else []
    cpuset = _cpuset(event, nodes)
    values: dict[str, Any] = {"comm": allocating.comm, "current_thread": allocating.thread}
    if allocating.position is not None:
        values["current"] = allocating.tasks[allocating.position].pid
    values["group_victim_again"] = _group_victim_again(event, facts)
    if event.invoked is not None:
        values["gfp_mask"] = _gfp(event, facts, event.invoked, notes)
        if -1 <= event.invoked.order <= 10:
            values["order"] = event.invoked.order
        else:
            notes.append(f"order {event.invoked.order}, line {event.invoked.line}, is none that an allocation has")
    if memcg is not None:
        values["memcg"] = memcg
    elif event.constraint == "CONSTRAINT_CPUSET":
        mine = cpuset.mems_allowed if cpuset else None
        if mine and not set(nodes) <= set(mine) and _may_have_cpuset(allocating):
            values["cpuset_limited"] = True
        else:
            notes.append("the allocation was bound by a cpuset, but the log does not show whose, nor all nodes")
    elif event.constraint == "CONSTRAINT_MEMORY_POLICY" and event.summary is not None:
        mask = nodelist(event.summary.nodemask)
        values["nodemask"] = tuple(mask) if mask else None
    return Allocation(Oom(**values), cpuset, notes)


def _may_have_cpuset(allocating: Allocating) -> bool:
    return allocating.position is not None and "kthread" not in allocating.tasks[allocating.position].flags


def _group_victim_again(event: OomEvent, facts: Facts) -> str | None:
    """What the first victim of a memory.oom.group gets when the walk meets it again, as the lines show."""
    if event.group is None or not event.kills:
        return None
    again = next((line for line in event.walk if line.pid == event.kills[0].pid), None)
    if again is None:
        return "unseen"
    if not again.killed and not parse_release(facts.kernel).rules.exiting_note:
        return None
    return "killed" if again.killed else "exiting"


def _cpuset(event: OomEvent, nodes: list[int]) -> Cpuset | None:
    """The allocating task's cpuset, where it is not the root's with all nodes."""
    summary = event.summary
    name = summary.cpuset if summary else event.cpuset[0] if event.cpuset else "/"
    mems = mems_allowed(event)
    values: dict[str, Any] = {}
    if name and name != "/" and "/" not in name and "\n" not in name and name_bytes(name).isascii():
        values["name"] = name
    if mems is not None and mems != nodes:
        values["mems_allowed"] = tuple(mems)
    return Cpuset(**values) if values else None


def _gfp(event: OomEvent, facts: Facts, invoked: Invoked, notes: list[str]) -> int | str | None:
    """The flags, by their names where those give the number again; None where today's bits cannot say them."""
    release = parse_release(facts.kernel)
    mask = invoked.gfp_mask
    if (version_of(facts.release) or (5, 4)) < (5, 4):  # the bits have been numbered anew since
        try:
            mask = parse_gfp(invoked.gfp_names, release.rules)
        except ValueError:
            notes.append(f"gfp_mask {mask:#x} has the bit numbers of an older release, and no names to translate it by")
            return None
    may_kill = mask & GFP_FS or event.is_memcg or (mask == 0 and release.rules.gfp_zero_kills)
    if not may_kill and event.ends:
        notes.append(f"gfp_mask {mask:#x} has no __GFP_FS, and still the OOM killer ran; the run here adds it")
        mask |= GFP_FS
    return format_gfp(mask, release.rules).partition("(")[2].removesuffix(")") or mask


def with_cpuset(task: Task, cpuset: Cpuset | None) -> Task:
    """The allocating task in its cpuset; a kernel thread's is none of a scenario's."""
    return task if cpuset is None or "kthread" in task.flags else changed(task, cpuset=cpuset)
