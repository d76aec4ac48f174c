"""From what /proc showed to a Scenario, which passes the same checks as one in a file."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from oomsel.inputs.proc.counters import ASSUMED, counters_of
from oomsel.inputs.proc.notes import notes_of
from oomsel.inputs.proc.process import Process
from oomsel.inputs.proc.reading import ProcReading, read_proc
from oomsel.inputs.proc.tree import Tree
from oomsel.scenario.models import Scenario
from oomsel.scenario.problems import NoPlaces, Places
from oomsel.scenario.read import read_scenario
from oomsel.text import comm_to_text, list_or_none, printable

_POLICY = re.compile(r"(bind|interleave)(?:=[a-z|]+)?:([0-9,-]+)")


def capture(
    root: str | None = None,
    *,
    kcmp: str | None = None,
    mempolicies: bool = False,
    overrides: Sequence[str] = (),
    kernel: str | None = None,
) -> Scenario:
    """This machine as a scenario, or a copy of its /proc and /sys below the directory `root`.

    `kcmp` is a file that says which threads of a copy share an mm; `mempolicies` asks
    numa_maps, which walks all pages; `overrides` and `kernel` are those of `load`.  `notes` of
    the scenario say what was not seen and what the oom_scores prove, its description repeats it.
    Raises InputError, elsewhere than on Linux, too.
    """
    reading = read_proc(Tree(root), kcmp=kcmp, mempolicies=mempolicies)
    places: Places = NoPlaces(reading.tree.name, plain_scenario(reading))
    if overrides or kernel is not None:
        from oomsel.inputs.overrides import with_options

        places = with_options(places, overrides, kernel)
    scenario = read_scenario(places)
    vars(scenario)["notes"] = (*notes_of(reading), *scenario.notes)
    return scenario


def plain_scenario(reading: ProcReading) -> dict[str, Any]:
    """What was read as a scenario of format 1 states it."""
    machine = reading.machine.plain()
    if reading.in_namespace and any(process.pid == 1 for process in reading.processes):
        machine["init"] = "none"
    tasks = _tasks(reading)
    has_deltas = any(isinstance(part, dict) for task in tasks for part in task.get("rss", {}).values())
    limits = reading.cgroups.limits(reading.processes)  # before the notes, which tell of the files read for it
    notes = notes_of(reading) + [ASSUMED] * has_deltas
    plain: dict[str, Any] = {
        "oomsel": 1,
        "title": _title(reading),
        "description": "\n".join(notes),
        "kernel": reading.machine.kernel,
        "machine": machine,
        "memcgs": limits,
        "sysctl": reading.machine.sysctl,
        "tasks": tasks,
    }
    current = _current(reading)
    if current is not None:
        plain["oom"] = {"current": current}
    return {key: value for key, value in plain.items() if value != {}}


def _title(reading: ProcReading) -> str:
    if not reading.tree.is_live:
        return f"A copy of /proc and /sys in {printable(reading.tree.name)}"
    return f"{printable(platform.node())} as it was at {time.strftime('%Y-%m-%d %H:%M:%S %z')}"


def _current(reading: ProcReading) -> int | None:
    """Who allocates, as nobody does yet: the first that is not about to end and may use every node.

    None where that is the default anyway; init only where nobody else is seen.
    """
    everywhere = set(reading.machine.nodes_with_memory)
    having = [process for process in reading.processes if process.has_mm]
    able = [process for process in having if process.pid != 1 or reading.in_namespace]
    if not able and having:
        return having[0].pid
    usable = (
        each for each in able if not each.exiting and not each.dumping and everywhere <= set(_mems(reading, each))
    )
    current = next(usable, None)
    return None if current is None or current is able[0] else current.mm_pid


def _tasks(reading: ProcReading) -> list[dict[str, Any]]:
    reasons = {index: why for why, indices in reading.proof.not_eligible.items() for index in indices}
    described: set[str] = set()
    tasks = []
    for index, process in enumerate(reading.processes):
        task: dict[str, Any] = {"pid": process.pid, "comm": comm_to_text(process.stat.comm)}
        if process.uid:
            task["uid"] = process.uid
        if process.adj:
            task["oom_score_adj"] = process.adj
        memcg = reading.cgroups.memcg_of(process)
        if memcg != "/":
            task["memcg"] = printable(memcg)
        flags = []
        if process.has_mm:
            task |= _memory(reading, process, described)
            if process.dumping:
                flags.append("coredump")
            elif process.exiting:
                flags.append("exiting")
            if reasons.get(index) in ("vfork", "oom_skip"):
                flags.append(reasons[index])
        else:
            flags.append("zombie")
        if flags:
            task["flags"] = flags
        tasks.append(task)
    return tasks


def _memory(reading: ProcReading, process: Process, described: set[str]) -> dict[str, Any]:
    """What a process states that has an mm; the first of those that share one describes it."""
    machine = reading.machine
    stated: dict[str, Any] = {}
    if process.mm is None or process.mm not in described:
        stated["total_vm"] = process.stat.vsize // machine.page_size
        if process.pgtables:
            stated["pgtables_bytes"] = process.pgtables * 1024
        stated["rss"] = counters_of(process, machine, percpu=reading.release.rules.percpu_rss)
    if process.mm is not None:
        stated["mm"] = process.mm
        described.add(process.mm)
    if process.thread is not None:
        pid, comm = process.thread
        stated["thread"] = {"pid": pid, "comm": comm_to_text(comm)}
    name, mems = reading.cgroups.cpuset_name_of(process), _mems(reading, process)
    if name != "/" or set(mems) != set(machine.nodes_with_memory):
        stated["cpuset"] = {"name": name, "mems_allowed": mems}
    policy = _POLICY.fullmatch(process.policy or "")
    if policy is not None and (nodes := _nodes(policy[2], machine.nodes_with_memory)):
        # Since 5.14 an interleaved policy confines no allocation.
        if policy[1] == "bind":
            stated["mempolicy"] = nodes
        elif reading.release < (5, 14):
            stated["mempolicy"] = {"interleave": nodes}
    return {key: value for key, value in stated.items() if value != {}}


def _mems(reading: ProcReading, process: Process) -> list[int]:
    """The nodes with memory that the process may use; all where it does not say."""
    everywhere = reading.machine.nodes_with_memory
    return _nodes(process.mems_allowed or "", everywhere) or list(everywhere)


@cache
def _nodes(text: str, everywhere: tuple[int, ...]) -> list[int]:
    """Those of the nodes with memory that a list in the kernel's form names; most processes have the same."""
    allowed = set(list_or_none(text) or ())
    return [node for node in everywhere if node in allowed]
