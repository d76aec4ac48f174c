"""Which processes share an mm (CLONE_VM without CLONE_THREAD, vfork), as kcmp(2) tells."""

from __future__ import annotations

import ctypes
import errno
import platform
from collections.abc import Callable, Iterable
from functools import cmp_to_key

from oomsel.errors import InputError, Problem
from oomsel.inputs.proc.process import Process
from oomsel.inputs.proc.tree import Tree
from oomsel.inputs.source import open_source
from oomsel.text import whole_number

#: The number of kcmp(2), by what uname(2) calls the machine.
_KCMP = {
    "x86_64": 312,
    "i686": 349,
    "aarch64": 272,
    "riscv64": 272,
    "loongarch64": 272,
    "armv7l": 378,
    "ppc64le": 354,
    "ppc64": 354,
    "s390x": 343,
}
_KCMP_VM = 1
#: Bytes of a list of who shares an mm.
_MOST = 1 << 26


def label_shared_mms(tree: Tree, processes: Iterable[Process], kcmp: str | None) -> bool:
    """Give the processes that share an mm one label; returns whether each of them could be asked.

    `kcmp` is a file that says what kcmp(2) said where a copy was made: an mm a line, the pids
    of threads that have it.  Without it only a vfork child and its waiting parent can be told in a copy.
    """
    having = [process for process in processes if process.has_mm]
    if kcmp is not None:
        groups, asked = _groups_of_file(kcmp, having), True
    elif tree.is_live:
        groups, asked = _groups_of_kernel(having)
    else:
        groups, asked = [], False
    if not asked:
        groups += _vforking(having, {process.pid for group in groups for process in group})
    for group in groups:
        for process in group:
            process.mm = f"mm{group[0].pid}"
    return asked


def _groups_of_file(kcmp: str, processes: list[Process]) -> list[list[Process]]:
    by_pid = {process.mm_pid: process for process in processes}
    try:
        with open_source(kcmp) as stream:
            text = stream.read_whole(_MOST).decode("ascii")
        lines = [[whole_number(pid) for pid in line.split()] for line in text.split("\n")]
    except ValueError:
        raise InputError(kcmp, [Problem("not only pids; use an mm a line, the pids of its threads")]) from None
    found = ([by_pid[pid] for pid in pids if pid in by_pid] for pids in lines)
    return [group for group in map(_in_order(processes), found) if len(group) > 1]


def _in_order(processes: list[Process]) -> Callable[[list[Process]], list[Process]]:
    """What sorts some of `processes` into their order, each once."""
    place = {process.pid: index for index, process in enumerate(processes)}
    return lambda some: sorted({process.pid: process for process in some}.values(), key=lambda each: place[each.pid])


def _groups_of_kernel(processes: list[Process]) -> tuple[list[list[Process]], bool]:
    """The processes that kcmp(2) calls equal; asked only where the layout of the address space is equal, too."""
    number = _KCMP.get(platform.machine())
    if number is None:
        return [], False
    system_call = ctypes.CDLL(None, use_errno=True).syscall

    def compare(one: int, other: int) -> int:
        """kcmp(2): 0 for equal, 1 for less, 2 for greater; an order.  -1 where it was not answered."""
        answer: int = system_call(number, one, other, _KCMP_VM, 0, 0)
        return answer

    asked = True
    by_layout: dict[tuple[bytes, ...], list[Process]] = {}
    for process in processes:
        by_layout.setdefault(process.stat.layout, []).append(process)
    groups: list[list[Process]] = []
    for alike in by_layout.values():
        if len(alike) < 2:
            continue
        found = _equal([process.mm_pid for process in alike], compare)
        if found is None:  # an order is one of those that answer only
            answering = []
            for process in alike:
                if compare(process.mm_pid, process.mm_pid) == 0:
                    answering.append(process.mm_pid)
                elif ctypes.get_errno() != errno.ESRCH:
                    asked = False
            found = _equal(answering, compare) or []
        by_pid = {process.mm_pid: process for process in alike}
        groups += [[by_pid[pid] for pid in pids] for pids in found]
    in_order = _in_order(processes) if groups else list
    return [in_order(group) for group in groups], asked


def _equal(pids: list[int], compare: Callable[[int, int], int]) -> list[list[int]] | None:
    """Groups of equals, found by sorting: n log n questions.  None where one was not answered."""
    signs = {0: 0, 1: -1, 2: 1}

    def order(one: int, other: int) -> int:
        return signs[compare(one, other)]

    try:
        ordered = sorted(pids, key=cmp_to_key(order))
        groups: list[list[int]] = []
        for pid in ordered:
            if groups and order(groups[-1][-1], pid) == 0:
                groups[-1].append(pid)
            else:
                groups.append([pid])
    except KeyError:
        return None
    return [group for group in groups if len(group) > 1]


def _vforking(processes: list[Process], known: set[int]) -> list[list[Process]]:
    """Children in the middle of vfork, each with its parent: that sleeps uninterruptibly and shows the same figures.

    The child's oom_score is 0, as proc_oom_score() has it for an mm that is only borrowed.
    """
    by_pid = {process.pid: process for process in processes if process.pid not in known}
    groups = []
    for child in by_pid.values():
        parent = by_pid.get(child.stat.ppid)
        if parent is None or child.score or child.adj == -1000 or parent.stat.state != b"D":
            continue
        if (parent.stat.vsize, parent.stat.rss, parent.stat.layout) == (
            child.stat.vsize,
            child.stat.rss,
            child.stat.layout,
        ):
            groups.append([parent, child])
    return groups
