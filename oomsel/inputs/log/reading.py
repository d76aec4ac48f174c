"""Reading a scenario out of a kernel log: picks the report, and holds it to the rules for scenarios."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from oomsel.errors import Problem
from oomsel.inputs.log.convert import BareReading, LogScenario, NothingToChoose, scenario_of_event
from oomsel.inputs.log.digest import Digest
from oomsel.inputs.log.facts import Facts, facts_of
from oomsel.inputs.log.options import LogOptions
from oomsel.inputs.log.pick import Picked, pick
from oomsel.inputs.log.rescore import Candidate, rescore
from oomsel.inputs.log.rows import asked_to_die
from oomsel.inputs.overrides import with_options
from oomsel.klog.event import OomEvent
from oomsel.klog.readable import Readable
from oomsel.klog.reader import LogContext
from oomsel.klog.report_lines import row_name
from oomsel.scenario.models import Scenario
from oomsel.scenario.plain import plain
from oomsel.scenario.problems import Places
from oomsel.scenario.read import check_scenario, read_scenario
from oomsel.scenario.values import Path

#: What-ifs after which totalpages is a person's own.
_TOTAL = re.compile(r"oom\.totalpages=|machine\.|memcgs\[")


@dataclass(frozen=True, slots=True)
class LogReading:
    """The report behind a scenario."""

    event: OomEvent
    context: LogContext
    facts: Facts
    skip_reasons: dict[int, str]  #: pid -> why the kernel did not choose it: killed, vfork; no table says so
    picked_because: str | None  #: why this report, where nobody said which
    notes: tuple[str, ...]  #: what was taken for granted
    changed: bool  #: whether a what-if has changed it since
    assumed_pids: frozenset[int] = frozenset()  #: pids of tasks that no line shows: not to be named
    states_total: bool = False  #: whether a what-if states totalpages
    names_kernel: bool = False  #: whether a what-if names another release than the log's
    others: tuple[Digest, ...] = ()  #: the log's reports in short, where they were asked for
    sets_allocation: bool = False  #: whether a what-if states something of the failed allocation


class LogPlaces(Places):
    """A report as an input: key paths lead to the log's lines."""

    is_json = False

    def __init__(self, source: str, built: LogScenario) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._built = built

    @cached_property
    def data(self) -> Any:
        """The scenario as plain data, for options to change."""
        tasks = [plain(task) for task in self._built.scenario.tasks]
        return {**plain(self._built.scenario), "tasks": tasks}

    def place(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:  # noqa: ARG002
        """The line of the row that `path` speaks of, or of the report; the column is the line's first."""
        return (self._built.lines[int(path[1])] if self.has_row(path) else self._built.first_line), 1

    def has_row(self, path: Path) -> bool:
        """Whether the task at `path` is a row of the table."""
        return len(path) > 1 and path[0] == "tasks" and isinstance(path[1], int) and path[1] < len(self._built.lines)


def read_log(
    stream: Readable,
    source: str,
    overrides: Sequence[str] = (),
    kernel: str | None = None,
    options: LogOptions | None = None,
    progress: Callable[[int], None] | None = None,
) -> Scenario:
    """The scenario of the report that `options` ask for; for the rest see `oomsel.inputs.load.load`."""
    options = options or LogOptions()
    return scenario_of(pick(stream, source, options, progress), source, overrides, kernel, options)


def scenario_of(
    picked: Picked,
    source: str,
    overrides: Sequence[str] = (),
    kernel: str | None = None,
    options: LogOptions | None = None,
) -> Scenario:
    """A report as a scenario; its `log` is a `LogReading`."""
    options = options or LogOptions()
    event, context = picked.event, picked.context
    facts = facts_of(event, context, page_size=options.page_size, cpus=options.cpus)
    skip_reasons = skip_reasons_of(event, context, facts)
    try:
        built = scenario_of_event(source, event, facts, skip_reasons)
    except NothingToChoose as nothing:
        nothing.bare = BareReading(event, facts, picked.because, picked.others)
        raise
    places = LogPlaces(source, built)
    is_changed = bool(overrides) or kernel is not None
    if is_changed:
        scenario = read_scenario(with_options(places, overrides, kernel))
    else:
        scenario = check_scenario(built.scenario, places)
    reading = LogReading(
        event, context, facts, skip_reasons, picked.because, built.notes, is_changed, built.assumed_pids,
        any(_TOTAL.match(override) for override in overrides), scenario.kernel != facts.kernel, picked.others,
        any(override.lstrip().startswith("oom") for override in overrides),
    )  # fmt: skip
    vars(scenario)["log"] = reading  # no key of the file
    return scenario


def skip_reasons_of(event: OomEvent, context: LogContext, facts: Facts) -> dict[int, str]:
    """Who could have been chosen by the table, was not, and for a reason that the log shows elsewhere.

    A process that an earlier report killed and that is still there has nothing left to free
    (MMF_OOM_SKIP), else nobody would have been killed now, or the scan would have stopped; one
    whose every number is the victim's own, listed after it, is its child in the middle of vfork.
    """
    if not facts.is_simulated or any("allocating" in kill.prefix for kill in event.kills):
        return {}
    rows = event.rows_by_pid() if context.killed else {}
    killed = {pid for pid, (name, _) in context.killed.items() if pid in rows and row_name(rows[pid]) == name}
    reaped = {pid: "killed" for pid in context.reaped if pid in killed}
    if event.no_killable is not None:
        return reaped | {pid: "killed" for pid in context.killed if pid in killed}
    if not event.kills:
        return {}
    found = {pid: why for pid, why in reaped.items() if pid != event.kills[0].pid}
    return _up_to_the_victim(event, killed, facts, found)


def _up_to_the_victim(event: OomEvent, killed: set[int], facts: Facts, found: dict[int, str]) -> dict[int, str]:
    """Add who stands before the victim, if each of them has a reason; else nobody is added.

    `killed` are the pids of rows of processes that an earlier report killed.
    """
    if asked_to_die(event) is not None:
        return found
    result = rescore(event, facts.version, facts.totalpages or 0, facts.page_size, skipped=frozenset(found))
    victim = result.of(event.kills[0].pid)
    if victim is None:
        return found
    added = dict(found)
    for candidate in result.by_choice():
        if candidate.row is victim.row:
            return added
        if candidate.row.pid in killed:
            added[candidate.row.pid] = "killed"
        elif _same_mm(candidate, victim):
            added[candidate.row.pid] = "vfork"
        else:
            return found
    return found


def _same_mm(one: Candidate, other: Candidate) -> bool:
    ours, theirs = ({k: v for k, v in row.numbers.items() if k != "tgid"} for row in (one.row, other.row))
    return ours == theirs and one.row.line > other.row.line
