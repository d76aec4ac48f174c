"""The Mem-Info block of a global OOM report: what show_mem() says of RAM, swap, zones and free blocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from oomsel.klog.patterns import Pattern

#: "%lu pages of RAM" and "%d reserved pages" until 2.6.29 or so.
_RAM = Pattern(r"([0-9]{1,18}) pages (?:of )?RAM")
_RESERVED = Pattern(r"([0-9]{1,18}) (?:pages reserved|reserved pages)")
#: Free swap is negative while swapoff takes an area away.
_SWAP = Pattern(r"(Free|Total) swap *[=:] *(-?[0-9]{1,18})kB")
#: "active_anon:99131 inactive_anon:0 ...", in pages; the same words in kB follow for nodes and zones.
_COUNT = Pattern(r"\b([a-z_]+(?:\([a-z]+\))?):([0-9]{1,18})(?![0-9]*[kK]B)(?![0-9])")
_COUNTS = Pattern(
    r"(?!.*[0-9][kK]B) ?"
    r"(?:active_anon|active_file|active|unevictable|slab_reclaimable|free|mapped|inactive_dirty):[0-9]{1,18}(?: |$)"
)
_ZONE = Pattern(r"(?:Node ([0-9]{1,18}) )?([A-Z][A-Za-z0-9]*) (free:[0-9]{1,18}kB .*)")
_ZONE_VALUE = Pattern(
    r"\b(free|min|low|high|present|managed|boost|free_cma|reserved_highatomic|free_highatomic):([0-9]{1,18})[kK]B"
)
_RESERVE = Pattern(r"lowmem_reserve\[\]:((?: [0-9]{1,18})+)")
_FREE_AREA = Pattern(
    r"(?:Node ([0-9]{1,18}) )?([A-Z][A-Za-z0-9]*): ((?:[0-9]{1,18}\*[0-9]{1,18}kB (?:\([A-Z]+\) )?)+)= [0-9]{1,18}kB"
)
_BLOCKS = Pattern(r"([0-9]{1,18})\*([0-9]{1,18})kB")
_HUGEPAGES = Pattern(
    r"(?:Node ([0-9]{1,18}) )?"
    r"hugepages_total=([0-9]{1,18}) hugepages_free=([0-9]{1,18}) hugepages_surp=[0-9]+ hugepages_size=([0-9]{1,18})kB"
)
_STACKS = Pattern(r" kernel_stack:([0-9]{1,18})[kK]B")
_NODE = Pattern(r"Node [0-9]{1,18} active_anon:[0-9]{1,18}kB ")


@dataclass(slots=True)
class Zone:
    """A zone; kB."""

    node: int
    name: str
    line: int
    sizes: dict[str, int] = field(default_factory=dict)  #: free, min, low, high, present, managed, free_cma, ...
    blocks: dict[int, int] = field(default_factory=dict)  #: kB of a block -> how many are free
    reserve: tuple[int, ...] = ()  #: lowmem_reserve, in pages, by the highest zone that an allocation may use


@dataclass(slots=True)
class MemInfo:
    """What the block says; pages unless a name ends in `_kb`, None for what is not there."""

    line: int | None = None
    ram: int | None = None  #: all RAM, `pages RAM`
    reserved: int | None = None
    ram_line: int | None = None
    total_swap_kb: int | None = None
    free_swap_kb: int | None = None
    swap_line: int | None = None
    counts: dict[str, int] = field(default_factory=dict)  #: active_anon, free, slab_unreclaimable, ...
    counts_line: int | None = None
    zones: list[Zone] = field(default_factory=list)
    huge_kb: int = 0  #: kB that are set aside as huge pages, on all nodes
    huge_free_kb: int = 0
    stacks_kb: int | None = None  #: of the kernel, on all nodes
    huge_line: int | None = None  #: of the first that is not 0
    _summed: set[str] = field(default_factory=set)  #: nodes and sizes of huge pages of which the line has been read

    @property
    def is_empty(self) -> bool:
        """Whether not one of the block's lines is there."""
        known = (self.line, self.ram, self.reserved, self.total_swap_kb, self.free_swap_kb, self.counts_line)
        return not self.zones and all(value is None for value in known)

    @property
    def block_kb(self) -> int | None:
        """kB of the smallest free block there is a count of: the page size."""
        sizes = [min(zone.blocks) for zone in self.zones if zone.blocks]
        return min(sizes) if sizes else None

    def read(self, number: int, text: str) -> str | None:
        """Take in a line of the block: which part of it the line is, None where it is none.  What is there stays."""
        if text in ("Mem-Info:", "Mem-info:"):
            self.line = self.line or number
            return "Mem-Info"
        for pattern, take, part in _LINES:
            match = pattern.match(text)
            if match is not None and (match.end() == len(text) or pattern in _BEGINNINGS):
                take(self, number, match)
                return part
        return None

    def _ram(self, number: int, match: re.Match[str]) -> None:
        if self.ram is None:
            self.ram, self.ram_line = int(match[1]), number

    def _reserved(self, number: int, match: re.Match[str]) -> None:  # noqa: ARG002
        self.reserved = int(match[1]) if self.reserved is None else self.reserved

    def _swap(self, number: int, match: re.Match[str]) -> None:
        if match[1] == "Total" and self.total_swap_kb is None:
            self.total_swap_kb, self.swap_line = int(match[2]), number
        elif match[1] == "Free" and self.free_swap_kb is None:
            self.free_swap_kb = int(match[2])

    def _zone_sizes(self, number: int, match: re.Match[str]) -> None:
        zone = self._zone(int(match[1] or 0), match[2], number)
        if not zone.sizes:  # what is there stays, see `_is_again`
            zone.sizes = {name: int(value) for name, value in _ZONE_VALUE.findall(match[3])}
            self._stacks(match[3])

    def _reserve(self, number: int, match: re.Match[str]) -> None:  # noqa: ARG002
        if self.zones and not self.zones[-1].reserve and not self.zones[-1].blocks:
            self.zones[-1].reserve = tuple(map(int, match[1].split()))

    def _free_area(self, number: int, match: re.Match[str]) -> None:
        zone = self._zone(int(match[1] or 0), match[2], number)
        if not zone.blocks:
            zone.blocks = {int(size): int(count) for count, size in _BLOCKS.findall(match[3])}

    def _hugepages(self, number: int, match: re.Match[str]) -> None:
        total, free, size = (int(match[index]) for index in (2, 3, 4))
        if self._is_again(f"huge pages of {size} kB of node {match[1]}"):
            return
        if total:
            self.huge_line = self.huge_line or number
        self.huge_kb += total * size
        self.huge_free_kb += free * size

    def _counts(self, number: int, match: re.Match[str]) -> None:
        self.counts_line = self.counts_line or number
        for name, value in _COUNT.findall(match.string):
            self.counts.setdefault(name, int(value))

    def _node(self, number: int, match: re.Match[str]) -> None:  # noqa: ARG002
        if not self._is_again(match.string.partition(" active_anon")[0]):
            self._stacks(match.string)

    def _is_again(self, what: str) -> bool:
        """Whether such a line was there before: a second block is of another report that is mixed with this one."""
        if what in self._summed:
            return True
        self._summed.add(what)
        return False

    def _stacks(self, text: str) -> None:
        """Add the kernel's stacks: a node's line has them since 5.10 or so, a zone's before."""
        if match := _STACKS.search(text):
            self.stacks_kb = (self.stacks_kb or 0) + int(match[1])

    def _zone(self, node: int, name: str, number: int) -> Zone:
        for zone in self.zones:
            if (zone.node, zone.name) == (node, name):
                return zone
        self.zones.append(Zone(node, name, number))
        return self.zones[-1]

    def present_by_node(self) -> dict[int, int]:
        """kB of RAM of each node, as its zones say; without nodes of which a zone's line is lost."""
        nodes: dict[int, int] = {}
        for zone in self.zones:
            nodes[zone.node] = nodes.get(zone.node, 0) + zone.sizes.get("present", 0)
        lost = {zone.node for zone in self.zones if "present" not in zone.sizes}
        return {node: present for node, present in nodes.items() if node not in lost}


#: The block's lines: pattern, what takes it in, and which part of the block it is.
_LINES: tuple[tuple[Pattern[str], Callable[[MemInfo, int, re.Match[str]], None], str], ...] = (
    (_ZONE, MemInfo._zone_sizes, "zones"),
    (_RESERVE, MemInfo._reserve, "zones"),
    (_FREE_AREA, MemInfo._free_area, "free blocks"),
    (_COUNTS, MemInfo._counts, "counts of pages"),
    (_NODE, MemInfo._node, "nodes"),
    (_HUGEPAGES, MemInfo._hugepages, "huge pages"),
    (_SWAP, MemInfo._swap, "swap"),
    (_RAM, MemInfo._ram, "RAM"),
    (_RESERVED, MemInfo._reserved, "RAM"),
)
#: Patterns that end before their line does.
_BEGINNINGS = frozenset((_ZONE, _FREE_AREA, _COUNTS, _NODE))
