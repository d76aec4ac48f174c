"""All that an explanation tells, as data: what ran out, who died, who used the memory, what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from oomsel.booting import kernel_mode, select_both
from oomsel.kernel.event import Outcome
from oomsel.klog.cgroup_names import CgroupNames, names_of
from oomsel.outputs.advice import Advice, advise
from oomsel.outputs.asked import Asked, asked_by_event, asked_in_scenario
from oomsel.outputs.choice_text import why_not_known, why_sentences
from oomsel.outputs.deaths import (
    Death,
    deaths_in_report,
    deaths_of_event,
    ending_of_event,
    ending_of_report,
)
from oomsel.outputs.diagnosis import Finding, diagnose
from oomsel.outputs.explain import Explanation, explain
from oomsel.outputs.growth import Others, grown, near, of_one_boot
from oomsel.outputs.log_events import utc_of
from oomsel.outputs.scope import Scope, scope_of_event, scope_of_report
from oomsel.outputs.sizes import Sizes
from oomsel.outputs.usage import Usage, usage_of, usage_of_bare
from oomsel.scenario.plain import partial_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oomsel.booting import Booted
    from oomsel.inputs.log.convert import BareReading
    from oomsel.inputs.log.digest import Digest
    from oomsel.inputs.log.facts import Facts
    from oomsel.inputs.log.reading import LogReading
    from oomsel.klog.event import OomEvent
    from oomsel.outputs.log_evidence import LogEvidence
    from oomsel.outputs.log_verdict import LogVerdict
    from oomsel.scenario.models import Scenario

#: From which part of the memory that ran out on it is worth a word that a name grew.
_GROWN = 0.02


class Account(NamedTuple):
    """One event, explained."""

    explanation: Explanation | None  #: None where a log shows nobody to choose from
    sizes: Sizes
    when: str | None
    utc: str | None
    release: str | None  #: as the log or the scenario has it
    scope: Scope
    ending: str  #: killed, panic, nobody, exiting, unknown, or the name of an outcome without a report
    panic: str | None  #: what the kernel says of it
    deaths: tuple[Death, ...]  #: the victim first
    victim_cgroup: str | None
    victim_names: CgroupNames
    why: tuple[str, ...]
    next: tuple[int, int] | None  #: index of the next candidate, and by how many points it is behind
    asked: Asked
    usage: Usage
    findings: tuple[Finding, ...]
    advice: tuple[Advice, ...]
    open: tuple[str, ...]  #: questions that the evidence does not answer
    missing: tuple[str, ...]
    notes: tuple[str, ...]  #: on the reading; what could make the answer another
    more_notes: tuple[str, ...]  #: and the rest
    evidence: LogEvidence | None = None
    verdict: LogVerdict | None = None
    reading: LogReading | None = None
    event: OomEvent | None = None  #: the log's report, where that is what happened; a what-if is not
    facts: Facts | None = None  #: of that
    others: Others = Others((), ())
    partial: tuple[str, ...] = ()  #: why a capture is not of the whole machine

    @property
    def counters_matter(self) -> bool:
        """Whether what CPUs hold is known, or could have changed the victim."""
        if self.explanation is None:
            return False
        if self.reading is not None:
            interval = None if self.verdict is None else self.verdict.interval
            return interval is not None and bool(interval.rivals)
        report = self.explanation.report
        counts = report.outcome in (Outcome.KILLED, Outcome.CHOSEN_DYING) and not report.allocating_task
        return self.explanation.deltas_known or (counts and len(self.explanation.possible_victims) > 1)


def account_of_machine(machine: Booted, scenario: Scenario | None, mode: str, *, pages: bool = False) -> Account:
    """What is to be told of the choice on a machine in `mode`: approximate, precise, or kernel, its release's own.

    `scenario` is what it was made from, where that is known.
    """
    which = kernel_mode(machine) if mode == "kernel" else mode
    return account_of(
        explain(*select_both(machine), which),
        machine.log,
        release=None if scenario is None else scenario.kernel,
        pages=pages,
        partial=() if scenario is None or machine.log is not None else partial_of(scenario.description or ""),
    )


def account_of(
    explanation: Explanation,
    reading: LogReading | None = None,
    *,
    release: str | None = None,
    pages: bool = False,
    partial: tuple[str, ...] = (),
) -> Account:
    """What is to be told of an event; `reading` is the log that it was read from, `release` a scenario's own.

    `partial` says why the scenario is not the whole machine, where it is a capture of a part.
    """
    report = explanation.report
    sizes = Sizes(report.system.page_size, pages=pages)
    evidence, verdict = None, None
    if reading is not None:
        from oomsel.outputs.log_choice import LogChoice
        from oomsel.outputs.log_evidence import log_evidence
        from oomsel.outputs.log_verdict import log_verdict

        evidence, verdict = log_evidence(reading, report), log_verdict(LogChoice(reading, report))
    event = None if reading is None or reading.changed else reading.event
    facts = None if event is None or reading is None else reading.facts
    unseen: frozenset[int] = frozenset() if reading is None else reading.assumed_pids
    usage = usage_of(report, event, facts, unseen)
    if reading is not None and event is None:
        usage = usage._replace(cgroups=())  # where a log's other tasks are is assumed
    if event is not None and facts is not None and reading is not None:
        told = _of_event(event, facts, usage, reading.others, sizes)
    else:
        told = _of_report(explanation, usage, sizes)
        if reading is not None and not reading.sets_allocation:
            # What a scenario has of it may be taken for granted: an old release's mask cannot be said in today's bits.
            told = told._replace(asked=asked_by_event(reading.event, sizes.page_size))
    can_rescue = (evidence is None or evidence.gives_advice) and (verdict is None or verdict.agrees is not False)
    why, following = why_sentences(explanation, usage, evidence, verdict, sizes, is_part=bool(partial))
    if event is not None and _has_empty_table(event):
        why = (f"The table of processes, line {event.header_line}, is empty: nobody may be killed.",)
    return told._replace(
        explanation=explanation,
        release=release if reading is None else reading.facts.release,
        why=why,
        next=following,
        advice=advise(
            usage, event, told.scope, told.findings, sizes,
            explanation=explanation if can_rescue else None, victim=told.victim_names, is_part=bool(partial),
            guessed_total=None if evidence is None else evidence.guessed_total,
        ),
        open=(*told.open, *_open_rescue(explanation, evidence)),
        notes=() if verdict is None else verdict.caveats,
        more_notes=() if reading is None or verdict is None else _more_notes(reading, verdict),
        evidence=evidence,
        verdict=verdict,
        reading=reading,
        partial=partial,
        ending="nobody-seen" if partial and report.outcome is Outcome.NO_KILLABLE else told.ending,
    )  # fmt: skip


def account_of_bare(bare: BareReading, *, pages: bool = False) -> Account:
    """What is to be told of a report that shows nobody to choose from: no task table, or no row that can be read."""
    event, facts = bare.event, bare.facts
    sizes = Sizes(facts.page_size, pages=pages)
    usage = usage_of_bare(event, facts)
    told = _of_event(event, facts, usage, bare.others, sizes)
    missing = "; ".join(told.missing)
    return told._replace(
        release=facts.release,
        why=(why_not_known(event, told.deaths[0] if told.deaths else None),),
        advice=advise(usage, event, told.scope, told.findings, sizes),
        notes=(f"the report is incomplete: {missing}",) if missing else (),
        more_notes=tuple(event.remarks),
    )


def _of_event(
    event: OomEvent, facts: Facts, usage: Usage, digests: Sequence[Digest], sizes: Sizes
) -> Account:  # fmt: skip
    """What a log's report tells, whoever was to be chosen."""
    path = event.summary.task_memcg if event.summary else event.memcg.task_path
    ending, panic = ending_of_event(event)
    at_least = int(_GROWN * (usage.capacity or 0))
    growth = grown(of_one_boot(digests, event.index), facts.page_size, at_least=at_least)
    findings = diagnose(usage, event, facts, growth, sizes)
    return Account(
        explanation=None,
        sizes=sizes,
        when=event.date or event.stamp or None,
        utc=utc_of(event),
        release=facts.release,
        scope=scope_of_event(event, facts),
        ending=ending,
        panic=panic,
        deaths=deaths_of_event(event, usage),
        victim_cgroup=path,
        victim_names=names_of(path),
        why=(),
        next=None,
        asked=asked_by_event(event, sizes.page_size),
        usage=usage,
        findings=findings,
        advice=(),
        open=_open(event, usage, findings),
        missing=tuple(event.missing()),
        notes=(),
        more_notes=(),
        event=event,
        facts=facts,
        others=near(digests, event.index),
    )


def _of_report(explanation: Explanation, usage: Usage, sizes: Sizes) -> Account:
    """What a scenario's event tells."""
    report = explanation.report
    path = _path_of(explanation)
    return Account(
        explanation=explanation,
        sizes=sizes,
        when=None,
        utc=None,
        release=None,
        scope=scope_of_report(report),
        ending=ending_of_report(report),
        panic=None,
        deaths=deaths_in_report(report, usage),
        victim_cgroup=path,
        victim_names=names_of(path),
        why=(),
        next=None,
        asked=asked_in_scenario(report),
        usage=usage,
        findings=diagnose(usage, None, None, (), sizes),
        advice=(),
        open=(),
        missing=(),
        notes=(),
        more_notes=(),
    )


def _more_notes(reading: LogReading, verdict: LogVerdict) -> tuple[str, ...]:
    told = {*verdict.caveats, *verdict.why}
    return (*reading.notes, *reading.event.remarks, *(text for text in verdict.sentences[1:] if text not in told))


def _path_of(explanation: Explanation) -> str | None:
    report = explanation.report
    if report.chosen is None:
        return None
    path = report.system.memcgs[int(report.system.tasks.memcg[report.chosen])].path
    return None if path == "/" else path


def _has_empty_table(event: OomEvent) -> bool:
    """Whether the kernel found no process to list, as in a cgroup whose processes have all been killed."""
    return event.header_line is not None and event.no_killable is not None and not (event.rows or event.lacks_rows)


def _open(event: OomEvent, usage: Usage, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """What a person has to find out elsewhere."""
    if any(finding.kind == "sysrq" for finding in findings):
        return ()
    questions = []
    if event.invoked is None:
        by_hand = ", or whether somebody asked for a kill by hand (sysrq f)"
        may_be_by_hand = not event.is_memcg and not event.calls and event.panic is None and event.no_killable is None
        what = f"who asked for memory, and for what{by_hand if may_be_by_hand else ''}"
        questions.append(f"{what}: that line is not in the log")
    if not usage.processes and not _has_empty_table(event):
        questions.append("who held the memory: the task table is not in the log")
    if not usage.kinds:
        block = "Mem-Info block is" if event.meminfo.is_empty else "Mem-Info block's counts of pages are"
        what = "memory.stat lines are" if event.is_memcg else block
        questions.append(f"of what kind the memory was: the {what} not in the log")
    if not any(finding.is_cause for finding in findings) and usage.processes:
        questions.append("what grew: no process, name or kind of memory stands out in this report")
    if event.is_memcg and not any(finding.kind in ("growth", "limit-lowered") for finding in findings):
        questions.append("whether the limit is too low or something leaks: one report looks the same for both")
    return tuple(questions)


def _open_rescue(explanation: Explanation, evidence: LogEvidence | None) -> tuple[str, ...]:
    if evidence is None or evidence.gives_advice or not evidence.has_rows or not explanation.report.killed:
        return ()
    lost = (
        "totalpages, by which it weighs, is not known" if not evidence.knows_total else "a part of the report is lost"
    )
    return (f"which oom_score_adj would protect the victim: {lost}",)
