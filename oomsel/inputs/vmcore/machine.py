"""CPUs, memory and settings: what a kernel's global variables say."""

from __future__ import annotations

from oomsel.inputs.vmcore.memory import Memory, cpus_in, nodes_in
from oomsel.scenario.models import Machine, Node, Sysctls

_SYSCTLS = ("oom_kill_allocating_task", "oom_dump_tasks", "panic_on_oom")


def machine_of(memory: Memory, *, has_percpu_rss: bool) -> Machine:
    """The machine; before 6.2, where no counter is per CPU, it has no batch to state."""
    online = cpus_in(memory["__cpu_online_mask"])
    dying = memory.get("__cpu_dying_mask")
    page_size = memory.get("PAGE_SIZE")
    return Machine(
        cpus=memory.cpus,
        online=online,
        dying=() if dying is None else tuple(cpu for cpu in cpus_in(dying) if cpu not in online),
        page_size=4096 if page_size is None else int(page_size),
        ram=int(memory["_totalram_pages"].counter),
        swap=int(memory["total_swap_pages"]),
        batch=int(memory["percpu_counter_batch"]) if has_percpu_rss else None,
        nodes=_nodes(memory),
    )


def _nodes(memory: Memory) -> dict[int, Node] | None:
    """The nodes with memory; None on a kernel without NUMA, which has one."""
    data, cpus_of = memory.get("node_data"), memory.get("node_to_cpumask_map")
    if data is None:
        return None
    with_memory = nodes_in(memory["node_states"][memory.enum("node_states")["N_MEMORY"]])
    possible = set(memory.cpus)
    nodes = {}
    for node in with_memory:
        cpus = [] if cpus_of is None else [cpu for cpu in cpus_in(cpus_of[node]) if cpu in possible]
        nodes[node] = Node(ram=int(data[node].node_present_pages), cpus=tuple(cpus))
    return nodes


def sysctls_of(memory: Memory) -> Sysctls:
    """vm.* as they are set."""
    stated = {name: int(memory[f"sysctl_{name}"]) for name in _SYSCTLS}
    return Sysctls(**stated, swappiness=int(memory["vm_swappiness"]))
