"""Rules for keys that name processes by pid: `machine.init`, `oom.current_thread` and a cgroup's `order`."""

from __future__ import annotations

from oomsel.scenario.models import Scenario, Task
from oomsel.scenario.problems import ProblemCollector
from oomsel.scenario.rules.machine import all_tasks_read, current_of, is_kthread, pids_of
from oomsel.scenario.values import Path


def check_pids_named(scenario: Scenario, collector: ProblemCollector) -> None:
    """Every process that is named by pid is there, and of the kind that is meant."""
    if collector.reads("machine", "init"):
        check_init(scenario, collector)
    if scenario.oom.current_thread is not None and collector.reads("oom", "current_thread"):
        check_current_thread(scenario, scenario.oom.current_thread, collector)
    if collector.reads("memcgs"):
        for path, limits in scenario.memcgs.items():
            if limits.order is not None and collector.reads_whole("memcgs", path, "order"):
                check_order(scenario, path, limits.order, collector)


def check_init(scenario: Scenario, collector: ProblemCollector) -> None:
    """machine.init is a process with memory, and no other is flagged as init."""
    init, path = scenario.machine.init, ("machine", "init")
    if init is None:
        return
    for index, task in enumerate(scenario.tasks):
        if "init" in task.flags and task.pid != init and collector.reads_whole("tasks", index, "flags"):
            message = "another init than {} says; one task is init"
            collector.conflict(path, ("tasks", index, "flags"), message)
            return
    named = next((task for task in scenario.tasks if init in pids_of(task)), None)
    if named is None:
        if init not in ("none", 1) and all_tasks_read(scenario, collector, "pid", "thread"):
            collector.add(path, f"no task has pid {init}; name one of tasks, or none")
    elif named.pid != init:
        collector.add(path, f"pid {init} is a thread; name the process by its pid {named.pid}")
    elif is_kthread(named) or "zombie" in named.flags:
        kind = "a kernel thread" if is_kthread(named) else "a zombie"
        collector.add(path, f"pid {init} is {kind}; name another task, or none")


def check_current_thread(scenario: Scenario, pid: int, collector: ProblemCollector) -> None:
    """oom.current_thread is nobody else's pid, and current can have threads."""
    path = ("oom", "current_thread")
    for index, task in enumerate(scenario.tasks):
        places: list[tuple[int, Path]] = [(task.pid, ("tasks", index, "pid"))]
        if task.thread is not None:
            places.append((task.thread.pid, ("tasks", index, "thread", "pid")))
        for other, place in places:
            if other == pid and collector.reads(*place):
                collector.conflict(path, place, f"pid {pid} is {{}}'s already; pids are unique")
                return
    if not collector.reads("oom", "current") or not collector.reads("oom", "order"):
        return
    current = current_of(scenario)
    if (current is None and scenario.oom.order == -1) or (current is not None and is_kthread(current)):
        collector.add(path, "the allocating task is a kernel thread, which has no others; leave the key out")


def check_order(scenario: Scenario, memcg: str, order: tuple[int, ...], collector: ProblemCollector) -> None:
    """A cgroup's order names each of its processes once, a zombie or not, and nobody else."""
    path: Path = ("memcgs", memcg, "order")
    if not all_tasks_read(scenario, collector, "pid", "thread", "memcg", "flags"):
        return
    by_pid: dict[int, Task] = {pid: task for task in scenario.tasks for pid in reversed(pids_of(task))}
    named: set[int] = set()
    for index, pid in enumerate(order):
        task = by_pid.get(pid)
        if task is None:
            collector.add((*path, index), f"no task has pid {pid}; name those of {memcg}")
        elif task.pid != pid:
            collector.add((*path, index), f"pid {pid} is a thread; name the process by its pid {task.pid}")
        elif task.memcg != memcg:
            collector.add((*path, index), f"pid {pid} is in {task.memcg}; name those of {memcg} alone")
        elif pid in named:
            collector.add((*path, index), f"pid {pid} is named twice; name each once")
        named.add(pid)
    left = [task.pid for task in scenario.tasks if task.memcg == memcg and "zombie" not in task.flags]
    if missing := [pid for pid in left if pid not in named]:
        shown = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
        collector.add(path, f"without pid {shown} of {memcg}; name all of its processes")
