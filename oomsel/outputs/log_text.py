"""What is printed of a logged report beside a run of it: nothing that the log does not hold stands there as a fact."""

from __future__ import annotations

from typing import Any

from oomsel.errors import InputError, Problem
from oomsel.inputs.log.reading import LogReading
from oomsel.kernel.event import OomReport
from oomsel.klog import formats
from oomsel.klog.event import Invoked, OomEvent
from oomsel.outputs.kernel_text import REMARK
from oomsel.outputs.log_choice import LogChoice
from oomsel.text import printable

_NO_CONSTRAINT = "oom-kill:constraint=CONSTRAINT_NONE,"
_UNKNOWN_INVOKED = "? invoked oom-killer: gfp_mask=?, order=?, oom_score_adj=?"
#: Keys of a run's JSON that come from the first line.
_FROM_FIRST_LINE = ("current", "order", "gfp_mask", "gfp_flags")


def refuse_undecided(source: str, choice: LogChoice, form: str) -> None:
    """Raises InputError where what is asked for hangs on a totalpages that the log does not show."""
    event = choice.event
    if choice.undecided is None or not event.rows:
        if form != "table" or choice.knows_total or not choice.needs_total:
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
    first = _first_line(reading, report)
    lines = []
    begins = True
    for line in text.split("\n"):
        if line.startswith(REMARK):
            begins = True
            lines.append(line)
            continue
        if begins and first is not None and " invoked oom-killer: " in line:
            lines.append(prefix + first)
        else:
            lines.append(_with_unknown_constraint(line, reading.event, prefix))
        begins = False
    return "\n".join(lines)


def _with_unknown_constraint(line: str, event: OomEvent, prefix: str) -> str:
    if event.constraint is not None or not line.startswith(prefix + _NO_CONSTRAINT):
        return line
    return line.replace(_NO_CONSTRAINT, f"oom-kill:constraint={formats.UNKNOWN},", 1)


def _first_line(reading: LogReading, report: OomReport) -> str | None:
    """The first line, where the run's own would say what the log does not."""
    invoked = reading.event.invoked
    if invoked is None:
        return _UNKNOWN_INVOKED
    is_todays = reading.facts.is_simulated
    is_other = report.oc.gfp_mask != invoked.gfp_mask if is_todays else not invoked.gfp_names
    return _logged(invoked) if is_other else None


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
    if reading.event.invoked is None:
        known |= dict.fromkeys(_FROM_FIRST_LINE)
    elif known["current"] is not None and known["current"]["pid"] in reading.assumed_pids and not reading.event.current:
        known["current"] = {**known["current"], "pid": None}
    if reading.event.constraint is None:
        known["constraint"] = None
    if not choice.knows_total:
        known["totalpages"] = None
    known["tasks"] = [_known_task(task, choice) for task in found["tasks"] if task["pid"] not in reading.assumed_pids]
    return known


def _known_task(task: dict[str, Any], choice: LogChoice) -> dict[str, Any]:
    if choice.knows_total or not task["oom_score_adj"]:
        return task
    return {**task, "badness": None, "precise_badness": None}
