"""Kernel says, oomsel says: a logged choice held against the one made again, with the reason where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from oomsel.inputs.log.facts import Facts
from oomsel.inputs.log.reading import LogReading
from oomsel.inputs.log.rescore import Candidate, Rescore, rescore
from oomsel.kernel.event import OomReport, Outcome
from oomsel.kernel.historic import historic_badness
from oomsel.klog.event import Killed, OomEvent
from oomsel.klog.table import rss_parts
from oomsel.outputs.log_interval import LogInterval, counts_per_cpu, interval_of, why_no_interval
from oomsel.outputs.log_memory import memory_object
from oomsel.text import comm_to_text, pages_of, printable

#: A table is printed after the choice, line by line; by so many pages a row may have moved since.
DRIFT = 1000


class Reason(Enum):
    """Why the two differ, or what makes them agree although the table alone says otherwise."""

    CUT = "the report is incomplete"
    NOT_IN_TABLE = "the kernel's victim is not in the table"
    ALLOCATING = "oom_kill_allocating_task: the allocating task dies without a choice"
    CHILD = "a child was sacrificed in the place of the one chosen"
    KILLED_BEFORE = "who leads the table was killed before and had nothing left to free"
    VFORK = "who leads the table is a child in the middle of vfork"
    TIE = "equal scores, and the order in which they were looked at is not printed"
    MOVED = "the table is read later than the choice"
    UNPRINTED = "the formula has terms that the report does not print"
    ROOT = "whether a task is root's for the kernel is not printed"
    TOTALPAGES = "totalpages cannot be worked out"
    CONSTRAINT = "the allocation had a constraint of its own"
    CHANGED = "a what-if has changed the scenario"
    UNKNOWN = "nothing in the log explains it"


class LogVerdict(NamedTuple):
    """What the kernel did and what oomsel makes of it; who is a pid and a name, None where nobody was killed."""

    kernel: tuple[int, bytes] | None  #: whom the kernel chose
    oomsel: tuple[int, bytes] | None  #: whom the table's rows give
    agrees: bool
    reason: Reason | None
    sentences: tuple[str, ...]  #: for a person; the first says who, and whether the two agree
    counters: tuple[str, ...]  #: whether the counters' inaccuracy could have mattered, or why nobody can say
    interval: LogInterval | None


def log_verdict(reading: LogReading, report: OomReport) -> LogVerdict:
    """Hold the kernel's choice in a log against the one that `report` made from the same table.

    `report` is the scenario's run in the mode of its release.
    """
    return _Verdict(reading, report).done()


def verdict_object(reading: LogReading, verdict: LogVerdict) -> dict[str, Any]:
    """A verdict as plain data; keys stay."""
    event, facts, interval = reading.event, reading.facts, verdict.interval
    return {
        "event": event.index,
        "line": event.first_line,
        "release": facts.release,
        "kernel_says": _named(verdict.kernel),
        "oomsel_says": _named(verdict.oomsel),
        "agrees": verdict.agrees,
        "reason": None if verdict.reason is None else verdict.reason.value,
        "complete": event.is_complete,
        "missing": list(event.missing()),
        "totalpages": facts.totalpages,
        "sentences": [*reading.notes, *verdict.sentences, *verdict.counters],
        "counter_error_pages": None if interval is None else interval.per_counter,
        "could_have_been": None if interval is None else [_named(rival[:2]) for rival in interval.rivals],
        "memory": memory_object(event, facts),
    }


def _named(who: tuple[int, bytes] | None) -> dict[str, Any] | None:
    return None if who is None else {"pid": who[0], "comm": comm_to_text(who[1])}


class _Verdict:
    def __init__(self, reading: LogReading, report: OomReport) -> None:
        self.reading, self.report = reading, report
        self.event: OomEvent = reading.event
        self.facts: Facts = reading.facts
        total = self.facts.totalpages
        self.total = report.totalpages if total is None else total
        self.result: Rescore = rescore(
            self.event, self.facts.version, self.total, self.facts.page_size, passed=frozenset(reading.passed)
        )
        self.kernel = self._kernel()
        self.oomsel = self._oomsel()
        self.agrees = self._same()
        self.interval: LogInterval | None = None

    def done(self) -> LogVerdict:
        reason, why = self._reason()
        lines = [self._headline(reason), *why, *self._caveats()]
        counters = tuple(self._about_counters())
        return LogVerdict(self.kernel, self.oomsel, self.agrees, reason, tuple(lines), counters, self.interval)

    @property
    def _knows_total(self) -> bool:
        return self.facts.totalpages is not None and not self.facts.totalpages_guessed

    @property
    def _weighs_by_total(self) -> bool:
        """Whether who is ahead of whom depends on totalpages."""
        return len({candidate.adj for candidate in self.result.candidates}) > 1

    # -- who ---------------------------------------------------------------------------------------------------

    def _kernel(self) -> tuple[int, bytes] | None:
        event = self.event
        if event.chosen is not None:
            return event.chosen.pid, event.chosen.comm
        return event.victim

    def _oomsel(self) -> tuple[int, bytes] | None:
        report, tasks = self.report, self.report.system.tasks
        if report.outcome is not Outcome.KILLED or report.chosen is None:
            return None
        return int(tasks.live_pid[report.chosen]), tasks.live_comm[report.chosen]

    def _same(self) -> bool:
        if self.kernel is None or self.oomsel is None:
            return self.kernel is self.oomsel
        event = self.event
        pids = {self.kernel[0]} | {kill.pid for kill in event.kills[:1] if event.chosen is None}
        if event.summary is not None:
            pids.add(event.summary.pid)
        leader = self.report.chosen is not None and int(self.report.system.tasks.pid[self.report.chosen])
        return self.oomsel[0] in pids or leader in pids

    def _headline(self, reason: Reason | None) -> str:
        kernel = f"kernel says: {_who(self.kernel)}"
        oomsel = f"oomsel says: {_who(self.oomsel)}"
        if self.reading.changed:
            return f"{kernel}; as changed, {oomsel}"
        if not self.event.ends and self.kernel is None:
            return f"the log ends before the kernel says whom it killed; {oomsel}"
        if self.agrees:
            return f"{kernel}; {oomsel}; they agree"
        return f"{kernel}; {oomsel}; they differ: {reason.value if reason else ''}"

    # -- why ---------------------------------------------------------------------------------------------------

    def _reason(self) -> tuple[Reason | None, list[str]]:  # noqa: PLR0911 - one return a reason
        if self.reading.changed:
            return Reason.CHANGED, []
        event, facts = self.event, self.facts
        kill = event.kills[0] if event.kills else None
        if self.agrees:
            if kill is not None and "allocating" in kill.prefix:
                return Reason.ALLOCATING, [f"{Reason.ALLOCATING.value}, line {kill.line}"]
            if event.chosen is not None and kill is not None and kill.pid != event.chosen.pid:
                return Reason.CHILD, [self._child(kill)]
            if self.reading.passed:
                return self._passed()
            return None, []
        if self.kernel is None:
            return (Reason.CUT if not event.ends else Reason.UNKNOWN), []
        victim = self.result.of(self.kernel[0])
        if event.rows and event.row_of(self.kernel[0]) is None:
            where = "it is not in the table: its row is lost, or it was no candidate when the table was printed"
            return Reason.NOT_IN_TABLE, [f"pid {self.kernel[0]}: {where}"]
        if event.damaged or event.doubled or event.losses or not event.rows:
            return Reason.CUT, []
        if event.summary is not None and event.summary.constraint not in _CONSTRAINTS:
            name = event.summary.constraint
            return Reason.CONSTRAINT, [
                f"{name}, line {event.summary.line}, is no constraint of mainline's: a program chose"
            ]
        if self.result.formula.unprinted or self.result.missing_columns:
            terms = [*self.result.formula.unprinted, *self.result.missing_columns]
            return Reason.UNPRINTED, [f"{_release(facts)} counts of a task also {', '.join(terms)}, which no row shows"]
        winner = self.result.winner
        if victim is None or winner is None:
            return Reason.UNKNOWN, [f"pid {self.kernel[0]} may not be killed by its row: oom_score_adj is -1000"]
        return self._gap(winner, victim)

    def _gap(self, winner: Candidate, victim: Candidate) -> tuple[Reason, list[str]]:
        gap = winner.score - victim.score
        who = f"pid {winner.row.pid} ({printable(winner.label[1])})"
        shown = f"by the table {who} has {winner.score} points, {gap} more than the kernel's choice"
        if gap == 0:
            return Reason.TIE, [f"by the table {who} has {winner.score} points too"]
        if not self._knows_total and winner.adj != victim.adj:
            return Reason.TOTALPAGES, [f"{shown}, with totalpages taken as {self.total}"]
        if self.result.formula.root and winner.is_root != victim.is_root:
            return Reason.ROOT, [f"{shown}; uid 0 is taken for CAP_SYS_ADMIN"]
        if gap <= DRIFT and self.result.formula.scale == "pages":
            return Reason.MOVED, [f"{shown}; a row may change by so much between the choice and its line"]
        return Reason.UNKNOWN, [f"{shown}; what a report does not print (vfork, MMF_OOM_SKIP) may be why"]

    def _child(self, kill: Killed) -> str:
        return f"pid {kill.pid} ({printable(kill.comm)}), a child, died in its place, line {kill.line}"

    def _passed(self) -> tuple[Reason, list[str]]:
        lines = []
        for pid, why in self.reading.passed.items():
            row = self.event.row_of(pid)
            name = printable(row.name if row else "")
            if why == "vfork":
                words = "is taken for the victim's child in the middle of vfork, as its numbers are the victim's own"
            else:
                line = self.reading.context.killed[pid][1]
                words = (
                    f"leads the table but was killed before, line {line}, and has nothing left to free (MMF_OOM_SKIP)"
                )
            lines.append(f"pid {pid} ({name}) {words}")
        return (Reason.VFORK if "vfork" in self.reading.passed.values() else Reason.KILLED_BEFORE), lines

    # -- what else to know -------------------------------------------------------------------------------------

    def _caveats(self) -> Iterator[str]:
        event, facts = self.event, self.facts
        missing = list(event.missing())
        if missing:
            yield f"the report is incomplete: {'; '.join(missing)}; whoever is missing may be the true answer"
        if self.result.unknown_columns:
            yield f"columns that no release has are not counted: {', '.join(self.result.unknown_columns)}"
        if self.result.missing_columns and facts.is_simulated:
            yield f"columns that count are not in the table: {', '.join(self.result.missing_columns)}"
        yield from self._about_totalpages()
        yield from self._about_group()
        if not self.reading.changed:
            yield from self._about_snapshots()
            yield from self._about_parts()
            yield from self._about_score()
        if not facts.is_simulated:
            printed = f", and printed in the form of {facts.kernel}" if not self.reading.changed else ""
            yield f"{_release(facts)} is not simulated: it is scored by {self.result.formula.name} formula{printed}"

    def _about_totalpages(self) -> Iterator[str]:
        if self._knows_total:
            return
        what = f"totalpages: {self.facts.totalpages_because}"
        if self.facts.totalpages is None and self.event.rows:
            what += f"; the {self.total} pages that the table holds are taken for it"
        if not self._weighs_by_total:
            yield f"{what}; every oom_score_adj is the same, so that it changes nobody's place"
            return
        yield f"{what}; oom_score_adj weighs by it, so another total may give another answer{self._holds_for()}"

    def _holds_for(self) -> str:
        """For which totalpages the kernel's victim leads the table, ahead of all and not only level."""
        victim = self.result.of(self.kernel[0]) if self.kernel else None
        if victim is None or self.result.formula.scale != "pages":
            return ""
        low, high = 0, 1 << 51
        for other in self.result.candidates:
            if other.row is victim.row:
                continue
            ahead, weight = victim.pages - other.pages, victim.adj - other.adj
            if weight > 0:
                low = max(low, -ahead // weight + 1 if ahead <= 0 else 0)
            elif weight < 0:
                high = min(high, (ahead - 1) // -weight if ahead > 0 else -1)
            elif ahead <= 0:
                high = -1
        if low > high:
            return "; with none does the kernel's choice lead the table"
        if high == 1 << 51:
            return f"; the kernel's choice leads from {low * 1000} pages on" if low else ""
        span = f"from {low * 1000} to" if low else "up to"
        return f"; the kernel's choice leads {span} {high * 1000 + 999} pages"

    def _about_group(self) -> Iterator[str]:
        event = self.event
        if event.group is not None and len(event.kills) > 1:
            group = f"memory.oom.group of {printable(event.group[1])}, line {event.group[0]}"
            yield f"{len(event.kills) - 1} more died with the victim: {group}"

    def _about_snapshots(self) -> Iterator[str]:
        kill = self.event.kills[0] if self.event.kills else None
        row = self.event.row_of(kill.pid) if kill else None
        if kill is None or row is None or kill.rss is None:
            return
        now, before = pages_of(kill.rss, self.facts.page_size), sum(rss_parts(row).values())
        off = abs(now - before)
        if off:
            way = "more" if now > before else "fewer"
            much = off > max(DRIFT, max(now, before) // 4)
            why = "more than a moment explains, one of the two may be damaged" if much else "two snapshots"
            yield f"the kill line, line {kill.line}, has {off} pages {way} of RSS than the row, line {row.line}: {why}"

    def _about_parts(self) -> Iterator[str]:
        off = {row.line: abs((row.numbers["rss"] or 0) - sum(rss_parts(row).values())) for row in self.event.rows}
        line = max(off, key=off.__getitem__, default=0)
        if off and off[line]:
            where = f"by up to {off[line]} pages, line {line}"
            yield f"rss is not the sum of its parts in every row, {where}: the parts are what counts here"

    def _about_score(self) -> Iterator[str]:
        """Where the old kernels printed a score, the same from the table."""
        chosen, total = self.event.chosen, self.facts.totalpages
        candidate = self.result.of(chosen.pid) if chosen else None
        if chosen is None or candidate is None or total is None or self.result.formula.scale == "raw":
            return
        points = candidate.score
        score = points if self.result.formula.scale == "permille" else max(points, 0) * 1000 // max(total, 1)
        plain = int(historic_badness(self.result.formula, candidate.pages, candidate.adj, total, is_root=False))
        if score == chosen.score:
            yield f"score {chosen.score}, line {chosen.line}, is what the table gives"
        elif candidate.is_root and plain * 1000 // max(total, 1) == chosen.score:
            what = f"score {chosen.score}, line {chosen.line}, is what the table gives without root's bonus"
            yield f"{what}: the task had no CAP_SYS_ADMIN"
        else:
            yield f"the kernel printed score {chosen.score}, line {chosen.line}; the table gives {score}"

    def _about_counters(self) -> Iterator[str]:
        if self.reading.changed or self.kernel is None or "allocating" in (self.event.kills or [_NOBODY])[0].prefix:
            return
        victim = self.result.of(self.kernel[0])
        if victim is None or self.result.winner is None or self.result.winner.row is not victim.row:
            return
        interval = interval_of(self.event, self.facts, self.report, victim.row.pid)
        if interval is not None and self.facts.totalpages is None and self._weighs_by_total:
            yield "as totalpages is not known, neither is whether the counters' inaccuracy mattered"
            return
        self.interval = interval
        if self.interval is None:
            yield why_no_interval(self.facts)
            if counts_per_cpu(self.facts):
                yield "a log does not hold what CPUs have not folded in: both modes read what the table shows"
            return
        guess = not self._knows_total and self._weighs_by_total
        yield (f"if totalpages is {self.total}: " if guess else "") + self._interval_sentence(self.interval)

    def _interval_sentence(self, interval: LogInterval) -> str:
        size = self.facts.page_size >> 10
        cpus = f"{interval.cpus} CPU{'s' * (interval.cpus > 1)} ({self.facts.cpus_because})"
        off = f"with {cpus} each counter may be off by {interval.per_counter} pages ({interval.per_counter * size} kB)"
        if not interval.rivals:
            nearest = interval.nearest
            if nearest is None:
                return f"{off}; there was nobody else to choose"
            who = f"{nearest.pid} ({printable(nearest.name)})"
            return f"{off}, which cannot have changed the victim: the nearest, {who}, is {-nearest.margin} pages short"
        shown = ", ".join(
            f"{pid} ({printable(name)}) by up to {margin} pages" for pid, name, margin in interval.rivals[:3]
        )
        more = f" and {len(interval.rivals) - 3} more" if len(interval.rivals) > 3 else ""
        return f"{off}: others may truly have been larger than the victim: {shown}{more}"


_CONSTRAINTS = ("CONSTRAINT_NONE", "CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY", "CONSTRAINT_MEMCG")
_NOBODY = Killed(0, "", 0, b"", None, None, None, None, None, None, None)


def _who(who: tuple[int, bytes] | None) -> str:
    return "nobody" if who is None else f"{who[0]} ({printable(who[1])})"


def _release(facts: Facts) -> str:
    return f"Linux {facts.release}" if facts.release else "the kernel, whose release the log does not show,"
