"""explain: what would save the victim is the border, and the sentences say what the data says."""

from __future__ import annotations

import pytest

from oomsel.booting import boot, kernel_mode, select
from oomsel.inputs.load import loads
from oomsel.outputs.explain import Explanation, explain
from oomsel.outputs.explain_text import explanation_lines

HEAD = "oomsel: 1\nkernel: '6.12'\nmachine: {cpus: 4, ram: 1000000}\n"


def explanation(text: str, overrides: tuple[str, ...] = ()) -> Explanation:
    booted = boot(loads(HEAD + text, overrides=overrides))
    return explain(select(booted, "approximate"), select(booted, "precise"), kernel_mode(booted))


TWO = "tasks:\n  - {pid: 10, comm: a, rss: {anon: 9000}}\n  - {pid: 11, comm: b, rss: {anon: 20000}}\n"


GROUP = """
memcgs: {/g: {max: 1000, oom_group: true}}
oom: {memcg: /g}
tasks: [{pid: 10, comm: a, memcg: /g, rss: {anon: 500}}, {pid: 11, comm: b, memcg: /g, rss: {anon: 900}}]
"""


def test_rescue_is_the_smallest_change() -> None:
    (rescue,) = explanation(TWO).rescues
    # 11000 pages ahead, 1000 a point of adj: at -11 they are equal, and the last one, b, still dies.
    assert (rescue.victim, rescue.adj, str(rescue.instead.victim)) == (1, -12, "10 (a)")
    for adj, victim in ((-11, "11 (b)"), (-12, "10 (a)")):
        booted = boot(loads(HEAD + TWO, overrides=[f"tasks[b].oom_score_adj={adj}"]))
        assert str(select(booted).victim) == victim


@pytest.mark.parametrize(
    ("text", "adj"),
    [
        # Equal points are enough where the other one comes later in the scan.
        ("tasks:\n  - {pid: 11, comm: b, rss: {anon: 20000}}\n  - {pid: 10, comm: a, rss: {anon: 9000}}\n", -11),
        # Below 1000 pages of totalpages adj counts nothing, but for -1000.
        (f"oom: {{totalpages: 999}}\n{TWO}", -1000),
        # The allocating task is killed whatever its badness, but not at -1000.
        (f"sysctl: {{oom_kill_allocating_task: 1}}\n{TWO}", -1000),
        # swapoff's mark beats even -1000.
        ("tasks: [{pid: 10, comm: a, flags: [oom_origin]}, {pid: 11, comm: b}]", None),
        # Whoever shares its mm takes it along.
        ("tasks: [{pid: 10, comm: a, mm: A, rss: {anon: 5000}}, {pid: 11, comm: b, mm: A}]", None),
        # A group takes every member along but those at -1000.
        (
            GROUP,
            -1000,
        ),
    ],
)
def test_rescue_where_points_are_not_all(text: str, adj: int | None) -> None:
    assert explanation(text).rescues[0].adj == adj


def test_both_victims_are_rescued() -> None:
    text = (
        "tasks:\n  - {pid: 10, comm: a, rss: {anon: {count: 1000, deltas: {0-3: -30}}}}\n"
        "  - {pid: 11, comm: b, rss: {anon: 950}}\n"
    )
    found = explanation(text)
    assert [rescue.instead.mode for rescue in found.rescues] == ["approximate", "precise"]
    assert found.possible_victims == [0, 1]
    assert found.deltas_known


def lines(text: str, *, show_all: bool = False) -> str:
    return "\n".join(explanation_lines(explanation(text), show_all=show_all))


def test_arithmetic_is_spelled_out() -> None:
    text = (
        "tasks:\n  - {pid: 10, comm: a, oom_score_adj: -3, pgtables_bytes: 40960,"
        " rss: {anon: 7000, file: 200, shmem: 30, swap: 4}}\n"
    )
    said = lines(text)
    assert "10 (a) has the highest badness, 4244 points:" in said
    table = [line.split() for line in said.split("\n") if line.startswith("  ") and "MiB" in line]
    assert [row[1 if row[0] in "+=" else 0] for row in table] == ["7230", "4", "10", "-3000", "4244"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("oom: {order: 0}\nmemcgs: {/g: {max: 1000}}\ntasks: [{pid: 10, comm: a}, {pid: 2, comm: k, flags: [kthread]}]",
         "Is a kernel thread: 2 (k); oom_score 0."),
        ("memcgs: {/g: {max: 1000}}\noom: {memcg: /g}\ntasks: [{pid: 10, comm: a}, {pid: 11, comm: b, memcg: /g}]",
         "Is outside the memory cgroup: 10 (a) oom_score 666."),
        ("tasks: [{pid: 10, comm: a}, {pid: 11, comm: b, oom_score_adj: -1000}]",
         "Has oom_score_adj -1000: 11 (b); oom_score 0."),
        ("tasks: [{pid: 10, comm: a}, {pid: 11, comm: b, flags: [vfork]}]",
         "Is in the middle of vfork: 11 (b); oom_score 0."),
        ("tasks: [{pid: 10, comm: a}, {pid: 11, comm: b, flags: [oom_skip]}]",
         "Has MMF_OOM_SKIP set: 11 (b); oom_score 0."),
        ("tasks: [{pid: 10, comm: a}, {pid: 11, comm: b, flags: [zombie]}]",
         "Has no memory left: 11 (b); oom_score 0."),
        ("tasks: [{pid: 10, comm: a}, {pid: 11, comm: b, flags: [oom_victim, oom_skip]}]",
         "Was killed before and has nothing left to free (MMF_OOM_SKIP): 11 (b); oom_score 0."),
        ("tasks: [{pid: 10, comm: a}, {pid: 11, comm: b, flags: [oom_victim]}]",
         "It prints nothing: an earlier victim is still exiting, so the scan is abandoned."),
        ("tasks: [{pid: 10, comm: a, flags: [oom_origin]}, {pid: 11, comm: b}]",
         "10 (a) is marked to be killed first (oom_task_origin, as swapoff and KSM do): its badness is not asked."),
        ("tasks: [{pid: 10, comm: a}, {pid: 11, comm: b}]",
         "2 tasks have as many: of equals the last one in the scan is chosen."),
        ("sysctl: {panic_on_oom: 2}\ntasks: [{pid: 10, comm: a}]",
         "vm.panic_on_oom is 2: the machine panics before anybody is chosen."),
        ("sysctl: {oom_kill_allocating_task: 1}\ntasks: [{pid: 10, comm: a}, {pid: 11, comm: b}]",
         "vm.oom_kill_allocating_task is set: 10 (a) is killed for allocating, whatever its badness."),
        ("tasks: [{pid: 10, comm: a, rss: {anon: 90000}}, {pid: 11, comm: b}]",
         "Whatever the CPUs hold, the right choice is 10 (a)."),
    ],
)  # fmt: skip
def test_sentences(text: str, sentence: str) -> None:
    assert sentence in lines(text).split("\n")


def test_all_candidates_are_shown_when_asked_for() -> None:
    many = "tasks:\n" + "".join(f"  - {{pid: {10 + n}, comm: t{n}, rss: {{anon: {100 * n}}}}}\n" for n in range(9))
    assert "  and 4 more (--all shows all)" in lines(many)
    assert "more (--all" not in lines(many, show_all=True)
    assert "  t0 " in lines(many, show_all=True)


def test_names_cannot_drive_a_terminal() -> None:
    said = lines('tasks: [{pid: 10, comm: "\\e[31m\\n"}, {pid: 11, comm: "\\r", oom_score_adj: -1000}]')
    assert "\x1b" not in said
    assert "10 (\\x1b[31m\\x0a)" in said
