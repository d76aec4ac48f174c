"""Memory cgroups as the OOM killer sees them; after mm/memcontrol.c."""

from __future__ import annotations

import numpy as np

from oomsel.kernel.system import Bools, Indices, System, TaskFlag

ROOT_MEMCG = 0


def mem_cgroup_get_max(system: System, memcg: int) -> int:
    """Pages that the cgroup may use: memory.max plus the smaller of swap.max and all swap; no swap at swappiness 0."""
    group = system.memcgs[memcg]
    if not mem_cgroup_swappiness(system, memcg):
        return group.max
    return group.max + min(group.swap_max, system.total_swap_pages)


def mem_cgroup_swappiness(system: System, memcg: int) -> int:
    """The cgroup's own swappiness (v1), or vm.swappiness (v2, which has no other)."""
    own = system.memcgs[memcg].swappiness
    return system.sysctl.swappiness if own is None else own


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


def is_hidden_from_cgroups(system: System) -> Bools:
    """Which processes css_task_iter_advance() passes by; bool[task].

    A leader without live threads; from 6.19.9 on a process whose threads have all begun to exit,
    though its memory is still charged.
    """
    gone = TaskFlag.ZOMBIE | TaskFlag.EXITED if system.rules.cgroup_hides_exited else TaskFlag.ZOMBIE
    return system.tasks.has(gone)


def mem_cgroup_scan_tasks(system: System, root: int, *, hidden: bool = False) -> Indices:
    """The processes at and below `root` in the order they are visited: cgroups in pre-order, in each as they entered.

    With `hidden` also those that the walk passes by.
    """
    position = np.full(len(system.memcgs), -1, np.intp)
    walk = mem_cgroup_iter(system, root)
    position[walk] = np.arange(len(walk))
    where = position[system.tasks.memcg]
    inside = where >= 0
    members = np.flatnonzero(inside if hidden else inside & ~is_hidden_from_cgroups(system))
    entered = members if system.tasks.entered is None else system.tasks.entered[members]
    return members[np.lexsort((entered, where[members]))]


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
