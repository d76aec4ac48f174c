"""Reports of real kernels, from the counters read out of their memory at that moment."""

from __future__ import annotations

from pathlib import Path

import pytest

import oomsel
from tests.support import DATA

#: Case and event -> whom the kernel chose, and whom precise sums choose, by pid; None for nobody.
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
    "30-replay-memcg/": (191, 194),
    "30-replay-memcg/-updates": (191, 194),
}
EVENTS = [pytest.param(*key.split("/"), *pids, id=key) for key, pids in CHOSEN.items()]


def read(case: str, kind: str, event: str) -> Path:
    return DATA / "real" / case / f"{kind}{event}.{'yaml' if kind == 'scenario' else 'log'}"


def chosen_pid(report: oomsel.OomReport) -> int | None:
    return None if report.chosen is None else int(report.system.tasks.pid[report.chosen])


def test_every_case_is_tried() -> None:
    found = {f"{path.parent.name}/{path.stem.removeprefix('scenario')}" for path in DATA.glob("real/*/scenario*")}
    assert found == set(CHOSEN)


@pytest.mark.parametrize(("case", "event", "kernels", "precise"), EVENTS)
def test_the_report_is_the_kernels_to_the_byte(case: str, event: str, kernels: int | None, precise: int | None) -> None:
    scenario = oomsel.load(read(case, "scenario", event))
    approximate = oomsel.select(scenario, mode="approximate")
    expected = read(case, "expected", event).read_text(encoding="utf-8")
    assert "".join(f"{line}\n" for line in oomsel.kernel_lines(approximate)) == expected
    assert chosen_pid(approximate) == kernels
    assert chosen_pid(oomsel.select(scenario, mode="precise")) == precise


@pytest.mark.parametrize(("case", "event", "kernels", "precise"), EVENTS)
def test_these_kernels_read_approximately(case: str, event: str, kernels: int | None, precise: int | None) -> None:
    scenario = oomsel.load(read(case, "scenario", event))
    expected = read(case, "expected", event).read_text(encoding="utf-8").splitlines()
    assert oomsel.kernel_lines(oomsel.select(scenario, mode="kernel")) == expected


def test_the_victim_that_cannot_exit_is_reaped() -> None:
    # As the console had it two seconds later: its file mappings were private ones.
    report = oomsel.select(oomsel.load(read("22-oom-reaper", "scenario", "")), mode="approximate")
    assert oomsel.kernel_lines(report, reaper=True) == [
        *oomsel.kernel_lines(report),
        "oom_reaper: reaped process 193 (victim), now anon-rss:0kB, file-rss:0kB, shmem-rss:10240kB",
    ]


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
