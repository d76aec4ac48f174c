"""How long a simulation takes, roughly, before it is begun: counts of workloads and grids multiply."""

from __future__ import annotations

from itertools import product

from oomsel.study.grid import Study
from oomsel.study.program import rows_of
from oomsel.study.workload import FAULT_AROUND, Workload

#: Seconds of an idle machine: of counting a row of updates by one design, and of a trial besides.
_ROW, _TRIAL = 1e-6, 0.005


def seconds_of_workload(workload: Workload, designs: int) -> float:
    """About how long simulating `workload` with so many designs takes on one CPU."""
    return rows_of(workload) * designs * _ROW


def seconds_of_study(study: Study) -> float:
    """About how long all trials of a study take on one CPU, as `grid.workload_of` makes them."""
    grid = study.grid
    rows = trials = 0
    for threads, processes, hop in product(grid.threads, grid.processes, grid.hop):
        share = (study.memory + processes * study.step // 2) // threads
        churned = study.churn + -(-study.churn // FAULT_AROUND)
        runs = 1 + 2 * study.times * bool(study.churn)
        rows += processes * threads * (runs + (share + study.times * churned) // hop)
        trials += 1
    times = len(grid.cpus) * study.seeds
    return times * (rows * len(grid.designs) * _ROW + trials * _TRIAL)


def time_text(seconds: float) -> str:
    """A time as a person says it.

    >>> time_text(90), time_text(7200 * 24)
    ('2 minutes', '48 hours')
    """
    if seconds < 90:
        return "a minute"
    for unit, name in ((86400 * 365, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 3 * unit or name == "minutes":
            return f"{seconds / unit:,.0f} {name}"
    raise AssertionError
