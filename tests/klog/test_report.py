"""Which lines belong to a report: the reaper's, a cgroup's, and those of a kill that printed no report of its own."""

from __future__ import annotations

import re

import pytest

from oomsel.outputs.log_events import entry_of
from tests.klog.test_prefix import events
from tests.real_logs import LOGS

#: A global report, from its first line to the kill of 200 (batch); its table has rows from 190 to 401.
GLOBAL = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")[:76]
REAPED = b"oom_reaper: reaped process %d (batch), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB"
KILLED = b"[   14.060000] Memory cgroup out of memory: Killed process %d (x) total-vm:3312kB, anon-rss:2048kB"
KILLED += b", file-rss:652kB, shmem-rss:0kB, UID:0 pgtables:44kB oom_score_adj:0"


def by_caller(lines: list[bytes], caller: bytes) -> list[bytes]:
    """As CONFIG_PRINTK_CALLER prints them."""
    return [re.sub(rb"^(\[[^]]*\]) ", rb"\1[%6s] " % caller, line) for line in lines]


@pytest.mark.parametrize(("pid", "reaped", "last_line"), [(200, [(77, 200)], 77), (201, [], 76)])
def test_the_reapers_line_belongs_to_its_victims_report(pid: int, reaped: list[object], last_line: int) -> None:
    (event,) = events(b"\n".join([*GLOBAL, b"[   16.200000] " + REAPED % pid]))
    assert (event.reaped, event.last_line) == (reaped, last_line)


def test_the_reaper_is_another_thread_than_those_who_report() -> None:
    kills = by_caller([KILLED % 201], b"T398") + by_caller([KILLED % 202], b"T400")
    reaper = by_caller([b"[   16.200000] " + REAPED % pid for pid in (202, 201)], b"T33")
    one, two = events(b"\n".join([*kills, *reaper]))
    assert [kill.pid for kill in (*one.kills, *two.kills)] == [201, 202]
    assert (one.reaped, two.reaped) == ([(4, 201)], [(3, 202)])


def test_a_kill_after_a_report_without_a_victim_is_another_reports() -> None:
    nobody = [*GLOBAL[:-2], b"[   14.051234] Out of memory and no killable processes..."]
    one, two = events(b"\n".join([*nobody, KILLED % 999]))
    assert (one.no_killable, one.kills, one.is_complete) == (75, [], True)
    assert ([kill.pid for kill in two.kills], list(two.missing())) == ([999], ["nothing but the kill line"])


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled", "panic"),
        (b"Kernel panic - not syncing: System is deadlocked on memory", "panic"),
        (b"Out of memory and no killable processes...", "line that says that no process may be killed"),
    ],
)
def test_the_last_line_of_a_report_without_a_victim_is_one_wherever_it_stands(line: bytes, what: str) -> None:
    noise = [b"[ %d.0] usb 1-1: new device" % number for number in range(600)]
    (event,) = events(b"\n".join([*noise, b"[  999.0] " + line]))
    assert (event.ends, list(event.missing())) == (True, [f"nothing but the {what}"])
    assert events(b"[  999.0] Kernel panic - not syncing: Attempted to kill init!") == []


TASK_IN = "[  100.000003] Task in /a/b killed as a result of limit of /a\n"
OLD_MEMCG = f"""\
[  100.000001] hog invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0
[  100.000002] CPU: 0 PID: 70 Comm: hog Not tainted 3.10.0 #1
{TASK_IN}\
[  100.000004] memory: usage 40960kB, limit 40960kB, failcnt 12
[  100.000005] memory+swap: usage 40960kB, limit 9007199254740988kB, failcnt 0
[  100.000006] Memory cgroup stats for /a: cache:0KB rss:0KB
[  100.000007] Memory cgroup stats for /a/b: cache:0KB rss:40960KB
[  100.000008] [ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name
[  100.000009] [   70]     0    70    20000    10000      30        0             0 hog
[  100.000010] Memory cgroup out of memory: Kill process 70 (hog) score 977 or sacrifice child
[  100.000011] Killed process 70 (hog) total-vm:80000kB, anon-rss:40000kB, file-rss:0kB
"""


@pytest.mark.parametrize(("lost", "victims"), [("", "/a/b"), (TASK_IN, None)])
def test_the_cgroup_that_ran_out_is_not_one_below_it(lost: str, victims: str | None) -> None:
    (event,) = events(OLD_MEMCG.replace(lost, "").encode())
    entry = entry_of("log", event)
    assert (entry.constraint, entry.cgroup, entry.victim_cgroup) == ("memcg", "/a", victims)


@pytest.mark.parametrize(
    ("line", "cpuset"),
    [
        ("hog cpuset=/ mems_allowed=0", ("/", "0")),
        ("hog cpuset=a b mems_allowed=0-1,3", ("a b", "0-1,3")),
        ("my cpuset=x cpuset=y mems_allowed=1", ("y", "1")),
    ],
)
def test_the_cpuset_has_a_line_of_its_own_until_4_20(line: str, cpuset: tuple[str, str]) -> None:
    (event,) = events(OLD_MEMCG.replace(TASK_IN, f"[  100.000003] {line}\n").encode())
    assert event.cpuset == cpuset


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"[   14.048800] eth0: up", "sshd\neth0: up"),  # the stamp of the row before: the console's way with a newline
        (b"[   14.048900] eth0: up", "sshd"),
        (b"[   14.048800] eth0: link is up", "sshd"),  # longer than a name
        (b"Aug 12 03:54:03 web-1 kernel: eth0: up", "sshd"),
    ],
)
def test_a_short_line_in_the_table_is_part_of_a_name_only_by_its_stamp(line: bytes, name: str) -> None:
    at = next(number for number, row in enumerate(GLOBAL, 1) if row.endswith(b" sshd"))
    event = events(b"\n".join([*GLOBAL[:at], line, *GLOBAL[at:]]))[0]
    assert [row.name for row in event.rows if row.name.startswith("sshd")] == [name]
    assert len(event.rows) == 16


@pytest.mark.parametrize("lost", [b"no line", b" Comm: "])
def test_behind_an_unknown_prefix_the_table_shows_where_the_name_begins(lost: bytes) -> None:
    lines = [b"node-7 | " + line for line in GLOBAL if lost not in line]
    invoked = events(b"\n".join(lines))[0].invoked
    assert invoked is not None
    assert invoked.comm == b"allocator"


WITHOUT_TABLE = "\n".join((LOGS / "19-no-dump-tasks.log").read_text().split("\n")[:-2])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", b"thpuser"),
        ("/odd name,task=with a long end", b"thpuser"),
        ("/odd", b"x,pid=1,uid=0"),
    ],
)
def test_without_a_table_a_path_is_told_from_a_name_by_its_length(path: str, name: bytes) -> None:
    raw = WITHOUT_TABLE.replace("task_memcg=/,task=thpuser", f"task_memcg={path},task={name.decode()}")
    summary = events(raw.encode())[0].summary
    assert summary is not None
    assert (summary.task_memcg, summary.comm, summary.pid) == (path, name, 191)


def test_a_name_that_no_task_can_have_is_no_reason_to_stop() -> None:
    (event,) = events(WITHOUT_TABLE.replace("task=thpuser", "task=sixteen bytes...").encode())
    assert (event.summary, event.kills[0].comm) == (None, b"thpuser")


def test_a_member_of_a_group_may_have_a_newline_in_its_name() -> None:
    raw = (LOGS / "04-memcg-group-leaf.log").read_bytes()
    last = raw.rindex(b"Killed process")
    stamp = raw[:last].rpartition(b"\n")[2][:15]
    name = re.compile(rb"\(.*?\)")
    (event,) = events(raw[:last] + name.sub(rb"(two\n%slines)" % stamp, raw[last:], count=1))
    assert [kill.comm for kill in event.kills][-1] == b"two\nlines"
    assert len(event.kills) == 5


def test_a_name_of_nothing_but_newlines_is_put_together() -> None:
    lines = b"\n".join(GLOBAL[-2:]).replace(b"batch", b"\n" * 15).split(b"\n")
    stamps = [GLOBAL[-2][:15]] * 16 + [GLOBAL[-1][:15]] * 16
    broken = [line if line.startswith(b"[") else stamp + line for stamp, line in zip(stamps, lines, strict=True)]
    (event,) = events(b"\n".join([*GLOBAL[:-2], *broken]))
    assert event.summary is not None
    assert event.summary.comm == event.kills[0].comm == b"\n" * 15


@pytest.mark.parametrize(
    ("printed", "adj"),
    [
        ("oom_score_adj=-999", -999),
        ("oom_score_adj=-9990", -1000),
        ("oom_score_adj=9990", 1000),
        ("oom_adj=-17", -1000),
        ("oom_adj=0", 0),
        ("oom_adj=8, oom_score_adj=7", 7),
    ],
)
def test_the_allocating_tasks_adj_is_one_that_a_task_can_have(printed: str, adj: int) -> None:
    lines = GLOBAL[0].replace(b"oom_score_adj=-999", printed.encode()), *GLOBAL[1:]
    invoked = events(b"\n".join(lines))[0].invoked
    assert invoked is not None
    assert invoked.oom_score_adj == adj
