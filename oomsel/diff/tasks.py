"""Two events compared task by task: which changed, which only moved, which are in one event only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from oomsel.kernel.badness import LONG_MIN
from oomsel.kernel.event import OomReport, worst_first
from oomsel.klog.event import OomEvent
from oomsel.outputs.tasks import TABLE_COLUMNS, TaskView
from oomsel.outputs.unified import longest_increasing
from oomsel.text import printable, unsigned_uid

#: The fields of a task that are compared; pages unless the name says bytes.
FIELDS = (
    "fate",
    "eligibility",
    "rank",
    "badness",
    "rss",
    "anon",
    "file",
    "shmem",
    "swap",
    "pgtables_bytes",
    "total_vm",
    "oom_score_adj",
    "uid",
)
_MAY_BE_KILLED = "may be killed"


class ComparedTask(NamedTuple):
    """One task of one side."""

    pid: int  #: the leader's
    comm: str  #: printable; of the thread that has the mm
    fields: dict[str, Any]  #: by the names in `FIELDS`; what is not known is missing


class ComparedEvent(NamedTuple):
    """One side of the comparison."""

    event: dict[str, Any]  #: victim, panics, constraint and the like; what is not known is missing
    tasks: list[ComparedTask]  #: in the order of the table


class TaskDiff(NamedTuple):
    """A task that differs between the sides."""

    pid: int
    comm: str
    status: str  #: changed, moved (only its rank or its place in the table), a (only there) or b
    changes: dict[str, tuple[Any, Any]]


class EventDiff(NamedTuple):
    """How two events differ."""

    event: dict[str, tuple[Any, Any]]
    tasks: list[TaskDiff]

    @property
    def same(self) -> bool:
        """Whether nothing that is known on both sides differs."""
        return not self.event and not self.tasks


def compared_report(report: OomReport, *, shown_only: bool) -> ComparedEvent:
    """A report to compare; `shown_only` leaves out tasks that are not in its table, as a text has only those."""
    system, tasks = report.system, report.system.tasks
    listed = list(range(len(tasks)))
    if shown_only:
        listed = report.shown.tolist() if system.sysctl.oom_dump_tasks else []
    unseen = set(report.silent) if shown_only else set()  # a task killed without a line looks alive in a text
    view = TaskView(report, listed)
    candidates = (task for task in worst_first(report, report.points) if report.points[task] != LONG_MIN)
    ranks = {task: rank for rank, task in enumerate(candidates, 1)}
    columns: dict[str, list[Any]] = {
        "fate": [
            None if task in unseen else _fate(chosen, killed)
            for task, chosen, killed in zip(listed, view["chosen"], view["killed"], strict=True)
        ],
        "eligibility": [reason or _MAY_BE_KILLED for reason in view["skip_reason"]],
        "rank": list(map(ranks.get, listed)),
        "badness": view["badness"],
        **view.counters(),
        **{name: view[name] for name in ("pgtables_bytes", "total_vm", "oom_score_adj", "uid")},
    }
    compared = [
        ComparedTask(pid, printable(comm), _known(zip(columns, values, strict=True)))
        for pid, comm, *values in zip(view["pid"], view["live_comm"], *columns.values(), strict=True)
    ]
    victim = None
    if report.chosen is not None:
        victim = (int(tasks.pid[report.chosen]), printable(tasks.comm[report.chosen]))
    event: dict[str, Any] = {
        "victim": victim,
        "panics": report.panics,
        "current": printable(report.oc.current_comm),
        "gfp_mask": report.oc.gfp_mask,
        "order": report.oc.order,
        "constraint": str(report.constraint),
        "totalpages": report.totalpages,
    }
    return ComparedEvent(event, compared)


def _fate(chosen: bool, killed: bool) -> str:
    return "victim" if chosen else "killed" if killed else "survives"


def _known(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in fields if value is not None}


def compared_text(text: OomEvent) -> ComparedEvent:
    """A printed text to compare."""
    summary, invoked = text.summary, text.invoked
    chosen = text.victim if summary is None else (summary.pid, summary.comm)  # the kill line names the thread
    killed = {kill.pid for kill in text.kills}
    compared = []
    for row in text.rows:
        pid = row.numbers.get("tgid")
        pid = row.pid if pid is None else pid
        uid = row.numbers["uid"]
        numbers = {
            **{name: row.numbers.get(column) for name, column in TABLE_COLUMNS.items()},
            "uid": None if uid is None else unsigned_uid(uid),
            "fate": _fate(chosen is not None and chosen[0] in (pid, row.pid), row.pid in killed),
        }
        compared.append(ComparedTask(pid, printable(row.name), _known(numbers.items())))
    victim = None if chosen is None else (chosen[0], printable(chosen[1]))
    event: dict[str, Any] = {"victim": victim, "panics": text.panic is not None}
    if invoked is not None:
        event |= {"current": printable(invoked.comm), "gfp_mask": invoked.gfp_mask, "order": invoked.order}
    if summary is not None:
        event["constraint"] = summary.constraint
    return ComparedEvent(event, compared)


def diff_events(a: ComparedEvent, b: ComparedEvent, ignored: frozenset[str] = frozenset()) -> EventDiff:
    """What differs, except for what is `ignored` (pids, order); a field that one side lacks does not differ.

    Tasks are paired by pid and comm, or by comm alone if pids are ignored, equal ones in their order.
    Changed tasks come before moved ones, sorted by their better rank of the two.
    """
    pids = "pids" not in ignored
    before, after = _keyed(a.tasks, pids), _keyed(b.tasks, pids)
    shared = [key for key in before if key in after]
    moved = set() if "order" in ignored else _moved(shared, after)
    found = []
    for key in shared:
        other = after[key]
        changes = _changes(before[key].fields, other.fields, ignored)
        if changes or key in moved:
            status = "changed" if changes.keys() - {"rank"} else "moved"
            found.append(TaskDiff(other.pid, other.comm, status, changes))
    found += [TaskDiff(one.pid, one.comm, "a", _alone(one, 0)) for key, one in before.items() if key not in after]
    found += [TaskDiff(one.pid, one.comm, "b", _alone(one, 1)) for key, one in after.items() if key not in before]
    found.sort(key=lambda task: (task.status == "moved", _best_rank(task, (before, after), pids)))
    event = {
        name: (value, b.event[name])
        for name, value in a.event.items()
        if name in b.event and _comparable(value, pids) != _comparable(b.event[name], pids)
    }
    return EventDiff(event, found)


def _moved(shared: list[Hashable], after: Iterable[Hashable]) -> set[Hashable]:
    """The fewest of the `shared` tasks that must move to turn one side's order into the other's."""
    place = {key: index for index, key in enumerate(after)}
    return set(shared) - {shared[index] for index in longest_increasing([place[key] for key in shared])}


def _changes(one: dict[str, Any], other: dict[str, Any], ignored: frozenset[str]) -> dict[str, tuple[Any, Any]]:
    """The fields that differ, in the order of `FIELDS`."""
    return {
        name: (one.get(name), other.get(name))
        for name in FIELDS
        if (name in one or name in other) and _differ(name, one, other, ignored)
    }


def _keyed(tasks: Sequence[ComparedTask], pids: bool) -> dict[Hashable, ComparedTask]:
    met: Counter[Hashable] = Counter()
    keyed: dict[Hashable, ComparedTask] = {}
    for task in tasks:
        name = (task.pid, task.comm) if pids else task.comm
        keyed[name, met[name]] = task
        met[name] += 1
    return keyed


def _differ(name: str, one: dict[str, Any], other: dict[str, Any], ignored: frozenset[str]) -> bool:
    if name == "rank" and "order" in ignored:
        return False
    if name not in one or name not in other:
        # Ineligible tasks have no rank and no badness, which is a difference; a text has neither of any task.
        return name in ("rank", "badness") and "eligibility" in one and "eligibility" in other
    return bool(one[name] != other[name])


def _alone(task: ComparedTask, side: int) -> dict[str, tuple[Any, Any]]:
    shown = {name: task.fields[name] for name in FIELDS if name in task.fields}
    return {name: (value, None) if side == 0 else (None, value) for name, value in shown.items()}


def _best_rank(task: TaskDiff, sides: Iterable[dict[Hashable, ComparedTask]], pids: bool) -> int:
    key = ((task.pid, task.comm) if pids else task.comm, 0)
    ranks = [side[key].fields.get("rank") for side in sides if key in side]
    return min((rank for rank in ranks if rank is not None), default=1 << 62)


def _comparable(value: Any, pids: bool) -> Any:
    return value[1] if isinstance(value, tuple) and not pids else value
