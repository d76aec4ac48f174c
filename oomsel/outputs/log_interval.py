"""Whether the counters' inaccuracy could have changed a logged choice: what the CPUs may hold, as bounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oomsel.inputs.log.facts import Facts
from oomsel.inputs.log.rescore import version_of
from oomsel.inputs.log.rows import asked_to_die
from oomsel.kernel.badness import LONG_MIN
from oomsel.kernel.event import OomReport
from oomsel.kernel.release import parse_release
from oomsel.kernel.uncertainty import badness_interval, counter_bound
from oomsel.klog.event import OomEvent
from oomsel.outputs.log_choice import LogChoice
from oomsel.text import number_of, process_name


class NearTask(NamedTuple):
    """A task that came near the victim."""

    pid: int
    name: bytes
    margin: int  #: pages by which its true badness may exceed the victim's, at most


class LogInterval(NamedTuple):
    """Bounds on a logged choice."""

    per_counter: int  #: pages by which a counter may be off
    cpus: int
    rivals: tuple[NearTask, ...]  #: that could have been worse than the victim, the likeliest first
    nearest: NearTask | None  #: of those that could not, the one that comes closest; its margin is negative


def interval_of(event: OomEvent, facts: Facts, report: OomReport, victim: int) -> LogInterval | None:
    """The bounds, for the releases that count so and where the number of CPUs is known; else None.

    `report` is the run of the log's scenario, `victim` the pid of the row that leads the table.  Init, which
    is never killed, is nobody's rival.
    |approximate - precise| <= online CPUs * (batch - 1), for each counter of each mm.
    """
    if facts.cpus is None or not counts_per_cpu(facts):
        return None
    tasks = report.system.tasks
    interval = badness_interval(report.system, report.points, report.totalpages, has_swap=facts.swap != 0)
    has_row = np.isin(tasks.live_pid, [row.pid for row in event.rows])
    others = np.flatnonzero(has_row & (report.points != LONG_MIN) & (tasks.live_pid != victim))
    margins = interval.high[others] - interval.low[tasks.live_pid == victim]
    near = [
        NearTask(int(tasks.live_pid[others[at]]), tasks.live_comm[others[at]], int(margins[at]))
        for at in np.argsort(-margins, kind="stable")
    ]
    rivals = tuple(task for task in near if task.margin >= 0)
    rest = near[len(rivals) :]
    return LogInterval(counter_bound(report.system.rss).worst, facts.cpus, rivals, rest[0] if rest else None)


def counts_per_cpu(facts: Facts) -> bool:
    """Whether the release reads percpu_counters approximately: 6.2 to 6.19."""
    if not facts.is_simulated:
        return False
    rules = parse_release(facts.kernel).rules
    return rules.percpu_rss and not rules.precise_oom


def why_no_interval(facts: Facts) -> str:
    """What stands in the way of bounds, in a sentence."""
    if facts.release is None:
        return "the log does not show the kernel's release, so how exact its counters are cannot be said"
    if facts.is_simulated and parse_release(facts.kernel).rules.precise_oom:
        return f"Linux {facts.release} adds every CPU's share to its counters, so they are exact"
    if (version_of(facts.release) or facts.version) < (2, 6, 34):
        return f"Linux {facts.release} comes before counters that hold something back, as far as its number tells"
    if not counts_per_cpu(facts):
        return (
            f"Linux {facts.release} counts up to 64 faults of each thread apart, and a report does not show threads,"
            " so how far its counters are off cannot be said"
        )
    return f"{facts.cpus_because}; without it, whether the counters' inaccuracy mattered cannot be said"


def about_counters(choice: LogChoice) -> tuple[LogInterval | None, list[str]]:
    """The bounds, and sentences on whether the counters' inaccuracy could have mattered, or why nobody can say."""
    victim, winner, facts = choice.victim, choice.result.winner, choice.facts
    if choice.reading.changed or choice.allocating or victim is None or winner is None or winner.row is not victim.row:
        return None, []
    if asked_to_die(choice.event) is not None:
        return None, ["the victim had marked itself to die first, whatever its counters hold"]
    interval = interval_of(choice.event, facts, choice.report, victim.row.pid)
    if interval is not None and not choice.knows_total and choice.weighs_by_total:
        return None, ["as totalpages is not known, neither is whether the counters' inaccuracy mattered"]
    if interval is None:
        lines = [why_no_interval(facts)]
        if counts_per_cpu(facts):
            lines.append("a log does not hold what CPUs have not folded in: both modes read what the table shows")
        return None, lines
    is_guess = not choice.is_sure_of_total and choice.weighs_by_total
    premise = f"if totalpages is {choice.total}: " if is_guess else ""
    return interval, [premise + _interval_sentence(facts, interval)]


def _interval_sentence(facts: Facts, interval: LogInterval) -> str:
    size = facts.page_size >> 10
    cpus = f"{number_of(interval.cpus, 'CPU')} ({facts.cpus_because})"
    pages = number_of(interval.per_counter, "page")
    off = f"with {cpus} each counter may be off by {pages} ({interval.per_counter * size} kB)"
    if not interval.rivals:
        nearest = interval.nearest
        if nearest is None:
            return f"{off}; there was nobody else to choose"
        who = process_name(nearest.pid, nearest.name)
        short = number_of(-nearest.margin, "page")
        return f"{off}, which cannot have changed the victim: the nearest, {who}, is {short} short"
    shown = ", ".join(
        f"{process_name(pid, name)} by up to {number_of(margin, 'page')}" for pid, name, margin in interval.rivals[:3]
    )
    more = f" and {len(interval.rivals) - 3} more" if len(interval.rivals) > 3 else ""
    return f"{off}: others may truly have been larger than the victim: {shown}{more}"
