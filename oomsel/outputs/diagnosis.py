"""The likely kind of trouble, each with the figures that say so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from oomsel.inputs.log.facts import Facts
from oomsel.klog.event import OomEvent
from oomsel.outputs.growth import Growth
from oomsel.outputs.log_memory import about_swap, why_it_failed
from oomsel.outputs.log_zones import ZoneState, largest_block, may_use, zone_figures, zone_states
from oomsel.outputs.sizes import Sizes
from oomsel.outputs.usage import Usage
from oomsel.text import UNLIMITED_KB, printable

#: From which part of RAM, or of what a cgroup uses, a kind of memory is worth a word.
_LARGE = 0.2
#: From which share of all RSS and swap, and from how many times the next one, a process is far above the others.
_MOST, _TIMES = 0.5, 2
#: From how many processes of a name, with that share, they are many.
_MANY = 5
#: Reports that the sentence on what grew names.
_POINTS = 4
#: Calls by which a limit is set, since 4.0 and of cgroup v1.
_LOWERING = ("memory_max_write", "mem_cgroup_resize_max", "mem_cgroup_resize_limit")


class Finding(NamedTuple):
    """One kind of trouble."""

    kind: str  #: a word that stays
    sentence: str
    figures: dict[str, Any]  #: bytes unless the name says otherwise

    @property
    def is_cause(self) -> bool:
        """Whether it says why memory ran out, and not only that it did."""
        return self.kind not in ("limit", "swap", "no-swap", "why")


def diagnose(
    usage: Usage, event: OomEvent | None, facts: Facts | None, growth: tuple[Growth, ...], sizes: Sizes
) -> tuple[Finding, ...]:
    """What the figures point to, the plainest first; `growth` is what grew over the log's reports."""
    found: list[Finding] = []
    if event is not None and facts is not None:
        if event.is_sysrq:
            return (Finding("sysrq", "Nothing ran out: somebody asked for a kill by hand (sysrq f).", {"order": -1}),)
        found += _limit(event, sizes) if event.is_memcg else _machine(event, facts, sizes)
    found += _kinds(usage, event, sizes)
    found += _processes(usage, sizes)
    found += (_grown(each, sizes) for each in growth[:2])
    if event is not None and facts is not None:
        found += _memcg_swap(event, facts, sizes) if event.is_memcg else _swap(event, facts, usage, sizes)
    return tuple(found)


def _grown(growth: Growth, sizes: Sizes) -> Finding:
    points = growth.points
    shown = points if len(points) <= _POINTS else (*points[: _POINTS - 1], points[-1])
    said = [
        f"{sizes(point.rss)}{f' in {point.processes} processes' if point.processes > 1 else ''} at {point.when}"
        for point in shown
    ]
    if len(points) > _POINTS:
        said.insert(-1, "...")
    name = printable(growth.name)
    words = f"{name} grew over {len(points)} reports of this log: {', '.join(said)}."
    words += " A leak looks like this, and so does more load."
    figures = {
        "name": name,
        "gained": growth.gained,
        "points": [point._asdict() for point in points],
    }
    return Finding("growth", words, figures)


def _limit(event: OomEvent, sizes: Sizes) -> Iterator[Finding]:
    memcg = event.memcg
    if memcg.memory is None or memcg.usage is None or memcg.memory >= UNLIMITED_KB:
        return
    usage, limit = memcg.usage << 10, memcg.memory << 10
    figures = {"usage": usage, "limit": limit, "failcnt": memcg.failcnt, "line": memcg.line}
    often = ""
    if memcg.failcnt is not None:
        often = f"; it has met the limit {memcg.failcnt} time{'s' * (memcg.failcnt != 1)} (failcnt)"
    if memcg.memsw is not None and memcg.memsw <= memcg.memory and memcg.memsw_usage == memcg.memsw != memcg.usage:
        both = memcg.memsw << 10
        figures |= {"memory_and_swap_limit": both}
        yield Finding("limit", f"Memory and swap together have reached {sizes(both)}{often}.", figures)
        return
    part = f"{100 * usage / max(limit, 1):.0f} % of"
    if lowering := next((call for call in event.calls if call in _LOWERING), None):
        words = f"The limit was being lowered to {sizes(limit)} ({lowering}) while the cgroup used {sizes(usage)}."
        yield Finding("limit-lowered", words, figures)
        return
    yield Finding("limit", f"The cgroup uses {sizes(usage)}, {part} its limit{often}.", figures)
    if memcg.kmem is not None and memcg.kmem_usage is not None and memcg.kmem < UNLIMITED_KB:
        kmem, kmem_limit = memcg.kmem_usage << 10, memcg.kmem << 10
        words = f"Its kernel memory has a limit of its own, {sizes(kmem_limit)}, of which it uses {sizes(kmem)}"
        words += f"; it has met that {memcg.kmem_failcnt} times (failcnt)."
        yield Finding("kernel-limit", words, {"usage": kmem, "limit": kmem_limit, "failcnt": memcg.kmem_failcnt})


def _machine(event: OomEvent, facts: Facts, sizes: Sizes) -> Iterator[Finding]:
    """What of RAM was refused: fragmentation, CMA, or plainly too little."""
    states = zone_states(event, facts.page_size)
    if not states:
        return
    if event.invoked is None:
        yield _why(event, facts, states, sizes)
        return
    usable = [state for state in states if may_use(event.invoked.gfp_mask, state.zone.name)]
    order, size = event.invoked.order, facts.page_size
    roomy = [state for state in usable if not state.is_short]
    largest = max((largest_block(state.zone) for state in roomy), default=0)
    if order > 0 and largest and all(state.zone.blocks for state in roomy) and largest << 10 < size << order:
        free = sum(state.free for state in roomy) << 10
        words = (
            f"Memory is fragmented: {sizes(free)} are free, but order {order} wants {sizes(size << order)} in one"
            f" piece and the largest free one has {sizes(largest << 10)}."
        )
        yield Finding(
            "fragmentation", words, {"free": free, "wanted": size << order, "largest": largest << 10, "order": order}
        )
        return
    if usable and all(state.is_short for state in usable) and any(map(_needs_cma, usable)):
        cma = sum(state.cma for state in usable) << 10
        free = sum(state.free for state in usable) << 10
        words = f"Of {sizes(free)} free, {sizes(cma)} are CMA, which this allocation may not use."
        yield Finding("cma", words, {"free": free, "free_cma": cma})
    else:
        yield _why(event, facts, usable, sizes)


def _why(event: OomEvent, facts: Facts, usable: list[ZoneState], sizes: Sizes) -> Finding:
    """Which zones were short, with what each had and keeps."""
    why = why_it_failed(event, facts).removesuffix(about_swap(event, facts))
    figures = {
        "zones_short": sum(state.is_short for state in usable),
        "zones": [
            {"zone": state.name, "free": state.free << 10, "min": state.min << 10, "reserve": state.reserve << 10}
            for state in usable
        ],
    }
    return Finding("why", f"{why[0].upper()}{why[1:]} ({zone_figures(usable, sizes)}).", figures)


def _needs_cma(state: ZoneState) -> bool:
    return bool(state.cma) and state.free > state.min + state.reserve


def _kinds(usage: Usage, event: OomEvent | None, sizes: Sizes) -> Iterator[Finding]:
    """Kinds of memory, besides the processes' own, that hold much."""
    whole = usage.capacity
    if not whole:
        return
    where = "its limit" if event is not None and event.is_memcg else "RAM"
    for kind, keys, words in (
        ("tmpfs", ("shmem",), "shmem, which tmpfs is part of, holds {size}, {part} of {where}"),
        ("slab", ("slab_unreclaimable", "slab"), "slab caches hold {size}, {part} of {where}"),
        ("sockets", ("sock",), "socket buffers hold {size}, {part} of {where}"),
        ("page-tables", ("pagetables",), "page tables take {size}, {part} of {where}"),
        ("kernel-stacks", ("kernel_stack",), "kernel stacks take {size}, {part} of {where}"),
        ("huge-pages", ("huge_pages",), "{size} are set aside as huge pages, {part} of {where}"),
        ("dirty", ("dirty", "writeback"), "dirty page cache and what is being written hold {size}, {part} of {where}"),
        ("locked", ("unevictable",), "{size} are locked and cannot be reclaimed, {part} of {where}"),
        ("unaccounted", ("unaccounted",), "nothing in the report accounts for {size}, {part} of {where}"),
    ):
        size = usage.size_of(*keys)
        if size < _LARGE * whole:
            continue
        text = words.format(size=sizes(size), part=f"{100 * size / whole:.0f} %", where=where)
        figures: dict[str, Any] = {"size": size, "of": whole}
        if kind == "slab" and usage.slabs:
            text += "; the largest: " + ", ".join(f"{printable(name)} {sizes(each)}" for name, each in usage.slabs)
            figures["caches"] = dict(usage.slabs)
        if kind == "huge-pages":
            free = figures["free"] = usage.size_of("huge_pages_free")
            text += f", {sizes(free)} of them free; nothing else may use them"
        if kind == "tmpfs":
            text += "; a kill does not free files on tmpfs"
        if kind == "unaccounted":
            if event is not None and event.is_memcg:
                text = f"memory.stat accounts for all but {sizes(size)}, {100 * size / whole:.0f} % of its limit"
            else:
                text += ": pages that drivers, the network or a hypervisor's balloon took have no counter"
        yield Finding(kind, f"{text[0].upper()}{text[1:]}.", figures)


def _processes(usage: Usage, sizes: Sizes) -> Iterator[Finding]:
    if not usage.names or not usage.rss:
        return
    first = usage.names[0]
    held = sorted(usage.processes, key=lambda process: -process.held)
    largest, whole = held[0], sum(process.held for process in held)
    share = largest.held / whole
    is_name_much = usage.capacity is None or first.rss >= _LARGE * usage.capacity
    is_much = usage.capacity is None or largest.held >= _LARGE * usage.capacity
    if is_much and share >= _MOST and (len(held) == 1 or largest.held >= _TIMES * held[1].held):
        what = "RSS and swap" if largest.swap else "RSS"
        words = f"One process, {printable(largest.comm)} ({largest.pid}), holds {sizes(largest.held)} of {what}"
        theirs = "what the rows that are left show" if usage.lacks_rows else "all processes'"
        words += f", {100 * share:.0f} % of {theirs}"
        words += f"; the next largest has {sizes(held[1].held)}." if len(held) > 1 else "."
        figures = {"pid": largest.pid, "comm": printable(largest.comm), "held": largest.held, "of": whole}
        yield Finding("one-process", words, figures | {"next_held": held[1].held if len(held) > 1 else None})
    elif is_name_much and first.processes > 1 and first.share >= _MOST:
        name = printable(first.name)
        words = f"{first.processes} processes called {name} hold {sizes(first.rss)} together"
        words += (
            f", {100 * first.share:.0f} % of {'the RSS in the rows that are left' if usage.lacks_rows else 'all RSS'}."
        )
        figures = {"name": name, "count": first.processes, "rss": first.rss, "of": usage.rss}
        yield Finding("many-of-one-name" if first.processes >= _MANY else "one-name", words, figures)


def _swap(event: OomEvent, facts: Facts, usage: Usage, sizes: Sizes) -> Iterator[Finding]:
    total, used, line = usage.swap_total, usage.swap_used, event.meminfo.swap_line
    if event.origin_line is not None and total == 0:
        held = sum(process.swap for process in usage.processes)
        words = f"Swap was being turned off (swapoff, line {event.origin_line}), and what is in it has to fit in RAM"
        words += f": {sizes(held)} of the processes' in the table." if usage.processes else "."
        yield Finding("swapoff", words, {"swap": held if usage.processes else None, "free": usage.size_of("free")})
        return
    words = about_swap(event, facts).lstrip(",; ").removeprefix("and ")
    if not words or total is None:
        return
    kind = "no-swap" if total == 0 else "swap"
    amount = f" (Total swap 0, line {line})" if total == 0 else ""
    if total and used is not None:
        amount = f" ({sizes(used)} of {sizes(total)} used)"
    yield Finding(kind, f"{words[0].upper()}{words[1:]}{amount}.", {"swap_total": total, "swap_used": used})


def _memcg_swap(event: OomEvent, facts: Facts, sizes: Sizes) -> Iterator[Finding]:
    """Why the cgroup's swap did not help, as far as lines say."""
    memcg = event.memcg
    if facts.swap == 0:
        yield Finding("no-swap", "The machine has no swap (Total swap 0).", {"swap_limit": None, "swap_used": 0})
        return
    limit, used, failcnt = memcg.swap, memcg.swap_usage, memcg.swap_failcnt
    none = f"swap limit 0, line {memcg.lines.get('swap')}"
    if memcg.memsw is not None and memcg.memory is not None:
        if memcg.memsw >= UNLIMITED_KB or memcg.usage is None or memcg.memsw_usage is None:
            return
        none = f"the limit of memory and swap is that of memory, line {memcg.lines.get('memsw')}"
        limit, used, failcnt = memcg.memsw - memcg.memory, memcg.memsw_usage - memcg.usage, memcg.memsw_failcnt
    if limit is None or used is None or limit >= UNLIMITED_KB or used < 0:
        return
    figures = {"swap_limit": max(limit, 0) << 10, "swap_used": used << 10, "failcnt": failcnt}
    met = "" if not failcnt else f"; it has met that limit {failcnt} time{'s' * (failcnt != 1)} (failcnt)"
    if limit <= 0:
        yield Finding("no-swap", f"It may use no swap ({none}){met}.", figures)
    else:
        full = "Its swap is full" if used * 50 >= limit * 49 else "Its swap has room"
        yield Finding("swap", f"{full}: {sizes(used << 10)} of {sizes(limit << 10)} used{met}.", figures)
