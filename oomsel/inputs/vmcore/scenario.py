"""From a kernel's memory to a Scenario, which passes the same checks as one in a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from drgn import Object, Program

from oomsel.errors import Problem
from oomsel.inputs.vmcore.cgroups import Cgroups
from oomsel.inputs.vmcore.counters import Counters, held_back_note
from oomsel.inputs.vmcore.machine import machine_of, sysctls_of
from oomsel.inputs.vmcore.memory import Memory, nodes_in
from oomsel.inputs.vmcore.source import KernelSource, Kind, OomControl
from oomsel.inputs.vmcore.tasks import TaskReader
from oomsel.scenario.models import Machine, Oom, Scenario, Task
from oomsel.scenario.plain import plain
from oomsel.scenario.problems import Places
from oomsel.scenario.read import read_scenario
from oomsel.scenario.values import Path
from oomsel.text import format_numbers, printable

_CONSTRAINT_CPUSET = 1
_IDLE = frozenset(("kthread", "zombie", "exiting", "exited", "coredump", "init"))


class _MemoryPlaces(Places):
    """Values that come from memory: an error names the key alone."""

    is_json = False

    def __init__(self, source: str, scenario: Scenario) -> None:
        self.source = source
        self.problems = []
        self._scenario = scenario

    @cached_property
    def data(self) -> Any:
        """The scenario as plain data."""
        return {**plain(self._scenario), "tasks": [plain(task) for task in self._scenario.tasks]}

    def place(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:  # noqa: ARG002
        """No line and no column."""
        return 0, 0

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:  # noqa: ARG002
        """A problem without a place."""
        return Problem(message, path=self.shown_path(path) or None)

    def has_row(self, path: Path) -> bool:  # noqa: ARG002
        """No task comes from a table."""
        return False


def scenario_of(program: Program, source: KernelSource, oom: OomControl | None = None) -> Scenario:
    """What the memory of a kernel from 5.10 to 7.3 says; raises drgn's errors, `failures_of` makes lines of them."""
    memory = Memory(program)
    release = memory["init_uts_ns"].name.release.string_().decode("ascii", "replace")
    counters = Counters(memory)
    machine = machine_of(memory, has_percpu_rss=counters.are_percpu)
    cgroups = Cgroups(memory, machine.page_size)
    nodes = None if machine.nodes is None else tuple(machine.nodes)
    allocation = {} if oom is None else _allocation(memory, cgroups, nodes, oom)
    reader = TaskReader(memory, cgroups, counters, nodes)
    tasks = reader.read(allocation.get("current"))
    if oom is None:
        allocation = _nobody_yet(tasks, nodes)
    notes = tuple(_notes(source, machine, cgroups, reader))
    scenario = Scenario(
        oomsel=1,
        title=f"Linux {printable(release)} in {printable(source.name)}",
        description="\n".join(notes) or None,
        kernel=release,
        machine=machine,
        memcgs=cgroups.with_order(tasks),
        oom=Oom(**allocation),
        sysctl=sysctls_of(memory),
        tasks=tasks,
    )
    # Read like a file: in a damaged dump any value may be anything.
    checked = read_scenario(_MemoryPlaces(source.name, scenario))
    vars(checked)["notes"] = (*notes, *checked.notes)  # no key of a file
    return checked


def _allocation(memory: Memory, cgroups: Cgroups, nodes: Sequence[int] | None, oom: OomControl) -> dict[str, Any]:
    """The failed allocation, from its struct oom_control."""
    control = memory.pointer("struct oom_control", oom.address)
    current = _current_on(memory, oom.cpu)
    stated: dict[str, Any] = {
        "current": int(current.tgid),
        "gfp_mask": int(control.gfp_mask),
        "order": int(control.order),
        "totalpages": int(control.totalpages),
    }
    if int(current.pid) != int(current.tgid):
        stated |= {"current_thread": int(current.pid), "comm": current.comm.string_()}
    if control.memcg:
        stated["memcg"] = cgroups.path_of(control.memcg.css.cgroup)
    if control.nodemask:
        stated["nodemask"] = tuple(node for node in nodes_in(control.nodemask) if nodes is None or node in nodes)
    if int(control.constraint) == _CONSTRAINT_CPUSET:
        stated["cpuset_limited"] = True
    return stated


def _current_on(memory: Memory, cpu: int) -> Object:
    """The task that a CPU runs: in pcpu_hot from 6.2 to 6.14, in a variable of its own before and after."""
    hot = memory.get("pcpu_hot")
    address = (memory["current_task"] if hot is None else hot.member_("current_task")).address_
    assert address is not None
    task = int.from_bytes(memory.percpu(address, cpu, 8), "little")
    return memory.pointer("struct task_struct", task)


def _nobody_yet(tasks: Sequence[Task], nodes: Sequence[int] | None) -> dict[str, Any]:
    """Who allocates, as nobody does yet: the first that is not about to end and may use every node."""
    for task in tasks:
        is_confined = task.cpuset is not None and task.cpuset.mems_allowed != nodes
        if not _IDLE & set(task.flags) and not is_confined:
            return {"current": task.pid}
    return {}


def _notes(source: KernelSource, machine: Machine, cgroups: Cgroups, reader: TaskReader) -> Iterator[str]:
    """What a person should know, sentences without their full stop."""
    if source.kind is not Kind.VMCORE:
        yield "the kernel ran on while it was read, so not all of this is of one moment"
    held = held_back_note(reader.held_back)
    if held is not None:
        yield held
    if cgroups.without_hierarchy:
        paths = ", ".join(cgroups.without_hierarchy)
        yield f"without use_hierarchy the cgroups below do not count in an OOM of {paths}, which a scenario cannot say"
    if machine.dying:
        yield f"CPUs {format_numbers(machine.dying)} were going offline"
