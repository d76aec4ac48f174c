"""A Mem-Info block that comes a second time, of another report mixed with the first, changes nothing."""

from __future__ import annotations

from oomsel.klog.meminfo import MemInfo

BLOCK = """\
Node 0 active_anon:100kB inactive_anon:0kB kernel_stack:{stack}kB
Node 0 DMA32 free:{free}kB min:2628kB low:3284kB high:3940kB present:500000kB managed:480000kB
Node 0 hugepages_total=10 hugepages_free=4 hugepages_surp=0 hugepages_size=2048kB
Node 0 hugepages_total=1 hugepages_free=0 hugepages_surp=0 hugepages_size=1048576kB
Node 1 hugepages_total=2 hugepages_free=2 hugepages_surp=0 hugepages_size=2048kB
"""


def test_what_is_there_stays() -> None:
    info = MemInfo()
    for text in (BLOCK.format(stack=700, free=432), BLOCK.format(stack=900, free=28236)):
        for number, line in enumerate(text.splitlines(), 1):
            assert info.read(number, line) is not None
    assert (info.stacks_kb, info.zones[0].sizes["free"]) == (700, 432)
    assert (info.huge_kb, info.huge_free_kb) == (10 * 2048 + 1048576 + 2 * 2048, 6 * 2048)
