"""What-ifs to try on a page, and what oomsel itself makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import oomsel
from oomsel.booting import Booted, boot, kernel_mode
from oomsel.kernel.event import Outcome
from oomsel.kernel.oom_kill import out_of_memory

#: What is set in turn.
ADJS = (-1000, -999, -500, -1, 0, 1, 300, 1000)
#: Tasks that are tried of one event.
MOST = 12


class Try(NamedTuple):
    """One task's oom_score_adj, and what happens then."""

    pid: int
    adj: int
    mode: str
    ending: str  #: as the page's script calls it
    chosen: int | None  #: a pid


def tries(path: Path, data: dict[str, Any], overrides: tuple[str, ...] = ()) -> list[Try]:
    """Every `ADJS` for some of the tasks that a page's data has, in each of its modes."""
    booted = boot(oomsel.load(path, overrides=overrides))
    pids = [task[0] for task in data["tasks"]]
    step = max(len(pids) // MOST, 1)
    return [_try(booted, pid, adj, mode) for mode in data["modes"] for pid in pids[::step][: MOST + 1] for adj in ADJS]


def _try(booted: Booted, pid: int, adj: int, mode: str) -> Try:
    system = booted.system
    changed = system.tasks.oom_score_adj.copy()
    changed[system.tasks.pid == pid] = adj
    system = replace(system, tasks=replace(system.tasks, oom_score_adj=changed))
    return Try(pid, adj, mode, *what_happens(out_of_memory(system, booted.oc, mode)))


def what_happens(report: oomsel.OomReport) -> tuple[str, int | None]:
    """How the page's script calls a report's end, and the pid that was chosen."""
    chosen = None if report.chosen is None else int(report.system.tasks.pid[report.chosen])
    if report.outcome is Outcome.CHOSEN_DYING:
        return "dying", chosen
    if report.outcome is Outcome.NO_KILLABLE:
        return "panic" if report.panics else "nobody", None
    assert report.outcome is Outcome.KILLED, report.outcome
    return "allocating" if report.allocating_task else "killed", chosen


def by_set(path: Path, one: Try) -> tuple[str, int | None]:
    """The same by `--set`, through the whole program."""
    scenario = oomsel.load(path, overrides=(f"tasks[{one.pid}].oom_score_adj={one.adj}",))
    booted = boot(scenario)
    assert one.mode == kernel_mode(booted)
    return what_happens(out_of_memory(booted.system, booted.oc, one.mode))
