"""What a report shows of the memory, and why the allocation failed: no more than its lines hold."""

from __future__ import annotations

import pytest

import oomsel
from oomsel.outputs.log_memory import memory_object, memory_summary
from tests.outputs.test_log_verdict import old
from tests.real_logs import LOGS
from tests.support import DATA

ZONES = """\
[  100.000003] Mem-Info:
[  100.000003] Node 0 DMA free:{dma}kB min:40kB low:48kB high:60kB present:15992kB managed:15908kB
[  100.000003] lowmem_reserve[]: 0 {kept} {kept} {kept}
[  100.000003] Node 0 Normal free:{normal}kB min:400kB low:480kB high:600kB present:9000000kB managed:9000000kB
[  100.000003] lowmem_reserve[]: 0 0 0 0
[  100.000003] Node 0 HighMem free:9000kB min:40kB low:48kB high:60kB present:15992kB managed:15908kB
[  100.000003] lowmem_reserve[]: 0 0 0 0
[  100.000003] Node 0 Normal: {blocks}
[  100.000003] Total swap = 0kB
"""


def summary(raw: str) -> list[str]:
    log = oomsel.loads(raw).log
    return memory_summary(log.event, log.facts)


def of_file(name: str) -> list[str]:
    return summary((DATA / "logs" / f"{name}.log").read_text())


def with_zones(gfp: int = 0xCC0, order: int = 0, **values: object) -> str:
    zones = ZONES.format(**{"dma": 10, "normal": 10, "blocks": "", "kept": 0} | values)
    text = old([(70, 1, 500, 0, "hog")], 70, 5).replace("[  100.000004] Mem-Info:\n", zones)
    return text.replace("gfp_mask=0x280da, order=0", f"gfp_mask={gfp:#x}, order={order}")


@pytest.mark.parametrize(
    ("gfp", "order", "dma", "normal", "blocks", "why"),
    [
        (0x1, 0, 10, 90000, "", "every zone that it may use (DMA) is below its min, and there is no swap"),
        (0xCC0, 0, 10, 10, "", "every zone that it may use (DMA, Normal) is below its min, and there is no swap"),
        (0xCC2, 0, 10, 10, "", "DMA of node 0, Normal of node 0 are below min, and HighMem of node 0 has room; why"),
        (
            0xCC0,
            0,
            900,
            10,
            "",
            "Normal of node 0 is below min, and DMA of node 0 has room; why it was not used",
        ),
        (
            0xCC0,
            0,
            50,
            10,
            "",
            "Normal of node 0 is below min, and DMA of node 0 has no more than its high",
        ),
        (0xCC0, 0, 900, 900, "", "no zone is below its min in this block, which was read after the allocation had"),
        (0xCC0, 4, 10, 900, "9*4kB 0*8kB 0*16kB = 36kB", "order 4 wants 64 kB in one piece, and no zone with room"),
        (0xCC0, 4, 10, 900, "9*4kB 1*64kB = 100kB", "DMA of node 0 is below min, and Normal of node 0 has room"),
        (0xCC0, 4, 10, 900, "", "order 4 wants 64 kB in one piece; whether zones with room have such a block is not"),
    ],
)
def test_why_memory_could_not_be_had(gfp: int, order: int, dma: int, normal: int, blocks: str, why: str) -> None:
    assert summary(with_zones(gfp, order, dma=dma, normal=normal, blocks=blocks))[-1].startswith(why)


def test_what_a_zone_keeps_for_others_is_not_free() -> None:
    lines = summary(with_zones(dma=900, kept=300))
    assert (
        "node 0 DMA: 900 kB free, below its min of 40 kB and the 1200 kB that it keeps for others (lowmem_reserve)"
        in (lines)
    )
    assert lines[-1].startswith("every zone that it may use (DMA, Normal) is below its min")


def test_without_the_line_of_what_it_keeps_nobody_knows() -> None:
    raw = with_zones(dma=900, kept=300).replace("[  100.000003] lowmem_reserve[]: 0 300 300 300\n", "")
    assert (
        "whether DMA of node 0 could be used is not in the log: the lowmem_reserve line is missing" in summary(raw)[-1]
    )


@pytest.mark.parametrize("name", ["g01_shmem_tmpfs_ate_it", "g02_hugepages_reserved", "g05_only_cma_free"])
def test_the_line_of_a_zone_and_the_verdict_use_the_same_watermark(name: str) -> None:
    lines = of_file(name)
    zone = next(line for line in lines if line.startswith("node 0 Normal"))
    assert "below its min of 9000 kB" in zone
    assert lines[-1].startswith("every zone is below its min")


def test_what_tmpfs_holds() -> None:
    assert (
        "shmem, which tmpfs is part of, holds 2734.4 MiB of 3906.2 MiB; what no task has mapped a kill does not free"
        in of_file("g01_shmem_tmpfs_ate_it")
    )
    assert not any("tmpfs" in line for line in of_file("g02_hugepages_reserved"))


def test_what_is_set_aside_as_huge_pages() -> None:
    (line,) = [line for line in of_file("g02_hugepages_reserved") if "huge" in line]
    assert line == (
        "3000.0 MiB are set aside as huge pages, line 16, 3000.0 MiB of them free, and nothing else may use them"
    )


def test_only_cma_is_free() -> None:
    raw = (DATA / "logs" / "g05_only_cma_free.log").read_text()
    assert "520000 kB free, 512000 kB of it CMA, which this allocation may not use; the other 8000 kB are below" in (
        "\n".join(summary(raw))
    )
    assert summary(raw)[-1] == (
        "every zone is below its min, without the CMA pages that it may not use, and there is no swap"
    )
    movable = raw.replace("gfp_mask=0xcc0(GFP_KERNEL)", "gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE)")
    assert "no zone is below its min in this block" in summary(movable)[-1]


def test_order_3_finds_no_block() -> None:
    assert of_file("g04_order3_fragmented")[-1] == (
        "order 3 wants 32 kB in one piece, and no zone with room has such a block: memory is fragmented"
    )


def test_swap_that_has_room() -> None:
    raw = (DATA / "logs" / "g07_plenty_of_free_swap.log").read_text()
    assert summary(raw)[-1] == (
        "every zone is below its min; swap has room and 2.9 GiB of anonymous memory and shmem are still in RAM:"
        " why they were not swapped out is not in the log"
    )
    little = raw.replace("inactive_anon:760000", "inactive_anon:1000")
    assert summary(little)[-1].endswith("swap has room, but only 4.3 MiB are left that could go there")
    lost = "\n".join(line for line in raw.split("\n") if "inactive_anon:760000" not in line)
    assert summary(lost)[-1].endswith("swap has room, and why it did not help is not in the log")


def test_sysrq_wants_no_memory() -> None:
    assert of_file("g08_minor_sysrq")[-1] == "nothing failed: the kill was asked for by hand (sysrq f)"


def test_what_holds_a_cgroups_memory() -> None:
    *_, held, why = of_file("r09_memcg_sockets")
    assert held == (
        "of the 203.3 MiB that the cgroup uses, sockets 175.1 MiB, anonymous memory 26.8 MiB (memory.stat, line 5)"
    )
    assert why.endswith(" reached its limit of 204800 kB")


def test_a_cgroup_whose_usage_lines_are_lost() -> None:
    (why,) = of_file("r10_memcg_no_usage_lines")
    assert why == (
        "the cgroup /jobs ran out of memory; how much it may have is not in the log:"
        " the cgroup's usage lines are missing"
    )


def test_zones_without_the_first_line() -> None:
    lines = of_file("r02_meminfo_head_lost")
    assert lines[0] == "RAM 3886.7 MiB usable of 4101.6 MiB"
    assert lines[-1] == (
        "what was asked for is not in the log; Normal of node 0 is below min, and DMA32 of node 0 has room;"
        " why it was not used is not in the log, and swap is full"
    )


def test_protected_memory() -> None:
    raw = (LOGS / "03-memcg.log").read_text()
    at = raw.index("Tasks state")
    stamp = raw[:at].rpartition("\n")[2]
    for least, told in ((4096, True), (0, False)):
        line = f"{stamp}Memory cgroup min protection {least}kB -- low protection 0kB\n"
        lines = summary(raw[: at - len(stamp)] + line + raw[at - len(stamp) :])
        assert any(line.startswith(f"memory.min protects {least} kB") for line in lines) == told


def test_plain_data_has_what_the_sentences_have() -> None:
    log = oomsel.load(DATA / "logs" / "g02_hugepages_reserved.log").log
    found = memory_object(log.event, log.facts)
    assert (found["huge_pages_kb"], found["huge_pages_free_kb"]) == (3072000, 3072000)
