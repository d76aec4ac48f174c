"""The study file, format 1: a grid of simulations; and one trial of it.

YAML or JSON, read by the scenario's rules::

    oomsel_study: 1
    title: Error against CPUs          # optional; description: likewise
    grid:                              # every combination is simulated; a number alone is a list of one
      cpus: [16, 64, 256]
      threads: [1, 5]                  # of each process; default 1
      processes: 2                     # default 1
      hop: [1, 100]                    # operations after which a thread goes to a random CPU; default 100
      designs: [percpu, tree]          # default: all four
    seeds: 20                          # each combination with the seeds 1 to 20; default 10
    nodes: 2                           # NUMA nodes, at most one a CPU; default 1
    memory: 100MiB                     # what a process faults in, page by page, in equal whole shares of its threads
    step: 1MiB                         # how much more each process has than the one before; default 0
    churn: 1MiB                        # then each thread maps, touches and unmaps so much; default 0
    times: 50                          # so often; default 1
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as cs

from oomsel import text
from oomsel.inputs.identify import Kind
from oomsel.inputs.load import read_bytes
from oomsel.inputs.nodes import Path
from oomsel.kernel.designs import DESIGNS
from oomsel.scenario import field_types, schema
from oomsel.scenario.models import Model
from oomsel.scenario.problems import ProblemCollector
from oomsel.study.documents import read_model
from oomsel.study.simulate import simulate
from oomsel.study.workload import (
    MAX_PAGES,
    MAX_SLOTS,
    MAX_THREADS,
    TOO_MANY,
    Process,
    Schedule,
    Step,
    Workload,
    WorkMachine,
)

#: Combinations of a grid times its seeds; the rows of all of them are in memory.
MAX_TRIALS = 10**6


class Grid(Model):
    """The axes."""

    cpus: tuple[int, ...]
    threads: tuple[int, ...] = (1,)
    processes: tuple[int, ...] = (1,)
    hop: tuple[int, ...] = (100,)
    designs: tuple[str, ...] = tuple(DESIGNS)


class Study(Model):
    """A study as the file states it; memory in pages."""

    oomsel_study: int
    grid: Grid
    memory: int
    title: str | None = None
    description: str | None = None
    seeds: int = 10
    nodes: int = 1
    step: int = 0
    churn: int = 0
    times: int = 1


class Trial(NamedTuple):
    """One workload: all of the study's designs count it."""

    cpus: int
    threads: int
    processes: int
    hop: int
    seed: int


class Row(NamedTuple):
    """What one design makes of one trial; pages.  All are whole numbers but the design's name."""

    cpus: int
    threads: int
    processes: int
    hop: int
    seed: int
    design: str
    true_rss: int  #: of the biggest process
    error: int  #: of the process that is read the worst in the end, without its sign
    worst: int  #: the largest error of any process at any time, without its sign
    bound: int  #: that is guaranteed
    wrong_victim: int  #: 1 if the approximate read kills another process than the biggest
    lost: int  #: pages that the right victim would have freed beyond it
    atomics: int
    locks: int


def _axis(item: cs.CoreSchema) -> cs.CoreSchema:
    def form(value: Any) -> Any:
        return value if isinstance(value, list | dict) or field_types.is_empty(value) else [value]

    def check(items: tuple[Any, ...]) -> tuple[Any, ...]:
        if not items:
            raise field_types.wrong("An empty list; leave the key out, or state a value")
        if len(set(items)) < len(items):
            raise field_types.wrong("A list with a value twice; state each once")
        return items

    inner = cs.no_info_before_validator_function(form, cs.tuple_variable_schema(item))
    return cs.no_info_after_validator_function(check, inner)


def _design(value: Any, _: Any) -> str:
    if not isinstance(value, str) or value not in DESIGNS:
        raise ValueError(f"no design; use some of {', '.join(DESIGNS)}")
    return str(value)


@cache
def _validator() -> SchemaValidator:
    size, whole = field_types.SIZE, field_types.whole
    grid = schema.table(
        Grid,
        cpus=_axis(whole(1, text.MAX_CPU + 1, "number of CPUs")),
        threads=_axis(whole(1, 10_000, "number of threads")),
        processes=_axis(whole(1, 10_000, "number of processes")),
        hop=_axis(whole(1, 10**9, "number of operations")),
        designs=_axis(field_types.leaf(_design)),
    )
    return SchemaValidator(
        schema.table(
            Study,
            oomsel_study=field_types.VERSION,
            grid=grid,
            memory=size,
            title=field_types.TEXT,
            description=field_types.TEXT,
            seeds=whole(1, 1_000_000, "number of seeds"),
            nodes=whole(1, text.MAX_NODE + 1, "number of nodes"),
            step=size,
            churn=size,
            times=whole(1, 10**6, "number of times"),
        )
    )


def load_study(path: str) -> Study:
    """The study in a file, `-` for standard input.  Raises InputError with every problem found."""
    return read_study(path, read_bytes(path, Kind.STUDY))


def read_study(source: str, raw: bytes) -> Study:
    """The study in `raw`; `source` is what errors call it."""
    begins = "a study begins with oomsel_study: 1"
    study: Study = read_model(source, raw, begins, _validator(), _known_keys, _check)
    return study


def _check(study: Study, collector: ProblemCollector) -> None:
    grid = study.grid
    cpus, processes, threads = max(grid.cpus), max(grid.processes), max(grid.threads)
    if study.memory + processes * study.step + study.churn * threads >= MAX_PAGES:
        collector.add(("memory",), "with step and churn more than 2^31 pages in one process; use less")
    if cpus * processes > MAX_SLOTS:
        collector.add(("grid",), f"{processes} processes on {cpus} CPUs; use fewer of one, {TOO_MANY}")
    trials = prod(len(axis) for axis in (grid.cpus, grid.threads, grid.processes, grid.hop)) * study.seeds
    if trials > MAX_TRIALS:
        collector.add(("grid",), f"{trials} trials; use fewer values or seeds, {MAX_TRIALS} trials at most")
    if processes * threads > MAX_THREADS:
        collector.add(("grid",), f"too many threads; use at most {MAX_THREADS} in all")


def _known_keys(path: Path) -> tuple[str, ...]:
    return schema.KEYS["Grid" if path else "Study"]


def trials_of(study: Study) -> Iterator[Trial]:
    """Every trial, in the order of the table."""
    grid = study.grid
    axes = product(grid.cpus, grid.threads, grid.processes, grid.hop, range(1, study.seeds + 1))
    return (Trial(*values) for values in axes)


def workload_of(study: Study, trial: Trial) -> Workload:
    """The workload that a trial simulates."""
    processes = []
    for index in range(trial.processes):
        steps = [Step(fault=(study.memory + index * study.step) // trial.threads)]
        if study.churn:
            steps.append(Step(mmap_munmap=study.churn, times=study.times))
        processes.append(
            Process(
                pid=100 + index,
                comm=b"process",
                threads=trial.threads,
                schedule=Schedule(kind="hop", every=trial.hop),
                do=tuple(steps),
            )
        )
    machine = WorkMachine(cpus=trial.cpus, nodes=min(study.nodes, trial.cpus), ram=1 << 40)
    return Workload(oomsel_workload=1, machine=machine, processes=tuple(processes), seed=trial.seed, samples=1)


def run_trial(study: Study, trial: Trial) -> list[Row]:
    """Simulate one trial: a row for each design.  The same numbers wherever it runs."""
    simulation = simulate(workload_of(study, trial), study.grid.designs)
    true = simulation.true_rss().tolist()
    biggest = max(range(len(true)), key=lambda mm: (true[mm], mm))
    rows = []
    for name, counted in simulation.counted.items():
        kill = counted.kills[0]
        rows.append(
            Row(
                *trial,
                design=name,
                true_rss=true[biggest],
                error=max(abs(one.error) for one in counted.readings),
                worst=max(max(one.most, -one.least) for one in counted.readings),
                bound=max(max(one.under or 0, one.over or 0) for one in counted.readings),
                wrong_victim=int(kill.process != biggest),
                lost=true[biggest] - kill.freed,
                atomics=sum(one.costs.atomics for one in counted.readings),
                locks=sum(one.costs.locks for one in counted.readings),
            )
        )
    return rows
