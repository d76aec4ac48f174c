"""Traces as their writers print them, of made-up updates whose counters are known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS

NAMES = {
    MM_FILEPAGES: "MM_FILEPAGES",
    MM_ANONPAGES: "MM_ANONPAGES",
    MM_SWAPENTS: "MM_SWAPENTS",
    MM_SHMEMPAGES: "MM_SHMEMPAGES",
}
#: How a line begins and what the event is called, by the writer.
FORMS = {
    "ftrace": "{comm:>16}-{pid:<7} [{cpu:03}] .....  {time}: rss_stat: {event}",
    "ftrace with tgid": "{comm:>16}-{tid:<7} ({pid:>7}) [{cpu:03}] .....  {time}: rss_stat: {event}",
    "ftrace without flags": "{comm:>16}-{pid:<7} [{cpu:03}]  {time}: rss_stat: {event}",
    "perf script": "{comm:>16} {pid:>7} [{cpu:03}] {time}: kmem:rss_stat: {event}",
    "perf script with tid": "{comm:>16} {pid:>5}/{tid:<5} [{cpu:03}] {time}:              kmem:rss_stat: {event}",
    "trace-cmd report": "{comm:>16}-{pid:<5} [{cpu:03}] {time}: rss_stat:             {event}",
    "trace-cmd report in nanoseconds": "{comm:>16}-{pid:<5} [{cpu:03}] {time}123: rss_stat:             {event}",
}


@dataclass
class Kernel:
    """Counters as percpu_counter_add_batch() leaves them, and the line that each add prints."""

    cpus: int = 2
    batch: int = 32
    form: str = "ftrace"
    numbered: bool = False
    count: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    slot: dict[tuple[int, int, int], int] = field(default_factory=lambda: defaultdict(int))
    size: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    now: int = 1_000_000_000  #: microseconds
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines.append(f"# entries-in-buffer/entries-written: 1/1   #P:{self.cpus}")

    def stamp(self) -> str:
        self.now += 7
        return f"{self.end:>12}"

    @property
    def end(self) -> str:
        """The time of the last line."""
        return f"{self.now // 10**6}.{self.now % 10**6:06}"

    def add(
        self,
        mm: int,
        member: int,
        amount: int,
        *,
        cpu: int = 0,
        pid: int = 100,
        tid: int | None = None,
        comm: str = "bash",
        curr: int = 1,
    ) -> None:
        held = self.slot[mm, member, cpu] + amount
        if abs(held) >= self.batch:
            self.count[mm, member] += held
            held = 0
        self.slot[mm, member, cpu] = held
        self.size[mm, member] += amount
        what = f"member={member}" if self.numbered else f"type={NAMES[member]}"
        event = f"mm_id={mm} curr={curr} {what} size={max(self.size[mm, member], 0) * 4096}B"
        fields = {"comm": comm, "pid": pid, "tid": tid or pid, "cpu": cpu, "time": self.stamp(), "event": event}
        self.lines.append(FORMS[self.form].format(**fields))

    def exec(self, mm: int, *, cpu: int = 0, pid: int = 100, comm: str = "bash") -> None:
        """A new mm, which begins with a page of its stack."""
        self.add(mm, MM_ANONPAGES, 1, cpu=cpu, pid=pid, comm=comm, curr=0)

    def exit(self, mm: int, *, cpu: int = 0, pid: int = 100, comm: str = "bash") -> None:
        """The teardown of an mm; whoever has its id next begins with counters of its own."""
        for member in NAMES:
            if self.size[mm, member]:
                self.add(mm, member, -self.size[mm, member], cpu=cpu, pid=pid, comm=comm, curr=0)
        self.count = defaultdict(int, {key: held for key, held in self.count.items() if key[0] != mm})
        self.slot = defaultdict(int, {key: held for key, held in self.slot.items() if key[0] != mm})

    def say(self, line: str) -> None:
        self.lines.append(line)

    def text(self) -> bytes:
        return "".join(f"{line}\n" for line in self.lines).encode("utf-8", "surrogateescape")

    def read(self, mm: int, member: int) -> int:
        """percpu_counter_read_positive()."""
        return max(self.count[mm, member], 0)

    def rss(self, mm: int) -> int:
        return sum(self.read(mm, member) for member in (MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES))
