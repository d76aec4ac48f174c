"""Rules over the machine, its cgroups, the failed allocation and `expect`: what no single value can break."""

from __future__ import annotations

from oomsel.kernel.gfp import parse_gfp
from oomsel.kernel.release import newest_release, parse_release
from oomsel.klog.formats import format_list
from oomsel.scenario.draft import Complaints, Draft
from oomsel.scenario.models import Machine, Task, Verdict
from oomsel.scenario.nodes import Path

MISSING = "required and missing; add it"


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


def init_of(tasks: list[Task | None]) -> Task | None:
    """The task that is init: the one flagged so, or else pid 1."""
    there = [task for task in tasks if task is not None]
    flagged = next((task for task in there if "init" in task.flags), None)
    return flagged or next((task for task in there if task.pid == 1), None)


def default_current(tasks: list[Task | None]) -> Task | None:
    """The first task that is neither init nor a kernel thread, and has memory."""
    init = init_of(tasks)
    for task in tasks:
        if task is not None and task is not init and not is_kthread(task) and "zombie" not in task.flags:
            return task
    return None


def check_machine(draft: Draft, complaints: Complaints) -> None:
    """CPUs are possible and in one state, one stays online, and there is RAM."""
    machine = draft.machine
    if machine is None:
        return
    possible = set(machine.cpus)
    for name, cpus in (("online", machine.online), ("dying", machine.dying)):
        if strange := set(cpus or ()) - possible:
            message = f"CPU {format_list(strange)} is not possible; machine.cpus has {format_list(possible)}"
            complaints.add(("machine", name), message)
    if both := set(machine.online or ()) & set(machine.dying):
        message = f"CPU {format_list(both)} is online and dying, see {{}}; a dying CPU is not online any more"
        complaints.conflict(("machine", "online"), ("machine", "dying"), message)
    elif not online_cpus(machine):
        complaints.add(("machine", "dying"), "leaves no CPU online; at least one is")
    if machine.nodes is None:
        if machine.ram is None:
            complaints.add(("machine", "ram"), f"{MISSING}, or nodes with their ram")
        return
    check_nodes(machine, possible, complaints)


def check_nodes(machine: Machine, possible: set[int], complaints: Complaints) -> None:
    """Nodes are stated once, with possible CPUs that are on one node each."""
    nodes = machine.nodes or {}
    stated = complaints.stated("machine", "nodes")
    if not nodes:
        complaints.add(("machine", "nodes"), "no node in it; leave the key out for one node with everything")
    raw_keys: dict[int, Path] = {}
    for key in stated if isinstance(stated, dict) else ():
        path: Path = ("machine", "nodes", key)
        if int(key) in raw_keys:
            complaints.add(path, f"node {int(key)} is stated twice; state it once", at_key=True)
        raw_keys.setdefault(int(key), path)
    taken: dict[int, Path] = {}
    for number, node in nodes.items():
        path = (*raw_keys[number], "cpus")
        if strange := set(node.cpus) - possible:
            message = f"CPU {format_list(strange)} is not possible; machine.cpus has {format_list(possible)}"
            complaints.add(path, message)
        for cpu in node.cpus:
            if cpu in taken:
                complaints.conflict(taken[cpu], path, f"CPU {cpu} is on two nodes, see {{}}; a CPU is on one")
                break
            taken[cpu] = path


def check_memcgs(draft: Draft, complaints: Complaints) -> None:
    """Parents are declared before their children; the root has no keys."""
    memcgs = draft.memcgs or {}
    declared = {"/"}
    for path in memcgs:
        if path == "/":
            if complaints.stated("memcgs", "/"):
                complaints.add(("memcgs", "/"), "the root cgroup has no keys; leave it out, it is always there")
            continue
        parent = path.rpartition("/")[0] or "/"
        if parent not in declared:
            where = "stands after it" if parent in memcgs else "is not declared"
            complaints.add(("memcgs", path), f"its parent {parent} {where}; state parents first", at_key=True)
        declared.add(path)


def check_oom(draft: Draft, complaints: Complaints) -> None:
    """The allocation names a task, a cgroup, nodes and gfp flags that there are."""
    oom = draft.oom
    if oom is None:
        return
    check_current(draft, complaints)
    if oom.memcg == "/":
        complaints.add(("oom", "memcg"), "the root cgroup has no limit and no OOM of its own; leave the key out")
    elif oom.memcg is not None and draft.memcgs is not None and oom.memcg not in draft.memcgs:
        complaints.add(("oom", "memcg"), f"{oom.memcg} is not declared; add it under memcgs")
    if oom.nodemask is not None and draft.machine is not None:
        check_nodes_exist(draft.machine, oom.nodemask, ("oom", "nodemask"), complaints)
    if isinstance(oom.gfp_mask, str) and draft.kernel_is_good:
        release = parse_release(draft.kernel) if draft.kernel else newest_release()
        try:
            parse_gfp(oom.gfp_mask, release.rules)
        except ValueError as error:
            complaints.add(("oom", "gfp_mask"), f"{error}; use names like GFP_KERNEL|__GFP_ZERO, or the number")


def check_nodes_exist(machine: Machine, nodes: tuple[int, ...], path: Path, complaints: Complaints) -> None:
    """Every node that is named exists."""
    known = all_nodes(machine)
    if strange := set(nodes) - known:
        complaints.add(path, f"node {format_list(strange)} does not exist; machine.nodes has {format_list(known)}")


def check_current(draft: Draft, complaints: Complaints) -> None:
    """The allocating task is there, or a default; a cpuset that limits it leaves a node out."""
    oom = draft.oom
    if oom is None or not draft.all_tasks_are_good:
        return
    task: Task | None
    if oom.current is None:
        task = default_current(draft.tasks)
        if task is None:
            complaints.add(("oom", "current"), f"{MISSING}: no user task is there to be the default")
            return
    else:
        task = next((task for task in draft.tasks if task is not None and oom.current in pids_of(task)), None)
        if task is None:
            complaints.add(("oom", "current"), f"no task has pid {oom.current}; name one of tasks")
            return
        if "zombie" in task.flags:
            complaints.add(("oom", "current"), f"pid {oom.current} is a zombie, which allocates nothing; name another")
    if oom.cpuset_limited and draft.machine is not None:
        memory = nodes_with_memory(draft.machine)
        mems = task.cpuset.mems_allowed if task.cpuset else None
        if mems is None or memory <= set(mems):
            message = "the allocating task's mems_allowed covers every node with memory; give it a cpuset that does not"
            complaints.add(("oom", "cpuset_limited"), message)


def pids_of(task: Task) -> tuple[int, ...]:
    """The pids that name a process: its leader's and that of the thread that outlived it."""
    return (task.pid,) if task.thread is None else (task.pid, task.thread.pid)


def check_expect(draft: Draft, complaints: Complaints) -> None:
    """Each verdict says how a run ends, in one way."""
    expect = draft.expect
    if expect is None:
        return
    for path, verdict in (
        (("expect",), expect),
        (("expect", "approximate"), expect.approximate),
        (("expect", "precise"), expect.precise),
    ):
        if verdict is not None:
            check_verdict(path, verdict, complaints)


def check_verdict(path: Path, verdict: Verdict, complaints: Complaints) -> None:
    """A verdict states what happens, and nothing that cannot go together."""
    stated = [name for name in ("victim", "nobody", "panic") if getattr(verdict, name) is not None]
    if len(stated) > 1:
        complaints.conflict((*path, stated[0]), (*path, stated[1]), "conflicts with {}; a run ends in one way")
    elif verdict.kills and stated and stated != ["victim"]:
        complaints.conflict((*path, stated[0]), (*path, "kills"), "conflicts with {}; a run ends in one way")
    if not stated and len(path) > 1 and verdict.kills is None and verdict.output is None:
        complaints.add(path, "no outcome in it; state victim, nobody, panic, kills or output")
    for name in stated:
        if getattr(verdict, name) is False:
            complaints.add((*path, name), "false says nothing; use true, or leave the key out")
