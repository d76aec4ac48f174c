"""The comments at the top of a scenario made from a log: where its values come from, and what is not known."""

from __future__ import annotations

from oomsel.inputs.log.allocation import PID_MAX_LIMIT
from oomsel.inputs.log.facts import release_note
from oomsel.inputs.log.reading import LogReading
from oomsel.kernel.historic import formula_of
from oomsel.outputs.log_evidence import sentence
from oomsel.outputs.log_memory import memory_summary
from oomsel.text import printable, process_name


def comments_of(reading: LogReading) -> tuple[str, ...]:
    """The comments, a line each."""
    event, facts = reading.event, reading.facts
    lines = []
    if event.victim is not None and (event.kills or not event.ends):
        by = "" if event.kills else ", as the oom-kill line says: no kill line is in the log"
        lines.append(f"The kernel killed {process_name(*event.victim)}{by}.")
    lines += [sentence(line) for line in memory_summary(event, facts)]
    lines.append(f"Page size {facts.page_size}: {facts.page_size_because}.")
    if facts.totalpages is not None:
        kind = ", a guess" if facts.totalpages_guessed else ""
        lines.append(f"totalpages is {facts.totalpages}{kind}: {facts.totalpages_because}.")
    else:
        what = "a scenario needs one, and has what the table holds: replace it"
        lines.append(f"totalpages is not known: {facts.totalpages_because}; {what}.")
    if facts.ram is None and facts.totalpages is not None:
        lines.append("The machine's RAM is not printed; machine.ram is the cgroup's limit, and no score depends on it.")
    if facts.cpus is None:
        lines.append(f"machine.cpus is a guess: {facts.cpus_because}.")
    if (unverified := release_note(event, reading.context)) is not None:
        lines.append(sentence(unverified))
    if not facts.is_simulated:
        name = formula_of(facts.version).name
        lines.append(f"The kernel chose by {name} formula; this scenario is run by {facts.kernel}'s, which may differ.")
    for pid in sorted(reading.assumed_pids):
        what = "of which the log shows too little" if pid < PID_MAX_LIMIT else "whose pid the log does not show"
        lines.append(f"Task {pid} only stands for the allocating one, {what}.")
    lines.append("Per-CPU deltas are not in a log: every counter is what the table shows.")
    if event.summary is not None and event.summary.task_memcg != "/":
        lines.append("Only the victim's cgroup is printed; the others stand where the table's order is kept.")
    lines += [sentence(line) for line in (*event.missing(), *reading.notes)]
    return tuple(printable(line) for line in lines)
