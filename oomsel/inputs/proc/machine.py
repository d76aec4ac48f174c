"""CPUs, memory, nodes and settings, as /proc and /sys show them."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from oomsel.errors import InputError, Problem
from oomsel.inputs.proc.tree import Tree
from oomsel.kernel.system import Sysctl
from oomsel.text import whole_number

_CPU = "sys/devices/system/cpu"
_NODE = "sys/devices/system/node"
_ZONE = re.compile(r"^Node +([0-9]{1,5}), zone|^ +present +([0-9]{1,19})$", re.MULTILINE)
#: The settings and their defaults.
_SYSCTLS: dict[str, int] = Sysctl._field_defaults


class Machine(NamedTuple):
    """What the OOM killer knows of the machine; memory in pages."""

    kernel: str  #: as `uname -r` has it
    page_size: int  #: bytes
    ram: int  #: MemTotal
    swap: int  #: SwapTotal
    cpus: list[int]  #: possible ones
    online: list[int]
    nodes: dict[int, tuple[list[int], int]]  #: CPUs and present pages of every node; empty where /sys has none
    nodes_with_memory: tuple[int, ...]  #: node 0 where none is known
    sysctl: dict[str, int]  #: those that differ from the kernel's defaults
    swappiness: int

    @property
    def totalpages(self) -> int:
        """What proc_oom_score() divides by: all RAM and swap, in pages."""
        return self.ram + self.swap

    def plain(self) -> dict[str, Any]:
        """The scenario's `machine`."""
        plain: dict[str, Any] = {"cpus": self.cpus, "ram": self.ram, "swap": self.swap}
        if self.online != self.cpus:
            plain["online"] = self.online
        if self.page_size != 4096:
            plain["page_size"] = self.page_size
        if self.nodes and list(self.nodes) != [0]:
            plain["nodes"] = {str(node): {"cpus": cpus, "ram": ram} for node, (cpus, ram) in self.nodes.items()}
            for node in plain["nodes"].values():
                if not node["cpus"]:
                    del node["cpus"]
        return plain


def read_machine(tree: Tree) -> Machine:
    """The machine; raises InputError where the files are missing that nothing stands for."""
    kernel = tree.text("proc/sys/kernel/osrelease")
    meminfo = tree.text("proc/meminfo")
    if kernel is None or meminfo is None:
        lacks = "proc/meminfo" if meminfo is None else "proc/sys/kernel/osrelease"
        raise InputError(tree.name, [Problem(f"no {lacks} can be read; name a directory that holds proc and sys")])
    page_size = os.sysconf("SC_PAGESIZE") if tree.is_live else _page_size_of_copy(tree)
    online = tree.numbers(f"{_CPU}/online") or _cpus_of_stat(tree)
    cpus = tree.numbers(f"{_CPU}/possible") or online
    sysctl = {name: tree.number(f"proc/sys/vm/{name}") for name in _SYSCTLS}
    swappiness = sysctl["swappiness"]
    nodes = _nodes(tree, cpus)
    return Machine(
        kernel,
        page_size,
        _kilobytes(tree, meminfo, "MemTotal") * 1024 // page_size,
        _kilobytes(tree, meminfo, "SwapTotal") * 1024 // page_size,
        cpus,
        [cpu for cpu in online if cpu in cpus],
        nodes,
        tuple(node for node, (_, present) in nodes.items() if present) or (0,),
        {name: value for name, value in sysctl.items() if value is not None and value != _SYSCTLS[name]},
        _SYSCTLS["swappiness"] if swappiness is None else swappiness,
    )


def _kilobytes(tree: Tree, meminfo: str, key: str) -> int:
    found = re.search(rf"^{key}: +([0-9]{{1,15}}) kB$", meminfo, re.MULTILINE)
    if found is None:
        raise InputError(f"{tree.root.rstrip('/')}/proc/meminfo", [Problem(f"it has no {key}; the kernel's has")])
    return int(found[1])


def _page_size_of_copy(tree: Tree) -> int:
    """The size of an address space in bytes by that in pages, of the first process that has one."""
    for pid in sorted(name for name in tree.names("proc") if name.isdecimal()):
        try:
            pages = whole_number(tree.read(f"proc/{pid}/statm").split()[0])
            raw = tree.read(f"proc/{pid}/stat")
            size = whole_number(raw[raw.rindex(b")") :].split()[21])
        except (OSError, ValueError, IndexError):
            continue
        if pages and size and size % pages == 0:
            return size // pages
    return 4096


def _cpus_of_stat(tree: Tree) -> list[int]:
    """The CPUs online that proc/stat has a line for; one where there is none."""
    found = re.findall(r"^cpu([0-9]{1,4}) ", tree.text("proc/stat") or "", re.MULTILINE)
    return [int(number) for number in found] or [0]


def _nodes(tree: Tree, cpus: list[int]) -> dict[int, tuple[list[int], int]]:
    present: dict[int, int] = {}
    node = 0
    for zone, pages in _ZONE.findall(tree.text("proc/zoneinfo") or ""):
        if zone:
            node = int(zone)
        else:
            present[node] = present.get(node, 0) + int(pages)
    online = tree.numbers(f"{_NODE}/online")
    return {
        node: ([cpu for cpu in tree.numbers(f"{_NODE}/node{node}/cpulist") if cpu in cpus], present.get(node, 0))
        for node in sorted({*online, *(node for node, pages in present.items() if pages)})
    }
