"""A report's zones compared with their min watermark, below which an allocation is refused."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.klog.event import OomEvent
from oomsel.klog.meminfo import Zone
from oomsel.outputs.sizes import Sizes

#: The bits that name a zone or who may use CMA: the same in every release that can be read.
_DMA, _HIGHMEM, _DMA32, _MOVABLE = 1, 2, 4, 8
#: The kinds of zones in order, as a reserve has a number for each.
_KINDS = ("DMA", "DMA32", "Normal", "Movable", "Device")
_KINDS_32_BIT = ("DMA", "Normal", "HighMem", "Movable", "Device")


class ZoneState(NamedTuple):
    """What a zone had for the allocation, after __zone_watermark_ok(); kB."""

    zone: Zone
    free: int
    cma: int  #: of it in CMA, where the allocation may not use that
    reserve: int  #: that the zone keeps from allocations which could have come from a higher one
    min: int

    @property
    def is_short(self) -> bool:
        """Whether what the allocation may use is not above min."""
        return self.free - self.cma <= self.min + self.reserve

    @property
    def name(self) -> str:
        """As a sentence names it."""
        return f"{self.zone.name} of node {self.zone.node}"


def may_use_cma(gfp_mask: int) -> bool:
    """Whether an allocation is a movable one; gfp_to_alloc_flags_cma()."""
    return bool(gfp_mask & _MOVABLE)


def may_use(gfp_mask: int, zone: str) -> bool:
    """Whether an allocation may come from a zone of that name; after gfp_zone()."""
    if gfp_mask & _DMA:
        return zone == "DMA"
    if gfp_mask & _DMA32:
        return zone in ("DMA", "DMA32")
    if zone == "HighMem":
        return bool(gfp_mask & _HIGHMEM)
    if zone == "Movable":
        return gfp_mask & (_HIGHMEM | _MOVABLE) == _HIGHMEM | _MOVABLE
    return zone != "Device"


def zone_states(event: OomEvent, page_size: int) -> list[ZoneState]:
    """Each zone that has its line; without the first line of the report what the allocation may use is not known."""
    mask = event.invoked.gfp_mask if event.invoked else None
    kinds = _KINDS_32_BIT if any(zone.name == "HighMem" for zone in event.meminfo.zones) else _KINDS
    states = []
    for zone in event.meminfo.zones:
        free, minimum = zone.sizes.get("free"), zone.sizes.get("min")
        if free is None or minimum is None:
            continue
        cma = zone.sizes.get("free_cma", 0) if mask is not None and not may_use_cma(mask) else 0
        reserve = 0 if mask is None else _reserve(zone, mask, kinds) * page_size >> 10
        states.append(ZoneState(zone, free, cma, reserve, minimum))
    return states


def _reserve(zone: Zone, gfp_mask: int, kinds: tuple[str, ...]) -> int:
    """lowmem_reserve against an allocation with this mask, in pages; 0 where the line is lost."""
    usable = [index for index, kind in enumerate(kinds) if may_use(gfp_mask, kind)]
    highest = max(usable, default=0)
    return zone.reserve[min(highest, len(zone.reserve) - 1)] if zone.reserve else 0


def zone_sentence(state: ZoneState) -> str:
    """A zone in words."""
    zone = state.zone
    what = f"node {zone.node} {zone.name}: {state.free} kB free"
    left = state.free - state.cma
    if state.cma:
        what += f", {state.cma} kB of it CMA, which this allocation may not use; the other {left} kB are"
    else:
        what += ","
    where = "below" if left <= state.min + state.reserve else "above"
    if left == state.min + state.reserve:
        where = "no more than"
    what += f" {where} its min of {state.min} kB"
    if state.reserve:
        what += f" and the {state.reserve} kB that it keeps for others (lowmem_reserve)"
    largest = largest_block(zone)
    return f"{what}, largest free block {largest} kB" if largest else what


def zone_figures(states: list[ZoneState], sizes: Sizes, *, most: int = 4) -> str:
    """What the zones had and what they keep, in brackets: `DMA 1.9 MiB free, keeps 2.0 MiB`."""
    nodes = {state.zone.node for state in states}
    said = [
        f"{state.zone.name}{f' of node {state.zone.node}' if len(nodes) > 1 else ''} {sizes(state.free << 10)} free"
        f"{f' ({sizes(state.cma << 10)} CMA)' if state.cma else ''}, keeps {sizes(state.min + state.reserve << 10)}"
        for state in states[:most]
    ]
    more = f"; {len(states) - most} more" if len(states) > most else ""
    return f"{'; '.join(said)}{more}"


def largest_block(zone: Zone) -> int:
    """kB of the largest free block; 0 where none is free or the line is lost."""
    return max((size for size, count in zone.blocks.items() if count), default=0)
