"""totalpages as a report shows it: what constrained_alloc() had, from the lines that say so, or why it is unknown."""

from __future__ import annotations

from dataclasses import dataclass, replace

from oomsel.kernel.constraint import NODE_CONSTRAINTS
from oomsel.klog.event import MemcgUsage, OomEvent
from oomsel.text import UNLIMITED_KB, list_or_none, pages_of


@dataclass(frozen=True, slots=True)
class Total:
    """totalpages, and what it is made of; pages."""

    pages: int | None  #: None where the report does not show it
    because: str  #: in words, with the lines
    is_guess: bool = False  #: it rests on something that the log does not say
    memcg_max: int | None = None
    memcg_swap_max: int | None = None
    without_swap: int | None = None  #: what it would be at swappiness 0, where that is another and not known


@dataclass(frozen=True, slots=True)
class Swap:
    """The machine's swap; pages."""

    pages: int | None  #: None where nothing says it
    because: str


def ram_of(event: OomEvent) -> int | None:
    """Usable pages of RAM; None where the report does not show both numbers."""
    info = event.meminfo
    if info.ram is None or info.reserved is None or info.ram < info.reserved:
        return None
    return info.ram - info.reserved


def total_of(event: OomEvent, size: int, swap: Swap) -> Total:
    """totalpages of the report's constraint."""
    if event.is_memcg:
        return _memcg_total(event.memcg, size, swap)
    if event.constraint in NODE_CONSTRAINTS:
        return _nodes_total(event, size, swap)
    total = _global_total(event, swap)
    if total.pages is not None and event.has_lost_constraint:
        what = "whether a cpuset or a memory policy confined the allocation is not in the log: none is taken to have"
        return replace(total, because=f"{total.because}; {what}", is_guess=True)
    return total


def _global_total(event: OomEvent, swap: Swap) -> Total:
    info, ram = event.meminfo, ram_of(event)
    if ram is None:
        return Total(None, _what_is_missing(event))
    because = f"{info.ram} pages RAM less {info.reserved} reserved"
    if info.total_swap_kb is not None:
        because += f", and Total swap, line {info.ram_line}"
    elif swap.pages is not None:
        because += f", line {info.ram_line}; {swap.because}"
    elif info.line is None or info.free_swap_kb is not None or event.losses or _has_swapped(event):
        return Total(None, "of the report's Mem-Info block `Total swap` is not in the log")
    else:  # a kernel without swap prints none
        return Total(ram, f"{because}, line {info.ram_line}; no swap is printed", is_guess=True)
    return Total(ram + (swap.pages or 0), because)


def _has_swapped(event: OomEvent) -> bool:
    """Whether a row has swap, so that the machine has, too."""
    return any(row.numbers.get("swapents") for row in event.rows)


def _what_is_missing(event: OomEvent) -> str:
    """Which lines of the Mem-Info block a global total needs and the log does not have."""
    info = event.meminfo
    if event.mixed_line is not None:
        return f"two reports are mixed, line {event.mixed_line}, and whose the Mem-Info block is is not known"
    if info.is_empty:
        return "the report's Mem-Info block, which has RAM and swap, is not in the log"
    lost = [name for name, value in (("pages RAM", info.ram), ("pages reserved", info.reserved)) if value is None]
    what = " and ".join(f"`{name}`" for name in lost)
    return f"of the report's Mem-Info block {what or 'a possible number of pages'} is not in the log"


def _memcg_total(memcg: MemcgUsage, size: int, swap: Swap) -> Total:
    """memory.max, swap.max and totalpages of a memory cgroup's OOM; mem_cgroup_get_max()."""
    if memcg.memory is None:
        return Total(None, "the cgroup's usage lines, which have its limits, are not in the log")
    if memcg.memory >= UNLIMITED_KB:
        return Total(None, f"the cgroup itself has no limit, line {memcg.line}; the one above it ran out")
    limit = pages_of(memcg.memory, size)
    extra, what = _may_swap(memcg, size)
    where = f"the cgroup's limit, line {memcg.line}"
    if extra is None:
        where += f"; {what}"
        if swap.pages is None:
            because = f"{where}, and the machine's swap is not printed: 0 is taken for it"
            return Total(limit, because, is_guess=True, memcg_max=limit)
        because = f"{where}, the machine has {swap.pages} pages ({swap.because})"
        return _with_swap(limit, swap.pages, because, is_guess=False, swap_max=None)
    if memcg.memsw is None and memcg.swap is None and swap.pages != 0:
        return Total(limit, f"{where}; {what}: none is taken for it", is_guess=True, memcg_max=limit)
    usable = extra if swap.pages is None else min(extra, swap.pages)
    if swap.pages is None and extra:
        what += ", and the machine's swap is not printed: as much is taken for it"
    is_guess = swap.pages is None and extra != 0
    return _with_swap(limit, usable, f"{where}, {what}", is_guess=is_guess, swap_max=extra)


def _with_swap(limit: int, usable: int, because: str, *, is_guess: bool, swap_max: int | None) -> Total:
    return Total(limit + usable, because, is_guess, limit, swap_max, limit if usable else None)


def _may_swap(memcg: MemcgUsage, size: int) -> tuple[int | None, str]:
    """Pages of swap that the cgroup's own limits leave it, None for any number; and where that is said."""
    if memcg.memory is not None and memcg.memsw is not None:
        if memcg.memsw >= UNLIMITED_KB:
            return None, "its memory+swap has no limit"
        return pages_of(max(memcg.memsw - memcg.memory, 0), size), "with swap as memory+swap allows"
    if memcg.swap is not None:
        if memcg.swap >= UNLIMITED_KB:
            return None, "its swap has no limit"
        return pages_of(memcg.swap, size), "with its swap limit"
    return 0, "its swap limit is not in the log"


def _nodes_total(event: OomEvent, size: int, swap: Swap) -> Total:
    """A cpuset's or a memory policy's: what is present on its nodes, and all swap."""
    assert event.summary is not None
    is_policy = event.constraint == "CONSTRAINT_MEMORY_POLICY"
    text = event.summary.nodemask if is_policy else event.summary.mems_allowed
    nodes = list_or_none(text)
    if nodes is None:
        return Total(None, "the nodes that the allocation was bound to are not in the log")
    present = event.meminfo.present_by_node()
    if not set(nodes) <= set(present):
        whose = f"nodes {text} have" if len(nodes) > 1 else f"node {text} has"
        return Total(None, f"how much RAM {whose} is not in the log")
    pages = sum(pages_of(present[node], size) for node in nodes) + (swap.pages or 0)
    because = f"what is present on node{'s' * (len(nodes) > 1)} {text}, and Total swap"
    return Total(pages, because, is_guess=swap.pages is None)
