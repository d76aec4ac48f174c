"""Rules over the machine, its cgroups, the failed allocation and `expect`: what no single value can break."""

from __future__ import annotations

from collections.abc import Sequence

from oomsel.kernel.gfp import parse_gfp
from oomsel.kernel.release import newest_release, parse_release
from oomsel.scenario.models import Machine, Scenario, Task, Verdict
from oomsel.scenario.problems import MISSING, ProblemCollector
from oomsel.scenario.values import Path
from oomsel.text import format_numbers


def online_cpus(machine: Machine) -> set[int]:
    """The CPUs that are online before any update."""
    return set(machine.cpus) - set(machine.dying) if machine.online is None else set(machine.online)


def nodes_with_memory(machine: Machine) -> set[int]:
    """node_states[N_MEMORY]."""
    return {0} if machine.nodes is None else {number for number, node in machine.nodes.items() if node.ram}


def all_nodes(machine: Machine) -> set[int]:
    """Every node that may be named."""
    return {0} if machine.nodes is None else set(machine.nodes)


def is_kthread(task: Task) -> bool:
    """Whether the task is flagged as a kernel thread."""
    return "kthread" in task.flags


def init_of(tasks: Sequence[Task], machine: Machine) -> Task | None:
    """The task that is init: the one that machine.init says, or the one flagged so, or else pid 1."""
    if machine.init is not None:
        return next((task for task in tasks if task.pid == machine.init), None)
    flagged = next((task for task in tasks if "init" in task.flags), None)
    return flagged or next((task for task in tasks if task.pid == 1), None)


def default_current(tasks: Sequence[Task], machine: Machine) -> Task | None:
    """The first task that is neither init nor a kernel thread, and has memory."""
    init = init_of(tasks, machine)
    for task in tasks:
        if task is not init and not is_kthread(task) and "zombie" not in task.flags:
            return task
    return None


def current_of(scenario: Scenario) -> Task | None:
    """The allocating task; None for sysrq's kworker, which is in no list, and for one that is not there."""
    oom, tasks = scenario.oom, scenario.tasks
    if oom.current is not None:
        return next((task for task in tasks if oom.current in pids_of(task)), None)
    return None if oom.order == -1 else default_current(tasks, scenario.machine)


def check_machine(scenario: Scenario, collector: ProblemCollector) -> None:
    """CPUs are possible and in one state, one stays online, and there is RAM."""
    machine, reads = scenario.machine, collector.reads
    possible = set(machine.cpus)
    if reads("machine", "cpus"):
        for name, cpus in (("online", machine.online), ("dying", machine.dying)):
            if unknown := set(cpus or ()) - possible:
                message = f"CPU {format_numbers(unknown)} is not possible; machine.cpus has {format_numbers(possible)}"
                collector.add(("machine", name), message)
    if reads("machine", "online") and reads("machine", "dying"):
        if both := set(machine.online or ()) & set(machine.dying):
            message = f"CPU {format_numbers(both)} is online and dying, see {{}}; a dying CPU is not online any more"
            collector.conflict(("machine", "online"), ("machine", "dying"), message)
        elif reads("machine", "cpus") and not online_cpus(machine):
            collector.add(("machine", "dying"), "leaves no CPU online; at least one is")
    if not online_cpus(machine) or set(machine.online or ()) - possible:  # so updates cannot be checked against it
        collector.mark_unreliable(("machine", "online"))
    if not reads("machine", "nodes"):
        return
    if machine.nodes is None:
        if machine.ram is None and reads("machine", "ram"):
            collector.add(("machine", "ram"), f"{MISSING}, or nodes with their ram")
        return
    check_nodes(machine, possible, collector)


def cpu_states_read(collector: ProblemCollector) -> bool:
    """Whether it can be relied on which CPUs are possible, online and dying."""
    return all(collector.reads("machine", name) for name in ("cpus", "online", "dying"))


def check_nodes(machine: Machine, possible: set[int], collector: ProblemCollector) -> None:
    """Nodes are stated once, with possible CPUs that are on one node each."""
    nodes = machine.nodes or {}
    stated = collector.stated("machine", "nodes")
    if not nodes:
        collector.add(("machine", "nodes"), "no node in it; leave the key out for one node with everything")
    raw_keys: dict[int, Path] = {}
    for key in stated if isinstance(stated, dict) else ():
        path: Path = ("machine", "nodes", key)
        if int(key) in raw_keys:
            collector.add(path, f"node {int(key)} is stated twice; state it once", at_key=True)
        raw_keys.setdefault(int(key), path)
    taken: dict[int, Path] = {}
    for number, node in nodes.items():
        path = (*raw_keys[number], "cpus")
        unknown = set(node.cpus) - possible
        if unknown and collector.reads("machine", "cpus"):
            message = f"CPU {format_numbers(unknown)} is not possible; machine.cpus has {format_numbers(possible)}"
            collector.add(path, message)
        for cpu in node.cpus:
            if cpu in taken:
                collector.conflict(taken[cpu], path, f"CPU {cpu} is on two nodes, see {{}}; a CPU is on one")
                break
            taken[cpu] = path


def check_memcgs(scenario: Scenario, collector: ProblemCollector) -> None:
    """Parents are declared before their children; the root has no keys."""
    if not collector.reads("memcgs"):
        return
    declared = {"/"}
    for path in scenario.memcgs:
        if path == "/":
            if collector.stated("memcgs", "/"):
                collector.add(("memcgs", "/"), "the root cgroup has no keys; leave it out, it is always there")
            continue
        parent = path.rpartition("/")[0] or "/"
        if parent not in declared:
            where = "stands after it" if parent in scenario.memcgs else "is not declared"
            collector.add(("memcgs", path), f"its parent {parent} {where}; state parents first", at_key=True)
        declared.add(path)


def check_memcg_exists(scenario: Scenario, memcg: str, path: Path, collector: ProblemCollector) -> None:
    """The cgroup that is named is declared."""
    if memcg != "/" and memcg not in scenario.memcgs and collector.reads("memcgs"):
        collector.add(path, f"{memcg} is not declared; add it under memcgs")


def check_oom(scenario: Scenario, collector: ProblemCollector) -> None:
    """The allocation names a task, a cgroup, nodes and gfp flags that there are."""
    oom = scenario.oom
    if not collector.reads("oom"):
        return
    check_current(scenario, collector)
    if oom.order == -1:
        for key in ("memcg", "nodemask", "cpuset_limited"):
            if getattr(oom, key) not in (None, False):
                message = "conflicts with {}: sysrq f (order -1) asks for the whole machine; leave one of them out"
                collector.conflict(("oom", "order"), ("oom", key), message)
    if oom.memcg == "/":
        collector.add(("oom", "memcg"), "the root cgroup has no limit and no OOM of its own; leave the key out")
    elif oom.memcg is not None:
        check_memcg_exists(scenario, oom.memcg, ("oom", "memcg"), collector)
    if oom.nodemask is not None:
        check_nodes_exist(scenario.machine, oom.nodemask, ("oom", "nodemask"), collector)
    if not collector.reads("kernel"):
        return
    release = parse_release(scenario.kernel) if scenario.kernel else newest_release()
    if oom.group_victim_again == "exiting" and not release.rules.exiting_note:
        message = "conflicts with {}: before Linux 5.9 there is no such line; use killed or unseen"
        collector.conflict(("kernel",), ("oom", "group_victim_again"), message)
    if isinstance(oom.gfp_mask, str):
        try:
            parse_gfp(oom.gfp_mask, release.rules)
        except ValueError as error:
            collector.add(("oom", "gfp_mask"), f"{error}; use names like GFP_KERNEL|__GFP_ZERO, or the number")


def check_nodes_exist(machine: Machine, nodes: tuple[int, ...], path: Path, collector: ProblemCollector) -> None:
    """Every node that is named exists."""
    if not collector.reads("machine", "nodes"):
        return
    known = all_nodes(machine)
    if unknown := set(nodes) - known:
        collector.add(path, f"node {format_numbers(unknown)} does not exist; machine.nodes has {format_numbers(known)}")


def check_current(scenario: Scenario, collector: ProblemCollector) -> None:
    """The allocating task is there, or a default; a cpuset that limits it leaves a node out."""
    oom, tasks = scenario.oom, scenario.tasks
    if not collector.reads("oom", "current") or not collector.reads("oom", "order"):
        return
    task = current_of(scenario)
    if oom.current is None:
        if oom.order == -1 or not all_tasks_read(scenario, collector, "pid", "flags"):
            return
        if task is None:
            collector.add(("oom", "current"), f"{MISSING}: no user task is there to be the default")
            return
    else:
        if task is None:
            if all_tasks_read(scenario, collector, "pid", "thread"):
                collector.add(("oom", "current"), f"no task has pid {oom.current}; name one of tasks")
            return
        if "zombie" in task.flags:
            collector.add(("oom", "current"), f"pid {oom.current} is a zombie, which allocates nothing; name another")
    index = next(index for index, one in enumerate(tasks) if one is task)
    if oom.cpuset_limited and collector.reads_whole("machine", "nodes") and collector.reads("tasks", index, "cpuset"):
        memory = nodes_with_memory(scenario.machine)
        mems = task.cpuset.mems_allowed if task.cpuset else None
        if (mems is None or memory <= set(mems)) and collector.reads("tasks", index, "cpuset", "mems_allowed"):
            message = "the allocating task's mems_allowed covers every node with memory; give it a cpuset that does not"
            collector.add(("oom", "cpuset_limited"), message)


def all_tasks_read(scenario: Scenario, collector: ProblemCollector, *keys: str) -> bool:
    """Whether these keys of every task can be relied on, so that a value that no task states is really missing."""
    indices = range(len(scenario.tasks))
    return all(collector.reads_whole("tasks", index, key) for index in indices for key in keys)


def pids_of(task: Task) -> tuple[int, ...]:
    """The pids that name a process: its leader's and that of the thread that outlived it."""
    return (task.pid,) if task.thread is None else (task.pid, task.thread.pid)


def check_expect(scenario: Scenario, collector: ProblemCollector) -> None:
    """Each verdict says how a run ends, in one way."""
    expect = scenario.expect
    if expect is None:
        return
    for path, verdict in (
        (("expect",), expect),
        (("expect", "approximate"), expect.approximate),
        (("expect", "precise"), expect.precise),
    ):
        if verdict is not None:
            check_verdict(path, verdict, collector)


def check_verdict(path: Path, verdict: Verdict, collector: ProblemCollector) -> None:
    """A verdict states what happens, and nothing that cannot go together."""
    stated = [name for name in ("victim", "nobody", "panic") if getattr(verdict, name) is not None]
    if len(stated) > 1:
        collector.conflict((*path, stated[0]), (*path, stated[1]), "conflicts with {}; a run ends in one way")
    elif verdict.kills and stated and stated != ["victim"]:
        collector.conflict((*path, stated[0]), (*path, "kills"), "conflicts with {}; a run ends in one way")
    silent = not stated and verdict.kills is None and verdict.output is None
    if silent and len(path) > 1 and collector.reads_whole(*path):
        collector.add(path, "no outcome in it; state victim, nobody, panic, kills or output")
    for name in stated:
        if getattr(verdict, name) is False:
            collector.add((*path, name), "false says nothing; use true, or leave the key out")
