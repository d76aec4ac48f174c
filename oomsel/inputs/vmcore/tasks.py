"""The task list, as for_each_process() walks it: what the OOM killer looks at of each process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from drgn import Object

from oomsel.inputs.vmcore.cgroups import Cgroups
from oomsel.inputs.vmcore.counters import Counters, is_oom_skip
from oomsel.inputs.vmcore.memory import Memory, has_member, list_entries, nodes_in
from oomsel.scenario.models import Cpuset, Interleave, Task, Thread

_PF_EXITING, _PF_KTHREAD = 0x4, 0x200000
_MPOL_BIND, _MPOL_INTERLEAVE = 2, 3


class TaskReader:
    """Reads tasks; knows which mms it has seen."""

    def __init__(self, memory: Memory, cgroups: Cgroups, counters: Counters, nodes: Sequence[int] | None) -> None:
        self._memory, self._cgroups, self._counters = memory, cgroups, counters
        self._nodes = nodes
        self._users: dict[int, list[int]] = {}  # rows by the address of their mm
        self.held_back: dict[int, list[int]] = {}  #: pages by member, by pid; before 6.2 only

    def read(self, current: int | None) -> tuple[Task, ...]:
        """Every process, and of the kernel threads none but `current`."""
        stated: list[dict[str, Any]] = []
        for task in list_entries("struct task_struct", self._memory["init_task"].tasks, "tasks"):
            if not int(task.flags) & _PF_KTHREAD:
                stated.append(self._process(task, len(stated)))
            elif int(task.pid) == current:
                stated.append({**_identity(task), "flags": ("kthread",)})
        for rows in self._users.values():
            if len(rows) > 1:
                for row in rows:
                    stated[row]["mm"] = f"mm{stated[rows[0]]['pid']}"
        return tuple(Task(**each) for each in stated)

    def _process(self, task: Object, row: int) -> dict[str, Any]:
        stated = {
            **_identity(task),
            "oom_score_adj": int(task.signal.oom_score_adj),
            "memcg": self._cgroups.memcg_of(task),
        }
        # find_lock_task_mm(): the first thread that still has the mm.
        owner = task if task.mm else next((thread for thread in _threads(task) if thread.mm), None)
        if owner is None:
            return stated | {"flags": ("zombie",)}
        mm = owner.mm
        rows = self._users.setdefault(mm.value_(), [])
        rows.append(row)
        if len(rows) == 1:
            stated |= {
                "total_vm": int(mm.total_vm),
                "pgtables_bytes": int(mm.pgtables_bytes.counter),
                "rss": self._counters.of(mm),
            }
        if not self._counters.are_percpu:
            held = self._counters.held_back(_threads(task))
            if any(held):
                self.held_back[int(task.pid)] = held
        if owner.value_() != task.value_():
            stated["thread"] = Thread(pid=int(owner.pid), comm=owner.comm.string_())
        stated["flags"] = tuple(_flags(task, owner))
        return stated | self._where_it_may_allocate(task, owner)

    def _where_it_may_allocate(self, task: Object, owner: Object) -> dict[str, Any]:
        """Its cpuset and its memory policy, where they say anything."""
        if self._nodes is None:
            return {}
        stated: dict[str, Any] = {}
        allowed = self._known(owner.mems_allowed)
        name = self._cgroups.cpuset_name_of(task)
        if name != "/" or allowed != tuple(self._nodes):
            stated["cpuset"] = Cpuset(name=name, mems_allowed=allowed)
        policy = owner.mempolicy
        mode = int(policy.mode) if policy else None
        if mode in (_MPOL_BIND, _MPOL_INTERLEAVE):
            nodes = self._known(policy.nodes if has_member(policy, "nodes") else policy.v.nodes)
            stated["mempolicy"] = nodes if mode == _MPOL_BIND else Interleave(interleave=nodes)
        return stated

    def _known(self, mask: Object) -> tuple[int, ...]:
        allowed = set(nodes_in(mask))
        return tuple(node for node in self._nodes or () if node in allowed)


def _identity(task: Object) -> dict[str, Any]:
    return {"pid": int(task.pid), "comm": task.comm.string_(), "uid": int(task.real_cred.uid.val)}


def _threads(task: Object) -> Iterator[Object]:
    return list_entries("struct task_struct", task.signal.thread_head, "thread_node")


def _flags(task: Object, owner: Object) -> Iterator[str]:
    """The flags of a process that has an mm; `owner` is its thread that has it."""
    signal, mm = task.signal, owner.mm
    if int(task.pid) == 1:
        yield "init"
    if int(task.flags) & _PF_EXITING and owner.value_() == task.value_():
        yield "exiting" if int(signal.live.counter) else "exited"
    if owner.vfork_done and owner.real_parent.mm.value_() == mm.value_():
        yield "vfork"
    # It moved from the mm to the signal_struct with 0258b5fd7c71 (v5.16).
    if mm.core_state if has_member(mm, "core_state") else signal.core_state:
        yield "coredump"
    if is_oom_skip(mm):
        yield "oom_skip"
    if signal.oom_mm:
        yield "oom_victim"
    if signal.oom_flag_origin:
        yield "oom_origin"
