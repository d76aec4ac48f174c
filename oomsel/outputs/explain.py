"""Why an OOM event ended as it did, as data; explain_text.py makes sentences of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from oomsel.kernel.badness import LONG_MIN, SkipReason
from oomsel.kernel.constraint import scan_order
from oomsel.kernel.event import OomReport, worst_first
from oomsel.kernel.oom_kill import out_of_memory
from oomsel.kernel.system import OOM_SCORE_ADJ_MIN
from oomsel.kernel.uncertainty import Bound, Interval, badness_interval, counter_bound, possible_victims


@dataclass(slots=True, eq=False, repr=False)
class Rescue:
    """The smallest change of oom_score_adj that lets a victim live."""

    victim: int  #: index of the process
    adj: int | None  #: the oom_score_adj that does; None if not even -1000 helps
    instead: OomReport  #: what happens then


@dataclass(slots=True, eq=False, repr=False)
class Explanation:
    """An event in the explained mode and in the other one, and how far off its counters can be."""

    report: OomReport  #: in the mode that is explained
    other: OomReport  #: in the other mode
    approximate: OomReport
    precise: OomReport
    candidates: list[int]  #: tasks that may be killed, the worst first; of equals the kernel's choice first
    bound: Bound
    interval: Interval
    possible_victims: list[int]  #: tasks that could win if only the global counts are known, the worst first
    deltas_known: bool  #: whether the scenario states per-CPU deltas
    skipped: dict[SkipReason, list[int]]  #: the tasks that may not be killed, by reason
    rescues: list[Rescue]  #: for the victim of each mode


def explain(approximate: OomReport, precise: OomReport, mode: str) -> Explanation:
    """Explain one event, given its run in each mode; `mode` is the one to explain."""
    report, other = (approximate, precise) if mode == "approximate" else (precise, approximate)
    system = report.system
    interval = badness_interval(system, report.points, report.totalpages)
    candidates = [task for task in worst_first(report, report.points) if report.points[task] != LONG_MIN]
    could = possible_victims(system, report.points, interval, scan_order(system, report.oc))
    skipped: dict[SkipReason, list[int]] = {}
    for task, why in enumerate(report.skip_reasons.tolist()):
        if why != SkipReason.ELIGIBLE:
            skipped.setdefault(SkipReason(why), []).append(task)
    victims = dict.fromkeys(run.chosen for run in (report, other) if run.chosen is not None and run.killed)
    if system.formula is not None and system.formula.scale == "raw":
        victims = {}  # those kernels have no oom_score_adj
    return Explanation(
        report=report,
        other=other,
        approximate=approximate,
        precise=precise,
        candidates=candidates,
        bound=counter_bound(system.rss),
        interval=interval,
        possible_victims=[task for task in candidates if could[task]],
        deltas_known=bool(system.rss.percpu.any()),
        skipped=dict(sorted(skipped.items())),
        rescues=[_rescue(report if report.chosen == victim else other, victim) for victim in victims],
    )


def _rescue(report: OomReport, victim: int) -> Rescue:
    """The highest oom_score_adj that saves `victim`, found by running the event again.

    A lower oom_score_adj never makes a victim of a task, so a binary search finds the border.
    """
    kept = int(report.system.tasks.oom_score_adj[victim])  # with this it dies
    saved = OOM_SCORE_ADJ_MIN
    instead = _with_adj(report, victim, saved)
    if kept == saved or victim in instead.killed:
        return Rescue(victim, None, instead)
    while kept - saved > 1:
        middle = (kept + saved) // 2
        outcome = _with_adj(report, victim, middle)
        if victim in outcome.killed:
            kept = middle
        else:
            saved, instead = middle, outcome
    return Rescue(victim, saved, instead)


def _with_adj(report: OomReport, task: int, adj: int) -> OomReport:
    system = report.system
    changed = system.tasks.oom_score_adj.copy()
    changed[task] = adj
    return out_of_memory(replace(system, tasks=replace(system.tasks, oom_score_adj=changed)), report.oc, report.mode)
