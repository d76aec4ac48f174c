"""The lines of an OOM report, by release: the one table from which they are written and read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from oomsel.kernel.release import Rules
from oomsel.klog.patterns import Pattern


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
        """The line above the rows."""
        # A header's cell is as wide as its row's; oom_score_adj is narrower than its own name.
        return self.pid_header + "".join(f" {c.name:>{c.width}}" for c in self.columns) + " name"

    @property
    def has_heading(self) -> bool:
        """Whether a line that says in what the values are stands above the header; both came with 4.19."""
        return self.pid_width > _OLD[0]

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
_PAGE_TABLES = (Column("nr_ptes", 7), Column("nr_pmds", 7))
_SWAP = (Column("swapents", 8), Column("oom_score_adj", 13))
# Three digits under "oom_adj", which has more; a blank of the row's format goes with each.
_CPU = (Column("cpu", 3), Column("oom_adj", 7))
#: Until 4.18 the pid has two digits less, and no line says in what the values are.
_OLD = (5, "[ pid ]")
#: All of them, the oldest first.
LAYOUTS = (
    Layout(*_OLD, (*_IDS, *_CPU)),  # to 2.6.35: "[%5d] %5d %5d %8lu %8lu %3d     %3d %s"
    Layout(*_OLD, (*_IDS, *_CPU, _SWAP[1])),  # 2.6.36 to 3.5: "... %3u     %3d         %5d %s"
    Layout(*_OLD, (*_IDS, _PAGE_TABLES[0], *_SWAP)),  # 3.6 to 3.19: "[%5d] %5d %5d %8lu %8lu %7lu %8lu         %5d %s"
    Layout(*_OLD, (*_IDS, *_PAGE_TABLES, *_SWAP)),  # 4.0 to 4.14: "... %7ld %7ld %8lu         %5hd %s"
    Layout(*_OLD, (*_IDS, *_REST)),  # 4.15 to 4.18
    TABLE_4_19,
    TABLE_6_8,
)
_WIDTHS = {column.name: column.width for layout in LAYOUTS for column in layout.columns} | {"nr_puds": 7}


def table_layout(rules: Rules) -> Layout:
    """The layout of the task table in a release."""
    return TABLE_6_8 if rules.split_table else TABLE_4_19


def layout_of(names: Sequence[str], pid_header: str) -> Layout:
    """The layout of a table with these columns, a vendor's included; one that no release has is as wide as its name."""
    width = _OLD[0] if pid_header == _OLD[1] else TABLE_4_19.pid_width
    return Layout(width, pid_header, tuple(Column(name, _WIDTHS.get(name, len(name))) for name in names))


#: Every other line of a report, as %-formats in printk's order of arguments; %s for numbers that may be unknown.
#: dump_header():
INVOKED = "%s invoked oom-killer: gfp_mask=%s, order=%d, oom_score_adj=%d"
#: dump_tasks(), before the table:
TASKS_STATE = "Tasks state (memory values in pages):"
#: dump_oom_victim(), which was dump_oom_summary() before, and in it mem_cgroup_print_oom_context():
OOM_KILL = "oom-kill:constraint=%s,nodemask=%s,cpuset=%s,mems_allowed=%s%s,task_memcg=%s,task=%s,pid=%d,uid=%d"
GLOBAL_OOM = ",global_oom"
OOM_MEMCG = ",oom_memcg=%s"
#: __oom_kill_process():
KILLED = (
    "%s: Killed process %d (%s) total-vm:%dkB, anon-rss:%skB, file-rss:%skB, shmem-rss:%skB,"
    " UID:%d pgtables:%dkB oom_score_adj:%d"
)
PINNED = "oom killer %d (%s) has mm pinned by %d (%s)"
ALREADY_EXITING = "%s: OOM victim %d (%s) is already exiting. Skip killing the task"
#: mem_cgroup_print_oom_group():
OOM_GROUP = "Tasks in %s are going to be killed due to memory.oom.group set"
#: oom_reap_task_mm():
REAPED = "oom_reaper: reaped process %d (%s), now anon-rss:%skB, file-rss:%skB, shmem-rss:%skB"
#: out_of_memory():
NO_KILLABLE = "Out of memory and no killable processes..."
PANIC = "Kernel panic - not syncing: %s"
PANIC_DEADLOCKED = "System is deadlocked on memory"
#: check_panic_on_oom(), by vm.panic_on_oom:
PANIC_ON_OOM = {
    1: "Out of memory: system-wide panic_on_oom is enabled",
    2: "Out of memory: compulsory panic_on_oom is enabled",
}

#: How the same lines are read, in the form of any release; a name is whatever stands between what surrounds it.
#: 2.6.32: "%s invoked oom-killer: gfp_mask=0x%x, order=%d, oom_adj=%d"; oom_score_adj beside it from 2.6.36, alone from
#: 3.7; 4.6 on the flags' names; 4.9 to 4.20 nodemask= before the order, after which 4.11 to 4.18 print a second blank
#: where it is `(null)`.
INVOKED_RE = Pattern(
    r"(.*) invoked oom-killer: gfp_mask=0x([0-9a-fA-F]{1,8})(?:\((.*?)\))?,"
    r"(?: nodemask=(?:\(null\)|[0-9,-]*),)? +order=(-?[0-9]{1,3})"
    r"(?:, oom_adj=(-?[0-9]{1,4}))?(?:, oom_score_adj=(-?[0-9]{1,5}))?\b",
    re.DOTALL,
)
#: dump_stack(): "CPU: %d PID: %d Comm: %.20s %s %s %.*s", UID: since 6.12; "Pid: %d, comm: %.20s" until 3.9.
CURRENT_RE = Pattern(
    r"(?:CPU: ([0-9]+) )?(?:UID: ([0-9]+) )?(?:PID|Pid): ([0-9]{1,9}),? [Cc]omm: (.*?) "
    r"(?:Kdump: \w+ )?(?:Not tainted|Tainted: .*?)[ \t]+([0-9]+\.[0-9]\S*)(?:[ \t]|$)",
    re.DOTALL,
)
CURRENT_BEGINS = Pattern(r"(?:CPU: [0-9]+ )?(?:UID: [0-9]+ )?(?:PID|Pid): [0-9]{1,9},? [Cc]omm: ")
#: Until 4.20 a line of its own: "%s cpuset=%s mems_allowed=%*pbl".
CPUSET_RE = Pattern(r".* cpuset=(.*) mems_allowed=([0-9,-]+)", re.DOTALL)
#: Paths and names are not escaped, so the last `,pid=` counts, and `,task=` is looked for with the table's help.
OOM_KILL_BEGINS = "oom-kill:constraint="
OOM_KILL_RE = Pattern(
    r"oom-kill:constraint=([A-Za-z0-9_]+),nodemask=([^ ]*?),cpuset=(.*?),mems_allowed=([0-9,-]*)"
    r"(?:,global_oom|,oom_memcg=(.*?)),task_memcg=(.*),pid=([0-9]{1,9}),uid=(-?[0-9]{1,10})",
    re.DOTALL,
)
#: Until 5.0: "%s: Kill process %d (%s) score %u or sacrifice child"; some distributions put more before the score.
CHOSEN_RE = Pattern(
    r"(.{1,80}?): [Kk]ill process ([0-9]{1,9})(?:, UID [0-9]+,)? \((.*)\) .*?score ([0-9]{1,12}) or .*child", re.DOTALL
)
#: 2.6.32 the name alone, to 2.6.35 vsz:, 2.6.36 total-vm:, 4.5 shmem-rss:, 5.1 the prefix, 5.4 UID: and what follows.
#: Red Hat's 6 and 7 put the uid on either side of the name.
KILLED_BEGINS = Pattern(r"(?:([^:]{1,80}): )?Killed process ([0-9]{1,9})")
KILLED_RE = Pattern(
    r"(?:([^:]{1,80}): )?Killed process ([0-9]{1,9})(?:, UID ([0-9]{1,10}),)? \((.*)\)(?:, UID ([0-9]{1,10}))?"
    r"(?:,? (?:total-vm|vsz):([0-9]{1,18})kB, anon-rss:([0-9]{1,18}|\?)kB, file-rss:([0-9]{1,18}|\?)kB"
    r"(?:, shmem-rss:([0-9]{1,18}|\?)kB)?"
    r"(?:,? UID:([0-9]{1,10}) pgtables:([0-9]{1,18})kB oom_score_adj:(-?[0-9]{1,5}))?)?",
    re.DOTALL,
)
OOM_GROUP_RE = Pattern(r"Tasks in (.*) are going to be killed due to memory\.oom\.group set")
EXITING_RE = Pattern(r".*: OOM victim ([0-9]{1,9}) \((.*)\) is already exiting\. Skip killing the task", re.DOTALL)
REAPED_RE = Pattern(r"oom_reaper: reaped process :?([0-9]{1,9}) \((.*)\)", re.DOTALL)
NO_KILLABLE_RE = Pattern(r"Out of memory and no killable processes")
PANIC_RE = Pattern(
    r"Kernel panic - not syncing: (Out of memory.*|out of memory[.(].*|System is deadlocked on memory.*)", re.DOTALL
)
#: Words of which each of the lines has one that may end a report, from OOM_KILL_RE and CHOSEN_RE on.
ENDING_WORDS = Pattern(
    r"oom-kill:constraint=|[Kk]ill(?:ed)? process |oom\.group set|OOM victim | has mm pinned by |oom_reaper: "
    r"|and no killable|Kernel panic"
)
#: The limits of a memory cgroup: v2 `memory` and `swap`, v1 `memory` and `memory+swap`.
MEMCG_USAGE_RE = Pattern(
    r"(memory|memory\+swap|swap|kmem): usage ([0-9]{1,20})kB, limit ([0-9]{1,20})kB, failcnt ([0-9]{1,20})"
)
MEMCG_TASK_RE = Pattern(r"Task in (.*) killed as a result of limit of (.*)")
MEMCG_STATS_RE = Pattern(r"Memory cgroup stats for (.*?):((?: [a-z_]+:[0-9]+KB)*)")
#: What follows it, a line each, since 5.0 or so: memory.stat, in bytes.
MEMCG_STAT_RE = Pattern(r"([a-z][a-z_0-9]{1,40}) ([0-9]{1,19})")
MEMCG_STAT_KB_RE = Pattern(r"([a-z_]+):([0-9]{1,18})KB")
#: 6.19 on: "Memory cgroup min protection %lukB -- low protection %lukB", in every report where the controller is there.
PROTECTION_RE = Pattern(r"Memory cgroup min protection ([0-9]{1,18})kB -- low protection ([0-9]{1,18})kB")
#: mark_oom_victim()'s neighbour in __oom_kill_process(): the global init shares the victim's mm.
PINNED_RE = Pattern(r"oom killer ([0-9]{1,9}) \((.*)\) has mm pinned by ([0-9]{1,9}) \((.*)\)", re.DOTALL)
#: Calls in the trace of one who asked to die first, by set_current_oom_origin(): swapoff, and KSM's unmerging.
ORIGIN_RE = Pattern(
    r"\s*(?:\[<[0-9a-f]+>\]\s*)?(?:\?\s*)?(?:\w*[Ss]y[Ss]_swapoff|unmerge_and_remove_all_rmap_items)\+0x"
)
#: Calls that only a kernel thread's trace has; a `?` before a call means that it may be left over from another.
KTHREAD_RE = Pattern(r"Workqueue: | *(?:\[<[0-9a-f]+>\] )?(?:kthread|worker_thread)\+0x")
#: A call; one with a `?` may be left over from another trace and is not read.
CALL_RE = Pattern(r" *(?:\[<[0-9a-f]+>\] )?([A-Za-z_][\w.]{0,80})\+0x[0-9a-f]{1,6}/0x[0-9a-f]{1,6}(?: \[\w+\])?\s*")
#: A row under "Unreclaimable slab info:", which is there where slab takes much of RAM: "%-17s %10luKB %10luKB".
SLAB_RE = Pattern(r"(\S.{0,60}?) +([0-9]{1,15})KB +([0-9]{1,15})KB\s*")
TRACE_BEGINS = Pattern(r"Call [Tt]race:")
#: Calls by which the OOM killer's own trace is known.
DUMP_HEADER_RE = Pattern(r".*\b(?:dump_header|oom_kill_process)\b")
#: One of these words is in each of the lines below.
LOST_WORDS = ("lost", "dropped", "Missed ", "Suppressed ", "blob data", "drop messages")
#: What the kernel, journald and rsyslog say when they could not keep up.
LOST_RE = Pattern(
    r"\*\* [0-9]{1,19} printk messages dropped|printk: [0-9]{1,19} messages dropped|[0-9]{1,19} printk messages? lost"
    r"|Missed [0-9]{1,19} kernel messages|/dev/kmsg buffer overrun, some messages lost"
    r"|Suppressed [0-9]{1,19} messages from kernel\b"
    r"|^\[(?:[0-9.]+[KMG]?B? )?blob data\]$"  # journalctl, of what it cannot print
    r"|im(?:journal|klog|kmsg): (?:[0-9]{1,19} messages lost|begin to drop messages)"
)
#: Where other code prints Mem-Info for its own reasons: a failed allocation that kills nobody, and sysrq m.
OTHER_MEMINFO = ("allocation failure", "allocation stall", "Show Memory")

#: The prefix of printk time stamps, at the time of boot.
PRINTK_ZERO = "[    0.000000] "

#: What the kill line begins with.
PREFIX_GLOBAL = "Out of memory"
PREFIX_MEMCG = "Memory cgroup out of memory"
PREFIX_ALLOCATING = "Out of memory (oom_kill_allocating_task)"
#: A number that the input does not hold.
UNKNOWN = "?"
