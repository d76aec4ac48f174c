"""The scenario, format 1, as plain validated data.  What keys mean stands here, what they may hold in `schema`.

A field's description is the text of its `Annotated`: the JSON Schema and the reference show it.

pydantic-core fills and checks the classes by the schema built from them.  pydantic's own model
classes would do the same at 70 ms more of start-up, dataclasses at 12 ms more: a third and a
twentieth of all that `oomsel select` takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, dataclass_transform

NOTHING: Mapping[Any, Any] = MappingProxyType({})


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Model:
    """A frozen record: annotations are its fields, class attributes their defaults."""

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """The fields in order, those of the base class first."""
        inherited = (vars(base).get("__annotations__", {}) for base in reversed(cls.__mro__))
        return tuple(name for annotations in inherited for name in annotations)

    def __init__(self, **values: Any) -> None:
        fields = self.fields()
        for name in values.keys() - set(fields):
            raise TypeError(f"{type(self).__name__} has no field {name}")
        for name in fields:
            if name not in values and not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs {name}")
        self.__dict__.update({name: values.get(name, getattr(type(self), name, None)) for name in fields})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; make another one")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), self.__dict__.get("pid"), self.__dict__.get("name")))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


class Counter(Model):
    """A percpu_counter; a plain quantity is short for its count."""

    count: Annotated[int, "The global count, in pages; may be negative."] = 0
    deltas: Annotated[
        Mapping[int, int], "CPU or cpulist -> the pages that each of these CPUs holds and has not folded in yet."
    ] = NOTHING


class Rss(Model):
    """The resident set, mm->rss_stat, in pages."""

    anon: Annotated[Counter | None, "MM_ANONPAGES; default 0."] = None
    file: Annotated[Counter | None, "MM_FILEPAGES; default 0."] = None
    shmem: Annotated[Counter | None, "MM_SHMEMPAGES; default 0."] = None
    swap: Annotated[Counter | None, "MM_SWAPENTS; default 0."] = None
    total: Annotated[Counter | None, "In place of anon, file and shmem, where only their sum is known."] = None


class Thread(Model):
    """The thread that still has the mm of a process whose leader has exited."""

    pid: Annotated[int, "The thread's pid."]
    comm: Annotated[bytes | None, "The thread's name; default: the task's."] = None


class Cpuset(Model):
    """A task's cpuset."""

    name: Annotated[str, 'The last part of its path, as the kernel prints it; default "/".'] = "/"
    mems_allowed: Annotated[tuple[int, ...] | None, "Nodes it may use; default: all with memory."] = None


class Task(Model):
    """A process, in tasklist order (oldest first)."""

    pid: Annotated[int, "The process's pid; unique."]
    comm: Annotated[bytes, "Its name: at most 15 bytes; \\xNN stands for one byte."]
    tgid: Annotated[int | None, "The same as `pid`; may be stated for readers."] = None
    uid: Annotated[int, "Its user; default 0."] = 0
    oom_score_adj: Annotated[int, "-1000 (never chosen) to 1000; default 0."] = 0
    total_vm: Annotated[int | None, "Size of its address space, in pages; default: the precise RSS."] = None
    pgtables_bytes: Annotated[int | None, "Bytes of page tables; default 0."] = None
    rss: Annotated[Rss | None, "Its RSS counters; default 0."] = None
    flags: Annotated[tuple[str, ...], "What it is or is in the middle of."] = ()
    mm: Annotated[str | None, "A label; processes with one label share one mm, which the first of them describes."] = (
        None
    )
    thread: Annotated[Thread | None, "The leader has exited; this thread still has the mm."] = None
    memcg: Annotated[str, 'Its memory cgroup, declared under memcgs; default "/".'] = "/"
    cpuset: Annotated[Cpuset | None, "Its cpuset; default: the root, with all nodes."] = None
    mempolicy: Annotated[tuple[int, ...] | None, "Nodes of a bound (MPOL_BIND) policy; default: none."] = None


class Node(Model):
    """A NUMA node."""

    ram: Annotated[int, "node_present_pages; 0 for a node without memory."]
    cpus: Annotated[tuple[int, ...], "Its CPUs, possible ones; none is on two nodes."] = ()


class Machine(Model):
    """CPUs and memory."""

    cpus: Annotated[tuple[int, ...], "Possible CPUs: a cpulist; a plain number is a count."]
    online: Annotated[tuple[int, ...] | None, "CPUs online; default: all possible ones that are not dying."] = None
    dying: Annotated[
        tuple[int, ...], "CPUs going offline: not online, but still in the precise sum; default: none."
    ] = ()
    page_size: Annotated[int, "Bytes; default 4096."] = 4096
    ram: Annotated[int | None, "Usable RAM, totalram_pages(), as MemTotal says it; default: the nodes' sum."] = None
    swap: Annotated[int, "total_swap_pages; default 0."] = 0
    batch: Annotated[int | None, "percpu_counter_batch; default: max(32, 2 * online CPUs)."] = None
    nodes: Annotated[Mapping[int, Node] | None, "NUMA nodes by number; default: node 0 with everything."] = None


class MemcgLimits(Model):
    """A memory cgroup."""

    max: Annotated[int | None, "memory.max; default: max (unlimited)."] = None
    swap_max: Annotated[int | None, "memory.swap.max; default: max (unlimited)."] = None
    oom_group: Annotated[bool, "memory.oom.group: killed as a whole; default false."] = False


class Oom(Model):
    """The failed allocation: struct oom_control."""

    current: Annotated[
        int | None,
        "pid of the allocating task; default: the first with memory that is no init and no kernel thread.",
    ] = None
    comm: Annotated[bytes | None, "The allocating thread's own name, where it is not its process's."] = None
    gfp_mask: Annotated[int | str | None, "Flag names like GFP_KERNEL|__GFP_ZERO, or the number."] = None
    order: Annotated[int, "Order of the allocation; -1 for sysrq f; default 0."] = 0
    memcg: Annotated[str | None, "The cgroup that is out of memory: CONSTRAINT_MEMCG."] = None
    nodemask: Annotated[tuple[int, ...] | None, "Nodes the allocation was bound to: CONSTRAINT_MEMORY_POLICY."] = None
    cpuset_limited: Annotated[bool, "Nodes outside current's mems_allowed were refused: CONSTRAINT_CPUSET."] = False
    totalpages: Annotated[int | None, "In place of what constrained_alloc() works out, in pages."] = None


class Sysctls(Model):
    """vm.* settings."""

    oom_kill_allocating_task: Annotated[int, "1: kill the allocating task, whoever it is; default 0."] = 0
    oom_dump_tasks: Annotated[int, "0: the report has no task table; default 1."] = 1
    panic_on_oom: Annotated[int, "1: panic unless the allocation is constrained; 2: always; default 0."] = 0


class Update(Model):
    """A counter update through percpu_counter_add_batch(), or CPUs going offline or online."""

    cpu: Annotated[int | None, "The CPU that counts."] = None
    pid: Annotated[int | None, "Whose counters; a process or a thread."] = None
    anon: Annotated[int | None, "Pages to add, signed."] = None
    file: Annotated[int | None, "Pages to add, signed."] = None
    shmem: Annotated[int | None, "Pages to add, signed."] = None
    swap: Annotated[int | None, "Pages to add, signed."] = None
    total: Annotated[int | None, "Pages to add, signed, where the task's rss states a total."] = None
    repeat: Annotated[int, "How often; default 1."] = 1
    offline: Annotated[tuple[int, ...] | None, "CPUs that go down: their values are folded in."] = None
    online: Annotated[tuple[int, ...] | None, "CPUs that come up."] = None


class Verdict(Model):
    """What a mode is expected to come to."""

    victim: Annotated[int | bytes | None, "pid or comm of the process that is chosen."] = None
    nobody: Annotated[bool | None, "true: nobody is killed."] = None
    panic: Annotated[bool | None, "true: the machine panics."] = None
    kills: Annotated[
        tuple[int | bytes, ...] | None,
        "pids or comms of all that are killed with a line in the log, in any order: a whole memory.oom.group, say.",
    ] = None
    output: Annotated[
        str | None,
        "A file beside the scenario that holds, to the byte, this mode's event as `oomsel select` prints it; directly"
        " under expect both modes' if it begins with \"# \", else the release's. `check --update` writes it.",
    ] = None


class Expect(Verdict):
    """What `oomsel check` holds the outcome to; victim, nobody, panic and kills here are for both modes."""

    approximate: Annotated[Verdict | None, "For the approximate mode."] = None
    precise: Annotated[Verdict | None, "For the precise mode."] = None
    never: Annotated[
        tuple[int | bytes, ...], "pids or comms that no mode may choose, or kill with the chosen one."
    ] = ()
    robust: Annotated[
        bool | None,
        "true: the victim stays the same whatever the CPUs hold that is not folded into the global counts yet.",
    ] = None
    tolerance: Annotated[
        int,
        "Pages by which each number of memory in `output` may be off: a real log's table and kill line"
        " are read at two moments; default 0.",
    ] = 0


class Scenario(Model):
    """Everything the OOM killer looks at in the moment it chooses."""

    oomsel: Annotated[int, "Version of the format: 1."]
    machine: Annotated[Machine, "CPUs and memory."]
    tasks: Annotated[Sequence[Task], "Processes in tasklist order, or a task table as pasted from a kernel log."]
    kernel: Annotated[str | None, "Whose rules and log format, like 6.18; 5.4 or later; default: the newest known."] = (
        None
    )
    title: Annotated[str | None, "A line for people."] = None
    description: Annotated[str | None, "A text for people."] = None
    memcgs: Annotated[Mapping[str, MemcgLimits], "Memory cgroups by path, parents before children."] = NOTHING
    oom: Annotated[Oom, "The failed allocation."] = Oom()
    sysctl: Annotated[Sysctls, "vm.* settings that the OOM killer reads."] = Sysctls()
    updates: Annotated[tuple[Update, ...], "Counter updates and CPU hotplug, replayed in order before the OOM."] = ()
    expect: Annotated[Expect | None, "What `oomsel check` holds the outcome to."] = None
    #: What the reader noticed and a person should know; not a key.
    notes: tuple[str, ...] = ()
    #: The report in a kernel log that it was read from, an oomsel.inputs.log.reading.LogReading; not a key.
    log: Any = None
