"""A report's choice made again: whom the kernel names, whom the table gives, and whether the log says enough."""

from __future__ import annotations

from functools import cached_property

from oomsel.inputs.log.reading import LogReading
from oomsel.inputs.log.rescore import Candidate, Rescore, rescore
from oomsel.kernel.event import OomReport, Outcome
from oomsel.klog.event import OomEvent

#: Two totals, in pages, between which every machine's lies: who leads the table at both leads it whatever the total.
_LEAST_TOTAL, _MOST_TOTAL = 1000, 1 << 50


class LogChoice:
    """`report` is the scenario's run in the mode of its release."""

    def __init__(self, reading: LogReading, report: OomReport) -> None:
        self.reading, self.report = reading, report
        self.event, self.facts = reading.event, reading.facts
        known = self.facts.totalpages
        self.total = report.totalpages if known is None or reading.states_total else known
        self.result = self.at(self.total)

    def at(self, total: int) -> Rescore:
        """The choice at another totalpages."""
        skipped = frozenset(self.reading.skip_reasons)
        return rescore(self.event, self.facts.version, total, self.facts.page_size, skipped=skipped)

    @cached_property
    def kernel(self) -> tuple[int, bytes] | None:
        """Whom the kernel chose; None where it chose nobody or no line says whom."""
        chosen = self.event.chosen
        if chosen is not None and thread_chosen(self.event) is None:
            return chosen.pid, chosen.comm
        return self.event.victim

    @property
    def allocating(self) -> bool:
        """Whether the allocating task was killed without a choice."""
        return any("allocating" in kill.prefix for kill in self.event.kills[:1])

    @cached_property
    def undecided(self) -> str | None:
        """Why nobody can say whom the table gives; None where it can be said."""
        if self.reading.changed:
            return None if self.knows_total or not self._hangs_on_total else self._no_total
        if not self.event.rows and self.event.no_killable is None:
            return "there is no task table to choose from"
        return self._no_total if not self.knows_total and self._hangs_on_total else None

    @property
    def _no_total(self) -> str:
        return f"totalpages, by which oom_score_adj weighs, is not known: {self.facts.totalpages_because}"

    @cached_property
    def _hangs_on_total(self) -> bool:
        if not self.event.rows or self.allocating or not self.weighs_by_total:
            return False
        least, most = (self.at(total).winner for total in (_LEAST_TOTAL, _MOST_TOTAL))
        return least is None or most is None or least.row is not most.row

    @property
    def knows_total(self) -> bool:
        """Whether there is a totalpages at all, be it a guess."""
        return self.facts.totalpages is not None or self.reading.states_total

    @property
    def is_sure_of_total(self) -> bool:
        """Whether the log, or a person, says every part of totalpages."""
        return self.reading.states_total or (self.knows_total and not self.facts.totalpages_guessed)

    @property
    def weighs_by_total(self) -> bool:
        """Whether who is ahead of whom depends on totalpages."""
        return self.result.formula.scale != "raw" and len({found.adj for found in self.result.candidates}) > 1

    @property
    def needs_total(self) -> bool:
        """Whether any badness has totalpages in it."""
        return any(found.adj for found in self.result.candidates) or self.result.formula.scale == "permille"

    @cached_property
    def oomsel(self) -> tuple[int, bytes] | None:
        """Whom the table's rows give."""
        report, tasks = self.report, self.report.system.tasks
        if report.outcome is not Outcome.KILLED or report.chosen is None or self.undecided is not None:
            return None
        pid = int(tasks.live_pid[report.chosen])
        return None if pid in self.reading.assumed_pids else (pid, tasks.live_comm[report.chosen])

    @cached_property
    def agrees(self) -> bool | None:
        """Whether the two name the same process; None where that cannot be said."""
        if self.undecided is not None:
            return None
        if self.kernel is None:
            return self.oomsel is None if self.event.ends else None
        if self._is_same():
            return True
        return None if self.lacks_rows and not self.reading.changed else False

    @property
    def lacks_rows(self) -> bool:
        """Whether rows are known to be lost, so that the table's leader may not be the true one."""
        event = self.event
        return event.lacks_rows or (self.kernel is not None and event.row_of(self.kernel[0]) is None)

    def _is_same(self) -> bool:
        if self.kernel is None or self.oomsel is None:
            return False
        event, report = self.event, self.report
        is_victims = event.chosen is None and not event.lacks_victims_line
        pids = {self.kernel[0]} | {kill.pid for kill in event.kills[:1] if is_victims}
        if event.summary is not None:
            pids.add(event.summary.pid)
        leader = report.chosen is not None and int(report.system.tasks.pid[report.chosen])
        return self.oomsel[0] in pids or leader in pids

    @property
    def victim(self) -> Candidate | None:
        """The kernel's choice among the candidates."""
        return None if self.kernel is None else self.result.of(self.kernel[0])


def thread_chosen(event: OomEvent) -> int | None:
    """The pid of a thread that `Kill process` names, where `Killed process` then names its process.

    Such a pid has no row, and its process has: kernels of Red Hat's 7 print so.  A child that dies in the
    place of the chosen one has a name or a row of its own.
    """
    chosen, kills = event.chosen, event.kills
    if chosen is None or not kills or chosen.pid == kills[0].pid or event.row_of(chosen.pid) is not None:
        return None
    is_whole = not (event.damaged or event.doubled or event.losses)
    is_process = event.row_of(kills[0].pid) is not None
    return chosen.pid if is_process and (is_whole or chosen.comm == kills[0].comm) else None
