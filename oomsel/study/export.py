"""A simulation's end as a scenario, for any design: its approximate reads are the counts, its precise ones the sums."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oomsel.kernel.designs import Design
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, Int64s
from oomsel.klog.names import comm_to_text
from oomsel.scenario.models import Counter, Machine, Node, Rss, Scenario, Task
from oomsel.study.program import Mms, topology_of
from oomsel.study.workload import Workload

_MEMBERS = {"anon": MM_ANONPAGES, "file": MM_FILEPAGES, "shmem": MM_SHMEMPAGES, "swap": MM_SWAPENTS}


def final_scenario(workload: Workload, mms: Mms, design: Design) -> Scenario:
    """The scenario in which the OOM killer reads what `design` reads.

    Of per-CPU counters it is the very state; of any other design CPU 0 stands for all that is not
    in the count.
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
        rss = Rss(**{name: _counter(int(count[mm, member]), slots[mm, member]) for name, member in _MEMBERS.items()})
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
        machine=Machine(
            cpus=tuple(range(topology.cpus)),
            ram=machine.ram,
            swap=machine.swap,
            page_size=machine.page_size,
            batch=batch,
            nodes=nodes,
        ),
        tasks=tuple(tasks),
    )


def _counter(count: int, slots: Int64s) -> Counter:
    return Counter(count=count, deltas={cpu: int(slots[cpu]) for cpu in np.flatnonzero(slots).tolist()})


def scenario_yaml(scenario: Scenario) -> Iterator[str]:
    """A scenario made by `final_scenario` as lines of YAML."""
    import json

    machine = scenario.machine
    yield "oomsel: 1"
    yield f"title: {json.dumps(scenario.title, ensure_ascii=False)}"
    yield "machine:"
    yield f"  cpus: {len(machine.cpus)}"
    for key in ("ram", "swap", "page_size", "batch"):
        yield f"  {key}: {getattr(machine, key)}"
    if machine.nodes is not None:
        yield "  nodes:"
        for number, node in machine.nodes.items():
            yield f"    {number}: {{ram: {node.ram}, cpus: {node.cpus[0]}-{node.cpus[-1]}}}"
    yield "tasks:"
    for task in scenario.tasks:
        yield f"  - pid: {task.pid}"
        yield f"    comm: {json.dumps(comm_to_text(task.comm), ensure_ascii=False)}"
        yield f"    oom_score_adj: {task.oom_score_adj}"
        yield f"    pgtables_bytes: {task.pgtables_bytes}"
        yield "    rss:"
        assert task.rss is not None
        for name in _MEMBERS:
            counter = getattr(task.rss, name)
            deltas = ", ".join(f"{cpu}: {pages}" for cpu, pages in counter.deltas.items())
            yield f"      {name}: {{count: {counter.count}, deltas: {{{deltas}}}}}"
