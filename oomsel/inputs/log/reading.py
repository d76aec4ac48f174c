"""Reading a scenario out of a kernel log: the report that is meant, as if a file said the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oomsel.errors import Problem
from oomsel.inputs.log.convert import LogScenario
from oomsel.inputs.log.facts import Facts, facts_of
from oomsel.inputs.log.options import LogOptions
from oomsel.inputs.log.pick import Picked, pick
from oomsel.inputs.log.rescore import Candidate, rescore
from oomsel.inputs.overrides import with_options
from oomsel.klog.chunks import Readable
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogContext
from oomsel.klog.report_lines import row_name
from oomsel.scenario.models import Scenario
from oomsel.scenario.problems import Places
from oomsel.scenario.read import read_scenario
from oomsel.scenario.values import Path


@dataclass(frozen=True, slots=True)
class LogReading:
    """The report behind a scenario."""

    event: OomEvent
    context: LogContext
    facts: Facts
    passed: dict[int, str]  #: pid -> why the kernel passed it over: killed, vfork; nothing in the table says so
    picked_because: str | None  #: why this report, where nobody said which
    notes: tuple[str, ...]  #: what was taken for granted
    changed: bool  #: whether a what-if has changed it since


class LogDocument(Places):
    """A report as a document: key paths lead to the log's lines."""

    def __init__(self, source: str, built: LogScenario) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.data = built.data
        self.is_json = False
        self._built = built

    def place(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:  # noqa: ARG002
        """The line of the row that `path` speaks of, or of the report; the column is the line's first."""
        lines = self._built.lines
        if len(path) > 1 and path[0] == "tasks" and isinstance(path[1], int) and path[1] < len(lines):
            return lines[path[1]], 1
        return self._built.event.first_line, 1

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
    passed = passed_over(event, context, facts)
    built = LogScenario(source, event, facts, passed)
    scenario = read_scenario(with_options(LogDocument(source, built), overrides, kernel))
    changed = bool(overrides) or kernel is not None
    reading = LogReading(event, context, facts, passed, picked.because, tuple(built.notes), changed)
    vars(scenario)["log"] = reading  # no key of the file
    return scenario


def passed_over(event: OomEvent, context: LogContext, facts: Facts) -> dict[int, str]:
    """Who would have been chosen by the table, was not, and for a reason that the log shows elsewhere.

    A process that an earlier report killed and that is still there has nothing left to free
    (MMF_OOM_SKIP), else nobody would have been killed now; one whose every number is the
    victim's own, listed after it, is its child in the middle of vfork.  Empty unless all that
    stands between the table and the kernel's choice is explained so.
    """
    if not event.kills or not facts.is_simulated or "allocating" in event.kills[0].prefix:
        return {}
    passed: dict[int, str] = {}
    for _ in range(len(event.rows)):
        total = facts.totalpages or 0
        result = rescore(event, facts.version, total, facts.page_size, passed=frozenset(passed))
        winner, victim = result.winner, result.of(event.kills[0].pid)
        if winner is None or victim is None:
            return {}
        if winner.row is victim.row:
            return passed
        earlier = context.killed.get(winner.row.pid)
        if earlier is not None and earlier[0] == row_name(winner.row):
            passed[winner.row.pid] = "killed"
        elif _same_mm(winner, victim):
            passed[winner.row.pid] = "vfork"
        else:
            return {}
    return {}


def _same_mm(one: Candidate, other: Candidate) -> bool:
    ours, theirs = ({k: v for k, v in row.numbers.items() if k != "tgid"} for row in (one.row, other.row))
    return ours == theirs and one.row.line > other.row.line
