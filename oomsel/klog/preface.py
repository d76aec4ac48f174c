"""What stands in a report between its first line and the task table: who allocates, the cgroup, Mem-Info."""

from __future__ import annotations

from oomsel.klog import formats
from oomsel.klog.event import MemcgUsage, OomEvent
from oomsel.klog.prefix import Line
from oomsel.text import is_below

#: Calls of one trace that are kept: a kernel stack holds no more.
_MOST_CALLS = 200
#: What a line of usage and limit is of: the names of the limit, the usage and the failcnt.
_LIMITS = {
    "memory": ("memory", "usage", "failcnt"),
    "swap": ("swap", "swap_usage", "swap_failcnt"),
    "memory+swap": ("memsw", "memsw_usage", "memsw_failcnt"),
    "kmem": ("kmem", "kmem_usage", "kmem_failcnt"),
}


class Preface:
    """Reads these lines into `event`, with or without the report's first line before them."""

    def __init__(self, event: OomEvent) -> None:
        self._event = event
        self._in_stats = False  #: memory.stat follows, a line each
        self.has_trace = False
        self.is_ooms = False  #: a line is there that nothing but an OOM report has

    def read(self, line: Line, text: str) -> str | None:
        """Take `line` in: which part of the report it belongs to, None for no line of it."""
        part = self._part(line, text)
        self.is_ooms = self.is_ooms or (part is not None and part.startswith("cgroup's"))
        return part

    def _part(self, line: Line, text: str) -> str | None:
        was_in_stats, self._in_stats = self._in_stats, False
        if was_in_stats and (match := formats.MEMCG_STAT_RE.fullmatch(text)):
            self._event.memcg.stats.setdefault(match[1], int(match[2]))
            self._in_stats = True
            return "cgroup's memory.stat"
        return (
            self._cpuset(text)
            or self._limit(line.number, text)
            or self._cgroup(text)
            or self._stats(line.number, text)
            or self._protection(line.number, text)
            or self._event.meminfo.read(line.number, text)
        )

    def overhear(self, line: Line, text: str) -> None:
        """Note what a line of the stack dump shows; it is not read otherwise."""
        event = self._event
        self.has_trace = self.has_trace or formats.TRACE_BEGINS.match(text) is not None
        if not self.is_ooms and ("dump_header" in text or "oom_kill_process" in text):
            self.is_ooms = formats.DUMP_HEADER_RE.match(text) is not None
        # Calls without the heading of a trace are another CPU's, amid whose trace the report's first line stands.
        is_own = self.has_trace or self.is_ooms
        if match := formats.CALL_RE.fullmatch(text) if "+0x" in text else None:
            if is_own and len(event.calls) < _MOST_CALLS:
                event.calls.append(match[1])
                event.calls_line = event.calls_line or line.number
        elif match := formats.SLAB_RE.fullmatch(text) if "KB " in text else None:
            event.slabs.setdefault(match[1], int(match[3]))
            event.slabs_line = event.slabs_line or line.number
        if event.origin_line is None and formats.ORIGIN_RE.match(text):
            event.origin_line = line.number
        if (
            event.kthread_line is None
            and (("thread+0x" in text and is_own) or "Workqueue" in text)
            and formats.KTHREAD_RE.match(text)
        ):
            event.kthread_line = line.number

    def _cpuset(self, text: str) -> str | None:
        match = formats.CPUSET_RE.fullmatch(text) if " cpuset=" in text else None
        if match is None or self._event.cpuset is not None:
            return None
        self._event.cpuset = (match[1], match[2])
        return "cpuset"

    def _limit(self, number: int, text: str) -> str | None:
        match = formats.MEMCG_USAGE_RE.match(text)
        if match is None:
            return None
        memcg, (limit, usage, failcnt) = self._event.memcg, _LIMITS[match[1]]
        if getattr(memcg, limit) is None:
            for name, value in ((limit, match[3]), (usage, match[2]), (failcnt, match[4])):
                setattr(memcg, name, int(value))
            memcg.lines[limit] = number
            if limit != "kmem":
                memcg.line = memcg.line or number
        return "cgroup's limits"

    def _cgroup(self, text: str) -> str | None:
        match = formats.MEMCG_TASK_RE.fullmatch(text)
        if match is None:
            return None
        memcg = self._event.memcg
        memcg.task_path, memcg.path = match[1], match[2]
        return "cgroup's name"

    def _stats(self, number: int, text: str) -> str | None:
        match = formats.MEMCG_STATS_RE.fullmatch(text)
        if match is None:
            return None
        memcg = self._event.memcg
        if memcg.path is None and (memcg.line is not None or self._event.invoked is not None):
            # Without the lines before it, it may be that of a cgroup below, which v1 prints, too.
            memcg.path = match[1]
        found = {name: int(kb) << 10 for name, kb in formats.MEMCG_STAT_KB_RE.findall(match[2])}
        if memcg.stats_line is None and memcg.path == match[1]:
            memcg.stats_line, self._in_stats = number, not match[2]
            memcg.stats = found
        elif memcg.path is not None and match[1] != memcg.path and found and is_below(match[1], memcg.path):
            memcg.below.setdefault(match[1], found)
        return "cgroup's memory.stat"

    def _protection(self, number: int, text: str) -> str | None:
        match = formats.PROTECTION_RE.fullmatch(text)
        if match is None:
            return None
        memcg: MemcgUsage = self._event.memcg
        memcg.protection = memcg.protection or (number, int(match[1]), int(match[2]))
        return "protection"
