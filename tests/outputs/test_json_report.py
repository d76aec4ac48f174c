"""An OomReport as an object: every key, in every way an event can end."""

from __future__ import annotations

import json

from oomsel.outputs.json_report import both_object, report_object
from oomsel.outputs.summary import compare
from tests.support import report_of

BODY = r"""
machine: {cpus: 4, ram: 100000, swap: 500}
memcgs: {/web: {max: 5000, oom_group: true}}
oom: {current: 12, comm: 'con\x0an', order: 2, gfp_mask: GFP_KERNEL|__GFP_ZERO, memcg: /web}
tasks:
- {pid: 9, comm: outside, uid: 4294967295}
- {pid: 10, comm: lead, rss: {anon: {count: 640, deltas: {0: -31, 1: 9}}, file: 3, swap: 7}, pgtables_bytes: 8192,
   memcg: /web, mm: X, thread: {pid: 11, comm: live}}
- {pid: 12, comm: 'a\x1b', rss: {total: 50}, memcg: /web, oom_score_adj: -5, total_vm: 70}
- {pid: 13, comm: sharer, mm: X}
- {pid: 14, comm: k, flags: [kthread]}
"""

TASKS = [
    {
        "pid": 9,
        "comm": "outside",
        "uid": 4294967295,
        "oom_score_adj": 0,
        "memcg": "/",
        "total_vm": 0,
        "pgtables_bytes": 0,
        "counters": {"rss": 0, "anon": 0, "file": 0, "shmem": 0, "swap": 0},
        "precise_counters": {"rss": 0, "anon": 0, "file": 0, "shmem": 0, "swap": 0},
        "eligible": False,
        "reason": "is outside the memory cgroup",
        "badness": None,
        "precise_badness": None,
        "oom_score": 666,
        "in_table": False,
        "chosen": False,
        "killed": False,
    },
    {
        "pid": 10,
        "comm": "lead",
        "uid": 0,
        "oom_score_adj": 0,
        "memcg": "/web",
        "total_vm": 621,
        "pgtables_bytes": 8192,
        "counters": {"rss": 643, "anon": 640, "file": 3, "shmem": 0, "swap": 7},
        "precise_counters": {"rss": 621, "anon": 618, "file": 3, "shmem": 0, "swap": 7},
        "eligible": True,
        "reason": None,
        "badness": 652,
        "precise_badness": 630,
        "oom_score": 670,
        "in_table": True,
        "chosen": True,
        "killed": True,
    },
    {
        "pid": 12,
        "comm": "a\\x1b",
        "uid": 0,
        "oom_score_adj": -5,
        "memcg": "/web",
        "total_vm": 70,
        "pgtables_bytes": 0,
        "counters": {"rss": 50, "anon": None, "file": None, "shmem": None, "swap": 0},
        "precise_counters": {"rss": 50, "anon": None, "file": None, "shmem": None, "swap": 0},
        "eligible": True,
        "reason": None,
        "badness": 25,
        "precise_badness": 25,
        "oom_score": 664,
        "in_table": True,
        "chosen": False,
        "killed": True,
    },
]


def test_a_whole_object() -> None:
    data = json.loads(json.dumps(report_object(report_of(BODY))))
    tasks = data.pop("tasks")
    assert tasks[:3] == TASKS
    assert (tasks[3]["killed"], tasks[3]["eligible"], tasks[3]["counters"]) == (True, False, TASKS[1]["counters"])
    kthread = tasks[4]
    assert [kthread[key] for key in ("total_vm", "pgtables_bytes", "counters", "precise_counters")] == [None] * 4
    assert list(kthread) == list(TASKS[0])
    assert data == {
        "oomsel_report": 1,
        "mode": "approximate",
        "outcome": "killed",
        "panics": False,
        "silent_because": None,
        "constraint": "CONSTRAINT_MEMCG",
        "totalpages": 5500,
        "page_size_bytes": 4096,
        "current": {"pid": 12, "comm": "con\\x0an", "oom_score_adj": -5},
        "order": 2,
        "gfp_mask": 0xDC0,
        "gfp_flags": "GFP_KERNEL|__GFP_ZERO",
        "memcg": "/web",
        "chosen": {"pid": 10, "comm": "lead"},
        "killed": [{"pid": 10, "comm": "lead"}, {"pid": 12, "comm": "a\\x1b"}],
        "killed_silently": [{"pid": 13, "comm": "sharer"}],
        "oom_group": "/web",
        "claimed_freed_pages": 693,
        "truly_held_pages": 671,
        # 625 pages, the precise anon and swap, taken on CPU 0: its -31 rides along.
        "reaped": [
            {"pid": 10, "comm": "lead", "anon": 0, "file": 3, "shmem": 0},
            {"pid": 12, "comm": "a\\x1b", "anon": 0, "file": 0, "shmem": 0},
        ],
    }


def test_an_origin_is_eligible_and_has_a_badness() -> None:
    data = report_object(report_of("tasks: [{pid: 10, comm: a, rss: {anon: 5}, flags: [oom_origin]}]"))
    (task,) = data["tasks"]
    assert (task["eligible"], task["chosen"], task["badness"], task["precise_badness"]) == (True, True, 5, 5)


def test_ends_without_a_kill() -> None:
    panic = report_object(report_of("sysctl: {panic_on_oom: 1}\ntasks: [{pid: 10, comm: a}]"))
    assert (panic["outcome"], panic["panics"], panic["chosen"], panic["memcg"]) == ("panic-on-oom", True, None, None)
    nobody = report_object(report_of("oom: {order: -1}\ntasks: [{pid: 10, comm: a, oom_score_adj: -1000}]"))
    assert (nobody["outcome"], nobody["panics"], nobody["oom_group"]) == ("no-killable", False, None)
    silent = report_object(report_of("tasks: [{pid: 10, comm: a, flags: [exiting]}]"))
    assert silent["outcome"] == "current-dying"
    assert silent["silent_because"] == "the allocating task is dying already, so nobody is killed for it"
    assert (silent["killed"], silent["claimed_freed_pages"]) == ([], 0)
    assert silent["reaped"] == [{"pid": 10, "comm": "a", "anon": 0, "file": 0, "shmem": 0}]


def test_two_modes_in_one_object() -> None:
    reports = report_of(BODY), report_of(BODY, "precise")
    comparison = compare(*reports)
    data = both_object(*reports, comparison)
    assert list(data) == ["oomsel_report", "mode", "agree", "cost_pages", "summary", "approximate", "precise"]
    assert (data["mode"], data["agree"], data["cost_pages"]) == ("both", True, 0)
    assert data["summary"] == comparison.sentence
    assert (data["approximate"]["mode"], data["precise"]["mode"]) == ("approximate", "precise")
