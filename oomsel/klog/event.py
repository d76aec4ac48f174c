"""An OOM report as a log holds it: what is printed, line by line, and nothing that is concluded from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from oomsel.klog.meminfo import MemInfo
from oomsel.klog.table import Row


class Invoked(NamedTuple):
    """`COMM invoked oom-killer: ...`, with the line's number."""

    line: int
    comm: bytes
    gfp_mask: int
    gfp_names: str  #: as printed; empty before 4.6
    order: int
    oom_score_adj: int


class Current(NamedTuple):
    """The line of the stack dump that says who runs where: `CPU: 7 PID: 398 Comm: ...`."""

    line: int
    pid: int
    uid: int | None
    cpu: int | None
    release: str | None  #: None where what stands in its place is no release


class Summary(NamedTuple):
    """`oom-kill:constraint=...`, since 5.0."""

    line: int
    constraint: str
    nodemask: str
    cpuset: str
    mems_allowed: str
    oom_memcg: str | None
    task_memcg: str
    comm: bytes
    pid: int
    uid: int


class Chosen(NamedTuple):
    """`PREFIX: Kill process PID (COMM) score N or sacrifice child`, until 5.0."""

    line: int
    prefix: str
    pid: int
    comm: bytes
    score: int


class Killed(NamedTuple):
    """`Killed process PID (COMM) ...`; sizes in kB, None where that release does not print them."""

    line: int
    prefix: str
    pid: int
    comm: bytes
    total_vm: int | None
    anon: int | None
    file: int | None
    shmem: int | None
    uid: int | None
    pgtables: int | None
    oom_score_adj: int | None

    @property
    def rss(self) -> int | None:
        """kB, of all parts that are printed."""
        parts = [part for part in (self.anon, self.file, self.shmem) if part is not None]
        return sum(parts) if parts else None


class Pinned(NamedTuple):
    """`oom killer PID (COMM) has mm pinned by PID (COMM)`: the global init shares the victim's memory."""

    line: int
    pid: int
    pinner: int
    pinner_comm: bytes


class GroupLine(NamedTuple):
    """A line of memory.oom.group's walk: a kill, or a victim met again that is exiting."""

    line: int
    pid: int
    killed: bool


@dataclass(slots=True)
class MemcgUsage:
    """What a memory cgroup's report says of its limits and of what it holds."""

    memory: int | None = None  #: limit, kB
    swap: int | None = None  #: limit, kB; cgroup v2
    memsw: int | None = None  #: limit of memory+swap, kB; cgroup v1
    path: str | None = None  #: the cgroup that ran out
    task_path: str | None = None  #: the victim's, as printed until 4.20
    line: int | None = None  #: of the first limit
    lines: dict[str, int] = field(default_factory=dict)  #: of each limit, by the names above
    usage: int | None = None  #: kB, beside the memory limit
    failcnt: int | None = None  #: how often the limit was met
    swap_usage: int | None = None  #: kB; cgroup v2
    swap_failcnt: int | None = None
    memsw_usage: int | None = None  #: kB, of memory+swap; cgroup v1
    memsw_failcnt: int | None = None
    kmem_usage: int | None = None  #: kB of kernel memory, which `usage` counts, too; cgroup v1
    kmem: int | None = None  #: limit of that, kB
    kmem_failcnt: int | None = None
    stats: dict[str, int] = field(default_factory=dict)  #: memory.stat of `path`, in bytes
    below: dict[str, dict[str, int]] = field(default_factory=dict)  #: of each cgroup below it, its own; v1 until 5.1
    stats_line: int | None = None
    protection: tuple[int, int, int] | None = None  #: line, memory.min's and memory.low's kB among its children

    @property
    def all_stats(self) -> dict[str, int]:
        """memory.stat of `path` and all below it, as `usage` counts them; in bytes.

        v2's counters are that already.  v1 has them as `total_NAME` since 5.2, and before that the cgroups below
        have lines of their own.
        """
        totals = {name.removeprefix("total_"): size for name, size in self.stats.items() if name.startswith("total_")}
        found = {**self.stats, **totals}
        for stats in self.below.values():
            for name, size in stats.items():
                found[name] = found.get(name, 0) + size
        return found


@dataclass(slots=True)
class OomEvent:
    """One report, or what is left of it; `index` counts a log's reports from 1."""

    index: int
    first_line: int
    last_line: int
    stamp: str = ""
    tag: str | None = None
    caller: str = ""
    invoked: Invoked | None = None
    current: Current | None = None
    cpuset: tuple[str, str] | None = None  #: name and mems_allowed, on a line of their own until 4.20
    meminfo: MemInfo = field(default_factory=MemInfo)
    memcg: MemcgUsage = field(default_factory=MemcgUsage)
    columns: tuple[str, ...] = ()  #: of the task table
    pid_header: str = "[  pid  ]"  #: the header's first cell, which is narrower until 4.18
    header_line: int | None = None
    rows: list[Row] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)  #: lines in the table that look like rows and cannot be read
    doubled: list[int] = field(default_factory=list)  #: lines of rows whose pid had one already
    losses: list[tuple[int, str]] = field(default_factory=list)  #: where a logger says, or shows, that lines are gone
    mixed_line: int | None = None  #: from which on another report's lines stand between this one's
    mixed_tables: bool = False  #: whether rows of two tables stand between each other
    summary: Summary | None = None
    chosen: Chosen | None = None
    kills: list[Killed] = field(default_factory=list)
    group: tuple[int, str] | None = None  #: memory.oom.group: line and cgroup
    walk: list[GroupLine] = field(default_factory=list)  #: the lines that follow `group`
    exiting: tuple[int, int] | None = None  #: line and pid of a victim that was exiting already: chosen, or met again
    pinned: list[Pinned] = field(default_factory=list)
    origin_line: int | None = None  #: of the stack dump: swapoff, or KSM, which ask to be killed first
    calls: list[str] = field(default_factory=list)  #: of the stack dump, the innermost first, without doubtful ones
    calls_line: int | None = None
    slabs: dict[str, int] = field(default_factory=dict)  #: unreclaimable slab caches: kB that each takes, by name
    slabs_line: int | None = None
    kthread_line: int | None = None  #: of the stack dump: the allocating task is a kernel thread
    begins_at: str | None = None  #: with which part of a report it begins, where its first line is lost
    follows_lines: bool = False  #: whether the log has lines before it
    no_killable: int | None = None  #: line
    panic: tuple[int, str] | None = None  #: line and what the panic says
    reaped: list[tuple[int, int]] = field(default_factory=list)  #: line and pid
    host: str | None = None  #: the machine, as the logger names it
    date: str = ""  #: of the first line, where there is one beside the stamp
    remarks: list[str] = field(default_factory=list)  #: on how the log was read: newest first, lines made whole
    cut_at: int = 0  #: characters after which lines are cut; 0 where none is
    cut_lines: list[int] = field(default_factory=list)  #: the report's lines that lack their end
    cut_rows: list[Row] = field(default_factory=list)  #: rows of which only the first cells are left
    source_lines: list[bytes] = field(default_factory=list)  #: the report as it stands in the log

    def forget_surroundings(self) -> None:
        """Drop what stands before the table, where it may be another report's."""
        self.invoked = self.current = self.cpuset = None
        self.meminfo, self.memcg = MemInfo(), MemcgUsage()
        self.calls, self.slabs = [], {}
        self.calls_line = self.slabs_line = self.origin_line = self.kthread_line = None

    @property
    def victim(self) -> tuple[int, bytes] | None:
        """Pid and name of who was killed first, by the kill line or else the summary."""
        if self.kills and not self.lacks_victims_line:
            return self.kills[0].pid, self.kills[0].comm
        if self.summary is not None:
            return self.summary.pid, self.summary.comm
        return None

    @property
    def lacks_victims_line(self) -> bool:
        """Whether of a group only others have kill lines, and not whom the summary names."""
        is_named = self.summary is not None and self.summary.pid in {kill.pid for kill in self.kills}
        return self.group is not None and self.summary is not None and not is_named

    @property
    def killed(self) -> list[Killed]:
        """The kill lines, each process once: a group's first victim, who stays the first, may have two."""
        found: dict[int, Killed] = {}
        for kill in self.kills:
            found.setdefault(kill.pid, kill)
        return list(found.values())

    @property
    def ends(self) -> bool:
        """Whether the report's end is there: a kill, a victim that was exiting already, a panic, or nobody to kill."""
        named = bool(self.kills) or self.exiting is not None
        return named or self.no_killable is not None or self.panic is not None

    @property
    def is_memcg(self) -> bool | None:
        """Whether a memory cgroup ran out; None where no line that is left says it."""
        if self.summary is not None:
            return self.summary.constraint == "CONSTRAINT_MEMCG"
        lines = (self.chosen, *self.kills)
        prefix = next((line.prefix for line in lines if line is not None and line.prefix), "")
        if self.memcg.memory is not None or self.memcg.task_path is not None or prefix.startswith("Memory cgroup"):
            return True
        says_global = prefix or self.panic or not self.meminfo.is_empty  # a cgroup's report has no Mem-Info since 4.19
        return False if says_global else None

    @property
    def is_sysrq(self) -> bool:
        """Whether a kill was asked for by hand: by the first line's order, or where that is lost by the stack dump."""
        return "moom_callback" in self.calls if self.invoked is None else self.invoked.order == -1

    @property
    def constraint(self) -> str | None:
        """The constraint's name; None where no line that is left says it.

        Until 4.20 a report names a cgroup only: nothing in it tells a cpuset's or a policy's from none.
        """
        if self.summary is not None:
            return self.summary.constraint
        return "CONSTRAINT_MEMCG" if self.is_memcg else None

    @property
    def has_lost_constraint(self) -> bool:
        """Whether the line is lost that says the constraint: since 5.0 the oom-kill line, wherever somebody is killed.

        Before it a line says so at best of a cpuset, in the report's first two lines.
        """
        if self.summary is not None or self.panic is not None or self.no_killable is not None:
            return False
        if self.chosen is not None and self.invoked is None and self.cpuset is None:
            return True
        release = re.match(r"([0-9]{1,4})\.", (self.current.release if self.current else None) or "")
        if release:
            return int(release[1]) >= 5
        # Since 5.3 the kill line has the page tables, and since 4.15 the table.
        told = "pgtables_bytes" in self.columns or any(kill.pgtables is not None for kill in self.kills)
        return told and self.chosen is None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is known to be missing."""
        return not any(True for _ in self.missing())

    def missing(self) -> Iterator[str]:
        """What is known to be missing or damaged, each in words, with its line where there is one."""
        if not (self.invoked or self.header_line or self.summary or self.chosen or self.begins_at):
            nobody = "panic" if self.panic else "line that says that no process may be killed"
            yield f"nothing but the {'kill line' if self.kills or self.exiting else nobody}"
            return
        if self.mixed_line is not None:
            yield f"two reports are mixed, line {self.mixed_line}: whose the lines before the table are is not known"
        elif self.invoked is None:
            yield f"no line that says who invoked the OOM killer{self._where_cut()}"
        yield from self._missing_rows()
        if not self.ends:
            yield "no end, with the kill line"
        if self.damaged:
            yield f"{_count(self.damaged)} unreadable, line {_lines(self.damaged)}"
        if self.doubled:
            yield f"{_count(self.doubled)} there twice, line {_lines(self.doubled)}"
        for line, what in self.losses[:3]:
            yield f"{what}, line {line}"
        if (self.rows or self.cut_rows) and self.ends and (lost := self.lost_victim()) is not None:
            yield f"no row of the victim, pid {lost}"

    def _missing_rows(self) -> Iterator[str]:
        if self.cut_lines:
            rows = f": {len(self.cut_rows)} row{'s lack their' if len(self.cut_rows) != 1 else ' lacks its'} end"
            yield f"lines are cut at column {self.cut_at}{rows if self.cut_rows else ''}"
        if self.header_line is None:
            if not self.rows:
                yield "no task table"
        elif not self.rows and not self.cut_rows and self.no_killable is None:
            yield "no row in the task table that can be read"

    def _where_cut(self) -> str:
        """Where the head of the report is cut off."""
        if self.begins_at is None:
            return ""
        if self.follows_lines:
            return f" (what stands before its {self.begins_at}, line {self.first_line}, is lost)"
        return f" (the log begins inside this report, at its {self.begins_at})"

    @property
    def lacks_rows(self) -> bool:
        """Whether rows are known to be lost, or may be, as the end of the report is."""
        is_lost = (self.rows or self.cut_rows) and self.lost_victim() is not None
        follows = self.ends or self.summary is not None or self.chosen is not None  # a line that stands below the table
        return bool(self.damaged or self.doubled or self.losses or is_lost or not follows)

    def lost_victim(self) -> int | None:
        """The pid that was killed without standing in the table; None where that is not so."""
        pids = {row.pid for row in (*self.rows, *self.cut_rows)} | {row.numbers.get("tgid") for row in self.rows}
        if self.exiting is not None and not self.kills:
            return None  # it may have lost its mm, and with it its row, before the table was printed
        killed = self.victim if self.kills else None
        named = ({killed[0]} if killed else set()) | ({self.chosen.pid} if self.chosen else set())
        return None if named & pids else next(iter(sorted(named)), None)

    def row_of(self, pid: int) -> Row | None:
        """The row that has `pid` as its pid, or else as its tgid."""
        by_tgid = (row for row in self.rows if row.numbers.get("tgid") == pid)
        return next((row for row in self.rows if row.pid == pid), None) or next(by_tgid, None)

    def rows_by_pid(self) -> dict[int, Row]:
        """As `row_of` answers, for all pids at once."""
        by_tgid = {tgid: row for row in reversed(self.rows) if (tgid := row.numbers.get("tgid")) is not None}
        return by_tgid | {row.pid: row for row in reversed(self.rows)}


def _count(lines: list[int]) -> str:
    return f"{len(lines)} row{'' if len(lines) == 1 else 's'}"


def _lines(lines: list[int]) -> str:
    shown = ", ".join(str(line) for line in lines[:3])
    return shown if len(lines) <= 3 else f"{shown}, ..."
