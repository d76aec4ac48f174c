"""An Explanation as sentences and tables, for a person."""

from __future__ import annotations

from collections.abc import Iterator

from oomsel.kernel.badness import LONG_MAX, SkipReason, page_tables
from oomsel.kernel.constraint import Constraint, current_of
from oomsel.kernel.event import OomReport, Outcome
from oomsel.kernel.historic import Formula
from oomsel.kernel.percpu_counter import NR_MM_COUNTERS
from oomsel.layout import aligned
from oomsel.outputs.counter_error import counter_error_lines
from oomsel.outputs.explain import Explanation
from oomsel.outputs.log_evidence import LogEvidence
from oomsel.outputs.score_bars import Signs, score_bars
from oomsel.outputs.score_terms import score_terms
from oomsel.outputs.summary import (
    ROOT_BONUS,
    SILENCE,
    compare,
    freed_pages,
    mebibytes,
    outcome_phrase,
    pages_and_mebibytes,
)
from oomsel.outputs.tasks import FIRST, TaskView
from oomsel.text import format_numbers, number_of, printable

#: How many candidates are shown, and how many names for each reason, unless --all asks for every one.
CLOSEST = 5
NAMES = 12

_READS = {"approximate": "reads the RSS counters approximately", "precise": "sums the RSS counters precisely"}


def explanation_lines(
    explanation: Explanation,
    *,
    show_all: bool = False,
    evidence: LogEvidence | None = None,
    scores: bool = True,
    counters: bool = True,
    signs: Signs | None = None,
) -> list[str]:
    """What stands below the first screen, as paragraphs and tables: the scores, and how exact the counters are.

    `evidence` is the log that the scenario was read from: what that does not hold is not claimed.
    `signs` draw bars below the candidates.
    """
    parts = []
    if counters:
        parts.append(["BOTH READINGS", *(_who(explanation) if evidence is None else evidence.who)])
    if scores:
        parts += _score_parts(explanation, evidence, None if show_all else CLOSEST, signs)
        if skipped := _named_skipped(explanation, evidence):
            parts.append(["NOT TO BE KILLED", *_skipped(explanation, skipped, None if show_all else NAMES)])
    if counters:
        parts += _counter_parts(explanation, evidence, None if show_all else CLOSEST)
    return [line for part in parts for line in ["", *part]][1:]


def _score_parts(
    explanation: Explanation, evidence: LogEvidence | None, most: int | None, signs: Signs | None
) -> Iterator[list[str]]:
    if evidence is not None:
        yield ["THE MEMORY", *evidence.memory]
    yield ["THE SCORE", *_why(explanation.report, evidence)]
    if not explanation.candidates:
        return
    if evidence is None or evidence.candidates is None:
        yield ["CLOSEST CANDIDATES", *_closest(explanation, most, evidence)]
        if signs is not None:
            bars = score_bars(explanation, explanation.candidates[:most], signs, is_log=evidence is not None)
            yield from [bars] * bool(bars)
    elif evidence.candidates:
        yield ["CANDIDATES, WITHOUT WHAT OOM_SCORE_ADJ ADDS", *evidence.candidates]


def _counter_parts(explanation: Explanation, evidence: LogEvidence | None, most: int | None) -> Iterator[list[str]]:
    if explanation.candidates:
        wrong = _how_wrong(explanation) if evidence is None else evidence.how_wrong
        yield ["HOW WRONG THE COUNTERS CAN BE", *wrong]
    if explanation.deltas_known and evidence is None:
        yield ["HOW WRONG THE COUNTERS ARE", *counter_error_lines(explanation, most)]


def _who(explanation: Explanation) -> Iterator[str]:
    report, other = explanation.report, explanation.other
    yield f"The kernel {_READS[report.mode]} and {outcome_phrase(report)}."
    if report.outcome in SILENCE:
        yield f"It prints nothing: {SILENCE[report.outcome]}."
    comparison = compare(explanation.approximate, explanation.precise)
    if comparison.agree:
        yield f"One that {_READS[other.mode]} does the same."
    else:
        yield f"One that {_READS[other.mode]} {outcome_phrase(other)} instead."
        yield comparison.sentence
    if report.killed:
        claimed, held = (freed_pages(report, counters) for counters in (report.counters, report.precise))
        truth = f"; in truth it is {pages_and_mebibytes(report, held)}" if held != claimed else ", as it truly does"
        yield f"The report claims that the kill frees {pages_and_mebibytes(report, claimed)}{truth}."


def _why(report: OomReport, evidence: LogEvidence | None) -> Iterator[str]:
    yield (evidence.measure if evidence is not None else None) or _measure(report)
    if evidence is not None and evidence.why is not None:
        yield from evidence.why
        return
    if report.allocating_task and report.chosen is not None:
        name = report.name_of(report.chosen)
        yield f"vm.oom_kill_allocating_task is set: {name} is killed for allocating, whatever its badness."
    elif report.outcome is Outcome.NO_KILLABLE:
        yield "No task may be killed: each is passed over, for the reasons below."
    elif report.outcome is Outcome.PANIC_ON_OOM:
        yield f"vm.panic_on_oom is {report.system.sysctl.panic_on_oom}: the machine panics before anybody is chosen."
    elif report.chosen is not None:
        yield from _arithmetic(report, report.chosen, knows_total=evidence is None or evidence.knows_total)
    if report.oom_group is not None:
        path = printable(report.system.memcgs[report.oom_group].path)
        yield f"memory.oom.group is set on {path}: everybody in it who may be killed dies with the victim."
    if report.silent:
        names = ", ".join(report.name_of(task) for task in report.silent)
        yield f"Killed without a line, for sharing the victim's memory: {names}."
    for kill in report.kills:
        for other in kill.pinned_by if kill.again is None else ():
            victim, pinner = report.name_of(kill.task), report.name_of(other)
            yield f"The memory of {victim} is pinned by {pinner}, so that it is not reaped."


def _measure(report: OomReport) -> str:
    """The constraint, and the total that badness is measured against."""
    system, oc = report.system, report.oc
    total = pages_and_mebibytes(report, report.totalpages)
    if oc.totalpages is not None:
        what = "as the scenario states"
    elif oc.memcg is not None:
        what = "its memory.max and what it may swap"
    elif report.constraint is Constraint.NONE:
        what = "RAM and swap"
    else:
        what = "all swap and what those nodes have"
    scope = {
        Constraint.NONE: "Every process is looked at",
        Constraint.MEMCG: f"Only processes in {printable(system.memcgs[oc.memcg or 0].path)} and below are looked at",
        Constraint.CPUSET: (
            f"The cpuset confines the allocation to node {format_numbers(current_of(system, oc).mems_allowed)}:"
            " only processes that may use it are looked at"
        ),
        Constraint.MEMORY_POLICY: (
            f"The memory policy confines the allocation to node {format_numbers(oc.nodemask or ())}:"
            " only processes without a policy, or with one that meets it, are looked at"
        ),
    }[report.constraint]
    return f"{report.constraint}: {scope}; badness is set against {total}, {what}."


def _arithmetic(report: OomReport, task: int, *, knows_total: bool) -> Iterator[str]:
    system = report.system
    name = report.name_of(task)
    points = int(report.points[task])
    if points == LONG_MAX:
        yield f"{name} is marked to be killed first (oom_task_origin, as swapoff and KSM do): its badness is not asked."
        return
    yield f"{name} has the highest badness, {number_of(points, 'point')}:"
    if system.formula is not None:
        yield from _historic_arithmetic(report, system.formula, task)
        return
    terms = score_terms(report, task, knows_total=knows_total)
    width = max(len(str(number)) for number, _ in [*terms, (points, "")])
    for index, (number, what) in enumerate(terms):
        yield f"  {'+' if index else ' '} {number:>{width}}  {mebibytes(report, number):>12}  {what}"
    total = sum(number for number, _ in terms)
    yield f"  = {total:>{width}}  {mebibytes(report, total):>12}  badness"
    yield from _equals(report, points)
    if total != points:
        yield f"Before 5.9 a task that may be killed has at least one point: it counts as {points}."


def _historic_arithmetic(report: OomReport, formula: Formula, task: int) -> Iterator[str]:
    """How a release before 5.4 computed the score."""
    system, tasks = report.system, report.system.tasks
    mm, adj = int(tasks.mm[task]), int(tasks.oom_score_adj[task])
    if formula.scale == "raw":
        unprinted = ", ".join(formula.unprinted)
        yield f"  {system.total_vm[mm]} pages of total_vm; {unprinted} count too, and are in no report"
    else:
        pages = int((report.counters.sum(axis=1) + page_tables(system))[mm])
        what = "rss, swap and page tables" if system.scores_in_pages else "rss and swap"
        yield f"  {pages} pages ({mebibytes(report, pages)}) of {what}"
        if formula.scale == "permille":
            yield f"  of {report.totalpages} pages are {pages * 1000 // max(report.totalpages, 1)} thousandths"
        if formula.root and tasks.uid[task] == 0:
            yield f"  less root's bonus, {ROOT_BONUS[formula.root]}"
        if adj:
            unit = "" if formula.scale == "permille" else f" x {report.totalpages // 1000} (totalpages / 1000)"
            yield f"  oom_score_adj {adj}{unit}"
    yield from _equals(report, int(report.points[task]))


def _equals(report: OomReport, points: int) -> Iterator[str]:
    equals = int((report.points == points).sum())
    if equals > 1:
        which = "last" if report.system.last_wins else "first"
        yield f"{equals} tasks have as many: of equals the {which} one in the scan is chosen."


def _closest(explanation: Explanation, most: int | None, evidence: LogEvidence | None) -> Iterator[str]:
    report, shown = explanation.report, explanation.candidates[:most]
    rows, sides = _candidate_rows(explanation, shown), "<><>>>>>"
    if evidence is not None:  # the other mode and the bounds are the simulated counters', not the log's
        rows = [("" if row[0] == "could be" else row[0], *row[1:4], row[5]) for row in rows]
        sides = sides[: len(rows[0])]
    yield from (f"  {line}".rstrip() for line in aligned(rows, sides))
    if more := len(explanation.candidates) - len(shown):
        yield f"  and {more} more (--all shows all)"
    best, *rest = (int(report.points[task]) for task in explanation.candidates[:2])
    if rest == [best]:
        yield "The first two are equal."
    elif rest and best != LONG_MAX:
        gap = best - rest[0]
        ahead = pages_and_mebibytes(report, gap) if report.system.scores_in_pages else f"{gap} points"
        yield f"The first is {ahead} ahead of the second."


def _candidate_rows(explanation: Explanation, tasks: list[int]) -> list[tuple[str, ...]]:
    """The cells of some candidates, below the headings."""
    report, interval = explanation.report, explanation.interval
    view, other = TaskView(report, tasks), TaskView(explanation.other, tasks)
    could = set(explanation.possible_victims)
    best = int(report.points[explanation.candidates[0]])
    headings = ("", "pid", "name", "badness", explanation.other.mode, "behind", "true badness in", "oom_score")
    rows: list[tuple[str, ...]] = [headings]
    columns = (view["killed"], view["pid"], view["comm"], view["badness"], other["badness"])
    for task, killed, pid, comm, points, other_points, score in zip(
        tasks, *columns, _oom_scores(explanation, tasks), strict=True
    ):
        mark = "killed" if killed else "could be" if task in could else ""
        behind = "-" if best == LONG_MAX else str(best - int(report.points[task]))
        bounds = "-" if points == FIRST else f"{interval.low[task]} .. {interval.high[task]}"
        cells = (mark, str(pid), printable(comm), str(points), str(other_points), behind, bounds)
        rows.append((*cells, "-" if score is None else str(score)))
    return rows


def _how_wrong(explanation: Explanation) -> Iterator[str]:
    report, bound = explanation.report, explanation.bound
    if not report.system.rules.percpu_rss:
        yield "Before 6.2 the simulated counters are exact: nothing is hidden (real ones hid up to 64 pages a thread)."
        return
    where = "the CPU" if bound.cpus == 1 else f"each of {bound.cpus} CPUs"
    worst, likely = bound.worst * NR_MM_COUNTERS, bound.likely(NR_MM_COUNTERS)
    yield (
        f"Up to {number_of(bound.per_cpu, 'page')} of a counter may stand on {where}"
        f" where the global count does not show them: {pages_and_mebibytes(report, bound.worst)} a counter, and over"
        f" the four of a task {pages_and_mebibytes(report, worst)} of badness at worst."
    )
    yield (
        f"Likely it is ±{pages_and_mebibytes(report, round(likely))}:"
        " one standard deviation, if each CPU holds a uniform leftover of each counter."
    )
    if report.allocating_task or report.outcome not in (Outcome.KILLED, Outcome.CHOSEN_DYING):
        yield "None of this decides here: the outcome does not come from comparing badness."
        return
    yield _possible_victims(explanation)
    if report.mode == "precise":
        yield "This kernel sums every CPU, so it does not have to guess."
    if explanation.deltas_known:
        right = "right" if compare(explanation.approximate, explanation.precise).agree else "wrong"
        yield f"Here the scenario says what each CPU holds: the approximate choice is {right}."


def _possible_victims(explanation: Explanation) -> str:
    count = len(explanation.possible_victims)
    names = [explanation.report.name_of(task) for task in explanation.possible_victims[:NAMES]]
    if count == 1:
        return f"Whatever the CPUs hold, the right choice is {names[0]}."
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return (
        f"Knowing the global counts alone, any of {count} tasks could rightfully be chosen: {', '.join(names)}{more}."
    )


def _named_skipped(explanation: Explanation, evidence: LogEvidence | None) -> dict[SkipReason, list[int]]:
    """Who was passed over, without tasks that only stand for somebody of whom a log shows too little."""
    assumed = frozenset() if evidence is None else evidence.assumed_pids
    pid = explanation.report.system.tasks.pid
    named = {
        why: [task for task in tasks if int(pid[task]) not in assumed] for why, tasks in explanation.skipped.items()
    }
    return {why: tasks for why, tasks in named.items() if tasks}


def _skipped(explanation: Explanation, skipped: dict[SkipReason, list[int]], most: int | None) -> Iterator[str]:
    for why, tasks in skipped.items():
        scores = _oom_scores(explanation, tasks)
        # A confined allocation skips tasks that are eligible elsewhere: those have a score of their own.
        suffixes = [f" oom_score {score}" if score else "" for score in scores]
        names = [explanation.report.name_of(task) + suffix for task, suffix in zip(tasks, suffixes, strict=True)]
        more = len(tasks) - len(tasks[:most])
        shown = ", ".join(names[:most]) + (f" and {more} more" if more else "")
        yield f"{_subject(why, len(tasks))}: {shown}{'' if any(suffixes) or None in scores else '; oom_score 0'}."


def _oom_scores(explanation: Explanation, tasks: list[int]) -> list[int | None]:
    """What /proc/PID/oom_score of each says under the scenario's own release."""
    precise = explanation.report.system.rules.precise_oom
    return TaskView(explanation.precise if precise else explanation.approximate, tasks)["oom_score"]


def _subject(why: SkipReason, count: int) -> str:
    return f"{why.reason[0].upper()}{why.reason[1:]}{f' ({count})' if count > 1 else ''}"
