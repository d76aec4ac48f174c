# ruff: noqa: E501 - lines of the kernel's stay whole
"""Every line that is read, in the form of each release that printed it differently: 2.6.32 to 7.3."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oomsel.inputs.source import source_of
from oomsel.klog import formats
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogReader
from oomsel.klog.report_lines import parse_current, parse_invoked, parse_killed, parse_summary
from oomsel.klog.table import Columns, oom_score_adj, page_table_bytes

INVOKED = {
    "2.6.32": ("db invoked oom-killer: gfp_mask=0x280da, order=0, oom_adj=0", 0x280DA, "", 0, 0),
    "2.6.32, disabled": ("db invoked oom-killer: gfp_mask=0x280da, order=0, oom_adj=-17", 0x280DA, "", 0, -1000),
    "2.6.36-3.6": (
        "db invoked oom-killer: gfp_mask=0x280da, order=0, oom_adj=15, oom_score_adj=1000",
        0x280DA,
        "",
        0,
        1000,
    ),
    "3.7-4.5": ("db invoked oom-killer: gfp_mask=0x24200ca, order=0, oom_score_adj=-900", 0x24200CA, "", 0, -900),
    "4.6-4.8": (
        "db invoked oom-killer: gfp_mask=0x24200ca(GFP_HIGHUSER_MOVABLE), order=2, oom_score_adj=0",
        0x24200CA,
        "GFP_HIGHUSER_MOVABLE",
        2,
        0,
    ),
    "4.9-4.10": (
        "db invoked oom-killer: gfp_mask=0x24200ca(GFP_HIGHUSER_MOVABLE), nodemask=0, order=0, oom_score_adj=0",
        0x24200CA,
        "GFP_HIGHUSER_MOVABLE",
        0,
        0,
    ),
    "4.11-4.18": (
        "db invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=(null),  order=0, oom_score_adj=900",
        0x14000C0,
        "GFP_KERNEL",
        0,
        900,
    ),
    "4.11-4.18, a policy": (
        "db invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=0-1,3,  order=0, oom_score_adj=900",
        0x14000C0,
        "GFP_KERNEL",
        0,
        900,
    ),
    "4.19-4.20": (
        "db invoked oom-killer: gfp_mask=0x6200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null), order=0, oom_score_adj=0",
        0x6200CA,
        "GFP_HIGHUSER_MOVABLE",
        0,
        0,
    ),
    "5.0 on": (
        "db invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0",
        0x140CCA,
        "GFP_HIGHUSER_MOVABLE|__GFP_COMP",
        0,
        0,
    ),
    "sysrq": (
        "kworker/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0",
        0xCC0,
        "GFP_KERNEL",
        -1,
        0,
    ),
}


@pytest.mark.parametrize("span", INVOKED)
def test_who_invoked(span: str) -> None:
    text, mask, names, order, adj = INVOKED[span]
    found = parse_invoked(7, text)
    assert found is not None
    assert (found.line, found.comm, *found[2:]) == (7, text.split(" ")[0].encode(), mask, names, order, adj)


CURRENT = {
    "2.6.32-3.9": ("Pid: 398, comm: db Not tainted 2.6.32-754.el6.x86_64 #1", 398, None, None, "2.6.32-754.el6.x86_64"),
    "3.10-6.11": ("CPU: 7 PID: 398 Comm: db Not tainted 6.8.0-31-generic #31-Ubuntu", 398, None, 7, "6.8.0-31-generic"),
    "RHEL 7 and 8": (
        "CPU: 7 PID: 398 Comm: db Kdump: loaded Tainted: G        W  OE    --------- -t - 4.18.0-553.el8.x86_64 #1",
        398,
        None,
        7,
        "4.18.0-553.el8.x86_64",
    ),
    "6.12 on": ("CPU: 7 UID: 500 PID: 398 Comm: db Not tainted 6.12.117 #1 PREEMPT(lazy)", 398, 500, 7, "6.12.117"),
    "6.12 on, tainted": (
        "CPU: 7 UID: 0 PID: 398 Comm: db Tainted: G        W  O        6.12.117 #1 PREEMPT(lazy)",
        398,
        0,
        7,
        "6.12.117",
    ),
    "7.0 on": ("CPU: 7 UID: 500 PID: 398 Comm: db Not tainted 7.3.0-rc4 #1 PREEMPT(full) ", 398, 500, 7, "7.3.0-rc4"),
}


@pytest.mark.parametrize("span", CURRENT)
def test_who_runs_where(span: str) -> None:
    text, *expected = CURRENT[span]
    found = parse_current(7, text)
    assert found is not None
    assert list(found[1:]) == expected


#: header, a row, its oom_score_adj and its bytes of page tables
TABLES = {
    "2.6.32-2.6.35": (
        "[ pid ]   uid  tgid total_vm      rss cpu oom_adj name",
        "[  398]   500   398    12345      678   1     -17 db",
        -1000,
        0,
    ),
    "2.6.36-3.5": (
        "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
        "[  398]   500   398    12345      678   1     -17         -1000 db",
        -1000,
        0,
    ),
    "3.6-3.19": (
        "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
        "[  398]   500   398    12345      678      30        0           900 db",
        900,
        30 * 4096,
    ),
    "4.0-4.14": (
        "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name",
        "[  398]   500   398    12345      678      30       3        0           900 db",
        900,
        33 * 4096,
    ),
    "4.15-4.18": (
        "[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
        "[  398]   500   398    12345      678   122880        0           900 db",
        900,
        122880,
    ),
    "4.19-6.7": (
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
        "[    398]   500   398    12345      678   122880        0           900 db",
        900,
        122880,
    ),
    "6.8 on": (
        "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name",
        "[    398]   500   398    12345      678      600       78         0   122880        0           900 db",
        900,
        122880,
    ),
}


@pytest.mark.parametrize("span", TABLES)
def test_tables(span: str) -> None:
    header, text, adj, page_tables = TABLES[span]
    columns = Columns.of_header(header, whole=True)
    assert columns is not None
    row = columns.row(7, text, whole=True)
    assert row is not None
    assert (row.pid, row.numbers["uid"], row.numbers["total_vm"], row.numbers["rss"]) == (398, 500, 12345, 678)
    assert (row.name, oom_score_adj(row), page_table_bytes(row, 4096)) == ("db", adj, page_tables)


def test_the_line_between_the_cgroup_and_the_table() -> None:
    """Since 5.0: constraint, nodemask, cpuset, and the cgroup that ran out, if one did."""
    text = "oom-kill:constraint=%s,nodemask=%s,cpuset=/,mems_allowed=0-1%s,task_memcg=/a/b,task=db,pid=398,uid=500"
    plain = parse_summary(7, text % ("CONSTRAINT_NONE", "(null)", ",global_oom"), lambda _: None)
    memcg = parse_summary(7, text % ("CONSTRAINT_MEMCG", "(null)", ",oom_memcg=/a"), lambda _: None)
    policy = parse_summary(7, text % ("CONSTRAINT_MEMORY_POLICY", "0,2-3", ",global_oom"), lambda _: None)
    assert plain is not None
    assert memcg is not None
    assert policy is not None
    assert (plain.oom_memcg, plain.task_memcg, plain.comm, plain.pid, plain.uid) == (None, "/a/b", b"db", 398, 500)
    assert (memcg.oom_memcg, policy.nodemask, policy.mems_allowed) == ("/a", "0,2-3", "0-1")


KILLED = {
    "2.6.32": ("Killed process 398 (db)", "", None, None, None, None, None, None, None),
    "2.6.33-2.6.35": (
        "Killed process 398 (db) vsz:800kB, anon-rss:300kB, file-rss:20kB",
        "",
        800,
        300,
        20,
        None,
        None,
        None,
        None,
    ),
    "RHEL 6": (
        "Killed process 398, UID 500, (db) total-vm:800kB, anon-rss:300kB, file-rss:20kB",
        "",
        800,
        300,
        20,
        None,
        500,
        None,
        None,
    ),
    "2.6.36-4.4": (
        "Killed process 398 (db) total-vm:800kB, anon-rss:300kB, file-rss:20kB",
        "",
        800,
        300,
        20,
        None,
        None,
        None,
        None,
    ),
    "RHEL 7": (
        "Killed process 398 (db), UID 500, total-vm:800kB, anon-rss:300kB, file-rss:20kB, shmem-rss:4kB",
        "",
        800,
        300,
        20,
        4,
        500,
        None,
        None,
    ),
    "4.5-5.0": (
        "Killed process 398 (db) total-vm:800kB, anon-rss:300kB, file-rss:20kB, shmem-rss:4kB",
        "",
        800,
        300,
        20,
        4,
        None,
        None,
        None,
    ),
    "5.1-5.3": (
        "Memory cgroup out of memory: Killed process 398 (db) total-vm:800kB, anon-rss:300kB, file-rss:20kB, shmem-rss:4kB",
        "Memory cgroup out of memory",
        800,
        300,
        20,
        4,
        None,
        None,
        None,
    ),
    "5.4 on": (
        (
            "Out of memory: Killed process 398 (db) total-vm:800kB, anon-rss:300kB, file-rss:20kB, shmem-rss:4kB, "
            "UID:500 pgtables:44kB oom_score_adj:-5"
        ),
        "Out of memory",
        800,
        300,
        20,
        4,
        500,
        44,
        -5,
    ),
    "5.4 on, allocating": (
        (
            "Out of memory (oom_kill_allocating_task): Killed process 398 (db) total-vm:800kB, anon-rss:300kB, "
            "file-rss:20kB, shmem-rss:4kB, UID:500 pgtables:44kB oom_score_adj:-5"
        ),
        "Out of memory (oom_kill_allocating_task)",
        800,
        300,
        20,
        4,
        500,
        44,
        -5,
    ),
}


@pytest.mark.parametrize("span", KILLED)
def test_who_was_killed(span: str) -> None:
    text, *expected = KILLED[span]
    found = parse_killed(7, text)
    assert found is not None
    assert (found.pid, found.comm) == (398, b"db")
    assert [found.prefix, *found[4:]] == expected


CHOSEN = {
    "2.6.32-2.6.35": ("Out of memory: kill process 398 (db) score 4711 or a child", 4711),
    "2.6.36-5.0": ("Out of memory: Kill process 398 (db) score 977 or sacrifice child", 977),
    "2.6.36-5.0, a cgroup": ("Memory cgroup out of memory: Kill process 398 (db) score 977 or sacrifice child", 977),
    "RHEL 6": ("Out of memory: Kill process 398 (db) score 977 or sacrifice child", 977),
}


@pytest.mark.parametrize("span", CHOSEN)
def test_who_was_chosen(span: str) -> None:
    text, score = CHOSEN[span]
    match = formats.CHOSEN_RE.match(text)
    assert match is not None
    assert (match[2], match[3], int(match[4])) == ("398", "db", score)


def _events(*lines: str) -> list[OomEvent]:
    return list(
        LogReader(source_of("".join(f"[    1.{n:06d}] {line}\n" for n, line in enumerate(lines)).encode())).events()
    )


HEAD = INVOKED["5.0 on"][0]

ENDINGS = {
    "2.6.32, nobody": ("Out of memory and no killable processes...", "no_killable"),
    "2.6.32, nobody, and it ends": ("Kernel panic - not syncing: Out of memory and no killable processes...", "panic"),
    "2.6.32, panic_on_oom": ("Kernel panic - not syncing: out of memory. panic_on_oom is selected", "panic"),
    "2.6.34-2.6.35, a cgroup": ("Kernel panic - not syncing: out of memory(memcg). panic_on_oom is selected", "panic"),
    "2.6.36 on, panic_on_oom": (
        "Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled",
        "panic",
    ),
    "2.6.36 on, always": ("Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled", "panic"),
    "4.20 on, nobody": ("Kernel panic - not syncing: System is deadlocked on memory", "panic"),
}


@pytest.mark.parametrize("span", ENDINGS)
def test_ends_without_a_kill(span: str) -> None:
    text, what = ENDINGS[span]
    (event,) = _events(HEAD, text)
    assert getattr(event, what)
    assert event.ends


MEMCG = {
    "2.6.32-4.20": ("Task in /a/b killed as a result of limit of /a", ("path", "/a")),
    "2.6.32 on, memory": ("memory: usage 262144kB, limit 262144kB, failcnt 512", ("memory", 262144)),
    "2.6.32 on, memory+swap": ("memory+swap: usage 262144kB, limit 524288kB, failcnt 0", ("memsw", 524288)),
    "5.3 on, swap": ("swap: usage 0kB, limit 9007199254740988kB, failcnt 0", ("swap", 9007199254740988)),
    "3.9-5.2, one line": ("Memory cgroup stats for /a: cache:0KB rss:200000KB rss_huge:0KB", ("path", "/a")),
    "5.3 on, as in memory.stat": ("Memory cgroup stats for /a:", ("path", "/a")),
}


@pytest.mark.parametrize("span", MEMCG)
def test_what_a_cgroup_says(span: str) -> None:
    text, (name, value) = MEMCG[span]
    (event,) = _events(HEAD, text)
    assert getattr(event.memcg, name) == value


REAPED = {
    "4.6 on": "oom_reaper: reaped process 398 (db), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    "4.6, drafts": "oom_reaper: reaped process :398 (db) anon-rss:0kB, file-rss:0kB, shmem-rss:0lB",
}


@pytest.mark.parametrize("span", REAPED)
def test_who_was_reaped(span: str) -> None:
    (event,) = _events(HEAD, KILLED["5.4 on"][0], REAPED[span])
    assert event.reaped == [(3, 398)]


def test_a_group_that_dies_together_since_4_19() -> None:
    (event,) = _events(HEAD, KILLED["5.4 on"][0], "Tasks in /a are going to be killed due to memory.oom.group set")
    assert event.group == (3, "/a")


CPUSETS = {
    "2.6.38-4.20": ("db cpuset=/ mems_allowed=0-1", ("/", "0-1")),
    "2.6.38-4.20, a container's": ("db cpuset=0a1b mems_allowed=0", ("0a1b", "0")),
}


@pytest.mark.parametrize("span", CPUSETS)
def test_whose_cpuset(span: str) -> None:
    text, expected = CPUSETS[span]
    (event,) = _events(INVOKED["3.7-4.5"][0], text)
    assert event.cpuset == expected


#: a zone's line, by a release that has it so, and the sizes of it that are read
ZONES = {
    "2.6.32": (
        (
            "Node 0 DMA32 free:9096kB min:8112kB low:10140kB high:12168kB active_anon:0kB inactive_anon:0kB present:3120k"
            "B mlocked:0kB dirty:0kB kernel_stack:16kB unstable:0kB bounce:0kB pages_scanned:0 all_unreclaimable? yes"
        ),
        {"free": 9096, "min": 8112, "low": 10140, "high": 12168, "present": 3120},
    ),
    "3.13": (
        (
            "Node 0 DMA32 free:9096kB min:8112kB low:10140kB high:12168kB active_anon:0kB unevictable:0kB present:3129kB"
            " managed:3063kB mlocked:0kB kernel_stack:16kB free_cma:12kB writeback_tmp:0kB all_unreclaimable? no"
        ),
        {"free": 9096, "min": 8112, "low": 10140, "high": 12168, "present": 3129, "managed": 3063, "free_cma": 12},
    ),
    "5.10": (
        (
            "Node 0 DMA32 free:9096kB min:8112kB low:10140kB high:12168kB reserved_highatomic:2048KB active_anon:0kB"
            " writepending:0kB present:3129kB managed:3063kB mlocked:0kB bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB"
        ),
        {"free": 9096, "min": 8112, "reserved_highatomic": 2048, "present": 3129, "managed": 3063, "free_cma": 0},
    ),
    "6.1": (
        (
            "Node 0 DMA32 free:9096kB boost:4096kB min:8112kB low:10140kB high:12168kB reserved_highatomic:0KB"
            " active_anon:0kB present:3129kB managed:3063kB mlocked:0kB bounce:0kB free_pcp:4kB local_pcp:0kB free_cma:0kB"
        ),
        {"free": 9096, "boost": 4096, "min": 8112, "high": 12168, "present": 3129, "managed": 3063},
    ),
    "6.19": (
        (
            "Node 0 DMA32 free:9096kB boost:0kB min:8112kB low:10140kB high:12168kB reserved_highatomic:2048KB"
            " free_highatomic:1024KB active_anon:0kB present:3129kB managed:3063kB mlocked:0kB free_cma:0kB"
        ),
        {"free": 9096, "min": 8112, "reserved_highatomic": 2048, "free_highatomic": 1024},
    ),
    "7.3": (
        (
            "Node 0 DMA32 free:1016kB boost:0kB min:2608kB low:3260kB high:3912kB reserved_highatomic:4kB"
            " free_highatomic:0kB active_anon:384356kB present:507776kB managed:458752kB mlocked:0kB free_cma:0kB"
        ),
        {"free": 1016, "min": 2608, "reserved_highatomic": 4, "free_highatomic": 0, "present": 507776},
    ),
    "one node, 32 bits": (
        "Normal free:9096kB min:8112kB low:10140kB high:12168kB active_anon:0kB present:3129kB all_unreclaimable? yes",
        {"free": 9096, "min": 8112, "present": 3129},
    ),
}


@pytest.mark.parametrize("span", ZONES)
def test_what_a_zone_has(span: str) -> None:
    text, expected = ZONES[span]
    (event,) = _events(HEAD, text)
    (zone,) = event.meminfo.zones
    assert (zone.node, zone.name) == (0, text.removeprefix("Node 0 ").partition(" ")[0])
    assert expected.items() <= zone.sizes.items()


BLOCKS = {
    "2.6.32": "Node 0 DMA: 3*4kB 1*8kB 0*16kB 1*32kB = 52kB",
    "3.10 on, with kinds": "Node 0 DMA: 3*4kB (UEM) 1*8kB (M) 0*16kB 1*32kB (R) = 52kB",
}


@pytest.mark.parametrize("span", BLOCKS)
def test_which_blocks_are_free(span: str) -> None:
    (event,) = _events(HEAD, BLOCKS[span])
    assert event.meminfo.zones[0].blocks == {4: 3, 8: 1, 16: 0, 32: 1}


#: what the line gives, by the name in MemInfo
MEMINFO = {
    "2.6.32 on, RAM": ("4194288 pages RAM", "ram", 4194288),
    "2.6.29 and before, RAM": ("4194288 pages of RAM", "ram", 4194288),
    "2.6.32 on, reserved": ("68303 pages reserved", "reserved", 68303),
    "2.6.29 and before, reserved": ("68303 reserved pages", "reserved", 68303),
    "2.6.32 on, free swap": ("Free swap  = 12kB", "free_swap_kb", 12),
    "2.6.32 on, total swap": ("Total swap = 1048572kB", "total_swap_kb", 1048572),
    "swapoff": ("Free swap  = -12kB", "free_swap_kb", -12),
    "3.10 on, huge pages": (
        "Node 0 hugepages_total=4 hugepages_free=1 hugepages_surp=0 hugepages_size=2048kB",
        "huge_kb",
        8192,
    ),
}


@pytest.mark.parametrize("span", MEMINFO)
def test_what_mem_info_says(span: str) -> None:
    text, name, value = MEMINFO[span]
    (event,) = _events(HEAD, text)
    assert getattr(event.meminfo, name) == value


COUNTS = {
    "2.6.28-2.6.30": ("active_anon:12 active_file:3 inactive_anon:4", {"active_anon": 12, "inactive_anon": 4}),
    "2.6.31 on, first": ("active_anon:12 inactive_anon:4 isolated_anon:5", {"active_anon": 12, "isolated_anon": 5}),
    "2.6.31 on, slab": (" slab_reclaimable:426 slab_unreclaimable:3104", {"slab_unreclaimable": 3104}),
    "6.12, free": (" free:469 free_pcp:5352 free_cma:0", {"free": 469, "free_pcp": 5352}),
    "6.12, mapped": (" mapped:19 shmem:12 pagetables:372", {"shmem": 12, "pagetables": 372}),
}


@pytest.mark.parametrize("span", COUNTS)
def test_counts_of_pages(span: str) -> None:
    text, expected = COUNTS[span]
    (event,) = _events(HEAD, "Mem-Info:", text)
    assert expected.items() <= event.meminfo.counts.items()


OTHERS: dict[str, tuple[str, Callable[[OomEvent], object]]] = {
    "2.6.32-7.3, what zones keep": ("lowmem_reserve[]: 0 3242 64162", lambda event: event.meminfo.zones[0].reserve),
    "5.0 on, slab": ("kmalloc-96       12KB       24KB", lambda event: event.slabs),
    "6.19 on, protection": (
        "Memory cgroup min protection 12kB -- low protection 34kB",
        lambda event: event.memcg.protection,
    ),
    "5.9 on, exiting": (
        "Out of memory: OOM victim 398 (db) is already exiting. Skip killing the task",
        lambda event: event.exiting,
    ),
}
SAID: dict[str, object] = {
    "2.6.32-7.3, what zones keep": (0, 3242, 64162),
    "5.0 on, slab": {"kmalloc-96": 24},
    "6.19 on, protection": (3, 12, 34),
    "5.9 on, exiting": (3, 398),
}


@pytest.mark.parametrize("span", OTHERS)
def test_what_else_a_line_says(span: str) -> None:
    text, found = OTHERS[span]
    (event,) = _events(HEAD, ZONES["6.1"][0], text)
    assert found(event) == SAID[span]


def test_whose_memory_is_pinned_since_4_8() -> None:
    (event,) = _events(HEAD, KILLED["5.4 on"][0], "oom killer 398 (db) has mm pinned by 1 (init)")
    assert [(pinned.pid, pinned.pinner, pinned.pinner_comm) for pinned in event.pinned] == [(398, 1, b"init")]
