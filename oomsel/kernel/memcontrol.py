"""Memory cgroups as the OOM killer sees them; after mm/memcontrol.c (cgroup v2)."""

from __future__ import annotations

import numpy as np

from oomsel.kernel.system import Indices, System, TaskFlag

ROOT_MEMCG = 0


def mem_cgroup_get_max(system: System, memcg: int) -> int:
    """Pages that the cgroup may use: memory.max plus the smaller of swap.max and all swap."""
    group = system.memcgs[memcg]
    return group.max + min(group.swap_max, system.total_swap_pages)


def mem_cgroup_iter(system: System, root: int) -> list[int]:
    """The cgroups at and below `root` in pre-order, siblings as listed."""
    children: dict[int, list[int]] = {}
    for index, group in enumerate(system.memcgs):
        children.setdefault(group.parent, []).append(index)
    walk: list[int] = []
    todo = [root]
    while todo:
        group_index = todo.pop()
        walk.append(group_index)
        todo += reversed(children.get(group_index, []))
    return walk


def mem_cgroup_scan_tasks(system: System, root: int) -> Indices:
    """The processes at and below `root` in the order they are visited: cgroups in pre-order, in each as listed.

    A zombie is not visited: css_task_iter passes over a leader without live threads.
    """
    position = np.full(len(system.memcgs), -1, np.intp)
    walk = mem_cgroup_iter(system, root)
    position[walk] = np.arange(len(walk))
    where = position[system.tasks.memcg]
    members = np.flatnonzero((where >= 0) & ~system.tasks.has(TaskFlag.ZOMBIE))
    return members[np.argsort(where[members], kind="stable")]


def mem_cgroup_get_oom_group(system: System, victim: int, oom_domain: int | None) -> int | None:
    """The highest cgroup with memory.oom.group from the victim's up to the OOM's (or the root), if there is one."""
    domain = ROOT_MEMCG if oom_domain is None else oom_domain
    group: int | None = None
    memcg = int(system.tasks.memcg[victim])
    while memcg != -1:
        if system.memcgs[memcg].oom_group:
            group = memcg
        if memcg == domain:
            return group
        memcg = system.memcgs[memcg].parent
    return None  # the victim is not below the OOM's cgroup
