"""The calls of the public API: whom would it be, why, and which reports does a log hold?

Each takes what a person has at hand, a file's name first of all, and returns an object that
prints in a line, knows its data (`to_dict()`) and, where it is a table, a DataFrame of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from oomsel.booting import Booted, boot, kernel_mode
from oomsel.booting import select as select_booted
from oomsel.errors import InputError, OomselError, Problem, UsageError
from oomsel.inputs.load import load
from oomsel.inputs.log.options import LogOptions
from oomsel.kernel.event import OomReport, Process
from oomsel.scenario.models import Scenario
from oomsel.text import number_of

if TYPE_CHECKING:
    import pandas as pd

    from oomsel.klog.event import OomEvent
    from oomsel.klog.reader import LogContext
    from oomsel.outputs.account import Account


class Task(NamedTuple):
    """One task of a report; memory in pages unless a name says bytes.

    What belongs to an mm is None for a task without one (a kernel thread, a zombie).
    """

    pid: int
    comm: str  #: what is not printable UTF-8 stands as \\xNN
    uid: int
    oom_score_adj: int
    memcg: str  #: the path of its cgroup
    total_vm: int | None
    pgtables_bytes: int | None
    counters: dict[str, int | None] | None  #: rss, anon, file, shmem and swap as the mode reads them
    precise_counters: dict[str, int | None] | None  #: the same, every CPU's share added
    eligible: bool
    reason: str | None  #: why it may not be killed
    badness: int | None  #: oom_badness() by `counters`; None where it may not be killed
    precise_badness: int | None
    oom_score: int | None  #: what /proc/PID/oom_score would say; None where the log does not say all RAM and swap
    in_table: bool  #: whether the kernel's table lists it
    chosen: bool
    killed: bool

    def __repr__(self) -> str:
        points = self.reason if self.badness is None else f"badness {self.badness}"
        return f"<Task {self.pid} ({self.comm}), {points}>"


class Report(OomReport):
    """One OOM event in one mode: the kernel's choice and every number that it rests on.

    >>> import oomsel
    >>> report = oomsel.select("examples/real-contest.yaml", mode="precise")
    >>> report
    <Report: precise, kills 248 (under)>
    >>> report.victim.pid, report.victim.comm, len(report.tasks)
    (248, 'under', 8)
    >>> max(report.tasks, key=lambda task: task.badness or 0)
    <Task 248 (under), badness 11996>
    """

    machine: Booted  #: what it happened on
    scenario: Scenario | None  #: what that was made from

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: what the scenario left open, and which of a log's reports was taken."""
        log = self.machine.log
        picked = () if log is None else tuple(filter(None, (log.picked_because, *log.notes)))
        return (*self.machine.notes, *picked)

    @property
    def tasks(self) -> list[Task]:
        """Every task of the machine, in tasklist order."""
        return [Task(**row) for row in self.to_dict()["tasks"]]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, as `oomsel select --format json` prints it."""
        from oomsel.outputs.json_report import report_object

        return report_object(self)

    def to_dataframe(self) -> pd.DataFrame:
        """The tasks as a pandas DataFrame, a row a task; raises OomselError where pandas is not installed.

        The columns are those of `Task`, the counters apart: rss, anon, file, shmem, swap as the mode
        reads them, and the same with precise_ before them.
        """
        return _frame([_flat(task) for task in self.tasks])

    def lines(self, *, reaper: bool = False) -> list[str]:
        """What the kernel prints of it, line by line; with `reaper` the oom_reaper's lines, too."""
        from oomsel.outputs.kernel_text import kernel_lines

        return list(kernel_lines(self, reaper=reaper))


def _flat(task: Task) -> dict[str, Any]:
    from oomsel.kernel.percpu_counter import MEMBERS

    row: dict[str, Any] = {}
    for name, value in task._asdict().items():
        if name in ("counters", "precise_counters"):
            prefix = name.removesuffix("counters")
            row |= {f"{prefix}{member}": (value or {}).get(member) for member in ("rss", *MEMBERS)}
        else:
            row[name] = value
    return row


def _frame(rows: list[dict[str, Any]], columns: Iterable[str] | None = None) -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError:
        raise OomselError(
            "a DataFrame needs pandas, which is not installed; pip install pandas, or take to_dict()"
        ) from None
    # Whole numbers stay whole where some are missing.
    return pd.DataFrame(rows, columns=None if columns is None else list(columns)).convert_dtypes()


class Event:
    """One OOM report of a kernel log, as the kernel printed it.

    `scenario` is what it says as a scenario: `oomsel.select(event)` makes the choice again, `oomsel.explain(event)`
    explains it.
    """

    def __init__(self, source: str, event: OomEvent, context: LogContext) -> None:
        self.source = source  #: the log's name
        self.event = event  #: all that was read of the report
        self._context = context

    @property
    def number(self) -> int:
        """Which report of its log it is, from 1."""
        return self.event.index

    @property
    def line(self) -> int:
        """Its first line in the log, from 1."""
        return self.event.first_line

    @property
    def time(self) -> str | None:
        """Its time as the log says it: seconds since boot or a date."""
        return self.event.stamp or None

    @property
    def killed(self) -> tuple[Process, ...]:
        """Who was killed, the victim first; empty where no line says so."""
        return tuple(Process(each["pid"], each["comm"]) for each in self.to_dict()["killed"])

    @property
    def victim(self) -> Process | None:
        """Who was killed first; None where nobody was or no line says so."""
        return next(iter(self.killed), None)

    @property
    def scenario(self) -> Scenario:
        """What the report says as a scenario; raises InputError where it says too little, such as no task table."""
        from oomsel.inputs.log.pick import Picked
        from oomsel.inputs.log.reading import scenario_of

        if not self.event.rows:
            said = f"report {self.number} has no task table to choose from"
            raise InputError(self.source, [Problem(said, self.line)])
        return scenario_of(Picked(self.event, self._context, None), self.source, (), None, LogOptions())

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, as `oomsel events --format json` prints it."""
        from oomsel.outputs.log_events import entry_object, entry_of

        return entry_object(entry_of(self.source, self.event))

    def __repr__(self) -> str:
        data = self.to_dict()
        who = f"killed {self.victim}" if self.victim else data["end"] or "no end"
        when = f" at {self.time}" if self.time else ""
        return f"<Event {self.number} of {self.source}, line {self.line}{when}: {who}, {data['constraint']}>"


class Events(list[Event]):
    """The reports of a log in order; `print(events)` shows them as `oomsel events` does."""

    def to_dataframe(self) -> pd.DataFrame:
        """A pandas DataFrame, a row a report, as `oomsel events --format csv` has it; OomselError without pandas."""
        from oomsel.outputs.fleet import COLUMNS, fleet_row

        return _frame([fleet_row(each.source, each.event, each._context) for each in self], COLUMNS)

    def __str__(self) -> str:
        from oomsel.outputs.log_events import entry_of, event_lines

        return "\n".join(event_lines([entry_of(each.source, each.event) for each in self], with_source=False))

    def __repr__(self) -> str:
        return f"<Events: {number_of(len(self), 'report')}>"


def events(path: str | os.PathLike[str]) -> Events:
    """Every OOM report in a kernel log, `-` for standard input, in order; an empty list for a log without any.

    Raises InputError for what is no log, UsageError for what is no name of a file.

    >>> import oomsel
    >>> for event in oomsel.events("examples/dmesg.log"):
    ...     print(event.number, event.line, event.victim)
    1 1 200 (batch)
    2 77 194 (chrome)
    """
    from oomsel.inputs.identify import Kind, identify_as
    from oomsel.inputs.source import name_of, open_source
    from oomsel.klog.reader import LogReader

    name = name_of(path)
    found = Events()
    with open_source(name) as stream:
        identify_as(Kind.LOG, name, stream)
        reader = LogReader(stream)
        for event in reader.events():
            found.append(Event(name, event, reader.context.copy()))
    return found


def _machine(given: Any, log: LogOptions | None = None) -> tuple[Booted, Scenario | None]:
    """The machine that a file's name, a scenario or a report of a log describes; and the scenario."""
    if isinstance(given, Booted):
        return given, None
    if isinstance(given, Report):
        return given.machine, given.scenario
    if isinstance(given, Event):
        given = given.scenario
    if not isinstance(given, Scenario | str | os.PathLike):
        what = "a path, a Scenario, an Event or a Report"
        raise UsageError(f"{type(given).__name__} is nothing to choose in; use {what}")
    scenario = given if isinstance(given, Scenario) else load(given, log=log)
    return boot(scenario), scenario


def select(scenario: str | os.PathLike[str] | Scenario | Booted | Event | Report, mode: str = "kernel") -> Report:
    """What the OOM killer does in `scenario` when it reads the RSS counters in `mode`.

    `scenario` is the name of a scenario or a kernel log, a loaded one, one of `events()`, or the report of
    an earlier choice.  Of a log it is the last complete report; `notes` say so.  `mode` is
    approximate (the global counts alone, as Linux 6.2 to 6.19 do), precise (every CPU's share added, as 7.0
    does), two-pass (precise where approximate scores leave a doubt) or kernel, the default (what the
    scenario's release does).  Raises UsageError for any other mode or kind of thing, InputError for an
    input that cannot be used.

    >>> import oomsel
    >>> for mode in ("approximate", "precise"):
    ...     print(mode, oomsel.select("examples/real-contest.yaml", mode=mode).victim)
    approximate 247 (over)
    precise 248 (under)
    """
    machine, read = _machine(scenario)
    return _report(select_booted(machine, mode), machine, read)


def _report(report: OomReport, machine: Booted, scenario: Scenario | None) -> Report:
    found: Report = object.__new__(Report)
    vars(found).update(vars(report), machine=machine, scenario=scenario)
    return found


class Explanation:
    """Why an event ended as it did; `print()` shows the first screen of `oomsel explain`."""

    def __init__(self, account: Account, report: Report) -> None:
        self._account = account
        self.report = report  #: the choice that is explained

    @property
    def advice(self) -> list[str]:
        """What would help, a sentence each."""
        return [advice.sentence for advice in self._account.advice]

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain data, as `oomsel explain --format json` prints it."""
        from oomsel.outputs.explain_json import explanation_object

        return explanation_object(self._account)

    def to_markdown(self) -> str:
        """Text to paste into a ticket, as `oomsel explain --format markdown` prints it; notebooks show it."""
        from oomsel.outputs.explain_markdown import markdown_lines

        return "\n".join(markdown_lines(self._account, []))

    _repr_markdown_ = to_markdown

    def __str__(self) -> str:
        from oomsel.outputs.first_screen import first_screen

        return "\n".join(first_screen(self._account))

    def __repr__(self) -> str:
        return f"<Explanation of {self.report!r}>"


def explain(scenario: str | os.PathLike[str] | Scenario | Booted | Event | Report, mode: str = "kernel") -> Explanation:
    """Why the OOM killer's choice in `scenario` is what it is, who used the memory, and what would help.

    Of a log it is the report that `oomsel explain` takes: the last one or, where several came at once, their first.
    `scenario` is what `select` takes, or a report that `select` returned, whose mode it then is.  `mode` is
    kernel (what the scenario's release does), approximate or precise.  Raises UsageError for any other.

    >>> import oomsel
    >>> explanation = oomsel.explain("examples/real-contest.yaml")
    >>> explanation
    <Explanation of <Report: approximate, kills 247 (over)>>
    >>> str(explanation).splitlines()[2]
    'KILLED   over (pid 247)   50.6 MiB   oom_score_adj 0'
    """
    from oomsel.outputs.account import account_of_machine

    if isinstance(scenario, Report):
        machine, read = scenario.machine, scenario.scenario
        mode = scenario.mode if mode == "kernel" and scenario.mode != "two-pass" else mode
    else:
        machine, read = _machine(scenario, LogOptions(first_of_storm=True))
    mode = kernel_mode(machine) if mode == "kernel" else mode
    if mode not in ("approximate", "precise"):
        raise UsageError(f"no mode {mode}; use kernel, approximate or precise")
    account = account_of_machine(machine, read, mode)
    assert account.explanation is not None  # there is a machine
    return Explanation(account, _report(account.explanation.report, machine, read))
