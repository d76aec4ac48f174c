"""What one OOM event did, and every number that the decision rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oomsel.kernel.badness import LONG_MIN, is_visited, oom_evaluate_task
from oomsel.kernel.constraint import scan_order
from oomsel.kernel.percpu_counter import (
    Int64s,
    RssStat,
    percpu_counter_read_positive,
    percpu_counter_sum_positive,
)
from oomsel.kernel.system import NO_MM, Bools
from oomsel.text import comm_to_text, process_name

if TYPE_CHECKING:
    import numpy.typing as npt

    from oomsel.kernel.constraint import Constraint, GroupVictimAgain, OomControl
    from oomsel.kernel.system import Indices, System
    from oomsel.kernel.two_pass import TwoPass


class Outcome(Enum):
    """How the event ended."""

    KILLED = "killed"
    NO_KILLABLE = "no-killable"  #: nobody may be killed
    PANIC_ON_OOM = "panic-on-oom"
    CURRENT_DYING = "current-dying"  #: the allocating task is dying already: nobody else has to
    NO_FS = "no-fs"  #: an allocation that may not enter the filesystem kills nobody
    VICTIM_IN_FLIGHT = "victim-in-flight"  #: an earlier victim is still exiting
    CHOSEN_DYING = "chosen-dying"  #: the chosen one is dying already: no lines

    @property
    def has_report(self) -> bool:
        """Whether the kernel prints anything."""
        return self in (Outcome.KILLED, Outcome.NO_KILLABLE, Outcome.PANIC_ON_OOM)


class Process(NamedTuple):
    """A process as people name it; it prints as `247 (over)`."""

    pid: int
    comm: str  #: what is not printable UTF-8 stands as \\xNN

    def __str__(self) -> str:
        return process_name(self.pid, self.comm)


class Kill(NamedTuple):
    """A process that the event killed, or met again after it was killed."""

    task: int  #: index of the process
    pinned_by: tuple[int, ...] = ()  #: processes that share its mm and cannot be killed (init)
    again: GroupVictimAgain | None = None  #: the group's first victim, met again, and what it gets


class Reaped(NamedTuple):
    """An mm after the oom_reaper went over it; pages, read in the report's mode."""

    task: int  #: whose line it is
    anon: int
    file: int
    shmem: int


@dataclass(eq=False, repr=False)
class OomReport:
    """One OOM event in one mode.

    >>> import oomsel
    >>> report = oomsel.select(oomsel.load("examples/real-contest.yaml"), mode="approximate")
    >>> report.outcome.value, report.totalpages, int(report.points[report.chosen])
    ('killed', 117765, 12983)
    >>> print(report.victim)
    247 (over)

    Shapes: `counters` and `precise` int64[mm, member], pages, clamped; `points` int64[task],
    LONG_MIN where a task may not be killed; `skip_reasons` int8[task], a `SkipReason`.
    """

    system: System
    oc: OomControl
    mode: str  #: how the counters were read: approximate, precise or two-pass
    outcome: Outcome
    constraint: Constraint
    totalpages: int  #: pages
    read: Callable[[RssStat], Int64s]  #: how the report's numbers are read
    skip_reasons: npt.NDArray[np.int8]
    chosen: int | None = None  #: index of the chosen process
    allocating_task: bool = False  #: chosen for being the allocating one
    kills: tuple[Kill, ...] = ()  #: the victim, then the members of its group
    silent: tuple[int, ...] = ()  #: processes that died with a victim for sharing its mm, without a line
    oom_group: int | None = None  #: index of the cgroup that is killed as a whole
    two_pass: TwoPass | None = None  #: of a choice made in two passes
    reap: Callable[[], tuple[Reaped, ...]] = tuple  #: works `reaped` out, which few ask for

    @property
    def reaped(self) -> tuple[Reaped, ...]:
        """Every mm that the oom_reaper takes, after it."""
        return self.reap()

    def replace(self, **changes: Any) -> OomReport:
        """The same report with other fields; what was already computed from the counters is kept."""
        report = object.__new__(OomReport)
        vars(report).update(vars(self) | changes)
        return report

    @cached_property
    def visited(self) -> Indices:
        """The tasks that the scan visits, in its order; init, kernel threads and those out of reach are left out."""
        scan = scan_order(self.system, self.oc)
        visited: Indices = scan[is_visited(self.skip_reasons[scan])]
        return visited

    @cached_property
    def shown(self) -> Indices:
        """The tasks in the table, in its order, whether or not sysctl.oom_dump_tasks has it printed."""
        has_mm: Bools = self.system.tasks.mm[self.visited] != NO_MM
        shown: Indices = self.visited[has_mm]
        return shown

    @cached_property
    def counters(self) -> Int64s:
        """The counters as the report's mode reads them, read when first asked for."""
        return self.read(self.system.rss)

    @cached_property
    def points(self) -> Int64s:
        """Every task's badness by `counters`."""
        # oom_evaluate_task() clamps what it reads: no clamped copy is needed.
        counters = self.system.rss.count if self.read is percpu_counter_read_positive else self.counters
        return oom_evaluate_task(self.system, counters, self.totalpages, self.skip_reasons)

    @cached_property
    def precise(self) -> Int64s:
        """The precise counters, summed when first asked for."""
        if self.read is percpu_counter_sum_positive:
            return self.counters
        return percpu_counter_sum_positive(self.system.rss)

    @property
    def victim(self) -> Process | None:
        """The chosen process, or None."""
        if self.chosen is None:
            return None
        tasks = self.system.tasks
        return Process(int(tasks.pid[self.chosen]), comm_to_text(tasks.comm[self.chosen]))

    def name_of(self, task: int) -> str:
        """`247 (over)`: a process by its leader's pid and name."""
        tasks = self.system.tasks
        return process_name(int(tasks.pid[task]), tasks.comm[task])

    @property
    def panics(self) -> bool:
        """Whether the machine ends here."""
        if self.outcome is Outcome.NO_KILLABLE:
            return not self.oc.is_memcg_oom and not self.oc.is_sysrq_oom
        return self.outcome is Outcome.PANIC_ON_OOM

    @property
    def killed(self) -> tuple[int, ...]:
        """Every process that dies, with a line or without."""
        return tuple(kill.task for kill in self.kills if kill.again is None) + self.silent

    def __repr__(self) -> str:
        what = self.outcome.value
        if self.killed:
            what = f"kills {self.victim}" + (f" and {len(self.killed) - 1} more" if len(self.killed) > 1 else "")
        return f"<{type(self).__name__}: {self.mode}, {what}>"


def worst_first(report: OomReport, points: Int64s) -> list[int]:
    """Every task, sorted by points, the highest first; of equals the kernel's choice first."""
    scan = scan_order(report.system, report.oc)
    position = np.zeros(len(points), np.intp)
    position[scan] = np.arange(len(scan))
    if report.system.last_wins:
        position = -position
    order: list[int] = np.lexsort((position, -np.maximum(points, LONG_MIN + 1))).tolist()
    return order
