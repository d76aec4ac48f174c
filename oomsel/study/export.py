"""A simulation's end as a scenario, for any design: its approximate reads are the counts, its precise ones the sums."""

from __future__ import annotations

import numpy as np

from oomsel.kernel.designs import Design
from oomsel.scenario.columns import COUNTERS, NOT_STATED, PGTABLES, TaskColumns
from oomsel.scenario.models import Machine, Node, Oom, Scenario
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
    slots, batch = design.as_percpu()
    tasks = TaskColumns(
        tuple(range(topology.cpus)),
        pid=np.array(mms.pids),
        comm=np.array([process.comm for process in mms.processes], "S15"),
        uid=np.zeros(len(mms.pids), np.int64),
        oom_score_adj=np.array([process.oom_score_adj for process in mms.processes]),
        total_vm=np.full(len(mms.pids), NOT_STATED),
        pgtables_bytes=np.array([process.pgtables_bytes for process in mms.processes]),
        counts=design.read()[: len(mms.pids)],  # without forked children
        percpu=slots[: len(mms.pids)].astype(np.int32),
        stated=np.full(len(mms.pids), COUNTERS | PGTABLES),
    )
    return Scenario(
        oomsel=1,
        title=f"{workload.title or 'A workload'}, as {design.name} counters have it at the end",
        description=description,
        machine=Machine(
            cpus=tasks.cpus,
            ram=machine.ram,
            swap=machine.swap,
            page_size=machine.page_size,
            batch=batch,
            nodes=nodes,
        ),
        tasks=tasks,
        # By default init is not the allocating task.
        oom=Oom(current=1) if mms.pids == [1] else Oom(),
    )
