"""Rules over `updates`, which hold in the order in which they are replayed."""

from __future__ import annotations

from functools import cached_property, partial

from oomsel.kernel.percpu_counter import RSS_MEMBERS
from oomsel.scenario.models import Counter, Scenario, Task, Update
from oomsel.scenario.problems import MISSING, ProblemCollector
from oomsel.scenario.rules.machine import all_tasks_read, cpu_states_read, is_kthread, online_cpus, pids_of
from oomsel.scenario.rules.tasks import COUNTERS
from oomsel.scenario.values import Path
from oomsel.text import MAX_PAGES, format_numbers

#: What a counter may come to, in pages: four of them and what oom_score_adj adds stay within 64 bits.
MAX_HELD = 1 << 60


def check_updates(scenario: Scenario, collector: ProblemCollector) -> None:
    """Every update fits the machine as those before it leave it."""
    if not scenario.updates:
        return
    check = _Replay(scenario, collector)
    for index, update in enumerate(scenario.updates):
        check.update(update, ("updates", index))


class _Replay:
    def __init__(self, scenario: Scenario, collector: ProblemCollector) -> None:
        machine = scenario.machine
        self.collector = collector
        self.cpus_are_known = cpu_states_read(collector)
        self.possible = set(machine.cpus)
        self.online = online_cpus(machine)
        self.dying = set(machine.dying)
        self.shown: str | None = None
        self.tasks: dict[int, tuple[int, Task]] = {}
        for index, task in enumerate(scenario.tasks):
            if collector.reads("tasks", index, "pid"):
                for pid in pids_of(task):
                    self.tasks.setdefault(pid, (index, task))
        self.held: dict[tuple[int, str], int] = {}
        self.too_full: set[tuple[int, str]] = set()
        self.tasks_are_known = all_tasks_read(scenario, collector, "pid", "thread")
        self.mms_are_known = all_tasks_read(scenario, collector, "mm")
        self.describes: dict[str, tuple[int, Task]] = {}
        for index, task in enumerate(scenario.tasks):
            if task.mm is not None:
                self.describes.setdefault(task.mm, (index, task))

    def update(self, update: Update, path: Path) -> None:
        reads = partial(self.collector.reads, *path)
        if not (reads("offline") and reads("online")):
            self.cpus_are_known = False  # from here on
            return
        if update.offline is not None or update.online is not None:
            self.hotplug(update, path)
            return
        if not self.collector.stated(*path):
            self.collector.add(path, "an empty update; state cpu, pid and a counter")
            return
        for name in ("cpu", "pid"):
            if getattr(update, name) is None and reads(name):
                self.collector.add((*path, name), MISSING)
        named = [name for name in COUNTERS if getattr(update, name) is not None]
        if not named and all(map(reads, COUNTERS)):
            self.collector.add(path, "an update of no counter; state anon, file, shmem or swap")
        if update.cpu is not None:
            self.cpu(update.cpu, (*path, "cpu"))
        for name in named:
            if abs(getattr(update, name)) * update.repeat >= MAX_PAGES:
                message = f"{getattr(update, name)} pages {update.repeat} times; stay below 2^51 pages in all"
                self.collector.add((*path, name), message)
        if update.pid is not None:
            self.target(update.pid, update, named, path)

    def cpu(self, cpu: int, path: Path) -> None:
        if self.cpus_are_known and cpu not in self.online:
            what = "not online" if cpu in self.possible else "not possible"
            self.collector.add(path, f"CPU {cpu} is {what} here; online are {self.online_text()}")
        elif not self.cpus_are_known and cpu not in self.possible and self.collector.reads("machine", "cpus"):
            self.collector.add(path, f"CPU {cpu} is not possible; machine.cpus has {self.possible_text}")

    def target(self, pid: int, update: Update, named: list[str], path: Path) -> None:
        if pid not in self.tasks:
            if self.tasks_are_known:
                self.collector.add((*path, "pid"), f"no task has pid {pid}; name one of tasks")
            return
        index, task = self.tasks[pid]
        if is_kthread(task) or "zombie" in task.flags:
            kind = "a kernel thread" if is_kthread(task) else "a zombie"
            self.collector.add((*path, "pid"), f"pid {pid} is {kind} and has no counters; name another")
            return
        owner = self.owner(index, task)
        if owner is None:
            return
        has_total = owner.rss is not None and owner.rss.total is not None
        for name in named:
            if has_total and name in RSS_MEMBERS:
                self.collector.add((*path, name), f"pid {pid} states its rss as total; update total")
            elif not has_total and name == "total":
                message = f"pid {pid} does not state its rss as total; update anon, file or shmem"
                self.collector.add((*path, name), message)
            else:
                self.add(owner, name, getattr(update, name) * update.repeat, (*path, name))

    def owner(self, index: int, task: Task) -> Task | None:
        """The task that describes the mm of `task`; None where it is not known for certain, or how it counts."""
        owning, owner = (index, task) if task.mm is None else self.describes[task.mm]
        known = self.collector.reads("tasks", index, "mm") if task.mm is None else self.mms_are_known
        if not known or not self.collector.reads_whole("tasks", owning, "rss"):
            return None
        rss = owner.rss
        both = rss is not None and rss.total is not None and (rss.anon or rss.file or rss.shmem)
        return None if both else owner  # that both are stated is a problem already

    def add(self, owner: Task, name: str, pages: int, path: Path) -> None:
        """Add to what the owner's counter holds, folded or not; small updates may bring it out of range together."""
        counter: Counter | None = getattr(owner.rss, name, None)
        stated = 0 if counter is None else counter.count + sum(counter.deltas.values())
        before = self.held.get((owner.pid, name), stated)
        after = before + pages
        if abs(pages) >= MAX_PAGES:
            return  # that is a problem already
        if abs(after) >= MAX_HELD and abs(after) > abs(before) and (owner.pid, name) not in self.too_full:
            self.too_full.add((owner.pid, name))
            self.collector.add(path, f"brings the counter to {after} pages; stay below 2^60 pages")
        self.held[owner.pid, name] = after

    def hotplug(self, update: Update, path: Path) -> None:
        name = "offline" if update.offline is not None else "online"
        beside = [key for key in self.collector.stated(*path) or () if key != name]
        if beside:
            self.collector.conflict((*path, name), (*path, beside[0]), "conflicts with {}; hotplug stands alone")
        if not self.cpus_are_known:
            return
        for cpu in getattr(update, name):
            if wrong := self.take_down(cpu) if name == "offline" else self.bring_up(cpu):
                self.collector.add((*path, name), wrong)
                return

    @cached_property
    def possible_text(self) -> str:
        """The possible CPUs as a message shows them."""
        return format_numbers(self.possible)

    def online_text(self) -> str:
        """The CPUs online as a message shows them; there may be thousands, and of messages too."""
        if self.shown is None:
            self.shown = format_numbers(self.online)
        return self.shown

    def take_down(self, cpu: int) -> str:
        if cpu in self.dying:
            self.dying.discard(cpu)
        elif cpu not in self.online:
            what = "offline already" if cpu in self.possible else "not possible"
            return f"CPU {cpu} is {what}; online are {self.online_text()}"
        elif len(self.online) == 1:
            return f"CPU {cpu} is the last one online; one stays online"
        else:
            self.online.discard(cpu)
            self.shown = None
        return ""

    def bring_up(self, cpu: int) -> str:
        if cpu in self.online or cpu not in self.possible:
            what = "online already" if cpu in self.online else "not possible"
            return f"CPU {cpu} is {what}; possible are {self.possible_text}"
        if cpu in self.dying:
            return f"CPU {cpu} is dying; take it offline first"
        self.online.add(cpu)
        self.shown = None
        return ""
