"""Kernel-format text that an earlier run printed: what is one, what it says, and what may be left out of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import oomsel
from oomsel.booting import select_both
from oomsel.diff.ignoring import ignore
from oomsel.files import lines_of
from oomsel.klog.event_text import events_of, is_event_text, read_event
from oomsel.klog.formats import TABLE_6_8
from oomsel.klog.prefix import Line
from oomsel.klog.wrappers import Stripper
from oomsel.outputs.kernel_text import event_text

EXAMPLE = Path(__file__).parents[2] / "examples/real-contest.yaml"
INVOKED = "a b invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
HEADER = TABLE_6_8.header + "\n"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (INVOKED, True),
        ("# approximate: x\n\n" + INVOKED, True),
        ("# approximate: x\n" + INVOKED + "# precise: x\n" + INVOKED, True),
        ("# approximate: x\n# precise: x\n" + INVOKED, True),
        ("[    0.000000] " + INVOKED, True),
        (INVOKED.replace("a b", r"fifteen_bytes_\x1b"), True),
        ("", False),
        ("# only\n", False),
        ("oomsel: 1\n", False),
        ("tasks: |\n  " + INVOKED, False),
        ("Linux version 6.12\n" + INVOKED, False),
        # What some logger wrote is a log.
        ("Nov 24 09:00:00 host kernel: [   12.345678] " + INVOKED, False),
        ("Nov 24 09:00:00 host kernel: " + INVOKED, False),
        ("[   12.345678][  T123] " + INVOKED, False),
        ("[Mon Nov 24 11:52:00 2026] " + INVOKED, False),
        ("2026-11-24T11:52:00.123456+00:00 host kernel: " + INVOKED, False),
        ("4,900,11520000,-;" + INVOKED, False),
        ("<4>[   11.052000] " + INVOKED, False),
        ("kern  :warn  : [   11.052000] " + INVOKED, False),
        ("no-prefix-of-any-known-logger " + INVOKED, False),
        (INVOKED + "[   12.345678] " + HEADER, False),
        # As is what holds more than one event.
        (INVOKED + INVOKED, False),
        (INVOKED + HEADER + HEADER, False),
        (("# approximate: x\n" + INVOKED + "# precise: x\n" + INVOKED) * 2, False),
    ],
)
def test_what_is_event_text(text: str, is_one: bool) -> None:
    assert is_event_text(lines_of(text)) == is_one


def test_blank_lines_are_not_looked_through_for_prefixes(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = Stripper._text

    def told(self: Stripper, number: int, text: str, raw: bytes, depth: int = 0) -> Iterator[Line]:
        read.append(text)
        return whole(self, number, text, raw, depth)

    monkeypatch.setattr(Stripper, "_text", told)
    assert is_event_text([INVOKED, *["\n", " \n"] * 50])
    assert read == [INVOKED.rstrip("\n")]


def test_what_select_prints_is_divided_and_read() -> None:
    approximate, precise = select_both(oomsel.boot(oomsel.load(EXAMPLE)))
    lines = lines_of(event_text([approximate, precise]))
    events = events_of(lines)
    assert list(events) == ["approximate", "precise"]
    for report in (approximate, precise):
        read = read_event(events[report.mode])
        assert report.chosen is not None
        assert read.summary is not None
        assert read.invoked is not None
        assert f"{read.summary.pid} ({read.summary.comm.decode()})" == str(report.victim)
        assert [kill.pid for kill in read.kills] == [report.system.tasks.pid[report.chosen]]
        assert (read.invoked.comm, read.invoked.order, read.panic) == (b"allocator", 0, None)
        assert read.summary.constraint == "CONSTRAINT_NONE"
        assert read.invoked.gfp_mask == report.oc.gfp_mask
        assert [row.pid for row in read.rows] == report.system.tasks.live_pid[report.shown].tolist()


def test_a_panic_a_cut_text_and_nothing_are_read() -> None:
    assert read_event([INVOKED, "Kernel panic - not syncing: System is deadlocked on memory\n"]).panic
    cut = read_event([INVOKED, "Tasks state (memory values in pages):\n", "[  pid  ]   uid  tgid\n"])
    assert (cut.rows, cut.victim, cut.kills, cut.invoked and cut.invoked.comm) == ([], None, [], b"a b")
    assert (read_event([]).invoked, read_event([]).victim) == (None, None)


def test_a_cgroup_that_looks_like_a_name_is_none() -> None:
    summary = (
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
        "task_memcg=/,task=x,task=hog,pid=42,uid=0\n"
    )
    row = "[     42]     0    42      100      100      100        0         0        0        0             0 hog\n"
    read = read_event([INVOKED, HEADER, row, summary])
    assert read.summary
    assert (read.summary.task_memcg, read.summary.comm) == ("/,task=x", b"hog")


IGNORED = [
    (
        "timestamps",
        "[    0.000000] oom killer 7 (a) has mm pinned by 1 (init)\n",
        "oom killer 7 (a) has mm pinned by 1 (init)\n",
    ),
    ("pids", "oom killer 7 (a) has mm pinned by 1 (init)\n", "oom killer * (a) has mm pinned by * (init)\n"),
    (
        "pids",
        "Out of memory: Killed process 77 (a) total-vm:0kB\n",
        "Out of memory: Killed process * (a) total-vm:0kB\n",
    ),
    ("pids", "oom-kill:constraint=X,task=a,pid=77,uid=0\n", "oom-kill:constraint=X,task=a,pid=*,uid=0\n"),
    ("pids", "oom_reaper: reaped process 7 (7), now\n", "oom_reaper: reaped process * (7), now\n"),
    ("pids", "CPU: 7 UID: 500 PID: 398 Comm: a Not tainted\n", "CPU: 7 UID: 500 PID: * Comm: a Not tainted\n"),
    ("pids", "Pid: 398, comm: a Not tainted 2.6.32\n", "Pid: *, comm: a Not tainted 2.6.32\n"),
    ("pids", "[    190]    33   190     9678 a\n", "[      *]    33     *     9678 a\n"),
    ("pids", "[4194001]    -2 4194001 2560 a\n", "[      *]    -2       * 2560 a\n"),
]


TABLE = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
TWINS = [
    "[     70]     1    70      100       30    40960        0             0 twin\n",
    "[     71]     1    71      100       20    40960        0             0 twin\n",
    "[     72]     1    72      100       20        ?        0             0 twin\n",
]


def test_whose_name_is_the_same_are_ordered_by_their_numbers() -> None:
    what = frozenset(["order", "pids"])
    assert ignore([TABLE, *TWINS], what) == ignore([TABLE, *reversed(TWINS)], what)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_only_neighbours_of_a_kind_are_ordered(count: int) -> None:
    rows = [
        f"[     {pid}]     1    {pid}      100       30    40960        0             0 {name}\n"
        for pid, name in ((70, "c"), (71, "b"), (72, "a"))
    ][:count]
    kills = [
        f"Out of memory: Killed process {pid} ({name}) total-vm:0kB\n"
        for pid, name in ((70, "c"), (71, "b"), (72, "a"))
    ][:count]
    text = [INVOKED, TABLE, *rows, "A line between.\n", *kills]
    assert ignore(text, frozenset(["order"])) == [INVOKED, TABLE, *rows[::-1], "A line between.\n", *kills[::-1]]


@pytest.mark.parametrize(("what", "line", "left"), IGNORED)
def test_what_is_ignored(what: str, line: str, left: str) -> None:
    assert ignore([line], frozenset([what])) == [left]
    assert ignore([line], frozenset()) == [line]
