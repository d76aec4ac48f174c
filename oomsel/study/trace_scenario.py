"""The moment that a trace was replayed to, as a scenario."""

from __future__ import annotations

from collections.abc import Iterator

from oomsel.errors import InputError, Problem
from oomsel.kernel.percpu_counter import MEMBERS
from oomsel.scenario.models import Counter, Machine, Rss, Scenario, Task
from oomsel.study.trace_replay import BEFORE_6_2, TraceReplay
from oomsel.study.traced_mm import TracedCounter, TracedMm
from oomsel.text import printable

#: Processes that a sentence of the description names.
_NAMED = 12


def scenario_at(
    replay: TraceReplay, time: str, ram: int | None, kernel: str | None, *, is_percpu: bool = True
) -> Scenario:
    """The processes with their counters; `ram` in pages, None for what they hold together.  Raises InputError.

    Where the trace leaves a range, the count is the precise sum and no CPU holds anything: the
    description names those processes.  Unless it `is_percpu`, a size is the count that is read.
    """
    mms = sorted((mm for mm in replay.living() if mm.pid is not None), key=lambda mm: mm.pid or 0)
    if not mms:
        raise InputError(replay.name, [Problem("no update is of a process's own, so there is no process to state")])
    said = [
        "a trace has no oom_score_adj, page tables, cgroups or swap: edit what matters",
        *_unknown_parts(mms, replay.cpus, is_percpu=is_percpu),
    ]
    held = sum(counter.size or 0 for mm in mms for counter in mm.counters)
    if ram is None:
        said.append("machine.ram is a guess: what the processes hold together")
    return Scenario(
        oomsel=1,
        title=f"{printable(replay.name)} at {time} seconds",
        description="\n".join(said),
        kernel=kernel,
        machine=Machine(
            cpus=tuple(range(replay.cpus)),
            page_size=replay.page_size,
            ram=max(held, 1) if ram is None else ram,
            batch=replay.batch.pages if is_percpu else None,
        ),
        tasks=tuple(_task(mm, replay.cpus, is_percpu=is_percpu) for mm in mms),
    )


def _task(mm: TracedMm, cpus: int, *, is_percpu: bool) -> Task:
    assert mm.pid is not None
    rss = {name: _counter(mm.counters[member], cpus, is_percpu=is_percpu) for name, member in MEMBERS.items()}
    return Task(pid=mm.pid, comm=mm.comm, rss=Rss(**{name: counter for name, counter in rss.items() if counter}))


def _counter(counter: TracedCounter, cpus: int, *, is_percpu: bool) -> Counter | None:
    if counter.size is None or not is_percpu or not counter.is_exact(cpus):
        return Counter(count=counter.size) if counter.size else None
    deltas = {cpu: held for cpu, held in sorted(counter.slots.items()) if held}
    count = counter.size - sum(deltas.values())
    return Counter(count=count, deltas=deltas) if count or deltas else None


def _unknown_parts(mms: list[TracedMm], cpus: int, *, is_percpu: bool) -> Iterator[str]:
    """What is not known of whom."""
    vague = [mm for mm in mms if not mm.is_exact(cpus)]
    if not is_percpu:
        yield BEFORE_6_2
    elif vague:
        yield f"what each CPU holds is not known of these, whose counts are the precise sums: {_names(vague)}"
    untold = [mm for mm in mms if any(counter.size is None for counter in mm.counters)]
    if untold:
        yield f"no event tells some counters of these, which are left at 0: {_names(untold)}"


def _names(mms: list[TracedMm]) -> str:
    more = f" and {len(mms) - _NAMED} more" if len(mms) > _NAMED else ""
    return ", ".join(f"{mm.pid} ({printable(mm.comm)})" for mm in mms[:_NAMED]) + more
