"""oom_badness(): the arithmetic, worked out by hand."""

from __future__ import annotations

import pytest

from oomsel.kernel.badness import LONG_MAX, LONG_MIN, SkipReason
from tests.support import report_of

#: totalpages, oom_score_adj, rss pages, bytes of page tables -> points since 5.9, and in 4.17 to 5.8.
ARITHMETIC = [
    (4096000, 0, 1000000, 8192000, 1002000, 1002000),
    (4096000, -998, 1000000, 0, -3087808, 1),
    (4096000, -998, 4087809, 0, 1, 1),
    (4095999, -998, 1000000, 0, -3086810, 1),  # one page less of memory: the division loses 999
    (4096000, 500, 0, 0, 2048000, 2048000),
    (4096000, 1000, 4096000, 0, 8192000, 8192000),
    (4096000, -1, 100, 0, -3996, 1),
    (4096000, -500, 1000000, 4095, -1048000, 1),
    (4096000, -500, 100000, 0, -1948000, 1),
    (4096000, -999, 0, 0, -4091904, 1),
    (4096000, 300, 250000, 0, 1478800, 1478800),
    (999, 500, 400, 0, 400, 400),
    (1000, 500, 400, 0, 900, 900),
    (4096000, 0, 0, 0, 0, 1),
    (4096000, 0, 7, 4095, 7, 7),
    (4096000, 0, 7, 4096, 8, 8),
]


@pytest.mark.parametrize(("totalpages", "adj", "pages", "pgtables", "points", "old"), ARITHMETIC)
@pytest.mark.parametrize("release", ["5.4.143", "5.4.144", "5.5", "5.8", "5.9", "6.18", "7.0"])
def test_points(totalpages: int, adj: int, pages: int, pgtables: int, points: int, old: int, release: str) -> None:
    report = report_of(
        f"""\
oom: {{totalpages: {totalpages}}}
tasks: [{{pid: 10, comm: a, oom_score_adj: {adj}, pgtables_bytes: {pgtables}, rss: {{anon: {pages}}}}}]
""",
        kernel=release,
    )
    assert int(report.points[0]) == (old if release in ("5.4.143", "5.5", "5.8") else points)


def test_every_counter_counts_and_page_tables_go_by_the_page_size() -> None:
    report = report_of("""\
machine: {cpus: 4, ram: 5000, page_size: 65536}
tasks: [{pid: 10, comm: a, pgtables_bytes: 131072, rss: {anon: 1000, file: 200, shmem: 30, swap: 4}}]
""")
    assert report.points.tolist() == [1236]


def test_counters_are_clamped_before_they_are_added() -> None:
    body = """\
tasks:
- {pid: 10, comm: a, rss: {anon: {count: 2048, deltas: {0: 5}}, file: -289, shmem: {count: -465, deltas: {1: -9}}}}
"""
    assert report_of(body).points.tolist() == [2048]
    assert report_of(body, "precise").points.tolist() == [2053]


#: Why a task is skipped: its keys, and the reason; {} stands before what is common to all.
SKIPPED = [
    ("pid: 1", SkipReason.INIT, "is init"),
    ("pid: 5, flags: [init]", SkipReason.INIT, "is init"),
    ("pid: 5, flags: [kthread]", SkipReason.KTHREAD, "is a kernel thread"),
    ("pid: 5, flags: [zombie]", SkipReason.NO_MM, "has no memory left"),
    ("pid: 5, oom_score_adj: -1000", SkipReason.ADJ_MIN, "has oom_score_adj -1000"),
    ("pid: 5, flags: [oom_skip]", SkipReason.OOM_SKIP, "has MMF_OOM_SKIP set"),
    ("pid: 5, flags: [vfork]", SkipReason.VFORK, "is in the middle of vfork"),
    ("pid: 5, flags: [oom_victim, oom_skip]", SkipReason.REAPED_VICTIM, "was killed before and has nothing left"),
    ("pid: 5, oom_score_adj: -999", SkipReason.ELIGIBLE, ""),
    ("pid: 5, flags: [exiting]", SkipReason.ELIGIBLE, ""),
    ("pid: 5, flags: [coredump]", SkipReason.ELIGIBLE, ""),
    ("pid: 5, flags: [init], oom_score_adj: -1000", SkipReason.INIT, "is init"),
    ("pid: 5, flags: [oom_skip, vfork], oom_score_adj: -1000", SkipReason.ADJ_MIN, "has oom_score_adj -1000"),
    ("pid: 5, flags: [oom_skip, vfork]", SkipReason.OOM_SKIP, "has MMF_OOM_SKIP set"),
    ("pid: 5, oom_score_adj: -1000, flags: [oom_origin]", SkipReason.ELIGIBLE, ""),
    ("pid: 5, flags: [oom_origin, oom_skip, vfork]", SkipReason.ELIGIBLE, ""),
    ("pid: 5, flags: [oom_origin, oom_victim, oom_skip]", SkipReason.REAPED_VICTIM, "was killed before"),
    ("pid: 1, flags: [oom_origin]", SkipReason.INIT, "is init"),
    ("pid: 5, flags: [oom_origin, zombie]", SkipReason.NO_MM, "has no memory left"),
]


@pytest.mark.parametrize(("keys", "skipped", "reason"), SKIPPED)
def test_why_a_task_is_skipped(keys: str, skipped: SkipReason, reason: str) -> None:
    report = report_of(f"oom: {{current: 9}}\ntasks: [{{comm: a, {keys}}}, {{pid: 9, comm: b}}]\n")
    assert SkipReason(int(report.skip_reasons[0])) is skipped
    assert skipped.reason.startswith(reason)
    assert (int(report.points[0]) == LONG_MIN) is (skipped is not SkipReason.ELIGIBLE)
    assert (int(report.points[0]) == LONG_MAX) is ("oom_origin" in keys and skipped is SkipReason.ELIGIBLE)


@pytest.mark.parametrize(
    ("oom", "skipped"),
    [
        ("{current: 10}", [SkipReason.ELIGIBLE, SkipReason.CPUSET, SkipReason.CPUSET, SkipReason.ELIGIBLE]),
        (
            "{current: 10, nodemask: 0}",
            [SkipReason.ELIGIBLE, SkipReason.ELIGIBLE, SkipReason.MEMPOLICY, SkipReason.ELIGIBLE],
        ),
        ("{current: 10, memcg: /g}", [SkipReason.MEMCG, SkipReason.MEMCG, SkipReason.MEMCG, SkipReason.ELIGIBLE]),
    ],
)
def test_why_a_task_is_out_of_reach(oom: str, skipped: list[SkipReason]) -> None:
    report = report_of(f"""\
machine: {{cpus: 1, ram: 9000, nodes: {{0: {{ram: 5000}}, 1: {{ram: 5000}}}}}}
memcgs: {{/g: {{max: 50}}}}
oom: {oom}
tasks:
- {{pid: 10, comm: a, cpuset: {{mems_allowed: 0}}}}
- {{pid: 11, comm: b, cpuset: {{mems_allowed: 1}}}}
- {{pid: 12, comm: c, cpuset: {{mems_allowed: 1}}, mempolicy: 1}}
- {{pid: 13, comm: d, memcg: /g}}
- {{pid: 14, comm: z, flags: [zombie]}}
""")
    assert [SkipReason(int(value)) for value in report.skip_reasons] == [*skipped, SkipReason.NO_MM]
    assert [int(value) == LONG_MIN for value in report.points[:4]] == [
        why is not SkipReason.ELIGIBLE for why in skipped
    ]


def test_every_reason_is_its_own() -> None:
    assert len({why.reason for why in SkipReason}) == len(SkipReason) == 12
    assert SkipReason.CPUSET.reason == "its cpuset shares no node with the allocating task's"
    assert SkipReason.MEMPOLICY.reason == "its memory policy shares no node with the allocation's"
    assert SkipReason.MEMCG.reason == "is outside the memory cgroup"


@pytest.mark.parametrize(("kernel", "narrows"), [("5.4", True), ("5.13", True), ("5.14", False), ("7.3", False)])
def test_an_interleave_policy_narrows_the_scan_until_5_13(kernel: str, *, narrows: bool) -> None:
    body = """\
machine: {cpus: 1, ram: 9000, nodes: {0: {ram: 5000}, 1: {ram: 5000}}}
oom: {nodemask: 0}
tasks:
- {pid: 10, comm: a}
- {pid: 11, comm: b, mempolicy: {interleave: 1}}
- {pid: 12, comm: c, mempolicy: {interleave: 0-1}}
- {pid: 13, comm: d, mempolicy: {interleave: 1}, thread: {pid: 14}}
- {pid: 15, comm: e, mempolicy: 1}
"""
    reasons = [SkipReason(int(why)) for why in report_of(body, kernel=kernel).skip_reasons]
    meets, out = SkipReason.ELIGIBLE, SkipReason.MEMPOLICY
    assert reasons == [meets, out if narrows else meets, meets, meets, out]
