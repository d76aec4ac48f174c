"""constrained_alloc() and oom_cpuset_eligible(): what limits an allocation, and who is in its reach."""

from __future__ import annotations

import pytest

from oomsel.kernel.constraint import Constraint
from tests.support import brief, report_of, run

#: Three nodes, the last without memory; a cgroup; tasks of the same size in every place.
MACHINE = """\
machine: {cpus: 4, ram: 90000, swap: 500, nodes: {0: {ram: 60000}, 1: {ram: 40000}, 2: {ram: 0}}}
memcgs: {/web: {max: 3000, swap_max: 100}, /web/a: {}, /big: {max: 4000}}
tasks:
- {pid: 10, comm: cur0, rss: {anon: 9}, cpuset: {name: zero, mems_allowed: 0}}
- {pid: 11, comm: all, rss: {anon: 100}}
- {pid: 12, comm: one, rss: {anon: 200}, cpuset: {name: uno, mems_allowed: 1}}
- {pid: 13, comm: bound1, rss: {anon: 300}, mempolicy: 1}
- {pid: 14, comm: bound0, rss: {anon: 250}, mempolicy: 0, cpuset: {mems_allowed: 0}}
- {pid: 15, comm: web, rss: {anon: 50}, memcg: /web/a, cpuset: {mems_allowed: 1}, mempolicy: 1}
"""

#: oom -> constraint, totalpages, and the outcome.
CONSTRAINTS = [
    # Global: everybody whose cpuset meets current's.
    ("{current: 11}", "NONE", 90500, "table 10 11 12 13 14 15; NONE 13 (bound1); killed 13 (bound1)"),
    ("{current: 10}", "NONE", 90500, "table 10 11 13 14; NONE 13 (bound1); killed 13 (bound1)"),
    ("{current: 12}", "NONE", 90500, "table 11 12 13 15; NONE 13 (bound1); killed 13 (bound1)"),
    # A cpuset: the same, but measured against its nodes' present pages.
    (
        "{current: 10, cpuset_limited: true}",
        "CPUSET",
        60500,
        "table 10 11 13 14; CPUSET 13 (bound1); killed 13 (bound1)",
    ),
    (
        "{current: 12, cpuset_limited: true}",
        "CPUSET",
        40500,
        "table 11 12 13 15; CPUSET 13 (bound1); killed 13 (bound1)",
    ),
    # A policy: bound tasks by their nodes, all others; cpusets do not count.
    (
        "{current: 10, nodemask: 0}",
        "MEMORY_POLICY",
        60500,
        "table 10 11 12 14; MEMORY_POLICY 14 (bound0); killed 14 (bound0)",
    ),
    (
        "{current: 10, nodemask: 1-2}",
        "MEMORY_POLICY",
        40500,
        "table 10 11 12 13 15; MEMORY_POLICY 13 (bound1); killed 13 (bound1)",
    ),
    ("{current: 10, nodemask: 2}", "MEMORY_POLICY", 500, "table 10 11 12; MEMORY_POLICY 12 (one); killed 12 (one)"),
    # A nodemask of all nodes with memory constrains nothing.
    ("{current: 11, nodemask: 0-1}", "NONE", 90500, "table 10 11 12 13 14 15; NONE 13 (bound1); killed 13 (bound1)"),
    ("{current: 10, nodemask: 0-2}", "NONE", 90500, "table 10 11 13 14; NONE 13 (bound1); killed 13 (bound1)"),
    # A cgroup: only those below it, wherever their memory is; swap.max and the swap there is.
    ("{current: 10, memcg: /web}", "MEMCG", 3100, "table 15; MEMCG 15 (web); killed 15 (web)"),
    ("{current: 10, memcg: /big}", "MEMCG", 4500, "table; Out of memory and no killable processes..."),
    # Precedence: memcg, __GFP_THISNODE, nodemask, cpuset.
    (
        "{current: 10, memcg: /web, nodemask: 0, cpuset_limited: true, gfp_mask: GFP_KERNEL|__GFP_THISNODE}",
        "MEMCG",
        3100,
        "table 15; MEMCG 15 (web); killed 15 (web)",
    ),
    (
        "{current: 10, nodemask: 0, cpuset_limited: true, gfp_mask: GFP_KERNEL|__GFP_THISNODE}",
        "NONE",
        90500,
        "table 10 11 13 14; NONE 13 (bound1); killed 13 (bound1)",
    ),
    (
        "{current: 10, nodemask: 1, cpuset_limited: true}",
        "MEMORY_POLICY",
        40500,
        "table 10 11 12 13 15; MEMORY_POLICY 13 (bound1); killed 13 (bound1)",
    ),
    (
        "{current: 10, nodemask: 0-1, cpuset_limited: true}",
        "CPUSET",
        60500,
        "table 10 11 13 14; CPUSET 13 (bound1); killed 13 (bound1)",
    ),
    # An override counts for every constraint, and changes no other number.
    (
        "{current: 10, cpuset_limited: true, totalpages: 7}",
        "CPUSET",
        7,
        "table 10 11 13 14; CPUSET 13 (bound1); killed 13 (bound1)",
    ),
    ("{current: 10, memcg: /web, totalpages: 7}", "MEMCG", 7, "table 15; MEMCG 15 (web); killed 15 (web)"),
]


@pytest.mark.parametrize(("oom", "constraint", "totalpages", "outcome"), CONSTRAINTS)
def test_constraint_total_and_reach(oom: str, constraint: str, totalpages: int, outcome: str) -> None:
    body = f"oom: {oom}\n{MACHINE}"
    report = report_of(body)
    assert (report.constraint, report.totalpages) == (Constraint[constraint], totalpages)
    assert brief(run(body)) == outcome


@pytest.mark.parametrize(
    ("limits", "swap", "totalpages"),
    [
        ("max: 3000", 500, 3500),
        ("max: 3000, swap_max: 100", 500, 3100),
        ("max: 3000, swap_max: 501", 500, 3500),
        ("max: 3000, swap_max: max", 0, 3000),
        ("max: 0, swap_max: 0", 500, 1),
        ("max: 0", 0, 1),
        ("max: 0, swap_max: 3", 500, 3),
        ("swap_max: 0", 500, (2**63 - 1) // 4096),
        ("max: max", 500, (2**63 - 1) // 4096 + 500),
    ],
)
def test_total_of_a_cgroup(limits: str, swap: int, totalpages: int) -> None:
    report = report_of(f"""\
machine: {{cpus: 1, ram: 1000, swap: {swap}}}
memcgs: {{/p: {{max: 5}}, /p/c: {{{limits}}}}}
oom: {{memcg: /p/c}}
tasks: [{{pid: 10, comm: a, memcg: /p/c}}]
""")
    assert report.totalpages == totalpages


def test_the_total_moves_the_choice() -> None:
    # adj 100 is worth 100 * (totalpages / 1000): 400 pages of the cgroup's 4000, 10000 of the machine's.
    tasks = """\
memcgs: {/big: {max: 4000}}
tasks:
- {pid: 10, comm: eager, rss: {anon: 500}, oom_score_adj: 100, memcg: /big}
- {pid: 11, comm: large, rss: {anon: 1000}, memcg: /big}
"""
    assert brief(run(tasks)).endswith("killed 10 (eager)")
    assert brief(run(tasks + "oom: {memcg: /big}\n")).endswith("killed 11 (large)")
    assert brief(run(tasks + "oom: {memcg: /big, totalpages: 6000}\n")).endswith("killed 10 (eager)")


def test_lists_and_names_of_the_summary() -> None:
    oom = "oom: {current: 10, nodemask: 1-2}\n"
    summary = next(line for line in run(oom + MACHINE) if line.startswith("oom-kill:"))
    assert summary == (
        "oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=1-2,cpuset=zero,mems_allowed=0,global_oom,"
        "task_memcg=/,task=bound1,pid=13,uid=0"
    )
    summary = next(line for line in run("oom: {current: 11, memcg: /web}\n" + MACHINE) if line.startswith("oom-kill:"))
    assert summary == (
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0-1,oom_memcg=/web,"
        "task_memcg=/web/a,task=web,pid=15,uid=0"
    )


def test_a_dead_leader_has_no_policy_any_more() -> None:
    body = """\
machine: {cpus: 4, ram: 90000, nodes: {0: {ram: 60000}, 1: {ram: 40000}}}
oom: {current: 10, nodemask: 0}
tasks:
- {pid: 10, comm: cur}
- {pid: 11, comm: bound, rss: {anon: 9}, mempolicy: 1}
- {pid: 12, comm: dead, rss: {anon: 8}, mempolicy: 1, thread: {pid: 13}}
"""
    assert brief(run(body)) == "table 10 13; MEMORY_POLICY 12 (dead); killed 13 (dead)"
