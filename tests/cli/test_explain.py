"""`oomsel explain` as a command: what stands around the explanation itself."""

from __future__ import annotations

import json
from pathlib import Path

from tests.running import run
from tests.support import DATA

SCENARIO = "oomsel: 1\nmachine: {cpus: 4, ram: 1GiB}\ntasks: [{pid: 7, comm: a}]\n"


def test_each_of_several_inputs_is_headed_by_its_name(tmp_path: Path) -> None:
    paths = [tmp_path / "plain.yaml", tmp_path / "red\x1b[31m.yaml"]
    for path in paths:
        path.write_text(SCENARIO)
    result = run("explain", *paths)
    assert result.status == 0
    headings = [line for line in result.out.split("\n") if line.startswith("# ")]
    assert headings == [f"# {tmp_path}/plain.yaml", f"# {tmp_path}/red\\x1b[31m.yaml"]
    assert "\x1b" not in result.out


def test_every_report_of_a_log_is_explained() -> None:
    log = DATA / "real-logs" / "73-22b-oom-reaper-twice.log"
    said = run("explain", "--all-events", log)
    assert said.status == 0
    assert said.out.startswith("ALL REPORTS\n  3 reports within ")
    assert said.out.count("\nKILLED ") == 2
    found = json.loads(run("explain", "--all-events", "--format", "json", log).out)
    assert found["storm"]["reports"] == len(found["events"]) == 3
    assert run("explain", "--all-events", tmp_scenario()).status == 2


def tmp_scenario() -> Path:
    return Path(__file__).parents[2] / "examples" / "smallest.yaml"


def test_the_first_of_the_last_storm_is_explained() -> None:
    ran = run("explain", DATA / "real-logs" / "73-22b-oom-reaper-twice.log")
    assert "this is number 1, the first of the last storm, 3 reports less than 60 s apart" in ran.err


def test_two_reports_of_one_log_are_compared() -> None:
    log = DATA / "real-logs" / "73-22b-oom-reaper-twice.log"
    ran = run("diff", "--format", "table", log, "--a-event", "1", "--b-event", "2")
    assert ran.status == 1
    assert ran.out.startswith(f"A: {log} (precise, report 1)\nB: {log} (precise, report 2)\n")


def test_one_log_has_nothing_to_differ() -> None:
    ran = run("diff", DATA / "real-logs" / "03-memcg.log")
    assert (ran.status, ran.out) == (2, "")
    assert "one log and nothing to differ" in ran.err


def test_a_report_whose_memory_is_all_zero() -> None:
    row = "[2.9] [    219]  1003   219     8520     8355     8192      163         0   106496        0           200 "
    ran = run("explain", "-", stdin=f"[2.9]active_file:0\n{row}".encode())
    assert ran.status in (0, 2)
    assert "a bug" not in ran.err
