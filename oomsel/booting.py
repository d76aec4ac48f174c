"""From a Scenario to the simulated machine, with every default filled in and every update replayed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from oomsel.errors import UsageError
from oomsel.kernel.badness import get_mm_rss
from oomsel.kernel.constraint import GroupVictimAgain, OomControl, constrained_alloc
from oomsel.kernel.event import OomReport
from oomsel.kernel.gfp import GFP_HIGHUSER_MOVABLE, parse_gfp
from oomsel.kernel.historic import Formula, formula_of
from oomsel.kernel.oom_kill import READS, out_of_memory, out_of_memory_by_mode
from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.kernel.percpu_counter import (
    MEMBERS,
    MM_ANONPAGES,
    Int64s,
    RssStat,
    percpu_counter_add_batch,
    percpu_counter_cpu_dead,
    percpu_counter_cpu_online,
    percpu_counter_sum_positive,
)
from oomsel.kernel.release import NEWEST, Release, Rules, newest_release, parse_release
from oomsel.kernel.system import (
    NO_MM,
    Indices,
    Memcg,
    Mempolicy,
    ReaperLeaves,
    Sysctl,
    System,
    TaskFlag,
    TaskTable,
)
from oomsel.scenario.columns import NOT_STATED, TOTAL, TaskColumns
from oomsel.scenario.models import Interleave, Machine, Scenario, Thread, Update
from oomsel.scenario.rules.machine import nodes_with_memory, online_cpus
from oomsel.text import number_of

if TYPE_CHECKING:
    from oomsel.inputs.log.reading import LogReading

_FLAGS = {flag.name.lower(): flag for flag in TaskFlag if flag.name is not None}
#: Flags of tasks that are not the allocating one by default.
_NOT_CURRENT = TaskFlag.INIT | TaskFlag.KTHREAD | TaskFlag.ZOMBIE


#: The pid, which nothing prints, and the name of the worker that runs sysrq's OOM killer.
KWORKER = (0, b"kworker/0:0")


class Booted(NamedTuple):
    """A machine in the moment before out_of_memory(), the allocation that failed, and what a person should know."""

    system: System
    oc: OomControl
    notes: tuple[str, ...]
    log: LogReading | None = None  #: the report that the scenario was read from

    def __repr__(self) -> str:
        cpus = number_of(len(self.system.rss.online), "CPU")
        return f"<Booted: {number_of(len(self.system.tasks), 'task')}, {cpus} online>"


def boot(scenario: Scenario) -> Booted:
    """The machine that `scenario` describes; raises UsageError for what is no Scenario."""
    if not isinstance(scenario, Scenario):
        raise UsageError(f"{type(scenario).__name__} is no Scenario; oomsel.load makes one of a file")
    release = parse_release(scenario.kernel) if scenario.kernel else newest_release()
    notes = list(scenario.notes) + _release_notes(scenario, release)
    machine = scenario.machine
    tasks = TaskColumns.of_tasks(scenario.tasks, machine.cpus)
    memcgs = _memcgs(scenario)
    table = _task_table(tasks, machine, {group.path: index for index, group in enumerate(memcgs)})
    table.entered = _entered(scenario, table.pid)
    stat = _rss_stat(tasks, machine)
    _replay(scenario.updates, stat, table)
    if not release.rules.percpu_rss:
        if stat.percpu.any():
            notes.append(
                f"Linux {scenario.kernel} counts RSS exactly here: deltas are folded in, both modes read the same"
            )
        stat.make_exact()
    nodes = {0: machine.ram or 0}
    if machine.nodes is not None:
        nodes = {number: node.ram for number, node in machine.nodes.items()}
    system = System(
        rules=_rules(scenario, release),
        page_size=machine.page_size,
        totalram_pages=sum(nodes.values()) if machine.ram is None else machine.ram,
        total_swap_pages=machine.swap,
        node_present_pages=nodes,
        memcgs=memcgs,
        sysctl=Sysctl(*(getattr(scenario.sysctl, name) for name in Sysctl._fields)),
        tasks=table,
        rss=stat,
        total_vm=_total_vm(tasks.total_vm, stat),
        pgtables_bytes=tasks.pgtables_bytes,
        rss_is_one_number=(tasks.stated & TOTAL) != 0,
        reaper_leaves=_reaper_leaves(tasks),
        total_is_known=scenario.log is None or None not in (scenario.log.facts.ram, scenario.log.facts.swap),
        formula=_formula(scenario),
    )
    oc = _oom_control(scenario, system)
    if scenario.log is not None:
        notes += _swappiness_notes(system, oc)
    return Booted(system, oc, tuple(notes), scenario.log)


def _rules(scenario: Scenario, release: Release) -> Rules:
    """The release's; a log's table has the columns that it has, as distributions carry newer ones under old numbers."""
    log = scenario.log
    if log is None or not log.event.columns or scenario.kernel != log.facts.kernel:
        return release.rules
    return release.rules._replace(split_table="rss_anon" in log.event.columns)


def _formula(scenario: Scenario) -> Formula | None:
    """How the kernel that printed a log chose, where that is not simulated; an option may name another kernel."""
    if scenario.log is None or scenario.log.facts.is_simulated or scenario.kernel != scenario.log.facts.kernel:
        return None
    return formula_of(scenario.log.facts.version)


def _swappiness_notes(system: System, oc: OomControl) -> list[str]:
    """That a choice hangs on vm.swappiness, which no log says: at 0 a cgroup's totalpages leave swap out."""
    without = replace(system, sysctl=system.sysctl._replace(swappiness=0))
    if constrained_alloc(without, oc) == constrained_alloc(system, oc):
        return []
    mode = "precise" if system.rules.precise_oom else "approximate"
    here, there = (out_of_memory(each, oc, mode) for each in (system, without))
    if here.chosen == there.chosen:
        return []
    return [f"vm.swappiness, which the log does not say, decides: were it 0, {there.victim} would be chosen"]


def _release_notes(scenario: Scenario, release: Release) -> list[str]:
    if not release.is_newer_than_known:
        return []
    return [f"Linux {scenario.kernel} is newer than oomsel knows; the rules of {NEWEST[0]}.{NEWEST[1]} are used"]


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
        groups.append(Memcg(path, parent, limit, swap_limit, limits.oom_group, limits.swappiness))
    return groups


def _task_table(tasks: TaskColumns, machine: Machine, memcgs: Mapping[str, int]) -> TaskTable:
    """The rows of the task table; `memcgs` has the index of every cgroup by its path."""
    everywhere = frozenset(nodes_with_memory(machine))
    memcg, cpuset, mempolicy = (tasks.coded[name] for name in ("memcg", "cpuset", "mempolicy"))
    comm: list[bytes] = tasks.comm.tolist()
    live_pid, live_comm = tasks.pid.copy(), comm.copy()
    for row, thread in _threads(tasks):
        live_pid[row] = thread.pid
        if thread.comm is not None:
            live_comm[row] = thread.comm
    return TaskTable(
        pid=tasks.pid,
        comm=comm,
        live_pid=live_pid,
        live_comm=live_comm,
        uid=tasks.uid,
        oom_score_adj=tasks.oom_score_adj,
        flags=_flags(tasks, machine),
        mm=_mm_of_task(tasks),
        memcg=np.array([memcgs[path] for path in memcg.values], np.intp)[memcg.code],
        mems_allowed=cpuset.map(
            lambda own: everywhere if own is None or own.mems_allowed is None else frozenset(own.mems_allowed)
        ),
        cpuset_name=cpuset.map(lambda own: "/" if own is None else own.name),
        mempolicy=mempolicy.map(_mempolicy),
    )


def _mempolicy(stated: tuple[int, ...] | Interleave | None) -> Mempolicy | None:
    if isinstance(stated, Interleave):
        return Mempolicy(frozenset(stated.interleave), interleave=True)
    return None if stated is None else Mempolicy(frozenset(stated))


def _entered(scenario: Scenario, pids: Int64s) -> Int64s | None:
    """Each task's place in its cgroup, where a cgroup states an order; else, and of a zombie, its place among all."""
    orders = [limits.order for limits in scenario.memcgs.values() if limits.order is not None]
    if not orders:
        return None
    entered = np.arange(len(pids))
    row_of = {pid: row for row, pid in enumerate(pids.tolist())}
    for order in orders:
        entered[[row_of[pid] for pid in order]] = np.arange(len(order))
    return entered


def _reaper_leaves(tasks: TaskColumns) -> dict[int, ReaperLeaves]:
    """What the reaper leaves of an mm, by the task that describes it, where that says so."""
    column = tasks.coded["reaper_leaves"]
    stated = np.flatnonzero(column.where(lambda own: own is not None)).tolist()
    return {row: ReaperLeaves(column[row].file, column[row].shmem) for row in stated}


def _threads(tasks: TaskColumns) -> list[tuple[int, Thread]]:
    """The threads that outlived their leaders, with the indices of their tasks."""
    thread = tasks.coded["thread"]
    return [(row, thread[row]) for row in np.flatnonzero(thread.where(lambda own: own is not None)).tolist()]


def _flags(tasks: TaskColumns, machine: Machine) -> Int64s:
    """`TaskFlag` bits of each task; init is the task that the machine names, or else the one flagged so, or pid 1."""
    stated = tasks.coded["flags"]
    flags = np.array([sum(_FLAGS[name] for name in set(names)) for names in stated.values], np.int64)[stated.code]
    if machine.init != "none" and not (flags & TaskFlag.INIT).any():
        flags[tasks.pid == (machine.init or 1)] |= TaskFlag.INIT
    flags[[row for row, _ in _threads(tasks)]] |= TaskFlag.DEAD_LEADER
    return flags


def _mm_of_task(tasks: TaskColumns) -> Indices:
    """Each task's mm, numbered as the task that describes it; the mm of any other task's number stays unused."""
    mm = np.arange(len(tasks))
    label = tasks.coded["mm"]
    shares = label.where(lambda own: own is not None)
    if shares.any():
        _, first, code = np.unique(label.code, return_index=True, return_inverse=True)
        mm[shares] = first[code][shares]
    mm[tasks.coded["flags"].where(lambda names: "kthread" in names or "zombie" in names)] = NO_MM
    return mm


def _rss_stat(tasks: TaskColumns, machine: Machine) -> RssStat:
    """The counters of every mm, numbered as the tasks."""
    online = online_cpus(machine)
    percpu = tasks.percpu.view()
    percpu.flags.writeable = False  # the scenario's
    return RssStat(
        count=tasks.counts.copy("F"),
        percpu=percpu,
        slots={cpu: slot for slot, cpu in enumerate(tasks.cpus)},
        online=online,
        dying=set(machine.dying),
        batch=compute_batch_value(len(online)) if machine.batch is None else machine.batch,
        bound=max(int(percpu.max()), -int(percpu.min())),
    )


def _replay(updates: Iterable[Update], stat: RssStat, table: TaskTable) -> None:
    """The updates in order, each through percpu_counter_add_batch()."""
    mm_of_pid: dict[int, int] = {}
    if updates:
        for pids in (table.live_pid, table.pid):
            mm_of_pid.update(zip(pids.tolist(), table.mm.tolist(), strict=True))
    for update in updates:
        if update.offline is not None:
            for cpu in update.offline:
                percpu_counter_cpu_dead(stat, cpu)
        elif update.online is not None:
            for cpu in update.online:
                percpu_counter_cpu_online(stat, cpu)
        else:
            assert update.pid is not None
            assert update.cpu is not None
            for name, member in (*MEMBERS.items(), ("total", MM_ANONPAGES)):
                amount = getattr(update, name)
                if amount is not None:
                    mm = mm_of_pid[update.pid]
                    percpu_counter_add_batch(stat, mm, member, update.cpu, amount, repeat=update.repeat)


def _total_vm(stated: Int64s, stat: RssStat) -> Int64s:
    """What is stated, and the precise RSS where nothing is."""
    silent = stated == NOT_STATED
    return np.where(silent, get_mm_rss(percpu_counter_sum_positive(stat)), stated) if silent.any() else stated


def _oom_control(scenario: Scenario, system: System) -> OomControl:
    oom, tasks = scenario.oom, system.tasks
    index: int | None = None
    pid, comm = KWORKER
    if oom.current is not None or oom.order != -1:
        if oom.current is None:
            could_be = ~tasks.has(_NOT_CURRENT)
        else:
            could_be = (tasks.pid == oom.current) | (tasks.live_pid == oom.current)
        index = int(np.flatnonzero(could_be)[0])  # the rules saw to it that there is one
        pid, comm = int(tasks.live_pid[index]), tasks.live_comm[index]  # a dead leader's pid means its thread
    gfp = oom.gfp_mask
    if gfp is None:
        gfp = "GFP_KERNEL" if oom.order == -1 else GFP_HIGHUSER_MOVABLE
    return OomControl(
        current=index,
        current_pid=pid if oom.current_thread is None else oom.current_thread,
        current_comm=comm if oom.comm is None else oom.comm,
        gfp_mask=parse_gfp(gfp, system.rules) if isinstance(gfp, str) else gfp,
        order=oom.order,
        memcg=None if oom.memcg is None else [group.path for group in system.memcgs].index(oom.memcg),
        nodemask=None if oom.nodemask is None else frozenset(oom.nodemask),
        cpuset_limited=oom.cpuset_limited,
        totalpages=oom.totalpages,
        group_victim_again=None if oom.group_victim_again is None else GroupVictimAgain(oom.group_victim_again),
    )


def select(scenario: Scenario | Booted, mode: str = "kernel") -> OomReport:
    """What the OOM killer does in `scenario` when it reads the RSS counters in `mode`.

    `mode` is approximate (the global counts alone, as Linux 6.2 to 6.19 do), precise (every
    CPU's share added, as 7.0 does), two-pass (precise where approximate scores leave a doubt) or
    kernel, the default (what the scenario's release does).  Raises UsageError for any other.

    >>> from oomsel.inputs.load import load
    >>> booted = boot(load("examples/real-contest.yaml"))
    >>> for mode in ("approximate", "precise"):
    ...     print(mode, select(booted, mode).victim)
    approximate 247 (over)
    precise 248 (under)
    """
    booted = scenario if isinstance(scenario, Booted) else boot(scenario)
    if mode == "kernel":
        mode = kernel_mode(booted)
    if mode not in READS:
        raise UsageError(f"no mode {mode}; use {', '.join(READS)} or kernel")
    return out_of_memory(booted.system, booted.oc, mode)


def kernel_mode(booted: Booted) -> str:
    """The mode in which the scenario's own release reads: precise since 7.0."""
    return "precise" if booted.system.rules.precise_oom else "approximate"


def select_both(booted: Booted) -> tuple[OomReport, OomReport]:
    """Both modes' reports, approximate and precise; what does not depend on the mode is worked out once."""
    approximate, precise = out_of_memory_by_mode(booted.system, booted.oc, ("approximate", "precise"))
    return approximate, precise
