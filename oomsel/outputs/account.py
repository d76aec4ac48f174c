"""All that an explanation tells, as data: what ran out, who died, who used the memory, what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from oomsel.kernel.constraint import Constraint, current_of
from oomsel.kernel.event import Outcome
from oomsel.klog.cgroup_names import CgroupNames, names_of
from oomsel.outputs.advice import Advice, advise
from oomsel.outputs.asked import Asked, asked_by_event, asked_in_scenario
from oomsel.outputs.choice_text import why_sentences
from oomsel.outputs.diagnosis import Finding, diagnose
from oomsel.outputs.explain import Explanation
from oomsel.outputs.log_events import constraint_of, utc_of
from oomsel.outputs.sizes import Sizes
from oomsel.outputs.usage import Usage, usage_of
from oomsel.text import UNLIMITED_KB, format_numbers

if TYPE_CHECKING:
    from oomsel.inputs.log.reading import LogReading
    from oomsel.klog.event import OomEvent
    from oomsel.outputs.log_evidence import LogEvidence
    from oomsel.outputs.log_verdict import LogVerdict


class Scope(NamedTuple):
    """What ran out."""

    kind: str  #: global, memcg, cpuset, mempolicy, sysrq; ? where no line says it
    path: str | None = None  #: the cgroup
    names: CgroupNames = CgroupNames()
    limit: int | None = None  #: bytes; None where it is unlimited, or not known
    with_swap: bool = False  #: whether `limit` is of memory and swap together
    nodes: str | None = None  #: of a cpuset or a policy
    ram: int | None = None  #: bytes of the machine
    swap: int | None = None


class Death(NamedTuple):
    """A process that was killed; bytes, None where no line says them."""

    pid: int
    comm: bytes
    rss: int | None
    swap: int | None
    adj: int | None
    line: int | None  #: of the log


class Account(NamedTuple):
    """One event, explained."""

    explanation: Explanation
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

    @property
    def log_event(self) -> OomEvent | None:
        """The log's report, where that is what happened; a what-if is not."""
        return None if self.reading is None or self.reading.changed else self.reading.event

    @property
    def counters_matter(self) -> bool:
        """Whether what CPUs hold is known, or could have changed the victim."""
        if self.reading is not None:
            interval = None if self.verdict is None else self.verdict.interval
            return interval is not None and bool(interval.rivals)
        report = self.explanation.report
        counts = report.outcome in (Outcome.KILLED, Outcome.CHOSEN_DYING) and not report.allocating_task
        return self.explanation.deltas_known or (counts and len(self.explanation.possible_victims) > 1)


def account_of(
    explanation: Explanation, reading: LogReading | None = None, *, release: str | None = None, pages: bool = False
) -> Account:
    """What is to be told of an event; `reading` is the log that it was read from, `release` a scenario's own."""
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
    scope = _scope_of_event(event, reading) if event is not None and reading is not None else _scope(explanation)
    deaths = _deaths_of_event(event, usage) if event is not None else _deaths(explanation, usage)
    path = _victim_path(event) if event is not None else _path_of(explanation)
    ending, panic = _ending_of_event(event) if event is not None else _ending(explanation)
    findings = diagnose(usage, event, facts, sizes)
    can_rescue = (evidence is None or evidence.gives_advice) and (verdict is None or verdict.agrees is not False)
    why, following = why_sentences(explanation, usage, evidence, verdict, sizes)
    return Account(
        explanation=explanation,
        sizes=sizes,
        when=_when(event),
        utc=None if event is None else utc_of(event),
        release=release if reading is None else reading.facts.release,
        scope=scope,
        ending=ending,
        panic=panic,
        deaths=deaths,
        victim_cgroup=path,
        victim_names=names_of(path),
        why=why,
        next=following,
        asked=asked_in_scenario(report) if event is None else asked_by_event(event, sizes.page_size),
        usage=usage,
        findings=findings,
        advice=advise(
            explanation, usage, event, scope.names, scope.path, findings, sizes, can_rescue=can_rescue
        ),
        open=_open(event, usage, findings),
        missing=() if event is None else tuple(event.missing()),
        notes=() if verdict is None else verdict.caveats,
        more_notes=() if reading is None or verdict is None else _more_notes(reading, verdict),
        evidence=evidence,
        verdict=verdict,
        reading=reading,
    )  # fmt: skip


def _more_notes(reading: LogReading, verdict: LogVerdict) -> tuple[str, ...]:
    told = {*verdict.caveats, *verdict.why}
    return (*reading.notes, *reading.event.remarks, *(text for text in verdict.sentences[1:] if text not in told))


def _when(event: OomEvent | None) -> str | None:
    return None if event is None else (event.date or event.stamp or None)


def _scope_of_event(event: OomEvent, reading: LogReading) -> Scope:
    kind, memcg, facts = constraint_of(event), event.memcg, reading.facts
    if kind == "memcg":
        path = (event.summary.oom_memcg if event.summary else None) or memcg.path
        limit, with_swap = memcg.memory, False
        if memcg.memsw is not None and memcg.memsw_usage == memcg.memsw and memcg.usage != memcg.memory:
            limit, with_swap = memcg.memsw, True
        bytes_ = None if limit is None or limit >= UNLIMITED_KB else limit << 10
        return Scope(kind, path, names_of(path), bytes_, with_swap)
    nodes = None
    if event.summary is not None and kind in ("cpuset", "mempolicy"):
        nodes = event.summary.mems_allowed if kind == "cpuset" else event.summary.nodemask
    ram = None if facts.ram is None else facts.ram * facts.page_size
    swap = None if facts.swap is None else facts.swap * facts.page_size
    return Scope(kind, nodes=nodes, ram=ram, swap=swap)


def _scope(explanation: Explanation) -> Scope:
    report = explanation.report
    system, oc, page = report.system, report.oc, report.system.page_size
    if oc.is_sysrq_oom:
        kind = "sysrq"
    else:
        kind = {
            Constraint.NONE: "global",
            Constraint.MEMCG: "memcg",
            Constraint.CPUSET: "cpuset",
            Constraint.MEMORY_POLICY: "mempolicy",
        }[report.constraint]
    if oc.memcg is not None:
        group = system.memcgs[oc.memcg]
        is_limited = group.max * page < UNLIMITED_KB << 10
        return Scope(kind, group.path, names_of(group.path), group.max * page if is_limited else None)
    nodes = None
    if kind == "cpuset":
        nodes = format_numbers(current_of(system, oc).mems_allowed)
    elif kind == "mempolicy":
        nodes = format_numbers(oc.nodemask or ())
    if not system.total_is_known:
        return Scope(kind, nodes=nodes)
    return Scope(kind, nodes=nodes, ram=system.totalram_pages * page, swap=system.total_swap_pages * page)


def _victim_path(event: OomEvent) -> str | None:
    return event.summary.task_memcg if event.summary else event.memcg.task_path


def _path_of(explanation: Explanation) -> str | None:
    report = explanation.report
    if report.chosen is None:
        return None
    path = report.system.memcgs[int(report.system.tasks.memcg[report.chosen])].path
    return None if path == "/" else path


def _deaths_of_event(event: OomEvent, usage: Usage) -> tuple[Death, ...]:
    """Who the kill lines name; where none is left, whom the summary names."""
    by_pid = {process.pid: process for process in usage.processes}
    found = []
    for kill in event.killed:
        process = by_pid.get(kill.pid)
        rss = kill.rss << 10 if kill.rss is not None else None if process is None else process.rss
        adj = kill.oom_score_adj if kill.oom_score_adj is not None else None if process is None else process.adj
        found.append(Death(kill.pid, kill.comm, rss, None if process is None else process.swap, adj, kill.line))
    if not found and event.exiting is None and event.panic is None and event.summary is not None:
        process = by_pid.get(event.summary.pid)
        size, swap, adj = (None, None, None) if process is None else (process.rss, process.swap, process.adj)
        found.append(Death(event.summary.pid, event.summary.comm, size, swap, adj, event.summary.line))
    return tuple(found)


def _deaths(explanation: Explanation, usage: Usage) -> tuple[Death, ...]:
    report, by_task = explanation.report, {process.task: process for process in usage.processes}
    tasks = report.system.tasks
    found = []
    for task in report.killed:
        process = by_task.get(task)
        rss, swap = (None, None) if process is None else (process.rss, process.swap)
        found.append(Death(int(tasks.pid[task]), tasks.comm[task], rss, swap, int(tasks.oom_score_adj[task]), None))
    return tuple(found)


def _ending_of_event(event: OomEvent) -> tuple[str, str | None]:
    if event.panic is not None:
        return "panic", event.panic[1]
    if event.kills:
        return "killed", None
    if event.no_killable is not None:
        return "nobody", None
    if event.exiting is not None:
        return "exiting", None
    return "unknown", None


def _ending(explanation: Explanation) -> tuple[str, str | None]:
    report = explanation.report
    if report.panics:
        return "panic", None
    if report.outcome is Outcome.KILLED:
        return "killed", None
    return ("nobody" if report.outcome is Outcome.NO_KILLABLE else report.outcome.value), None


def _open(event: OomEvent | None, usage: Usage, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """What a person has to find out elsewhere."""
    if event is None or any(finding.kind == "sysrq" for finding in findings):
        return ()
    questions = []
    if not usage.processes:
        questions.append("who held the memory: the task table is not in the log")
    if not usage.kinds:
        what = "memory.stat lines are" if event.is_memcg else "Mem-Info block is"
        questions.append(f"of what kind the memory was: the {what} not in the log")
    if not any(finding.is_cause for finding in findings) and usage.processes:
        questions.append("what grew: no process, name or kind of memory stands out in this report")
    if event.is_memcg:
        questions.append("whether the limit is too low or something leaks: one report looks the same for both")
    return tuple(questions)
