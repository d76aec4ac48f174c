"""Random scenarios that keep every rule of format 1, as plain data: made from a seed and a number alone."""

from __future__ import annotations

from random import Random
from typing import Any

RELEASES = (
    "5.4", "5.4.3", "5.4.100", "5.8.1", "5.10.223", "5.13", "5.14", "5.18.2", "6.1.176", "6.2", "6.6.8", "6.8",
    "6.12.117", "6.12.117", "6.15.3", "6.16", "6.18", "6.18", "6.19.8", "6.19.9", "7.0", "7.3", "7.3",
)  # fmt: skip
MEMBERS = ("anon", "file", "shmem", "swap")
_NAMES = (
    "a",
    "bash",
    "x) (y",
    "java",
    "=1+1",
    "[red]",
    "sp ace",
    "\\x1b[0m",
    "\\x00a"[4:],
    "oom_reaper",
    "a,task=b,pid=7",
    "\u00e9t\u00e9",
    "",
)


def scenario_of(seed: int, index: int) -> dict[str, Any]:
    """The scenario number `index` of a seed."""
    return Maker(Random(f"scenario {seed}/{index}")).scenario()


class Maker:
    """Makes one scenario."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.release = rng.choice(RELEASES)
        self.few = rng.random() < 0.5  #: few different sizes, so that there are ties
        self.total = rng.random() < 0.06  #: RSS as one number
        self.odd = rng.random() < 0.5  #: tasks with flags

    def chance(self, share: float) -> bool:
        """True so often."""
        return self.rng.random() < share

    def scenario(self) -> dict[str, Any]:
        """All of it."""
        machine = self.machine()
        memcgs = self.memcgs() if self.chance(0.5) else {}
        tasks = self.tasks([*memcgs, "/", "/"])
        made: dict[str, Any] = {"oomsel": 1, "kernel": self.release, "machine": machine, "tasks": tasks}
        if memcgs:
            self.order(memcgs, tasks)
            made["memcgs"] = memcgs
        made["oom"] = self.oom(tasks, list(memcgs))
        sysctl: dict[str, Any] = {}
        for name, share in (("oom_kill_allocating_task", 0.1), ("panic_on_oom", 0.05)):
            if self.chance(share):
                sysctl[name] = 1
        if self.chance(0.03):
            sysctl["panic_on_oom"] = 2
        if self.chance(0.1):
            sysctl["swappiness"] = self.rng.choice((0, 1, 200))
        if sysctl:
            made["sysctl"] = sysctl
        updates = self.updates(tasks) if self.chance(0.3) else []
        if updates:
            made["updates"] = updates
        return made

    def machine(self) -> dict[str, Any]:
        """CPUs, memory and nodes."""
        rng = self.rng
        number = rng.choice((1, 2, 4, 4, 8, 24))
        self.possible = sorted(rng.sample(range(number * 2), number)) if self.chance(0.2) else list(range(number))
        self.online, self.dying = set(self.possible), set[int]()
        made: dict[str, Any] = {
            "cpus": list(self.possible),
            "ram": rng.choice((5_000, 100_000, 123_456)),
            "swap": rng.choice((0, 0, 5_000)),
        }
        if number > 2 and self.chance(0.25):
            away = set(rng.sample(self.possible, rng.randrange(1, number - 1)))
            self.dying = {cpu for cpu in away if self.chance(0.4)}
            self.online -= away
            made["online"] = sorted(self.online)
            if self.dying:
                made["dying"] = sorted(self.dying)
        self.batch = max(32, 2 * len(self.online))
        if self.chance(0.15):
            self.batch = made["batch"] = rng.choice((1, 8, 32, 100, 1000))
        if self.chance(0.1):
            made["page_size"] = 65536
        self.nodes = {0: 1}
        if self.chance(0.35):
            self.nodes = {node: rng.choice((0, 20_000, 50_000)) for node in rng.sample(range(5), rng.choice((1, 2, 3)))}
            self.nodes[next(iter(self.nodes))] = 40_000
            made["nodes"] = {str(node): {"ram": ram} for node, ram in self.nodes.items()}
            for cpu in self.possible:
                home = made["nodes"][str(rng.choice(list(self.nodes)))]
                home.setdefault("cpus", []).append(cpu)
            if self.chance(0.3):
                del made["ram"]
        self.with_memory = sorted(node for node, ram in self.nodes.items() if ram)
        return made

    def memcgs(self) -> dict[str, Any]:
        """A few cgroups, parents before children."""
        made: dict[str, Any] = {}
        for name in "abcde"[: self.rng.randrange(1, 6)]:
            parent = self.rng.choice(["", "", *made])
            group: dict[str, Any] = {}
            if self.chance(0.7):
                group["max"] = self.rng.choice((0, 500, 4_000, 60_000))
            if self.chance(0.3):
                group["swap_max"] = self.rng.choice((0, 100, 9_000))
            if self.chance(0.3):
                group["oom_group"] = True
            if self.chance(0.05):
                group["swappiness"] = self.rng.choice((0, 60))
            made[f"{parent}/{name}"] = group
        return made

    def order(self, memcgs: dict[str, Any], tasks: list[dict[str, Any]]) -> None:
        """Let some cgroups state the order in which their tasks entered."""
        for path, group in memcgs.items():
            if self.chance(0.15):
                pids = [task["pid"] for task in tasks if task.get("memcg", "/") == path]
                if pids:
                    self.rng.shuffle(pids)
                    group["order"] = pids

    def tasks(self, groups: list[str]) -> list[dict[str, Any]]:
        """Processes of all kinds."""
        rng = self.rng
        number = rng.choice((1, 2, 3, 5, 8, 12, 20))
        pids = rng.sample(range(2, 400), number * 2)
        if self.chance(0.3):
            pids[rng.randrange(number)] = 1
        made: list[dict[str, Any]] = []
        labels: list[str] = []
        has_init = False
        for at in range(number):
            task: dict[str, Any] = {"pid": pids[at], "comm": rng.choice(_NAMES)}
            if self.chance(0.3):
                task["uid"] = rng.choice((1000, 4294967294, 4294967295))
            made.append(task)
            kind = rng.random()
            if self.odd and kind < 0.06 and at:
                task["flags"] = ["kthread"]
                continue
            if self.chance(0.4):
                task["oom_score_adj"] = rng.choice((-1000, -999, -500, -1, 1, 5, 300, 1000))
            if self.chance(0.8):
                task["memcg"] = rng.choice(groups)
            if self.odd and kind < 0.12 and at:
                task["flags"] = ["zombie"]
                continue
            if self.odd and self.chance(0.1):
                task["thread"] = {"pid": pids[number + at]} | ({"comm": "thread"} if self.chance(0.5) else {})
            if self.odd and self.chance(0.25):
                flags = rng.sample(
                    ("exiting", "exited", "vfork", "coredump", "oom_skip", "oom_victim", "oom_origin"),
                    rng.choice((1, 1, 2)),
                )
                if "thread" in task:
                    flags = [flag for flag in flags if flag != "exited"]
                if flags:
                    task["flags"] = flags
            if not has_init and 1 not in pids and self.odd and self.chance(0.05):
                task.setdefault("flags", []).append("init")
                has_init = True
            label = rng.choice((*labels, f"m{at}")) if self.odd and self.chance(0.25) else None
            if label is not None:
                task["mm"] = label
            if label is None or label not in labels:
                self.memory(task)
            if label is not None:
                labels.append(label)
            if self.chance(0.3):
                task["cpuset"] = {"name": rng.choice(("/", "web", "=x"))} | self.mems()
            if self.chance(0.2):
                nodes = sorted(rng.sample(list(self.nodes), rng.randrange(1, len(self.nodes) + 1)))
                task["mempolicy"] = nodes if self.chance(0.6) else {"interleave": nodes}
        if all(set(task.get("flags", ())) & {"kthread", "zombie"} for task in made):
            made[0].pop("flags", None)
            self.memory(made[0])
        return made

    def mems(self) -> dict[str, Any]:
        """Some of the nodes, at least one with memory."""
        if self.chance(0.3):
            return {}
        chosen = set(self.rng.sample(list(self.nodes), self.rng.randrange(1, len(self.nodes) + 1)))
        return {"mems_allowed": sorted(chosen | {self.rng.choice(self.with_memory)})}

    def memory(self, task: dict[str, Any]) -> None:
        """What an mm states."""
        names = ("total", "swap") if self.total else MEMBERS
        task["rss"] = {name: self.counter() for name in names if name == "total" or self.chance(0.7)}
        if self.chance(0.5):
            task["pgtables_bytes"] = self.rng.choice((4096, 8192, 4095, 40_960, 123_456))
        if self.chance(0.3):
            task["total_vm"] = self.rng.choice((0, 1_000, 1 << 40))
        if self.chance(0.1):
            task["reaper_leaves"] = {
                name: self.rng.choice((0, 10, 5_000)) for name in ("file", "shmem") if self.chance(0.7)
            }
            if not task["reaper_leaves"]:
                del task["reaper_leaves"]
        if not task["rss"]:
            del task["rss"]

    def counter(self) -> Any:
        """A counter, as a number or with what CPUs have not folded in."""
        rng = self.rng
        count = rng.choice((0, 100, 200, 300)) if self.few else rng.randrange(-40, 900)
        if self.chance(0.1):
            count = rng.randrange(-100, 40_000)
        if self.chance(0.4):
            return count
        most = self.batch - 1
        cpus = rng.sample(self.possible, rng.randrange(0, len(self.possible) + 1))
        deltas = {str(cpu): rng.choice((most, -most, rng.randint(-most, most))) for cpu in cpus}
        return {"count": count, "deltas": deltas} if deltas else {"count": count}

    def oom(self, tasks: list[dict[str, Any]], groups: list[str]) -> dict[str, Any]:
        """The failed allocation."""
        rng = self.rng
        made: dict[str, Any] = {}
        alive = [task for task in tasks if "zombie" not in task.get("flags", ())]
        chosen: dict[str, Any] | None
        users = [task for task in alive if not set(task.get("flags", ())) & {"kthread", "init"} and task["pid"] != 1]
        if self.chance(0.06):
            made["order"] = -1
        elif self.chance(0.2):
            made["order"] = rng.randrange(0, 11)
        if self.chance(0.6) or not users:
            chosen = rng.choice(alive)
            made["current"] = chosen["thread"]["pid"] if "thread" in chosen and self.chance(0.5) else chosen["pid"]
        else:
            chosen = users[0] if "order" not in made or made["order"] >= 0 else None
        if self.chance(0.2):
            made["gfp_mask"] = rng.choice(
                ("GFP_KERNEL", "GFP_NOIO", 0, "GFP_NOFS", "GFP_HIGHUSER_MOVABLE|__GFP_THISNODE", "GFP_ATOMIC")
            )
        if made.get("order") == -1:  # asks for the whole machine
            return made
        if groups and self.chance(0.6):
            made["memcg"] = rng.choice(groups)
        if self.chance(0.25):
            made["nodemask"] = sorted(rng.sample(list(self.nodes), rng.randrange(1, len(self.nodes) + 1)))
        own = (chosen or {}).get("cpuset", {}).get("mems_allowed", self.with_memory)
        if not set(self.with_memory) <= set(own) and self.chance(0.5):
            made["cpuset_limited"] = True
        if self.chance(0.1):
            made["totalpages"] = rng.choice((1, 999, 1_000, 50_000))
        again = ("killed", "exiting", "unseen") if _version(self.release) >= (5, 9) else ("killed", "unseen")
        if self.chance(0.1):
            made["group_victim_again"] = rng.choice(again)
        return made

    def updates(self, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Counter updates and hotplug in an order that can be."""
        rng = self.rng
        made: list[dict[str, Any]] = []
        online, dying = set(self.online), set(self.dying)
        counted = [task for task in tasks if not set(task.get("flags", ())) & {"kthread", "zombie"}]
        with_total = {task["mm"] for task in tasks if "mm" in task and "total" in task.get("rss", {})}
        for _ in range(rng.randrange(1, 12)):
            if self.chance(0.15) and len(online) > 1:
                cpu = rng.choice(sorted(online | dying))
                online.discard(cpu)
                dying.discard(cpu)
                made.append({"offline": cpu})
            elif self.chance(0.15) and (away := set(self.possible) - online - dying):
                cpu = rng.choice(sorted(away))
                online.add(cpu)
                made.append({"online": [cpu]})
            else:
                task = rng.choice(counted)
                has_total = "total" in task.get("rss", {}) or task.get("mm") in with_total
                member = rng.choice(("total", "swap") if has_total else MEMBERS)
                pid = task["thread"]["pid"] if "thread" in task and self.chance(0.5) else task["pid"]
                update = {
                    "cpu": rng.choice(sorted(online)),
                    "pid": pid,
                    member: rng.choice((1, -1, 40, -40, 512, -200)),
                }
                made.append(update | ({"repeat": rng.choice((2, 31, 33))} if self.chance(0.3) else {}))
        return made


def _version(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
