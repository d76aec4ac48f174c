"""From a report in a kernel log to a Scenario, a function a section."""

from __future__ import annotations

from dataclasses import dataclass

from oomsel.errors import InputError, Problem
from oomsel.inputs.log.allocation import allocating_task, allocation_of, with_cpuset
from oomsel.inputs.log.digest import Digest
from oomsel.inputs.log.facts import Facts
from oomsel.inputs.log.memcgs import LogMemcgs
from oomsel.inputs.log.nodes import machine_of
from oomsel.inputs.log.rows import changed, held_pages, tasks_of
from oomsel.klog.event import OomEvent
from oomsel.scenario.models import Oom, Rss, Scenario, Sysctls, Task
from oomsel.scenario.rules.machine import pids_of
from oomsel.text import TASK_COMM_LEN, printable

_PANICS = {"Out of memory: system-wide": 1, "Out of memory: compulsory": 2}


class NothingToChoose(InputError):
    """A report without a task table, or a row of it: there is no choice to make again.

    `bare` is what can be told of it all the same.
    """

    bare: BareReading


@dataclass(frozen=True, slots=True)
class BareReading:
    """A report from which no scenario can be made."""

    event: OomEvent
    facts: Facts
    picked_because: str | None
    others: tuple[Digest, ...]  #: the log's reports in short, where they were asked for


@dataclass(frozen=True, slots=True)
class LogScenario:
    """A report as a scenario that no rule has been held to yet."""

    scenario: Scenario
    first_line: int
    lines: tuple[int, ...]  #: of the log, for the first of the tasks
    notes: tuple[str, ...]  #: what was taken for granted
    assumed_pids: frozenset[int]  #: pids of tasks that no line shows: not to be named


def scenario_of_event(source: str, event: OomEvent, facts: Facts, skip_reasons: dict[int, str]) -> LogScenario:
    """The scenario that a report shows; `skip_reasons` say of pids why the kernel did not choose them.

    Raises NothingToChoose where the report shows nobody to choose from.
    """
    _refuse_empty(source, event)
    found = tasks_of(event, facts, skip_reasons)
    allocating = allocating_task(event, [entry.task for entry in found])
    memcgs = LogMemcgs(event, facts, [entry.task for entry in found])
    machine, nodes = machine_of(event, facts, held_pages(event))
    allocation = allocation_of(event, facts, allocating, memcgs.domain, nodes)
    tasks = [changed(task, memcg=path) for task, path in zip(allocating.tasks, [*memcgs.place, "/"], strict=False)]
    if allocating.position is not None:
        tasks[allocating.position] = with_cpuset(tasks[allocating.position], allocation.cpuset)
    _refuse_impossible(source, event, tasks, allocation.oom)
    notes = [*_about_table(event), *memcgs.notes, *allocation.notes]
    scenario = Scenario(
        oomsel=1,
        title=_title(source, event),
        kernel=facts.kernel,
        machine=machine,
        memcgs=memcgs.limits,
        oom=_with_total(allocation.oom, event, facts),
        sysctl=_sysctls(event),
        tasks=tuple(tasks),
    )
    lines = tuple(entry.line for entry in found)
    assumed_pids = frozenset([] if allocating.assumed_pid is None else [allocating.assumed_pid])
    return LogScenario(scenario, event.first_line, lines, tuple(notes), assumed_pids)


def _refuse_empty(source: str, event: OomEvent) -> None:
    is_empty_table = event.header_line is not None and event.no_killable is not None
    has_more = event.invoked is not None or event.summary is not None or bool(event.cut_rows)
    if event.rows or is_empty_table or (event.kills and has_more):
        return
    what = "is a kill line alone" if event.kills else "has no task table"
    if event.header_line is not None:
        what = f"has no row that can be read{': its lines are cut' if event.cut_rows else ''}"
    message = f"report {event.index} {what}, so there is nothing to choose from; oomsel events lists the others"
    raise NothingToChoose(source, [Problem(message, event.first_line)])


def _refuse_impossible(source: str, event: OomEvent, tasks: list[Task], oom: Oom) -> None:
    """Raises InputError for what a row would be called damaged for, in a line that stands for one."""
    names = [oom.comm or b"", *(task.comm for task in tasks)]
    names += [task.thread.comm or b"" for task in tasks if task.thread is not None]
    pages = [size or 0 for task in tasks for size in (task.total_vm, task.pgtables_bytes, *_counts(task.rss))]
    pids = [pid for task in tasks for pid in pids_of(task)]
    fits = all(len(name) < TASK_COMM_LEN and b"\0" not in name for name in names)
    fits = fits and all(size < 1 << 51 for size in pages) and all(1 <= pid <= 1 << 22 for pid in pids)
    if not fits or len(set(pids)) < len(pids):
        line = event.kills[0].line if event.kills else event.first_line
        message = f"report {event.index} has a name, a pid or a size that no kernel prints: its lines are damaged"
        raise InputError(source, [Problem(message, line)])


def _counts(rss: Rss | None) -> list[int]:
    counters = () if rss is None else (rss.anon, rss.file, rss.shmem, rss.swap, rss.total)
    return [counter.count for counter in counters if counter is not None]


def _title(source: str, event: OomEvent) -> str:
    when = f", {printable(event.stamp)}" if event.stamp else ""
    return f"OOM report {event.index} of {printable(source)}, line {event.first_line}{when}"


def _about_table(event: OomEvent) -> list[str]:
    if event.rows or not event.kills:
        return []
    if event.cut_rows:
        rows = "its row is" if len(event.cut_rows) == 1 else f"its {len(event.cut_rows)} rows are"
        what = f"the task table, line {event.header_line}, names nobody: {rows} cut before oom_score_adj and name"
        return [f"{what}, so nobody but the victim is known"]
    if event.header_line is not None:
        what = "that can be read" if event.damaged else "in the log"
        return [f"the task table, line {event.header_line}, has no row {what}, so nobody but the victim is known"]
    return ["there is no task table (vm.oom_dump_tasks is 0, or it is lost), so nobody but the victim is known"]


def _with_total(oom: Oom, event: OomEvent, facts: Facts) -> Oom:
    """With a total for one that is not known, where machine.ram does not say it: what the table holds."""
    if facts.totalpages is not None or (oom.memcg is None and event.constraint in (None, "CONSTRAINT_NONE")):
        return oom
    return Oom(**vars(oom) | {"totalpages": held_pages(event)})


def _sysctls(event: OomEvent) -> Sysctls:
    panic = event.panic[1] if event.panic else ""
    return Sysctls(
        oom_kill_allocating_task=int(bool(event.kills) and "oom_kill_allocating_task" in event.kills[0].prefix),
        oom_dump_tasks=int(bool(event.rows) or (event.header_line is not None and event.no_killable is not None)),
        panic_on_oom=next((setting for words, setting in _PANICS.items() if panic.startswith(words)), 0),
    )
