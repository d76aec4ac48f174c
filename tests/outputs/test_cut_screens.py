"""The first screen, `events` and `select` on logs with lines lost: nothing is said that needs a line which is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.real_logs import LOGS
from tests.running import run

WHOLE = {
    "memcg": (LOGS / "03-memcg.log").read_text().split("\n"),
    "cpuset": (LOGS / "10-cpuset.log").read_text().split("\n")[:85],
    "swap": (LOGS / "07-swap.log").read_text().split("\n"),
    "group": (LOGS / "73-61b-group-global.log").read_text().split("\n"),
}
#: What the screen claims, and the line that must be there for it.
CLAIMS = {
    r"to which a cpuset confined": r"constraint=CONSTRAINT_CPUSET",
    r"> /sys/fs/cgroup/(.*)memory\.max": r"oom_memcg=|Memory cgroup stats for|Tasks in ",
    r"[Tt]he largest of all|nobody else|confirmed from its table|in the cgroup:|processes:": r"total_vm ",
    r"of RAM": r"pages RAM",
    r"no swap\)": r"Total swap = 0kB",
    r"hit its limit": r"memory: usage",
    r"Every zone is": r" min:",
}


def screen(lines: list[str], where: Path, command: str = "explain") -> str:
    where.write_text("\n".join(lines))
    return re.sub(r"\s+", " ", run(command, where).out)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("end", ["head", "tail"])
def test_no_screen_claims_what_no_line_holds(name: str, end: str, tmp_path: Path) -> None:
    lines = WHOLE[name]
    for cut in range(1, len(lines), 2):
        rest = lines[cut:] if end == "head" else lines[:cut]
        said = screen(rest, tmp_path / "cut.log")
        assert name != "cpuset" or "the machine ran out" not in said
        for claim, evidence in CLAIMS.items():
            if re.search(claim, said):
                assert re.search(evidence, "\n".join(rest)), (cut, claim)


def test_without_the_oom_kill_line_the_constraint_is_not_known(tmp_path: Path) -> None:
    lines = [line for line in WHOLE["cpuset"] if "oom-kill:constraint" not in line]
    for rest in (lines, [line for line in lines if "Killed process" in line][:1]):
        said = screen(rest, tmp_path / "a.log")
        assert "memory ran out; whether the machine's, or that of the nodes to which" in said
        assert " ? " in screen(rest, tmp_path / "a.log", "events") + " "
        assert "global incomplete" not in screen(rest, tmp_path / "a.log", "events")


def test_of_a_table_that_has_lost_its_first_rows_only_what_is_left_is_compared(tmp_path: Path) -> None:
    lines = WHOLE["memcg"]
    first = next(at for at, line in enumerate(lines) if "c-big" in line and "oom-kill" not in line)
    said = screen(lines[first:], tmp_path / "a.log")
    assert "WHY The largest of the rows that are left: 25.0 MiB" in said
    assert "The next of them, 198 (c-shm)" in said
    assert "RSS of the 5 processes whose rows are left: 40.7 MiB" in said
    run_of = run("select", tmp_path / "a.log")
    assert "of the rows that are left oomsel says: 197 (c-big); they agree" in run_of.err


def test_a_table_above_the_oom_kill_line_is_whole_without_the_kill_line(tmp_path: Path) -> None:
    said = screen([line for line in WHOLE["memcg"] if "Killed process" not in line], tmp_path / "a.log")
    assert "rows that are left" not in said
    assert "whose rows are left" not in said


def test_a_cgroup_without_a_name_has_no_file(tmp_path: Path) -> None:
    lines = WHOLE["memcg"]
    end = next(at for at, line in enumerate(lines) if "memory: usage" in line) + 1
    said = screen(lines[:end], tmp_path / "a.log")
    assert "A limit above 96.0 MiB would have held what was there" in said
    assert "/sys/fs/cgroup" not in said


def test_rows_with_swap_show_that_the_swap_lines_are_lost(tmp_path: Path) -> None:
    lines = [line for line in WHOLE["swap"] if " swap  = " not in line and "Total swap" not in line]
    where = tmp_path / "a.log"
    where.write_text("\n".join(line for line in lines if "Free swap" not in line))
    assert "`Total swap` is not in the log" in run("select", where).err


def test_of_a_group_the_victim_is_whom_the_oom_kill_line_names(tmp_path: Path) -> None:
    rest = [line for line in WHOLE["group"] if "Killed process 152 " not in line]
    assert any("task=victim,pid=152," in line for line in rest)
    others = sum("Killed process" in line for line in rest)
    assert "KILLED victim (pid 152)" in screen(rest, tmp_path / "a.log")
    listed = screen(rest, tmp_path / "a.log", "events")
    assert f"152 (victim) +{others} " in listed
    assert "killed by the oom-kill line: the first one's kill line is not in the log" in listed
