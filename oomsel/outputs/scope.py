"""What ran out: the machine's memory, some nodes', or a cgroup's."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.inputs.log.facts import Facts
from oomsel.kernel.constraint import Constraint, current_of
from oomsel.kernel.event import OomReport
from oomsel.klog.cgroup_names import CgroupNames, names_of
from oomsel.klog.event import OomEvent
from oomsel.outputs.log_events import constraint_of
from oomsel.text import UNLIMITED_KB, format_numbers, list_or_none


class Scope(NamedTuple):
    """What ran out."""

    kind: str  #: global, memcg, cpuset, mempolicy, sysrq; not-memcg or ? where no line says more, or anything
    path: str | None = None  #: the cgroup
    names: CgroupNames = CgroupNames()
    limit: int | None = None  #: bytes; None where it is unlimited, or not known
    with_swap: bool = False  #: whether `limit` is of memory and swap together
    nodes: str | None = None  #: of a cpuset or a policy
    nodes_ram: int | None = None  #: bytes present on them
    ram: int | None = None  #: bytes of the machine
    swap: int | None = None


def scope_of_event(event: OomEvent, facts: Facts) -> Scope:
    """What ran out, by a log's lines."""
    kind, memcg = constraint_of(event), event.memcg
    if kind == "memcg":
        path = (event.summary.oom_memcg if event.summary else None) or memcg.path
        limit, with_swap = memcg.memory, False
        if memcg.memsw is not None and memcg.memsw_usage == memcg.memsw and memcg.usage != memcg.memory:
            limit, with_swap = memcg.memsw, True
        bytes_ = None if limit is None or limit >= UNLIMITED_KB else limit << 10
        return Scope(kind, path, names_of(path), bytes_, with_swap)
    nodes = None
    if event.summary is not None and kind in ("cpuset", "mempolicy"):
        nodes = event.summary.mems_allowed if kind == "cpuset" else event.summary.nodemask
    ram = None if facts.ram is None else facts.ram * facts.page_size
    if kind in ("global", "?") and event.is_memcg is False:
        kind = "not-memcg" if _may_be_confined(event, facts) else "global"
    swap = None if facts.swap is None else facts.swap * facts.page_size
    return Scope(kind, nodes=nodes, nodes_ram=_nodes_ram(event, nodes), ram=ram, swap=swap)


def _may_be_confined(event: OomEvent, facts: Facts) -> bool:
    """Whether a cpuset or a policy may have confined the allocation: the line that would say so is lost.

    Since 5.0 that is the oom-kill line, before it the first lines.

    A machine with one node is not divided, and without vm.panic_on_oom=2 a confined allocation does not panic:
    `check_panic_on_oom()`.
    """
    if event.summary is not None:
        return False
    is_older = event.cpuset is not None or (
        facts.version < (5, 0)
        if facts.release
        # The table of 4.19 and 4.20 is that of 5.0, so that it alone does not tell them apart.
        else event.chosen is not None or (bool(event.columns) and "pgtables_bytes" not in event.columns)
    )
    if is_older and (event.cpuset is not None or event.invoked is not None):
        return False
    if event.panic is not None and "system-wide panic_on_oom" in event.panic[1]:
        return False
    # Mem-Info leaves out the nodes that may not be used, but counts their RAM.
    ram, present = event.meminfo.ram, event.meminfo.present_by_node()
    return len(present) != 1 or ram is None or sum(present.values()) << 10 != ram * facts.page_size


def _nodes_ram(event: OomEvent, nodes: str | None) -> int | None:
    numbers, present = list_or_none(nodes or ""), event.meminfo.present_by_node()
    if not numbers or not set(numbers) <= set(present):
        return None
    return sum(present[node] for node in numbers) << 10


def scope_of_report(report: OomReport) -> Scope:
    """What runs out, in a scenario."""
    system, oc, page = report.system, report.oc, report.system.page_size
    if oc.is_sysrq_oom:
        kind = "sysrq"
    else:
        kind = {
            Constraint.NONE: "global",
            Constraint.MEMCG: "memcg",
            Constraint.CPUSET: "cpuset",
            Constraint.MEMORY_POLICY: "mempolicy",
        }[report.constraint]
    if oc.memcg is not None:
        group = system.memcgs[oc.memcg]
        is_limited = group.max * page < UNLIMITED_KB << 10
        return Scope(kind, group.path, names_of(group.path), group.max * page if is_limited else None)
    nodes = None
    if kind == "cpuset":
        nodes = format_numbers(current_of(system, oc).mems_allowed)
    elif kind == "mempolicy":
        nodes = format_numbers(oc.nodemask or ())
    if not system.total_is_known:
        return Scope(kind, nodes=nodes)
    return Scope(kind, nodes=nodes, ram=system.totalram_pages * page, swap=system.total_swap_pages * page)
