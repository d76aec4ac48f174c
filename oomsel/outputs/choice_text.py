"""Why this process and not the biggest one, in a sentence or two, with the next candidate and its margin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from oomsel.kernel.badness import LONG_MAX, LONG_MIN, SkipReason
from oomsel.kernel.event import Outcome
from oomsel.outputs.explain import Explanation
from oomsel.outputs.sizes import Sizes
from oomsel.outputs.summary import SILENCE
from oomsel.outputs.usage import Process, Usage
from oomsel.text import printable

if TYPE_CHECKING:
    from oomsel.outputs.log_evidence import LogEvidence
    from oomsel.outputs.log_verdict import LogVerdict


def why_sentences(
    explanation: Explanation,
    usage: Usage,
    evidence: LogEvidence | None,
    verdict: LogVerdict | None,
    sizes: Sizes,
) -> tuple[tuple[str, ...], tuple[int, int] | None]:
    """Sentences, and the next candidate with the points by which it is behind, where that is known."""
    report = explanation.report
    if (
        verdict is not None
        and evidence is not None
        and not _is_changed(verdict)
        and (verdict.agrees is not True or evidence.why is not None)
    ):
        return tuple(_from_log(evidence, verdict)), None
    following = _next(explanation)
    lines = list(_of_choice(explanation, usage, following, sizes))
    if verdict is not None and verdict.agrees and report.chosen is not None:
        lines.append("The kernel's choice is confirmed from its table.")
        lines += [f"{_capital(text)}." for text in verdict.why]
    return tuple(lines), following


def _is_changed(verdict: LogVerdict) -> bool:
    from oomsel.outputs.log_verdict import Reason

    return verdict.reason is Reason.CHANGED


def _from_log(evidence: LogEvidence, verdict: LogVerdict) -> Iterator[str]:
    """Where the table and the kernel differ, or nobody can say whether they do."""
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
    explanation: Explanation, usage: Usage, following: tuple[int, int] | None, sizes: Sizes
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
        yield f"No process may be killed; each {reasons}." if reasons else "There is no process that may be killed."
        return
    name = report.name_of(report.chosen)
    if report.allocating_task:
        yield f"vm.oom_kill_allocating_task is set: {name} is killed for allocating, whatever its size."
        return
    if int(report.points[report.chosen]) == LONG_MAX:
        yield f"{name} had marked itself to be killed first (swapoff and KSM do), whatever its size."
        return
    yield from _against_the_largest(explanation, usage, sizes)
    if following is None:
        yield "There was nobody else to choose."
    else:
        yield _behind(explanation, following, sizes)
    if report.outcome is Outcome.CHOSEN_DYING:
        yield f"{_capital(SILENCE[report.outcome])}."


def _reasons(explanation: Explanation, usage: Usage) -> str:
    """Why nobody may be killed, each reason with its count; empty where no task is known."""
    pid = explanation.report.system.tasks.pid
    counts: Counter[str] = Counter()
    for why, tasks in explanation.skipped.items():
        counts[why.reason] += sum(int(pid[task]) not in usage.unseen for task in tasks)
    return ", ".join(f"{reason} ({count})" for reason, count in counts.most_common(4) if count)


def _against_the_largest(explanation: Explanation, usage: Usage, sizes: Sizes) -> Iterator[str]:
    """Whether the victim is the largest, and if not, why that was not chosen."""
    report = explanation.report
    by_task = {process.task: process for process in usage.processes}
    own = by_task.get(report.chosen if report.chosen is not None else -1)
    if own is None:
        yield "It has the highest score."
        return
    what = "RSS, swap and page tables" if report.system.scores_in_pages else "RSS and swap"
    largest = max(usage.processes, key=lambda process: process.total)
    adjusted = f"; its oom_score_adj of {own.adj} {_weight(explanation, own, sizes)}" if own.adj else ""
    where = "in its cgroup that may be killed" if report.oc.is_memcg_oom else "of all that may be killed"
    if largest.task == own.task or largest.total == own.total:
        where = "in its cgroup" if report.oc.is_memcg_oom else "of all"
        yield f"The largest {where}: {sizes(own.total)} of {what}{adjusted}."
        return
    reason = SkipReason(int(report.skip_reasons[largest.task]))
    highest = "It has the highest score"
    if reason is not SkipReason.ELIGIBLE:
        why = f"{reason.reason} and may not be killed"
        may = [process for process in usage.processes if not report.skip_reasons[process.task]]
        if not adjusted and max(process.total for process in may) == own.total:
            highest = f"The largest {where}"
    elif largest.adj != own.adj:
        why = f"has oom_score_adj {largest.adj}, which {_weight(explanation, largest, sizes)}"
    else:
        why = "scores lower all the same"
    yield f"{highest}: {sizes(own.total)} of {what}{adjusted}."
    yield f"The biggest, {printable(largest.comm)} ({largest.pid}) with {sizes(largest.total)}, {why}."


def _weight(explanation: Explanation, process: Process, sizes: Sizes) -> str:
    """What an oom_score_adj counts for."""
    report = explanation.report
    if not report.system.scores_in_pages:
        return f"counts {abs(process.adj)} thousandths {'more' if process.adj > 0 else 'less'}"
    if process.adj == -1000:
        return "forbids to kill it"
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
    behind = sizes(gap * report.system.page_size) if report.system.scores_in_pages else f"{gap} points"
    return f"The next, {name}, is {behind} behind."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text
