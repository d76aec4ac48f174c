"""The whole machine in one go: every process, what it counts in, and what the oom_scores prove."""

from __future__ import annotations

import os
from dataclasses import dataclass

from oomsel.errors import InputError, Problem
from oomsel.inputs.proc.cgroups import Cgroups
from oomsel.inputs.proc.machine import Machine, read_machine
from oomsel.inputs.proc.mms import label_shared_mms
from oomsel.inputs.proc.process import Malformed, Process, in_tasklist_order, pids_of, read_process
from oomsel.inputs.proc.proof import Proof, prove
from oomsel.inputs.proc.tree import Tree
from oomsel.kernel.release import Release, parse_release

#: Inode number of the pid namespace that a machine boots with, PROC_PID_INIT_INO.
_FIRST_PID_NAMESPACE = "pid:[4026531836]"


@dataclass(slots=True)
class ProcReading:
    """What /proc showed, and what it did not."""

    tree: Tree
    machine: Machine
    release: Release
    cgroups: Cgroups
    processes: list[Process]  #: in the order of the list of tasks
    proof: Proof
    kthreads: int  #: kernel threads, which are left out
    vanished: int  #: processes that ended while they were read
    refused: int  #: processes that may not be read
    malformed: list[str]  #: files that hold what no kernel writes
    mms_asked: bool  #: whether every process could be asked what mm it has
    in_namespace: bool  #: whether the pids are those of a container
    policies_refused: int  #: processes whose numa_maps was asked for and cannot be read
    hidepid: str | None  #: how /proc hides other people's processes


def read_proc(tree: Tree, *, kcmp: str | None = None, mempolicies: bool = False) -> ProcReading:
    """Everything that the OOM killer looks at and /proc shows.

    Raises InputError where the machine's own files are missing or its kernel is older than any that is simulated.
    """
    machine = read_machine(tree)
    release = _release(tree, machine)
    processes: list[Process] = []
    kthreads = vanished = refused = 0
    malformed: list[str] = []
    for pid in pids_of(tree):
        try:
            process = read_process(tree, pid, mempolicy=mempolicies)
        except (FileNotFoundError, ProcessLookupError):
            vanished += 1
        except OSError:
            refused += 1
        except Malformed as error:
            malformed.append(f"proc/{pid}/{error}")
        else:
            if process is None:
                kthreads += 1
            else:
                processes.append(process)
    if not any(process.has_mm for process in processes):
        raise InputError(tree.name, [Problem("no process in proc can be read")])
    processes.sort(key=in_tasklist_order)
    mms_asked = label_shared_mms(tree, processes, kcmp)
    return ProcReading(
        tree,
        machine,
        release,
        Cgroups(tree, machine),
        processes,
        prove(processes, machine, release),
        kthreads,
        vanished,
        refused,
        malformed,
        mms_asked,
        _in_namespace(tree, processes),
        sum(mempolicies and each.has_mm and each.thread is None and each.policy is None for each in processes),
        _hidepid(tree),
    )


def _release(tree: Tree, machine: Machine) -> Release:
    try:
        return parse_release(machine.kernel)
    except ValueError as error:
        raise InputError(f"{tree.root.rstrip('/')}/proc/sys/kernel/osrelease", [Problem(str(error))]) from None


def _in_namespace(tree: Tree, processes: list[Process]) -> bool:
    """Whether the pids are those of a container: pid 1 may be killed there, and the kernel's threads are not seen."""
    namespace = tree.link("proc/self/ns/pid") if tree.is_live else None
    if namespace is not None:
        return namespace != _FIRST_PID_NAMESPACE
    return any(process.pid == 1 and process.score > 0 for process in processes)


def _hidepid(tree: Tree) -> str | None:
    """The option that hides other people's processes: 1 or noaccess, 2 or invisible, 4 or ptraceable.

    None also where it hides nothing, from root.
    """
    if tree.is_live and os.geteuid() == 0:
        return None
    for line in (tree.text("proc/self/mountinfo") or "").split("\n"):
        left, _, right = line.partition(" - ")
        if left.split(" ")[4:5] == ["/proc"] and right.startswith("proc "):
            for option in right.split(" ")[-1].split(","):
                if option.startswith("hidepid=") and option not in ("hidepid=0", "hidepid=off"):
                    return option
    return None
