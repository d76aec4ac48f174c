"""Memory cgroups and cpusets, v1 and v2: which of them a process counts in, and what they are limited to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from oomsel.inputs.proc.machine import Machine
from oomsel.inputs.proc.process import Process
from oomsel.inputs.proc.tree import Tree
from oomsel.text import printable

#: The file that a cgroup with the controller has, by controller and version.
_MARKS = {
    ("memory", 1): "memory.limit_in_bytes",
    ("memory", 2): "memory.max",
    ("cpuset", 1): "cpuset.mems",
    ("cpuset", 2): "cpuset.mems",
}
_OCTAL = re.compile(r"\\([0-7]{3})")


class Hierarchy(NamedTuple):
    """Where a controller's cgroups are."""

    version: int
    mount: str  #: in the tree, without the slash before it
    root: str  #: the cgroup that is mounted there: not "/" where a container sees a part only
    mark: str  #: the file that every cgroup with the controller has; on v2 the root has none

    def folder(self, path: str) -> str | None:
        """The directory of the cgroup that /proc/PID/cgroup calls `path`; None where it is not below the mount."""
        if path == self.root:
            return self.mount
        above = self.root.rstrip("/")
        return f"{self.mount}{path[len(above) :]}" if path.startswith(f"{above}/") else None


class Cgroups:
    """The cgroups of one machine; asked once for each line of /proc/PID/cgroup."""

    def __init__(self, tree: Tree, machine: Machine) -> None:
        self._tree, self._machine = tree, machine
        mountinfo = tree.text("proc/self/mountinfo") or ""
        self.memory = _hierarchy(mountinfo, "memory")
        self.cpuset = _hierarchy(mountinfo, "cpuset")
        self._memcgs: dict[bytes, str] = {}
        self._cpusets: dict[bytes, str] = {}

    def memcg_of(self, process: Process) -> str:
        """The path of the memory cgroup in which a process counts, the nearest ancestor that has the controller."""
        path = self._memcgs.get(process.cgroup)
        if path is None:
            path = self._memcgs[process.cgroup] = self._nearest(process.cgroup, "memory", self.memory)
        return path

    def cpuset_name_of(self, process: Process) -> str:
        """The name of the cpuset as the kernel prints it, the last part of its path.

        /proc/PID/cpuset said it until 6.18 and is gone since.
        """
        path = self._cpusets.get(process.cgroup)
        if path is None:
            path = self._cpusets[process.cgroup] = self._nearest(process.cgroup, "cpuset", self.cpuset)
        return printable(path.rpartition("/")[2]) or "/"

    def _nearest(self, lines: bytes, controller: str, hierarchy: Hierarchy | None) -> str:
        """Ask the directories: a removed cgroup is called `x (deleted)`, and so may one be that is there."""
        path = _path_in(lines.decode("utf-8", "surrogateescape"), controller, hierarchy)
        while path != "/":
            folder = hierarchy.folder(path) if hierarchy is not None else None
            if hierarchy is not None and folder is not None and self._tree.exists(f"{folder}/{hierarchy.mark}"):
                return path
            path = path.rpartition("/")[0] or "/"
        return path

    def limits(self, processes: Iterable[Process]) -> dict[str, dict[str, Any]]:
        """The scenario's `memcgs`: those that hold a process and all above them, parents first, siblings by age."""
        if self.memory is None:
            return {}
        members: dict[str, list[int]] = {}
        for process in processes:
            members.setdefault(self.memcg_of(process), []).append(process.pid)
        wanted = {ancestor for path in members for ancestor in _ancestors(path)}
        found = {}
        for path in sorted(wanted, key=self._age):
            found[printable(path)] = self._limits_of(path, members.get(path, []))
        return found

    def _age(self, path: str) -> list[tuple[int, str]]:
        """What cgroups are sorted by: a copy keeps no order but that of the names."""
        assert self.memory is not None
        parts = []
        for ancestor in _ancestors(path):
            folder = self.memory.folder(ancestor)
            live = self._tree.is_live and folder is not None
            parts.append((self._tree.inode(folder) if live and folder is not None else 0, ancestor))
        return parts

    def _limits_of(self, path: str, members: list[int]) -> dict[str, Any]:
        assert self.memory is not None
        folder = self.memory.folder(path)
        if folder is None:
            return {}
        stated: dict[str, Any] = {}
        if self.memory.version == 2:
            stated["max"] = self._pages(f"{folder}/memory.max")
            stated["swap_max"] = self._pages(f"{folder}/memory.swap.max")
            if self._tree.text(f"{folder}/memory.oom.group") == "1":
                stated["oom_group"] = True
            stated["order"] = self._order(folder, members)
        else:
            stated["max"] = self._pages(f"{folder}/memory.limit_in_bytes")
            both = self._pages(f"{folder}/memory.memsw.limit_in_bytes")
            if both is not None and stated["max"] is not None:
                stated["swap_max"] = both - stated["max"]
            swappiness = self._tree.number(f"{folder}/memory.swappiness")
            stated["swappiness"] = None if swappiness == self._machine.swappiness else swappiness
        return {key: value for key, value in stated.items() if value is not None}

    def _order(self, folder: str, members: list[int]) -> list[int] | None:
        """The members as they entered the cgroup, where that is not their order in the list of tasks."""
        if len(members) < 2:
            return None
        listed = (self._tree.text(f"{folder}/cgroup.procs") or "").split()
        known = set(members)
        order = [int(pid) for pid in listed if pid.isdecimal() and len(pid) < 10 and int(pid) in known]
        return order if order != members and sorted(order) == sorted(members) else None

    def _pages(self, path: str) -> int | None:
        """A limit in pages; None for no limit, and where there is no such file."""
        limit = self._tree.number(path)
        if limit is None or limit // self._machine.page_size >= ((1 << 63) - 1) // self._machine.page_size:
            return None
        return limit // self._machine.page_size

    def root_limit(self) -> int | None:
        """Pages that the root of a container's cgroups is limited to: a scenario's root has no limit."""
        return None if self.memory is None else self._pages(f"{self.memory.mount}/{self.memory.mark}")


def _ancestors(path: str) -> Iterator[str]:
    """`/a`, `/a/b` for `/a/b`; nothing for the root."""
    parts = path.strip("/").split("/") if path != "/" else []
    return ("/" + "/".join(parts[: depth + 1]) for depth in range(len(parts)))


def _path_in(lines: str, controller: str, hierarchy: Hierarchy | None) -> str:
    """The path that /proc/PID/cgroup has for the hierarchy; the root for one outside of a container's view."""
    for line in lines.split("\n"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        is_it = number == "0" if hierarchy is None or hierarchy.version == 2 else controller in controllers.split(",")
        if is_it and path.startswith("/"):
            parts = path.split("/")[1:]
            return "/" if any(part in ("", ".", "..") for part in parts) else path
    return "/"


def _hierarchy(mountinfo: str, controller: str) -> Hierarchy | None:
    """Where the controller's cgroups are mounted: v1 if it is mounted there, else v2."""
    found = None
    for line in mountinfo.split("\n"):
        left, _, right = line.partition(" - ")
        fields, kind = left.split(" "), right.split(" ")
        if len(fields) < 5 or len(kind) < 3:
            continue
        root, mount = (_OCTAL.sub(lambda octal: chr(int(octal[1], 8)), field) for field in fields[3:5])
        if kind[0] == "cgroup" and controller in kind[2].split(","):
            return Hierarchy(1, mount.lstrip("/"), root, _MARKS[controller, 1])
        if kind[0] == "cgroup2" and found is None:
            found = Hierarchy(2, mount.lstrip("/"), root, _MARKS[controller, 2])
    return found
