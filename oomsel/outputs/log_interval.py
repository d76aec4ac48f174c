"""Whether the counters' inaccuracy could have changed a logged choice: what the CPUs may hold, as bounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oomsel.inputs.log.facts import Facts
from oomsel.inputs.log.rescore import version_of
from oomsel.kernel.badness import LONG_MIN
from oomsel.kernel.event import OomReport
from oomsel.kernel.release import parse_release
from oomsel.kernel.uncertainty import badness_interval, counter_bound
from oomsel.klog.event import OomEvent


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
