"""Memory cgroups and cpusets, v1 and v2: limits, and the order in which mem_cgroup_scan_tasks() walks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from drgn import Object, container_of
from drgn.helpers.linux.cgroup import cgroup_path

from oomsel.inputs.vmcore.memory import Memory, has_member, list_entries
from oomsel.scenario.models import MemcgLimits, Task
from oomsel.text import printable

_CSS_ONLINE = 1 << 1


class Cgroups:
    """The cgroups of one kernel; `limits` are the memory cgroups by path, in pre-order, the root left out."""

    def __init__(self, memory: Memory, page_size: int) -> None:
        self._memory = memory
        self._paths: dict[int, str] = {}
        ids = memory.enum("cgroup_subsys_id")
        self._memory_id, self._cpuset_id = ids.get("memory_cgrp_id"), ids.get("cpuset_cgrp_id")
        self._unlimited = ((1 << 63) - 1) // page_size
        self.limits: dict[str, dict[str, Any]] = {}
        self.without_hierarchy: list[str] = []  #: v1 cgroups before 5.11 whose sub-cgroups do not count in their OOM
        self._order: dict[str, list[int]] = {}
        root = memory.get("root_mem_cgroup")
        if self._memory_id is not None and root is not None and root:
            self._walk(root)

    def path_of(self, cgroup: Object) -> str:
        """A cgroup's path below its hierarchy's root, as the kernel prints it."""
        address = cgroup.value_()
        if address not in self._paths:
            self._paths[address] = printable(cgroup_path(cgroup))
        return self._paths[address]

    def memcg_of(self, task: Object) -> str:
        """The path of the memory cgroup in which a task counts; of one that is being removed, what is above."""
        path = "/" if self._memory_id is None else self.path_of(task.cgroups.subsys[self._memory_id].cgroup)
        while path != "/" and path not in self.limits:
            path = path.rpartition("/")[0] or "/"
        return path

    def cpuset_name_of(self, task: Object) -> str:
        """The last part of the path of the task's cpuset."""
        if self._cpuset_id is None:
            return "/"
        return self.path_of(task.cgroups.subsys[self._cpuset_id].cgroup).rpartition("/")[2] or "/"

    def with_order(self, tasks: Sequence[Task]) -> dict[str, MemcgLimits]:
        """The limits of every memory cgroup, with the walk's order where it is not the order of `tasks`."""
        listed: dict[str, list[int]] = {}
        for task in tasks:
            if "kthread" not in task.flags:
                listed.setdefault(task.memcg, []).append(task.pid)
        memcgs = {}
        for path, limits in self.limits.items():
            here = listed.get(path, [])
            order = [pid for pid in self._order[path] if pid in set(here)]
            is_stated = order != here and sorted(order) == sorted(here)
            memcgs[path] = MemcgLimits(**limits, order=tuple(order) if is_stated else None)
        return memcgs

    def _walk(self, root: Object) -> None:
        """Every online memory cgroup in pre-order, siblings by age."""
        ahead = [root.css.address_of_()]
        while ahead:
            css = ahead.pop()
            path = self.path_of(css.cgroup)
            if path == "/" or int(css.flags) & _CSS_ONLINE:
                if path != "/":
                    self.limits[path] = self._limits(css, path)
                self._order[path] = list(self._entered(css))
            children = list(list_entries("struct cgroup_subsys_state", css.children, "sibling"))
            ahead += reversed(children)

    def _limits(self, css: Object, path: str) -> dict[str, Any]:
        memcg = container_of(css, "struct mem_cgroup", "css")
        limits: dict[str, Any] = {}
        most = int(memcg.memory.max)
        if most < self._unlimited:
            limits["max"] = most
        # page_counter swap and memsw are a union: swap alone on v2, memory and swap together on v1.
        is_v2 = css.cgroup.root.value_() == self._memory["cgrp_dfl_root"].address_
        with_swap = int(memcg.swap.max if is_v2 else memcg.memsw.max)
        if with_swap < self._unlimited:
            limits["swap_max"] = with_swap if is_v2 else max(with_swap - most, 0)
        if memcg.oom_group:
            limits["oom_group"] = True
        if not is_v2:
            swappiness = int(memcg.swappiness)
            if swappiness != int(self._memory["vm_swappiness"]):
                limits["swappiness"] = swappiness
            if (
                has_member(memcg, "use_hierarchy")
                and not memcg.use_hierarchy
                and css.children.next != css.children.address_of_()
            ):
                self.without_hierarchy.append(path)
        return limits

    def _entered(self, css: Object) -> Iterator[int]:
        """pids of the processes of one cgroup as css_task_iter gives them: by css_set, then as they entered it."""
        assert self._memory_id is not None
        sets = css.cgroup.e_csets[self._memory_id]
        for css_set in list_entries("struct css_set", sets, f"e_cset_node[{self._memory_id}]"):
            for name in ("tasks", "mg_tasks", "dying_tasks"):
                for task in list_entries("struct task_struct", getattr(css_set, name), "cg_list"):
                    is_gone = name == "dying_tasks" and not int(task.signal.live.counter)
                    if task.group_leader.value_() == task.value_() and not is_gone:
                        yield int(task.pid)
