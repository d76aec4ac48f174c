"""Trees copied from real kernels: what they hold, and whom those kernels killed right after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import oomsel
from oomsel.inputs.proc.reading import read_proc
from oomsel.inputs.proc.scenario import capture
from oomsel.inputs.proc.tree import Tree
from oomsel.scenario.models import Scenario, Task

GUESTS = ("5.10.223", "5.10.223-v1", "6.1.176", "6.12.117", "6.19.14", "7.3.4")
#: Whom the four reports after the copy killed: sysrq f twice, an OOM in /app, and one of the whole machine.
KILLED: dict[str, list[set[int]]] = {
    "5.10.223": [{175}, {148}, {455, 469}, {238}],
    "5.10.223-v1": [{173}, {154}, {414}, {221}],
    "6.1.176": [{187}, {158}, {492, 513}, {264}],
    "6.12.117": [{219}, {249}, {598, 619}, {336}],
    "6.19.14": [{204}, {229}, {505, 524}, {303}],
    "7.3.4": [{203}, {175}, {482, 498}, {264}],
}
ALLOCATIONS = (
    ("oom.order=-1",),
    ("oom.order=-1",),
    ("oom.memcg=/app", "oom.current=1"),
    (),
)

Guest = Callable[[str], Path]


def captured(guest: Guest, name: str, **options: Any) -> Scenario:
    root = guest(name)
    return capture(str(root), kcmp=str(root / "kcmp.txt"), mempolicies=True, **options)


def by_comm(scenario: Scenario) -> dict[bytes, Task]:
    """The tasks by name; of equal names the last one."""
    return {task.comm: task for task in scenario.tasks}


@pytest.mark.parametrize("name", GUESTS)
def test_the_victims_of_the_next_reports(guest: Guest, name: str) -> None:
    dead: list[str] = []
    for allocation, killed in zip(ALLOCATIONS, KILLED[name], strict=True):
        report = oomsel.select(captured(guest, name, overrides=(*allocation, *dead)), mode="kernel")
        assert {int(report.system.tasks.pid[task]) for task in report.killed} == killed
        dead += [f"tasks[{pid}].oom_score_adj=-1000" for pid in killed]


@pytest.mark.parametrize("name", GUESTS)
def test_every_oom_score_is_predicted(guest: Guest, name: str) -> None:
    proof = read_proc(Tree(str(guest(name))), kcmp=str(guest(name) / "kcmp.txt")).proof
    assert (proof.predicted, proof.compared) == (46, 46)
    assert proof.total_is_own is True
    assert {why: len(indices) for why, indices in proof.not_eligible.items()} == {
        "init": 1,
        "vfork": 1,
        "oom_score_adj -1000": 3,
    }
    # Until 6.1 there is one number to read, so nothing tells.
    assert proof.mode == {"6.12.117": "approximate", "6.19.14": "approximate", "7.3.4": "precise"}.get(name)


@pytest.mark.parametrize("name", GUESTS)
def test_odd_processes(guest: Guest, name: str) -> None:
    scenario = captured(guest, name)
    tasks = by_comm(scenario)
    assert tasks[b"deadleader"].thread is not None
    assert tasks[b"deadleader"].thread.comm == b"livethread"
    assert tasks[b"sharer-a"].mm == tasks[b"sharer-b"].mm is not None
    assert tasks[b"vforker"].mm == tasks[b"vfchild"].mm is not None
    assert (tasks[b"vforker"].flags, tasks[b"vfchild"].flags) == ((), ("vfork",))
    assert tasks[b"zgone"].flags == ("zombie",)
    assert tasks[b"dumping"].flags == ("coredump",)
    assert tasks[b"bound1"].mempolicy == (1,)
    assert tasks[b"in-cs1"].cpuset is not None
    assert (tasks[b"in-cs1"].cpuset.name, tasks[b"in-cs1"].cpuset.mems_allowed) == ("cs1", (1,))
    assert tasks[b"forker"].mm is None
    assert tasks[b"kworker/u16:9"].flags == ()
    assert {b"hog) S 1 (x", b"new\nline", b"caf\xc3\xa9\xff\x1b[31m", b" lead  tail ", b""} <= set(tasks)
    assert {task.pid for task in scenario.tasks} >= {1}
    assert b"kthreadd" not in tasks


@pytest.mark.parametrize("name", GUESTS)
def test_memory_cgroups(guest: Guest, name: str) -> None:
    scenario = captured(guest, name)
    tasks = by_comm(scenario)
    assert tasks[b"indeleted"].memcg == "/gone (deleted)"  # it is there
    assert tasks[b"zgone"].memcg == "/"  # the directory of /del (deleted) is not
    assert tasks[b"odd-cg"].memcg == "/a b:c,ünï\\x (1)"
    is_v1 = name.endswith("v1")
    assert tasks[b"nomem"].memcg == ("/nomem/x" if is_v1 else "/nomem")
    assert scenario.memcgs["/app"].max == 18432
    assert scenario.memcgs["/app"].swap_max == 2048
    assert scenario.memcgs["/app/a"].oom_group is not is_v1
    assert scenario.memcgs["/app/a"].swappiness == (100 if is_v1 else None)


@pytest.mark.parametrize("name", GUESTS)
def test_both_totals_are_the_kernels(guest: Guest, name: str) -> None:
    root = guest(name)
    reading = read_proc(Tree(str(root)), kcmp=str(root / "kcmp.txt"))
    reports = {mode: oomsel.select(captured(guest, name), mode=mode) for mode in ("approximate", "precise")}
    for row, process in enumerate(reading.processes):
        if not process.has_mm:
            continue
        mm = reports["precise"].system.tasks.mm[row]
        rss = {mode: int(report.counters[mm, :].sum() - report.counters[mm, 2]) for mode, report in reports.items()}
        precise = (process.anon + process.file + process.shmem) // 4
        assert rss == {"approximate": process.stat.rss, "precise": precise}


def test_without_kcmp_a_vfork_child_is_still_told(guest: Guest) -> None:
    scenario = capture(str(guest("6.12.117")))
    tasks = by_comm(scenario)
    assert tasks[b"vfchild"].flags == ("vfork",)
    assert tasks[b"vfchild"].mm == tasks[b"vforker"].mm is not None
    assert tasks[b"sharer-b"].mm is None
    assert any("could not be asked" in note for note in scenario.notes)


def test_the_nodes(guest: Guest) -> None:
    machine = captured(guest, "7.3.4").machine
    assert machine.nodes is not None
    assert [(node, each.cpus) for node, each in machine.nodes.items()] == [(0, (0, 1, 2, 3)), (1, (4, 5, 6, 7))]
    assert sum(node.ram for node in machine.nodes.values()) > (machine.ram or 0)  # present pages, not managed ones
