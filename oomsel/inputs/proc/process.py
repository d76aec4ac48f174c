"""One process: its directory in /proc, opened once and read while it stands still; fs/proc/array.c (5.4 to 7.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from oomsel.inputs.proc.tree import Directory, Tree
from oomsel.text import TASK_COMM_LEN, whole_number

#: Flags of a task, as include/linux/sched.h has them.
PF_EXITING, PF_KTHREAD = 0x4, 0x200000
#: The bit of SIGKILL in a set of pending signals.
_SIGKILL = 1 << 8
#: The parts of the resident set in a `status`, in kB.
_RSS = re.compile(rb"\nRssAnon:\t *([0-9]{1,15}) kB\nRssFile:\t *([0-9]{1,15}) kB\nRssShmem:\t *([0-9]{1,15}) kB\n")
#: Numbers from here on are none that a kernel writes, and beyond what sums of them may be.
_TOO_LARGE = 1 << 50
#: So often `stat`, `status`, `stat` is read until both `stat`s say the same.
TRIES = 5


class Malformed(Exception):
    """A file of a process that holds something else than the kernel writes."""


class Stat(NamedTuple):
    """/proc/PID/stat, as far as the OOM killer goes."""

    comm: bytes
    state: bytes  #: a letter
    ppid: int
    flags: int
    threads: int
    start: int  #: clock ticks after the boot
    vsize: int  #: bytes
    rss: int  #: pages; always the approximate one
    layout: tuple[bytes, ...]  #: addresses of code, stack, data, heap and arguments: equal where an mm is shared


@dataclass(slots=True)
class Process:
    """A process as /proc shows it.  Memory is in kB where the kernel writes kB, and None where it has no mm."""

    pid: int
    stat: Stat  #: of the thread that has the mm, but for `comm`, `state`, `start` and `threads`: the leader's
    uid: int
    score: int  #: oom_score
    adj: int  #: oom_score_adj
    cgroup: bytes  #: of the thread that has the mm
    stable: bool  #: it stood still while it was read
    exiting: bool
    dumping: bool
    mems_allowed: str | None = None  #: a nodelist
    anon: int = 0
    file: int = 0
    shmem: int = 0
    swap: int = 0
    pgtables: int = 0
    has_mm: bool = False
    thread: tuple[int, bytes] | None = None  #: pid and name of the thread that has a dead leader's mm
    policy: str | None = None  #: its memory policy as numa_maps shows it, where that was asked
    mm: str | None = None  #: a label that the processes with one mm share

    @property
    def mm_pid(self) -> int:
        """The pid of the thread that has the mm."""
        return self.pid if self.thread is None else self.thread[0]


def read_process(tree: Tree, pid: int, *, mempolicy: bool = False) -> Process | None:
    """The process `pid`, None if it is a kernel thread.

    Raises OSError where it is gone or may not be read, Malformed where its files are not the kernel's.
    """
    with tree.directory(f"proc/{pid}") as directory:
        return _read(tree, pid, directory, mempolicy)


def _read(tree: Tree, pid: int, directory: Directory, mempolicy: bool) -> Process | None:
    raw = tree.read("stat", directory)
    if is_kthread(raw):
        return None
    stable = False
    for _ in range(TRIES):
        before = raw
        status = tree.read("status", directory)
        score = tree.read("oom_score", directory)
        raw = tree.read("stat", directory)
        stat = parse_stat(raw)
        stable = before == raw or _stands_still(parse_stat(before), stat)
        if stable:
            break
    process = Process(
        pid=pid,
        stat=stat,
        uid=_number(status, b"\nUid:\t", b"\t"),
        score=_whole(score, "oom_score"),
        adj=_whole(tree.read("oom_score_adj", directory), "oom_score_adj"),
        cgroup=tree.read("cgroup", directory),
        stable=stable,
        # A SIGKILL stays pending on every thread of a group that was told to exit.
        exiting=bool(stat.flags & PF_EXITING) or bool(_signals(status) & _SIGKILL),
        dumping=b"\nCoreDumping:\t1" in status,
    )
    if b"\nVmRSS:" in status:
        _put_memory(process, status)
    elif stat.state == b"Z" and stat.threads > 1:
        _put_living_thread(tree, directory, process)
    if mempolicy and process.has_mm and process.thread is None:
        process.policy = _policy(tree, directory)
    return process


def is_kthread(stat: bytes) -> bool:
    """Whether a `stat` is a kernel thread's, told without reading the rest of it."""
    fields = stat[stat.rfind(b")") + 2 :].split(b" ", 7)
    return len(fields) == 8 and len(fields[6]) < 20 and fields[6].isdigit() and bool(int(fields[6]) & PF_KTHREAD)


def _stands_still(before: Stat, after: Stat) -> bool:
    """Whether what was read between two `stat`s is of one moment, as far as memory goes."""
    return (before.rss, before.vsize, before.state == b"Z") == (after.rss, after.vsize, after.state == b"Z")


def parse_stat(raw: bytes) -> Stat:
    """The fields of a `stat`; the name stands between the first and the last parenthesis, whatever is in it."""
    try:
        left, right = raw.index(b"("), raw.rindex(b")")
        fields = raw[right + 2 :].split()  # from the third field on
        stat = Stat(
            raw[left + 1 : right],
            fields[0],
            whole_number(fields[1]),
            whole_number(fields[6]),
            whole_number(fields[17]),
            whole_number(fields[19]),
            whole_number(fields[20]),
            whole_number(fields[21]),
            (*fields[23:26], fields[42], *fields[44:46]),
        )
    except (ValueError, IndexError):
        raise Malformed("stat") from None
    if len(stat.comm) >= TASK_COMM_LEN and not stat.flags & PF_KTHREAD:  # a worker's shows what it works on
        raise Malformed("stat")
    if not (0 <= stat.rss < _TOO_LARGE and 0 <= stat.vsize < _TOO_LARGE << 12):
        raise Malformed("stat")
    return stat


def _put_memory(process: Process, status: bytes) -> None:
    """What `status` says of the mm.  The names of its lines cannot be forged: a newline in a comm is escaped."""
    process.has_mm = True
    parts = _RSS.search(status)
    if parts is None:
        raise Malformed("status")
    process.anon, process.file, process.shmem = map(int, parts.groups())
    process.swap = _number(status, b"\nVmSwap:\t") if b"\nVmSwap:" in status else 0  # CONFIG_SWAP
    process.pgtables = _number(status, b"\nVmPTE:\t")
    start = status.find(b"\nMems_allowed_list:\t")
    if start >= 0:
        process.mems_allowed = status[start + 20 :].partition(b"\n")[0].decode("ascii", "replace")


def _put_living_thread(tree: Tree, directory: Directory, process: Process) -> None:
    """The first thread that still has the mm, as find_lock_task_mm() finds it."""
    try:
        threads = sorted(int(name) for name in tree.names(f"{directory.path}/task") if name.isdecimal())
    except OSError:
        return
    for tid in threads:
        try:
            status = tree.read(f"task/{tid}/status", directory)
            if b"\nVmRSS:" not in status:
                continue
            stat = parse_stat(tree.read(f"task/{tid}/stat", directory))
            process.cgroup = tree.read(f"task/{tid}/cgroup", directory)
        except (FileNotFoundError, ProcessLookupError):
            continue
        leader = process.stat
        process.stat = stat._replace(
            comm=leader.comm, state=leader.state, threads=leader.threads, start=leader.start, ppid=leader.ppid
        )
        process.thread = (tid, stat.comm)
        process.exiting = bool(_signals(status) & _SIGKILL)
        process.dumping = b"\nCoreDumping:\t1" in status
        _put_memory(process, status)
        return


def _policy(tree: Tree, directory: Directory) -> str | None:
    """The policy of the stack's pages: nobody binds those alone, so it is the task's own.

    None where numa_maps is not there or may not be read.
    """
    try:
        lines = tree.read("numa_maps", directory).split(b"\n")
    except OSError:
        return None
    words = (line.split() for line in lines if b" stack" in line)
    return next((each[1].decode("ascii", "replace") for each in words if len(each) > 1), "default")


def _signals(status: bytes) -> int:
    start = status.find(b"\nSigPnd:\t")
    try:
        return whole_number(status[start + 9 : status.index(b"\n", start + 1)], 16) if start >= 0 else 0
    except ValueError:
        raise Malformed("status") from None


def _number(status: bytes, key: bytes, end: bytes = b" kB") -> int:
    """The number behind `key`, up to `end`."""
    try:
        start = status.index(key) + len(key)
        number = whole_number(status[start : status.index(end, start)])
    except ValueError:
        raise Malformed("status") from None
    if not 0 <= number < _TOO_LARGE:
        raise Malformed("status")
    return number


def _whole(raw: bytes, name: str) -> int:
    """The number that is all of the file `name`; no score and no oom_score_adj is beyond some thousands."""
    try:
        number = whole_number(raw)
    except ValueError:
        raise Malformed(name) from None
    if not -1000 <= number <= 10_000:
        raise Malformed(name)
    return number


def pids_of(tree: Tree) -> list[int]:
    """The pids that the directory of processes lists.  Raises OSError."""
    return [int(name) for name in tree.names("proc") if name.isascii() and name.isdecimal() and len(name) < 10]


def in_tasklist_order(process: Process) -> tuple[int, int]:
    """The place of a process in the list of tasks, which grows at its end: by age, within a tick by pid."""
    return process.stat.start, process.pid
