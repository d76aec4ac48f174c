"""The memory that a report itself shows, and why the allocation failed, in a few sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oomsel.inputs.log.facts import Facts
from oomsel.inputs.log.rescore import version_of
from oomsel.kernel.constraint import NODE_CONSTRAINTS
from oomsel.klog.event import Invoked, OomEvent
from oomsel.klog.table import rss_parts
from oomsel.outputs.log_memcg import memcg_sentences, why_cgroup_ran_out
from oomsel.outputs.log_zones import ZoneState, largest_block, may_use, zone_sentence, zone_states
from oomsel.outputs.sizes import size_words
from oomsel.text import mebibytes, pages_of

_KIB = 1 << 10


def memory_summary(event: OomEvent, facts: Facts) -> list[str]:
    """Sentences on RAM, swap, what holds memory, zones and free blocks; the last says why the allocation failed."""
    info, size = event.meminfo, facts.page_size
    lines = []
    if facts.ram is not None and info.ram is not None:
        lines.append(f"RAM {mebibytes(facts.ram * size)} usable of {mebibytes(info.ram * size)}")
    lines += _swap(event)
    lines += _held(event, facts)
    lines += memcg_sentences(event)
    lines += [zone_sentence(state) for state in zone_states(event, size)]
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
        "huge_pages_kb": info.huge_kb if info.huge_line else None,
        "huge_pages_free_kb": info.huge_free_kb if info.huge_line else None,
        "memcg_usage_kb": event.memcg.usage,
        "memcg_stat_bytes": dict(event.memcg.stats),
        "zones": [
            {
                "node": zone.node,
                "zone": zone.name,
                **zone.sizes,
                "largest_free_kb": largest_block(zone) if zone.blocks else None,
            }
            for zone in info.zones
        ],
        "why": why_it_failed(event, facts),
    }


def _swap(event: OomEvent) -> Iterator[str]:
    info = event.meminfo
    if info.total_swap_kb == 0 and (info.free_swap_kb or 0) < 0:
        yield "swap is being taken away (swapoff): no total is left, and less than none is free"
    elif info.total_swap_kb is not None:
        free = f", {mebibytes(info.free_swap_kb * _KIB)} free" if info.free_swap_kb is not None else ""
        yield f"swap {mebibytes(info.total_swap_kb * _KIB)}{free}" if info.total_swap_kb else "no swap"


def _held(event: OomEvent, facts: Facts) -> Iterator[str]:
    """What holds memory besides the tasks' own: slab, shmem, huge pages."""
    info, size = event.meminfo, facts.page_size
    if "free" in info.counts:
        slab = info.counts.get("slab_reclaimable", 0) + info.counts.get("slab_unreclaimable", 0)
        yield f"free {mebibytes(info.counts['free'] * size)}, slab {mebibytes(slab * size)}"
    shmem = info.counts.get("shmem", 0)
    if facts.ram is not None and shmem * 10 > facts.ram:
        what = f"shmem, which tmpfs is part of, holds {mebibytes(shmem * size)} of {mebibytes(facts.ram * size)}"
        yield f"{what}{_mapped(event, size)}; what no task has mapped a kill does not free"
    if info.huge_line is not None:
        whose = f"{mebibytes(info.huge_free_kb * _KIB)} of them free, and nothing else may use them"
        yield f"{mebibytes(info.huge_kb * _KIB)} are set aside as huge pages, line {info.huge_line}, {whose}"


def _mapped(event: OomEvent, size: int) -> str:
    """How much of it the tasks of the table have mapped, where the table says so; pages of several count for each."""
    parts = [rss_parts(row) for row in event.rows]
    if not parts or any("shmem" not in found for found in parts):
        return ""
    return f", of which the table's tasks have mapped {mebibytes(sum(found['shmem'] for found in parts) * size)}"


def why_it_failed(event: OomEvent, facts: Facts) -> str:
    """One sentence on why memory could not be had, as far as the report shows."""
    if event.is_sysrq:
        return "nothing failed: the kill was asked for by hand (sysrq f)"
    if event.is_memcg:
        return why_cgroup_ran_out(event)
    states = zone_states(event, facts.page_size)
    if not states:
        return f"why the allocation failed is not in the log: {_what_is_missing(event)}"
    if event.invoked is None:
        return (
            f"what was asked for is not in the log; {_short_of(states, _every_zone(event))}{about_swap(event, facts)}"
        )
    return _why_zones_refused(event, facts, event.invoked, states)


def _why_zones_refused(event: OomEvent, facts: Facts, invoked: Invoked, states: list[ZoneState]) -> str:
    usable = [state for state in states if may_use(invoked.gfp_mask, state.zone.name)]
    if not usable:
        return "why the allocation failed is not in the log: no line of a zone that it may use is there"
    where = _every_zone(event)
    if event.constraint in NODE_CONSTRAINTS:
        where += " of the nodes it was bound to"
    if len(usable) < len(states):
        where += f" that it may use ({', '.join(dict.fromkeys(state.zone.name for state in usable))})"
    if invoked.order > 0 and (piece := _no_such_block(invoked.order, usable, facts.page_size)):
        return piece
    return f"{_short_of(usable, where)}{about_swap(event, facts)}"


def _every_zone(event: OomEvent) -> str:
    """In words, whether all zones that the machine has have their line.

    Since 3.10 at the latest `pages RAM` is what is present in all of them; an allocation that is bound to nodes
    prints those alone.
    """
    info = event.meminfo
    is_whole = all("free" in zone.sizes and "min" in zone.sizes for zone in info.zones)
    version = version_of(event.current.release) if event.current else None
    if is_whole and event.constraint not in NODE_CONSTRAINTS and (version is None or version >= (3, 10)):
        present = sum(zone.sizes.get("present", 0) for zone in info.zones)
        is_whole = info.ram is not None and present >= info.ram * (info.block_kb or 4)
    return "every zone" if is_whole else "every zone that is in the log"


def _what_is_missing(event: OomEvent) -> str:
    if event.meminfo.is_empty:
        return "its Mem-Info block is missing"
    return "the lines of its zones are missing"


def _no_such_block(order: int, states: list[ZoneState], page_size: int) -> str | None:
    """What an allocation of several pages lacked, where zones have room; None where it was room."""
    wanted = page_size << order >> 10
    roomy = [state for state in states if not state.is_short]
    if not roomy or any(largest_block(state.zone) >= wanted for state in roomy):
        return None
    piece = f"order {order} wants {wanted} kB in one piece"
    if not all(state.zone.blocks for state in roomy):
        return f"{piece}; whether zones with room have such a block is not in the log"
    return f"{piece}, and no zone with room has such a block: memory is fragmented"


def _short_of(states: list[ZoneState], where: str) -> str:
    """Which zones are below their min."""
    short = [state for state in states if state.is_short]
    if len(short) == len(states):
        return f"{where} is below its min{_without(short)}"
    if short:
        names = ", ".join(state.name for state in short)
        return f"{names} {'is' if len(short) == 1 else 'are'} below min{_without(short)}, and {_others(states)}"
    return f"no zone is below its min in this block, which was read after the allocation had failed: {_others(states)}"


def _without(short: list[ZoneState]) -> str:
    only_with_cma = any(state.cma and state.free > state.min + state.reserve for state in short)
    return ", without the CMA pages that it may not use" if only_with_cma else ""


def _others(states: list[ZoneState]) -> str:
    """What of the zones that are not short the block shows."""
    roomy = [state for state in states if not state.is_short]
    if unknown := [state.name for state in roomy if not state.zone.reserve]:
        return f"whether {', '.join(unknown)} could be used is not in the log: the lowmem_reserve line is missing"
    names, one = ", ".join(state.name for state in roomy), len(roomy) == 1
    high = [state for state in roomy if "high" in state.zone.sizes]
    if len(high) == len(roomy) and all(
        state.free - state.cma <= state.zone.sizes["high"] + state.reserve for state in roomy
    ):
        more = f"{names} {'has no more than its' if one else 'have no more than their'} high watermark"
        return f"{more}, which the last attempt before a kill asks for"
    return f"{names} {'has' if one else 'have'} room; why it was not used is not in the log"


def about_swap(event: OomEvent, facts: Facts) -> str:
    """Why swap did not help, as far as the block shows."""
    info = event.meminfo
    if info.total_swap_kb == 0:
        return "" if (info.free_swap_kb or 0) < 0 else ", and there is no swap"
    if info.total_swap_kb is None or info.free_swap_kb is None:
        return ""
    if info.free_swap_kb * 50 < info.total_swap_kb:
        return ", and swap is full"
    if "active_anon" not in info.counts or "inactive_anon" not in info.counts:
        return "; swap has room, and why it did not help is not in the log"
    anon = info.counts["active_anon"] + info.counts["inactive_anon"]
    if anon < pages_of(info.free_swap_kb, facts.page_size) and anon * 20 < (facts.ram or 0):
        return f"; swap has room, but only {size_words(anon * facts.page_size)} are left that could go there"
    what = f"{size_words(anon * facts.page_size)} of anonymous memory and shmem are still in RAM"
    return f"; swap has room and {what}: why they were not swapped out is not in the log"
