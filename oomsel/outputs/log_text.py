"""Corrects the output of a run of a logged report: `?` or null for what the log does not hold."""

from __future__ import annotations

import re
from typing import Any

from oomsel.errors import InputError, Problem
from oomsel.inputs.log.memcgs import UNNAMED
from oomsel.inputs.log.reading import LogReading
from oomsel.inputs.log.rows import victim_numbers
from oomsel.kernel.event import OomReport
from oomsel.klog import formats
from oomsel.klog.event import Invoked, OomEvent
from oomsel.outputs.kernel_text import REMARK
from oomsel.outputs.log_choice import LogChoice
from oomsel.outputs.table import Shown
from oomsel.text import comm_to_text, printable, process_name

_SURROUNDINGS = re.compile(
    r"^((?:\[ *0\.000000\] )?)oom-kill:constraint=.*?,mems_allowed=[0-9,-]*(?=,global_oom,|,oom_memcg=)"
)
_KILLED_GLOBALLY = f"{formats.PREFIX_GLOBAL}: Killed process "
_SIZE = re.compile(r"\b(total-vm|anon-rss|file-rss|shmem-rss|UID|pgtables|oom_score_adj):-?[0-9]+(kB|)")
_UNKNOWN_INVOKED = "? invoked oom-killer: gfp_mask=?, order=?, oom_score_adj=?"
#: What badness adds up of a victim that has no row, by the kill line's names; its swap no line says.
_COUNTED = frozenset(("anon-rss", "file-rss", "shmem-rss", "pgtables", "oom_score_adj"))
#: The same and the rest, by a task's keys in JSON.
_VICTIM_KEYS = {"total_vm": "total-vm", "pgtables_bytes": "pgtables", "uid": "UID", "oom_score_adj": "oom_score_adj"}
#: Columns by which a table says what page tables take.
_PAGE_TABLES = frozenset(("nr_ptes", "nr_pmds", "nr_puds", "pgtables_bytes"))
#: Keys of a run's JSON that come from the first line.
_FROM_FIRST_LINE = ("current", "order", "gfp_mask", "gfp_flags")


def refuse_undecided(source: str, choice: LogChoice, form: str) -> None:
    """Raises InputError where what is asked for hangs on a totalpages that the log does not show."""
    event = choice.event
    if choice.undecided is None or not event.rows:
        if form != "table" or choice.knows_total or not choice.needs_total or not has_badness(choice):
            return
        what = "there is no badness for a table"
    else:
        what = "whom the table gives cannot be said"
    because = choice.facts.totalpages_because
    message = (
        f"report {event.index}: {what}, as totalpages is not known: {because};"
        " --set oom.totalpages=PAGES states it, oomsel explain shows what is known"
    )
    raise InputError(source, [Problem(message, event.first_line)])


def as_logged(text: str, reading: LogReading, report: OomReport, prefix: str = "") -> str:
    """Kernel text of a run of a report, with what the log says, or `?`, where the run had to assume something."""
    if reading.changed:
        return text
    invoked = reading.event.invoked
    first = _UNKNOWN_INVOKED if invoked is None else _logged(invoked)
    lines = []
    begins = True
    for line in text.split("\n"):
        if line.startswith(REMARK):
            begins = True
            lines.append(line)
            continue
        if begins and " invoked oom-killer: " in line:
            lines.append(prefix + first)
        else:
            lines.append(_with_unknown_surroundings(_with_unknown_sizes(line, reading), reading, report, prefix))
        begins = False
    return "\n".join(lines)


def _with_unknown_sizes(line: str, reading: LogReading) -> str:
    """A kill line of a victim without a row, or of a table without page tables: `?` for what no line says of it."""
    event = reading.event
    if "Killed process " not in line:
        return line
    if event.rows and not _PAGE_TABLES & set(event.columns):
        return re.sub(r"\bpgtables:[0-9]+kB", f"pgtables:{formats.UNKNOWN}kB", line)
    if event.rows or not event.kills:
        return line
    known = victim_numbers(reading.event, reading.facts.page_size)
    return _SIZE.sub(lambda found: found[0] if found[1] in known else f"{found[1]}:{formats.UNKNOWN}{found[2]}", line)


def _with_unknown_surroundings(line: str, reading: LogReading, report: OomReport, prefix: str) -> str:
    """The line that names the victim and its kill line: `?` for what no line says of where they are."""
    event, task = reading.event, report.chosen
    is_memcg = event.is_memcg
    if is_memcg is None and line.startswith(prefix + _KILLED_GLOBALLY):
        return line.replace(_KILLED_GLOBALLY, f"{formats.UNKNOWN}: Killed process ", 1)
    if not line.startswith(prefix + formats.OOM_KILL_BEGINS) or task is None:
        return line
    line = _SURROUNDINGS.sub(lambda match: f"{match[1]}{_surroundings(event)}", line, count=1)
    if is_memcg is None:
        line = line.replace(f"{formats.GLOBAL_OOM},task_memcg=", ",?,task_memcg=", 1)
    path = report.system.memcgs[int(report.system.tasks.memcg[task])].path
    if not _is_members(event, int(report.system.tasks.pid[task])):
        line = line.replace(f",task_memcg={printable(path)},task=", ",task_memcg=?,task=", 1)
    return line


def _surroundings(event: OomEvent) -> str:
    """The constraint and the allocating task's cpuset, as lines say them."""
    summary, unknown = event.summary, formats.UNKNOWN
    if summary is not None:
        stated = (summary.constraint, summary.nodemask, summary.cpuset, summary.mems_allowed)
    else:
        constraint = event.constraint
        stated = (constraint or unknown, "(null)" if constraint else unknown, *(event.cpuset or (unknown, unknown)))
    return "oom-kill:constraint={},nodemask={},cpuset={},mems_allowed={}".format(*map(printable, stated))


def _is_members(event: OomEvent, pid: int) -> bool:
    """Whether a line says the cgroup of the process `pid`, as that of the victim."""
    if event.summary is not None:
        return pid in {event.summary.pid, *(kill.pid for kill in event.kills)}
    return event.memcg.task_path is not None and event.victim is not None and event.victim[0] == pid


def _logged(invoked: Invoked) -> str:
    names = f"({invoked.gfp_names})" if invoked.gfp_names else ""
    mask = f"{invoked.gfp_mask:#x}{names}"
    return formats.INVOKED % (printable(invoked.comm), mask, invoked.order, invoked.oom_score_adj)


def known_object(found: dict[str, Any], choice: LogChoice) -> dict[str, Any]:
    """A run's JSON with null for what the log does not show, and without tasks that no line shows."""
    reading = choice.reading
    if reading.changed:
        return found
    known = dict(found)
    invoked = reading.event.invoked
    if invoked is None:
        known |= dict.fromkeys(_FROM_FIRST_LINE)
    else:
        names = invoked.gfp_names or (known["gfp_flags"] if reading.facts.is_simulated else None)
        known |= {"order": invoked.order, "gfp_mask": invoked.gfp_mask, "gfp_flags": names}
        allocating = {"comm": comm_to_text(invoked.comm), "oom_score_adj": invoked.oom_score_adj}
        known["current"] = {**known["current"], **allocating}
    if invoked is not None and known["current"]["pid"] in reading.assumed_pids and not reading.event.current:
        known["current"] = {**known["current"], "pid": None}
    known["constraint"] = reading.event.constraint
    if not choice.knows_total:
        known["totalpages"] = None
    if known["memcg"] == UNNAMED:
        known["memcg"] = None
    known["tasks"] = [_known_task(task, choice) for task in found["tasks"] if task["pid"] not in reading.assumed_pids]
    return known


def _known_task(task: dict[str, Any], choice: LogChoice) -> dict[str, Any]:
    known = dict(task)
    if not _is_members(choice.event, task["pid"]):
        known["memcg"] = None
    if not has_badness(choice) or not (choice.knows_total or not task["oom_score_adj"]):
        known |= {"badness": None, "precise_badness": None}
    sizes = _victim_sizes(choice.reading)
    if sizes is None:
        return known
    known["oom_score"] = None
    for key, name in _VICTIM_KEYS.items():
        known[key] = task[key] if name in sizes else None
    counters = {"anon", "file", "shmem"} - {name.removesuffix("-rss") for name in sizes}
    lost = {"swap", *counters, *["rss"] * bool(counters)} - ({"swap"} if choice.facts.swap == 0 else set())
    for key in ("counters", "precise_counters"):
        known[key] = known[key] and known[key] | dict.fromkeys(lost)
    return known


def shown_of(reading: LogReading, report: OomReport, closing: str | None) -> Shown:
    """What a table of a run of a report may show."""
    if reading.changed:
        return Shown(closing=closing)
    choice = LogChoice(reading, report)
    return Shown(has_badness(choice), reading.assumed_pids, of_rows_left(choice) or closing)


def of_rows_left(choice: LogChoice) -> str | None:
    """What must stand beside a run from which it may come out otherwise, as rows are lost; None for a whole table."""
    if choice.reading.changed or not choice.event.rows or choice.agrees or not choice.lacks_rows:
        return None
    chosen = "nobody" if choice.oomsel is None else process_name(*choice.oomsel)
    return f"Of the rows that are left {chosen} is chosen; rows are lost, and with all of them it may be another."


def has_badness(choice: LogChoice) -> bool:
    """Whether the log holds every number that badness adds up, totalpages aside, of each task that it shows."""
    sizes = _victim_sizes(choice.reading)
    return sizes is None or (choice.facts.swap == 0 and sizes >= _COUNTED)


def _victim_sizes(reading: LogReading) -> frozenset[str] | None:
    """What lines say of the one task there is where no row can be read; None where there are rows."""
    event = reading.event
    if event.rows or not event.kills or reading.changed:
        return None
    return frozenset(victim_numbers(event, reading.facts.page_size))
