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


def test_the_first_line_is_the_logs_own_where_the_allocating_row_is_lost(tmp_path: Path) -> None:
    path = logged(tmp_path, [line for line in LINES if "[    398]" not in line])
    assert run("select", path).out.split("\n")[0] == LINES[0].partition("] ")[2]
    current = json.loads(run("select", "--mode", "kernel", "--format", "json", path).out)["current"]
    assert current == {"pid": 398, "comm": "allocator", "oom_score_adj": -999}


def test_only_the_victims_cgroup_is_printed() -> None:
    path = LOGS / "03-memcg.log"
    tasks = json.loads(run("select", "--mode", "kernel", "--format", "json", path).out)["tasks"]
    assert {task["memcg"] for task in tasks if not task["killed"]} == {None}
    assert [task["memcg"] for task in tasks if task["killed"]] == ["/app/b/c"]


def test_rows_that_are_lost_may_change_the_choice(tmp_path: Path) -> None:
    path = logged(tmp_path, [line for line in LINES if "[    200]" not in line])
    remark = "Of the rows that are left 194 (chrome) is chosen; rows are lost, and with all of them it may be another."
    assert run("select", path).out.split("\n")[-2] == f"# {remark}"
    assert run("select", "--format", "table", "--all", path).out.replace("\n", " ").endswith(f" {remark} ")
    assert "saves" not in run("explain", path).out


def test_without_the_end_nobody_is_to_be_saved(tmp_path: Path) -> None:
    assert "saves" not in run("explain", logged(tmp_path, LINES[:72])).out


@pytest.mark.parametrize("word", ["Node 0 DMA free:", "Node 0 DMA32 free:", "pages RAM"])
def test_every_zone_is_said_where_all_have_their_line(tmp_path: Path, word: str) -> None:
    def zones(lines: list[str]) -> str:
        found = json.loads(run("select", "--mode", "kernel", "--format", "json", logged(tmp_path, lines)).out)
        return str(found["log"]["memory"]["why"]).partition(" is ")[0]

    short = [re.sub(r"(DMA free:)[0-9]+kB", r"\g<1>8kB", line) for line in LINES]
    assert zones(short) == "every zone"
    lost = [line for line in short if word not in line]
    table = json.loads(run("explain", "--format", "json", logged(tmp_path, lost)).out)
    assert table["verdict"]["memory"]["why"].startswith("every zone that is in the log is below its min")


def test_the_constraint_is_the_logs_whatever_the_run_had_to_assume(tmp_path: Path) -> None:
    lines = (LOGS / "10-cpuset.log").read_text().split("\n")
    path = logged(tmp_path, [line for line in lines if not re.search(r"\] \[ *[0-9]+\] ", line)])
    summary = next(line.partition("oom-kill:")[2] for line in lines if "oom-kill:" in line)
    assert f"oom-kill:{summary.partition(',mems_allowed')[0]}" in run("select", path).out
    found = json.loads(run("select", "--mode", "kernel", "--format", "json", path).out)
    assert found["constraint"] == "CONSTRAINT_CPUSET"


def test_a_constraint_that_is_lost_makes_the_total_a_guess(tmp_path: Path) -> None:
    path = logged(tmp_path, [line for line in LINES if "oom-kill:" not in line])
    found = json.loads(run("explain", "--format", "json", path).out)
    assert found["totalpages"]["is_guess"]
    assert "whether a cpuset or a memory policy confined the allocation" in found["totalpages"]["because"]


def explained(path: Path) -> Any:
    return json.loads(run("explain", "--format", "json", path).out)


def test_of_rows_that_are_lost_nobody_knows_the_share(tmp_path: Path) -> None:
    def share(lines: list[str]) -> str:
        found = explained(logged(tmp_path, lines))["diagnosis"]
        return next(str(finding["sentence"]) for finding in found if finding["kind"] == "one-process")

    torn = [line[:30] if "[    192]" in line else line for line in LINES]
    assert "% of all processes'" in share(LINES)
    assert "% of what the rows that are left show" in share(torn)


def test_without_anon_nobody_knows_what_is_in_no_counter(tmp_path: Path) -> None:
    lines = (LOGS / "03-memcg.log").read_text().split("\n")
    kinds = explained(logged(tmp_path, [line for line in lines if "] anon " not in line]))["usage"]["by_kind"]
    assert "unaccounted" not in {kind["kind"] for kind in kinds}


def test_how_far_counters_are_off_hangs_on_the_cpus(tmp_path: Path) -> None:
    path = logged(tmp_path, NO_HEAD)
    assert [explained(path)["counters"][key] for key in ("cpus", "per_cpu", "worst", "likely")] == [None] * 4
    told = json.loads(run("explain", "--format", "json", "--cpus", "8", path).out)
    assert told["counters"]["cpus"] == 8


def test_a_release_that_is_lost_leaves_the_advice_open(tmp_path: Path) -> None:
    rows = ["[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name"]
    rows += [
        f"[ {pid}]     0 {pid:5}    12345     {pages}      30        0             0 db"
        for pid, pages in ((398, 700), (399, 600))
    ]
    head = "db invoked oom-killer: gfp_mask=0x280da, order=0, oom_score_adj=0"
    current = "CPU: 0 PID: 398 Comm: db Not tainted 3.13.0 #1"
    memory = ["Mem-Info:", "Free swap  = 0kB", "Total swap = 0kB", "100000 pages RAM", "0 pages reserved"]
    end = [
        "Out of memory: Kill process 398 (db) score 7 or sacrifice child",
        "Killed process 398 (db) total-vm:49380kB",
    ]
    end[1] += ", anon-rss:2800kB, file-rss:0kB"
    advice = [explained(logged(tmp_path, [head, *lines, *memory, *rows, *end]))["rescues"] for lines in ([current], [])]
    assert [bool(found) for found in advice] == [True, False]
