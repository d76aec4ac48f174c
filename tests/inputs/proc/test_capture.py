"""What a scenario says of a small machine: cgroups, counters, proofs, what is a part only."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import oomsel
from oomsel.errors import InputError
from oomsel.inputs.proc.cgroups import Hierarchy
from oomsel.inputs.proc.scenario import capture
from oomsel.outputs.yaml import to_yaml
from oomsel.scenario.models import Scenario
from tests.inputs.proc.conftest import process

Make = Callable[..., Path]

V1 = "28 24 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
INSIDE = "28 24 0:26 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


def of(root: Path, **options: str) -> Scenario:
    return capture(str(root), **options)  # type: ignore[arg-type]


def said(root: Path, words: str) -> bool:
    scenario = of(root)
    assert set(scenario.notes) <= set((scenario.description or "").split("\n"))
    return any(words in note for note in scenario.notes)


def test_the_order_is_that_of_age_then_of_pids(tree: Make) -> None:
    root = tree(process(9, start=5), process(30, start=4), process(12, start=5))
    assert [task.pid for task in of(root).tasks] == [1, 30, 9, 12]


def test_a_cgroups_own_order(tree: Make) -> None:
    group = {
        "sys/fs/cgroup/a/memory.max": "max\n",
        "sys/fs/cgroup/a/cgroup.procs": "9\n30\n77\n",
        "sys/fs/cgroup/b/memory.max": "8192\n",
        "sys/fs/cgroup/b/cgroup.procs": "12\n",
    }
    a, b = "0::/a\n", "0::/b\n"
    root = tree(process(9, start=5, cgroup=a), process(30, start=4, cgroup=a), process(12, cgroup=b), group)
    memcgs = of(root).memcgs
    assert (memcgs["/a"].order, memcgs["/b"].order) == ((9, 30), None)  # 77 was not there to be read
    assert (memcgs["/a"].max, memcgs["/b"].max) == (None, 2)


def test_limits_of_v1(tree: Make) -> None:
    folder = "sys/fs/cgroup/memory/a"
    root = tree(
        process(9, cgroup="5:cpu:/\n4:memory:/a\n0::/\n"),
        {
            "proc/self/mountinfo": V1,
            f"{folder}/memory.limit_in_bytes": "40960\n",
            f"{folder}/memory.memsw.limit_in_bytes": "61440\n",
            f"{folder}/memory.swappiness": "0\n",
        },
    )
    limits = of(root).memcgs["/a"]
    assert (limits.max, limits.swap_max, limits.swappiness) == (10, 5, 0)
    for file in ("limit_in_bytes", "memsw.limit_in_bytes"):
        (root / folder / f"memory.{file}").write_text("9223372036854771712\n")
    (root / folder / "memory.swappiness").write_text("60\n")
    limits = of(root).memcgs["/a"]
    assert (limits.max, limits.swap_max, limits.swappiness) == (None, None, None)


def test_a_part_of_the_cgroups_is_mounted(tree: Make) -> None:
    files = {
        "proc/self/mountinfo": INSIDE,
        "sys/fs/cgroup/memory.max": "409600\n",
        "sys/fs/cgroup/sub/memory.max": "40960\n",
    }
    root = tree(process(9, cgroup="0::/docker/x/sub\n"), process(10, cgroup="0::/../other\n"), files)
    scenario = of(root)
    assert [task.memcg for task in scenario.tasks] == ["/", "/docker/x/sub", "/"]
    assert scenario.memcgs["/docker/x/sub"].max == 10
    assert said(root, "the cgroup that is seen as the root is limited to 100 pages")
    assert Hierarchy(2, "m", "/docker/x", "f").folder("/docker/xy") is None


@pytest.mark.parametrize("name", ["a\x1b[31mb", 'q"\\', "ünï", "x: {y}", "# no", "-"])
def test_hostile_names_of_cgroups(tree: Make, name: str) -> None:
    root = tree(process(9, cgroup=f"0::/{name}\n"), {f"sys/fs/cgroup/{name}/memory.max": "40960\n"})
    scenario = of(root)
    (path,) = scenario.memcgs
    assert scenario.tasks[1].memcg == path
    assert path.isprintable()
    again = oomsel.loads(to_yaml(scenario))
    assert (again.memcgs, again.tasks) == (scenario.memcgs, scenario.tasks)


def test_a_name_of_bytes_that_are_no_text(tree: Make) -> None:
    root = tree(process(9))
    (root / "proc/9/cgroup").write_bytes(b"0::/\xff\n")
    folder = bytes(root / "sys/fs/cgroup") + b"/\xff"
    os.makedirs(folder)
    with open(folder + b"/memory.max", "w") as file:
        file.write("40960\n")
    assert list(of(root).memcgs) == ["/\\xff"]


@pytest.mark.parametrize(
    ("status_kb", "stat", "counts", "deltas"),
    [
        ((4000, 400), 1100, (1000, 100), ({}, {})),
        ((4000, 400), 1090, (990, 100), ({0: 10}, {})),
        ((4000, 400), 1140, (1040, 100), ({0: -31, 1: -9}, {})),
        ((4000, 400), 950, (876, 74), ({0: 31, 1: 31, 2: 31, 3: 31}, {0: 26})),  # more than four CPUs hold of one
        ((40, 20), 0, (0, 0), ({0: 10}, {0: 5})),  # no count below 0
    ],
)
def test_the_difference_goes_into_deltas(
    tree: Make,
    status_kb: tuple[int, int],
    stat: int,
    counts: tuple[int, int],
    deltas: tuple[dict[int, int], dict[int, int]],
) -> None:
    anon, file = status_kb
    rss = of(tree(process(9, anon=anon, file=file, rss=stat))).tasks[1].rss
    assert rss is not None
    for counter, count, held in zip((rss.anon, rss.file), counts, deltas, strict=True):
        assert (count, held) == (0, {}) if counter is None else (counter.count, dict(counter.deltas)) == (count, held)
    assert sum(counts) == stat


def test_before_6_2_a_counter_is_one_number(tree: Make) -> None:
    root = tree(process(9, anon=400, rss=90), {"proc/sys/kernel/osrelease": "6.1.1\n"})
    scenario = of(root)
    assert scenario.tasks[1].rss is not None
    assert scenario.tasks[1].rss.anon is not None
    assert scenario.tasks[1].rss.anon.count == 100
    assert "deltas" not in to_yaml(scenario)


def test_the_reading_that_the_scores_follow(tree: Make) -> None:
    # 1,000,000 pages: badness of 2000 (precise) is 2 thousandths, of 1000 one.
    for score, sentence in ((667, "this kernel reads approximately"), (668, "this kernel reads precisely")):
        root = tree(process(9, score=score, anon=8000, rss=1400))
        assert said(root, f"oom_score predicted for 1 of 1; {sentence}")
    assert said(tree(process(9, score=700)), "oom_score predicted for 0 of 1; whether this kernel reads")


def test_a_total_that_is_not_the_machines(tree: Make) -> None:
    """As lxcfs has it: MemTotal says 4 GB, the oom_scores are of a machine with 40."""
    own, lent = 1_000_000, 10_000_000
    pages = 200_000
    score = {total: (1000 + (pages + 10) * 1000 // total) * 2 // 3 for total in (own, lent)}
    big = {"anon": pages * 4}
    assert said(tree(process(9, **big, score=score[own])), "MemTotal is the machine's own")  # type: ignore[arg-type]
    lied = tree(process(9, **big, score=score[lent]))  # type: ignore[arg-type]
    assert said(lied, "MemTotal is not the machine's own: by the oom_scores it has at least 9")
    small = tree(process(9, anon=4))
    assert said(small, "no process is large enough to tell whether MemTotal is the machine's own")


def test_a_container(tree: Make) -> None:
    root = tree(process(1, "tini", score=666), process(9))
    scenario = of(root)
    assert scenario.machine.init == "none"
    assert said(root, "only a part of the machine is seen: the pids are those of a container")
    assert oomsel.select(scenario).victim is not None
    assert {int(pid) for pid in oomsel.select(scenario).system.tasks.pid} == {1, 9}


def test_hidepid(tree: Make) -> None:
    root = tree(process(9), {"proc/self/mountinfo": "23 1 0:22 / /proc rw - proc proc rw,hidepid=invisible\n"})
    assert said(root, "/proc is mounted with hidepid=invisible: other people's processes may be missing")


def test_who_is_not_eligible(tree: Make) -> None:
    root = tree(process(9, "never", adj=-1000, score=0), process(10, "skipped", score=0), process(11))
    tasks = {task.pid: task for task in of(root).tasks}
    assert (tasks[9].flags, tasks[10].flags, tasks[11].flags) == ((), ("oom_skip",), ())
    assert said(root, "not eligible, the global init: 1 (init)")
    assert said(root, "not eligible, oom_score_adj -1000: 9 (never)")
    assert said(root, "not eligible, with an oom_score of 0 for no reason that /proc shows")


def test_a_dying_one_does_not_allocate(tree: Make) -> None:
    root = tree(process(9, pending=1 << 8), process(10, flags=4), process(11))
    scenario = of(root)
    assert [task.flags for task in scenario.tasks] == [(), ("exiting",), ("exiting",), ()]
    assert scenario.oom.current == 11


def test_kcmp_says_who_shares(tree: Make) -> None:
    root = tree(process(9), process(10), process(11))
    (root / "kcmp").write_text("11 99\n9 10 98\n")
    scenario = of(root, kcmp=str(root / "kcmp"))
    assert [task.mm for task in scenario.tasks] == [None, "mm9", "mm9", None]
    assert scenario.tasks[2].rss is None
    (root / "kcmp").write_text("nine\n")
    with pytest.raises(InputError, match="not only pids; use an mm a line"):
        of(root, kcmp=str(root / "kcmp"))


def test_overrides(tree: Make) -> None:
    scenario = capture(str(tree(process(9))), overrides=("tasks[9].oom_score_adj=7",), kernel="7.0")
    assert (scenario.tasks[1].oom_score_adj, scenario.kernel) == (7, "7.0")
    with pytest.raises(InputError, match=r"^--set tasks\[9\]\.oom_score_adj=x"):
        capture(str(tree(process(9))), overrides=("tasks[9].oom_score_adj=x",))


def test_load_takes_a_directory_called_proc(tree: Make) -> None:
    root = tree(process(9))
    assert [task.pid for task in oomsel.load(root / "proc").tasks] == [1, 9]
