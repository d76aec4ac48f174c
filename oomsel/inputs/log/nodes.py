"""The machine that a report shows: CPUs, RAM, swap and NUMA nodes."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.inputs.log.facts import Facts
from oomsel.kernel.constraint import NODE_CONSTRAINTS
from oomsel.klog.event import OomEvent
from oomsel.scenario.models import Machine, Node
from oomsel.text import MAX_NODE, list_or_none, pages_of


class LogMachine(NamedTuple):
    """The machine of a report."""

    machine: Machine
    memory_nodes: list[int]  #: those with memory, as far as the report shows them


def machine_of(event: OomEvent, facts: Facts, held: int) -> LogMachine:
    """The machine; where its RAM is not printed, `held` or the cgroup's limit stand for it, as one is required."""
    swap = facts.swap
    if swap is None and facts.memcg_swap_max is not None:
        swap = facts.memcg_swap_max  # so much of it may be used, so that there is as much
    current = event.current.cpu or 0 if event.current else 0
    nodes = _nodes(event, facts.page_size)
    ram = facts.ram or facts.memcg_max or max(held - (swap or 0), 1)
    machine = Machine(
        cpus=tuple(range(min(facts.cpus or current + 1, 8192))),
        page_size=facts.page_size,
        ram=ram,
        swap=swap or 0,
        nodes=nodes or None,
    )
    return LogMachine(machine, [node for node, said in nodes.items() if said.ram] if nodes else [0])


def _nodes(event: OomEvent, page_size: int) -> dict[int, Node]:
    """The NUMA nodes, where there is more than the one that is there by itself."""
    present = {node: pages_of(kb, page_size) for node, kb in event.meminfo.present_by_node().items()}
    named = set(mems_allowed(event) or ())
    if event.constraint == "CONSTRAINT_MEMORY_POLICY" and event.summary is not None:
        named |= set(nodelist(event.summary.nodemask) or ())
    if (not present or set(present) == {0}) and named <= {0}:
        return {}
    for node in named - set(present):
        present[node] = 1  # nothing is known but that it is there
    rest = (event.meminfo.ram or 0) - sum(present.values())
    if rest > 0 and event.constraint in NODE_CONSTRAINTS:
        # Only the nodes that the allocation may use are printed; the rest of RAM is on another, or on several.
        present[next(node for node in range(MAX_NODE + 1) if node not in present)] = rest
    return {node: Node(ram=present[node]) for node in sorted(present) if node <= MAX_NODE}


def mems_allowed(event: OomEvent) -> list[int] | None:
    """The nodes that the allocating task may use; None where no line says it."""
    if event.summary is not None:
        return nodelist(event.summary.mems_allowed)
    return nodelist(event.cpuset[1]) if event.cpuset else None


def nodelist(text: str) -> list[int] | None:
    """The nodes in a list as the kernel prints it; None for what is no list."""
    return list_or_none(text, MAX_NODE)
