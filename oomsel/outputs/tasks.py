"""A report's tasks as columns of plain values: the one view of them that every writer uses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from oomsel.kernel.badness import LONG_MAX, LONG_MIN, SkipReason, get_mm_rss
from oomsel.kernel.event import OomReport
from oomsel.kernel.percpu_counter import MEMBERS, RSS_MEMBERS, Int64s
from oomsel.kernel.system import NO_MM, Indices

#: What the kernel's task table calls a task's memory.
TABLE_COLUMNS = {
    "total_vm": "total_vm",
    "rss": "rss",
    "anon": "rss_anon",
    "file": "rss_file",
    "shmem": "rss_shmem",
    "pgtables_bytes": "pgtables_bytes",
    "swap": "swapents",
}
#: In the place of the badness of an oom_task_origin(), which is chosen before any other task.
FIRST = "first"


class TaskView:
    """Some tasks of a report, every column in the order of `tasks`; pages unless a name says bytes.

    What belongs to an mm is None for a task without one.
    """

    def __init__(self, report: OomReport, tasks: Sequence[int] | Indices | None = None) -> None:
        table = report.system.tasks
        self.report = report
        self.tasks: Indices = np.arange(len(table)) if tasks is None else np.array(tasks, np.intp)
        self._index: list[int] = self.tasks.tolist()
        self._mm = table.mm[self.tasks]

    @property
    def pid(self) -> list[int]:
        """The leader's pid."""
        return self._of_table("pid")

    @property
    def comm(self) -> list[bytes]:
        """The leader's name."""
        return [self.report.system.tasks.comm[task] for task in self._index]

    @property
    def live_pid(self) -> list[int]:
        """The pid of the first thread with an mm."""
        return self._of_table("live_pid")

    @property
    def live_comm(self) -> list[bytes]:
        """The name of the first thread with an mm."""
        return [self.report.system.tasks.live_comm[task] for task in self._index]

    @property
    def uid(self) -> list[int]:
        """0 to 2^32 - 1."""
        return self._of_table("uid")

    @property
    def oom_score_adj(self) -> list[int]:
        """-1000 to 1000."""
        return self._of_table("oom_score_adj")

    @property
    def memcg(self) -> list[str]:
        """The path of the task's cgroup."""
        system = self.report.system
        return [system.memcgs[memcg].path for memcg in system.tasks.memcg[self.tasks].tolist()]

    @property
    def total_vm(self) -> list[int | None]:
        """Pages of address space."""
        return self._of_mm(self.report.system.total_vm)

    @property
    def pgtables_bytes(self) -> list[int | None]:
        """Bytes of page tables."""
        return self._of_mm(self.report.system.pgtables_bytes)

    @cached_property
    def counters(self) -> dict[str, list[int | None]]:
        """rss, anon, file, shmem and swap as the report's mode reads them; see `_counters`."""
        return self._counters(self.report.counters)

    @cached_property
    def precise(self) -> dict[str, list[int | None]]:
        """The same as they truly are."""
        return self._counters(self.report.precise)

    @property
    def eligible(self) -> list[bool]:
        """Whether the task may be killed."""
        eligible: list[bool] = (self.report.points[self.tasks] != LONG_MIN).tolist()
        return eligible

    @property
    def skip_reason(self) -> list[str]:
        """Why the task may not be killed; empty if it may."""
        reasons = {int(reason): reason.reason for reason in SkipReason}
        return [reasons[reason] for reason in self.report.skip_reasons[self.tasks].tolist()]

    @property
    def badness(self) -> list[int | str | None]:
        """What tasks are compared by: points, or `FIRST`; None where the task may not be killed."""
        special = {LONG_MIN: None, LONG_MAX: FIRST}
        return [special.get(points, points) for points in self.report.points[self.tasks].tolist()]

    @property
    def chosen(self) -> list[bool]:
        """Whether the task is the chosen one."""
        return [task == self.report.chosen for task in self._index]

    @property
    def killed(self) -> list[bool]:
        """Whether the task dies, with a line or without."""
        killed = set(self.report.killed)
        return [task in killed for task in self._index]

    def _of_table(self, column: str) -> list[Any]:
        values: list[Any] = getattr(self.report.system.tasks, column)[self.tasks].tolist()
        return values

    def _of_mm(self, column: Int64s) -> list[int | None]:
        without = np.flatnonzero(self._mm == NO_MM).tolist()
        values: list[int | None] = (np.append(column, 0) if without else column)[self._mm].tolist()
        for index in without:
            values[index] = None
        return values

    def _counters(self, counters: Int64s) -> dict[str, list[int | None]]:
        """Each counter's column; anon, file and shmem are None where only their sum is known."""
        columns = {"rss": self._of_mm(get_mm_rss(counters))}
        columns |= {name: self._of_mm(counters[:, member]) for name, member in MEMBERS.items()}
        one_number = self.report.system.rss_is_one_number
        if one_number.any():
            for index in np.flatnonzero((self._mm != NO_MM) & one_number[self._mm]).tolist():
                for name in RSS_MEMBERS:
                    columns[name][index] = None
        return columns
