"""What follows from a report: page size, release and totalpages, each from what is printed, and in whose words."""

from __future__ import annotations

import pytest

import oomsel
from oomsel.inputs.log.facts import Facts
from oomsel.inputs.log.options import LogOptions
from tests.real_logs import LOGS, own_lines

GLOBAL = "\n".join((LOGS / "01-global-8cpu.log").read_text().split("\n")[:76])


def facts(raw: str) -> Facts:
    return oomsel.loads(raw, log=LogOptions(event=1)).log.facts  # type: ignore[no-any-return]


WITHOUT_BLOCKS = "\n".join(line for line in GLOBAL.split("\n") if "*4kB" not in line)


@pytest.mark.parametrize(
    ("total_vm", "anon", "page_size", "because"),
    [
        (3312, 2048, 4096, "total-vm of pid 200 is 3312 kB in line 74, 828 pages in line 66"),
        (52992, 2048, 65536, "total-vm of pid 200 is 52992 kB in line 74, 828 pages in line 66"),
        # Between the row and the kill one of them has changed, or both have.
        (3320, 2048, 4096, "rss of pid 200 is 2700 kB in line 74, 675 pages in line 66"),
        (13400, 2049, 16384, "total-vm in kB of pid 200, line 74, is about 16 times its row's"),
        (7000, 2049, 4096, "assumed, as nothing in the report shows it; --page-size states another"),
    ],
)
def test_the_page_size_by_the_kill_line(total_vm: int, anon: int, page_size: int, because: str) -> None:
    sizes = f"total-vm:{total_vm}kB, anon-rss:{anon}kB"
    found = facts(WITHOUT_BLOCKS.replace("total-vm:3312kB, anon-rss:2048kB", sizes))
    assert (found.page_size, found.page_size_because) == (page_size, because)


def test_a_free_block_shows_the_page_size_before_the_kill_line_does() -> None:
    assert facts(GLOBAL).page_size_because == "the smallest free block is 4 kB"


@pytest.mark.parametrize(
    ("pgtables", "kernel"),
    [
        ("pgtables:44kB", "5.4"),
        ("pgtables:45056kB", "5.4.0-200-generic"),  # bytes called kB, until 5.4.9
    ],
)
def test_a_distributions_5_4_0_is_known_by_its_page_tables(pgtables: str, kernel: str) -> None:
    raw = (LOGS / "12-61-global.log").read_text()
    raw = raw.replace("6.1.0-56-cloud-amd64", "5.4.0-200-generic").replace("pgtables:44kB", pgtables)
    scenario = oomsel.loads(raw)
    assert (scenario.log.facts.release, scenario.log.facts.kernel) == ("5.4.0-200-generic", kernel)
    assert pgtables in oomsel.kernel_lines(oomsel.select(scenario, mode="kernel"))[-1]


@pytest.mark.parametrize(
    ("name", "kernel"), [("01-global-8cpu.log", "6.8"), ("12-61-global.log", "5.15")], ids=["6.8", "4.19"]
)
def test_without_a_release_the_table_shows_which_to_run(name: str, kernel: str) -> None:
    lines = (LOGS / name).read_text().split("\n")
    scenario = oomsel.loads("\n".join(line for line in lines if " Comm: " not in line), log=LogOptions(event=1))
    assert (scenario.log.facts.release, scenario.log.facts.kernel) == (None, kernel)
    assert oomsel.kernel_lines(oomsel.select(scenario, mode="kernel"))[1:] == own_lines(name)[0][1:]


def test_a_node_whose_zones_lost_their_sizes_gives_no_totalpages() -> None:
    lines = (LOGS / "10-cpuset.log").read_text().split("\n")
    found = facts("\n".join(line for line in lines if "Node 1 DMA32 free:" not in line))
    assert found.totalpages is None
    assert found.totalpages_because == "how much RAM node 1 has is not in the log"


RAM = "130942 pages RAM less 12648 reserved"


@pytest.mark.parametrize(
    ("swap", "totalpages", "because"),
    [
        ("Total swap = 0kB", 118294, f"{RAM}, and Total swap, line 53"),
        ("Total swap = 4000kB", 119294, f"{RAM}, and Total swap, line 53"),
        ("", None, "of the report's Mem-Info block `Total swap` is not in the log"),
    ],
)
def test_totalpages_says_whether_swap_is_in_it(swap: str, totalpages: int | None, because: str) -> None:
    found = facts(GLOBAL.replace("Total swap = 0kB", swap))
    assert (found.totalpages, found.totalpages_because) == (totalpages, because)


@pytest.mark.parametrize(
    ("boot", "cpus", "because"),
    [
        ("setup_percpu: NR_CPUS:8192 nr_cpu_ids:24 nr_node_ids:1", 24, "nr_cpu_ids, line 1"),
        ("smp: Brought up 2 nodes, 20 CPUs", 20, "brought up at boot, line 1"),
        ("Brought up 4 CPUs", 4, "brought up at boot, line 1"),
        ("smp: Brought up 2 nodes, 20 CPUs\n[    0.000002] x nr_cpu_ids:24", 20, "brought up at boot, line 1"),
        ("usb 1-1: new device", None, "the log does not say how many CPUs there are; --cpus N does"),
    ],
)
def test_the_cpus_that_the_boot_brought_up(boot: str, cpus: int | None, because: str) -> None:
    found = facts(f"[    0.000001] {boot}\n{GLOBAL}")
    assert (found.cpus, found.cpus_because) == (cpus, because)


def test_the_swap_that_an_earlier_report_or_the_boot_shows() -> None:
    cgroups = (LOGS / "03-memcg.log").read_text()
    earlier = (LOGS / "07-swap.log").read_text()
    boot = "[    1.000000] Adding 4000k swap on /dev/a\n[    1.000001] Adding 4000k swap on /dev/b\n"
    for before, swap, line in ((earlier, 98300 // 4, 52), (boot, 2000, 2), (boot + earlier, 98300 // 4, 54)):
        found = oomsel.loads(before + cgroups, log=LogOptions(last=True)).log.facts
        assert (found.swap, found.totalpages) == (swap, 98304 // 4 + swap)
        assert found.totalpages_because.endswith(f"the machine has {swap} pages (swap by line {line})")


def test_a_cgroup_without_a_limit_of_its_own_gives_no_totalpages() -> None:
    raw = (LOGS / "03-memcg.log").read_text().replace("limit 98304kB", "limit 9007199254740988kB")
    found = facts(raw)
    assert (found.totalpages, found.memcg_max) == (None, None)
    assert found.totalpages_because == "the cgroup itself has no limit, line 41; the one above it ran out"


def test_one_cpu_is_a_number_of_cpus() -> None:
    boot = "[    0.000000] setup_percpu: nr_cpu_ids:8 nr_node_ids:1\n[    0.100000] smp: Brought up 1 node, 1 CPU\n"
    assert (facts(boot + GLOBAL).cpus, facts(boot.replace("1 CPU\n", "2 CPUs\n") + GLOBAL).cpus) == (1, 2)


def test_a_node_of_which_a_zone_is_lost_has_no_total() -> None:
    bound = GLOBAL.replace("constraint=CONSTRAINT_NONE", "constraint=CONSTRAINT_CPUSET")
    assert facts(bound).totalpages is not None
    lost = "\n".join(line for line in bound.split("\n") if "Node 0 DMA32 free:" not in line)
    assert facts(lost).totalpages is None


def test_no_swap_was_added_since_the_boot() -> None:
    memcg = (LOGS / "03-memcg.log").read_text()
    boot = "[    0.000000] Linux version 6.12.117+deb12-cloud-amd64 (x)\n"
    swap = "[    1.000000] Adding 4096k swap on /dev/vdb.  Priority:-2 extents:1 across:4096k\n"
    alone, booted, added = (facts(before + memcg) for before in ("", boot, boot + swap))
    assert (alone.swap, booted.swap, added.swap) == (None, 0, 1024)
    assert (alone.totalpages_guessed, booted.totalpages_guessed, added.totalpages_guessed) == (True, False, False)
    assert (booted.totalpages, added.totalpages) == (24576, 24576 + 1024)


@pytest.mark.parametrize("name", ["03-memcg.log", "12b-61-memcg.log"])
def test_a_cgroups_swap_limit_that_is_lost_is_guessed(name: str) -> None:
    found = facts("\n".join(line for line in (LOGS / name).read_text().split("\n") if "swap: usage" not in line))
    assert found.totalpages == found.memcg_max
    assert found.totalpages_guessed
    assert "its swap limit is not in the log: none is taken for it" in found.totalpages_because
