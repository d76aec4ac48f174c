"""out_of_memory() up to the choice: who is asked, who is passed over, and when nobody is chosen at all."""

from __future__ import annotations

import pytest

from oomsel.kernel.event import Outcome
from tests.support import brief, report_of, run


def tasks(*keys: str) -> str:
    """Tasks from 10 on, named by letters; where `keys` say no rss they have 10 pages."""
    lines = []
    for index, said in enumerate(keys):
        rss = "" if any(word in said for word in ("rss", "zombie", "kthread", "mm:")) else ", rss: {anon: 10}"
        lines.append(f"- {{pid: {10 + index}, comm: {'abcdefgh'[index]}{rss}{', ' if said else ''}{said}}}\n")
    return "tasks:\n" + "".join(lines)


#: Scenario -> outcome.  Task 10 (a) is current unless it says otherwise.
CHOICES = {
    "the worst": (tasks("", "rss: {anon: 30}", "rss: {anon: 20}"), "table 10 11 12; NONE 11 (b); killed 11 (b)"),
    "of equals the last": (tasks("", "", ""), "table 10 11 12; NONE 12 (c); killed 12 (c)"),
    "of equals the last, with a lesser one after": (
        tasks("", "", "rss: {anon: 9}"),
        "table 10 11 12; NONE 11 (b); killed 11 (b)",
    ),
    "all negative": (
        tasks("oom_score_adj: -900", "oom_score_adj: -901"),
        "table 10 11; NONE 10 (a); killed 10 (a)",
    ),
    "swap and page tables count": (
        tasks("rss: {anon: 13}", "rss: {swap: 14}", "rss: {file: 1}, pgtables_bytes: 61440"),
        "table 10 11 12; NONE 12 (c); killed 12 (c)",
    ),
    "init and kernel threads have no row": (
        "oom: {current: 11}\n" + tasks("flags: [init], rss: {anon: 99}", "", "flags: [kthread]"),
        "table 11; NONE 11 (b); killed 11 (b)",
    ),
    "pid 1 is init": (
        "tasks: [{pid: 1, comm: i, rss: {anon: 99}}, {pid: 2, comm: a}]",
        "table 2; NONE 2 (a); killed 2 (a)",
    ),
    "but not where another one is": (
        "tasks: [{pid: 1, comm: i, rss: {anon: 99}}, {pid: 2, comm: a, flags: [init]}]",
        "table 1; NONE 1 (i); killed 1 (i)",
    ),
    "a zombie has no row": (tasks("", "flags: [zombie]"), "table 10; NONE 10 (a); killed 10 (a)"),
    "untouchable, but with a row": (
        tasks("", "rss: {anon: 99}, oom_score_adj: -1000"),
        "table 10 11; NONE 10 (a); killed 10 (a)",
    ),
    "in vfork, but with a row": (
        tasks("", "rss: {anon: 99}, flags: [vfork]"),
        "table 10 11; NONE 10 (a); killed 10 (a)",
    ),
    "reaped before": (tasks("", "rss: {anon: 99}, flags: [oom_skip]"), "table 10 11; NONE 10 (a); killed 10 (a)"),
    "reaped before, shared": (
        tasks("", "rss: {anon: 99}, mm: X", "mm: X, flags: [oom_skip]"),
        "table 10 11 12; NONE 10 (a); killed 10 (a)",
    ),
    "dumping core": (
        tasks("", "rss: {anon: 99}, flags: [coredump]"),
        "table 10 11; NONE 11 (b); killed 11 (b)",
    ),
    "an origin beats everything": (
        tasks("rss: {anon: 99999}, oom_score_adj: 1000", "rss: {anon: 1}, flags: [oom_origin]", ""),
        "table 10 11 12; NONE 11 (b); killed 11 (b)",
    ),
    "of origins the last": (
        tasks("flags: [oom_origin]", "rss: {anon: 1}, flags: [oom_origin]", "rss: {anon: 50}"),
        "table 10 11 12; NONE 11 (b); killed 11 (b)",
    ),
    "an origin at -1000": (
        tasks("", "flags: [oom_origin], oom_score_adj: -1000"),
        "table 10 11; NONE 11 (b); killed 11 (b)",
    ),
    "an origin outside the cpuset": (
        "machine: {cpus: 1, ram: 9000, nodes: {0: {ram: 5000}, 1: {ram: 5000}}}\n"
        + tasks("cpuset: {mems_allowed: 0}", "flags: [oom_origin], cpuset: {mems_allowed: 1}"),
        "table 10; NONE 10 (a); killed 10 (a)",
    ),
    "a dead leader": (
        tasks("", "rss: {anon: 99}, thread: {pid: 20, comm: live}"),
        "table 10 20; NONE 11 (b); killed 20 (live)",
    ),
    "a dead leader's thread that is dying is killed all the same": (
        tasks("", "rss: {anon: 99}, thread: {pid: 20}, flags: [exiting]"),
        "table 10 20; NONE 11 (b); killed 20 (b)",
    ),
    "a current that dumps core is not dying": (
        tasks("flags: [exiting, coredump]", ""),
        "table 10 11; NONE 11 (b); killed 11 (b)",
    ),
    "a current whose mm was reaped is not dying": (
        tasks("flags: [exiting, oom_skip]", ""),
        "table 10 11; NONE 11 (b); killed 11 (b)",
    ),
    "a current that shares with one that lives is not dying": (
        tasks("flags: [exiting], rss: {anon: 9}, mm: X", "mm: X", "rss: {anon: 1}"),
        "table 10 11 12; NONE 11 (b); killed 11 (b)",
    ),
    "a current that shares with one that dumps core is not dying": (
        tasks("flags: [exiting], rss: {anon: 9}, mm: X", "mm: X, flags: [exiting, coredump]", "rss: {anon: 1}"),
        "table 10 11 12; NONE 11 (b); killed 11 (b)",
    ),
    "sysrq": (
        "oom: {order: -1, current: 12}\n" + tasks("", "rss: {anon: 99}", "flags: [kthread]"),
        "table 10 11; NONE 11 (b); killed 11 (b)",
    ),
    "sysrq does not wait for a victim": (
        "oom: {order: -1}\n" + tasks("", "rss: {anon: 99}", "flags: [oom_victim], rss: {anon: 1}"),
        "table 10 11 12; NONE 11 (b); killed 11 (b)",
    ),
    "for sysrq an origin is chosen even if it was reaped": (
        "oom: {order: -1}\n" + tasks("", "flags: [oom_origin, oom_victim, oom_skip]", "rss: {anon: 99}"),
        "table 10 11 12; NONE 11 (b); killed 11 (b)",
    ),
    "a victim that was reaped is passed over": (
        tasks("", "rss: {anon: 99}, flags: [oom_victim, oom_skip]"),
        "table 10 11; NONE 10 (a); killed 10 (a)",
    ),
    "a victim out of reach is not waited for": (
        "memcgs: {/g: {max: 50}}\noom: {memcg: /g}\n" + tasks("memcg: /g", "flags: [oom_victim]"),
        "table 10; MEMCG 10 (a); killed 10 (a)",
    ),
    "a zombie that was a victim is not met on the walk of a cgroup": (
        "memcgs: {/g: {max: 50}}\noom: {memcg: /g}\n" + tasks("memcg: /g", "flags: [oom_victim, zombie], memcg: /g"),
        "table 10; MEMCG 10 (a); killed 10 (a)",
    ),
    "a zombie whose mm was reaped is not waited for": (
        tasks("", "flags: [oom_victim, oom_skip, zombie]"),
        "table 10; NONE 10 (a); killed 10 (a)",
    ),
    "an init that is a victim is not waited for": (
        "oom: {current: 10}\n" + tasks("", "flags: [oom_victim, init]"),
        "table 10; NONE 10 (a); killed 10 (a)",
    ),
    "no table": ("sysctl: {oom_dump_tasks: 0}\n" + tasks("", ""), "NONE 11 (b); killed 11 (b)"),
    "nobody": (
        tasks("oom_score_adj: -1000", "flags: [oom_skip]"),
        "table 10 11; Out of memory and no killable processes...; panic: System is deadlocked on memory",
    ),
    "nobody in a cgroup": (
        "memcgs: {/g: {max: 50}}\noom: {memcg: /g}\n" + tasks("oom_score_adj: -1000, memcg: /g", ""),
        "table 10; Out of memory and no killable processes...",
    ),
    "nobody for sysrq": (
        "oom: {order: -1}\n" + tasks("oom_score_adj: -1000"),
        "table 10; Out of memory and no killable processes...",
    ),
    "nobody, no table": (
        "sysctl: {oom_dump_tasks: 0}\n" + tasks("oom_score_adj: -1000"),
        "Out of memory and no killable processes...; panic: System is deadlocked on memory",
    ),
    "kernel threads alone": (
        "oom: {current: 10}\n" + tasks("flags: [kthread]"),
        "table; Out of memory and no killable processes...; panic: System is deadlocked on memory",
    ),
    "an allocation without __GFP_FS in a cgroup": (
        "memcgs: {/g: {max: 50}}\noom: {memcg: /g, gfp_mask: GFP_NOFS}\n" + tasks("memcg: /g"),
        "table 10; MEMCG 10 (a); killed 10 (a)",
    ),
}


@pytest.mark.parametrize(("body", "outcome"), CHOICES.values(), ids=CHOICES)
def test_the_choice(body: str, outcome: str) -> None:
    assert brief(run(body)) == outcome


#: Events in which the kernel prints nothing, and why.
SILENT = {
    "current exiting": (tasks("flags: [exiting]", ""), Outcome.CURRENT_DYING),
    "current a thread that is exiting after its leader": (
        tasks("flags: [exiting], thread: {pid: 20}", "rss: {anon: 99}"),
        Outcome.CURRENT_DYING,
    ),
    "current a victim already": (tasks("flags: [oom_victim]", ""), Outcome.CURRENT_DYING),
    "current exiting, with all who share its mm": (
        tasks("flags: [exiting], rss: {anon: 9}, mm: X", "mm: X, flags: [oom_victim]"),
        Outcome.CURRENT_DYING,
    ),
    "current exiting comes before panic_on_oom": (
        "sysctl: {panic_on_oom: 2}\n" + tasks("flags: [exiting]"),
        Outcome.CURRENT_DYING,
    ),
    "current exiting comes before __GFP_FS": (
        "oom: {gfp_mask: GFP_NOFS}\n" + tasks("flags: [exiting]"),
        Outcome.CURRENT_DYING,
    ),
    "current exiting, for sysrq": (
        "oom: {current: 10, order: -1}\n" + tasks("flags: [exiting]", ""),
        Outcome.CURRENT_DYING,
    ),
    "no __GFP_FS": ("oom: {gfp_mask: GFP_NOFS}\n" + tasks(""), Outcome.NO_FS),
    "no __GFP_FS comes before panic_on_oom": (
        "oom: {gfp_mask: 0x40}\nsysctl: {panic_on_oom: 2}\n" + tasks(""),
        Outcome.NO_FS,
    ),
    "a victim still exiting": (tasks("", "rss: {anon: 99}", "flags: [oom_victim]"), Outcome.VICTIM_IN_FLIGHT),
    "a victim still exiting beats an origin": (
        tasks("", "flags: [oom_origin]", "flags: [oom_victim]"),
        Outcome.VICTIM_IN_FLIGHT,
    ),
    "a victim still exiting, at -1000": (
        tasks("", "flags: [oom_victim], oom_score_adj: -1000"),
        Outcome.VICTIM_IN_FLIGHT,
    ),
    "a zombie that was a victim": (tasks("", "flags: [oom_victim, zombie]"), Outcome.VICTIM_IN_FLIGHT),
    "the chosen one is exiting": (tasks("", "rss: {anon: 99}, flags: [exiting]"), Outcome.CHOSEN_DYING),
    "the chosen one is exiting, in a group": (
        "memcgs: {/g: {oom_group: true}}\n" + tasks("", "rss: {anon: 99}, flags: [exiting], memcg: /g"),
        Outcome.CHOSEN_DYING,
    ),
    "the chosen one was a victim, for sysrq": (
        "oom: {order: -1}\n" + tasks("", "rss: {anon: 99}, flags: [oom_victim]"),
        Outcome.CHOSEN_DYING,
    ),
}


@pytest.mark.parametrize(("body", "outcome"), SILENT.values(), ids=SILENT)
def test_no_lines_at_all(body: str, outcome: Outcome) -> None:
    assert run(body) == []
    report = report_of(body)
    assert (report.outcome, report.kills, report.killed, report.panics) == (outcome, (), (), False)


NODES_2 = "machine: {cpus: 1, ram: 9000, nodes: {0: {ram: 5000}, 1: {ram: 5000}, 2: {ram: 0}}}\n"


@pytest.mark.parametrize("sysctl", ["", "sysctl: {oom_kill_allocating_task: 1}\n"])
def test_sysrq_is_a_kworkers(sysctl: str) -> None:
    # It has no mm to be killed for, and no cpuset that narrows the scan.
    body = NODES_2 + sysctl + "oom: {order: -1}\n" + tasks("cpuset: {name: x, mems_allowed: 1}, rss: {anon: 9}", "")
    lines = run(body)
    assert lines[0] == "kworker/0:0 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0"
    assert ",cpuset=/,mems_allowed=0-1,global_oom," in lines[-2]
    assert brief(lines) == "table 10 11; NONE 11 (b); killed 11 (b)"
    assert report_of(body).oc.current is None
    named = run(body.replace("order: -1", "order: -1, comm: kworker/7:1"))
    assert named[0].startswith("kworker/7:1 invoked oom-killer: ")
    stated = run(body.replace("order: -1", "order: -1, current: 10"))
    assert (stated[0][:2], ",cpuset=x,mems_allowed=1," in stated[-2]) == ("a ", True)


@pytest.mark.parametrize("kernel", ["5.4", "6.4", "6.5", "7.3"])
def test_a_mask_of_0_kills_until_6_4(kernel: str) -> None:
    body = "oom: {gfp_mask: 0}\n" + tasks("")
    lines = run(body, kernel=kernel)
    if kernel in ("6.5", "7.3"):
        assert (lines, report_of(body, kernel=kernel).outcome) == ([], Outcome.NO_FS)
    else:
        assert lines[0] == "a invoked oom-killer: gfp_mask=0x0(), order=0, oom_score_adj=0"
        assert brief(lines) == "table 10; NONE 10 (a); killed 10 (a)"


#: A dying current in a cgroup's OOM that out_of_memory() itself would not spare.
SPARED = {
    "its mm is reaped": tasks("flags: [exiting, oom_skip], memcg: /g", "memcg: /g"),
    "who shares its mm lives": tasks("flags: [exiting], mm: X, memcg: /g", "mm: X, memcg: /g"),
    "it dumps core": tasks("flags: [exiting, coredump], memcg: /g", "memcg: /g"),
}


@pytest.mark.parametrize("body", SPARED.values(), ids=SPARED)
def test_a_cgroup_spares_a_dying_current_until_6_15(body: str) -> None:
    body = "memcgs: {/g: {max: 50}}\noom: {current: 10, memcg: /g}\n" + body
    for kernel in ("5.4", "6.15"):
        report = report_of(body, kernel=kernel)
        assert (report.outcome, report.reaped) == (Outcome.CURRENT_DYING, ())
    assert report_of(body, kernel="6.16").outcome is Outcome.KILLED
    assert report_of(body.replace(", memcg: /g}\n", "}\n"), kernel="5.4").outcome is Outcome.KILLED


REAPED_SILENTLY = {
    "current": (tasks("flags: [exiting], rss: {anon: 40, file: 70, shmem: 3}", ""), "10 (a)"),
    "current, by the thread that allocates": (
        "oom: {comm: conn-17}\n" + tasks("flags: [exiting], rss: {anon: 40, file: 70, shmem: 3}, thread: {pid: 20}"),
        "20 (conn-17)",
    ),
    "the chosen one": (tasks("", "flags: [exiting], rss: {anon: 40, file: 70, shmem: 3}"), "11 (b)"),
}


@pytest.mark.parametrize(("body", "name"), REAPED_SILENTLY.values(), ids=REAPED_SILENTLY)
def test_whoever_is_dying_already_is_reaped_without_a_report(body: str, name: str) -> None:
    line = f"oom_reaper: reaped process {name}, now anon-rss:0kB, file-rss:0kB, shmem-rss:12kB"
    assert (run(body), run(body, reaper=True)) == ([], [line])


SYSTEM_WIDE = "panic: Out of memory: system-wide panic_on_oom is enabled"
COMPULSORY = "panic: Out of memory: compulsory panic_on_oom is enabled"
NODES = "machine: {cpus: 1, ram: 9000, nodes: {0: {ram: 5000}, 1: {ram: 5000}}}\n"


@pytest.mark.parametrize(
    ("setting", "oom", "outcome"),
    [
        (0, "{}", "table 10; NONE 10 (a); killed 10 (a)"),
        (1, "{}", f"table 10; {SYSTEM_WIDE}"),
        (2, "{}", f"table 10; {COMPULSORY}"),
        (1, "{order: -1}", "table 10; NONE 10 (a); killed 10 (a)"),
        (2, "{order: -1}", "table 10; NONE 10 (a); killed 10 (a)"),
        (1, "{memcg: /g}", "table 10; MEMCG 10 (a); killed 10 (a)"),
        (2, "{memcg: /g}", f"table 10; {COMPULSORY}"),
        (1, "{nodemask: 0}", "table 10; MEMORY_POLICY 10 (a); killed 10 (a)"),
        (2, "{nodemask: 0}", f"table 10; {COMPULSORY}"),
        (1, "{cpuset_limited: true}", "table 10; CPUSET 10 (a); killed 10 (a)"),
        (2, "{cpuset_limited: true}", f"table 10; {COMPULSORY}"),
    ],
)
def test_panic_on_oom(setting: int, oom: str, outcome: str) -> None:
    body = f"sysctl: {{panic_on_oom: {setting}}}\nmemcgs: {{/g: {{max: 50}}}}\noom: {oom}\n" + NODES
    assert brief(run(body + tasks("memcg: /g, cpuset: {mems_allowed: 0}"))) == outcome


def test_panic_on_oom_comes_before_the_allocating_task_and_before_a_victim_in_flight() -> None:
    body = "sysctl: {panic_on_oom: 1, oom_kill_allocating_task: 1}\n" + tasks("", "flags: [oom_victim]")
    assert brief(run(body)) == f"table 10 11; {SYSTEM_WIDE}"


def test_a_panic_without_a_table() -> None:
    body = "sysctl: {panic_on_oom: 1, oom_dump_tasks: 0}\n" + tasks("")
    assert brief(run(body)) == SYSTEM_WIDE


def test_modes_choose_by_what_they_read() -> None:
    body = tasks("rss: {anon: {count: 64, deltas: {0: -31}}}", "rss: {anon: {count: 32, deltas: {0: 31}}}")
    assert brief(run(body)) == "table 10 11; NONE 10 (a); killed 10 (a)"
    assert brief(run(body, "precise")) == "table 10 11; NONE 11 (b); killed 11 (b)"


@pytest.mark.parametrize(
    ("kernel", "victim"), [("5.4", "a"), ("6.1", "a"), ("6.2", "b"), ("6.19", "b"), ("7.0", "a"), ("7.3", "a")]
)
def test_what_the_release_itself_reads(kernel: str, victim: str) -> None:
    # Truly a is larger; until 6.1 the counters are exact, and from 7.0 on they are summed.
    body = tasks("rss: {anon: {count: 32, deltas: {0: 31}}}", "rss: {anon: {count: 64, deltas: {0: -31}}}")
    assert brief(run(body, "kernel", kernel=kernel)).endswith(f"({victim})")


@pytest.mark.parametrize("mode", ["approximate", "precise"])
def test_before_6_2_both_modes_read_the_same_exact_number(mode: str) -> None:
    body = "machine: {cpus: 4, online: 0-2, ram: 1000, batch: 99}\n" + tasks(
        "rss: {anon: {count: 64, deltas: {0: -31, 3: 7}}}", "rss: {anon: {count: 32, deltas: {0: 3}}}"
    )
    report = report_of(body, mode, kernel="6.1")
    assert report.points.tolist() == [33, 35]


@pytest.mark.parametrize(("kernel", "victim"), [("5.8", "c"), ("5.9", "b"), ("5.4.143", "c"), ("5.4.144", "b")])
def test_until_5_8_all_below_one_point_are_equal(kernel: str, victim: str) -> None:
    body = tasks("oom_score_adj: -3", "oom_score_adj: -2", "oom_score_adj: -4")
    assert brief(run(body, kernel=kernel)).endswith(f"({victim})")
