"""The workload file, format 1: who runs where and touches what.  examples/WORKLOAD.md has every key.

YAML or JSON, read by the scenario's rules (quantities, cpulists, comms, errors with their place).
"""

from typing import Annotated, Any

from oomsel.inputs.identify import Kind
from oomsel.inputs.load import read_bytes
from oomsel.kernel.percpu_counter import RSS_MEMBERS
from oomsel.scenario.declaration import ListOf, Model
from oomsel.scenario.field_types import (
    BYTES,
    COMM,
    CPULIST,
    OOM_SCORE_ADJ,
    PAGE_SIZE,
    PID,
    SIZE,
    TEXT,
    VERSION,
    Context,
    one_of,
    value,
    whole,
)
from oomsel.scenario.problems import ProblemCollector
from oomsel.scenario.values import Path, is_empty
from oomsel.study.documents import read_model
from oomsel.text import MAX_CPU, MAX_NODE, number_of

MEMORIES = tuple(RSS_MEMBERS)
KINDS = ("pinned", "hop", "round_robin", "node_local")
#: The operations that a step of `do` may be; the first value of each is pages, fork's a number.
OPERATIONS = ("fault", "fault_around", "thp", "unmap", "mmap_munmap", "fork")
FAULT_AROUND = 16
#: What the reference begins with.
INTRODUCTION = """\
# Workload format 1

A workload is who runs where and touches what, as YAML (1.2) or JSON; `oomsel simulate` counts it by every design.
`oomsel schema --of workload --format markdown` prints this page.

- A **quantity** of memory is in pages, or carries a unit: `25`, `100 kB`, `1.5GiB`, `64 pages`. All units are binary.
- An **operation** is one counter update: a fault, or what is unmapped or copied of one page table (512 pages of 4 kB).
- All threads run at the same speed: one operation of each in turn.
- A thread unmaps only what it faulted in itself, of the same memory. A fork copies what all threads have of
  anonymous memory by then, and what is swapped out.
- Schedules, by `kind` (or the kind alone): `pinned` (thread N stays on the N-th of `cpus`), `hop` (after `every`
  operations a CPU drawn from `cpus`), `round_robin` (the next one), `node_local` (a CPU drawn from the thread's node,
  which with the probability `migrate` is another one from then on).
- An unknown key, an empty value and a value out of range are errors.
"""

#: More pages than this are not simulated for one process: what is not folded fits a scenario's per-CPU value.
MAX_PAGES = 1 << 31
#: Processes times CPUs: what they hold takes 32 bytes each, in every design that has places for CPUs.
MAX_SLOTS = 1 << 25
TOO_MANY = f"{MAX_SLOTS} multiplied at most"
MAX_THREADS = 100_000
#: Steps that one thread goes through, every time counted.
MAX_STEPS = 10**8


def _probability(stated: Any, _: Context) -> float:
    try:
        number = float(stated) if not isinstance(stated, bool) else -1.0
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise ValueError("no probability; use a number from 0 to 1")
    return number


PROBABILITY = value(_probability, "0 to 1", type="number", minimum=0, maximum=1)


class WorkMachine(Model):
    """The machine."""

    cpus: Annotated[int, whole(1, MAX_CPU + 1, "number of CPUs"), "So many CPUs, all online."]
    nodes: Annotated[int, whole(1, MAX_NODE + 1, "number of nodes"), "NUMA nodes, the CPUs in equal blocks."] = 1
    ram: Annotated[int, SIZE, "For the scores of the OOM killer; default 1TiB with pages of 4 kB."] = 1 << 28
    swap: Annotated[int, SIZE, "For the scores of the OOM killer."] = 0
    page_size: Annotated[int, PAGE_SIZE, "Bytes."] = 4096


class Start(Model):
    """Pages that are there from before, counted exactly."""

    anon: Annotated[int, SIZE, "MM_ANONPAGES."] = 0
    file: Annotated[int, SIZE, "MM_FILEPAGES."] = 0
    shmem: Annotated[int, SIZE, "MM_SHMEMPAGES."] = 0
    swap: Annotated[int, SIZE, "MM_SWAPENTS."] = 0


class Schedule(Model):
    """Where threads run; a kind alone is short for it."""

    short_for = "kind"

    kind: Annotated[str, one_of(KINDS, "schedule"), "How a thread's CPUs follow each other, see above."] = "pinned"
    every: Annotated[int, whole(1, 10**9, "number of operations"), "Operations after which the CPU changes."] = 1000
    migrate: Annotated[
        float, PROBABILITY, "For node_local: how probably each change leads to another node, where there is one."
    ] = 0

    @staticmethod
    def is_short(value: Any) -> bool:
        """Whether `value` is a kind alone."""
        return isinstance(value, str) and not is_empty(value)


class Step(Model):
    """One entry of `do`: one operation, in pages but for fork."""

    fault: Annotated[int | None, SIZE, "Pages touched one by one."] = None
    fault_around: Annotated[int | None, SIZE, "File pages, 16 at a fault."] = None
    thp: Annotated[int | None, SIZE, "Anonymous huge pages."] = None
    unmap: Annotated[int | None, SIZE, "Pages unmapped, an update a page table."] = None
    mmap_munmap: Annotated[int | None, SIZE, "Pages touched one by one, then all unmapped."] = None
    fork: Annotated[
        int | None,
        whole(1, 10**6, "number of times"),
        "Children, one after another, that are forked, exit and do nothing.",
    ] = None
    memory: Annotated[str, one_of(MEMORIES, "memory"), "Of fault, unmap and mmap_munmap."] = "anon"
    times: Annotated[int, whole(1, 10**6, "number of times"), "How often, of mmap_munmap."] = 1


class Process(Model):
    """One process, or `copies` of it."""

    pid: Annotated[int, PID, "Its pid; copies have those that follow."]
    comm: Annotated[bytes, COMM, "Its name: at most 15 bytes; \\xNN stands for one byte."]
    do: Annotated[
        tuple[Step, ...],
        ListOf(Step, empty="An empty list; state at least one operation"),
        "What each of its threads does, in order.",
    ]
    copies: Annotated[int, whole(1, 10_000, "number of processes"), "So many such processes."] = 1
    threads: Annotated[int, whole(1, 10_000, "number of threads"), "So many threads; each does all of `do`."] = 1
    oom_score_adj: Annotated[int, OOM_SCORE_ADJ, "-1000 (never chosen) to 1000."] = 0
    pgtables_bytes: Annotated[int, BYTES, "Bytes of page tables."] = 0
    start: Annotated[Start, "What it has from before; default: nothing."] = Start()
    budget: Annotated[int | None, SIZE, "Pages of RSS that the watchdog grants; default: no limit."] = None
    cpus: Annotated[tuple[int, ...] | None, CPULIST, "Where its threads may run; default: all CPUs."] = None
    schedule: Annotated[Schedule, "Where they run; default: pinned."] = Schedule()
    rounds: Annotated[int, whole(1, 10**6, "number of rounds"), "So many times `do` as a whole."] = 1


class Workload(Model):
    """Who runs where and touches what."""

    oomsel_workload: Annotated[int, VERSION, "Version of the format: 1."]
    machine: Annotated[WorkMachine, "CPUs and memory."]
    processes: Annotated[
        tuple[Process, ...], ListOf(Process, empty="An empty list; state at least one process"), "What runs."
    ]
    title: Annotated[str | None, TEXT, "A line for people."] = None
    description: Annotated[str | None, TEXT, "A text for people."] = None
    seed: Annotated[int, whole(0, (1 << 63) - 1, "seed"), "Of every random choice."] = 1
    samples: Annotated[
        int,
        whole(1, 10_000, "number of samples"),
        "How often the watchdog looks, and the trace has a row; at most every operation.",
    ] = 100


def load_workload(path: str) -> Workload:
    """The workload in a file, `-` for standard input.  Raises InputError with every problem found."""
    return read_workload(path, read_bytes(path, Kind.WORKLOAD))


def read_workload(source: str, raw: bytes) -> Workload:
    """The workload in `raw`; `source` is what errors call it."""
    begins = "a workload begins with oomsel_workload: 1"
    return read_model(source, raw, begins, Workload, check_workload)


def pages_per_table(page_size: int) -> int:
    """Entries of one page table, which are also the pages of a huge page.

    >>> pages_per_table(4096)
    512
    """
    return page_size // 8


def check_workload(workload: Workload, collector: ProblemCollector) -> None:
    """Rules over several values."""
    if workload.machine.nodes > workload.machine.cpus:
        collector.add(("machine", "nodes"), "more nodes than CPUs; a node has at least one")
    size = sum(_mms(process) for process in workload.processes)
    if size * workload.machine.cpus > MAX_SLOTS:
        cpus = number_of(workload.machine.cpus, "CPU")
        collector.add(
            ("processes",),
            f"{size} processes and forking threads on {cpus}; use fewer of one, {TOO_MANY}",
        )
    if sum(process.copies * process.threads for process in workload.processes) > MAX_THREADS:
        collector.add(("processes",), f"too many threads; use at most {MAX_THREADS} in all")
    taken: dict[int, int] = {}
    for index, process in enumerate(workload.processes):
        path: Path = ("processes", index)
        for pid in range(process.pid, process.pid + process.copies):
            if pid in taken:
                collector.add((*path, "pid"), f"pid {pid} is that of processes[{taken[pid]}] too; pids are unique")
                break
            taken[pid] = index
        if process.pid + process.copies - 1 > 1 << 22:
            collector.add((*path, "copies"), "the last pid is above 4194304; use a lower pid, or fewer copies")
        if process.cpus is not None and process.cpus[-1] >= workload.machine.cpus:
            collector.add(
                (*path, "cpus"), f"CPU {process.cpus[-1]} does not exist; machine.cpus is {workload.machine.cpus}"
            )
        if process.schedule.migrate and process.schedule.kind != "node_local":
            collector.add((*path, "schedule", "migrate"), "only node_local threads migrate; leave it out")
        _check_steps(process, path, workload.machine.page_size, collector)


def _mms(process: Process) -> int:
    """How many mms a process and its copies are: each thread that forks needs one for its children."""
    forks = any(step.fork for step in process.do)
    return process.copies * (1 + process.threads * forks)


def _check_steps(process: Process, path: Path, page_size: int, collector: ProblemCollector) -> None:
    held = dict.fromkeys(MEMORIES, 0)
    most = 0
    for index, step in enumerate(process.do):
        name = _check_operation(step, (*path, "do", index), page_size, collector)
        if name is None:
            return
        pages = getattr(step, name)
        if name == "unmap":
            if pages > held[step.memory]:
                what = number_of(pages, "page")
                message = f"{what}, of which a thread has {held[step.memory]} of {step.memory} there; unmap no more"
                collector.add((*path, "do", index, name), message)
                return
            held[step.memory] -= pages
        elif name in ("fault", "fault_around", "thp"):
            held["file" if name == "fault_around" else step.memory] += pages
        most = max(most, sum(held.values()) + (pages if name == "mmap_munmap" else 0))
    most += sum(held.values()) * (process.rounds - 1)
    steps = sum(step.times * (step.fork or 1) for step in process.do) * process.rounds
    if steps > MAX_STEPS:
        collector.add(path, f"{steps} steps a thread; use fewer rounds or times, {MAX_STEPS} steps at most")
    if most * process.threads + sum(vars(process.start).values()) >= MAX_PAGES:
        collector.add(path, "more than 2^31 pages in one process; use less memory, threads or rounds")


def _check_operation(step: Step, path: Path, page_size: int, collector: ProblemCollector) -> str | None:
    """The operation that a step is, with what fits it; None where that is not one."""
    stated = [name for name in OPERATIONS if getattr(step, name) is not None]
    if len(stated) != 1:
        collector.add(path, f"{' and '.join(stated) or 'no operation'}; state one of {', '.join(OPERATIONS)}")
        return None
    (name,) = stated
    if collector.stated(*path, "memory") is not None and name not in ("fault", "unmap", "mmap_munmap"):
        collector.add((*path, "memory"), f"{name} knows no other memory; leave it out")
    if step.times != 1 and name != "mmap_munmap":
        collector.add((*path, "times"), f"{name} is done once; times is for mmap_munmap")
    if name == "thp" and step.thp is not None and step.thp % pages_per_table(page_size):
        collector.add((*path, name), f"no whole number of huge pages; one has {pages_per_table(page_size)} pages")
    return name
