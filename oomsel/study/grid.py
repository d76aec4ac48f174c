"""The study file, format 1: a grid of simulations; and one trial of it.  examples/STUDY.md has every key."""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Annotated, Any, NamedTuple

from pydantic_core import core_schema as cs

from oomsel.inputs.identify import Kind
from oomsel.inputs.load import read_bytes
from oomsel.kernel.designs import DESIGNS
from oomsel.scenario.declaration import Form, ListOf, Model
from oomsel.scenario.field_types import SIZE, TEXT, VERSION, one_of, whole, wrong
from oomsel.scenario.problems import ProblemCollector
from oomsel.scenario.values import is_empty
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
from oomsel.text import MAX_CPU, MAX_NODE, number_of

#: What the reference begins with.
INTRODUCTION = """\
# Study format 1

A study is a grid of simulations, as YAML (1.2) or JSON; `oomsel sweep` runs them and writes a row for each.
`oomsel schema --of study --format markdown` prints this page.

- A **quantity** of memory is in pages, or carries a unit: `25`, `100 kB`, `1.5GiB`, `64 pages`. All units are binary.
- An unknown key, an empty value and a value out of range are errors.
"""

#: Combinations of a grid times its seeds; the rows of all of them are in memory.
MAX_TRIALS = 10**6


class Axis(ListOf):
    """Values of which every combination is simulated, each stated once; one alone is a list of one."""

    alone = True

    def __init__(self, item: Form) -> None:
        super().__init__(item, empty="An empty list; leave the key out, or state a value")

    def core(self) -> cs.CoreSchema:
        """The schema by which it is read."""
        return cs.no_info_before_validator_function(self._as_list, super().core())

    @staticmethod
    def _as_list(stated: Any) -> Any:
        return stated if isinstance(stated, list | dict) or is_empty(stated) else [stated]

    def check(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        """Refuses a list that is empty or has a value twice."""
        if len(set(items)) < len(items):
            raise wrong("A list with a value twice; state each once")
        return super().check(items)


class Grid(Model):
    """The axes; every combination is simulated, a value alone is a list of one."""

    cpus: Annotated[tuple[int, ...], Axis(whole(1, MAX_CPU + 1, "number of CPUs")), "CPUs of the machine."]
    threads: Annotated[tuple[int, ...], Axis(whole(1, 10_000, "number of threads")), "Threads of each process."] = (1,)
    processes: Annotated[tuple[int, ...], Axis(whole(1, 10_000, "number of processes")), "Processes."] = (1,)
    hop: Annotated[
        tuple[int, ...],
        Axis(whole(1, 10**9, "number of operations")),
        "Operations after which a thread goes to a random CPU.",
    ] = (100,)
    designs: Annotated[
        tuple[str, ...], Axis(one_of(tuple(DESIGNS), "design", "use some of")), "Designs of the counter."
    ] = tuple(DESIGNS)


class Study(Model):
    """A grid of simulations."""

    oomsel_study: Annotated[int, VERSION, "Version of the format: 1."]
    grid: Annotated[Grid, "The axes."]
    memory: Annotated[int, SIZE, "What a process faults in, page by page, in equal whole shares of its threads."]
    title: Annotated[str | None, TEXT, "A line for people."] = None
    description: Annotated[str | None, TEXT, "A text for people."] = None
    seeds: Annotated[int, whole(1, 1_000_000, "number of seeds"), "Each combination with so many seeds, from 1 on."] = (
        10
    )
    nodes: Annotated[int, whole(1, MAX_NODE + 1, "number of nodes"), "NUMA nodes, at most one a CPU."] = 1
    step: Annotated[int, SIZE, "How much more each process has than the one before."] = 0
    churn: Annotated[int, SIZE, "Then each thread maps, touches and unmaps so much."] = 0
    times: Annotated[int, whole(1, 10**6, "number of times"), "How often it does that."] = 1


class Trial(NamedTuple):
    """One workload: all of the study's designs count it."""

    cpus: int
    threads: int
    processes: int
    hop: int
    seed: int


class SweepRow(NamedTuple):
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


def load_study(path: str) -> Study:
    """The study in a file, `-` for standard input.  Raises InputError with every problem found."""
    return read_study(path, read_bytes(path, Kind.STUDY))


def read_study(source: str, raw: bytes) -> Study:
    """The study in `raw`; `source` is what errors call it."""
    begins = "a study begins with oomsel_study: 1"
    return read_model(source, raw, begins, Study, _check)


def _check(study: Study, collector: ProblemCollector) -> None:
    grid = study.grid
    cpus, processes, threads = max(grid.cpus), max(grid.processes), max(grid.threads)
    if study.memory + processes * study.step + study.churn * threads >= MAX_PAGES:
        collector.add(("memory",), "with step and churn more than 2^31 pages in one process; use less")
    if cpus * processes > MAX_SLOTS:
        collector.add(
            ("grid",), f"{number_of(processes, 'process')} on {number_of(cpus, 'CPU')}; use fewer of one, {TOO_MANY}"
        )
    trials = prod(len(axis) for axis in (grid.cpus, grid.threads, grid.processes, grid.hop)) * study.seeds
    if trials > MAX_TRIALS:
        collector.add(("grid",), f"{trials} trials; use fewer values or seeds, {MAX_TRIALS} trials at most")
    if processes * threads > MAX_THREADS:
        collector.add(("grid",), f"too many threads; use at most {MAX_THREADS} in all")


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


def run_trial(study: Study, trial: Trial) -> list[SweepRow]:
    """Simulate one trial: a row for each design.  The same numbers wherever it runs."""
    simulation = simulate(workload_of(study, trial), study.grid.designs)
    true = simulation.true_rss().tolist()
    biggest = max(range(len(true)), key=lambda mm: (true[mm], mm))
    rows = []
    for name, counted in simulation.counted.items():
        kill = counted.kills[0]
        rows.append(
            SweepRow(
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
