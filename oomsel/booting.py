"""From a Scenario to the simulated machine, with every default filled in and every update replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from oomsel.errors import UsageError
from oomsel.kernel.badness import get_mm_rss
from oomsel.kernel.constraint import OomControl
from oomsel.kernel.event import OomReport
from oomsel.kernel.gfp import GFP_HIGHUSER_MOVABLE, parse_gfp
from oomsel.kernel.historic import Formula, formula_of
from oomsel.kernel.oom_kill import READS, out_of_memory, out_of_memory_by_mode
from oomsel.kernel.percpu_counter import (
    Int64s,
    RssStat,
    percpu_counter_add_batch,
    percpu_counter_cpu_dead,
    percpu_counter_cpu_online,
    percpu_counter_sum_positive,
)
from oomsel.kernel.release import NEWEST, Release, newest_release, parse_release
from oomsel.kernel.system import Memcg, Sysctl, System
from oomsel.scenario.columns import NOT_STATED, TaskColumns
from oomsel.scenario.mms import MEMBERS, mms_of_columns, mms_of_tasks
from oomsel.scenario.models import Scenario, Task
from oomsel.scenario.rules.machine import default_current, pids_of
from oomsel.scenario.task_table import table_of_columns, table_of_tasks

if TYPE_CHECKING:
    from oomsel.inputs.log.reading import LogReading


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
    machine = scenario.machine
    memcgs = _memcgs(scenario)
    memcg_index = {group.path: index for index, group in enumerate(memcgs)}
    if isinstance(scenario.tasks, TaskColumns):
        mms = mms_of_columns(scenario.tasks, machine)
        table = table_of_columns(scenario.tasks, mms.of_task, machine, memcg_index)
    else:
        mms = mms_of_tasks(scenario.tasks, machine)
        table = table_of_tasks(scenario.tasks, mms.of_task, machine, memcg_index)
    referenced = _referenced(scenario)
    stat = mms.rss
    _replay(scenario, stat, {pid: int(mms.of_task[index]) for index, task in referenced for pid in pids_of(task)})
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
        rules=release.rules,
        page_size=machine.page_size,
        totalram_pages=sum(nodes.values()) if machine.ram is None else machine.ram,
        total_swap_pages=machine.swap,
        node_present_pages=nodes,
        memcgs=memcgs,
        sysctl=Sysctl(*(getattr(scenario.sysctl, name) for name in Sysctl._fields)),
        tasks=table,
        rss=stat,
        total_vm=_total_vm(mms.total_vm, stat),
        pgtables_bytes=mms.pgtables_bytes,
        rss_is_one_number=mms.rss_is_one_number,
        formula=_formula(scenario),
    )
    return Booted(system, _oom_control(scenario, system, referenced), tuple(notes), scenario.log)


def _formula(scenario: Scenario) -> Formula | None:
    """How the kernel that printed a log chose, where that is not simulated; an option may name another kernel."""
    if scenario.log is None or scenario.log.facts.is_simulated or scenario.kernel != scenario.log.facts.kernel:
        return None
    return formula_of(scenario.log.facts.version)


def _release_notes(scenario: Scenario, release: Release) -> list[str]:
    if not release.is_newer_than_known:
        return []
    return [f"Linux {scenario.kernel} is newer than oomsel knows; the rules of {NEWEST[0]}.{NEWEST[1]} are used"]


def _referenced(scenario: Scenario) -> list[tuple[int, Task]]:
    """The tasks that the rest of a scenario may name, or fall back on, with their indices."""
    tasks = scenario.tasks
    if isinstance(tasks, TaskColumns):
        return tasks.referenced({scenario.oom.current, *(update.pid for update in scenario.updates)})
    return list(enumerate(tasks))


def _replay(scenario: Scenario, stat: RssStat, mm_by_pid: dict[int, int]) -> None:
    """The updates in order, each through percpu_counter_add_batch()."""
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


def _total_vm(stated: Int64s, stat: RssStat) -> Int64s:
    """What is stated, and the precise RSS where nothing is."""
    silent = stated == NOT_STATED
    return np.where(silent, get_mm_rss(percpu_counter_sum_positive(stat)), stated) if silent.any() else stated


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


def _oom_control(scenario: Scenario, system: System, referenced: list[tuple[int, Task]]) -> OomControl:
    oom = scenario.oom
    if oom.current is None:
        current = default_current([task for _, task in referenced])
        assert current is not None  # the rules saw to it
    else:
        current = next(task for _, task in referenced if oom.current in pids_of(task))
    index = next(index for index, task in referenced if task is current)
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


def select(scenario: Scenario | Booted, mode: str = "approximate") -> OomReport:
    """What the OOM killer does in `scenario` when it reads the RSS counters in `mode`.

    `mode` is approximate (the global counts alone, as Linux 6.2 to 6.19 do), precise (every
    CPU's share added, as 7.0 does), two-pass (precise where approximate scores leave a doubt) or
    kernel (what the scenario's release does).  Raises UsageError for any other.

    >>> import oomsel
    >>> scenario = oomsel.load("examples/real-contest.yaml")
    >>> for mode in ("approximate", "precise"):
    ...     print(mode, oomsel.select(scenario, mode=mode).victim)
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
