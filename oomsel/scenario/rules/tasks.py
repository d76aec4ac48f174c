"""Rules over tasks: pids, shared mms, kernel threads and zombies, cgroups, nodes, and what a CPU can hold."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property, partial

from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.kernel.percpu_counter import RSS_MEMBERS
from oomsel.scenario.models import Counter, Interleave, Machine, Rss, Scenario, Task
from oomsel.scenario.problems import ProblemCollector
from oomsel.scenario.rules.machine import (
    check_memcg_exists,
    check_nodes_exist,
    cpu_states_read,
    is_kthread,
    online_cpus,
)
from oomsel.scenario.values import Path
from oomsel.text import format_numbers, parse_list

#: What a task without memory may state.
KTHREAD_KEYS = frozenset(("pid", "comm", "uid", "flags"))
ZOMBIE_KEYS = frozenset(("pid", "comm", "uid", "oom_score_adj", "memcg", "flags"))
COUNTERS = Rss.fields()
MM_KEYS = ("rss", "total_vm", "pgtables_bytes", "reaper_leaves")


def check_tasks(scenario: Scenario, collector: ProblemCollector) -> list[str]:
    """Add the problems of tasks; returns what is allowed but worth a note."""
    tasks = [(index, task) for index, task in enumerate(scenario.tasks) if collector.reads("tasks", index)]
    check_pids(tasks, collector)
    check_shared_mms(tasks, collector)
    unseen: set[int] = set()
    cpus = _Cpus(scenario.machine, collector) if collector.reads("machine", "cpus") else None
    init: Path | None = None
    for index, task in tasks:
        path: Path = ("tasks", index)
        if "init" in task.flags:
            if init is not None:
                collector.conflict((*init, "flags"), (*path, "flags"), "a second init, see {}; one task is init")
            init = init or path
        check_task(task, path, scenario, collector)
        if cpus is not None and task.rss is not None:
            for name in COUNTERS:
                counter = getattr(task.rss, name)
                if counter is not None and counter.deltas and not cpus.allow(counter):
                    unseen |= cpus.check(counter, (*path, "rss", name), collector)
    if not unseen:
        return []
    return [unseen_note(format_numbers(unseen))]


def unseen_note(cpus: str) -> str:
    """What a person should know of values on CPUs that are neither online nor dying."""
    return f"deltas on CPU {cpus}, neither online nor dying, are kept, but the precise sum does not see them"


def check_pids(tasks: list[tuple[int, Task]], collector: ProblemCollector) -> None:
    """Pids are unique, those of threads included."""
    seen: dict[int, Path] = {}
    for index, task in tasks:
        stated: list[tuple[int, Path]] = [(task.pid, ("tasks", index, "pid"))]
        if task.thread is not None:
            stated.append((task.thread.pid, ("tasks", index, "thread", "pid")))
        for pid, path in stated:
            if not collector.reads(*path):
                continue
            if pid in seen:
                collector.conflict(seen[pid], path, f"pid {pid} is {{}}'s already; pids are unique")
            seen.setdefault(pid, path)


def check_shared_mms(tasks: list[tuple[int, Task]], collector: ProblemCollector) -> None:
    """Of processes that share an mm the first describes it, and no other does."""
    first: dict[str, int] = {}
    for index, task in tasks:
        if task.mm is None:
            continue
        if task.mm not in first:
            first[task.mm] = index
            continue
        for key in MM_KEYS:
            if getattr(task, key) is not None:
                owner = collector.places.shown_path(("tasks", first[task.mm]))
                message = f"the mm {task.mm} is {owner}'s to describe, the first that names it; leave the key out"
                collector.add(("tasks", index, key), message)


def check_task(task: Task, path: Path, scenario: Scenario, collector: ProblemCollector) -> None:
    """What a task says of itself fits together, and what it names exists."""
    if task.tgid is not None and task.tgid != task.pid and collector.reads(*path, "pid"):
        collector.add((*path, "tgid"), f"not the pid {task.pid}; a task is a process, leave the key out")
    if task.flags:
        check_flags(task, path, collector)
    if task.rss is not None and task.rss.total is not None:
        for name in RSS_MEMBERS:
            if getattr(task.rss, name) is not None:
                rss = (*path, "rss")
                collector.conflict(
                    (*rss, "total"), (*rss, name), "conflicts with {}; total stands in place of the parts"
                )
                break
    check_memcg_exists(scenario, task.memcg, (*path, "memcg"), collector)
    if task.cpuset is not None and task.cpuset.mems_allowed is not None:
        check_nodes_exist(scenario.machine, task.cpuset.mems_allowed, (*path, "cpuset", "mems_allowed"), collector)
    if isinstance(task.mempolicy, Interleave):
        if collector.reads(*path, "mempolicy", "interleave"):
            nodes = task.mempolicy.interleave
            check_nodes_exist(scenario.machine, nodes, (*path, "mempolicy", "interleave"), collector)
    elif task.mempolicy is not None:
        check_nodes_exist(scenario.machine, task.mempolicy, (*path, "mempolicy"), collector)


def check_flags(task: Task, path: Path, collector: ProblemCollector) -> None:
    """Kernel threads and zombies state nothing that such tasks do not have; where a thread lives not all exited."""
    if "exited" in task.flags and task.thread is not None:
        message = "conflicts with {}: of an exited process no thread lives; leave one of them out"
        collector.conflict((*path, "flags"), (*path, "thread"), message)
    if is_kthread(task):
        kind, allowed = "kernel thread", KTHREAD_KEYS
        if set(task.flags) != {"kthread"}:
            collector.add((*path, "flags"), "a kernel thread has no other flags; use [kthread]")
    elif "zombie" in task.flags:
        kind, allowed = "zombie", ZOMBIE_KEYS
    else:
        return
    unfit = [key for key in collector.stated(*path) or () if key not in allowed]
    if collector.places.has_row(path):
        collector.add((*path, "flags"), f"a {kind} has no row in a task table; take the row or the flag out")
        return
    for key in filter(partial(collector.reads, *path), unfit):
        collector.add((*path, key), f"a {kind} has none; leave the key out", at_key=True)


class _Cpus:
    """What a counter may have on each of a machine's CPUs."""

    def __init__(self, machine: Machine, collector: ProblemCollector) -> None:
        self.possible = set(machine.cpus)
        online = online_cpus(machine)
        self.seen = (online | set(machine.dying)) & self.possible
        # A stated batch may be smaller than what an earlier, larger one left behind.
        computed = machine.batch is None and collector.reads("machine", "batch") and cpu_states_read(collector)
        self.batch = compute_batch_value(len(online)) if computed else None
        self.most = (self.batch or 1 << 32) - 1

    @cached_property
    def possible_text(self) -> str:
        """The possible CPUs as a message shows them; there may be thousands, and of messages too."""
        return format_numbers(self.possible)

    def allow(self, counter: Counter) -> bool:
        """Whether a counter's deltas are all possible and seen by the precise sum; quick, as there are thousands."""
        values = counter.deltas.values()
        return counter.deltas.keys() <= self.seen and -self.most <= min(values) and max(values) <= self.most

    def check(self, counter: Counter, path: Path, collector: ProblemCollector) -> set[int]:
        """Add the problems of a counter's deltas; returns the CPUs whose values the precise sum does not see."""
        deltas = counter.deltas
        cpus = deltas.keys()
        keys = keys_by_cpu((*path, "deltas"), collector)
        if not cpus <= self.possible:
            impossible: dict[Path, list[int]] = {}
            for cpu in sorted(cpus - self.possible):
                impossible.setdefault(keys.get(cpu, (*path, "deltas")), []).append(cpu)
            for where, numbers in impossible.items():
                message = f"CPU {format_numbers(numbers)} is not possible; machine.cpus has {self.possible_text}"
                collector.add(where, message, at_key=True)
        reported: set[Path] = set()  # a key that is a cpulist is one mistake
        for cpu, pages in deltas.items():
            if abs(pages) <= self.most:
                continue
            where = keys.get(cpu, (*path, "deltas"))
            if where not in reported:
                reported.add(where)
                message = (
                    f"{pages} on CPU {cpu} cannot be: a value of the batch, {self.batch}, or more is folded;"
                    f" use -{self.most} to {self.most}, or state machine.batch"
                )
                collector.add(where, message)
        return set(cpus) & self.possible - self.seen


def keys_by_cpu(deltas: Path, collector: ProblemCollector) -> dict[int, Path]:
    """The path of the key of a counter's `deltas` that covers each CPU, of two the later one."""
    keys: dict[int, Path] = {}
    for key in collector.stated(*deltas) or ():
        with suppress(ValueError):  # a key that is no list is a mistake of its own
            keys |= dict.fromkeys(parse_list(key) if isinstance(key, str) else (key,), (*deltas, key))
    return keys
