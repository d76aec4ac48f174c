"""Two events task by task: what changed, who only moved, who is there in one of them only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from oomsel.diff.unified import longest_increasing
from oomsel.kernel.badness import LONG_MAX, LONG_MIN, SkipReason, get_mm_rss
from oomsel.kernel.event import OomReport, worst_first
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS
from oomsel.kernel.system import NO_MM
from oomsel.klog.event import OomEvent
from oomsel.text import printable

#: What is known of a task and compared; pages unless the name says bytes.  None is unknown, or none.
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
#: What a text calls the columns.
_COLUMNS = {
    "rss": "rss",
    "anon": "rss_anon",
    "file": "rss_file",
    "shmem": "rss_shmem",
    "swap": "swapents",
    "pgtables_bytes": "pgtables_bytes",
    "total_vm": "total_vm",
    "oom_score_adj": "oom_score_adj",
    "uid": "uid",
}


class TaskView(NamedTuple):
    """One task as one side has it."""

    pid: int  #: the leader's
    comm: str  #: printable; of the thread that has the mm
    fields: dict[str, Any]  #: of `FIELDS`; what is not known is missing


class EventView(NamedTuple):
    """One side: the event itself, and its tasks in the order of the table."""

    event: dict[str, Any]  #: what is not known is missing
    tasks: list[TaskView]


class TaskDiff(NamedTuple):
    """A task that is not the same on both sides."""

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


def view_of_report(report: OomReport, *, shown_only: bool) -> EventView:
    """A report's side; `shown_only` leaves out the tasks that no table shows, for a text knows no others."""
    system, tasks = report.system, report.system.tasks
    listed = report.shown.tolist() if shown_only and system.sysctl.oom_dump_tasks else []
    if not shown_only:
        listed = list(range(len(tasks)))
    candidates = (task for task in worst_first(report, report.points) if report.points[task] != LONG_MIN)
    ranks = {task: rank for rank, task in enumerate(candidates, 1)}
    resident = get_mm_rss(report.counters).tolist()
    counters = report.counters.tolist()
    killed = set(report.killed)
    views = []
    for task in listed:
        mm = int(tasks.mm[task])
        fields: dict[str, Any] = {"uid": int(tasks.uid[task]), "oom_score_adj": int(tasks.oom_score_adj[task])}
        if mm != NO_MM:
            fields |= {"rss": resident[mm], "swap": counters[mm][MM_SWAPENTS]}
            if not system.rss_is_one_number[mm]:
                parts = (("anon", MM_ANONPAGES), ("file", MM_FILEPAGES), ("shmem", MM_SHMEMPAGES))
                fields |= {name: counters[mm][member] for name, member in parts}
            fields |= {"pgtables_bytes": int(system.pgtables_bytes[mm]), "total_vm": int(system.total_vm[mm])}
        points = int(report.points[task])
        if task in ranks:
            fields |= {"rank": ranks[task], "badness": "first" if points == LONG_MAX else points}
        fields["eligibility"] = SkipReason(int(report.skip_reasons[task])).reason or _MAY_BE_KILLED
        if not shown_only or task not in report.silent:  # who dies without a line survives in a text
            fields["fate"] = "victim" if task == report.chosen else "killed" if task in killed else "survives"
        views.append(TaskView(int(tasks.pid[task]), printable(tasks.live_comm[task]), fields))
    event: dict[str, Any] = {
        "victim": None
        if report.chosen is None
        else (int(tasks.pid[report.chosen]), printable(tasks.comm[report.chosen])),
        "panics": report.panics,
        "current": printable(report.oc.current_comm),
        "gfp_mask": report.oc.gfp_mask,
        "order": report.oc.order,
        "constraint": str(report.constraint),
        "totalpages": report.totalpages,
    }
    return EventView(event, views)


def view_of_text(text: OomEvent) -> EventView:
    """A text's side: what its lines say."""
    summary, invoked = text.summary, text.invoked
    chosen = text.victim if summary is None else (summary.pid, summary.comm)  # the kill line names the thread
    killed = {kill.pid for kill in text.kills}
    views = []
    for row in text.rows:
        pid = row.numbers.get("tgid")
        pid = row.pid if pid is None else pid
        known = {name: row.numbers.get(column) for name, column in _COLUMNS.items()}
        fields: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
        if fields.get("uid", 0) < 0:
            fields["uid"] += 1 << 32
        is_chosen = chosen is not None and chosen[0] in (pid, row.pid)
        fields["fate"] = "victim" if is_chosen else "killed" if row.pid in killed else "survives"
        views.append(TaskView(pid, printable(row.name), fields))
    victim = None if chosen is None else (chosen[0], printable(chosen[1]))
    event: dict[str, Any] = {"victim": victim, "panics": text.panic is not None}
    if invoked is not None:
        event |= {"current": printable(invoked.comm), "gfp_mask": invoked.gfp_mask, "order": invoked.order}
    if summary is not None:
        event["constraint"] = summary.constraint
    return EventView(event, views)


def diff_events(a: EventView, b: EventView, ignored: frozenset[str] = frozenset()) -> EventDiff:
    """What differs, with `pids` or `order` left out of the comparison; fields that a side does not know are the same.

    Tasks are the same if pid and comm are, or the comm where pids are ignored; of several alike
    the first is the first one's.  Changed tasks come first, by the rank they have or had.
    """
    pids = "pids" not in ignored
    before, after = _keyed(a.tasks, pids), _keyed(b.tasks, pids)
    shared = [key for key in before if key in after]
    place = {key: index for index, key in enumerate(after)}
    stayed = {shared[index] for index in longest_increasing([place[key] for key in shared])}
    found = []
    for key in shared:
        one, other = before[key], after[key]
        names = [name for name in FIELDS if name in one.fields or name in other.fields]
        changes = {
            name: (one.fields.get(name), other.fields.get(name))
            for name in names
            if _differ(name, one.fields, other.fields, ignored)
        }
        moved = key not in stayed and "order" not in ignored
        if changes.keys() - {"rank"}:
            found.append(TaskDiff(other.pid, other.comm, "changed", changes))
        elif changes or moved:
            found.append(TaskDiff(other.pid, other.comm, "moved", changes))
    found += [TaskDiff(one.pid, one.comm, "a", _alone(one, 0)) for key, one in before.items() if key not in after]
    found += [TaskDiff(one.pid, one.comm, "b", _alone(one, 1)) for key, one in after.items() if key not in before]
    found.sort(key=lambda task: (task.status == "moved", _best_rank(task, before, after, pids)))
    event = {
        name: (value, b.event[name])
        for name, value in a.event.items()
        if name in b.event and _comparable(value, pids) != _comparable(b.event[name], pids)
    }
    return EventDiff(event, found)


def _keyed(tasks: Sequence[TaskView], pids: bool) -> dict[Hashable, TaskView]:
    met: Counter[Hashable] = Counter()
    keyed: dict[Hashable, TaskView] = {}
    for task in tasks:
        name = (task.pid, task.comm) if pids else task.comm
        keyed[name, met[name]] = task
        met[name] += 1
    return keyed


def _differ(name: str, one: dict[str, Any], other: dict[str, Any], ignored: frozenset[str]) -> bool:
    if name == "rank" and "order" in ignored:
        return False
    if name not in one or name not in other:
        # Who may not be killed has no rank and no badness; a text knows neither.
        return name in ("rank", "badness") and "eligibility" in one and "eligibility" in other
    return bool(one[name] != other[name])


def _alone(task: TaskView, side: int) -> dict[str, tuple[Any, Any]]:
    shown = {name: task.fields[name] for name in FIELDS if name in task.fields}
    return {name: (value, None) if side == 0 else (None, value) for name, value in shown.items()}


def _best_rank(task: TaskDiff, before: dict[Hashable, TaskView], after: dict[Hashable, TaskView], pids: bool) -> int:
    key = ((task.pid, task.comm) if pids else task.comm, 0)
    ranks = [side[key].fields.get("rank") for side in (before, after) if key in side]
    return min((rank for rank in ranks if rank is not None), default=1 << 62)


def _comparable(value: Any, pids: bool) -> Any:
    return value[1] if isinstance(value, tuple) and not pids else value
