"""A simulation's end as a scenario, for any design: its approximate reads are the counts, its precise ones the sums."""

from __future__ import annotations

import numpy as np

from oomsel.kernel.designs import Design
from oomsel.kernel.percpu_counter import MEMBERS, Int64s
from oomsel.scenario.models import Counter, Machine, Node, Oom, Rss, Scenario, Task
from oomsel.study.program import Mms, topology_of
from oomsel.study.workload import Workload


def final_scenario(workload: Workload, mms: Mms, design: Design, description: str | None = None) -> Scenario:
    """The scenario in which the OOM killer reads what `design` reads.

    Of per-CPU counters it is the very state; of any other design some CPUs stand for all that is
    not in the count, and the batch for its bound.
    """
    topology = topology_of(workload)
    machine = workload.machine
    per_node = machine.ram // topology.nodes
    nodes = None
    if topology.nodes > 1:
        cpus = {
            node: tuple(cpu for cpu, on in enumerate(topology.node_of) if on == node) for node in range(topology.nodes)
        }
        nodes = {node: Node(ram=per_node, cpus=cpus[node]) for node in range(topology.nodes)}
    count = design.read()
    slots, batch = design.as_percpu()
    tasks = []
    for mm, process in enumerate(mms.processes):
        rss = Rss(**{name: _counter(int(count[mm, member]), slots[mm, member]) for name, member in MEMBERS.items()})
        tasks.append(
            Task(
                pid=mms.pids[mm],
                comm=process.comm,
                oom_score_adj=process.oom_score_adj,
                pgtables_bytes=process.pgtables_bytes,
                rss=rss,
            )
        )
    return Scenario(
        oomsel=1,
        title=f"{workload.title or 'A workload'}, as {design.name} counters have it at the end",
        description=description,
        machine=Machine(
            cpus=tuple(range(topology.cpus)),
            ram=machine.ram,
            swap=machine.swap,
            page_size=machine.page_size,
            batch=batch,
            nodes=nodes,
        ),
        tasks=tuple(tasks),
        # Where only init is there, nobody else can be short of memory.
        oom=Oom(current=1) if mms.pids == [1] else Oom(),
    )


def _counter(count: int, slots: Int64s) -> Counter:
    return Counter(count=count, deltas={cpu: int(slots[cpu]) for cpu in np.flatnonzero(slots).tolist()})
