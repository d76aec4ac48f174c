"""The scenario, format 1, as plain validated data.  What keys mean stands here, what they may hold in `schema`.

pydantic-core fills and checks the classes by the schema built from them.  pydantic's own model
classes would do the same at 70 ms more of start-up, dataclasses at 12 ms more: a third and a
twentieth of all that `oomsel select` takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, dataclass_transform

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
        return hash((type(self), self.__dict__.get("pid")))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


class Counter(Model):
    """A percpu_counter; pages."""

    count: int = 0  #: the global count
    deltas: Mapping[int, int] = NOTHING  #: CPU -> its value not folded in yet


class Rss(Model):
    """mm->rss_stat.  `total` stands in place of anon, file and shmem where only their sum is known."""

    anon: Counter | None = None
    file: Counter | None = None
    shmem: Counter | None = None
    swap: Counter | None = None
    total: Counter | None = None


class Thread(Model):
    """The thread that still has the mm of a process whose leader has exited."""

    pid: int
    comm: bytes | None = None  #: default: the task's


class Cpuset(Model):
    """A task's cpuset."""

    name: str = "/"  #: the last part of its path
    mems_allowed: tuple[int, ...] | None = None  #: default: all nodes with memory


class Task(Model):
    """A process."""

    pid: int
    comm: bytes
    tgid: int | None = None
    uid: int = 0
    oom_score_adj: int = 0
    total_vm: int | None = None  #: pages; default: the precise RSS
    pgtables_bytes: int | None = None
    rss: Rss | None = None
    flags: tuple[str, ...] = ()
    mm: str | None = None  #: processes with one label share one mm
    thread: Thread | None = None
    memcg: str = "/"
    cpuset: Cpuset | None = None
    mempolicy: tuple[int, ...] | None = None  #: nodes of a bound policy


class Node(Model):
    """A NUMA node; `ram` is node_present_pages, 0 for none."""

    ram: int
    cpus: tuple[int, ...] = ()


class Machine(Model):
    """CPUs and memory; pages."""

    cpus: tuple[int, ...]  #: possible ones
    online: tuple[int, ...] | None = None
    dying: tuple[int, ...] = ()
    page_size: int = 4096  #: bytes
    ram: int | None = None  #: totalram_pages(); default: the nodes' sum
    swap: int = 0  #: total_swap_pages
    batch: int | None = None  #: percpu_counter_batch
    nodes: Mapping[int, Node] | None = None


class MemcgLimits(Model):
    """A memory cgroup; pages, None for `max`."""

    max: int | None = None
    swap_max: int | None = None
    oom_group: bool = False


class Oom(Model):
    """The failed allocation."""

    current: int | None = None  #: pid
    comm: bytes | None = None
    gfp_mask: int | str | None = None  #: a number, or flag names
    order: int = 0
    memcg: str | None = None
    nodemask: tuple[int, ...] | None = None
    cpuset_limited: bool = False
    totalpages: int | None = None


class Sysctls(Model):
    """vm.* settings."""

    oom_kill_allocating_task: int = 0
    oom_dump_tasks: int = 1
    panic_on_oom: int = 0


class Update(Model):
    """A counter update, or CPUs going offline or online."""

    cpu: int | None = None
    pid: int | None = None
    anon: int | None = None
    file: int | None = None
    shmem: int | None = None
    swap: int | None = None
    total: int | None = None
    repeat: int = 1
    offline: tuple[int, ...] | None = None
    online: tuple[int, ...] | None = None


class Verdict(Model):
    """What a mode is expected to come to; one of the three."""

    victim: int | bytes | None = None  #: a pid or a comm
    nobody: bool | None = None
    panic: bool | None = None


class Expect(Verdict):
    """What `check` holds the outcome to; a verdict directly here is for both modes."""

    approximate: Verdict | None = None
    precise: Verdict | None = None
    never: tuple[int | bytes, ...] = ()
    robust: bool | None = None


class Scenario(Model):
    """Everything the OOM killer looks at in the moment it chooses, as the file states it; defaults are None."""

    oomsel: int
    machine: Machine
    tasks: Sequence[Task]  #: a tuple, or of a large scenario `columns.TaskColumns`
    kernel: str | None = None
    title: str | None = None
    description: str | None = None
    memcgs: Mapping[str, MemcgLimits] = NOTHING
    oom: Oom = Oom()
    sysctl: Sysctls = Sysctls()
    updates: tuple[Update, ...] = ()
    expect: Expect | None = None
    #: What the reader noticed and a person should know; not a key.
    notes: tuple[str, ...] = ()
    #: The report in a kernel log that it was read from, an oomsel.scenario.log_reader.LogReading; not a key.
    log: Any = None
