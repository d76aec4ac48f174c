"""The simulated machine: its memory, its cgroups and its task table, in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import NamedTuple, TypeAlias, TypeVar, overload

import numpy as np
import numpy.typing as npt

from oomsel.kernel.historic import Formula
from oomsel.kernel.percpu_counter import Int64s, RssStat
from oomsel.kernel.release import Rules

Bools: TypeAlias = npt.NDArray[np.bool_]
Indices: TypeAlias = npt.NDArray[np.intp]

Value = TypeVar("Value")
Other = TypeVar("Other")

OOM_SCORE_ADJ_MIN = -1000
#: No mm: a kernel thread, or a process whose threads have all dropped it.
NO_MM = -1


class TaskFlag(IntFlag):
    """What a task is or is in the middle of; the kernel's own name beside each."""

    INIT = 1  # is_global_init()
    KTHREAD = 2  # PF_KTHREAD
    ZOMBIE = 4  # no mm left
    EXITING = 8  # SIGNAL_GROUP_EXIT
    VFORK = 16  # in_vfork()
    COREDUMP = 32  # signal->core_state
    OOM_SKIP = 64  # MMF_OOM_SKIP
    OOM_VICTIM = 128  # tsk_is_oom_victim()
    OOM_ORIGIN = 256  # oom_task_origin()
    DEAD_LEADER = 512  # the leader has exited, another thread has the mm
    EXITED = 1024  # every thread has passed exit_signals(); the mm is not freed yet


class Mempolicy(NamedTuple):
    """A task's memory policy, of the kinds that can keep it out of an allocation's domain."""

    nodes: frozenset[int]
    interleave: bool = False  #: MPOL_INTERLEAVE; else MPOL_BIND


class ReaperLeaves(NamedTuple):
    """What the oom_reaper cannot unmap of an mm, as it is shared; pages."""

    file: int = 0
    shmem: int | None = None  #: None: all of it


class Coded(Sequence[Value]):
    """A column of few different values: `values`, and which of them each task has, `code`; intp[task].

    Reads like the list that it stands for.
    """

    def __init__(self, column: Iterable[Value]) -> None:
        codes: dict[Value, int] = {}
        self.code: Indices = np.array([codes.setdefault(value, len(codes)) for value in column], np.intp)
        self.values = list(codes)

    @classmethod
    def same(cls, value: Value, tasks: int) -> Coded[Value]:
        """The column in which every one of `tasks` tasks has `value`."""
        column: Coded[Value] = cls([value])
        column.code = np.zeros(tasks, np.intp)
        return column

    def __len__(self) -> int:
        return len(self.code)

    @overload
    def __getitem__(self, task: int) -> Value: ...
    @overload
    def __getitem__(self, task: slice) -> list[Value]: ...
    def __getitem__(self, task: int | slice) -> Value | list[Value]:
        if isinstance(task, slice):
            return [self.values[code] for code in self.code[task].tolist()]
        return self.values[int(self.code[task])]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self[:] == list(other)

    __hash__ = None  # type: ignore[assignment]

    def put(self, tasks: list[int], column: Coded[Value]) -> None:
        """Give each of `tasks` its value in `column`."""
        self.code[tasks] = column.code + len(self.values)
        self.values += column.values

    def map(self, function: Callable[[Value], Other]) -> Coded[Other]:
        """The column of what `function` makes of each value, asked once a value."""
        column: Coded[Other] = Coded(())
        column.code, column.values = self.code, [function(value) for value in self.values]
        return column

    def where(self, test: Callable[[Value], bool]) -> Bools:
        """Of which tasks `test` holds, asked once a value; bool[task]."""
        answers = [test(value) for value in self.values]
        if all(answers):
            return np.ones(len(self.code), np.bool_)
        return np.array(answers, np.bool_)[self.code]


@dataclass(slots=True, eq=False, repr=False)
class TaskTable:
    """The processes in tasklist order; every column has one entry a process."""

    pid: Int64s  #: the leader's
    comm: list[bytes]  #: the leader's
    live_pid: Int64s  #: of the first thread with an mm, as find_lock_task_mm() finds it
    live_comm: list[bytes]
    uid: Int64s  #: 0 to 2^32 - 1
    oom_score_adj: Int64s  #: -1000 to 1000
    flags: Int64s  #: `TaskFlag` bits
    mm: Indices  #: index of the mm, or `NO_MM`
    memcg: Indices  #: index into `System.memcgs`
    mems_allowed: Coded[frozenset[int]]  #: nodes
    cpuset_name: Coded[str]
    mempolicy: Coded[Mempolicy | None]  #: None counts as in every domain
    entered: Int64s | None = None  #: place among the tasks of its cgroup, in the order they entered it; None: as listed
    any_flags: int | None = None  #: every flag that some task has, once it was asked for: most never occur
    own_mms: bool | None = None  #: whether each task has the mm of its own index, once it was asked for: most do

    def __len__(self) -> int:
        return len(self.comm)

    def some(self, flag: TaskFlag) -> bool:
        """Whether any task has any of the flags."""
        if self.any_flags is None:
            self.any_flags = int(np.bitwise_or.reduce(self.flags, initial=0))
        return bool(int(flag) & self.any_flags)

    def have_own_mms(self) -> bool:
        """Whether each task has the mm of its own index, so that a column by mm is one by task."""
        if self.own_mms is None:
            self.own_mms = np.array_equal(self.mm, np.arange(len(self.mm)))
        return self.own_mms

    def has(self, flag: TaskFlag) -> Bools:
        """Which tasks have any of the flags; bool[task]."""
        if not self.some(flag):
            return np.zeros(len(self.flags), np.bool_)
        has: Bools = (self.flags & int(flag)) != 0
        return has


class Memcg(NamedTuple):
    """A memory cgroup; limits in pages."""

    path: str
    parent: int  #: index; the root's is -1
    max: int
    swap_max: int
    oom_group: bool
    swappiness: int | None = None  #: a cgroup v1's own; None: the sysctl's


class Sysctl(NamedTuple):
    """vm.* settings that the OOM killer reads."""

    oom_kill_allocating_task: int = 0
    oom_dump_tasks: int = 1
    panic_on_oom: int = 0
    swappiness: int = 60


@dataclass(slots=True, eq=False, repr=False)
class System:
    """Everything the OOM killer looks at, besides the failed allocation."""

    rules: Rules
    page_size: int  #: bytes
    totalram_pages: int
    total_swap_pages: int
    node_present_pages: dict[int, int]
    memcgs: list[Memcg]  #: the root first, parents before children
    sysctl: Sysctl
    tasks: TaskTable
    rss: RssStat
    total_vm: Int64s  #: pages; [mm]
    pgtables_bytes: Int64s  #: [mm]
    rss_is_one_number: Bools  #: of such an mm only the sum of anon, file and shmem is known; it stands as anon; [mm]
    reaper_leaves: Mapping[int, ReaperLeaves] = field(default_factory=dict)  #: by mm; of others shmem alone is left
    total_is_known: bool = True  #: all RAM and swap are the machine's; a log may say no more than an allocation's share
    formula: Formula | None = None  #: oom_badness() of a release before 5.4, under the `rules` of a newer one

    @property
    def last_wins(self) -> bool:
        """Whether of equal points the last one seen is chosen; until 5.2 it was the first."""
        return self.formula is None or self.formula.last_wins

    @property
    def scores_in_pages(self) -> bool:
        """Whether points are pages, those of page tables among them, as since 3.5."""
        return self.formula is None or self.formula.scale == "pages"

    @property
    def nodes_with_memory(self) -> frozenset[int]:
        """node_states[N_MEMORY]."""
        return frozenset(node for node, present in self.node_present_pages.items() if present)

    def mm_oom_skip(self) -> Bools:
        """MMF_OOM_SKIP of every task's mm, or of the mm it had; bool[task]."""
        tasks = self.tasks
        own = tasks.has(TaskFlag.OOM_SKIP)
        if not tasks.some(TaskFlag.OOM_SKIP):
            return own
        of_mm = np.zeros(len(self.total_vm) + 1, np.bool_)  # the last one stands for NO_MM
        of_mm[tasks.mm[own]] = True
        of_mm[NO_MM] = False
        return own | of_mm[tasks.mm]
