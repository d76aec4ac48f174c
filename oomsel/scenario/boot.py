"""From a Scenario to the simulated machine, with every default filled in and every update replayed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from oomsel.kernel.gfp import GFP_HIGHUSER_MOVABLE, parse_gfp
from oomsel.kernel.oom_control import OomControl
from oomsel.kernel.percpu_counter import (
    MM_ANONPAGES,
    MM_FILEPAGES,
    MM_SHMEMPAGES,
    MM_SWAPENTS,
    RssStat,
    compute_batch_value,
    percpu_counter_add_batch,
    percpu_counter_cpu_dead,
    percpu_counter_cpu_online,
    percpu_counter_sum_positive,
)
from oomsel.kernel.release import NEWEST, Release, newest_release, parse_release
from oomsel.kernel.system import NO_MM, Memcg, Sysctl, System, TaskFlag, TaskTable
from oomsel.scenario.machine_rules import (
    default_current,
    init_of,
    is_kthread,
    nodes_with_memory,
    online_cpus,
    pids_of,
)
from oomsel.scenario.models import Scenario, Task

if TYPE_CHECKING:
    from oomsel.scenario.log_reader import LogReading

#: A scenario's counters and the member of rss_stat that holds each; `total` stands in the place of anon.
MEMBERS = {
    "anon": MM_ANONPAGES,
    "file": MM_FILEPAGES,
    "shmem": MM_SHMEMPAGES,
    "swap": MM_SWAPENTS,
    "total": MM_ANONPAGES,
}
_FLAGS = {flag.name.lower(): flag for flag in TaskFlag if flag.name is not None}


class Booted(NamedTuple):
    """A machine in the moment before out_of_memory(), the allocation that failed, and what a person should know."""

    system: System
    oc: OomControl
    notes: tuple[str, ...]
    log: LogReading | None = None  #: the report that the scenario was read from


def boot(scenario: Scenario) -> Booted:
    """The machine that `scenario` describes."""
    release = parse_release(scenario.kernel) if scenario.kernel else newest_release()
    notes = list(scenario.notes) + _release_notes(scenario, release)
    mm_of, owners = _mms(scenario.tasks)
    stat = _counters(scenario, owners)
    _replay(scenario, stat, mm_of)
    if not release.rules.percpu_rss:
        if stat.percpu.any():
            notes.append(
                f"Linux {scenario.kernel} counts RSS exactly here: deltas are folded in, both modes read the same"
            )
        stat.make_exact()
    machine = scenario.machine
    nodes = {0: machine.ram or 0}
    if machine.nodes is not None:
        nodes = {number: node.ram for number, node in machine.nodes.items()}
    memcgs = _memcgs(scenario)
    system = System(
        rules=release.rules,
        page_size=machine.page_size,
        totalram_pages=sum(nodes.values()) if machine.ram is None else machine.ram,
        total_swap_pages=machine.swap,
        node_present_pages=nodes,
        memcgs=memcgs,
        sysctl=Sysctl(
            scenario.sysctl.oom_kill_allocating_task,
            scenario.sysctl.oom_dump_tasks,
            scenario.sysctl.panic_on_oom,
        ),
        tasks=_task_table(scenario, mm_of, {group.path: index for index, group in enumerate(memcgs)}),
        rss=stat,
        total_vm=_total_vm(owners, stat),
        pgtables_bytes=np.array([task.pgtables_bytes or 0 for task in owners], np.int64),
        rss_is_one_number=np.array([_one_number(task) for task in owners], np.bool_),
    )
    return Booted(system, _oom_control(scenario, system), tuple(notes), scenario.log)


def _release_notes(scenario: Scenario, release: Release) -> list[str]:
    if not release.is_newer_than_known:
        return []
    return [f"Linux {scenario.kernel} is newer than oomsel knows; the rules of {NEWEST[0]}.{NEWEST[1]} are used"]


def _one_number(task: Task) -> bool:
    return task.rss is not None and task.rss.total is not None


def _mms(tasks: Sequence[Task]) -> tuple[list[int], list[Task]]:
    """The index of every task's mm, and for every mm the task that describes it."""
    shared: dict[str, int] = {}
    owners: list[Task] = []
    mm_of = []
    for task in tasks:
        if is_kthread(task) or "zombie" in task.flags:
            mm_of.append(NO_MM)
            continue
        mm = shared.get(task.mm, -1) if task.mm is not None else -1
        if mm == -1:
            mm = len(owners)
            owners.append(task)
            if task.mm is not None:
                shared[task.mm] = mm
        mm_of.append(mm)
    return mm_of, owners


def _counters(scenario: Scenario, owners: list[Task]) -> RssStat:
    machine = scenario.machine
    online = online_cpus(machine)
    batch = compute_batch_value(len(online)) if machine.batch is None else machine.batch
    stat = RssStat.zeros(len(owners), machine.cpus, online, machine.dying, batch)
    mms: list[int] = []
    members: list[int] = []
    sizes: list[int] = []
    cpus: list[int] = []
    values: list[int] = []
    for mm, task in enumerate(owners):
        if task.rss is None:
            continue
        for name, member in MEMBERS.items():
            counter = getattr(task.rss, name)
            if counter is None:
                continue
            stat.count[mm, member] = counter.count
            if counter.deltas:
                mms.append(mm)
                members.append(member)
                sizes.append(len(counter.deltas))
                cpus += counter.deltas.keys()
                values += counter.deltas.values()
    if values:
        slot_of = np.zeros(max(stat.slots) + 1, np.intp)
        slot_of[list(stat.slots)] = list(stat.slots.values())
        stat.percpu[np.repeat(mms, sizes), np.repeat(members, sizes), slot_of[cpus]] = values
        stat.bound = max(map(abs, values))
    return stat


def _replay(scenario: Scenario, stat: RssStat, mm_of: list[int]) -> None:
    """The updates in order, each through percpu_counter_add_batch()."""
    mm_by_pid = {}
    if scenario.updates:
        mm_by_pid = {pid: mm for task, mm in zip(scenario.tasks, mm_of, strict=True) for pid in pids_of(task)}
    for update in scenario.updates:
        if update.offline is not None:
            for cpu in update.offline:
                percpu_counter_cpu_dead(stat, cpu)
        elif update.online is not None:
            for cpu in update.online:
                percpu_counter_cpu_online(stat, cpu)
        else:
            assert update.pid is not None
            assert update.cpu is not None
            for name, member in MEMBERS.items():
                amount = getattr(update, name)
                if amount is not None:
                    mm = mm_by_pid[update.pid]
                    percpu_counter_add_batch(stat, mm, member, update.cpu, amount, repeat=update.repeat)


def _total_vm(owners: list[Task], stat: RssStat) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    precise = percpu_counter_sum_positive(stat)
    rss = precise[:, MM_FILEPAGES] + precise[:, MM_ANONPAGES] + precise[:, MM_SHMEMPAGES]
    stated = [-1 if task.total_vm is None else task.total_vm for task in owners]
    total_vm = np.array(stated, np.int64)
    return np.where(total_vm < 0, rss, total_vm)


def _memcgs(scenario: Scenario) -> list[Memcg]:
    unlimited = ((1 << 63) - 1) // scenario.machine.page_size
    groups = [Memcg("/", -1, unlimited, unlimited, oom_group=False)]
    index_of = {"/": 0}
    for path, limits in scenario.memcgs.items():
        if path == "/":
            continue
        index_of[path] = len(groups)
        parent = index_of[path.rpartition("/")[0] or "/"]
        limit = unlimited if limits.max is None else limits.max
        swap_limit = unlimited if limits.swap_max is None else limits.swap_max
        groups.append(Memcg(path, parent, limit, swap_limit, limits.oom_group))
    return groups


def _task_table(scenario: Scenario, mm_of: list[int], memcg_index: dict[str, int]) -> TaskTable:
    tasks = scenario.tasks
    everywhere = frozenset(nodes_with_memory(scenario.machine))
    init = init_of(list(tasks))
    masks: dict[tuple[int, ...], frozenset[int]] = {}

    def mask(nodes: tuple[int, ...]) -> frozenset[int]:
        return masks.setdefault(nodes, frozenset(nodes))

    def flags(task: Task) -> int:
        bits = TaskFlag(0)
        for name in task.flags:
            bits |= _FLAGS[name]
        if task is init:
            bits |= TaskFlag.INIT
        if task.thread is not None:
            bits |= TaskFlag.DEAD_LEADER
        return int(bits)

    def cpuset_nodes(task: Task) -> frozenset[int]:
        if task.cpuset is None or task.cpuset.mems_allowed is None:
            return everywhere
        return mask(task.cpuset.mems_allowed)

    def live_comm(task: Task) -> bytes:
        comm = task.thread.comm if task.thread is not None else None
        return task.comm if comm is None else comm

    return TaskTable(
        pid=np.array([task.pid for task in tasks], np.int64),
        comm=[task.comm for task in tasks],
        live_pid=np.array([pids_of(task)[-1] for task in tasks], np.int64),
        live_comm=[live_comm(task) for task in tasks],
        uid=np.array([task.uid for task in tasks], np.int64),
        oom_score_adj=np.array([task.oom_score_adj for task in tasks], np.int64),
        flags=np.array([flags(task) if task.flags or task.thread or task is init else 0 for task in tasks], np.int64),
        mm=np.array(mm_of, np.intp),
        memcg=np.array([memcg_index[task.memcg] for task in tasks], np.intp),
        mems_allowed=[cpuset_nodes(task) for task in tasks],
        cpuset_name=["/" if task.cpuset is None else task.cpuset.name for task in tasks],
        mempolicy=[None if task.mempolicy is None else mask(task.mempolicy) for task in tasks],
    )


def _oom_control(scenario: Scenario, system: System) -> OomControl:
    oom = scenario.oom
    tasks = list(scenario.tasks)
    if oom.current is None:
        current = default_current(list(tasks))
        assert current is not None  # the rules saw to it
    else:
        current = next(task for task in tasks if oom.current in pids_of(task))
    index = next(index for index, task in enumerate(tasks) if task is current)
    gfp = oom.gfp_mask
    if gfp is None:
        gfp = "GFP_KERNEL" if oom.order == -1 else GFP_HIGHUSER_MOVABLE
    memcg = None
    if oom.memcg is not None:
        memcg = next(index for index, group in enumerate(system.memcgs) if group.path == oom.memcg)
    return OomControl(
        current=index,
        current_pid=int(system.tasks.live_pid[index]),  # a dead leader's pid means its thread
        current_comm=system.tasks.live_comm[index] if oom.comm is None else oom.comm,
        gfp_mask=parse_gfp(gfp, system.rules) if isinstance(gfp, str) else gfp,
        order=oom.order,
        memcg=memcg,
        nodemask=None if oom.nodemask is None else frozenset(oom.nodemask),
        cpuset_limited=oom.cpuset_limited,
        totalpages=oom.totalpages,
    )
