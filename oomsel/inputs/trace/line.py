"""One line of a trace: an event that is needed, read by its form; include/trace/events/{kmem,oom}.h."""

from __future__ import annotations

import re
from typing import NamedTuple

from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS

#: Members as the event names them, and as it numbers them on older kernels.
MEMBER_OF = {
    b"MM_FILEPAGES": MM_FILEPAGES,
    b"MM_ANONPAGES": MM_ANONPAGES,
    b"MM_SWAPENTS": MM_SWAPENTS,
    b"MM_SHMEMPAGES": MM_SHMEMPAGES,
}
#: Where any event's line begins: CPU, flags where they are shown, seconds; the event's name follows.
_START = rb"\[(?P<cpu>\d{1,4})\](?: \S{4,8})? +(?P<seconds>\d{1,10})\.(?P<fraction>\d{6}|\d{9}): +"
RSS_STAT = re.compile(
    _START + rb"(?P<event>(?:kmem:)?rss_stat:) +(?P<mm>mm_id=)(?P<mm_id>\d{1,10}) curr=(?P<curr>[01])"
    rb" (?:type=(?P<type>MM_[A-Z]+)|member=(?P<member>[0-3])) size=(?P<size>-?\d{1,18})B\r?\Z"
)
_RSS_STAT_NAME = re.compile(_START + rb"(?:kmem:)?rss_stat:")
#: An event without the CPU and the time that begin it, which any other line with this text has.
_HEADLESS = re.compile(rb"(?:\A|[ :])rss_stat: +mm_id=\d")
_ANY_START = re.compile(_START)
_VICTIM = re.compile(_START + rb"(?:oom:)?mark_victim: +pid=(?P<pid>\d{1,7})(?P<more>.*)")
_KB = re.compile(rb" (anon-rss|file-rss|shmem-rss)[:=](\d{1,18})kB")
_COMM = re.compile(rb" comm=(.{0,15}?) total-vm[:=]")
_ADJ = re.compile(rb" oom_score_adj[:=](-?\d{1,4})\s*\Z")
#: ftrace and trace-cmd say it of a CPU, perf of all.
_LOST = re.compile(rb"\s*CPU:(?P<cpu>\d{1,4}) \[(?:LOST )?\d* ?EVENTS(?: DROPPED)?\]|.*\bPERF_RECORD_LOST\b")
_TASK = re.compile(
    rb"\s*+(?P<comm>.{0,64}?)"
    rb"(?:-(?P<pid>\d{1,7}) +\( *(?P<tgid>\d{1,7})\)|(?:-| ++|(?<= ))(?P<leader>\d{1,7})(?:/\d{1,7})?)"
    rb" +\[\d{1,4}\](?: \S{4,8})? +\d{1,10}\.\d{6,9}: "
)
_MAY_MATTER = re.compile(rb"rss_stat:|mark_victim:|[ \[]EVENTS|_LOST")
#: How many CPUs are online, as ftrace's header and trace-cmd's first line say it.
_CPUS = re.compile(rb"#.*#P:(?P<ftrace>\d{1,4})\s*\Z|cpus=(?P<trace_cmd>\d{1,4})\s*\Z")


class Victim(NamedTuple):
    """oom:mark_victim: the kernel chose a process."""

    time: int  #: nanoseconds
    pid: int
    comm: bytes | None  #: None before it was told, 6.8
    #: kB by member, as get_mm_counter() read them; None before they were told.
    kb: dict[int, int] | None
    oom_score_adj: int | None


class Lost(NamedTuple):
    """Events are missing here, of a CPU, or of any where it is None."""

    cpu: int | None


class Update(NamedTuple):
    """kmem:rss_stat."""

    time: int
    cpu: int
    mm_id: int
    curr: int
    member: int
    size: int  #: bytes


def may_matter(line: bytes) -> bool:
    """Whether a line that is no ordinary rss_stat event may be one that is needed."""
    return _MAY_MATTER.search(line) is not None


def read_line(line: bytes) -> Update | Victim | Lost | None:
    """The event of a line; None where it is another one.  Raises ValueError for an rss_stat that cannot be read."""
    match = RSS_STAT.search(line)
    if match is not None:
        return _update(match)
    if _RSS_STAT_NAME.search(line) or (_HEADLESS.search(line) and not _ANY_START.search(line)):
        raise ValueError
    victim = _VICTIM.search(line)
    if victim is not None:
        return _victim(victim)
    lost = _LOST.match(line)
    return Lost(int(lost["cpu"]) if lost["cpu"] else None) if lost else None


def time_of(match: re.Match[bytes]) -> int:
    """The event's time in nanoseconds."""
    return int(match["seconds"]) * 10**9 + int(match["fraction"].ljust(9, b"0"))


def _update(match: re.Match[bytes]) -> Update:
    if match["type"] is not None:
        member = MEMBER_OF.get(match["type"])
        if member is None:
            raise ValueError
    else:
        member = int(match["member"])
    return Update(
        time_of(match), int(match["cpu"]), int(match["mm_id"]), int(match["curr"]), member, int(match["size"])
    )


def _victim(match: re.Match[bytes]) -> Victim:
    more = match["more"]
    found = {name: int(kb) for name, kb in _KB.findall(more)}
    kb = None
    if len(found) == 3:
        kb = {
            MM_ANONPAGES: found[b"anon-rss"],
            MM_FILEPAGES: found[b"file-rss"],
            MM_SHMEMPAGES: found[b"shmem-rss"],
        }
    comm, adj = _COMM.search(more), _ADJ.search(more)
    return Victim(time_of(match), int(match["pid"]), comm[1] if comm else None, kb, int(adj[1]) if adj else None)


def task_of(line: bytes) -> tuple[int, bytes] | None:
    """pid and name of the task that made the event: its process's pid where the trace shows it."""
    match = _TASK.match(line)
    if match is None:
        return None
    return int(match["tgid"] or match["leader"] or match["pid"]), match["comm"]


def cpus_said(line: bytes) -> int | None:
    """The number of CPUs online that a header line says."""
    match = _CPUS.match(line)
    return int(match["ftrace"] or match["trace_cmd"]) if match else None
