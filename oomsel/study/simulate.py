"""A workload put through counter designs: what each reads, how wrong that is, what it costs, and whom it would kill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from oomsel.booting import boot, select
from oomsel.errors import UsageError
from oomsel.kernel.badness import get_mm_rss
from oomsel.kernel.designs import DESIGNS, Accuracy, Costs, Design
from oomsel.kernel.event import OomReport
from oomsel.kernel.percpu_counter import MM_SWAPENTS, NR_MM_COUNTERS, Int64s
from oomsel.kernel.system import Bools
from oomsel.kernel.uncertainty import counter_bound
from oomsel.outputs.summary import freed_pages
from oomsel.scenario.models import Scenario
from oomsel.study.export import final_scenario
from oomsel.study.program import Mms, blocks_of, mms_of, topology_of
from oomsel.study.workload import Workload
from oomsel.text import number_of

MODES = ("approximate", "precise", "two-pass")


class Alarms(NamedTuple):
    """What a watchdog did that reads approximately, over all samples."""

    false: int = 0  #: it read more than the budget, which was kept
    missed: int = 0  #: it read no more than the budget, which was overrun


class Choice(NamedTuple):
    """Whom the OOM killer chooses in one mode at the end."""

    mode: str
    process: int | None  #: index; None for nobody
    claimed: int  #: pages of RSS that its report says are freed
    freed: int  #: pages that truly are
    precise_sums: int | None  #: tasks that two passes summed
    limited: bool = False  #: the two passes hit their limit


class CountedProcess(NamedTuple):
    """One process as one design counts it; pages of RSS."""

    reads: int  #: approximately, at the end
    error: int  #: that minus the true value
    least: int  #: the most it ever read too little, as a number of 0 or less
    most: int  #: the most it ever read too much; both before the clamp at 0
    under: int | None  #: what the design guarantees for the counters that were used; None for nothing
    over: int | None
    updates: int
    folds: int
    costs: Costs
    alarms: Alarms | None  #: None without a budget


@dataclass(slots=True)
class Counted:
    """One design's results."""

    design: Design
    readings: list[CountedProcess] = field(default_factory=list)
    kills: list[Choice] = field(default_factory=list)

    def kill(self, mode: str) -> Choice | None:
        """What one mode does; None where the design has no such read."""
        return next((kill for kill in self.kills if kill.mode == mode), None)


class Simulation(NamedTuple):
    """A workload's results."""

    workload: Workload
    mms: Mms
    true: Int64s  #: pages; int64[process, member]
    counted: dict[str, Counted]
    samples: int  #: how many the watchdog took

    def true_rss(self) -> Int64s:
        """int64[process], pages."""
        return get_mm_rss(self.true)


class Sample(NamedTuple):
    """What one design reads of every process at one time; int64[process], pages of RSS."""

    time: int  #: operations that every thread has done
    design: str
    true: Int64s
    reads: Int64s


def simulate(
    workload: Workload,
    designs: Sequence[str] = tuple(DESIGNS),
    *,
    fanouts: Sequence[int] | None = None,
    trace: Callable[[Sample], None] | None = None,
) -> Simulation:
    """Put `workload` through each of `designs`.

    `fanouts` shape the tree, `trace` gets what is read at each of the workload's samples.  Raises
    UsageError for an unknown design, and for fan-outs that do not fit the machine.
    """
    mms = mms_of(workload)
    counted = {name: Counted(_made(name, workload, mms, fanouts)) for name in designs}
    size = len(mms.processes)
    true = np.zeros((mms.number, NR_MM_COUNTERS), np.int64)
    for mm, process in enumerate(mms.processes):
        start = process.start
        true[mm] = (start.file, start.anon, start.swap, start.shmem)
    for one in counted.values():
        one.design.start += true
    used = np.zeros_like(true, dtype=np.bool_)
    budget = np.array([-1 if process.budget is None else process.budget for process in mms.processes], np.int64)
    alarms = {name: np.zeros((2, size), np.int64) for name in counted}
    samples = 0
    for time, updates in blocks_of(workload):
        counter = updates.mm * NR_MM_COUNTERS + updates.member
        np.add.at(true.reshape(-1), counter, updates.amount * updates.repeat)  # one index is several times as fast
        used[updates.mm, updates.member] = True
        samples += time is not None
        truly = get_mm_rss(true[:size])
        for name, one in counted.items():
            one.design.replay(updates)
            if time is not None:
                reads = get_mm_rss(np.maximum(one.design.read()[:size], 0))
                alarms[name] += (budget >= 0) & [
                    (reads > budget) & (truly <= budget),
                    (reads <= budget) & (truly > budget),
                ]
                if trace is not None:
                    trace(Sample(time, name, truly, reads))
    simulation = Simulation(workload, mms, true[:size], counted, samples)
    used[:, MM_SWAPENTS] = False  # no part of RSS
    for name, one in counted.items():
        one.readings = _readings(simulation, one.design, used, alarms[name])
        one.kills = _kills(simulation, one.design)
    return simulation


def final_state(simulation: Simulation, name: str) -> Scenario:
    """The end as one design counts it, as a scenario; its description says what a scenario cannot say of the design."""
    counted = simulation.counted[name]
    scenario = final_scenario(simulation.workload, simulation.mms, counted.design)
    booted = boot(scenario)
    bound, size = counter_bound(booted.system.rss).worst, len(simulation.true)
    accuracy = counted.design.accuracy()
    ends = [] if accuracy is None else [*accuracy.under[:size].tolist(), *accuracy.over[:size].tolist()]
    if set(ends) == {bound} and counted.design.has_precise_read:
        return scenario
    least, most = (min(ends), max(ends)) if ends else (None, None)
    guaranteed = "nothing" if most is None else f"{most}" if least == most else f"{least} to {most}"
    said = (
        f"Each counter may be off by {number_of(bound, 'page')} here; as {name} counters it is guaranteed {guaranteed}."
    )
    if not counted.design.has_precise_read:
        said += " Nothing sums those, as the modes precise and two-pass do here."
    kill = counted.kill("two-pass")
    chosen = select(booted, "two-pass").chosen
    if kill is not None and kill.process != chosen:
        here, there = ("nobody" if at is None else simulation.mms.pids[at] for at in (chosen, kill.process))
        said += f" By that two-pass chooses {here} here, not {there}."
    return final_scenario(simulation.workload, simulation.mms, counted.design, said)


def _made(name: str, workload: Workload, mms: Mms, fanouts: Sequence[int] | None) -> Design:
    if name not in DESIGNS:
        raise UsageError(f"no design {name}; use {', '.join(DESIGNS)}")
    topology = topology_of(workload)._replace(arity=None if fanouts is None else tuple(fanouts))
    try:
        return DESIGNS[name](topology, mms.number, mms.thread_mm)
    except ValueError as error:
        raise UsageError(f"--tree: {error}") from None


def _readings(simulation: Simulation, design: Design, used: Bools, alarms: Int64s) -> list[CountedProcess]:
    size = len(simulation.true)
    reads = get_mm_rss(np.maximum(design.read()[:size], 0))
    bound = design.bound(used)
    mms_of_process = simulation.mms.mms_of_processes()
    readings = []
    for mm, process in enumerate(simulation.mms.processes):
        own = mms_of_process[mm]  # what a child cost is its parent's
        costs = [design.costs(one) for one in own]
        true = int(simulation.true_rss()[mm])
        readings.append(
            CountedProcess(
                reads=int(reads[mm]),
                error=int(reads[mm]) - true,
                least=-int(design.most_under[mm]),
                most=int(design.most_over[mm]),
                under=None if bound is None else int(bound.under[mm]),
                over=None if bound is None else int(bound.over[mm]),
                updates=int(design.updates[own].sum()),
                folds=int(design.folds[own].sum()),
                costs=Costs(*(sum(column) for column in zip(*costs, strict=True))),
                alarms=None if process.budget is None else Alarms(int(alarms[0, mm]), int(alarms[1, mm])),
            )
        )
    return readings


def _kills(simulation: Simulation, design: Design) -> list[Choice]:
    booted = boot(final_scenario(simulation.workload, simulation.mms, design))
    accuracy = design.accuracy()
    if accuracy is not None:
        size = len(simulation.true)
        booted.system.rss.guarantee = Accuracy(accuracy.under[:size], accuracy.over[:size])
    modes = MODES if design.has_precise_read else MODES[:1]
    return [_kill(select(booted, mode), mode) for mode in modes]


def _kill(report: OomReport, mode: str) -> Choice:
    return Choice(
        mode=mode,
        process=report.chosen,
        claimed=freed_pages(report, report.counters),
        freed=freed_pages(report, report.precise),
        precise_sums=None if report.two_pass is None else report.two_pass.sums,
        limited=report.two_pass is not None and report.two_pass.limited,
    )
