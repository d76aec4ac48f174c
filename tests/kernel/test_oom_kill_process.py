"""The kill: the allocating task, processes that share an mm, and the reaper."""

from __future__ import annotations

import pytest

from tests.support import brief, report_of, run

ALLOCATING = "sysctl: {oom_kill_allocating_task: 1}\n"
PREFIX = "Out of memory (oom_kill_allocating_task): "


def killed(lines: list[str]) -> list[str]:
    """Every kill line up to the name."""
    return [line.partition(" total-vm")[0] for line in lines if "Killed process" in line]


def summary(lines: list[str]) -> str:
    """The end of the oom-kill line, from the task on."""
    (line,) = [line for line in lines if line.startswith("oom-kill:")]
    return line[line.index(",task=") + 1 :]


OTHER = "- {pid: 90, comm: bigger, rss: {anon: 900}}\n"


@pytest.mark.parametrize(
    ("current", "oom", "kill"),
    [
        ("pid: 10, comm: a", "{current: 10}", f"{PREFIX}Killed process 10 (a)"),
        ("pid: 10, comm: a, oom_score_adj: -999", "{current: 10}", f"{PREFIX}Killed process 10 (a)"),
        # What it would be passed over for in a scan does not matter here.
        ("pid: 10, comm: a, flags: [vfork]", "{current: 10}", f"{PREFIX}Killed process 10 (a)"),
        ("pid: 10, comm: a, flags: [oom_skip]", "{current: 10}", f"{PREFIX}Killed process 10 (a)"),
        # Who cannot be killed so; then the worst is looked for.
        ("pid: 10, comm: a, oom_score_adj: -1000", "{current: 10}", "Out of memory: Killed process 90 (bigger)"),
        ("pid: 10, comm: a, flags: [init]", "{current: 10}", "Out of memory: Killed process 90 (bigger)"),
        ("pid: 10, comm: a, flags: [kthread]", "{current: 10}", "Out of memory: Killed process 90 (bigger)"),
        # Not in a cgroup's OOM; but a sysrq kills its current, too.
        (
            "pid: 10, comm: a, memcg: /g, rss: {anon: 5}",
            "{current: 10, memcg: /g}",
            "Memory cgroup out of memory: Killed process 10 (a)",
        ),
        ("pid: 10, comm: a", "{current: 10, order: -1}", f"{PREFIX}Killed process 10 (a)"),
        # Out of the allocation's reach by its own policy.
        (
            "pid: 10, comm: a, mempolicy: 1",
            "{current: 10, nodemask: 0}",
            "Out of memory: Killed process 90 (bigger)",
        ),
        ("pid: 10, comm: a, mempolicy: 0", "{current: 10, nodemask: 0}", f"{PREFIX}Killed process 10 (a)"),
    ],
)
def test_the_allocating_task(current: str, oom: str, kill: str) -> None:
    machine = "machine: {cpus: 1, ram: 9000, nodes: {0: {ram: 5000}, 1: {ram: 5000}}}\nmemcgs: {/g: {max: 50}}\n"
    body = f"{machine}{ALLOCATING}oom: {oom}\ntasks:\n- {{{current}}}\n{OTHER}"
    assert killed(run(body)) == [kill]


def test_the_allocating_task_does_not_wait_for_an_earlier_victim() -> None:
    body = ALLOCATING + "tasks:\n- {pid: 10, comm: a}\n- {pid: 11, comm: b, flags: [oom_victim]}\n"
    assert killed(run(body)) == [f"{PREFIX}Killed process 10 (a)"]


def test_an_allocating_thread_is_named_itself() -> None:
    body = ALLOCATING + "oom: {current: 10, comm: conn-17}\ntasks:\n- {pid: 10, comm: mysqld, oom_score_adj: 7}\n"
    lines = run(body)
    assert lines[0].startswith("conn-17 invoked oom-killer: ")
    assert lines[0].endswith(", order=0, oom_score_adj=7")
    assert lines[3].endswith("mysqld")
    assert summary(lines) == "task=conn-17,pid=10,uid=0"
    assert killed(lines) == [f"{PREFIX}Killed process 10 (mysqld)"]


def test_an_allocating_thread_has_its_own_pid() -> None:
    body = "oom: {current: 10, current_thread: 17, comm: conn-17}\ntasks:\n- {pid: 10, comm: mysqld}\n"
    lines = run(ALLOCATING + body, reaper=True)
    assert summary(lines) == "task=conn-17,pid=17,uid=0"
    assert killed(lines) == [f"{PREFIX}Killed process 10 (mysqld)"]
    assert lines[-1].startswith("oom_reaper: reaped process 10 (mysqld), now ")
    # Chosen by its score, it is the process that is named.
    assert summary(run(body)) == "task=mysqld,pid=10,uid=0"
    # A dying current is reaped by the thread's name.
    dying = body.replace("comm: mysqld", "comm: mysqld, flags: [exiting]")
    (line,) = run(dying, reaper=True)
    assert line.startswith("oom_reaper: reaped process 17 (conn-17), now ")


@pytest.mark.parametrize("current", [10, 12])
def test_an_allocating_thread_whose_leader_is_dead(current: int) -> None:
    # A dead leader's pid means its thread.
    body = f"oom: {{current: {current}}}\ntasks:\n- {{pid: 10, comm: lead, thread: {{pid: 12, comm: worker}}}}\n"
    lines = run(ALLOCATING + body)
    assert lines[0].startswith("worker invoked oom-killer: ")
    assert summary(lines) == "task=worker,pid=12,uid=0"
    assert killed(lines) == [f"{PREFIX}Killed process 12 (worker)"]
    assert summary(run(body)) == "task=lead,pid=10,uid=0"
    assert killed(run(body)) == ["Out of memory: Killed process 12 (worker)"]


def test_an_allocating_thread_that_is_dying_under_a_dead_leader() -> None:
    # It is asked itself, not its leader: already dying, so there is nothing to say.
    body = "oom: {current: 12}\ntasks:\n- {pid: 10, comm: lead, flags: [exiting], thread: {pid: 12, comm: worker}}\n"
    assert run(ALLOCATING + body) == []


def test_an_allocating_task_dies_with_its_group() -> None:
    body = """\
memcgs: {/g: {oom_group: true}}
tasks:
- {pid: 10, comm: a, memcg: /g}
- {pid: 11, comm: b, memcg: /g}
"""
    lines = run(ALLOCATING + body)
    assert killed(lines) == [f"{PREFIX}Killed process 10 (a)", f"{PREFIX}Killed process 11 (b)"]
    assert f"{PREFIX}OOM victim 10 (a) is already exiting. Skip killing the task" in lines


SHARED = """\
tasks:
- {pid: 10, comm: a, rss: {anon: 99}, mm: X}
- {pid: 11, comm: b, mm: X}
- {pid: 12, comm: c, rss: {anon: 9}}
- {pid: 13, comm: d, mm: X, oom_score_adj: -1000}
- {pid: 14, comm: e, rss: {anon: 98}, mm: Y}
"""


def test_who_shares_the_victims_mm_dies_without_a_line() -> None:
    assert brief(run(SHARED)) == "table 10 11 12 13 14; NONE 11 (b); killed 11 (b)"
    report = report_of(SHARED)
    assert [int(report.system.tasks.pid[task]) for task in report.silent] == [10, 13]
    assert [int(report.system.tasks.pid[task]) for task in report.killed] == [11, 10, 13]


def test_every_sharer_has_a_row_with_all_of_the_mm() -> None:
    rows = [line for line in run(SHARED) if line.startswith("[") and line[-1] in "abd"]
    assert len(rows) == 3
    assert all(" 99 " in row for row in rows)


def test_a_mm_that_init_shares_is_pinned() -> None:
    body = """\
oom: {current: 11}
tasks:
- {pid: 1, comm: init, rss: {anon: 99}, mm: X}
- {pid: 11, comm: lead, mm: X, thread: {pid: 12, comm: live}}
- {pid: 13, comm: c, mm: X, oom_score_adj: -5}
"""
    lines = run(body, reaper=True)
    assert (
        brief(lines) == "table 12 13; NONE 11 (lead); killed 12 (live); oom killer 12 (live) has mm pinned by 1 (init)"
    )
    # Init is not killed with the others.
    assert report_of(body).silent == (2,)


def test_a_group_member_that_shares_with_init_is_pinned_too() -> None:
    body = """\
memcgs: {/g: {oom_group: true}}
oom: {current: 11}
tasks:
- {pid: 1, comm: init, rss: {anon: 5}, mm: X}
- {pid: 11, comm: a, rss: {anon: 9}, memcg: /g}
- {pid: 12, comm: b, mm: X, memcg: /g}
"""
    assert brief(run(body, reaper=True)) == (
        "table 11 12; NONE 11 (a); killed 11 (a); Tasks in /g are going to be killed due to memory.oom.group set; "
        "exiting 11 (a); killed 12 (b); oom killer 12 (b) has mm pinned by 1 (init); "
        "reaped 11 (a) anon-rss:36kB, file-rss:0kB, shmem-rss:0kB"
    )


#: Counters -> what the reaper's line shows, approximate and precise; 4 CPUs, a batch of 32, kB.
REAPED = [
    ("{anon: 100, file: 50, shmem: 20, swap: 30}", (0, 0, 80), (0, 0, 80)),
    ("{anon: 31}", (124, 0, 0), (0, 0, 0)),  # less than the batch: the update stays on its CPU
    ("{anon: 32}", (0, 0, 0), (0, 0, 0)),
    ("{anon: {count: 100, deltas: {1: 9}}}", (0, 0, 0), (0, 0, 0)),  # -109 goes to the count: -9, clamped
    ("{anon: {count: 100, deltas: {1: -9}}}", (36, 0, 0), (0, 0, 0)),  # -91 leaves 9
    ("{anon: {count: 100, deltas: {0: 9}}}", (0, 0, 0), (0, 0, 0)),  # the slot rides along
    ("{anon: {count: 20, deltas: {0: -9, 1: 9}}}", (80, 0, 0), (0, 0, 0)),  # -20 joins -9 in CPU 0's slot
    ("{anon: {count: 20, deltas: {0: -15, 1: 15}}}", (0, 0, 0), (0, 0, 0)),  # and reaches the batch with -15
    (
        "{anon: {count: 10, deltas: {0: -20}}, file: {count: 5, deltas: {2: 3}}}",
        (40, 20, 0),
        (0, 0, 0),
    ),
    ("{total: 100, swap: 5}", (0, "?", "?"), (0, "?", "?")),
]


@pytest.mark.parametrize(("rss", "approximate", "precise"), REAPED)
def test_what_the_reaper_leaves(rss: str, approximate: tuple[int, ...], precise: tuple[int, ...]) -> None:
    body = f"tasks: [{{pid: 10, comm: a, rss: {rss}, thread: {{pid: 11, comm: t}}}}]\n"
    for mode, (anon, file, shmem) in (("approximate", approximate), ("precise", precise)):
        assert run(body, mode, reaper=True)[-1] == (
            f"oom_reaper: reaped process 11 (t), now anon-rss:{anon}kB, file-rss:{file}kB, shmem-rss:{shmem}kB"
        )


def test_an_mm_that_was_reaped_before_is_not_reaped_again() -> None:
    body = ALLOCATING + "oom: {current: 10}\ntasks: [{pid: 10, comm: a, flags: [oom_skip], rss: {anon: 50}}]\n"
    assert killed(run(body, reaper=True)) == [f"{PREFIX}Killed process 10 (a)"]
    assert report_of(body).reaped == ()


#: What cannot be unmapped -> what the line says of file and shmem; of 400 and 40 pages, in kB.
LEAVES = {
    "{}": (0, 160),
    "{file: 100}": (400, 160),
    "{file: 100, shmem: 8}": (400, 32),
    "{shmem: 0}": (0, 0),
    "{file: 401, shmem: 4000}": (1600, 160),
    "{file: 400 kB, shmem: 40}": (400, 160),
}


@pytest.mark.parametrize(("leaves", "left"), LEAVES.items())
@pytest.mark.parametrize("mode", ["approximate", "precise"])
def test_shared_mappings_are_left(leaves: str, left: tuple[int, int], mode: str) -> None:
    body = f"""\
tasks:
- {{pid: 10, comm: a, mm: X, rss: {{anon: 500, file: 400, shmem: 40, swap: 9}}, reaper_leaves: {leaves}}}
- {{pid: 11, comm: b, mm: X}}
"""
    line = "oom_reaper: reaped process 11 (b), now anon-rss:0kB, file-rss:{}kB, shmem-rss:{}kB"
    assert run(body, mode, reaper=True)[-1] == line.format(*left)


def test_what_is_not_unmapped_is_not_counted() -> None:
    # A count of 0 beside a slot that a larger batch left: an update would fold it.
    body = "machine: {cpus: 2, ram: 9000, batch: 4}\ntasks: [{pid: 10, comm: a, rss: {shmem: {deltas: {0: 9}}}}]\n"
    assert run(body, reaper=True)[-1].endswith("anon-rss:0kB, file-rss:0kB, shmem-rss:0kB")
    assert run(body, "precise", reaper=True)[-1].endswith("shmem-rss:36kB")


def test_the_reaper_runs_on_the_lowest_cpu_that_is_online() -> None:
    body = """\
machine: {cpus: 4, online: 2-3, ram: 1000}
tasks: [{pid: 10, comm: a, rss: {anon: {count: 20, deltas: {2: -15, 3: 15}}}}]
"""
    assert "anon-rss:0kB" in run(body, reaper=True)[-1]
    assert "anon-rss:80kB" in run(body.replace("{2: -15, 3: 15}", "{3: -15, 2: 15}"), reaper=True)[-1]


def test_every_mm_killed_with_a_line_is_reaped_once_in_that_order_and_nothing_else_changes() -> None:
    body = """\
memcgs: {/g: {oom_group: true}}
tasks:
- {pid: 10, comm: a, rss: {anon: 40}, memcg: /g}
- {pid: 11, comm: b, rss: {anon: 60}, memcg: /g}
- {pid: 12, comm: c, rss: {anon: 50}, memcg: /g, mm: X}
- {pid: 13, comm: d, mm: X, memcg: /g}
- {pid: 14, comm: e, mm: X}
"""
    lines = run(body, reaper=True)
    assert [line.split(",")[0] for line in lines if line.startswith("oom_reaper")] == [
        f"oom_reaper: reaped process {process}" for process in ("11 (b)", "10 (a)", "12 (c)")
    ]
    assert lines[: len(run(body))] == run(body)
