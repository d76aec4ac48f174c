"""A report's tasks as columns of plain values: the one view of them that every writer uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oomsel.kernel.badness import LONG_MAX, LONG_MIN, SkipReason, get_mm_rss
from oomsel.kernel.event import OomReport
from oomsel.kernel.oom_score import proc_oom_score
from oomsel.kernel.percpu_counter import MEMBERS, RSS_MEMBERS, Int64s
from oomsel.kernel.system import NO_MM, Indices

#: What the kernel's task table calls a task's numbers.
TABLE_COLUMNS = {
    "total_vm": "total_vm",
    "rss": "rss",
    "anon": "rss_anon",
    "file": "rss_file",
    "shmem": "rss_shmem",
    "pgtables_bytes": "pgtables_bytes",
    "swap": "swapents",
    "oom_score_adj": "oom_score_adj",
}
#: Those of its columns that are in pages.
PAGE_COLUMNS = frozenset(TABLE_COLUMNS.values()) - {"pgtables_bytes", "oom_score_adj"}
#: In the place of the badness of an oom_task_origin(), which is chosen before any other task.
FIRST = "first"


class TaskView:
    """Some tasks of a report, all of them by default; `view["pid"]` is a column in the order of `tasks`.

    Memory is in pages unless a name says bytes; what belongs to an mm is None for a task without one.
    """

    def __init__(self, report: OomReport, tasks: Sequence[int] | Indices | None = None) -> None:
        table, memcgs = report.system.tasks, report.system.memcgs
        self.report = report
        self.tasks: Indices = np.arange(len(table)) if tasks is None else np.array(tasks, np.intp)
        self._mm = table.mm[self.tasks]
        index: list[int] = self.tasks.tolist()
        # Made when asked for: most writers need few of them.
        self._columns: dict[str, Callable[[], list[Any]]] = {
            "comm": lambda: [table.comm[task] for task in index],  # the leader's; bytes
            "live_comm": lambda: [table.live_comm[task] for task in index],  # of the first thread with an mm
            "memcg": lambda: [memcgs[memcg].path for memcg in table.memcg[self.tasks].tolist()],
            "total_vm": lambda: self._of_mm(report.system.total_vm),
            "pgtables_bytes": lambda: self._of_mm(report.system.pgtables_bytes),
            "skip_reason": self._skip_reason,  # why it may not be killed; empty if it may
            "badness": self._badness,  # points, or `FIRST`; None if it may not be killed
            "oom_score": self._oom_score,  # as /proc/PID/oom_score says; None where nobody knows
            "chosen": lambda: [task == report.chosen for task in index],
            "killed": self._killed,  # with a line or without
        }

    def __getitem__(self, column: str) -> list[Any]:
        if column in ("pid", "live_pid", "uid", "oom_score_adj"):  # pid: the leader's; uid: 0 to 2^32 - 1
            numbers: list[int] = getattr(self.report.system.tasks, column)[self.tasks].tolist()
            return numbers
        return self._columns[column]()

    def counters(self, *, precise: bool = False) -> dict[str, list[int | None]]:
        """rss, anon, file, shmem and swap as the report's mode reads them, or as they truly are.

        anon, file and shmem are None where only their sum is known.
        """
        counters = self.report.precise if precise else self.report.counters
        columns = {"rss": self._of_mm(get_mm_rss(counters))}
        columns |= {name: self._of_mm(counters[:, member]) for name, member in MEMBERS.items()}
        one_number = self.report.system.rss_is_one_number
        if one_number.any():
            for index in np.flatnonzero((self._mm != NO_MM) & one_number[self._mm]).tolist():
                for name in RSS_MEMBERS:
                    columns[name][index] = None
        return columns

    def _killed(self) -> list[bool]:
        killed = set(self.report.killed)
        return [task in killed for task in self.tasks.tolist()]

    def _skip_reason(self) -> list[str]:
        reasons = {int(reason): reason.reason for reason in SkipReason}
        return [reasons[reason] for reason in self.report.skip_reasons[self.tasks].tolist()]

    def _badness(self) -> list[int | str | None]:
        special = {LONG_MIN: None, LONG_MAX: FIRST}
        return [special.get(points, points) for points in self.report.points[self.tasks].tolist()]

    def _oom_score(self) -> list[int | None]:
        """The counters are read as the report's mode reads them."""
        system = self.report.system
        if not system.total_is_known or system.formula is not None:
            return [None] * len(self.tasks)
        scores: list[int | None] = proc_oom_score(system, self.report.counters)[self.tasks].tolist()
        return scores

    def _of_mm(self, column: Int64s) -> list[int | None]:
        without = np.flatnonzero(self._mm == NO_MM).tolist()
        values: list[int | None] = (np.append(column, 0) if without else column)[self._mm].tolist()
        for index in without:
            values[index] = None
        return values
