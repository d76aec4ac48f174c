"""Compares the kernel's choice in a log with the one made again from its table, and says why they differ."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple, TypeAlias

from oomsel.inputs.log.reading import LogReading
from oomsel.inputs.log.rescore import Candidate, rescore
from oomsel.inputs.log.rows import asked_to_die
from oomsel.kernel.constraint import Constraint
from oomsel.klog.report_lines import row_name
from oomsel.outputs.log_caveats import DRIFT, caveats, grave_caveats, release_name
from oomsel.outputs.log_choice import LogChoice
from oomsel.outputs.log_interval import LogInterval, about_counters
from oomsel.outputs.log_memory import memory_object
from oomsel.text import number_of, process_name, process_object


class Reason(Enum):
    """Why the two differ, or what makes them agree although the table alone says otherwise."""

    CUT = "the report is incomplete"
    NOT_IN_TABLE = "the kernel's victim is not in the table"
    ALLOCATING = "oom_kill_allocating_task: the allocating task dies without a choice"
    CHILD = "a child was sacrificed in the place of the one chosen"
    KILLED_BEFORE = "who leads the table was killed before and had nothing left to free"
    VFORK = "who leads the table is a child in the middle of vfork"
    ORIGIN = "the victim had marked itself to die first (oom_flag_origin)"
    TIE = "equal scores, and the order in which they were looked at is not printed"
    MOVED = "the table is read later than the choice"
    UNPRINTED = "the formula has terms that the report does not print"
    ROOT = "whether a task is root's for the kernel is not printed"
    TOTALPAGES = "totalpages cannot be worked out"
    SWAPPINESS = "swappiness, by which a cgroup's swap counts or not, is not printed"
    CONSTRAINT = "the allocation had a constraint of its own"
    CHANGED = "a what-if has changed the scenario"
    UNKNOWN = "nothing in the log explains it"


#: So many processes of a kind are named in a sentence.
_FEW = 3

#: A reason, and sentences to it.
_Why: TypeAlias = tuple[Reason | None, list[str]]


class LogVerdict(NamedTuple):
    """What the kernel did and what oomsel makes of it; who is a pid and a name, None where nobody was killed."""

    kernel: tuple[int, bytes] | None  #: whom the kernel chose
    oomsel: tuple[int, bytes] | None  #: whom the table's rows give
    agrees: bool | None  #: None where the log does not hold enough to say it
    reason: Reason | None
    sentences: tuple[str, ...]  #: for a person; the first says who, and whether the two agree
    counters: tuple[str, ...]  #: whether the counters' inaccuracy could have mattered, or why nobody can say
    interval: LogInterval | None
    undecided: str | None = None  #: why nobody can say whom the table gives
    why: tuple[str, ...] = ()  #: of the sentences, the reason's
    caveats: tuple[str, ...] = ()  #: of the sentences, what could make the answer another


def log_verdict(choice: LogChoice) -> LogVerdict:
    """Hold the kernel's choice in a log against the one made again from the same table."""
    reason, why = _reason(choice)
    sentences = (_headline(choice, reason), *why, *caveats(choice))
    interval, counters = about_counters(choice)
    return LogVerdict(
        choice.kernel, choice.oomsel, choice.agrees, reason, sentences, tuple(counters), interval, choice.undecided,
        tuple(why), tuple(grave_caveats(choice)),
    )  # fmt: skip


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
        "undecided": verdict.undecided,
        "reason": None if verdict.reason is None else verdict.reason.value,
        "complete": event.is_complete,
        "missing": list(event.missing()),
        "constraint": event.constraint,
        "totalpages": facts.totalpages,
        "totalpages_is_a_guess": facts.totalpages_guessed,
        "sentences": [*reading.notes, *verdict.sentences, *verdict.counters],
        "counter_error_pages": None if interval is None else interval.per_counter,
        "could_have_been": None if interval is None else [_named(rival[:2]) for rival in interval.rivals],
        "memory": memory_object(event, facts),
    }


def _named(who: tuple[int, bytes] | None) -> dict[str, Any] | None:
    return None if who is None else process_object(*who)


def _headline(choice: LogChoice, reason: Reason | None) -> str:
    """Who says whom, and whether they agree, as far as the log holds it."""
    kernel = f"kernel says: {_who(choice.kernel)}"
    oomsel = f"oomsel says: {_who(choice.oomsel)}"
    if choice.undecided is not None:
        oomsel = f"oomsel cannot say: {choice.undecided}"
    if choice.reading.changed:
        return f"{kernel}; as changed, {oomsel}"
    if not choice.event.ends and choice.kernel is None:
        return f"the end of the report, where the kernel says whom it killed, is not in the log; {oomsel}"
    if choice.undecided is not None:
        return f"{kernel}; {oomsel}"
    if choice.agrees:
        return f"{kernel}; {'of the rows that are left ' if choice.lacks_rows else ''}{oomsel}; they agree"
    why = reason.value if reason else ""
    if choice.agrees is None:
        return f"{kernel}; of the rows that are left {oomsel}; whether they differ cannot be said: {why}"
    return f"{kernel}; {oomsel}; they differ: {why}"


def _reason(choice: LogChoice) -> _Why:
    if choice.reading.changed:
        return Reason.CHANGED, []
    if choice.undecided is not None:
        return (Reason.TOTALPAGES if choice.event.rows else Reason.CUT), []
    if choice.agrees:
        return _what_the_table_does_not_show(choice)
    if choice.kernel is None:
        return (Reason.UNKNOWN if choice.event.ends else Reason.CUT), []
    return _lost(choice) or _other_rules(choice) or _swappiness(choice) or _gap(choice)


def _what_the_table_does_not_show(choice: LogChoice) -> _Why:
    """Why the kernel and oomsel agree, where the table alone would not say so."""
    event = choice.event
    kill = event.kills[0] if event.kills else None
    if kill is not None and choice.allocating:
        return Reason.ALLOCATING, [f"{Reason.ALLOCATING.value}, line {kill.line}"]
    if event.chosen is not None and kill is not None and kill.pid not in (event.chosen.pid, _pid(choice.kernel)):
        return Reason.CHILD, [f"pid {process_name(kill.pid, kill.comm)}, a child, died in its place, line {kill.line}"]
    if asked_to_die(event) is not None:
        return Reason.ORIGIN, [f"{Reason.ORIGIN.value}, as its stack dump shows, line {event.origin_line}"]
    if choice.reading.skip_reasons:
        return _skipped(choice)
    return None, []


def _pid(who: tuple[int, bytes] | None) -> int | None:
    return None if who is None else who[0]


def _skipped(choice: LogChoice) -> _Why:
    """Who the kernel skipped for a reason that another line tells, a sentence for each reason."""
    reading = choice.reading
    rows = choice.event.rows_by_pid()
    children = [pid for pid, why in reading.skip_reasons.items() if why == "vfork"]
    killed = [pid for pid, why in reading.skip_reasons.items() if why != "vfork"]
    names = [process_name(pid, row_name(rows[pid]) if pid in rows else "") for pid in children]
    lines = []
    if len(names) == 1:
        what = "is taken for the victim's child in the middle of vfork, as its numbers are the victim's own"
        lines.append(f"pid {names[0]} {what}")
    elif names:
        who = _some(names)
        lines.append(f"{who} are taken for the victim's children in the middle of vfork, as their numbers are its own")
    leads = _leader(choice) if killed else None
    for pid in sorted(killed, key=lambda each: each != leads)[:_FEW]:
        row, line = rows.get(pid), reading.context.killed[pid][1]
        words = f"was killed before, line {line}, and has nothing left to free (MMF_OOM_SKIP)"
        words = f"leads the table but {words}" if pid == leads else words
        lines.append(f"pid {process_name(pid, row_name(row) if row else '')} {words}")
    if len(killed) > _FEW:
        lines.append(f"{len(killed) - _FEW} more were killed before and have nothing left to free")
    return (Reason.VFORK if children else Reason.KILLED_BEFORE), lines


def _some(names: list[str]) -> str:
    """`pids 6 (a), 7 (b) and 8 (c)`; of many the first, and how many more."""
    shown = [f"pids {names[0]}", *names[1:_FEW]]
    last = f"{len(names) - _FEW} more" if len(names) > _FEW else shown.pop()
    return f"{', '.join(shown)} and {last}"


def _leader(choice: LogChoice) -> int | None:
    """The pid of the row that leads the table with nobody skipped."""
    facts = choice.facts
    winner = rescore(choice.event, facts.version, choice.total, facts.page_size).winner
    return winner.row.pid if winner is not None else None


def _lost(choice: LogChoice) -> _Why | None:
    """That rows are lost, the victim's or another."""
    event = choice.event
    if choice.kernel is not None and event.rows and event.row_of(choice.kernel[0]) is None:
        where = "it is not in the table: its row is lost, or it was no candidate when the table was printed"
        if event.exiting is not None and not event.kills:
            where = "it is not in the table, which is printed after the choice: it had lost its memory by then"
        return Reason.NOT_IN_TABLE, [f"pid {choice.kernel[0]}: {where}"]
    return (Reason.CUT, []) if choice.lacks_rows or not event.rows else None


def _other_rules(choice: LogChoice) -> _Why | None:
    """Rules that are not the table's, or terms that it does not show."""
    summary, result = choice.event.summary, choice.result
    if summary is not None and summary.constraint not in set(Constraint):
        what = f"{summary.constraint}, line {summary.line}, is no constraint of mainline's: a program chose"
        return Reason.CONSTRAINT, [what]
    if terms := [*result.formula.unprinted, *result.missing_columns]:
        what = f"{release_name(choice.facts)} counts of a task also {', '.join(terms)}, which no row shows"
        return Reason.UNPRINTED, [what]
    return None


def _swappiness(choice: LogChoice) -> _Why | None:
    without, victim = choice.facts.totalpages_without_swap, choice.victim
    winner = None if without is None else choice.at(without).winner
    if not choice.is_sure_of_total or victim is None or winner is None or winner.row is not victim.row:
        return None
    what = f"were it 0, totalpages would be {without}, without swap, and the kernel's choice leads the table"
    return Reason.SWAPPINESS, [what]


def _gap(choice: LogChoice) -> _Why:
    """What the distance between the table's leader and the kernel's choice tells."""
    winner, victim = choice.result.winner, choice.victim
    if victim is None or winner is None:
        return Reason.UNKNOWN, [f"pid {_pid(choice.kernel)} may not be killed by its row: oom_score_adj is -1000"]
    gap = winner.score - victim.score
    shown = f"by the table {_of(winner)} has {number_of(winner.score, 'point')}, {gap} more than the kernel's choice"
    if gap == 0:
        return Reason.TIE, [f"by the table {_of(winner)} has {number_of(winner.score, 'point')} too"]
    if not choice.is_sure_of_total and winner.adj != victim.adj:
        return Reason.TOTALPAGES, [f"{shown}, with totalpages taken as {choice.total}"]
    if choice.result.formula.root and winner.is_root != victim.is_root:
        return Reason.ROOT, [f"{shown}; uid 0 is taken for CAP_SYS_ADMIN"]
    if gap <= DRIFT and choice.result.formula.scale == "pages":
        return Reason.MOVED, [f"{shown}; a row may change by so much between the choice and its line"]
    return Reason.UNKNOWN, [f"{shown}; what a report does not print (vfork, MMF_OOM_SKIP) may be why"]


def _of(candidate: Candidate) -> str:
    return f"pid {process_name(*candidate.label)}"


def _who(who: tuple[int, bytes] | None) -> str:
    return "nobody" if who is None else process_name(*who)
