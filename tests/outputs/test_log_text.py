"""What a run of a logged report prints of what the log does not hold: nothing that looks known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.real_logs import LOGS
from tests.running import run

LINES = (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76]
NO_TABLE = [line for line in LINES if not re.search(r"\[ *([0-9]+|pid) *\] ", line)]
WITH_SWAP = [line.replace("Total swap = 0kB", "Total swap = 9000kB") for line in NO_TABLE]
NO_HEAD = LINES[next(number for number, line in enumerate(LINES) if "Mem-Info:" in line) :]


def logged(tmp_path: Path, lines: list[str]) -> Path:
    path = tmp_path / "some.log"
    path.write_text("\n".join(lines))
    return path


def task(path: Path) -> dict[str, Any]:
    (found,) = json.loads(run("select", "--mode", "kernel", "--format", "json", path).out)["tasks"]
    return dict(found)


def test_no_line_says_the_swap_of_a_victim_without_a_row(tmp_path: Path) -> None:
    found = task(logged(tmp_path, WITH_SWAP))
    assert (found["badness"], found["precise_badness"], found["oom_score"]) == (None, None, None)
    assert found["counters"] == {"rss": 675, "anon": 512, "file": 163, "shmem": 0, "swap": None}
    table = run("select", "--format", "table", tmp_path / "some.log").out
    assert "victim 200 batch 1000         -       -\n" in table


def test_where_there_is_no_swap_nobody_has_any(tmp_path: Path) -> None:
    found = task(logged(tmp_path, NO_TABLE))
    assert (found["badness"], found["counters"]["swap"]) == (118686, 0)


def test_the_oldest_kill_line_has_a_pid_and_a_name(tmp_path: Path) -> None:
    lines = ["db invoked oom-killer: gfp_mask=0x280da, order=0, oom_adj=0", "Killed process 398 (db)"]
    found = task(logged(tmp_path, lines))
    unknown = {key for key, value in found.items() if value is None}
    assert {"uid", "oom_score_adj", "total_vm", "pgtables_bytes", "badness"} <= unknown
    assert set(found["counters"].values()) == {None}


def test_a_log_does_not_show_whether_the_modes_agree(tmp_path: Path) -> None:
    path = logged(tmp_path, LINES)
    found = json.loads(run("select", "--mode", "both", "--format", "json", path).out)
    assert (found["agree"], found["cost_pages"]) == (None, None)
    assert "Both modes agree" not in run("select", "--mode", "both", "--format", "table", path).out
    stated = json.loads(
        run("select", "--mode", "both", "--format", "json", "--set", "tasks[200].rss.anon.deltas={0: 31}", path).out
    )
    assert stated["agree"] is True


@pytest.mark.parametrize("lines", [NO_TABLE, NO_HEAD], ids=["no table", "no head"])
def test_who_only_stands_for_the_allocating_task_is_not_listed(tmp_path: Path, lines: list[str]) -> None:
    table = run("select", "--format", "table", "--all", logged(tmp_path, lines)).out
    assert "vfork" not in table
    assert "?" not in table


def test_a_pid_that_stands_for_another_is_one_that_no_kernel_gives(tmp_path: Path) -> None:
    memcg = (LOGS / "03-memcg.log").read_text().split("\n")
    begin = next(number for number, line in enumerate(memcg) if "memory: usage" in line)
    made = run("convert", logged(tmp_path, memcg[begin:])).out
    assert "current: 4194304  # stands for the allocating task" in made
