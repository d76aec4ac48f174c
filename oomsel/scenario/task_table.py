"""The task table of a scenario, from objects or from columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from oomsel.kernel.system import Coded, Indices, Mempolicy, TaskFlag, TaskTable
from oomsel.scenario.columns import TaskColumns
from oomsel.scenario.models import Interleave, Machine, Task
from oomsel.scenario.rules.machine import init_of, nodes_with_memory, pids_of

_FLAGS = {flag.name.lower(): flag for flag in TaskFlag if flag.name is not None}


def table_of_tasks(tasks: Sequence[Task], mm: Indices, machine: Machine, memcgs: Mapping[str, int]) -> TaskTable:
    """The rows of tasks that are objects; `mm` is each one's, `memcgs` the index of every cgroup by path."""
    everywhere = frozenset(nodes_with_memory(machine))
    init = init_of(list(tasks), machine)
    masks: dict[tuple[int, ...], frozenset[int]] = {}

    def mask(nodes: tuple[int, ...]) -> frozenset[int]:
        return masks.setdefault(nodes, frozenset(nodes))

    def flags(task: Task) -> int:
        bits = TaskFlag(0)
        for name in task.flags:
            bits |= _FLAGS[name]
        if task is init:
            bits |= TaskFlag.INIT
        if task.thread is not None:
            bits |= TaskFlag.DEAD_LEADER
        return int(bits)

    def cpuset_nodes(task: Task) -> frozenset[int]:
        if task.cpuset is None or task.cpuset.mems_allowed is None:
            return everywhere
        return mask(task.cpuset.mems_allowed)

    def mempolicy(task: Task) -> Mempolicy | None:
        policy = task.mempolicy
        if isinstance(policy, Interleave):
            return Mempolicy(mask(policy.interleave), interleave=True)
        return None if policy is None else Mempolicy(mask(policy))

    def live_comm(task: Task) -> bytes:
        comm = task.thread.comm if task.thread is not None else None
        return task.comm if comm is None else comm

    return TaskTable(
        pid=np.array([task.pid for task in tasks], np.int64),
        comm=[task.comm for task in tasks],
        live_pid=np.array([pids_of(task)[-1] for task in tasks], np.int64),
        live_comm=[live_comm(task) for task in tasks],
        uid=np.array([task.uid for task in tasks], np.int64),
        oom_score_adj=np.array([task.oom_score_adj for task in tasks], np.int64),
        flags=np.array([flags(task) if task.flags or task.thread or task is init else 0 for task in tasks], np.int64),
        mm=mm,
        memcg=np.array([memcgs[task.memcg] for task in tasks], np.intp),
        mems_allowed=Coded(cpuset_nodes(task) for task in tasks),
        cpuset_name=Coded("/" if task.cpuset is None else task.cpuset.name for task in tasks),
        mempolicy=Coded(mempolicy(task) for task in tasks),
    )


def table_of_columns(tasks: TaskColumns, mm: Indices, machine: Machine, memcgs: Mapping[str, int]) -> TaskTable:
    """The rows of tasks in columns, those of the named ones put in; see `table_of_tasks`."""
    nodes = frozenset(nodes_with_memory(machine))
    referenced = tasks.referenced(set())
    named = [row for row, _ in referenced]
    part = table_of_tasks([task for _, task in referenced], mm[named], machine, memcgs)
    comm: list[bytes] = tasks.comm.tolist()
    table = TaskTable(
        pid=tasks.pid,
        comm=comm,
        live_pid=tasks.pid.copy(),
        live_comm=comm.copy(),
        uid=tasks.uid.copy(),
        oom_score_adj=tasks.oom_score_adj.copy(),
        flags=np.zeros(len(tasks), np.int64),
        mm=mm,
        memcg=np.zeros(len(tasks), np.intp),
        mems_allowed=Coded.same(nodes, len(tasks)),
        cpuset_name=Coded.same("/", len(tasks)),
        mempolicy=Coded.same(None, len(tasks)),
    )
    for index, row in enumerate(named):
        table.comm[row], table.live_comm[row] = part.comm[index], part.live_comm[index]
    table.live_pid[named], table.uid[named], table.flags[named] = part.live_pid, part.uid, part.flags
    table.oom_score_adj[named], table.memcg[named] = part.oom_score_adj, part.memcg
    table.mems_allowed.put(named, part.mems_allowed)
    table.cpuset_name.put(named, part.cpuset_name)
    table.mempolicy.put(named, part.mempolicy)
    return table
