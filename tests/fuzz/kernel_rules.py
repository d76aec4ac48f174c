"""The OOM killer's rules once more, plainly: a loop over dictionaries, written from the format's description.

No module of oomsel is used here, and nothing is fast: what the two come to must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Flags of a process that is on its way out.
DYING = {"exiting", "exited", "oom_victim"}
LONG_MIN, LONG_MAX = -(1 << 63), (1 << 63) - 1
MEMBERS = ("file", "anon", "swap", "shmem")


def version(release: str) -> tuple[int, int, int]:
    """A release as numbers; a bare series is its last."""
    numbers = [int(part) for part in release.split(".")]
    return (numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 10**6)


class Mm:
    """An mm's counters: a count, and what each CPU holds."""

    def __init__(self, task: dict[str, Any] | None = None) -> None:
        task = task or {}
        self.count = dict.fromkeys(MEMBERS, 0)
        self.slots: dict[str, dict[int, int]] = {member: {} for member in MEMBERS}
        self.one_number = "total" in task.get("rss", {})
        for name, stated in task.get("rss", {}).items():
            counter = stated if isinstance(stated, dict) else {"count": stated}
            member = "anon" if name == "total" else name
            self.count[member] = counter.get("count", 0)
            self.slots[member] = {int(cpu): pages for cpu, pages in counter.get("deltas", {}).items()}
        self.pgtables = task.get("pgtables_bytes", 0)
        self.total_vm = task.get("total_vm")
        self.leaves = task.get("reaper_leaves", {})
        self.oom_skip = False
        self.sharers: list[dict[str, Any]] = []


class Event:
    """A scenario's event in one mode; `lines` is what is printed of it that can be said without a format."""

    def __init__(self, scenario: dict[str, Any], mode: str) -> None:
        self.scenario, self.mode = scenario, mode
        self.version = version(scenario["kernel"])
        machine = scenario["machine"]
        self.online = set(machine.get("online", set(machine["cpus"]) - set(machine.get("dying", ()))))
        self.dying = set(machine.get("dying", ()))
        self.batch = machine.get("batch", self.default_batch())
        self.page_size = machine.get("page_size", 4096)
        self.swap = machine.get("swap", 0)
        self.nodes = {int(node): held["ram"] for node, held in machine.get("nodes", {}).items()}
        self.ram = machine.get("ram", sum(self.nodes.values()))
        self.nodes = self.nodes or {0: self.ram}
        self.with_memory = {node for node, ram in self.nodes.items() if ram}
        self.tasks = scenario["tasks"]
        self.oom, self.sysctl = scenario.get("oom", {}), scenario.get("sysctl", {})
        self.mms: dict[int, Mm] = {}
        self._make_mms()
        self._replay()
        self.memcg = self.oom.get("memcg")
        self.is_sysrq = self.oom.get("order", 0) == -1
        self.current = self._current()
        self.constraint, self.totalpages = self._constrained_alloc()
        self.chosen: dict[str, Any] | None = None
        self.outcome = ""
        self.allocating = False
        self.killed: list[tuple[dict[str, Any], str]] = []  #: with "killed", or "exiting" for one met again
        self.reaped: list[dict[str, Any]] = []
        self.group: str | None = None
        self._out_of_memory()

    # -------------------------------------------------------------- counters

    def default_batch(self) -> int:
        """compute_batch_value()."""
        return max(32, 2 * len(self.online))

    def _make_mms(self) -> None:
        by_label: dict[str, Mm] = {}
        for task in self.tasks:
            if self.flags(task) & {"kthread", "zombie"}:
                continue
            label = task.get("mm")
            mm = by_label.get(label) if label is not None else None
            if mm is None:
                mm = Mm(task)
                if label is not None:
                    by_label[label] = mm
            self.mms[task["pid"]] = mm
            mm.sharers.append(task)
            mm.oom_skip |= "oom_skip" in self.flags(task)

    def _replay(self) -> None:
        for update in self.scenario.get("updates", ()):
            if "offline" in update or "online" in update:
                stated = update.get("offline", update.get("online"))
                for cpu in stated if isinstance(stated, list) else [stated]:
                    if "online" in update:
                        self.online.add(cpu)
                    else:
                        for mm in {id(mm): mm for mm in self.mms.values()}.values():
                            for member in MEMBERS:
                                mm.count[member] += mm.slots[member].pop(cpu, 0)
                        self.online.discard(cpu)
                        self.dying.discard(cpu)
                    self.batch = self.default_batch()
                continue
            task = next(
                task for task in self.tasks if update["pid"] in (task["pid"], task.get("thread", {}).get("pid"))
            )
            for name in ("anon", "file", "shmem", "swap", "total"):
                for _ in range(update.get("repeat", 1) if name in update else 0):
                    self.add(self.mms[task["pid"]], "anon" if name == "total" else name, update["cpu"], update[name])
        if self.version < (6, 2, 0):
            for mm in self.mms.values():
                for member in MEMBERS:
                    mm.count[member] += sum(mm.slots[member].get(cpu, 0) for cpu in self.online | self.dying)
                    mm.slots[member] = {}
        for mm in self.mms.values():
            if mm.total_vm is None:
                mm.total_vm = sum(self.precise(mm, member) for member in ("anon", "file", "shmem"))

    def add(self, mm: Mm, member: str, cpu: int, amount: int) -> None:
        """percpu_counter_add_batch()."""
        held = mm.slots[member].get(cpu, 0) + amount
        if abs(held) >= self.batch:
            mm.count[member] += held
            held = 0
        mm.slots[member][cpu] = held

    def precise(self, mm: Mm, member: str) -> int:
        """percpu_counter_sum_positive()."""
        return max(0, mm.count[member] + sum(mm.slots[member].get(cpu, 0) for cpu in self.online | self.dying))

    def read(self, mm: Mm, member: str) -> int:
        """As the mode reads."""
        return max(0, mm.count[member]) if self.mode == "approximate" else self.precise(mm, member)

    # -------------------------------------------------------------- who and what

    def flags(self, task: dict[str, Any]) -> set[str]:
        """A task's flags; init is the one flagged, or pid 1."""
        flags = set(task.get("flags", ()))
        if task["pid"] == 1 and not any("init" in other.get("flags", ()) for other in self.tasks):
            flags.add("init")
        return flags

    def mems(self, task: dict[str, Any] | None) -> set[int]:
        """mems_allowed."""
        return set((task or {}).get("cpuset", {}).get("mems_allowed", self.with_memory))

    def _current(self) -> dict[str, Any] | None:
        pid = self.oom.get("current")
        found: dict[str, Any] | None = None
        if pid is not None:
            found = next(task for task in self.tasks if pid in (task["pid"], task.get("thread", {}).get("pid")))
        elif not self.is_sysrq:
            found = next(task for task in self.tasks if not self.flags(task) & {"init", "kthread", "zombie"})
        return found

    def _constrained_alloc(self) -> tuple[str, int]:
        constraint, total = "NONE", self.ram + self.swap
        unlimited = LONG_MAX // self.page_size
        if self.memcg is not None:
            group = self.scenario["memcgs"][self.memcg]
            total = group.get("max", unlimited)
            if group.get("swappiness", self.sysctl.get("swappiness", 60)):
                total += min(group.get("swap_max", unlimited), self.swap)
            constraint, total = "MEMCG", total or 1
        elif "__GFP_THISNODE" in str(self.oom.get("gfp_mask", "")):
            pass
        elif "nodemask" in self.oom and not self.with_memory <= set(self.oom["nodemask"]):
            constraint, total = "MEMORY_POLICY", self.swap + sum(self.nodes[node] for node in self.oom["nodemask"])
        elif self.oom.get("cpuset_limited"):
            constraint, total = "CPUSET", self.swap + sum(self.nodes[node] for node in self.mems(self.current))
        return constraint, self.oom.get("totalpages", total)

    def walk(self, top: str) -> Iterator[dict[str, Any]]:
        """mem_cgroup_scan_tasks(): cgroups in pre-order, siblings as listed, tasks as they entered."""
        groups = self.scenario.get("memcgs", {})
        members = [task for task in self.tasks if task.get("memcg", "/") == top and not self.hidden(task)]
        order = groups.get(top, {}).get("order")
        if order is not None:
            members.sort(key=lambda task: order.index(task["pid"]))
        yield from members
        for path in groups:
            if path.rpartition("/")[0] == ("" if top == "/" else top):
                yield from self.walk(path)

    def hidden(self, task: dict[str, Any]) -> bool:
        """Whether a walk over a cgroup does not see it."""
        flags = self.flags(task)
        return "zombie" in flags or (self.version >= (6, 19, 9) and "exited" in flags)

    def scan(self) -> list[dict[str, Any]]:
        """The tasks in the order of the scan, without those that it passes by at once."""
        visited = []
        for task in self.tasks if self.memcg is None else self.walk(self.memcg):
            if self.flags(task) & {"init", "kthread", "zombie"}:
                continue
            if self.memcg is None and not self.in_reach(task):
                continue
            visited.append(task)
        return visited

    def in_reach(self, task: dict[str, Any]) -> bool:
        """oom_cpuset_eligible()."""
        if self.constraint != "MEMORY_POLICY":
            return bool(self.mems(task) & self.mems(self.current))
        policy = task.get("mempolicy")
        if policy is None or "thread" in task:
            return True
        if isinstance(policy, dict):
            if self.version >= (5, 14, 0):
                return True
            policy = policy["interleave"]
        return bool(set(policy) & set(self.oom["nodemask"]))

    def points(self, task: dict[str, Any]) -> int:
        """oom_badness(), LONG_MIN for who may not be killed."""
        mm = self.mms.get(task["pid"])
        adj = task.get("oom_score_adj", 0)
        if mm is None or adj == -1000 or mm.oom_skip or "vfork" in self.flags(task):
            return LONG_MIN
        points: int = sum(self.read(mm, member) for member in MEMBERS) + mm.pgtables // self.page_size
        points += adj * (self.totalpages // 1000)
        is_signed = self.version >= (5, 9, 0) or (5, 4, 144) <= self.version < (5, 5, 0)
        return points if is_signed else max(points, 1)

    def will_free_mem(self, task: dict[str, Any], *, thread: bool) -> bool:
        """task_will_free_mem() of the leader, or of the `thread` that lives on."""
        mm = self.mms.get(task["pid"])
        if mm is None or ("thread" in task and not thread) or not self.flags(task) & DYING or mm.oom_skip:
            return False
        return all(self.flags(other) & DYING and "coredump" not in self.flags(other) for other in mm.sharers)

    # -------------------------------------------------------------- the event

    def _out_of_memory(self) -> None:
        current = self.current
        if current is not None:
            if self.memcg is not None and self.version < (6, 16, 0) and self.flags(current) & DYING:
                self.outcome = "current-dying"
                return
            if self.will_free_mem(current, thread=True):
                self.outcome, self.reaped = "current-dying", [current]
                return
        gfp = self.oom.get("gfp_mask", "GFP_KERNEL")
        has_fs = gfp != 0 and any(name in gfp for name in ("GFP_KERNEL", "GFP_HIGHUSER"))
        if self.memcg is None and not has_fs and not (gfp == 0 and self.version < (6, 5, 0)):
            self.outcome = "no-fs"
            return
        panic = self.sysctl.get("panic_on_oom", 0)
        if panic and not self.is_sysrq and (panic == 2 or self.constraint == "NONE"):
            self.outcome = "panic-on-oom"
            return
        visited = self.scan()
        if (
            self.sysctl.get("oom_kill_allocating_task")
            and self.memcg is None
            and current is not None
            and current["pid"] in self.mms
            and current in visited
            and current.get("oom_score_adj", 0) != -1000
        ):
            self.chosen, self.allocating = current, True
        else:
            self._select_bad_process(visited)
        if self.chosen is not None:
            self._oom_kill_process(self.chosen)

    def _select_bad_process(self, visited: list[dict[str, Any]]) -> None:
        most = LONG_MIN
        for task in visited:
            flags = self.flags(task)
            mm = self.mms[task["pid"]]
            if "oom_victim" in flags and not self.is_sysrq:
                if mm.oom_skip:
                    continue
                self.chosen, self.outcome = None, "victim-in-flight"
                return
            points = LONG_MAX if "oom_origin" in flags else self.points(task)
            if points == LONG_MIN or points < most:
                continue
            most, self.chosen = points, task
        if self.chosen is None:
            self.outcome = "no-killable"

    def _oom_kill_process(self, victim: dict[str, Any]) -> None:
        if self.will_free_mem(victim, thread=self.allocating):
            self.outcome, self.reaped = "chosen-dying", [victim]
            return
        self.outcome, self.killed = "killed", [(victim, "killed")]
        path = victim.get("memcg", "/")
        groups = self.scenario.get("memcgs", {})
        top = self.memcg or "/"
        while True:
            if groups.get(path, {}).get("oom_group"):
                self.group = path
            if path in (top, "/"):
                break
            path = path.rpartition("/")[0] or "/"
        again = self.oom.get("group_victim_again")
        if again is None:
            again = "killed" if self.version >= (6, 19, 0) else "exiting" if self.version >= (5, 9, 0) else "unseen"
        for member in self.walk(self.group) if self.group is not None else ():
            if member["pid"] not in self.mms or "init" in self.flags(member) or member.get("oom_score_adj", 0) == -1000:
                continue
            if member is not victim:
                self.killed.append((member, "killed"))
            elif again != "unseen":
                self.killed.append((member, again))
        self.reaped = [task for task, how in self.killed if how == "killed" and not self.pinned(task)]

    def pinned(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """Who shares the mm and cannot be killed."""
        return [other for other in self.mms[task["pid"]].sharers if "init" in self.flags(other) and other is not task]

    # -------------------------------------------------------------- what is printed of it

    def said(self) -> list[tuple[Any, ...]]:
        """The report's lines as tuples: rows, the oom-kill line, kill lines, group, ends; what --reaper adds last."""
        said: list[tuple[Any, ...]] = []
        if self.outcome in ("killed", "no-killable", "panic-on-oom"):
            said += [self._row(task) for task in self.scan() if task["pid"] in self.mms]
            if self.outcome == "panic-on-oom":
                said.append(("panic", "compulsory" if self.sysctl["panic_on_oom"] == 2 else "system-wide"))
            elif self.outcome == "no-killable":
                said.append(("nobody",))
                if self.memcg is None and not self.is_sysrq:
                    said.append(("panic", "deadlocked"))
            else:
                said += self._kill_lines()
        return said + list(self._reaper_lines())

    def _row(self, task: dict[str, Any]) -> tuple[Any, ...]:
        mm = self.mms[task["pid"]]
        parts = tuple(self.read(mm, member) for member in ("anon", "file", "shmem"))
        shown = ("?",) * 3 if mm.one_number else parts
        split = shown if self.version >= (6, 8, 0) else ()
        live = task.get("thread", {}).get("pid", task["pid"])
        adj = task.get("oom_score_adj", 0)
        numbers = (live, _signed(task.get("uid", 0)), task["pid"], mm.total_vm, sum(parts), *split)
        return ("row", *map(str, (*numbers, mm.pgtables, self.read(mm, "swap"), adj)))

    def _kill_lines(self) -> Iterator[tuple[Any, ...]]:
        victim = self.chosen
        assert victim is not None
        pid = victim["pid"]
        if self.allocating:
            pid = victim.get("thread", {}).get("pid", pid)
        domain = "global" if self.memcg is None else self.memcg
        mems = ",".join(map(str, _ranges(self.mems(self.current))))
        yield (
            "oom-kill",
            f"CONSTRAINT_{self.constraint}",
            mems,
            domain,
            victim.get("memcg", "/"),
            str(pid),
            str(_signed(victim.get("uid", 0))),
        )
        for at, (task, how) in enumerate(self.killed):
            if at == 1 and self.group is not None:
                yield ("group", self.group)
            live = task.get("thread", {}).get("pid", task["pid"])
            if how == "exiting":
                yield ("exiting", str(task["pid"]))
                continue
            mm = self.mms[task["pid"]]
            kb = self.page_size >> 10
            parts = [("?" if mm.one_number else self.read(mm, member) * kb) for member in ("anon", "file", "shmem")]
            assert mm.total_vm is not None
            tables = mm.pgtables if (5, 4, 0) <= self.version < (5, 4, 9) else mm.pgtables >> 10
            yield (
                "killed",
                *map(str, (live, mm.total_vm * kb, *parts, task.get("uid", 0), tables, task.get("oom_score_adj", 0))),
            )
            for other in self.pinned(task):
                yield ("pinned", str(live), str(other["pid"]))
        if self.group is not None and len(self.killed) == 1:
            yield ("group", self.group)

    def _reaper_lines(self) -> Iterator[tuple[Any, ...]]:
        done: list[Mm] = []
        kb = self.page_size >> 10
        for task in self.reaped:
            mm = self.mms[task["pid"]]
            if mm.oom_skip or any(mm is other for other in done):
                continue
            done.append(mm)
            live = task.get("thread", {}).get("pid", task["pid"])
            left = {"anon": 0, "swap": 0, "file": mm.leaves.get("file", 0), "shmem": mm.leaves.get("shmem")}
            for member, stays in left.items():
                held = self.precise(mm, member)
                if stays is not None and held > stays:
                    if self.version < (6, 2, 0):
                        mm.count[member] += stays - held
                    else:
                        self.add(mm, member, min(self.online), stays - held)
            anon, *rest = (self.read(mm, member) * kb for member in ("anon", "file", "shmem"))
            yield ("reaped", *map(str, (live, anon, *(("?", "?") if mm.one_number else rest))))


def _signed(uid: int) -> int:
    return uid - (1 << 32) if uid >= 1 << 31 else uid


def _ranges(numbers: set[int]) -> list[str]:
    """`0-2`, `5`: the kernel's way to print a list."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]
