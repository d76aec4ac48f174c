"""The table for a person: what stands in it, in which order, and how it fits a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from oomsel.diff.tasks import compared_report
from oomsel.layout import wrapped
from oomsel.outputs.explain import explain
from oomsel.outputs.table import plain_table, print_table
from tests.support import report_of

BODY = r"""
tasks:
- {pid: 10, comm: over, rss: {anon: {count: 640, deltas: {0: -31, 1: -31}}, swap: {count: 5, deltas: {0: -1}}}}
- {pid: 11, comm: under, rss: {anon: {count: 608, deltas: {0: 31}}}}
- {pid: 12, comm: 'esc\x1b[31m', oom_score_adj: -999, rss: {anon: 9}}
- {pid: 13, comm: never, oom_score_adj: -1000, rss: {anon: 900}}
- {pid: 2, comm: kthreadd, flags: [kthread]}
"""
SENTENCE = (
    "The modes disagree: approximate kills 10 (over) and truly frees 578 pages (2.3 MiB), precise kills 11 (under) and "
    "truly frees 639 pages (2.5 MiB); the approximate choice frees 61 pages (0.2 MiB) less."
)


def printed(body: str, width: int, *, colour: bool = False) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=colour, color_system="standard" if colour else None)
    print_table(report_of(body), report_of(body, "precise"), console)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_whole_table() -> None:
    assert printed(BODY, 80) == [
        "Badness in pages, as each mode reads it; error is approximate minus precise.",
        "victim      pid name         adj oom_score approximate precise error  MiB",
        "approximate  10 over           0       670         645     582   +63 +0.2",
        "precise      11 under          0       670         608     639   -31 -0.1",
        r"             12 esc\x1b[31m -999         1      -99891  -99891     0  0.0",
        "Not shown: 2 that may not; --all shows all.",
        *wrapped(SENTENCE),
    ]


def test_every_task_the_worst_first_and_why_the_others_may_not_die() -> None:
    lines = plain_table(report_of(BODY), report_of(BODY, "precise"))
    assert lines == [
        "Badness in pages, as each mode reads it; error is approximate minus precise.",
        "victim       pid  name           adj  oom_score  approximate  precise  error",
        "approximate   10  over             0        670          645      582    +63",
        "precise       11  under            0        670          608      639    -31",
        r"              12  esc\x1b[31m   -999          1       -99891   -99891      0",
        "               2  kthreadd         0          0            -        -      0",
        "      is a kernel thread",
        "              13  never        -1000          0            -        -      0",
        "      has oom_score_adj -1000",
        *wrapped(SENTENCE),
    ]


MANY = "tasks:\n" + "".join(f"- {{pid: {pid}, comm: t{pid}, rss: {{anon: {5000 - pid}}}}}\n" for pid in range(10, 60))


def test_the_worst_twenty() -> None:
    lines = printed(MANY, 80)
    assert [line.split()[-7] for line in lines[2:-2]] == [f"t{pid}" for pid in range(10, 30)]
    assert lines[-2:] == [
        "Not shown: 30 more that may be killed; --all shows all.",
        "Both modes agree: each kills 10 (t10).",
    ]
    assert len(plain_table(report_of(MANY), report_of(MANY, "precise"))) == 2 + 50 + 1


def test_a_victim_is_shown_however_far_down_it_is() -> None:
    body = "sysctl: {oom_kill_allocating_task: 1}\noom: {current: 59}\n" + MANY
    lines = printed(body, 80)
    assert lines[-3].split()[:3] == ["both", "59", "t59"]
    assert lines[-2].startswith("Not shown: 29 more that may be killed;")


def test_of_equals_the_kernels_choice_is_first() -> None:
    rows = printed("tasks: [{pid: 10, comm: a}, {pid: 11, comm: b}, {pid: 12, comm: c, flags: [oom_origin]}]", 80)[2:5]
    assert [row.split()[:4] for row in rows] == [
        ["both", "12", "c", "0"],
        ["11", "b", "0", "666"],
        ["10", "a", "0", "666"],
    ]
    assert rows[0].split()[5:7] == ["first", "first"]


def test_nothing_is_cut_at_80_columns() -> None:
    body = """\
tasks: [{pid: 4194304, comm: abcdefghijklmno, oom_score_adj: -1000, rss: {anon: 5}},
 {pid: 4194303, comm: 日本語日本, oom_score_adj: -999, rss: {anon: {count: 1234567890, deltas: {0: -31}}}}]
"""
    lines = printed(body, 80)
    assert all(len(line) <= 80 for line in lines[1:-2])
    assert lines[2].split()[:3] == ["both", "4194303", "日本語日本"]
    assert [cell for cell in lines[2].split() if "12344679" in cell]


def test_colours_are_for_the_victims() -> None:
    lines = printed(BODY, 80, colour=True)
    assert "\x1b[1;31m" in lines[2]
    assert "\x1b[1;31m" in lines[3]
    assert "\x1b[1;31m" not in lines[4]
    assert r"\x1b[31m" in lines[4]
    assert "\x1b[31m" not in lines[4]


def test_of_equals_the_one_that_the_scan_meets_last_comes_first_everywhere() -> None:
    """A cgroup's own tasks are met before those of the cgroups below it, whatever the order of the pids."""
    body = r"""
memcgs: {/a: {max: 10}, /a/b: {}}
oom: {memcg: /a}
tasks:
- {pid: 10, comm: below, memcg: /a/b, rss: {anon: 50}}
- {pid: 11, comm: above, memcg: /a, rss: {anon: 50}}
- {pid: 12, comm: out, rss: {anon: 99}}
"""
    approximate, precise = report_of(body), report_of(body, "precise")
    assert str(approximate.victim) == "10 (below)"
    assert [line.split()[:3] for line in printed(body, 80)[2:4]] == [["both", "10", "below"], ["11", "above", "0"]]
    assert explain(approximate, precise, "precise").candidates == [0, 1]
    view = compared_report(approximate, shown_only=False)
    assert [task.fields.get("rank") for task in view.tasks] == [1, 2, None]
