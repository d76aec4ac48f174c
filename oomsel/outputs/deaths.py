"""Who died at an event, or how it ended otherwise."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.kernel.event import OomReport, Outcome
from oomsel.klog.event import OomEvent
from oomsel.outputs.usage import Usage


class Death(NamedTuple):
    """A process that was killed; bytes, None where no line says them."""

    pid: int
    comm: bytes
    rss: int | None
    swap: int | None
    adj: int | None
    line: int | None  #: of the log


def deaths_of_event(event: OomEvent, usage: Usage) -> tuple[Death, ...]:
    """Who the kill lines name; where none is left, whom the summary names."""
    by_pid = {process.pid: process for process in usage.processes}
    found = []
    for kill in event.killed:
        process = by_pid.get(kill.pid)
        rss = kill.rss << 10 if kill.rss is not None else None if process is None else process.rss
        adj = kill.oom_score_adj if kill.oom_score_adj is not None else None if process is None else process.adj
        found.append(Death(kill.pid, kill.comm, rss, None if process is None else process.swap, adj, kill.line))
    is_left = not found and event.exiting is None and event.panic is None
    if event.summary is not None and (is_left or event.lacks_victims_line):
        process = by_pid.get(event.summary.pid)
        size, swap, adj = (None, None, None) if process is None else (process.rss, process.swap, process.adj)
        found.insert(0, Death(event.summary.pid, event.summary.comm, size, swap, adj, event.summary.line))
    return tuple(found)


def deaths_in_report(report: OomReport, usage: Usage) -> tuple[Death, ...]:
    """Who dies in a scenario."""
    tasks, by_task = report.system.tasks, {process.task: process for process in usage.processes}
    found = []
    for task in report.killed:
        process = by_task.get(task)
        rss, swap = (None, None) if process is None else (process.rss, process.swap)
        found.append(Death(int(tasks.pid[task]), tasks.comm[task], rss, swap, int(tasks.oom_score_adj[task]), None))
    return tuple(found)


def ending_of_event(event: OomEvent) -> tuple[str, str | None]:
    """How a report ended, and what its panic says."""
    if event.panic is not None:
        return "panic", event.panic[1]
    if event.kills:
        return "killed", None
    if event.no_killable is not None:
        return "nobody", None
    if event.exiting is not None:
        return "exiting", None
    return "unknown", None


def ending_of_report(report: OomReport) -> str:
    """How a scenario's event ends."""
    if report.panics:
        return "panic"
    if report.outcome is Outcome.KILLED:
        return "killed"
    return "nobody" if report.outcome is Outcome.NO_KILLABLE else report.outcome.value
