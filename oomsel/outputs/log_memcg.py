"""What a report shows of a memory cgroup: what holds its memory, and why it ran out."""

from __future__ import annotations

from collections.abc import Iterator

from oomsel.klog.event import OomEvent
from oomsel.text import UNLIMITED_KB, mebibytes, printable

#: What memory.stat's counters are called in a sentence; those that are part of no other, v2's and then v1's.
_PARTS = {
    "anon": "anonymous memory",
    "rss": "anonymous memory",
    "file": "page cache",
    "cache": "page cache",
    "shmem": "shmem and tmpfs",
    "kernel": "the kernel for it",
    "sock": "sockets",
    "zswap": "zswap",
}
#: Where the release has no `kernel`: its parts.
_KERNEL_PARTS = ("slab", "kernel_stack", "pagetables", "percpu", "vmalloc")
#: Parts of less than a hundredth are not told.
_LEAST = 100


def memcg_sentences(event: OomEvent) -> Iterator[str]:
    """What holds the cgroup's memory, the most first, and what of it is protected."""
    memcg = event.memcg
    parts = _parts(memcg.all_stats)
    most = max((memcg.usage or 0) << 10, sum(parts.values()), 1)
    told = sorted(((size, name) for name, size in parts.items() if size * _LEAST >= most), reverse=True)
    if told and event.is_memcg:
        held = ", ".join(f"{name} {mebibytes(size)}" for size, name in told)
        used = (
            "of what it uses" if memcg.usage is None else f"of the {mebibytes(memcg.usage << 10)} that the cgroup uses"
        )
        yield f"{used}, {held} (memory.stat, line {memcg.stats_line})"
    if memcg.protection is not None and any(memcg.protection[1:]):
        line, least, low = memcg.protection
        yield f"memory.min protects {least} kB of its children's memory from reclaim, memory.low {low} kB, line {line}"


def _parts(stats: dict[str, int]) -> dict[str, int]:
    """Bytes of each part by its name in a sentence; shmem is taken out of the page cache that it is counted in."""
    parts = {_PARTS[name]: size for name, size in stats.items() if name in _PARTS}
    cache = "page cache"
    if cache in parts:
        parts[cache] = max(parts[cache] - stats.get("shmem", 0), 0)
    if "kernel" not in stats and (kernel := sum(stats.get(name, 0) for name in _KERNEL_PARTS)):
        parts[_PARTS["kernel"]] = kernel
    return parts


def why_cgroup_ran_out(event: OomEvent) -> str:
    """That it reached its limit, or which lines of it are missing."""
    memcg = event.memcg
    path = (event.summary.oom_memcg if event.summary else None) or memcg.path
    name = f"the cgroup {printable(path)}" if path is not None else "a cgroup, whose name is not in the log,"
    if memcg.memory is None:
        return f"{name} ran out of memory; how much it may have is not in the log: the cgroup's usage lines are missing"
    if memcg.memory >= UNLIMITED_KB:
        return f"{name} has no limit of its own, line {memcg.line}: one above it ran out"
    if (
        memcg.memsw is not None
        and memcg.memsw <= memcg.memory
        and memcg.usage is not None
        and memcg.usage < memcg.memory
    ):
        return f"{name} reached its limit of {memcg.memsw} kB of memory and swap together"
    return f"{name} reached its limit of {memcg.memory} kB"
