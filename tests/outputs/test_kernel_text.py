"""The kernel's lines to the byte: layouts by release, columns, units, names."""

from __future__ import annotations

import pytest

from tests.support import run

BODY = """\
machine: {cpus: 4, ram: 100000, swap: 500}
memcgs: {/web: {max: 2GiB}}
oom: {current: 192, gfp_mask: GFP_KERNEL, order: 3}
tasks:
- {pid: 190, comm: web-frontend, uid: 33, total_vm: 9678, pgtables_bytes: 114688,
   rss: {anon: 7779, file: 163, shmem: 1024}, memcg: /web}
- {pid: 192, comm: postgres, uid: 113, total_vm: 15431, pgtables_bytes: 155648, oom_score_adj: -500,
   rss: {anon: 6230, file: 163, shmem: 7748, swap: 12}}
- {pid: 4194001, comm: wide, uid: 4294967294, total_vm: 25600008008, oom_score_adj: -1000,
   rss: {anon: 123456789, swap: 987654321}}
"""
INVOKED = "postgres invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=3, oom_score_adj=-500"
SUMMARY = (
    "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
    "task_memcg=/web,task=web-frontend,pid=190,uid=33"
)
KILLED = (
    "Out of memory: Killed process 190 (web-frontend) total-vm:38712kB, anon-rss:31116kB, file-rss:652kB, "
    "shmem-rss:4096kB, UID:33 pgtables:112kB oom_score_adj:0"
)
SPLIT = """\
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
[    190]    33   190     9678     8966     7779      163      1024   114688        0             0 web-frontend
[    192]   113   192    15431    14141     6230      163      7748   155648       12          -500 postgres
[4194001]    -2 4194001 25600008008 123456789 123456789        0         0        0 987654321         -1000 wide
"""
ONE_RSS = """\
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[    190]    33   190     9678     8966   114688        0             0 web-frontend
[    192]   113   192    15431    14141   155648       12          -500 postgres
[4194001]    -2 4194001 25600008008 123456789        0 987654321         -1000 wide
"""


@pytest.mark.parametrize(
    ("kernel", "table"),
    [("5.4", ONE_RSS), ("5.15", ONE_RSS), ("6.7", ONE_RSS), ("6.8", SPLIT), ("6.18", SPLIT), ("7.0", SPLIT)],
)
def test_a_whole_report(kernel: str, table: str) -> None:
    assert run(BODY, kernel=kernel) == [INVOKED, *table.splitlines(), SUMMARY, KILLED]


@pytest.mark.parametrize(("kernel", "shown"), [("5.4.0", "114688kB"), ("5.4.8", "114688kB"), ("5.4.9", "112kB")])
def test_the_kill_lines_page_tables_until_5_4_8_are_bytes(kernel: str, shown: str) -> None:
    assert f"pgtables:{shown} " in run(BODY, kernel=kernel)[-1]


def test_64k_pages() -> None:
    body = """\
machine: {cpus: 4, ram: 1000, page_size: 65536}
tasks: [{pid: 10, comm: a, total_vm: 9, pgtables_bytes: 131072, rss: {anon: 5, file: 1, shmem: 2, swap: 4}}]
"""
    lines = run(body, reaper=True)
    assert (
        lines[3]
        == "[     10]     0    10        9        8        5        1         2   131072        4             0 a"
    )
    assert lines[-2:] == [
        (
            "Out of memory: Killed process 10 (a) total-vm:576kB, anon-rss:320kB, file-rss:64kB, shmem-rss:128kB, "
            "UID:0 pgtables:128kB oom_score_adj:0"
        ),
        # Five pages are less than the batch: the approximate read still shows them.
        "oom_reaper: reaped process 10 (a), now anon-rss:320kB, file-rss:64kB, shmem-rss:128kB",
    ]


def test_page_tables_are_cut_to_whole_kb() -> None:
    assert "pgtables:1kB " in run("tasks: [{pid: 10, comm: a, pgtables_bytes: 2047}]")[-1]


@pytest.mark.parametrize(("uid", "signed"), [(0, 0), (2**31 - 1, 2**31 - 1), (2**31, -(2**31)), (2**32 - 1, -1)])
def test_a_uid_is_signed_twice_and_unsigned_once(uid: int, signed: int) -> None:
    *_, row, summary, killed = run(f"tasks: [{{pid: 10, comm: a, uid: {uid}}}]")
    assert row.split("]")[1].split()[0] == str(signed)
    assert summary.endswith(f",uid={signed}")
    assert f" UID:{uid} " in killed


def test_rss_known_as_one_number_only() -> None:
    body = "tasks: [{pid: 10, comm: a, rss: {total: {count: 96, deltas: {0: 5}}, swap: 7}}]"
    *_, row, _, killed = run(body)
    assert (
        row == "[     10]     0    10      101       96        ?        ?         ?        0        7             0 a"
    )
    assert "total-vm:404kB, anon-rss:?kB, file-rss:?kB, shmem-rss:?kB, UID:0" in killed
    assert run(body, "precise", kernel="6.7")[3].split()[3:6] == ["10", "101", "101"]


def test_modes_print_what_they_read_and_total_vm_is_the_precise_rss_in_both() -> None:
    body = "tasks: [{pid: 10, comm: a, rss: {anon: {count: 64, deltas: {0: -31}}, file: {count: -5, deltas: {1: 9}}}}]"
    approximate, precise = run(body)[3], run(body, "precise")[3]
    assert approximate == (
        "[     10]     0    10       37       64       64        0         0        0        0             0 a"
    )
    assert (
        precise
        == "[     10]     0    10       37       37       33        4         0        0        0             0 a"
    )


def test_the_default_allocation() -> None:
    tasks = "tasks: [{pid: 1, comm: init}, {pid: 2, comm: k, flags: [kthread]}, {pid: 3, comm: a, oom_score_adj: 4}]"
    assert run(tasks)[0] == ("a invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=4")
    assert run(tasks, kernel="5.15")[0].split("gfp_mask=")[1].startswith("0x1100cca(GFP_HIGHUSER_MOVABLE)")
    assert run("oom: {order: -1, current: 2}\n" + tasks)[0] == (
        "k invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0"
    )


#: A comm as a scenario states it, and as every line shows it.
NAMES = [
    ("plain", "plain"),
    ("' lead trail '", " lead trail "),
    (r"'back\slash'", r"back\slash"),
    (r"'\x0aline'", r"\x0aline"),
    (r'"two\nlines"', r"two\x0alines"),
    (r"'\x1b[31mred'", r"\x1b[31mred"),
    (r"'\x7f\x01\x09'", r"\x7f\x01\x09"),
    ("ünïcødé", "ünïcødé"),
    (r"'\xc3\xbc'", "ü"),
    (r"'cut\xc3'", r"cut\xc3"),
    (r"'\xff\xfe'", r"\xff\xfe"),
    ('"\\u0085\\u009b"', r"\xc2\x85\xc2\x9b"),
    ('"a\\u2028b\\u2029"', r"a\xe2\x80\xa8b\xe2\x80\xa9"),
    ('"\\u202e\\u2066"', r"\xe2\x80\xae\xe2\x81\xa6"),
    ('"\\u2027\\u202f"', "\u2027\u202f"),
    ('"\\u200b\\ufeff"', "\u200b\ufeff"),
    ("'par) (en'", "par) (en"),
    ("'a,task=x,pid=1'", "a,task=x,pid=1"),
    ('""', ""),
]


@pytest.mark.parametrize(("comm", "shown"), NAMES)
def test_odd_names(comm: str, shown: str) -> None:
    body = f"""\
memcgs: {{/g: {{oom_group: true}}}}
tasks: [{{pid: 10, comm: {comm}, memcg: /g}}, {{pid: 1, comm: {comm}}}]
"""
    lines = run(body, reaper=True)
    assert lines[0] == f"{shown} invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0"
    row = "[     10]     0    10        0        0        0        0         0        0        0             0"
    assert lines[3] == f"{row} {shown}"
    assert lines[4].endswith(f",task_memcg=/g,task={shown},pid=10,uid=0")
    assert lines[5].startswith(f"Out of memory: Killed process 10 ({shown}) total-vm:0kB, ")
    assert lines[7] == f"Out of memory: OOM victim 10 ({shown}) is already exiting. Skip killing the task"
    assert lines[8].startswith(f"oom_reaper: reaped process 10 ({shown}), now anon-rss:0kB, ")


def test_odd_names_of_pinners_cgroups_and_cpusets() -> None:
    body = r"""
machine: {cpus: 1, ram: 9000, nodes: {0: {ram: 5000}, 1: {ram: 5000}}}
memcgs: {"/odd\e[m": {max: 50, oom_group: true}}
oom: {current: 10, memcg: "/odd\e[m"}
tasks:
- {pid: 10, comm: a, mm: X, memcg: "/odd\e[m", cpuset: {name: "cs\t1", mems_allowed: 1}}
- {pid: 1, comm: "in\rit", mm: X}
"""
    lines = run(body)
    assert r",cpuset=cs\x091,mems_allowed=1,oom_memcg=/odd\x1b[m,task_memcg=/odd\x1b[m,task=a," in lines[4]
    assert lines[6] == r"oom killer 10 (a) has mm pinned by 1 (in\x0dit)"
    assert lines[7] == r"Tasks in /odd\x1b[m are going to be killed due to memory.oom.group set"


def test_the_lines_after_the_invocation_name_the_live_thread_and_the_dead_leader() -> None:
    lines = run("tasks: [{pid: 10, comm: lead, rss: {anon: 50}, thread: {pid: 7, comm: live}}]", reaper=True)
    assert (
        lines[3]
        == "[      7]     0    10       50       50       50        0         0        0        0             0 live"
    )
    assert ",task=lead,pid=10," in lines[4]
    assert "Killed process 7 (live) " in lines[5]
    assert "reaped process 7 (live), " in lines[6]
