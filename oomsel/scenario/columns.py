"""What an input says of its tasks, in columns: the `tasks` of a Scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from oomsel.kernel.percpu_counter import MEMBERS, MM_ANONPAGES, NR_MM_COUNTERS, Int32s, Int64s
from oomsel.kernel.system import Coded
from oomsel.scenario.models import NOTHING, Counter, Rss, Task
from oomsel.text import MAX_PAGES

Comms: TypeAlias = npt.NDArray[np.bytes_]

#: `TaskColumns.total_vm` of a task that does not state it.
NOT_STATED = -1
#: Bits of `TaskColumns.stated`: 1 << member for each counter, pgtables_bytes, an rss without counters, rss.total.
COUNTERS, PGTABLES, RSS, TOTAL = (1 << NR_MM_COUNTERS) - 1, 1 << 4, 1 << 5, 1 << 6
#: Tasks made at a time when all are asked for.
_CHUNK = 1024
#: Keys of whole numbers, each a column, and what stands there for a task that does not state them.
NUMBERS = {"pid": 0, "uid": 0, "oom_score_adj": 0, "total_vm": NOT_STATED, "pgtables_bytes": 0}
#: All columns that are arrays; a key that has none is a coded column.
ARRAYS = (*NUMBERS, "comm", "counts", "stated", "percpu")
CODED = tuple(name for name in Task.fields() if name not in (*ARRAYS, "rss"))
#: The least and greatest value of each column; None for the names.
RANGES: dict[str, tuple[int, int] | None] = {
    "pid": (1, 1 << 22),
    "comm": None,
    "uid": (0, (1 << 32) - 1),
    "oom_score_adj": (-1000, 1000),
    "total_vm": (NOT_STATED, MAX_PAGES - 1),
    "pgtables_bytes": (0, (1 << 62) - 1),
    "counts": (1 - MAX_PAGES, MAX_PAGES - 1),
    "percpu": (-(1 << 31), (1 << 31) - 1),
}


def in_range(name: str, column: npt.NDArray[Any]) -> bool:
    """Whether every value of a column is one that a scenario may state."""
    span = RANGES[name]
    return span is None or (int(column.min()) >= span[0] and int(column.max()) <= span[1])


@dataclass(eq=False, repr=False)
class TaskColumns(Sequence[Task]):
    """The tasks of a scenario, one entry each in every column; reads like a tuple of `Task`, made when asked for."""

    cpus: tuple[int, ...]  #: possible CPUs, ascending; the last axis of `percpu`
    comm: Comms
    pid: Int64s
    uid: Int64s
    oom_score_adj: Int64s
    total_vm: Int64s  #: pages, or `NOT_STATED`
    pgtables_bytes: Int64s
    counts: Int64s  #: pages; [task, member]; a `total` stands in the place of anon
    percpu: Int32s  #: pages; [task, member, cpu]
    stated: Int64s  #: bits: what is stated although it is 0, and whether what stands as anon is a `TOTAL`
    coded: dict[str, Coded[Any]] = field(init=False)  #: by key, those in `CODED`
    #: By task and member: the slots in a counter's deltas as stated, if not simply those that are not 0, ascending.
    delta_slots: dict[tuple[int, int], list[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.coded = {name: Coded.same(getattr(Task, name), len(self)) for name in CODED}

    @classmethod
    def of_tasks(cls, tasks: Sequence[Task], cpus: Sequence[int]) -> TaskColumns:
        """The columns of `tasks`, or `tasks` itself if it is columns already; `cpus` are the possible CPUs."""
        if isinstance(tasks, cls):
            return tasks
        slot_of = {cpu: slot for slot, cpu in enumerate(sorted(cpus))}
        stated = [0 if task.pgtables_bytes is None else PGTABLES for task in tasks]
        counters: list[int] = []  # task * members + member
        counts: list[int] = []
        sizes: list[int] = []
        slots: list[int] = []
        pages: list[int] = []
        delta_slots: dict[tuple[int, int], list[int]] = {}
        members = [*MEMBERS.items(), ("total", MM_ANONPAGES)]
        for row, task in enumerate(tasks):
            if task.rss is None:
                continue
            stated[row] |= RSS if task.rss.total is None else RSS | TOTAL
            for name, member in members:
                counter: Counter | None = getattr(task.rss, name)
                if counter is None:
                    continue
                stated[row] |= 1 << member
                counters.append(row * NR_MM_COUNTERS + member)
                counts.append(counter.count)
                sizes.append(len(counter.deltas))
                if counter.deltas:
                    own = [slot_of[cpu] for cpu in counter.deltas]
                    slots += own
                    pages += counter.deltas.values()
                    if 0 in counter.deltas.values() or own != sorted(own):
                        delta_slots[row, member] = own
        numbers = {
            name: np.array([unset if value is None else value for value in map(attrgetter(name), tasks)], np.int64)
            for name, unset in NUMBERS.items()
        }
        comm = np.array([task.comm for task in tasks], "S15")
        count, percpu = counter_columns(len(tasks), len(slot_of), counters, counts, sizes, slots, pages)
        columns = cls(tuple(slot_of), comm, **numbers, counts=count, percpu=percpu, stated=np.array(stated, np.int64))
        columns.coded = {name: Coded(map(attrgetter(name), tasks)) for name in CODED}
        columns.delta_slots = delta_slots
        return columns

    def __len__(self) -> int:
        return len(self.pid)

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Task, ...]: ...
    def __getitem__(self, index: int | slice) -> Task | tuple[Task, ...]:
        if isinstance(index, slice):
            return tuple(self._tasks(index))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        row = index % len(self)
        return next(self._tasks(slice(row, row + 1)))

    def __iter__(self) -> Iterator[Task]:
        for first in range(0, len(self), _CHUNK):
            yield from self._tasks(slice(first, first + _CHUNK))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(_without_zeros(one) == _without_zeros(another) for one, another in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(tuple(self))

    def _tasks(self, part: slice) -> Iterator[Task]:
        arrays = [getattr(self, name)[part].tolist() for name in ARRAYS if name != "percpu"]
        holding: list[list[bool]] = (self.percpu[part] != 0).any(axis=-1).tolist()
        coded = zip(*(column[part] for column in self.coded.values()), strict=True)
        rows = zip(range(*part.indices(len(self))), holding, coded, *arrays, strict=True)
        for row, held, values, pid, uid, oom_score_adj, total_vm, pgtables, comm, counts, stated in rows:
            rss = self._counters(row, counts, held, stated)
            if stated & TOTAL:
                rss["total"] = rss.pop("anon")
            yield Task(
                pid=pid,
                comm=comm,
                uid=uid,
                oom_score_adj=oom_score_adj,
                total_vm=None if total_vm == NOT_STATED else total_vm,
                pgtables_bytes=pgtables if pgtables or stated & PGTABLES else None,
                rss=Rss(**rss) if rss or stated & RSS else None,
                **dict(zip(self.coded, values, strict=True)),
            )

    def _counters(self, row: int, counts: list[int], holding: list[bool], stated: int) -> dict[str, Counter]:
        """The counters that a task states; `holding` says of which of them CPUs hold something."""
        counters = {}
        for name, member in MEMBERS.items():
            deltas = NOTHING
            if holding[member] or (row, member) in self.delta_slots:
                pages = self.percpu[row, member]
                slots = self.delta_slots.get((row, member)) or np.flatnonzero(pages).tolist()
                deltas = {self.cpus[slot]: held for slot, held in zip(slots, pages[slots].tolist(), strict=True)}
            if counts[member] or deltas or stated >> member & 1:
                counters[name] = Counter(count=counts[member], deltas=deltas)
        return counters

    def put(self, rows: list[int], tasks: TaskColumns) -> None:
        """Replace what stands in `rows` by `tasks`, which are as many and for the same CPUs."""
        for name in ARRAYS:
            getattr(self, name)[rows] = getattr(tasks, name)
        for name, column in self.coded.items():
            column.put(rows, tasks.coded[name])
        kept = {(row, member): slots for (row, member), slots in self.delta_slots.items() if row not in rows}
        new = {(rows[row], member): slots for (row, member), slots in tasks.delta_slots.items()}
        self.delta_slots = kept | new


def counter_columns(
    tasks: int,
    cpus: int,
    counters: list[int],
    counts: Sequence[int] | Int64s,
    sizes: list[int],
    slots: list[int],
    pages: Sequence[int] | Int64s,
) -> tuple[Int64s, Int32s]:
    """The columns `counts` and `percpu`, of counters numbered task * NR_MM_COUNTERS + member.

    Each counter has so many deltas as `sizes` says; `slots` and `pages` are those of all of them, one after the other.
    """
    count = np.zeros((tasks, NR_MM_COUNTERS), np.int64)
    percpu = np.zeros((tasks, NR_MM_COUNTERS, cpus), np.int32)
    count.reshape(-1)[counters] = counts
    percpu.reshape(-1, cpus)[np.repeat(np.array(counters, np.intp), sizes), slots] = pages
    return count, percpu


def _without_zeros(task: Task) -> Task:
    """Treat explicit zeros as unset; a bundle cannot tell them apart."""
    counters = {name: getattr(task.rss, name, None) for name in Rss.fields()}
    held = {name: each for name, each in counters.items() if each and (each.count or each.deltas or name == "total")}
    return Task(**vars(task) | {"pgtables_bytes": task.pgtables_bytes or None, "rss": Rss(**held) if held else None})
