"""The failed allocation and what limited it: struct oom_control and constrained_alloc() of mm/oom_kill.c."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from oomsel.kernel.gfp import GFP_THISNODE
from oomsel.kernel.memcontrol import mem_cgroup_get_max, mem_cgroup_scan_tasks
from oomsel.kernel.system import Indices, System


class Constraint(StrEnum):
    """enum oom_constraint, by the names that the report prints."""

    NONE = "CONSTRAINT_NONE"
    CPUSET = "CONSTRAINT_CPUSET"
    MEMORY_POLICY = "CONSTRAINT_MEMORY_POLICY"
    MEMCG = "CONSTRAINT_MEMCG"


#: Those that confine the allocation to some nodes.
NODE_CONSTRAINTS = (Constraint.CPUSET, Constraint.MEMORY_POLICY)


class GroupVictimAgain(StrEnum):
    """What a memory.oom.group's first victim gets when the walk over the group meets it again: timing decides."""

    KILLED = "killed"  #: it still has its mm: a second kill line
    EXITING = "exiting"  #: it has lost its mm: the line that says so
    UNSEEN = "unseen"  #: it has left the cgroup: nothing


class OomControl(NamedTuple):
    """struct oom_control, and `current`."""

    current: int | None  #: index of the allocating task's process; None: sysrq's kworker, which no list has
    current_pid: int
    current_comm: bytes
    gfp_mask: int
    order: int = 0
    memcg: int | None = None  #: index of the cgroup that is out of memory
    nodemask: frozenset[int] | None = None  #: nodes the allocation was bound to
    cpuset_limited: bool = False  #: zones outside current's mems_allowed were refused
    totalpages: int | None = None  #: in place of what constrained_alloc() works out
    group_victim_again: GroupVictimAgain | None = None  #: None: what the release mostly does

    @property
    def is_memcg_oom(self) -> bool:
        """Whether a memory cgroup is out of memory, not the machine."""
        return self.memcg is not None

    @property
    def is_sysrq_oom(self) -> bool:
        """Whether somebody asked for it by sysrq f."""
        return self.order == -1


class Current(NamedTuple):
    """What is asked of `current` besides its mm, pid and name."""

    oom_score_adj: int
    cpuset_name: str
    mems_allowed: frozenset[int]


def current_of(system: System, oc: OomControl) -> Current:
    """The allocating task's own; a kworker's are the root's."""
    tasks, task = system.tasks, oc.current
    if task is None:
        return Current(0, "/", system.nodes_with_memory)
    return Current(int(tasks.oom_score_adj[task]), tasks.cpuset_name[task], tasks.mems_allowed[task])


def group_victim_again(system: System, oc: OomControl) -> GroupVictimAgain:
    """What the event's group victim, met again, gets: as stated, or else as the release mostly does."""
    if oc.group_victim_again is not None:
        return oc.group_victim_again
    if system.rules.group_victim_killed_again:
        return GroupVictimAgain.KILLED
    return GroupVictimAgain.EXITING if system.rules.exiting_note else GroupVictimAgain.UNSEEN


def constrained_alloc(system: System, oc: OomControl) -> tuple[Constraint, int]:
    """What constrained the allocation, and the pages that scores are measured against."""
    constraint, nodes = _constraint(system, oc)
    if oc.totalpages is not None:
        return constraint, oc.totalpages
    if oc.memcg is not None:
        return constraint, mem_cgroup_get_max(system, oc.memcg) or 1
    if nodes is None:
        return constraint, system.totalram_pages + system.total_swap_pages
    # Present, not managed, pages: a cpuset's or policy's total may exceed the RAM there is to use.
    present = sum(system.node_present_pages.get(node, 0) for node in nodes)
    return constraint, system.total_swap_pages + present


def scan_order(system: System, oc: OomControl) -> Indices:
    """The processes in the order in which they are visited: the tasklist's, or that of the cgroup walk."""
    if oc.memcg is not None:
        return mem_cgroup_scan_tasks(system, oc.memcg)
    return np.arange(len(system.tasks))


def _constraint(system: System, oc: OomControl) -> tuple[Constraint, frozenset[int] | None]:
    if oc.memcg is not None:
        return Constraint.MEMCG, None
    if oc.gfp_mask & GFP_THISNODE:
        return Constraint.NONE, None
    if oc.nodemask is not None and not system.nodes_with_memory <= oc.nodemask:
        return Constraint.MEMORY_POLICY, oc.nodemask
    if oc.cpuset_limited:
        return Constraint.CPUSET, current_of(system, oc).mems_allowed
    return Constraint.NONE, None
