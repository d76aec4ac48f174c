"""Reports whose head the log has lost: what is left is used, and what is missing is named."""

from __future__ import annotations

import pytest

from oomsel.klog.event import OomEvent
from oomsel.klog.headless import columns_of_rows
from tests.klog.test_line_formats import TABLES
from tests.klog.test_prefix import events
from tests.real_logs import LOGS
from tests.support import DATA

GLOBAL = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")[:76]
MEMCG = (LOGS / "03-memcg.log").read_bytes().split(b"\n")
KILL = b"[  900.0] Out of memory: Killed process 7 (a) total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 "
KILL += b"pgtables:4kB oom_score_adj:0"


def cut(name: str) -> OomEvent:
    (event,) = events((DATA / "logs" / f"{name}.log").read_bytes())
    return event


def test_a_cgroups_lines_count_without_the_first() -> None:
    event = cut("r01_v1_memcg_head_lost")
    memcg = event.memcg
    assert (memcg.path, memcg.task_path) == ("/kubepods/burstable/podAAAA", "/kubepods/burstable/podAAAA/cccc")
    assert (memcg.memory, memcg.usage, memcg.stats) == (204800, 204800, {})  # the stats are those of one below
    assert (event.is_memcg, event.constraint, event.first_line) == (True, "CONSTRAINT_MEMCG", 1)
    assert list(event.missing()) == [
        "no line that says who invoked the OOM killer (the log begins inside this report, at its cgroup's name)"
    ]


def test_zones_swap_and_ram_count_without_the_first_line() -> None:
    event = cut("r02_meminfo_head_lost")
    info = event.meminfo
    assert [(zone.name, zone.sizes["free"], zone.reserve) for zone in info.zones] == [
        ("DMA32", 30000, (0, 0, 3000, 3000, 3000)),
        ("Normal", 15000, (0, 0, 0, 0, 0)),
    ]
    assert (info.ram, info.reserved, info.total_swap_kb, info.free_swap_kb) == (1050000, 55000, 524288, 0)
    assert next(iter(event.missing())).endswith("(the log begins inside this report, at its zones)")


@pytest.mark.parametrize("lines", [GLOBAL, MEMCG], ids=["global", "memcg"])
def test_whatever_is_cut_off_the_rest_is_one_report_that_says_so(lines: list[bytes]) -> None:
    whole, *_ = events(b"\n".join(lines))
    for lost in range(1, len(lines)):
        found = events(b"\n".join(lines[lost:]))
        assert len(found) <= 1
        if not found:
            continue
        event = found[0]
        assert event.invoked is None
        assert not event.is_complete
        assert event.kills == [kill._replace(line=kill.line - lost) for kill in whole.kills]
        rest = b"\n".join(lines[lost:])
        assert (event.meminfo.ram is not None) == (b" pages RAM" in rest)
        assert len(event.meminfo.zones) == len({line.split(b"free:")[0] for line in zone_lines(lines[lost:])})
        assert (event.memcg.memory is not None) == (b"memory: usage" in rest)
        assert (event.header_line is not None) == (b"total_vm " in rest)


def zone_lines(lines: list[bytes]) -> list[bytes]:
    """The lines from which a zone is known, each with `free:` in it: a zone's own, or its free blocks."""
    own = [line[15:] for line in lines if b"lowmem_reserve" not in line and b" free:" in line and b"min:" in line]
    blocks = [line[15:].split(b":")[0] + b" free:" for line in lines if b"*4kB" in line]
    return own + blocks


def test_in_the_middle_of_a_log_what_stands_before_is_lost() -> None:
    zones = GLOBAL[next(number for number, line in enumerate(GLOBAL) if b"Node 0 DMA free" in line) :]
    (event,) = events(b"\n".join([b"[   13.000000] usb 1-1: new device", *zones]))
    assert list(event.missing()) == [
        "no line that says who invoked the OOM killer (what stands before its zones, line 2, is lost)"
    ]


HEADER = next(number for number, line in enumerate(GLOBAL) if b"total_vm" in line)


@pytest.mark.parametrize("first", [0, HEADER + 1, HEADER + 5], ids=["header lost", "head lost", "first rows lost"])
@pytest.mark.parametrize("last", [len(GLOBAL), HEADER + 9], ids=["with its end", "end lost"])
def test_rows_without_their_header_are_read_by_their_widths(first: int, last: int) -> None:
    whole, *_ = events(b"\n".join(GLOBAL[:last]))
    (event,) = events(b"\n".join(GLOBAL[first:HEADER] + GLOBAL[max(first, HEADER + 1) : last]))
    known = whole.rows[max(first - HEADER - 1, 0) :]
    assert [row[1:] for row in event.rows] == [row[1:] for row in known]
    rows = f"{len(known)} rows whose header is lost, with what may stand before; the columns are told by their widths"
    assert f"{rows}, line {event.rows[0].line}" in list(event.missing())
    assert event.begins_at == (None if first == 0 else "rows")


def test_rows_whose_columns_nobody_can_tell_are_a_loss() -> None:
    rows = [b" ".join(line.split(b" ")[:-1]) + b" 7 x" for line in GLOBAL[HEADER + 1 :] if b"] [" in line]
    (event,) = events(b"\n".join([*rows, KILL]))
    assert event.rows == []
    assert f"{len(rows)} rows whose header is lost, line 1" in list(event.missing())


@pytest.mark.parametrize("span", TABLES)
def test_each_releases_widths_tell_its_columns(span: str) -> None:
    header, row, *_ = TABLES[span]
    columns = columns_of_rows([row])
    assert columns is not None
    assert list(columns.names) == header.partition("]")[2].split()[:-1]


OTHER = [
    b"[  800.0] cc1: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0",
    b"[  800.0] CPU: 3 PID: 77 Comm: cc1 Not tainted 6.1.0 #1",
    b"[  800.0] Call Trace:",
    b"[  800.0]  warn_alloc+0x10/0x20",
    b"[  800.0] Mem-Info:",
    b"[  800.0] Node 0 Normal free:15000kB min:16000kB low:20000kB high:24000kB present:3200000kB managed:3000000kB",
    b"[  800.0] 1050000 pages RAM",
    b"[  800.0] 55000 pages reserved",
]


@pytest.mark.parametrize("first", range(len(OTHER)))
def test_the_memory_of_a_failed_allocation_is_not_the_next_kills(first: int) -> None:
    (event,) = events(b"\n".join([*OTHER[first:], KILL]))
    is_unknown_whose = 2 < first < 7  # nothing is left that tells whose block it is
    assert (event.meminfo.ram is None) == (not is_unknown_whose)
    assert event.current is None


def test_after_the_kill_the_victims_own_failure_is_not_the_next_kills() -> None:
    lines = [*GLOBAL, *OTHER, *[b"[  801.0] usb 1-1: new device"] * 80, KILL]
    assert [(event.meminfo.ram, event.is_complete) for event in events(b"\n".join(lines))] == [
        (130942, True),
        (None, False),
    ]


def test_a_warnings_stack_dump_names_nobody() -> None:
    warning = [b"[  800.0] WARNING: at mm/x.c:1", OTHER[1], b"[  800.0] Call Trace:", b"[  800.0]  x+0x1/0x2"]
    (event,) = events(b"\n".join([*warning, KILL]))
    assert (event.current, event.begins_at) == (None, None)


def test_a_cgroups_lines_alone_are_a_report() -> None:
    (event,) = events(b"[ 5000.1] Task in /a/b killed as a result of limit of /a\n[ 5000.1] usb 1-1: new device\n")
    assert list(event.missing()) == [
        "no line that says who invoked the OOM killer (the log begins inside this report, at its cgroup's name)",
        "no task table",
        "no end, with the kill line",
    ]


def test_a_group_kills_its_first_victim_twice_and_counts_it_once() -> None:
    event = cut("r03_oomgroup_victim_twice")
    assert [kill.pid for kill in event.kills] == [5000, 5000]
    assert [(kill.pid, kill.line) for kill in event.killed] == [(5000, 10)]
    assert [(line.line, line.pid, line.killed) for line in event.walk] == [(12, 5000, True)]


def test_red_hat_names_the_thread_that_was_chosen_and_then_its_process() -> None:
    event = cut("r06_el7_thread_then_process")
    assert event.chosen is not None
    assert (event.chosen.pid, event.kills[0].pid, event.is_complete) == (6123, 6000, True)


EXITING = b"[   14.050000] Out of memory: OOM victim 200 (batch) is already exiting. Skip killing the task"


def test_a_victim_that_was_exiting_already_ends_a_report() -> None:
    (event,) = events(b"\n".join([*GLOBAL[:-1], EXITING]))
    assert (event.is_complete, event.exiting, event.kills) == (True, (76, 200), [])
    gone = [line for line in GLOBAL[:-1] if not line.endswith(b" batch")]  # it may have no row any more
    (event,) = events(b"\n".join([*gone, EXITING]))
    assert event.is_complete
    again = [*GLOBAL[:-1], EXITING, *[b"[   15.0] x"] * 3, KILL]
    assert [len(event.kills) for event in events(b"\n".join(again))] == [0, 1]


def test_an_empty_table_is_a_table() -> None:
    header = next(number for number, line in enumerate(GLOBAL) if b"total_vm" in line)
    nobody = b"[   14.051234] Out of memory and no killable processes..."
    (event,) = events(b"\n".join([*GLOBAL[: header + 1], nobody]))
    assert (event.rows, event.is_complete) == ([], True)


def test_who_is_pinned_by_init() -> None:
    pinned = b"[   14.06] oom killer 200 (batch) has mm pinned by 1 (init)"
    (event,) = events(b"\n".join([*GLOBAL, pinned]))
    assert [(found.pid, found.pinner, found.pinner_comm) for found in event.pinned] == [(200, 1, b"init")]
    (event,) = events(b"\n".join([*GLOBAL, pinned.replace(b"200", b"201")]))
    assert event.pinned == []


@pytest.mark.parametrize(
    ("line", "origin", "kthread"),
    [
        (b" __do_sys_swapoff+0x74e/0xf30", 5, None),
        (b" [<ffffffff8117b5c4>] SyS_swapoff+0x1a/0x20", 5, None),
        (b" unmerge_and_remove_all_rmap_items+0x5/0x20", 5, None),
        (b"Workqueue: events moom_callback", None, 5),
        (b" kthread+0xd0/0x100", None, 5),
        (b" ? kthread+0xd0/0x100", None, None),
        (b" do_user_addr_fault+0x1/0x2", None, None),
    ],
)
def test_what_the_stack_dump_shows(line: bytes, origin: int | None, kthread: int | None) -> None:
    lines = [*GLOBAL[:4], b"[   14.04] " + line, *GLOBAL[4:]]
    (event,) = events(b"\n".join(line for line in lines if b"kthread+" not in line or lines.index(line) == 4))
    assert (event.origin_line, event.kthread_line) == (origin, kthread)


def test_calls_of_another_cpus_dump_are_not_the_allocating_tasks() -> None:
    others = [b"[   14.04] " + call for call in (b" ext4_writepages+0x2/0x4", b" worker_thread+0x1/0x2")]
    (event,) = events(b"\n".join([GLOBAL[0], *others]))
    assert (event.calls, event.kthread_line) == ([], None)
    (event,) = events(b"\n".join([GLOBAL[0], b"[   14.04] Call Trace:", *others]))
    assert (event.calls, event.kthread_line) == (["ext4_writepages", "worker_thread"], 4)


def test_the_fields_that_7_3_prints() -> None:
    zone = (
        b"[   29.1] Node 0 DMA32 free:776kB boost:5868kB min:8476kB low:9128kB high:9780kB reserved_highatomic:4kB"
        b" free_highatomic:2kB active_anon:400176kB zspages:0kB present:507776kB managed:457776kB free_cma:12kB"
    )
    lines = [
        zone,
        b"[   29.1] Memory cgroup min protection 4096kB -- low protection 6144kB",
        b"[   29.1] Free swap  = -54428kB",
        b"[   29.1] Node 0 hugepages_total=50 hugepages_free=20 hugepages_surp=0 hugepages_size=2048kB",
    ]
    (event,) = events(b"\n".join([*GLOBAL[:2], *lines, *GLOBAL[-2:]]))
    assert event.meminfo.zones[0].sizes["free_highatomic"] == 2
    assert event.meminfo.zones[0].sizes["free_cma"] == 12
    assert event.memcg.protection == (4, 4096, 6144)
    assert event.meminfo.free_swap_kb == -54428
    assert (event.meminfo.huge_kb, event.meminfo.huge_free_kb, event.meminfo.huge_line) == (102400, 40960, 6)


def test_memory_stat_is_the_cgroups_own() -> None:
    (event,) = events((DATA / "logs" / "r09_memcg_sockets.log").read_bytes())
    assert event.memcg.stats == {
        "anon": 28139520,
        "file": 8192,
        "kernel": 1343488,
        "sock": 183623680,
        "slab": 930048,
    }
    assert (event.memcg.usage, event.memcg.stats_line) == (208204, 5)
