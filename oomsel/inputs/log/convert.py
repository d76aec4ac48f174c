"""From a report in a log to a scenario: the same plain data that a file would hold."""

from __future__ import annotations

from typing import Any

from oomsel.errors import InputError, Problem
from oomsel.inputs.log.facts import Facts
from oomsel.inputs.log.rescore import version_of
from oomsel.inputs.table import task_of_row
from oomsel.kernel.gfp import GFP_FS, format_gfp, parse_gfp
from oomsel.kernel.release import parse_release
from oomsel.klog.event import Invoked, Killed, OomEvent
from oomsel.klog.report_lines import name_bytes, row_name
from oomsel.klog.table import Row, rss_parts
from oomsel.text import comm_to_text, pages_of, parse_list, printable

_BOUND = ("CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY")
_PANICS = {"Out of memory: system-wide": 1, "Out of memory: compulsory": 2}


class LogScenario:
    """A report as a scenario's data: `lines` are those of `data["tasks"]`, `notes` what was taken for granted."""

    def __init__(self, source: str, event: OomEvent, facts: Facts, passed: dict[int, str]) -> None:
        self.source, self.event, self.facts, self._passed = source, event, facts, passed
        self.notes: list[str] = []
        self.lines: list[int] = []
        self._tasks: list[dict[str, Any]] = []
        self._memcgs: dict[str, dict[str, Any]] = {}
        self._all_nodes: list[int] | None = None
        self.data = self._build()

    def _build(self) -> dict[str, Any]:
        event, facts = self.event, self.facts
        if not event.rows and (event.invoked is None or not event.kills):
            what = "is a kill line alone" if event.kills else "has no task table"
            message = f"report {event.index} {what}, so there is nothing to choose from; oomsel events lists the others"
            raise InputError(self.source, [Problem(message, event.first_line)])
        machine = self._machine()
        self._add_rows()
        if not event.rows:
            self._add_victim_of_kill_line()
        self._place_in_memcgs()
        oom = self._oom()
        sysctl = self._sysctl()
        data: dict[str, Any] = {"oomsel": 1, "title": self._title(), "kernel": facts.kernel, "machine": machine}
        if self._memcgs:
            data["memcgs"] = self._memcgs
        data["oom"] = oom
        if sysctl:
            data["sysctl"] = sysctl
        data["tasks"] = self._tasks
        return data

    def _title(self) -> str:
        event = self.event
        when = f", {printable(event.stamp)}" if event.stamp else ""
        return f"OOM report {event.index} of {printable(self.source)}, line {event.first_line}{when}"

    # -- the machine -------------------------------------------------------------------------------------------

    def _machine(self) -> dict[str, Any]:
        event, facts = self.event, self.facts
        cpus = facts.cpus or (event.current.cpu or 0 if event.current else 0) + 1
        machine: dict[str, Any] = {"cpus": min(cpus, 8192)}
        if facts.page_size != 4096:
            machine["page_size"] = facts.page_size
        swap = facts.swap
        if swap is None and facts.memcg_swap_max is not None:
            swap = facts.memcg_swap_max  # so much of it may be used, so that there is as much
        machine["ram"] = self._ram(swap or 0)
        if swap:
            machine["swap"] = swap
        if nodes := self._nodes():
            machine["nodes"] = nodes
        return machine

    def _ram(self, swap: int) -> int:
        facts = self.facts
        if facts.ram is not None:
            return facts.ram
        if facts.memcg_max is not None:
            return facts.memcg_max
        return max(self._held() - swap, 1)

    def _nodes(self) -> dict[int, dict[str, int]]:
        """The NUMA nodes, where there is more than the one that is there by itself."""
        event, size = self.event, self.facts.page_size
        present = {node: pages_of(kb, size) for node, kb in event.meminfo.present_by_node().items()}
        mems = set(self._mems() or ())
        if event.summary is not None and event.summary.constraint == "CONSTRAINT_MEMORY_POLICY":
            mems |= set(_nodelist(event.summary.nodemask) or ())
        if (not present or set(present) == {0}) and mems <= {0}:
            return {}
        for node in mems - set(present):
            present[node] = 1  # nothing is known but that it is there
        rest = (event.meminfo.ram or 0) - sum(present.values())
        if rest > 0 and event.summary is not None and event.summary.constraint in _BOUND:
            # Only the nodes that the allocation may use are printed; the rest of RAM is on another, or on several.
            present[next(node for node in range(1024) if node not in present)] = rest
        nodes = {node: {"ram": present[node]} for node in sorted(present) if node <= 1023}
        self._all_nodes = [node for node, said in nodes.items() if said["ram"]]
        return nodes

    def _mems(self) -> list[int] | None:
        event = self.event
        if event.summary is not None:
            return _nodelist(event.summary.mems_allowed)
        return _nodelist(event.cpuset[1]) if event.cpuset else None

    # -- the tasks ---------------------------------------------------------------------------------------------

    def _add_rows(self) -> None:
        for row in self.event.rows:
            task = task_of_row(row, self.facts.page_size)
            task["comm"] = comm_to_text(row_name(row))
            if "thread" in task:
                task["thread"]["comm"] = task["comm"]
                leader = self._leader_name(row)
                if leader is not None:
                    task["comm"] = comm_to_text(leader)
            if row.pid in self._passed:
                task["flags"] = ["vfork"] if self._passed[row.pid] == "vfork" else ["oom_skip", "oom_victim"]
            self._tasks.append(task)
            self.lines.append(row.line)
        kill = self.event.kills[0] if self.event.kills else None
        victim = self.event.row_of(kill.pid) if kill else None
        if kill and victim and (parts := self._parts(kill, victim)):
            index = self.event.rows.index(victim)
            swap = self._tasks[index]["rss"]["swap"]
            self._tasks[index]["rss"] = {**{name: {"count": pages} for name, pages in parts.items()}, "swap": swap}

    def _leader_name(self, row: Row) -> bytes | None:
        summary = self.event.summary
        return summary.comm if summary is not None and summary.pid == row.numbers["tgid"] else None

    def _parts(self, kill: Killed, row: Row) -> dict[str, int] | None:
        """anon, file and shmem by the kill line, where the table has only their sum and the line agrees with it."""
        if set(rss_parts(row)) != {"total"} or kill.anon is None or kill.file is None or kill.shmem is None:
            return None
        size = self.facts.page_size
        parts = {
            "anon": pages_of(kill.anon, size),
            "file": pages_of(kill.file, size),
            "shmem": pages_of(kill.shmem, size),
        }
        return parts if sum(parts.values()) == row.numbers["rss"] else None

    def _add_victim_of_kill_line(self) -> None:
        """Without a table, the one task that the report says anything of."""
        event, size = self.event, self.facts.page_size
        kill = event.kills[0]
        rss = {
            name: {"count": pages_of(kb, size)}
            for name, kb in (("anon", kill.anon), ("file", kill.file), ("shmem", kill.shmem))
            if kb is not None
        }
        task: dict[str, Any] = {"pid": kill.pid, "comm": comm_to_text(kill.comm), "rss": rss}
        summary = event.summary
        if summary is not None and summary.pid != kill.pid:
            task |= {"pid": summary.pid, "comm": comm_to_text(summary.comm)}
            task["thread"] = {"pid": kill.pid, "comm": comm_to_text(kill.comm)}
        if kill.uid is not None:
            task["uid"] = kill.uid & 0xFFFFFFFF
        if kill.oom_score_adj is not None and abs(kill.oom_score_adj) <= 1000:
            task["oom_score_adj"] = kill.oom_score_adj
        if kill.total_vm is not None:
            task["total_vm"] = pages_of(kill.total_vm, size)
        if kill.pgtables is not None:
            task["pgtables_bytes"] = kill.pgtables << 10
        self._tasks.append(task)
        self.lines.append(kill.line)
        self.notes.append(
            "there is no task table (vm.oom_dump_tasks is 0, or it is lost), so nobody but the victim is known"
        )

    # -- the cgroups -------------------------------------------------------------------------------------------

    def _place_in_memcgs(self) -> None:
        """Put tasks where the report says, and the others where the walk keeps the table's order."""
        event, facts = self.event, self.facts
        summary = event.summary
        domain = summary.oom_memcg if summary else event.memcg.path if event.memcg.memory is not None else None
        if domain is not None:
            domain = self._declare(domain)
            if domain is not None and facts.memcg_max is not None:
                self._memcgs[domain]["max"] = facts.memcg_max
                if facts.memcg_swap_max is not None:
                    self._memcgs[domain]["swap_max"] = facts.memcg_swap_max
        own = self._declare(summary.task_memcg if summary else event.memcg.task_path or "/") or "/"
        group = self._declare(event.group[1]) if event.group else None
        if group is not None:
            self._memcgs[group]["oom_group"] = True
        killed = {kill.pid for kill in event.kills}
        members = [index for index, row in enumerate(event.rows) if row.pid in killed]
        first = members[0] if members else len(self._tasks)
        last = members[-1] if members else -1
        if domain is None:
            for index, task in enumerate(self._tasks):
                if own != "/" and (not event.rows or index in members or self._is_victim(task)):
                    task["memcg"] = own
            return
        if event.rows and not members:  # the victim's row is lost, or nobody was killed
            first, last = 0, len(self._tasks) - 1
            own = domain
        after = own
        if group is not None and last + 1 < len(self._tasks):
            # Whoever comes after the group's members is in none of its cgroups.
            after = self._declare(f"{domain.rstrip('/')}/?") or own
        for index, task in enumerate(self._tasks):
            place = domain if index < first else after if index > last else own
            if group is not None and first <= index <= last and not own.startswith(group):
                place = group
            if place != "/":
                task["memcg"] = place

    def _is_victim(self, task: dict[str, Any]) -> bool:
        victim = self.event.summary
        return victim is not None and task["pid"] == victim.pid

    def _declare(self, path: str) -> str | None:
        """Declare a cgroup and those above it; its path as a scenario writes it, None for what is no path."""
        if path == "/" or not path.startswith("/"):
            return None
        parts = path.strip("/").split("/")
        if any(part in ("", ".", "..") for part in parts) or "\n" in path or "\0" in path or len(path) > 4096:
            self.notes.append(f"{printable(path)} is no path of a cgroup and left out")
            return None
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            self.notes.append(f"{printable(path)} is not UTF-8 and left out")
            return None
        for end in range(1, len(parts) + 1):
            self._memcgs.setdefault("/" + "/".join(parts[:end]), {})
        return "/" + "/".join(parts)

    # -- the allocation ----------------------------------------------------------------------------------------

    def _oom(self) -> dict[str, Any]:
        event = self.event
        oom: dict[str, Any] = {}
        current = self._current(oom)
        invoked = event.invoked
        if invoked is not None:
            gfp = self._gfp(invoked)
            if gfp is not None:
                oom["gfp_mask"] = gfp
            if -1 <= invoked.order <= 10:
                if invoked.order:
                    oom["order"] = invoked.order
            else:
                self.notes.append(f"order {invoked.order}, line {invoked.line}, is none that an allocation has")
        else:
            oom["comm"] = "?"
            self.notes.append("who invoked the OOM killer is not in the log; the first line printed names nobody")
        summary = event.summary
        if summary is not None and summary.constraint == "CONSTRAINT_MEMCG" and summary.oom_memcg in self._memcgs:
            oom["memcg"] = summary.oom_memcg
        elif summary is None and event.memcg.memory is not None and event.memcg.path in self._memcgs:
            oom["memcg"] = event.memcg.path
        self._constrain(oom, current)
        if self.facts.totalpages is None and ("memcg" in oom or (summary and summary.constraint in _BOUND)):
            oom["totalpages"] = self._held()  # else machine.ram says it
        return oom

    def _held(self) -> int:
        """Pages that the table's tasks hold: what is known of a total that the log does not show."""
        rows = self.event.rows
        return max(sum((row.numbers["rss"] or 0) + (row.numbers.get("swapents") or 0) for row in rows), 1)

    def _gfp(self, invoked: Invoked) -> int | str | None:
        """The flags, by their names where those give the number again; None where today's bits cannot say them."""
        rules = parse_release(self.facts.kernel).rules
        mask = invoked.gfp_mask
        if (version_of(self.facts.release) or (5, 4)) < (5, 4):  # the bits have been numbered anew since
            try:
                mask = parse_gfp(invoked.gfp_names, rules)
            except ValueError:
                self.notes.append(f"gfp_mask {mask:#x} has the bit numbers of an older release; it is left out")
                return None
        if not mask & GFP_FS and self.event.memcg.memory is None and self.event.ends:
            self.notes.append(f"gfp_mask {mask:#x} has no __GFP_FS, and still the OOM killer ran; it is added")
            mask |= GFP_FS
        return format_gfp(mask, rules).partition("(")[2].removesuffix(")") or mask

    def _current(self, oom: dict[str, Any]) -> dict[str, Any]:
        """Name the allocating task; one that the table does not show is added."""
        event = self.event
        invoked, current = event.invoked, event.current
        if invoked is None:
            oom["current"] = self._tasks[0]["pid"]
            return self._tasks[0]
        comm = comm_to_text(invoked.comm)
        if current is not None:
            for task in self._tasks:
                if current.pid in (task["pid"], task.get("thread", {}).get("pid")):
                    oom["current"] = current.pid
                    live = task.get("thread", task)
                    if live["comm"] != comm:
                        oom["comm"] = comm
                    return task
        adj = invoked.oom_score_adj
        if current is not None and current.pid == 1:
            return self._add_current(oom, {"pid": 1, "comm": comm, "oom_score_adj": adj, "flags": ["init"]})
        task_of_thread = self._process_of_thread(comm, adj, current.uid if current else None)
        if task_of_thread is not None and event.rows and invoked.order != -1:
            oom["current"] = task_of_thread["pid"]
            if task_of_thread["comm"] != comm:
                oom["comm"] = comm
            return task_of_thread
        if not event.rows:
            task = {"pid": current.pid if current else self._free_pid(), "comm": comm, "oom_score_adj": adj}
            return self._add_current(oom, task | ({"uid": current.uid} if current and current.uid is not None else {}))
        if adj != 0:
            self.notes.append(
                f"the allocating task, line {invoked.line}, is not in the table, nor is its oom_score_adj"
            )
        pid = current.pid if current is not None and 1 <= current.pid <= 1 << 22 else self._free_pid()
        return self._add_current(oom, {"pid": pid, "comm": comm, "flags": ["kthread"]})

    def _process_of_thread(self, comm: str, adj: int, uid: int | None) -> dict[str, Any] | None:
        """The process that the allocating thread is likely of: it has no row of its own, but its process has."""
        alike = [task for task in self._tasks if task.get("oom_score_adj", 0) == adj]
        if uid is not None:
            alike = [task for task in alike if task.get("uid", 0) == uid] or alike
        named = [task for task in alike if task["comm"] == comm]
        return next(iter(named or alike), None)

    def _add_current(self, oom: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
        oom["current"] = task["pid"]
        self._tasks.append(task)
        return task

    def _free_pid(self) -> int:
        taken = {task["pid"] for task in self._tasks} | {task.get("thread", {}).get("pid") for task in self._tasks}
        return next(pid for pid in range(2, 1 << 22) if pid not in taken)

    def _constrain(self, oom: dict[str, Any], current: dict[str, Any]) -> None:
        event = self.event
        summary = event.summary
        name = summary.cpuset if summary else event.cpuset[0] if event.cpuset else "/"
        mems = self._mems()
        nodes = self._all_nodes or [0]
        cpuset: dict[str, Any] = {}
        if name and name != "/" and "/" not in name and "\n" not in name and name_bytes(name).isascii():
            cpuset["name"] = name
        if mems is not None and mems != nodes:
            cpuset["mems_allowed"] = mems
        if cpuset and "kthread" not in current.get("flags", ()):
            current["cpuset"] = cpuset
        if summary is None:
            return
        if summary.constraint == "CONSTRAINT_CPUSET":
            mine = current.get("cpuset", {}).get("mems_allowed")
            if mine and not set(nodes) <= set(mine):
                oom["cpuset_limited"] = True
            else:
                self.notes.append(
                    "the allocation was bound by a cpuset, but the log does not show which nodes there are"
                )
        elif summary.constraint == "CONSTRAINT_MEMORY_POLICY" and (mask := _nodelist(summary.nodemask)):
            oom["nodemask"] = mask

    def _sysctl(self) -> dict[str, int]:
        event = self.event
        sysctl: dict[str, int] = {}
        if event.kills and "oom_kill_allocating_task" in event.kills[0].prefix:
            sysctl["oom_kill_allocating_task"] = 1
        if not event.rows:
            sysctl["oom_dump_tasks"] = 0
        if event.panic is not None:
            for words, setting in _PANICS.items():
                if event.panic[1].startswith(words):
                    sysctl["panic_on_oom"] = setting
        return sysctl


def _nodelist(text: str) -> list[int] | None:
    try:
        return parse_list(text, 1023)
    except ValueError:
        return None
