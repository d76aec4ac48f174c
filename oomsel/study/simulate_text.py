"""A simulation's results as text for a person, as JSON for a program, and its trace as CSV."""

from __future__ import annotations

from typing import IO, Any

from oomsel.layout import aligned
from oomsel.outputs.cells import csv_line
from oomsel.study.simulate import Choice, CountedProcess, Sample, Simulation
from oomsel.text import comm_to_text, number_of, process_name

#: How many processes of each design are shown unless --all asks for every one: those with the largest errors.
TOP = 10
_HEAD = "RSS in pages; worst: the furthest off it ever was; bound: what is guaranteed."


def _named(simulation: Simulation, process: int) -> str:
    mms = simulation.mms
    return process_name(mms.pids[process], mms.processes[process].comm)


def _bound(reading: CountedProcess) -> str:
    return "none" if reading.under is None or reading.over is None else str(max(reading.under, reading.over))


def _worst(reading: CountedProcess) -> int:
    return reading.most if reading.most > -reading.least else reading.least


def text_lines(simulation: Simulation, *, show_all: bool = False) -> list[str]:
    """The text for a person: how far off each design is, what it costs, and whom it kills."""
    true = simulation.true_rss().tolist()
    watched = any(process.budget is not None for process in simulation.workload.processes)
    headings = ("design", "process", "true", "reads", "error", "worst", "bound")
    accuracy: list[tuple[str, ...]] = [headings + ("false", "missed") * watched]
    costs: list[tuple[str, ...]] = [("design", "process", "updates", "folds", "atomics", "locks")]
    hidden = 0
    for name, counted in simulation.counted.items():
        order = sorted(range(len(true)), key=lambda mm, of=counted: (-abs(_worst(of.readings[mm])), mm))  # type: ignore[misc]
        shown = order if show_all else order[:TOP]
        hidden = len(order) - len(shown)
        for mm in sorted(shown):
            one = counted.readings[mm]
            row: tuple[str, ...] = (name, _named(simulation, mm), str(true[mm]), str(one.reads))
            row += (_signed(one.error), _signed(_worst(one)), _bound(one))
            alarms = ("-", "-") if one.alarms is None else (str(one.alarms.false), str(one.alarms.missed))
            accuracy.append((*row, *(alarms * watched)))
            numbers = (one.updates, one.folds, one.costs.atomics, one.costs.locks)
            costs.append((*row[:2], *map(str, numbers)))
    lines = [_HEAD, *aligned(accuracy, "<<" + ">" * len(accuracy[0][2:]))]
    if watched:
        samples = number_of(simulation.samples, "sample")
        lines.append(f"false, missed: a watchdog's mistakes about the budget in {samples}.")
    lines += ["", "What counting cost:", *aligned(costs, "<<>>>>"), *_sum_costs(simulation)]
    lines += ["", "Whom the OOM killer would choose in the end:", *_kill_lines(simulation)]
    if hidden:
        lines.append(f"Not shown: {number_of(hidden, 'process')} of each design, less far off; --all shows all.")
    return lines


def _signed(pages: int) -> str:
    return f"{pages:+d}" if pages else "0"


def _sum_costs(simulation: Simulation) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for name, counted in simulation.counted.items():
        cost = counted.design.sum_costs()
        lines = "line" if cost.remote_lines == 1 else "lines"
        what = f"reads {cost.remote_lines} cache {lines}" + " under a lock" * bool(cost.locks)
        rows.append((name, what if counted.design.has_precise_read else "there is none"))
    return ["", "What a precise sum of one counter costs:", *aligned(rows, "<<")]


def _kill_lines(simulation: Simulation) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for name, counted in simulation.counted.items():
        for kill in counted.kills:
            whom = "nobody" if kill.process is None else _named(simulation, kill.process)
            says = f"says {number_of(kill.claimed, 'page')}, frees {kill.freed}"
            rows.append((name, kill.mode, whom, says + _passes(kill)))
    return aligned(rows, "<<<<")


def _passes(kill: Choice) -> str:
    if kill.precise_sums is None:
        return ""
    return f"; {number_of(kill.precise_sums, 'precise sum')}" + ", the limit" * kill.limited


def simulation_object(simulation: Simulation) -> dict[str, Any]:
    """The results as plain data, version 1; pages."""
    mms = simulation.mms
    return {
        "oomsel_simulation": 1,
        "title": simulation.workload.title,
        "seed": simulation.workload.seed,
        "samples": simulation.samples,
        "processes": [
            {"pid": pid, "comm": comm_to_text(process.comm), "true_rss": true, "budget": process.budget}
            for pid, process, true in zip(mms.pids, mms.processes, simulation.true_rss().tolist(), strict=True)
        ],
        "designs": {
            name: {
                "used": counted.design.since,
                "precise_sum": dict(counted.design.sum_costs()._asdict()) if counted.design.has_precise_read else None,
                "processes": [_reading_object(pid, one) for pid, one in zip(mms.pids, counted.readings, strict=True)],
                "kills": {kill.mode: _kill_object(simulation, kill) for kill in counted.kills},
            }
            for name, counted in simulation.counted.items()
        },
    }


def _reading_object(pid: int, one: CountedProcess) -> dict[str, Any]:
    return {
        "pid": pid,
        "reads": one.reads,
        "error": one.error,
        "worst_under": one.least,
        "worst_over": one.most,
        "bound_under": one.under,
        "bound_over": one.over,
        "updates": one.updates,
        "folds": one.folds,
        "atomics": one.costs.atomics,
        "locks": one.costs.locks,
        "false_alarms": None if one.alarms is None else one.alarms.false,
        "missed_overruns": None if one.alarms is None else one.alarms.missed,
    }


def _kill_object(simulation: Simulation, kill: Choice) -> dict[str, Any]:
    return {
        "pid": None if kill.process is None else simulation.mms.pids[kill.process],
        "claimed_freed_pages": kill.claimed,
        "truly_freed_pages": kill.freed,
        "precise_sums": kill.precise_sums,
        "precise_sums_limit_hit": kill.limited,
    }


class TraceWriter:
    """Writes samples as CSV: a line for each time, design and process."""

    def __init__(self, simulation_pids: list[int], comms: list[bytes], file: IO[str]) -> None:
        self.file = file
        self.who = [(pid, comm_to_text(comm)) for pid, comm in zip(simulation_pids, comms, strict=True)]
        self._row(("operations", "design", "pid", "comm", "true_pages", "read_pages", "error_pages"))

    def __call__(self, sample: Sample) -> None:
        for (pid, comm), true, reads in zip(self.who, sample.true.tolist(), sample.reads.tolist(), strict=True):
            self._row((sample.time, sample.design, pid, comm, true, reads, reads - true))

    def _row(self, cells: tuple[Any, ...]) -> None:
        self.file.write(csv_line(cells))
