"""An OOM report as a log holds it: what is printed, line by line, and nothing that is concluded from it."""

from __future__ import annotations

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
    release: str


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


@dataclass(slots=True)
class MemcgUsage:
    """What a memory cgroup's report says of its limits; kB."""

    memory: int | None = None
    swap: int | None = None  #: cgroup v2
    memsw: int | None = None  #: cgroup v1: memory+swap
    path: str | None = None  #: the cgroup that ran out
    task_path: str | None = None  #: the victim's, as printed until 4.20
    line: int | None = None


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
    header_line: int | None = None
    rows: list[Row] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)  #: lines in the table that look like rows and cannot be read
    doubled: list[int] = field(default_factory=list)  #: lines of rows whose pid had one already
    losses: list[tuple[int, str]] = field(default_factory=list)  #: where a logger says, or shows, that lines are gone
    summary: Summary | None = None
    chosen: Chosen | None = None
    kills: list[Killed] = field(default_factory=list)
    group: tuple[int, str] | None = None  #: memory.oom.group: line and cgroup
    exiting: tuple[int, int] | None = None  #: line and pid of a victim met again
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

    @property
    def victim(self) -> tuple[int, bytes] | None:
        """Pid and name of who was killed first, by the kill line or else the summary."""
        if self.kills:
            return self.kills[0].pid, self.kills[0].comm
        if self.summary is not None:
            return self.summary.pid, self.summary.comm
        return None

    @property
    def ends(self) -> bool:
        """Whether the report's end is there: a kill, a panic, or nobody to kill."""
        return bool(self.kills) or self.no_killable is not None or self.panic is not None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is known to be missing."""
        return not any(True for _ in self.missing())

    def missing(self) -> Iterator[str]:
        """What is known to be missing or damaged, each in words, with its line where there is one."""
        if self.invoked is None and self.header_line is None and self.summary is None and self.chosen is None:
            yield "nothing but the kill line"
            return
        if self.invoked is None:
            yield "no line that says who invoked the OOM killer"
        if self.cut_lines:
            rows = f": {len(self.cut_rows)} row{'s lack their' if len(self.cut_rows) != 1 else ' lacks its'} end"
            yield f"lines are cut at column {self.cut_at}{rows if self.cut_rows else ''}"
        if self.header_line is None:
            yield "no task table"
        elif not self.rows and not self.cut_rows:
            yield "no row in the task table that can be read"
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

    def lost_victim(self) -> int | None:
        """The pid that was killed without standing in the table; None where that is not so."""
        pids = {row.pid for row in (*self.rows, *self.cut_rows)} | {row.numbers.get("tgid") for row in self.rows}
        named = [self.chosen.pid] if self.chosen else [self.kills[0].pid] if self.kills else []
        return next((pid for pid in named if pid not in pids), None)

    def row_of(self, pid: int) -> Row | None:
        """The row that has `pid` as its pid, or else as its tgid."""
        by_tgid = (row for row in self.rows if row.numbers.get("tgid") == pid)
        return next((row for row in self.rows if row.pid == pid), None) or next(by_tgid, None)


def _count(lines: list[int]) -> str:
    return f"{len(lines)} row{'' if len(lines) == 1 else 's'}"


def _lines(lines: list[int]) -> str:
    shown = ", ".join(str(line) for line in lines[:3])
    return shown if len(lines) <= 3 else f"{shown}, ..."
