"""The workload file, format 1: who runs where and touches what.

YAML or JSON, read by the scenario's rules (quantities, cpulists, comms, errors with their place)::

    oomsel_workload: 1               # format version, required
    title: Two services              # optional, free text; description: likewise
    machine:
      cpus: 250                      # so many, all online
      nodes: 2                       # NUMA nodes, the CPUs in equal blocks; default 1
      ram: 512GiB                    # for the scores of the OOM killer; default 1TiB
      swap: 0
      page_size: 4096
    seed: 1                          # of every random choice; default 1
    samples: 100                     # how often the watchdog looks, and the trace has a row: at most every operation
    processes:
      - pid: 100
        comm: service
        copies: 1                    # so many such processes, with the pids from there on
        threads: 5                   # each of them does all of `do`
        oom_score_adj: 0
        pgtables_bytes: 0
        start: {anon: 80MiB, file: 20MiB}   # there from before and counted exactly
        budget: 120MiB               # of RSS, for the watchdog
        cpus: 0-63                   # where its threads may run; default: all
        schedule: {kind: hop, every: 10}
        rounds: 3                    # `do` as a whole so many times; default 1
        do:
          - {fault: 10MiB}           # pages one by one; memory: anon, file or shmem, default anon
          - {fault_around: 1MiB}     # file pages, 16 at a fault
          - {thp: 4MiB}              # anonymous huge pages
          - {unmap: 10MiB}           # once a page table (512 pages of 4 kB); memory: as above
          - {mmap_munmap: 4MiB, times: 20}  # fault all of it one by one, unmap all of it
          - {fork: 2}                # a child that is forked, exits and does nothing: so many, one after another

Schedules, by `kind` (or the name alone): `pinned` (thread N stays on the N-th of `cpus`, the
default), `hop` (after `every` operations a CPU drawn from `cpus`), `round_robin` (the next one),
`node_local` (a CPU drawn from the thread's node, which with the probability `migrate` is another one
from then on, where there is one).  An operation is one counter update: a fault, or what is unmapped or copied of one
page table.  All threads run at the same speed: one operation of each in turn.

A thread unmaps only what it faulted in itself, of the same memory.  A fork copies what all threads
have of anonymous memory by then, and what is swapped out.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as cs

from oomsel import text
from oomsel.inputs.identify import Kind
from oomsel.inputs.load import read_bytes
from oomsel.inputs.nodes import Path
from oomsel.scenario import field_types, schema
from oomsel.scenario.models import Model
from oomsel.scenario.problems import ProblemCollector
from oomsel.study.documents import read_model

MEMORIES = ("anon", "file", "shmem")
KINDS = ("pinned", "hop", "round_robin", "node_local")
#: The operations that a step of `do` may be; the first value of each is pages, fork's a number.
OPERATIONS = ("fault", "fault_around", "thp", "unmap", "mmap_munmap", "fork")
FAULT_AROUND = 16
#: More pages than this are not simulated for one process: what is not folded fits a scenario's per-CPU value.
MAX_PAGES = 1 << 31
#: Processes times CPUs: what they hold takes 32 bytes each, in every design that has places for CPUs.
MAX_SLOTS = 1 << 25
TOO_MANY = f"{MAX_SLOTS} multiplied at most"
MAX_THREADS = 100_000
#: Steps that one thread goes through, every time counted.
MAX_STEPS = 10**8


class WorkMachine(Model):
    """The machine."""

    cpus: int
    nodes: int = 1
    ram: int = 1 << 28  #: pages
    swap: int = 0
    page_size: int = 4096  #: bytes


class Start(Model):
    """Pages that are there from before."""

    anon: int = 0
    file: int = 0
    shmem: int = 0
    swap: int = 0


class Schedule(Model):
    """Where threads run."""

    kind: str = "pinned"
    every: int = 1000  #: operations
    migrate: float = 0.0  #: probability, each time


class Step(Model):
    """One entry of `do`: one of `OPERATIONS`, in pages but for fork."""

    fault: int | None = None
    fault_around: int | None = None
    thp: int | None = None
    unmap: int | None = None
    mmap_munmap: int | None = None
    fork: int | None = None
    memory: str = "anon"
    times: int = 1


class Process(Model):
    """One process, or `copies` of it."""

    pid: int
    comm: bytes
    do: tuple[Step, ...] = ()
    copies: int = 1
    threads: int = 1
    oom_score_adj: int = 0
    pgtables_bytes: int = 0
    start: Start = Start()
    budget: int | None = None  #: pages of RSS
    cpus: tuple[int, ...] | None = None
    schedule: Schedule = Schedule()
    rounds: int = 1


class Workload(Model):
    """A workload as the file states it."""

    oomsel_workload: int
    machine: WorkMachine
    processes: tuple[Process, ...]
    title: str | None = None
    description: str | None = None
    seed: int = 1
    samples: int = 100


def _choice(names: tuple[str, ...], what: str) -> cs.CoreSchema:
    def read(value: Any, _: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"no {what}; use one of {', '.join(names)}")
        return str(value)

    return field_types.leaf(read)


def _probability(value: Any, _: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise ValueError("no probability; use a number from 0 to 1")
    return number


def _schedule_form(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) and not field_types.is_empty(value) else value


def _some(item: cs.CoreSchema, what: str) -> cs.CoreSchema:
    """A list that is not empty."""

    def check(items: tuple[Any, ...]) -> tuple[Any, ...]:
        if not items:
            raise field_types.wrong(f"An empty list; state at least one {what}")
        return items

    return cs.no_info_after_validator_function(check, cs.tuple_variable_schema(item))


@cache
def _validator() -> SchemaValidator:
    size, whole = field_types.SIZE, field_types.whole
    step = schema.table(
        Step,
        fault=size,
        fault_around=size,
        thp=size,
        unmap=size,
        mmap_munmap=size,
        fork=whole(1, 10**6, "number of times"),
        memory=_choice(MEMORIES, "memory"),
        times=whole(1, 10**6, "number of times"),
    )
    process = schema.table(
        Process,
        pid=field_types.PID,
        comm=field_types.COMM,
        do=_some(step, "operation"),
        copies=whole(1, 10_000, "number of processes"),
        threads=whole(1, 10_000, "number of threads"),
        oom_score_adj=whole(-1000, 1000, "oom_score_adj"),
        pgtables_bytes=whole(0, (1 << 62) - 1, "number of bytes"),
        start=schema.table(Start, anon=size, file=size, shmem=size, swap=size),
        budget=size,
        cpus=field_types.CPULIST,
        schedule=cs.no_info_before_validator_function(
            _schedule_form,
            schema.table(
                Schedule,
                kind=_choice(KINDS, "schedule"),
                every=whole(1, 10**9, "number of operations"),
                migrate=field_types.leaf(_probability),
            ),
        ),
        rounds=whole(1, 10**6, "number of rounds"),
    )
    machine = schema.table(
        WorkMachine,
        cpus=whole(1, text.MAX_CPU + 1, "number of CPUs"),
        nodes=whole(1, text.MAX_NODE + 1, "number of nodes"),
        ram=size,
        swap=size,
        page_size=field_types.PAGE_SIZE,
    )
    return SchemaValidator(
        schema.table(
            Workload,
            oomsel_workload=field_types.VERSION,
            machine=machine,
            processes=_some(process, "process"),
            title=field_types.TEXT,
            description=field_types.TEXT,
            seed=whole(0, (1 << 63) - 1, "seed"),
            samples=whole(1, 10_000, "number of samples"),
        )
    )


def load_workload(path: str) -> Workload:
    """The workload in a file, `-` for standard input.  Raises InputError with every problem found."""
    return read_workload(path, read_bytes(path, Kind.WORKLOAD))


def read_workload(source: str, raw: bytes) -> Workload:
    """The workload in `raw`; `source` is what errors call it."""
    begins = "a workload begins with oomsel_workload: 1"
    workload: Workload = read_model(source, raw, begins, _validator(), _known_keys, check_workload)
    return workload


def _known_keys(path: Path) -> tuple[str, ...]:
    names = [str(part) for part in path if not isinstance(part, int)]
    models = {"machine": "WorkMachine", "processes": "Process", "start": "Start", "schedule": "Schedule", "do": "Step"}
    return schema.KEYS[models.get(names[-1], "Workload") if names else "Workload"]


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
        collector.add(
            ("processes",),
            f"{size} processes and forking threads on {workload.machine.cpus} CPUs; use fewer of one, {TOO_MANY}",
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
        here: Path = (*path, "do", index)
        stated = [name for name in OPERATIONS if getattr(step, name) is not None]
        if len(stated) != 1:
            collector.add(here, f"{' and '.join(stated) or 'no operation'}; state one of {', '.join(OPERATIONS)}")
            return
        (name,) = stated
        pages = getattr(step, name)
        if collector.stated(*here, "memory") is not None and name not in ("fault", "unmap", "mmap_munmap"):
            collector.add((*here, "memory"), f"{name} knows no other memory; leave it out")
        if step.times != 1 and name != "mmap_munmap":
            collector.add((*here, "times"), f"{name} is done once; times is for mmap_munmap")
        if name == "thp" and pages % pages_per_table(page_size):
            collector.add((*here, name), f"no whole number of huge pages; one has {pages_per_table(page_size)} pages")
        if name == "unmap":
            if pages > held[step.memory]:
                message = (
                    f"{pages} pages, of which a thread has {held[step.memory]} of {step.memory} there; unmap no more"
                )
                collector.add((*here, name), message)
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
