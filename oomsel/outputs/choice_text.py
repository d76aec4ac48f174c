"""Why this process and not the biggest one, in a sentence or two, with the next candidate and its margin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from oomsel.kernel.badness import LONG_MAX, LONG_MIN, SkipReason
from oomsel.kernel.event import OomReport, Outcome
from oomsel.outputs.explain import Explanation
from oomsel.outputs.sizes import Sizes
from oomsel.outputs.summary import ROOT_BONUS, SILENCE
from oomsel.outputs.usage import Process, Usage
from oomsel.text import printable, process_name

if TYPE_CHECKING:
    from oomsel.klog.event import OomEvent
    from oomsel.outputs.deaths import Death
    from oomsel.outputs.log_evidence import LogEvidence
    from oomsel.outputs.log_verdict import LogVerdict


def why_sentences(
    explanation: Explanation,
    usage: Usage,
    evidence: LogEvidence | None,
    verdict: LogVerdict | None,
    sizes: Sizes,
    *,
    is_part: bool = False,
) -> tuple[tuple[str, ...], tuple[int, int] | None]:
    """Sentences, and the next candidate with the points by which it is behind, where that is known.

    With `is_part` the scenario is a capture of a part of the machine.
    """
    report = explanation.report
    if (
        verdict is not None
        and evidence is not None
        and not _is_changed(verdict)
        and (verdict.agrees is not True or evidence.why is not None)
    ):
        return tuple(_from_log(evidence, verdict)), None
    following = _next(explanation)
    lines = list(_of_choice(explanation, usage, following, sizes, is_part=is_part))
    if verdict is not None and verdict.agrees and report.chosen is not None:
        if report.allocating_task or _is_marked(report):
            line = verdict.why[0].rpartition(", ")[2] if verdict.why else ""
            return (*lines, f"The log shows it, {line}.") if line.startswith("line ") else tuple(lines), following
        confirmed = "The kernel's choice is confirmed from its table."
        lines.append("The kernel chose it, too." if usage.lacks_rows else confirmed)
        lines += [f"{_capital(text)}." for text in verdict.why]
    return tuple(lines), following


def why_not_known(event: OomEvent, victim: Death | None) -> str:
    """Why nobody can say why, of a report without a row that can be read."""
    if event.panic is not None and victim is None and event.panic[1].startswith("Out of memory:"):
        return f"The machine is set to panic and not to kill (vm.panic_on_oom), line {event.panic[0]}."
    if event.no_killable is not None:
        return f"No process might be killed, line {event.no_killable}."
    what = "the table of processes is not in the log"
    if event.header_line is not None:
        what = f"no row of the table of processes, line {event.header_line}, can be read"
    if victim is None:
        return f"Who was to be killed, and why, is not known: {what}."
    line = event.kills[0] if event.kills else None
    if line is not None and "allocating" in line.prefix:
        return f"vm.oom_kill_allocating_task is set, line {line.line}: whoever asked for memory is killed."
    return f"Why {process_name(victim.pid, victim.comm)} and not another is not known: {what}."


def _is_marked(report: OomReport) -> bool:
    return report.chosen is not None and int(report.points[report.chosen]) == LONG_MAX


def _is_changed(verdict: LogVerdict) -> bool:
    from oomsel.outputs.log_verdict import Reason

    return verdict.reason is Reason.CHANGED


def _from_log(evidence: LogEvidence, verdict: LogVerdict) -> Iterator[str]:
    """Where the table and the kernel differ, or nobody can say whether they do."""
    if verdict.kernel is not None and not evidence.has_rows:
        who = process_name(*verdict.kernel)
        yield f"Why {who} and not another is not known: no row of the task table is in the log."
        return
    yield f"{_capital(verdict.sentences[0])}."
    yield from (f"{_capital(text)}." for text in verdict.why)
    if evidence.why is not None and verdict.undecided is None:
        yield from evidence.why


def _next(explanation: Explanation) -> tuple[int, int] | None:
    report = explanation.report
    if report.outcome is not Outcome.KILLED or report.allocating_task or report.chosen is None:
        return None
    own = int(report.points[report.chosen])
    others = [task for task in explanation.candidates if task != report.chosen]
    if not others or own == LONG_MAX:
        return None
    return others[0], own - int(report.points[others[0]])


def _of_choice(
    explanation: Explanation, usage: Usage, following: tuple[int, int] | None, sizes: Sizes, *, is_part: bool
) -> Iterator[str]:
    report = explanation.report
    if report.outcome in SILENCE and report.outcome is not Outcome.CHOSEN_DYING:
        yield f"{_capital(SILENCE[report.outcome])}."
        return
    if report.outcome is Outcome.PANIC_ON_OOM:
        yield f"vm.panic_on_oom is {report.system.sysctl.panic_on_oom}: the machine panics before anybody is chosen."
        return
    if report.outcome is Outcome.NO_KILLABLE or report.chosen is None:
        reasons = _reasons(explanation, usage)
        nobody = "None of the processes that are seen" if is_part else "No process"
        none = "There is no process that may be killed."
        yield f"{nobody} may be killed; each {reasons}." if reasons else none
        return
    name = report.name_of(report.chosen)
    if report.allocating_task:
        yield f"vm.oom_kill_allocating_task is set: {name} is killed for allocating, whatever its size."
        return
    if int(report.points[report.chosen]) == LONG_MAX:
        yield f"{name} had marked itself to be killed first (swapoff and KSM do), whatever its size."
        return
    yield from _against_the_largest(explanation, usage, following, sizes, is_part=is_part)
    if following is None:
        some = "those seen" if is_part else "the rows that are left" if usage.lacks_rows else None
        yield f"Of {some} there was nobody else to choose." if some else "There was nobody else to choose."
    elif not _is_said(explanation, usage, following[0]):
        behind = _behind(explanation, following, sizes)
        yield behind.replace("The next,", "The next of them,", 1) if usage.lacks_rows else behind
    if report.outcome is Outcome.CHOSEN_DYING:
        yield f"{_capital(SILENCE[report.outcome])}."


def _reasons(explanation: Explanation, usage: Usage) -> str:
    """Why nobody may be killed, each reason with its count; empty where no task is known."""
    pid = explanation.report.system.tasks.pid
    counts: Counter[str] = Counter()
    for why, tasks in explanation.skipped.items():
        counts[why.reason] += sum(int(pid[task]) not in usage.unseen for task in tasks)
    return ", ".join(f"{reason} ({count})" for reason, count in counts.most_common(4) if count)


def _largest(usage: Usage) -> Process:
    return max(usage.processes, key=lambda process: process.total)


def _is_said(explanation: Explanation, usage: Usage, following: int) -> bool:
    """Whether the sentence on the largest process says by how much it is behind, as it is the next one."""
    own = next((process for process in usage.processes if process.task == explanation.report.chosen), None)
    largest = _largest(usage) if usage.processes else None
    return own is not None and largest is not None and largest.total > own.total and largest.task == following


def _against_the_largest(
    explanation: Explanation, usage: Usage, following: tuple[int, int] | None, sizes: Sizes, *, is_part: bool
) -> Iterator[str]:
    """Whether the victim is the largest, and if not, why that was not chosen."""
    report = explanation.report
    by_task = {process.task: process for process in usage.processes}
    own = by_task.get(report.chosen if report.chosen is not None else -1)
    if own is None:
        yield "It has the highest score."
        return
    what = "RSS, swap and page tables" if report.system.scores_in_pages else "RSS"
    largest = _largest(usage)
    adjusted = f"; its oom_score_adj of {own.adj} {_weight(explanation, own, sizes)}" if own.adj else ""
    every = "in its cgroup" if report.oc.is_memcg_oom else "of those seen" if is_part else "of all"
    every = "of the rows that are left" if usage.lacks_rows else every
    where = f"{every} that may be killed"
    if largest.task == own.task or largest.total == own.total:
        where = every
        yield f"The largest {where}: {sizes(own.total)} of {what}{adjusted}."
        return
    reason = SkipReason(int(report.skip_reasons[largest.task]))
    highest = "It has the highest score"
    if reason is not SkipReason.ELIGIBLE:
        why = f"{reason.reason} and may not be killed"
        may = [process for process in usage.processes if not report.skip_reasons[process.task]]
        if not adjusted and max(process.total for process in may) == own.total:
            highest = f"The largest {where}"
    else:
        why = _why_lower(explanation, own, largest, sizes)
        if following is not None and following[0] == largest.task:
            why += f"; it is the next, {_by_how_much(explanation, following[1], sizes)} behind"
    yield f"{highest}: {sizes(own.total)} of {what}{adjusted}."
    yield f"The biggest, {printable(largest.comm)} ({largest.pid}) with {sizes(largest.total)}, {why}."


def _why_lower(explanation: Explanation, own: Process, largest: Process, sizes: Sizes) -> str:
    """Why a larger process that may be killed has the lower score."""
    report = explanation.report
    formula, uid = report.system.formula, report.system.tasks.uid
    reasons = []
    if largest.adj != own.adj:
        reasons.append(f"has oom_score_adj {largest.adj}, which {_weight(explanation, largest, sizes)}")
    if formula is not None and formula.root and int(uid[largest.task]) == 0 and int(uid[own.task]) != 0:
        reasons.append(f"is root's (uid 0), for which that release takes off {ROOT_BONUS[formula.root]}")
    if not reasons and formula is not None and formula.scale == "permille":
        reasons.append("scores no more, as that release counts in thousandths")
    return " and ".join(reasons) or "scores lower all the same"


def _weight(explanation: Explanation, process: Process, sizes: Sizes) -> str:
    """What an oom_score_adj counts for."""
    report = explanation.report
    if not report.system.scores_in_pages:
        return f"counts {abs(process.adj)} thousandths {'more' if process.adj > 0 else 'less'}"
    if process.adj == -1000:
        return "forbids to kill it"
    if process.adj == 0:
        return "adds nothing"
    amount = abs(process.adj) * (report.totalpages // 1000) * report.system.page_size
    return f"{'adds' if process.adj > 0 else 'takes off'} {sizes(amount)}"


def _behind(explanation: Explanation, following: tuple[int, int], sizes: Sizes) -> str:
    report, (task, gap) = explanation.report, following
    name = report.name_of(task)
    if int(report.points[task]) in (LONG_MIN, LONG_MAX):
        return f"The next is {name}."
    if gap == 0:
        which = "last" if report.system.last_wins else "first"
        return f"{name} has as much: of equals the {which} one that the kernel meets is chosen."
    return f"The next, {name}, is {_by_how_much(explanation, gap, sizes)} behind."


def _by_how_much(explanation: Explanation, points: int, sizes: Sizes) -> str:
    report = explanation.report
    if report.system.scores_in_pages:
        return sizes(points * report.system.page_size)
    return f"{points} point{'s' * (points != 1)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text
