"""The memory that a report itself shows, and why the allocation failed, in a few sentences."""

from __future__ import annotations

from typing import Any

from oomsel.inputs.log.facts import Facts
from oomsel.klog.event import OomEvent
from oomsel.klog.meminfo import Zone
from oomsel.text import printable

_KIB = 1 << 10
#: The bits that name a zone: the same in every release that can be read.
GFP_DMA, GFP_HIGHMEM, GFP_DMA32, GFP_MOVABLE = 1, 2, 4, 8


def memory_summary(event: OomEvent, facts: Facts) -> list[str]:
    """Sentences on RAM, swap, free memory, slab, zones below their watermarks and free blocks; the last says why."""
    info, size = event.meminfo, facts.page_size
    lines = []
    if facts.ram is not None and info.ram is not None:
        lines.append(f"RAM {_mib(facts.ram * size)} usable of {_mib(info.ram * size)}")
    if info.total_swap_kb is not None:
        free = f", {_mib(info.free_swap_kb * _KIB)} free" if info.free_swap_kb is not None else ""
        lines.append(f"swap {_mib(info.total_swap_kb * _KIB)}{free}" if info.total_swap_kb else "no swap")
    if "free" in info.counts:
        slab = info.counts.get("slab_reclaimable", 0) + info.counts.get("slab_unreclaimable", 0)
        lines.append(f"free {_mib(info.counts['free'] * size)}, slab {_mib(slab * size)}")
    for zone in info.zones:
        free_kb, minimum = zone.sizes.get("free"), zone.sizes.get("min")
        if free_kb is not None and minimum is not None:
            where = "below" if free_kb < minimum else "above"
            block = f", largest free block {largest} kB" if (largest := _largest(zone)) else ""
            lines.append(f"node {zone.node} {zone.name}: {free_kb} kB free, {where} its min of {minimum} kB{block}")
    lines.append(why_it_failed(event, facts))
    return lines


def memory_object(event: OomEvent, facts: Facts) -> dict[str, Any]:
    """The same as plain data."""
    info = event.meminfo
    return {
        "ram_pages": facts.ram,
        "total_swap_kb": info.total_swap_kb,
        "free_swap_kb": info.free_swap_kb,
        "counts_pages": dict(info.counts),
        "zones": [
            {"node": zone.node, "zone": zone.name, **zone.sizes, "largest_free_kb": _largest(zone)}
            for zone in info.zones
        ],
        "why": why_it_failed(event, facts),
    }


def why_it_failed(event: OomEvent, facts: Facts) -> str:  # noqa: PLR0911 - one return a reason
    """One sentence on why memory could not be had, as far as the report shows."""
    invoked, info, memcg = event.invoked, event.meminfo, event.memcg
    if invoked is not None and invoked.order == -1:
        return "nothing failed: the kill was asked for by hand (sysrq f)"
    if memcg.memory is not None:
        path = printable((event.summary.oom_memcg if event.summary else None) or memcg.path or "?")
        return f"the cgroup {path} reached its limit of {memcg.memory} kB"
    if invoked is None or not info.zones:
        return "why the allocation failed is not in the log: its Mem-Info block is missing"
    wanted = (facts.page_size << max(invoked.order, 0)) >> 10
    zones = [zone for zone in info.zones if _may_use(invoked.gfp_mask, zone.name)] or info.zones
    bound = event.summary.constraint if event.summary else ""
    where = "every zone"
    if bound in ("CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY"):
        where += " of the nodes it was bound to"
    if len(zones) < len(info.zones):
        where += f" that it may use ({', '.join(dict.fromkeys(zone.name for zone in zones))})"
    roomy = [zone for zone in zones if zone.sizes.get("free", 0) > zone.sizes.get("high", zone.sizes.get("min", 0))]
    swap = ", and there is no swap" if info.total_swap_kb == 0 else ""
    if info.total_swap_kb and info.free_swap_kb is not None and info.free_swap_kb * 50 < info.total_swap_kb:
        swap = ", and swap is full"
    if invoked.order > 0 and roomy and all(_largest(zone) < wanted for zone in roomy):
        piece = f"order {invoked.order} wants {wanted} kB in one piece"
        if not all(zone.blocks for zone in roomy):
            return f"{piece}; whether zones with room have such a block is not in the log"
        return f"{piece}, and no zone with room has such a block: memory is fragmented"
    short = [zone for zone in zones if zone.sizes.get("free", 0) <= zone.sizes.get("low", zone.sizes.get("min", 0))]
    if len(short) == len(zones):
        return f"{where} is below its low watermark{swap}"
    if short:
        names = ", ".join(f"{zone.name} of node {zone.node}" for zone in short)
        return f"free memory is short in {names}; other zones keep theirs for allocations that need them{swap}"
    return f"no zone is short of free memory in this block: it was read after the allocation failed{swap}"


def _may_use(gfp_mask: int, zone: str) -> bool:
    """Whether an allocation may come from a zone of that name; after gfp_zone()."""
    if gfp_mask & GFP_DMA:
        return zone == "DMA"
    if gfp_mask & GFP_DMA32:
        return zone in ("DMA", "DMA32")
    if zone == "HighMem":
        return bool(gfp_mask & GFP_HIGHMEM)
    if zone == "Movable":
        return gfp_mask & (GFP_HIGHMEM | GFP_MOVABLE) == GFP_HIGHMEM | GFP_MOVABLE
    return True


def _largest(zone: Zone) -> int:
    return max((size for size, count in zone.blocks.items() if count), default=0)


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
