"""The memory itself: what held it, as one bar, and zones against their watermarks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import page_tables
from oomsel.kernel.percpu_counter import MEMBERS
from oomsel.kernel.system import NO_MM
from oomsel.outputs.account import Account
from oomsel.outputs.log_evidence import sentence
from oomsel.outputs.log_memory import why_it_failed
from oomsel.outputs.log_zones import ZoneState, largest_block, zone_states
from oomsel.outputs.page.holdings import explained
from oomsel.outputs.page.scale import Mark, Scale, Segment, stacked
from oomsel.outputs.sizes import size_words
from oomsel.text import UNLIMITED_KB

#: How kinds of memory are coloured, by their key; what is not here is one of the rest.
_COLOURS = {
    "anon": "anon", "file": "file", "shmem": "shmem", "swap": "swap", "pagetables": "pt", "free": "free",
    "slab_unreclaimable": "slab", "slab_reclaimable": "slab2", "slab": "slab", "unevictable": "locked",
    "kernel": "slab", "kernel_stack": "stack", "huge_pages": "huge", "sock": "sock", "percpu": "stack",
    "vmalloc": "huge", "unaccounted": "other", "kernel_misc": "slab2", "zswap": "swap",
}  # fmt: skip


class StackedBar(NamedTuple):
    """A bar of several kinds."""

    title: str
    segments: tuple[Segment, ...]


class ZoneRow(NamedTuple):
    """A zone."""

    name: str
    free: str
    segments: tuple[Segment, ...]
    marks: tuple[Mark, ...]
    cells: tuple[str, ...]  #: min, low, high, kept for others, largest block
    is_short: bool
    state: str


class Memory(NamedTuple):
    """What a page shows of it."""

    sentences: tuple[str, ...]
    bars: tuple[StackedBar, ...]
    zones: tuple[ZoneRow, ...]


def memory(account: Account) -> Memory:
    """The memory, as far as the input shows it."""
    event, facts = account.event, account.facts
    if event is None or facts is None:
        return Memory((), tuple(_of_processes(account)), ())
    states = () if event.is_memcg else zone_states(event, facts.page_size)
    return Memory((sentence(why_it_failed(event, facts)),), tuple(_of_kinds(account)), tuple(map(_zone, states)))


def _bar(what: str, whole: int, parts: Iterable[tuple[str, str, int]]) -> StackedBar:
    named = [(kind, size, f"{words}: {size_words(size)}") for kind, words, size in parts]
    return StackedBar(what, tuple(stacked(named, max(whole, sum(size for _, size, _ in named), 1))))


def _of_kinds(account: Account) -> Iterable[StackedBar]:
    """A log's: each kind once, and what is left of the whole; swap below it."""
    usage = account.usage
    if usage.kinds:
        capacity = usage.capacity if usage.capacity and usage.capacity < UNLIMITED_KB << 10 else None
        whole = capacity or sum(kind.size for kind in usage.kinds)
        parts = [(_COLOURS.get(kind.key, "other"), kind.words, kind.size) for kind in usage.kinds]
        left = whole - sum(kind.size for kind in usage.kinds)
        if capacity and left > 0:
            parts.append(("free", "below the limit" if account.scope.kind == "memcg" else "not shown", left))
        of = "The cgroup's memory" if account.scope.kind == "memcg" else "RAM"
        yield _bar(f"{of}: {size_words(whole)}", whole, parts)
    total, used = usage.swap_total, usage.swap_used
    if total and used is not None and total < UNLIMITED_KB << 10:
        yield _bar(f"Swap: {size_words(total)}", total, [("swap", "used", used), ("free", "free", total - used)])


def _of_processes(account: Account) -> Iterable[StackedBar]:
    """A scenario's: what all processes hold by kind, each mm once, as the explained mode reads it."""
    report = explained(account).report
    system, page = report.system, report.system.page_size
    own = np.unique(system.tasks.mm[system.tasks.mm != NO_MM])
    if not len(own):
        return
    sums = {name: int(report.counters[own, member].sum()) * page for name, member in MEMBERS.items()}
    tables = int(page_tables(system)[own].sum()) * page
    names = {"anon": "anonymous", "file": "files", "shmem": "shared memory"}
    if system.rss_is_one_number[own].any():  # not told apart
        sums = {"rss": sum(sums[name] for name in names), "swap": sums["swap"]}
        names = {"rss": "RSS"}
    parts = [(name, words, sums[name]) for name, words in names.items()]
    parts.append(("pt", "page tables", tables))
    yield _bar(f"All processes: {size_words(sum(size for *_, size in parts))}", 0, parts)
    if sums["swap"] and account.scope.swap:
        swap, used = account.scope.swap, sums["swap"]
        left = [("free", "not theirs", swap - used)] if swap > used else []
        yield _bar(f"Swap: {size_words(swap)}", swap, [("swap", "theirs", used), *left])


def _zone(state: ZoneState) -> ZoneRow:
    sizes = state.zone.sizes
    marks: dict[str, int] = {name: sizes[name] for name in ("min", "low", "high") if name in sizes}
    # As far as twice the highest mark: a zone with room has a full bar.
    high = 2 * max(*marks.values(), state.min + state.reserve, 1)
    scale = Scale(0, high)
    usable = max(state.free - state.cma, 0)
    segments = [scale.segment("short" if state.is_short else "fine", 0, usable, f"free: {usable:,} kB")]
    if state.cma:
        segments.append(scale.segment("free", usable, usable + state.cma, f"free, but CMA: {state.cma:,} kB"))
    if state.reserve:
        marks["min + kept"] = state.min + state.reserve
    largest = largest_block(state.zone)
    cells = [f"{sizes[name]:,}" if name in sizes else "\N{EN DASH}" for name in ("min", "low", "high")]
    return ZoneRow(
        f"node {state.zone.node} {state.zone.name}",
        f"{state.free:,}",
        tuple(segments),
        tuple(Mark(scale.x(size), f"{name}: {size:,} kB") for name, size in marks.items()),
        (*cells, f"{state.reserve:,}", f"{largest:,}" if largest else "\N{EN DASH}"),
        state.is_short,
        _state_words(state, usable),
    )


def _state_words(state: ZoneState, usable: int) -> str:
    if state.is_short:
        return "not above min" + (" and what it keeps for others" if usable > state.min else "")
    for name in ("low", "high"):
        if name in state.zone.sizes and usable - state.reserve <= state.zone.sizes[name]:
            return f"not above {name}"
    return "above high" if "high" in state.zone.sizes else "above min"
