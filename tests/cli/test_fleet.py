"""Many logs at once: a row a report, the same from one process and from several."""

from __future__ import annotations

import csv
import io
import json
import os
from multiprocessing import get_start_method
from pathlib import Path

import pytest

from oomsel.cli.scanning import find_logs
from oomsel.outputs.fleet import COLUMNS
from tests.real_logs import LOGS
from tests.running import Ran, run

NAMES = ("01-global-8cpu.log", "04-memcg-group-leaf.log", "11-panic-on-oom.log", "11b-no-killable.log")


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A folder of logs, one of them deeper, and a file that is none."""
    folder = tmp_path / "logs"
    (folder / "deep").mkdir(parents=True)
    for name in NAMES:
        (folder / ("deep" if name.startswith("04") else "") / name).write_bytes((LOGS / name).read_bytes())
    (folder / "notes.txt").write_text("nothing of the kind\n")
    (folder / ".hidden.log").write_bytes((LOGS / NAMES[0]).read_bytes())
    return folder


def _run(*args: str) -> Ran:
    return run("events", *args)


def test_a_row_a_report(fleet: Path) -> None:
    ran = _run("--format", "csv", str(fleet))
    assert ran.status == 0, ran.err
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert list(rows[0]) == list(COLUMNS)
    shown = [(row["input"].rpartition("/")[2], row["event"], row["end"], row["victim"], row["agrees"]) for row in rows]
    assert shown[:2] == [
        ("01-global-8cpu.log", "1", "killed", "batch", "true"),
        ("01-global-8cpu.log", "2", "killed", "chrome", "true"),
    ]
    assert {row["end"] for row in rows if "11" in row["input"].rpartition("/")[2]} == {
        "panic",
        "nobody killable, panic",
    }
    first = rows[0]
    assert int(first["victim_badness"]) - int(first["runner_up_badness"]) == int(first["margin"])
    assert (first["order"], first["constraint"], first["tasks"]) == ("0", "global", "16")


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "text"])
def test_several_processes_say_the_same(fleet: Path, form: str) -> None:
    alone, together = (_run("--format", form, "-j", jobs, str(fleet)) for jobs in ("1", "3"))
    assert alone.status == together.status == 0
    assert alone.out == together.out != ""


def _dies(*_: object) -> None:
    os._exit(9)


def test_a_killed_process_is_told(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if get_start_method() != "fork":
        pytest.skip("what is patched here is not patched in a process that begins anew")
    monkeypatch.setattr("oomsel.cli.scanning._whole", _dies)
    ran = _run("-j", "2", str(fleet))
    assert (ran.status, ran.err) == (
        2,
        "oomsel: a process that read logs was killed, perhaps for want of memory; use fewer of them, with -j\n",
    )


def test_json_lines_and_parquet_hold_what_csv_holds(fleet: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in _run("--format", "jsonl", str(fleet)).out.splitlines()]
    assert [row["event"] for row in rows][:2] == [1, 2]
    assert list(rows[0]) == list(COLUMNS)
    pytest.importorskip("pyarrow")
    from pyarrow import parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]

    path = tmp_path / "fleet.parquet"
    assert _run("--format", "parquet", "-o", str(path), str(fleet)).status == 0
    assert parquet.read_table(path).to_pylist() == rows


@pytest.mark.parametrize("name", ["=1+1", "+SUM(1)", "-2+3", "@cmd"])
def test_no_cell_is_a_formula(tmp_path: Path, name: str) -> None:
    log = tmp_path / "kern.log"
    log.write_bytes((LOGS / NAMES[0]).read_bytes().replace(b"batch", name.encode()))
    first = next(csv.DictReader(io.StringIO(_run("--format", "csv", str(log)).out)))
    assert first["victim"] == f"'{name}"


def test_a_log_that_cannot_be_read_stops_no_other(fleet: Path) -> None:
    ran = _run("--format", "jsonl", str(fleet / "nowhere.log"), str(fleet))
    assert ran.status == 2
    assert len(ran.out.splitlines()) > 3
    assert "nowhere.log: No such file or directory" in ran.err


def test_a_pipe_in_a_folder_is_not_waited_for(fleet: Path) -> None:
    os.mkfifo(fleet / "deep" / "pipe.log")
    (fleet / "gone.log").symlink_to("nowhere")
    assert [os.path.basename(log.name) for log in find_logs([str(fleet)])] == [
        NAMES[0], NAMES[2], NAMES[3], "gone.log", "notes.txt", NAMES[1]
    ]  # fmt: skip
    pipe = str(fleet / "deep" / "pipe.log")
    assert [log.name for log in find_logs([pipe])] == [pipe]  # as <(...) makes one


def test_the_end_is_told_apart(fleet: Path) -> None:
    ran = _run(str(fleet))
    assert "panic" in ran.out
    assert "nobody killable" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines() if not line.startswith(str(fleet)))


def test_the_victim_of_a_lost_kill_line(tmp_path: Path) -> None:
    log = tmp_path / "kern.log"
    lines = (LOGS / NAMES[0]).read_text().splitlines()[:76]
    log.write_text("".join(f"{line}\n" for line in lines if "Killed process" not in line))
    (entry,) = json.loads(_run("--format", "json", str(log)).out)
    assert (entry["killed"], entry["named_by"], entry["end"]) == (
        [{"pid": 200, "comm": "batch"}], "the oom-kill line", None,
    )  # fmt: skip
    assert "200 (batch)" in _run(str(log)).out


def test_pipes_in_a_folder_are_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a-pipe")
    (tmp_path / "b.log").write_bytes((LOGS / "03-memcg.log").read_bytes())
    (tmp_path / "gone.log").symlink_to(tmp_path / "nowhere")
    assert [os.path.basename(log.name) for log in find_logs([str(tmp_path)])] == ["b.log", "gone.log"]
