"""Memory cgroups: the order of the walk, and memory.oom.group."""

from __future__ import annotations

import pytest

from oomsel.kernel.badness import SkipReason
from oomsel.kernel.event import Outcome
from tests.support import brief, report_of, run

#: Siblings are visited as listed, children before the next sibling; in a cgroup tasks as listed, not by pid.
WALK = """\
memcgs: {/z: {}, /a: {}, /z/d: {}, /a/y: {}, /a/x: {}, /z/d/e: {}, /zz: {}}
tasks:
- {pid: 30, comm: t, rss: {anon: 5}, memcg: /a/x}
- {pid: 21, comm: t, rss: {anon: 5}, memcg: /zz}
- {pid: 22, comm: t, rss: {anon: 5}, memcg: /a}
- {pid: 19, comm: t, rss: {anon: 5}, memcg: /a}
- {pid: 20, comm: t, rss: {anon: 5}, memcg: /z/d/e}
- {pid: 25, comm: t, rss: {anon: 5}, memcg: /a/y}
- {pid: 24, comm: t, rss: {anon: 5}, memcg: /z}
- {pid: 31, comm: t, rss: {anon: 5}}
- {pid: 23, comm: t, rss: {anon: 5}, memcg: /z/d}
- {pid: 18, comm: gone, memcg: /a/y, flags: [zombie]}
"""


@pytest.mark.parametrize(
    ("oom", "outcome"),
    [
        ("{memcg: /a}", "table 22 19 25 30; MEMCG 30 (t); killed 30 (t)"),
        ("{memcg: /z}", "table 24 23 20; MEMCG 20 (t); killed 20 (t)"),
        ("{memcg: /z/d/e}", "table 20; MEMCG 20 (t); killed 20 (t)"),
        ("{}", "table 30 21 22 19 20 25 24 31 23; NONE 23 (t); killed 23 (t)"),
    ],
)
def test_the_walk_orders_the_table_and_breaks_ties(oom: str, outcome: str) -> None:
    assert brief(run(f"oom: {oom}\n{WALK}")) == outcome


#: `group` names the cgroups that have memory.oom.group; the victim is 12, in /a/b.
GROUPS = """\
memcgs:
  /a: {{max: 5000, oom_group: {a}}}
  /a/b: {{oom_group: {b}}}
  /a/b/c: {{oom_group: {c}}}
oom: {{current: 10{oom}}}
tasks:
- {{pid: 10, comm: outside, rss: {{anon: 1}}}}
- {{pid: 11, comm: in-c, rss: {{anon: 5}}, memcg: /a/b/c}}
- {{pid: 12, comm: victim, rss: {{anon: 9}}, memcg: /a/b}}
- {{pid: 13, comm: in-a, rss: {{anon: 3}}, memcg: /a}}
- {{pid: 14, comm: in-b, rss: {{anon: 4}}, memcg: /a/b}}
"""
B_DIES = "killed 12 (victim); {}; exiting 12 (victim); killed 14 (in-b); killed 11 (in-c)"
A_DIES = "killed 12 (victim); {}; killed 13 (in-a); exiting 12 (victim); killed 14 (in-b); killed 11 (in-c)"


@pytest.mark.parametrize(
    ("on", "oom", "outcome"),
    [
        ("", "", "NONE 12 (victim); killed 12 (victim)"),
        ("c", "", "NONE 12 (victim); killed 12 (victim)"),  # below the victim's own
        ("b", "", f"NONE 12 (victim); {B_DIES}"),
        ("a", "", f"NONE 12 (victim); {A_DIES}"),
        ("ab", "", f"NONE 12 (victim); {A_DIES}"),  # the highest counts
        ("ab", ", memcg: /a", f"MEMCG 12 (victim); {A_DIES}"),  # the OOM's own cgroup, too
        ("ab", ", memcg: /a/b", f"MEMCG 12 (victim); {B_DIES}"),  # but nothing above it
        ("a", ", memcg: /a/b", "MEMCG 12 (victim); killed 12 (victim)"),
        ("b", ", memcg: /a", f"MEMCG 12 (victim); {B_DIES}"),
        ("abc", ", memcg: /a/b", f"MEMCG 12 (victim); {B_DIES}"),
    ],
)
def test_which_group_dies(on: str, oom: str, outcome: str) -> None:
    switches = {name: "true" if name in on else "false" for name in "abc"}
    path = "/a" if "in-a" in outcome else "/a/b"
    said = f"Tasks in {path} are going to be killed due to memory.oom.group set"
    table = "table 12 14 11; " if oom == ", memcg: /a/b" else "table 13 12 14 11; " if oom else "table 10 11 12 13 14; "
    assert brief(run(GROUPS.format(oom=oom, **switches))) == table + outcome.format(said)


def test_members_die_whatever_their_flags_but_for_init_and_the_untouchable() -> None:
    body = """\
memcgs: {/g: {oom_group: true}, /g/sub: {}}
tasks:
- {pid: 9, comm: cur}
- {pid: 10, comm: victim, rss: {anon: 50}, memcg: /g}
- {pid: 1, comm: init, rss: {anon: 90}, memcg: /g}
- {pid: 11, comm: never, rss: {anon: 90}, memcg: /g, oom_score_adj: -1000}
- {pid: 12, comm: skip, rss: {anon: 90}, memcg: /g, flags: [oom_skip]}
- {pid: 13, comm: vfork, rss: {anon: 90}, memcg: /g, flags: [vfork]}
- {pid: 14, comm: exiting, rss: {anon: 9}, memcg: /g/sub, flags: [exiting]}
- {pid: 15, comm: zombie, memcg: /g, flags: [zombie]}
- {pid: 16, comm: core, rss: {anon: 9}, memcg: /g, flags: [coredump]}
- {pid: 17, comm: low, rss: {anon: 9}, memcg: /g, oom_score_adj: -999}
"""
    assert brief(run(body)) == (
        "table 9 10 11 12 13 14 16 17; NONE 10 (victim); killed 10 (victim); "
        "Tasks in /g are going to be killed due to memory.oom.group set; exiting 10 (victim); killed 12 (skip); "
        "killed 13 (vfork); killed 16 (core); killed 17 (low); killed 14 (exiting)"
    )


@pytest.mark.parametrize(
    ("kernel", "again"),
    [
        ("5.4", ""),
        ("5.8", ""),
        ("5.9", "exiting 10 (v); "),
        ("6.18", "exiting 10 (v); "),
        ("6.19.0", "killed 10 (v); "),
        ("7.0", "killed 10 (v); "),
    ],
)
def test_what_the_victim_met_again_gets_by_release(kernel: str, again: str) -> None:
    body = """\
memcgs: {/g: {oom_group: true}}
tasks:
- {pid: 10, comm: v, rss: {anon: 50}, memcg: /g}
- {pid: 11, comm: w, rss: {anon: 5}, memcg: /g}
"""
    said = "Tasks in /g are going to be killed due to memory.oom.group set"
    assert brief(run(body, kernel=kernel)) == f"table 10 11; NONE 10 (v); killed 10 (v); {said}; {again}killed 11 (w)"


SAID = "Tasks in /g are going to be killed due to memory.oom.group set"
AGAIN = {"killed": "killed 10 (v); ", "exiting": "exiting 10 (v); ", "unseen": ""}


@pytest.mark.parametrize(("again", "line"), AGAIN.items())
@pytest.mark.parametrize("kernel", ["5.9", "6.18", "7.3"])
def test_what_the_victim_met_again_gets_as_stated(kernel: str, again: str, line: str) -> None:
    body = f"""\
memcgs: {{/g: {{oom_group: true}}}}
oom: {{group_victim_again: {again}}}
tasks:
- {{pid: 10, comm: v, rss: {{anon: 50}}, memcg: /g}}
- {{pid: 11, comm: w, rss: {{anon: 5}}, memcg: /g}}
"""
    lines = run(body, kernel=kernel, reaper=True)
    assert brief(lines[:-2]) == f"table 10 11; NONE 10 (v); killed 10 (v); {SAID}; {line}killed 11 (w)"
    assert lines.count(next(line for line in lines if "Killed" in line)) == (2 if again == "killed" else 1)
    named = [line.split(",")[0].removeprefix("oom_reaper: reaped process ") for line in lines[-2:]]
    assert named == ["10 (v)", "11 (w)"]
    assert report_of(body, kernel=kernel).killed == (0, 1)


def test_a_pinned_victim_killed_twice_is_pinned_twice() -> None:
    body = """\
memcgs: {/g: {oom_group: true}}
oom: {group_victim_again: killed}
tasks:
- {pid: 1, comm: init, rss: {anon: 50}, mm: X}
- {pid: 10, comm: v, mm: X, memcg: /g}
"""
    pinned = "oom killer 10 (v) has mm pinned by 1 (init)"
    assert brief(run(body, reaper=True)) == (
        f"table 10; NONE 10 (v); killed 10 (v); {pinned}; {SAID}; killed 10 (v); {pinned}"
    )


ENTERED = """\
memcgs:
  /g: {{max: 500, oom_group: true, order: [13, 11, 12]}}
  /g/sub: {{}}
oom: {{{}group_victim_again: unseen}}
tasks:
- {{pid: 10, comm: sub, rss: {{anon: 5}}, memcg: /g/sub}}
- {{pid: 11, comm: a, rss: {{anon: 9}}, memcg: /g}}
- {{pid: 12, comm: b, rss: {{anon: 9}}, memcg: /g}}
- {{pid: 13, comm: c, rss: {{anon: 9}}, memcg: /g}}
"""


def test_a_cgroup_is_walked_in_its_own_order() -> None:
    # The last of equals dies, in the cgroup's order; the table of a global OOM is the tasklist's.
    assert brief(run(ENTERED.format("memcg: /g, "))) == (
        f"table 13 11 12 10; MEMCG 12 (b); killed 12 (b); {SAID}; killed 13 (c); killed 11 (a); killed 10 (sub)"
    )
    assert brief(run(ENTERED.format(""))) == (
        f"table 10 11 12 13; NONE 13 (c); killed 13 (c); {SAID}; killed 11 (a); killed 12 (b); killed 10 (sub)"
    )


@pytest.mark.parametrize(
    ("kernel", "sysctl", "own", "total"),
    [
        ("6.18", "", "", 150),
        ("6.18", "sysctl: {swappiness: 1}\n", "", 150),
        ("5.4", "sysctl: {swappiness: 0}\n", "", 100),
        ("7.3", "sysctl: {swappiness: 0}\n", "", 100),
        ("6.18", "sysctl: {swappiness: 0}\n", ", swappiness: 60", 150),
        ("6.18", "", ", swappiness: 0", 100),
    ],
)
def test_without_swappiness_a_cgroup_does_not_swap(kernel: str, sysctl: str, own: str, total: int) -> None:
    body = f"""\
machine: {{cpus: 1, ram: 9000, swap: 50}}
{sysctl}memcgs: {{/g: {{max: 100{own}}}, /g/sub: {{max: 100}}}}
oom: {{memcg: /g}}
tasks: [{{pid: 10, comm: a, memcg: /g}}]
"""
    assert report_of(body, kernel=kernel).totalpages == total
    # What is not asked of a cgroup has its swap.
    assert report_of(body.replace("oom: {memcg: /g}\n", ""), kernel=kernel).totalpages == 9050


EXITED = """\
memcgs: {/g: {max: 500, oom_group: true}}
oom: {current: 9OOM}
tasks:
- {pid: 9, comm: cur}
- {pid: 10, comm: gone, rss: {anon: 50}, memcg: /g, flags: [FLAGS]}
- {pid: 11, comm: v, rss: {anon: 9}, memcg: /g}
- {pid: 12, comm: w, rss: {anon: 5}, memcg: /g}
"""
BOTH_DIE = f"MEMCG 11 (v); killed 11 (v); {SAID}; killed 12 (w)"


@pytest.mark.parametrize("flags", ["exited", "exited, oom_victim"])
def test_a_cgroup_does_not_see_who_has_exited_from_6_19_9_on(flags: str) -> None:
    body = EXITED.replace("FLAGS", flags).replace("OOM", ", memcg: /g, group_victim_again: unseen")
    assert brief(run(body, kernel="6.19.9")) == f"table 11 12; {BOTH_DIE}"
    report = report_of(body, kernel="6.19.8")
    # It was seen: chosen though it is dying already, or waited for as an earlier victim.
    assert report.outcome is (Outcome.VICTIM_IN_FLIGHT if "victim" in flags else Outcome.CHOSEN_DYING)


def test_a_global_oom_sees_who_has_exited() -> None:
    body = EXITED.replace("OOM", "")
    assert report_of(body.replace("FLAGS", "exited, oom_victim"), kernel="7.3").outcome is Outcome.VICTIM_IN_FLIGHT
    assert report_of(body.replace("FLAGS", "exited"), kernel="7.3").outcome is Outcome.CHOSEN_DYING
    # It has a row; the walk over the group passes it by.
    body = body.replace("FLAGS", "exited, oom_skip").replace("cur}", "cur, memcg: /g, rss: {anon: 10}}")
    dies = f"NONE 9 (cur); killed 9 (cur); {SAID}; exiting 9 (cur); {{}}killed 11 (v); killed 12 (w)"
    assert brief(run(body, kernel="6.18")) == f"table 9 10 11 12; {dies.format('killed 10 (gone); ')}"
    assert brief(run(body, kernel="7.3")) == f"table 9 10 11 12; {dies.format('').replace('exiting', 'killed')}"


def test_why_an_exited_task_is_skipped() -> None:
    body = EXITED.replace("FLAGS", "exited").replace("OOM", ", memcg: /g")
    reasons = report_of(body, kernel="7.3").skip_reasons
    assert [SkipReason(int(why)).name for why in reasons] == ["MEMCG", "EXITED", "ELIGIBLE", "ELIGIBLE"]
    outside = body.replace("memcg: /g, flags", "flags")
    assert SkipReason(int(report_of(outside, kernel="7.3").skip_reasons[1])) is SkipReason.MEMCG


def test_the_victim_met_again_is_named_by_its_leader_and_with_the_kill_lines_prefix() -> None:
    body = """\
memcgs: {/g: {max: 500, oom_group: true}}
oom: {memcg: /g}
tasks: [{pid: 10, comm: lead, rss: {anon: 50}, memcg: /g, thread: {pid: 11, comm: live}}]
"""
    lines = run(body)
    assert lines[-3].startswith("Memory cgroup out of memory: Killed process 11 (live) ")
    assert lines[-1] == ("Memory cgroup out of memory: OOM victim 10 (lead) is already exiting. Skip killing the task")


def test_an_origin_at_minus_1000_is_chosen_but_not_met_again() -> None:
    body = """\
memcgs: {/g: {oom_group: true}}
tasks:
- {pid: 10, comm: off, memcg: /g, oom_score_adj: -1000, flags: [oom_origin]}
- {pid: 11, comm: w, rss: {anon: 5}, memcg: /g}
"""
    said = "Tasks in /g are going to be killed due to memory.oom.group set"
    assert brief(run(body)) == f"table 10 11; NONE 10 (off); killed 10 (off); {said}; killed 11 (w)"
