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


class OomControl(NamedTuple):
    """struct oom_control, and `current`."""

    current: int  #: index of the allocating task's process
    current_pid: int
    current_comm: bytes
    gfp_mask: int
    order: int = 0
    memcg: int | None = None  #: index of the cgroup that is out of memory
    nodemask: frozenset[int] | None = None  #: nodes the allocation was bound to
    cpuset_limited: bool = False  #: zones outside current's mems_allowed were refused
    totalpages: int | None = None  #: in place of what constrained_alloc() works out

    @property
    def is_memcg_oom(self) -> bool:
        """Whether a memory cgroup is out of memory, not the machine."""
        return self.memcg is not None

    @property
    def is_sysrq_oom(self) -> bool:
        """Whether somebody asked for it by sysrq f."""
        return self.order == -1


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
        return Constraint.CPUSET, system.tasks.mems_allowed[oc.current]
    return Constraint.NONE, None
