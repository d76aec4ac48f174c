"""A scenario's `expect` held against what happens; every difference as a sentence under the key that it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from oomsel.check.robust import rival
from oomsel.kernel.event import OomReport, Outcome
from oomsel.outputs.summary import outcome_phrase
from oomsel.scenario.models import Expect, Verdict
from oomsel.text import comm_to_text

Path = tuple[str | int, ...]


class Failure(NamedTuple):
    """An expectation that does not hold."""

    path: Path  #: of the key
    message: str  #: what was expected, and what happens
    detail: tuple[str, ...] = ()  #: lines of a diff
    golden: tuple[str, str] | None = None  #: the golden file that differs, and what it would have to hold


class _Broken(NamedTuple):
    """An expectation that one mode breaks."""

    path: Path
    expected: str
    mode: str
    happens: str


def failures(expect: Expect, approximate: OomReport, precise: OomReport) -> Iterator[Failure]:
    """Everything in `expect` that does not hold, but for `output`; one failure a key."""
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
    """Every process with a kill line must be named; one that dies silently, for sharing an mm, may be."""
    left = list(report.killed)
    for name in sorted(names, key=lambda name: isinstance(name, bytes)):  # pids first: a comm may be several tasks'
        found = next((task for task in left if is_called(report, task, name)), None)
        if found is None:
            return False
        left.remove(found)
    return set(left) <= set(report.silent)


def _robust(approximate: OomReport, precise: OomReport) -> Iterator[Failure]:
    path: Path = ("expect", "robust")
    if approximate.chosen is None or approximate.chosen != precise.chosen:
        if (approximate.outcome, approximate.chosen) != (precise.outcome, precise.chosen):
            happens = " and ".join(f"{report.mode} {outcome_phrase(report)}" for report in (approximate, precise))
            yield Failure(path, f"not robust: {happens}")
        return
    found = rival(approximate)
    if found is not None:
        chosen, other = approximate.name_of(approximate.chosen), approximate.name_of(found.task)
        yield Failure(
            path,
            f"not robust: the CPUs may hide so much that {chosen} has a badness of only {found.at_least} pages"
            f" and {other} one of {found.at_most}",
        )


def _dying(report: OomReport) -> tuple[int, ...]:
    """Whoever the event chooses or kills."""
    return report.killed if report.chosen is None else (report.chosen, *report.killed)


def is_called(report: OomReport, task: int, name: int | bytes) -> bool:
    """Whether a process has this pid or comm, or the thread that outlived its leader has."""
    tasks = report.system.tasks
    if isinstance(name, int):
        return name in (tasks.pid[task], tasks.live_pid[task])
    names = [tasks.comm[task], tasks.live_comm[task]]
    return name in names or (report.allocating_task and task == report.chosen and name == report.oc.current_comm)


def unknown_names(expect: Expect, report: OomReport) -> Iterator[tuple[Path, str]]:
    """Names under `never` that no task has: a guard that guards nothing."""
    for index, name in enumerate(expect.never):
        if not any(is_called(report, task, name) for task in range(len(report.system.tasks))):
            yield ("expect", "never", index), f"no task here is {shown(name)}, so this can never fail"


def shown(name: int | bytes) -> str:
    """A pid or comm as a message names it."""
    return f"pid {name}" if isinstance(name, int) else f'"{comm_to_text(name)}"'


def outcome_with_all(report: OomReport) -> str:
    """`kills 7 (a), 8 (b)`: the outcome with every process that dies."""
    if len(report.killed) < 2:
        return outcome_phrase(report)
    return f"kills {', '.join(report.name_of(task) for task in report.killed)}"
