"""What explain and select say of logs as people have them: nothing made up, and what is missing named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import oomsel
from oomsel.inputs.log.options import LogOptions
from oomsel.outputs.log_verdict import Reason
from tests.outputs.test_log_verdict import MEMCG, SWAP, text_of, verdict
from tests.real_logs import LOGS
from tests.running import run as ran
from tests.support import DATA

CUT = DATA / "logs"


def run(*args: str) -> str:
    result = ran(*args)
    assert result.status == 0, result.err
    return result.out


def explained(name: str) -> str:
    return explained_path(CUT / f"{name}.log")


def explained_path(path: Path) -> str:
    """All that explain says, as one line."""
    return " ".join(run("explain", "--full", str(path)).split())


def test_a_cgroup_is_known_by_its_lines_and_a_guess_is_called_one() -> None:
    said = explained("r01_v1_memcg_head_lost")
    assert "The cgroup /kubepods/burstable/podAAAA reached its limit of 204800 kB." in said
    assert "the log begins inside this report, at its cgroup's name" in said
    assert "badness is set against 51200 pages, which is a guess" in said
    assert "If totalpages is 51200 pages, which is a guess: an oom_score_adj of -964 instead of 900 saves" in said
    first, *_, summary, _ = run("select", "--mode", "kernel", str(CUT / "r01_v1_memcg_head_lost.log")).splitlines()
    assert first == "? invoked oom-killer: gfp_mask=?, order=?, oom_score_adj=?"
    assert "oom_memcg=/kubepods/burstable/podAAAA,task_memcg=/kubepods/burstable/podAAAA/cccc,task=eater" in summary


def test_the_total_of_what_is_left_of_mem_info() -> None:
    said = explained("r02_meminfo_head_lost")
    assert "800 (db) has the highest badness, 270820 points" in said
    assert "Normal of node 0 is below min" in said
    assert "and swap is full" in said
    assert "the log begins inside this report, at its zones" in said


def test_a_groups_victim_died_once() -> None:
    said = explained("r03_oomgroup_victim_twice")
    assert "more died" not in said
    text = run("select", "--mode", "kernel", str(CUT / "r03_oomgroup_victim_twice.log"))
    assert text.count("Killed process 5000 (node)") == 2


def test_no_pid_is_made_up() -> None:
    path = str(CUT / "r05_invented_pid2.log")
    said = explained_path(CUT / "r05_invented_pid2.log")
    assert "(systemd)" not in said
    assert "The task table, line 3, has no row in the log" in said
    assert "oomsel cannot say: there is no task table to choose from" in said
    for absent in (" saves ", "CLOSEST", "badness is set against 1 ", "2 ("):
        assert absent not in said
    found = json.loads(run("select", "--mode", "kernel", "--format", "json", path))
    assert found["current"] == {"pid": None, "comm": "systemd", "oom_score_adj": 0}
    assert [task["pid"] for task in found["tasks"]] == [1888]
    assert (found["totalpages"], found["log"]["agrees"]) == (None, None)
    first, summary, kill = run("select", "--mode", "kernel", path).splitlines()
    assert (first[:8], "pid=1888," in summary, kill[:35]) == ("systemd ", True, "Out of memory: Killed process 1888 ")


def test_rows_that_are_cut_are_told_and_read_as_far_as_they_go(tmp_path: Path) -> None:
    *head, row, _, kill = (CUT / "r03_oomgroup_victim_twice.log").read_text().splitlines()[:10]
    lines = [*head, row.replace("5000", "4999"), row, kill]
    path = tmp_path / "cut.log"
    path.write_text("".join(f"{line if len(line) < 90 else line[:86] + '...'}\n" for line in lines))
    said = explained_path(path)
    assert "names nobody: its 2 rows are cut before oom_score_adj and name, so nobody but the victim is known" in said
    assert "lines are cut at column 89: 2 rows lack their end" in said
    assert "Without a task table nobody's badness can be compared." in said
    for absent in ("no row in the log", "highest badness", "CLOSEST", " saves ", "columns that count"):
        assert absent not in said
    first, summary, kill = run("select", "--mode", "kernel", str(path)).splitlines()
    assert (first.partition(" ")[0], "task=node,pid=5000" in summary) == ("?", True)
    sizes = "total-vm:800000kB, anon-rss:400000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:?kB oom_score_adj:?"
    assert kill == f"Memory cgroup out of memory: Killed process 5000 (node) {sizes}"


def test_a_thread_that_was_chosen_is_its_process() -> None:
    found = verdict((CUT / "r06_el7_thread_then_process.log").read_bytes())
    assert (found.kernel, found.agrees, found.reason) == ((6000, b"java"), True, None)
    assert "pid 6123, which line 11 names, is a thread of pid 6000" in text_of(found)


@pytest.mark.parametrize(("name", "is_thread"), [("java", True), ("other", False)])
def test_where_rows_are_lost_only_the_name_tells_a_thread(name: str, is_thread: bool) -> None:
    raw = (CUT / "r06_el7_thread_then_process.log").read_text().replace("process 6123 (java)", f"process 6123 ({name})")
    torn = raw.replace("[100.000011]", "[100.000010] [ 7000]     0  70\n[100.000011]")
    found = verdict(torn)
    assert (found.kernel == (6000, b"java")) == is_thread


def test_which_cgroup_lines_are_missing() -> None:
    said = explained("r10_memcg_no_usage_lines")
    assert "the cgroup's usage lines are missing" in said
    assert "Mem-Info" not in said
    assert "what badness is set against, totalpages, is not known" in said
    assert "(totalpages / 1000)" not in said  # every oom_score_adj is 0, so that badness is known without
    assert "9000 (app) has the highest badness, 6637 points" in said
    assert " saves " not in said


#: Without its RAM line: with little RAM 194 (chrome) leads the table, with much 200 (batch), of oom_score_adj 1000.
UNDECIDED = "\n".join(
    line for line in (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76] if "pages RAM" not in line
)


def test_a_choice_that_hangs_on_the_total_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "cut.log"
    path.write_text(UNDECIDED)
    said = explained_path(path)
    assert (
        "Kernel says: 200 (batch); oomsel cannot say: totalpages, by which oom_score_adj weighs, is not known" in said
    )
    assert "the kernel's choice leads from 28000 pages on" in said
    assert "Who has the highest badness depends on how much memory there is in all" in said
    assert "CANDIDATES, WITHOUT WHAT OOM_SCORE_ADJ ADDS" in said
    assert " saves " not in said
    result = ran("select", path)
    assert result.status == 2
    assert "whom the table gives cannot be said, as totalpages is not known" in result.err
    stated = run("select", "--mode", "kernel", "--set", "oom.totalpages=118294", str(path))
    assert "Killed process 200 (batch)" in stated


def test_a_choice_that_does_not_is() -> None:
    limits = "[  100.000003] Mem-Info:"
    found = verdict(MEMCG.format(limits=limits, adj=-5))
    assert (found.agrees, found.oomsel) == (True, (300, b"a"))
    assert "whatever it is the same process leads the table" in text_of(found)


def test_where_swappiness_explains_the_choice_it_is_said() -> None:
    boot = "[    0.000000] Linux version 6.6.0 (x)\n[    1.000000] Adding 102400k swap on /dev/a\n"
    limits = SWAP.format(102400).replace("limit 102400kB, failcnt 12", "limit 20480kB, failcnt 12", 1)
    found = verdict(boot + MEMCG.format(limits=limits, adj=900))
    assert (found.agrees, found.reason) == (False, Reason.SWAPPINESS)
    assert "were it 0, totalpages would be 5120, without swap, and the kernel's choice leads" in text_of(found)


def test_swapoff_asked_to_die_first() -> None:
    found = verdict((LOGS / "73-41-swapoff-origin.log").read_bytes())
    assert (found.kernel, found.agrees, found.reason) == ((694, b"swapoff"), True, Reason.ORIGIN)
    assert "as its stack dump shows, line 22" in text_of(found)
    lost = (LOGS / "73-41-swapoff-origin.log").read_text().replace("__do_sys_swapoff+", "x+")
    assert verdict(lost).reason is Reason.UNKNOWN


def test_who_was_killed_before_is_no_candidate() -> None:
    raw = (LOGS / "73-22b-oom-reaper-twice.log").read_bytes()
    found = verdict(raw, event=3)
    assert (found.kernel, found.oomsel, found.agrees, found.reason) == (None, None, True, Reason.KILLED_BEFORE)
    assert "pid 155 (victim) leads the table but was killed before, line 67" in text_of(found)


def test_an_empty_table_and_nobody_to_kill() -> None:
    raw = (LOGS / "73-42-max-lowered.log").read_bytes()
    found = verdict(raw, event=5)
    assert found.sentences[0] == "kernel says: nobody; oomsel says: nobody; they agree"


def test_init_pins_the_victims_memory() -> None:
    found = verdict((LOGS / "73-40-pinned-by-init.log").read_bytes(), event=1)
    assert "pid 1 (init) shares the memory of pid 234, line 70: nothing of it comes free" in text_of(found)


EXITING = b"[   14.050000] Out of memory: OOM victim 200 (batch) is already exiting. Skip killing the task"


@pytest.mark.parametrize("has_row", [True, False])
def test_a_victim_that_was_exiting_already(has_row: bool) -> None:
    lines = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")[:75]
    lines = [line for line in lines if has_row or not line.endswith(b" batch")]
    found = verdict(b"\n".join([*lines, EXITING]))
    assert found.kernel == (200, b"batch")
    assert "it was exiting already when it was to be killed" in text_of(found)
    assert "incomplete" not in text_of(found)
    assert found.agrees is (True if has_row else None)


@pytest.mark.parametrize(
    ("comm", "line", "is_kthread"),
    [
        ("kworker/u8:3", None, True),
        ("khugepaged", None, True),
        ("loop", "Workqueue: loop2 loop_workfn", True),
        ("worker", None, False),
    ],
)
def test_a_kernel_thread_is_known_by_name_or_trace(comm: str, line: str | None, is_kthread: bool) -> None:
    lines = (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76]
    gone = [row for row in lines if not row.endswith(" allocator")]
    gone[0] = gone[0].replace("allocator invoked", f"{comm} invoked").replace("adj=-999", "adj=0")
    if line is not None:
        gone.insert(3, f"[   14.030000] {line}")
    scenario = oomsel.loads("\n".join(gone), log=LogOptions(event=1))
    kthreads = [task.comm.decode() for task in scenario.tasks if "kthread" in task.flags]
    assert kthreads == ([comm] if is_kthread else [])


def test_a_mask_of_nothing_prints_again() -> None:
    raw = (LOGS / "12-61-global.log").read_text()
    mask = raw[raw.index("gfp_mask=") : raw.index(", order=")]
    text = oomsel.kernel_lines(oomsel.select(oomsel.loads(raw.replace(mask, "gfp_mask=0x0()"))))
    assert "gfp_mask=0x0(), order=0" in text[0]
    assert text[-1].startswith("Out of memory: Killed process")


def test_a_mask_that_cannot_be_translated_is_printed_as_it_is() -> None:
    text = run("select", "--mode", "kernel", str(CUT / "r06_el7_thread_then_process.log"))
    assert text.startswith("java invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=-998\n")


def test_a_lost_constraint_is_not_none(tmp_path: Path) -> None:
    lines = (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76]
    path = tmp_path / "cut.log"
    path.write_text("\n".join(line for line in lines if "oom-kill:" not in line))
    assert (
        "No cgroup ran out: whether a cpuset or a memory policy confined the allocation is not in the log"
        in explained_path(path)
    )
    assert "oom-kill:constraint=?,nodemask=?,cpuset=?,mems_allowed=?,global_oom,task_memcg=?,task=batch," in run(
        "select", str(path)
    )
    found = json.loads(run("select", "--mode", "kernel", "--format", "json", str(path)))
    assert (found["constraint"], found["log"]["constraint"]) == (None, None)


def test_a_table_without_a_total_has_no_badness() -> None:
    result = ran("select", "--format", "table", CUT / "r10_memcg_no_usage_lines.log")
    assert result.status == 0  # every oom_score_adj is 0
    raw = (
        (CUT / "r10_memcg_no_usage_lines.log")
        .read_text()
        .replace("        0             0 app", "        0           100 app")
    )
    result = ran("select", "--format", "table", "-", stdin=raw.encode())
    assert result.status == 2
    assert "there is no badness for a table, as totalpages is not known" in result.err
