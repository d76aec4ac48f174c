"""Reports of real kernels, from the counters read out of their memory at that moment."""

from __future__ import annotations

from pathlib import Path

import pytest

import oomsel
from oomsel.outputs.scenario_text import json_pieces
from tests.support import DATA

#: Case and event -> whom the global counts choose, and whom precise sums choose, by pid; None for nobody.
CHOSEN = {
    "01-global-8cpu/": (200, 200),
    "02-contest-16cpu/": (247, 248),
    "03-memcg/": (197, 197),
    "04-memcg-group-leaf/": (196, 196),
    "05-sysrq-f/-0": (194, 194),
    "06-kill-allocating/-0": (282, 282),  # not selected by points at all
    "07-swap/": (193, 193),
    "08-odd-comms/-0": (195, 195),
    "08-odd-comms/-1": (196, 196),
    "08-odd-comms/-2": (197, 197),
    "08-odd-comms/-3": (198, 198),
    "08-odd-comms/-4": (199, 199),
    "09-leader-vfork-clonevm/-0": (192, 192),
    "09-leader-vfork-clonevm/-1": (223, 223),
    "09-leader-vfork-clonevm/-2": (194, 194),
    "10-cpuset/": (206, 206),
    "11-panic-on-oom/": (None, None),
    "11b-no-killable/": (None, None),
    "16-hotplug/": (191, 192),
    "17-tie/": (193, 193),
    "19-no-dump-tasks/": (191, 191),
    "20b-natural-peers/": (922, 686),
    "21-wide-columns/": (4194001, 4194001),
    "22-oom-reaper/": (193, 193),
    "25-one-cpu/": (136, 137),
    "28-moving-victim/": (191, 191),
    "30-replay-memcg/-updates": (191, 194),
    "30-replay-memcg/": (191, 194),
    "510-01-global/": (131, 131),
    "510-12e-memcg-v1/": (127, 127),
    "510-thread-contest/": (122, 122),
    "612-04-memcg-group-leaf/": (190, 190),
    "612-62-memcg-hidden-victim/": (214, 214),
    "73-01-global-8cpu/-0": (162, 162),
    "73-01-global-8cpu/-1": (156, 156),
    "73-02-contest-16cpu/": (209, 210),
    "73-03-memcg/": (154, 154),
    "73-04-memcg-group-leaf/": (154, 154),
    "73-04c-group-slow-victim/": (161, 161),
    "73-05-sysrq-f/-0": (154, 154),
    "73-05-sysrq-f/-1": (153, 153),
    "73-06-kill-allocating/": (375, 375),
    "73-07-swap/": (158, 158),
    "73-08-odd-comms/-0": (152, 152),
    "73-08-odd-comms/-1": (153, 153),
    "73-08-odd-comms/-2": (154, 154),
    "73-08-odd-comms/-3": (155, 155),
    "73-08-odd-comms/-4": (156, 156),
    "73-09-leader-vfork-clonevm/-0": (152, 152),
    "73-09-leader-vfork-clonevm/-1": (196, 196),
    "73-09-leader-vfork-clonevm/-2": (154, 154),
    "73-10-cpuset/-0": (166, 166),
    "73-10-cpuset/-1": (165, 165),
    "73-10b-mempolicy/-0": (162, 162),
    "73-10b-mempolicy/-1": (161, 161),
    "73-10b-mempolicy/-2": (163, 163),
    "73-11b-no-killable/": (None, None),
    "73-13-contest-32cpu/": (330, 481),
    "73-14-consecutive/-1": (150, 150),
    "73-14-consecutive/-2": (152, 152),
    "73-16-hotplug/": (154, 155),
    "73-17-tie/-0": (153, 150),
    "73-17-tie/-1": (153, 152),
    "73-19-no-dump-tasks/": (150, 150),
    "73-21-wide-columns/-0": (4194001, 4194001),
    "73-21-wide-columns/-1": (4194004, 4194004),
    "73-22b-oom-reaper-twice/-0": (155, 155),
    "73-22b-oom-reaper-twice/-1": (156, 156),
    "73-26-prefork/-0": (152, 152),
    "73-26-prefork/-2": (214, 214),
    "73-26-prefork/-3": (212, 212),
    "73-27-thp/-0": (157, 157),
    "73-27-thp/-1": (159, 159),
    "73-40-pinned-by-init/-0": (234, 234),
    "73-41-swapoff-origin/": (694, 694),
    "73-42-max-lowered/-0": (152, 152),
    "73-42-max-lowered/-1": (155, 154),
    "73-42-max-lowered/-2": (155, 155),
    "73-42c-max-lowered/-0": (154, 154),
    "73-42c-max-lowered/-1": (157, 156),
    "73-46-hugetlb/-0": (155, 155),
    "73-46-hugetlb/-1": (154, 154),
    "73-47-threads/": (151, 151),
    "73-49-memcg-kinds/-0": (153, 153),
    "73-49-memcg-kinds/-1": (219, 219),
    "73-49-memcg-kinds/-2": (165, 165),
    "73-49-memcg-kinds/-3": (222, 222),
    "73-61-group-odd/": (154, 154),
    "73-61b-group-global/": (152, 152),
    "73-62-memcg-hidden-victim/-0": (170, 170),
    "73-62-memcg-hidden-victim/-1": (155, 155),
}
#: What a scenario cannot say, so that what it prints differs from what the kernel printed: the lines that do.
NOT_SAID = {
    # SIGKILL is sent before the kill line is printed, and the dying task folds what it held back: 4 pages.
    "510-thread-contest/": ["Out of memory: Killed process 122 (plain) "],
    # Cgroup v1 without use_hierarchy: /app/sub is no part of /app's OOM.
    "510-12e-memcg-v1/": ["[    127] ", "oom-kill:", "Memory cgroup out of memory: "],
}
#: Case and event -> what the oom_reaper printed two seconds later, of the one victim that could not exit.
REAPED = {
    "22-oom-reaper/": "193 (victim), now anon-rss:0kB, file-rss:0kB, shmem-rss:10240kB",
    "73-22b-oom-reaper-twice/-0": "155 (victim), now anon-rss:0kB, file-rss:5020kB, shmem-rss:10240kB",
    "73-04c-group-slow-victim/": "161 (victim), now anon-rss:0kB, file-rss:0kB, shmem-rss:2048kB",
}
EVENTS = [pytest.param(*key.split("/"), *pids, id=key) for key, pids in CHOSEN.items()]


def read(case: str, kind: str, event: str) -> Path:
    return DATA / "real" / case / f"{kind}{event}.{'yaml' if kind == 'scenario' else 'log'}"


def chosen_pid(report: oomsel.OomReport) -> int | None:
    return None if report.chosen is None else int(report.system.tasks.pid[report.chosen])


def test_every_case_is_tried() -> None:
    found = {f"{path.parent.name}/{path.stem.removeprefix('scenario')}" for path in DATA.glob("real/*/scenario*")}
    assert found == set(CHOSEN)


@pytest.mark.parametrize(("case", "event", "approximate", "precise"), EVENTS)
def test_the_report_is_the_kernels_to_the_byte(
    case: str, event: str, approximate: int | None, precise: int | None
) -> None:
    scenario = oomsel.load(read(case, "scenario", event))
    lines = oomsel.kernel_lines(oomsel.select(scenario, mode="kernel"))
    expected = read(case, "expected", event).read_text(encoding="utf-8").split("\n")[:-1]
    differing = {line for line in (*lines, *expected) if (line in lines) != (line in expected)}
    said = NOT_SAID.get(f"{case}/{event}", [])
    assert {line for line in differing if not line.startswith(tuple(said))} == set()
    assert bool(said) is bool(differing)
    assert said or lines == expected
    for mode, pid in (("approximate", approximate), ("precise", precise)):
        assert chosen_pid(oomsel.select(scenario, mode=mode)) == pid


@pytest.mark.parametrize("key", CHOSEN)
def test_written_again_it_says_the_same(key: str) -> None:
    case, event = key.split("/")
    scenario = oomsel.load(read(case, "scenario", event))
    assert oomsel.loads("".join(json_pieces(scenario))) == scenario


@pytest.mark.parametrize(("key", "reaped"), REAPED.items())
def test_what_the_reaper_leaves(key: str, reaped: str) -> None:
    case, event = key.split("/")
    report = oomsel.select(oomsel.load(read(case, "scenario", event)), mode="kernel")
    lines, with_reaper = oomsel.kernel_lines(report), oomsel.kernel_lines(report, reaper=True)
    assert with_reaper[: len(lines) + 1] == [*lines, f"oom_reaper: reaped process {reaped}"]


def test_the_updates_lead_to_the_state_that_was_read() -> None:
    # Every counter update of two processes from birth to kill: 4474 of them.
    replayed, read_state = (
        oomsel.boot(oomsel.load(read("30-replay-memcg", "scenario", event))).system for event in ("-updates", "")
    )
    pids = [int(pid) for pid in read_state.tasks.pid if pid in (191, 194)]
    assert pids
    for pid in pids:
        ours, theirs = (
            system.rss.of([int(system.tasks.mm[system.tasks.pid.tolist().index(pid)])])
            for system in (replayed, read_state)
        )
        assert ours.count.tolist() == theirs.count.tolist()
        assert ours.percpu.tolist() == theirs.percpu.tolist()
