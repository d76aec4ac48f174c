"""Compares a scenario's `expect` with what happens; each difference becomes a sentence under its key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import LONG_MAX
from oomsel.kernel.event import OomReport, Outcome
from oomsel.kernel.uncertainty import badness_interval, possible_victims
from oomsel.outputs.summary import is_same_choice, outcome_phrase
from oomsel.scenario.models import Expect, Verdict
from oomsel.scenario.values import Path
from oomsel.text import comm_to_text, number_of


class Failure(NamedTuple):
    """An expectation that does not hold."""

    path: Path  #: of the key
    message: str  #: what was expected, and what happens
    detail: tuple[str, ...] = ()  #: lines of a diff
    golden: tuple[str, str] | None = None  #: the golden file that differs, and the text that --update writes into it


class _Broken(NamedTuple):
    """An expectation that does not hold in one mode."""

    path: Path
    expected: str
    mode: str
    happens: str


def failures(expect: Expect, approximate: OomReport, precise: OomReport) -> Iterator[Failure]:
    """Everything in `expect` that does not hold, except `output`; one failure for each key."""
    broken: dict[Path, list[_Broken]] = {}
    for report, verdict in ((approximate, expect.approximate), (precise, expect.precise)):
        modes = [*_verdict(("expect",), expect, report)]
        if verdict is not None:
            modes += _verdict(("expect", report.mode), verdict, report)
        for one in modes:
            broken.setdefault(one.path, []).append(one)
        for index, name in enumerate(expect.never):
            if any(is_called(report, task, name) for task in _dying(report)):
                one = _Broken(("expect", "never", index), f"never {shown(name)}", report.mode, outcome_with_all(report))
                broken.setdefault(one.path, []).append(one)
    for path, both in broken.items():
        happens = [f"{one.mode} {one.happens}" for one in both]
        if len(both) == 2 and both[0].happens == both[1].happens:
            happens = [f"each mode {both[0].happens}"]
        yield Failure(path, f"{both[0].expected}; {' and '.join(happens)}")
    if expect.robust:
        yield from _robust(approximate, precise)


def _verdict(path: Path, verdict: Verdict, report: OomReport) -> Iterator[_Broken]:
    name = verdict.victim
    if name is not None and (report.chosen is None or not is_called(report, report.chosen, name)):
        yield _Broken((*path, "victim"), f"expected {shown(name)}", report.mode, outcome_phrase(report))
    if verdict.nobody and (report.killed or report.outcome is Outcome.PANIC_ON_OOM):
        yield _Broken((*path, "nobody"), "expected that nobody is killed", report.mode, outcome_phrase(report))
    if verdict.panic and not report.panics:
        yield _Broken((*path, "panic"), "expected a panic", report.mode, outcome_phrase(report))
    if verdict.kills is not None and not _kills_hold(verdict.kills, report):
        named = ", ".join(map(shown, verdict.kills)) or "nobody"
        yield _Broken((*path, "kills"), f"expected to be killed: {named}", report.mode, outcome_with_all(report))


def _kills_hold(names: tuple[int | bytes, ...], report: OomReport) -> bool:
    """Whether `names` are the killed processes; those killed without a line, for sharing an mm, may be left out."""
    left = list(report.killed)
    for name in sorted(names, key=lambda name: isinstance(name, bytes)):  # pids first: several tasks may have one comm
        found = next((task for task in left if is_called(report, task, name)), None)
        if found is None:
            return False
        left.remove(found)
    return set(left) <= set(report.silent)


def _robust(approximate: OomReport, precise: OomReport) -> Iterator[Failure]:
    path: Path = ("expect", "robust")
    if approximate.chosen is None or approximate.chosen != precise.chosen:
        if not is_same_choice(approximate, precise):
            happens = " and ".join(f"{report.mode} {outcome_phrase(report)}" for report in (approximate, precise))
            yield Failure(path, f"not robust: {happens}")
        return
    found = rival(approximate)
    if found is not None:
        chosen, other = approximate.name_of(approximate.chosen), approximate.name_of(found.task)
        yield Failure(
            path,
            f"not robust: the CPUs may hide so much that {chosen} has a badness of only"
            f" {number_of(found.at_least, 'page')} and {other} one of {found.at_most}",
        )


class Rival(NamedTuple):
    """A task that would be chosen instead if the CPUs held something else; pages of badness."""

    task: int
    at_most: int  #: the rival's badness, if its CPUs hold as much as they can
    at_least: int  #: the chosen one's, if its CPUs hold as little as they can


def rival(report: OomReport) -> Rival | None:
    """The other task with the highest possible badness that could be chosen, or None if the choice is certain."""
    chosen = report.chosen
    if chosen is None or report.allocating_task or report.points[chosen] == LONG_MAX:
        return None  # the counters did not matter
    interval = badness_interval(report.system, report.points, report.totalpages)
    could = possible_victims(report.system, report.points, interval, report.shown)
    could[chosen] = False
    others = report.shown[could[report.shown]]
    if not len(others):
        return None
    strongest = int(others[np.argmax(interval.high[others])])
    return Rival(strongest, int(interval.high[strongest]), int(interval.low[chosen]))


def _dying(report: OomReport) -> tuple[int, ...]:
    """Every process that the event chooses or kills."""
    return report.killed if report.chosen is None else (report.chosen, *report.killed)


def is_called(report: OomReport, task: int, name: int | bytes) -> bool:
    """Whether a process, or the thread that outlived its leader, has this pid or comm."""
    tasks = report.system.tasks
    if isinstance(name, int):
        return name in (tasks.pid[task], tasks.live_pid[task])
    names = [tasks.comm[task], tasks.live_comm[task]]
    return name in names or (report.allocating_task and task == report.chosen and name == report.oc.current_comm)


def unknown_names(expect: Expect, report: OomReport) -> Iterator[tuple[Path, str]]:
    """Names under `never` that no task has, so that they can never fail."""
    for index, name in enumerate(expect.never):
        if not any(is_called(report, task, name) for task in range(len(report.system.tasks))):
            yield ("expect", "never", index), f"no task here is {shown(name)}, so this can never fail"


def shown(name: int | bytes) -> str:
    """A pid or comm, as messages have it."""
    return f"pid {name}" if isinstance(name, int) else f'"{comm_to_text(name)}"'


def outcome_with_all(report: OomReport) -> str:
    """`kills 7 (a), 8 (b)`: the outcome with every process that dies."""
    if len(report.killed) < 2:
        return outcome_phrase(report)
    return f"kills {', '.join(report.name_of(task) for task in report.killed)}"
