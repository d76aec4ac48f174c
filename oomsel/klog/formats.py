"""The lines of an OOM report, by release: the one table from which they are written and read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from oomsel.kernel.release import Rules


class Column(NamedTuple):
    """A column of the task table: its name in the header and how many characters it takes, right-aligned."""

    name: str
    width: int


class Layout(NamedTuple):
    """A layout of the task table, as dump_tasks() and dump_task() print it."""

    pid_width: int
    pid_header: str
    columns: tuple[Column, ...]  #: between `[ pid ]` and the name, in order

    @property
    def header(self) -> str:
        # A header's cell is as wide as its row's; oom_score_adj is narrower than its own name.
        return self.pid_header + "".join(f" {c.name:>{c.width}}" for c in self.columns) + " name"

    @property
    def row(self) -> str:
        """The row's %-format; every value a %s, so that a number nobody knows can be `?`."""
        return f"[%{self.pid_width}s]" + "".join(f" %{c.width}s" for c in self.columns) + " %s"


_IDS = (Column("uid", 5), Column("tgid", 5), Column("total_vm", 8), Column("rss", 8))
_SPLIT = (Column("rss_anon", 8), Column("rss_file", 8), Column("rss_shmem", 9))
# The kernel pads oom_score_adj with nine blanks and five digits, one character more than the header's word.
_REST = (Column("pgtables_bytes", 8), Column("swapents", 8), Column("oom_score_adj", 13))

#: 4.19 to 6.7: "[%7d] %5d %5d %8lu %8lu %8ld %8lu         %5hd %s"
TABLE_4_19 = Layout(7, "[  pid  ]", (*_IDS, *_REST))
#: 6.8 on: "[%7d] %5d %5d %8lu %8lu %8lu %8lu %9lu %8ld %8lu         %5hd %s"
TABLE_6_8 = Layout(7, "[  pid  ]", (*_IDS, *_SPLIT, *_REST))


def table_layout(rules: Rules) -> Layout:
    """The layout of the task table in a release."""
    return TABLE_6_8 if rules.split_table else TABLE_4_19


#: Every other line of a report, as %-formats in printk's order of arguments; %s for numbers that may be unknown.
INVOKED = "%s invoked oom-killer: gfp_mask=%s, order=%d, oom_score_adj=%d"
TASKS_STATE = "Tasks state (memory values in pages):"
OOM_KILL = "oom-kill:constraint=%s,nodemask=%s,cpuset=%s,mems_allowed=%s%s,task_memcg=%s,task=%s,pid=%d,uid=%d"
GLOBAL_OOM = ",global_oom"
OOM_MEMCG = ",oom_memcg=%s"
KILLED = (
    "%s: Killed process %d (%s) total-vm:%dkB, anon-rss:%skB, file-rss:%skB, shmem-rss:%skB,"
    " UID:%d pgtables:%dkB oom_score_adj:%d"
)
PINNED = "oom killer %d (%s) has mm pinned by %d (%s)"
OOM_GROUP = "Tasks in %s are going to be killed due to memory.oom.group set"
ALREADY_EXITING = "%s: OOM victim %d (%s) is already exiting. Skip killing the task"
REAPED = "oom_reaper: reaped process %d (%s), now anon-rss:%skB, file-rss:%skB, shmem-rss:%skB"
NO_KILLABLE = "Out of memory and no killable processes..."
PANIC = "Kernel panic - not syncing: %s"
PANIC_DEADLOCKED = "System is deadlocked on memory"
PANIC_ON_OOM = {
    1: "Out of memory: system-wide panic_on_oom is enabled",
    2: "Out of memory: compulsory panic_on_oom is enabled",
}

#: The prefix of printk time stamps, at the time of boot.
PRINTK_ZERO = "[    0.000000] "

#: What the kill line begins with.
PREFIX_GLOBAL = "Out of memory"
PREFIX_MEMCG = "Memory cgroup out of memory"
PREFIX_ALLOCATING = "Out of memory (oom_kill_allocating_task)"
#: A number that the input does not hold.
UNKNOWN = "?"


def format_list(numbers: Iterable[int]) -> str:
    """The numbers as the kernel's `%*pbl` prints them: ranges, ascending; empty for none.

    >>> format_list([0, 1, 2, 8])
    '0-2,8'
    """
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in parts)
