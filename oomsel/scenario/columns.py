"""Tasks in columns: a large scenario's, of which only the few that are named ever become objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, Int32s, Int64s
from oomsel.scenario.models import NOTHING, Counter, Rss, Task
from oomsel.text import comm_to_text

Comms: TypeAlias = npt.NDArray[np.bytes_]

#: `TaskColumns.total_vm` of a task that does not state it.
NOT_STATED = -1
#: The counters that have columns, and the member of rss_stat that each is.
COUNTERS = {"anon": MM_ANONPAGES, "file": MM_FILEPAGES, "shmem": MM_SHMEMPAGES, "swap": MM_SWAPENTS}


@dataclass(eq=False, repr=False)
class TaskColumns(Sequence[Task]):
    """`Scenario.tasks` of a large scenario: reads like a tuple of tasks, each made when it is asked for.

    Every column has an entry a task.  A task in `named` is that object whatever its columns say:
    it has keys that have no column.
    """

    cpus: tuple[int, ...]  #: possible CPUs, ascending; the last axis of `percpu`
    pid: Int64s
    comm: Comms
    uid: Int64s
    oom_score_adj: Int64s
    total_vm: Int64s  #: pages, or `NOT_STATED`
    pgtables_bytes: Int64s
    counts: Int64s  #: pages; [task, member]
    percpu: Int32s  #: pages; [task, member, cpu]
    named: Mapping[int, Task] = field(default_factory=dict)  #: by index
    states_zeros: bool = False  #: as a table does; else a 0 is not stated, which tasks of some kinds may not do

    def __len__(self) -> int:
        return len(self.pid)

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Task, ...]: ...
    def __getitem__(self, index: int | slice) -> Task | tuple[Task, ...]:
        if isinstance(index, slice):
            return tuple(self._task(row) for row in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._task(index % len(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(_bare(one) == _bare(another) for one, another in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def _task(self, row: int) -> Task:
        if row in self.named:
            return self.named[row]
        counters = self._counters(row).items()
        rss = {name: Counter(count=count, deltas=deltas or NOTHING) for name, (count, deltas) in counters}
        return Task(comm=bytes(self.comm[row]), rss=Rss(**rss) if rss else None, **self._numbers(row))

    def plain(self, row: int) -> dict[str, Any]:
        """What the columns say of a task, as a scenario of format 1 states it."""
        rss = {name: {"count": count, "deltas": deltas} for name, (count, deltas) in self._counters(row).items()}
        stated = {"comm": comm_to_text(bytes(self.comm[row])), **self._numbers(row)}
        return stated | {"rss": rss} if rss else stated

    def _numbers(self, row: int) -> dict[str, Any]:
        numbers = {name: int(getattr(self, name)[row]) for name in ("pid", "uid", "oom_score_adj")}
        total_vm, pgtables = int(self.total_vm[row]), int(self.pgtables_bytes[row])
        if total_vm != NOT_STATED:
            numbers["total_vm"] = total_vm
        return numbers | {"pgtables_bytes": pgtables} if pgtables or self.states_zeros else numbers

    def _counters(self, row: int) -> dict[str, tuple[int, dict[int, int]]]:
        """The count and the deltas of each counter that is stated."""
        counters = {}
        for name, member in COUNTERS.items():
            slots = self.percpu[row, member]
            held = np.flatnonzero(slots)
            cpus = [self.cpus[slot] for slot in held.tolist()]
            deltas = dict(zip(cpus, slots[held].tolist(), strict=True))
            count = int(self.counts[row, member])
            if count or deltas or self.states_zeros:
                counters[name] = (count, deltas)
        return counters

    def referenced_rows(
        self, pids: Set[int | None], comms: Set[bytes] = frozenset(), special: Set[int] = frozenset()
    ) -> list[int]:
        """The rows of named and special tasks, of those with these pids or comms, of init and the first plain one."""
        rows = set(self.named) | special
        for pid in (pids | {1}) - {None}:
            rows.update(np.flatnonzero(self.pid == pid).tolist())
        for comm in comms:
            rows.update(np.flatnonzero(self.comm == comm).tolist())
        rows.update(next(([row] for row in range(len(self)) if row not in rows), []))
        return sorted(rows)

    def referenced(self, pids: Set[int | None]) -> list[tuple[int, Task]]:
        """The tasks that a scenario's rest may name or fall back on, see `referenced_rows`; with their indices."""
        return [(row, self[row]) for row in self.referenced_rows(pids)]


def _bare(task: Task) -> Task:
    """The task without what it states as 0 and columns do not tell from what is not stated."""
    counters = {name: getattr(task.rss, name, None) for name in Rss.fields()}
    held = {name: each for name, each in counters.items() if each and (each.count or each.deltas or name == "total")}
    return Task(**vars(task) | {"pgtables_bytes": task.pgtables_bytes or None, "rss": Rss(**held) if held else None})
