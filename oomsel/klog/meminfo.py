"""The Mem-Info block of a global OOM report: what show_mem() says of RAM, swap, zones and free blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: "%lu pages of RAM" and "%d reserved pages" until 2.6.29 or so.
_PAGES = re.compile(r"([0-9]+) (?:pages (?:of )?(RAM)|pages (reserved)|(reserved) pages)")
_SWAP = re.compile(r"(Free|Total) swap *[=:] *([0-9]+)kB")
#: "active_anon:99131 inactive_anon:0 ...", in pages; the same words in kB follow for nodes and zones.
_COUNT = re.compile(r"\b([a-z_]+(?:\([a-z]+\))?):([0-9]+)(?![0-9]*[kK]B)(?![0-9])")
_COUNTS = re.compile(
    r" ?(?:active_anon|active_file|active|unevictable|slab_reclaimable|free|mapped|inactive_dirty):[0-9]+ "
)
_ZONE = re.compile(r"(?:Node ([0-9]+) )?([A-Z][A-Za-z0-9]*) (free:[0-9]+kB .*)")
_ZONE_VALUE = re.compile(r"\b(free|min|low|high|present|managed|boost):([0-9]+)kB")
_FREE_AREA = re.compile(r"(?:Node ([0-9]+) )?([A-Z][A-Za-z0-9]*): ((?:[0-9]+\*[0-9]+kB (?:\([A-Z]+\) )?)+)= [0-9]+kB")
_BLOCKS = re.compile(r"([0-9]+)\*([0-9]+)kB")


@dataclass(slots=True)
class Zone:
    """A zone; kB."""

    node: int
    name: str
    line: int
    sizes: dict[str, int] = field(default_factory=dict)  #: free, min, low, high, present, managed, boost
    blocks: dict[int, int] = field(default_factory=dict)  #: kB of a block -> how many are free


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
    zones: list[Zone] = field(default_factory=list)

    @property
    def block_kb(self) -> int | None:
        """kB of the smallest free block there is a count of: the page size."""
        sizes = [min(zone.blocks) for zone in self.zones if zone.blocks]
        return min(sizes) if sizes else None

    def read(self, number: int, text: str) -> bool:  # noqa: PLR0911 - one return a kind of line
        """Take in a line of the block; whether it was one.  What is there already stays."""
        if text in ("Mem-Info:", "Mem-info:"):
            self.line = self.line or number
            return True
        if match := _PAGES.fullmatch(text):
            if not match[2]:
                self.reserved = int(match[1]) if self.reserved is None else self.reserved
            elif self.ram is None:
                self.ram, self.ram_line = int(match[1]), number
            return True
        if match := _SWAP.fullmatch(text):
            if match[1] == "Total" and self.total_swap_kb is None:
                self.total_swap_kb, self.swap_line = int(match[2]), number
            elif match[1] == "Free" and self.free_swap_kb is None:
                self.free_swap_kb = int(match[2])
            return True
        if match := _ZONE.match(text):
            self._zone(int(match[1] or 0), match[2], number).sizes.update(
                (name, int(value)) for name, value in _ZONE_VALUE.findall(match[3])
            )
            return True
        if match := _FREE_AREA.match(text):
            zone = self._zone(int(match[1] or 0), match[2], number)
            if not zone.blocks:
                zone.blocks = {int(size): int(count) for count, size in _BLOCKS.findall(match[3])}
            return True
        if _COUNTS.match(f"{text} ") and "kB" not in text:
            for name, value in _COUNT.findall(text):
                self.counts.setdefault(name, int(value))
            return True
        return False

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
