"""Studies: their files, and sweeps that come to the same table however they run."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from oomsel.errors import InputError
from oomsel.study.effort import seconds_of_study, seconds_of_workload
from oomsel.study.executors import executor_for
from oomsel.study.grid import Study, SweepRow, Trial, read_study, run_trial, trials_of, workload_of
from oomsel.study.sweep import Journal, JournalError, open_journal, sweep
from oomsel.study.sweep_out import csv_text, points_of, summary_lines
from tests import running
from tests.running import Ran

SMALL = """\
oomsel_study: 1
grid: {cpus: [4, 64], threads: [1, 2], processes: 2, hop: 3, designs: [percpu, tree]}
seeds: 3
memory: 2MiB
step: 16
churn: 40
times: 3
"""


def study(text: str = SMALL) -> Study:
    return read_study("s.yaml", text.encode())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("cpus: [4, 64]", "cpus: [4, 4]", "2:14: grid.cpus: A list with a value twice; state each once"),
        ("cpus: [4, 64]", "cpus: []", "grid.cpus: An empty list; leave the key out, or state a value"),
        (
            "cpus: [4, 64]",
            "cpus: [4, 0]",
            "2:18: grid.cpus[1]: 0 is no number of CPUs; use a whole number from 1 to 8192",
        ),
        ("cpus: [4, 64]", "cpu: 4", "2:8: grid.cpu: unknown key; did you mean cpus?"),
        ("designs: [percpu", "designs: [percpus", '"percpus" is no design; use some of split, percpu, pernode, tree'),
        ("memory: 2MiB\n", "", "memory: required and missing; add it"),
        ("memory: 2MiB", "memory: 9TiB", "4:9: memory: with step and churn more than 2^31 pages in one process"),
        (
            "cpus: [4, 64], threads: [1, 2], processes: 2",
            "cpus: 8192, processes: 9999",
            "grid: 9999 processes on 8192 CPUs",
        ),
        (
            "seeds: 3",
            "seeds: 300000",
            "2:7: grid: 1200000 trials; use fewer values or seeds, 1000000 trials at most",
        ),
        ("seeds: 3", "sedes: 3", "3:1: sedes: unknown key; did you mean seeds?"),
        (SMALL, "", "1:1: nothing in it; a study begins with oomsel_study: 1"),
        (SMALL, "- 1", "1:1: no mapping of keys; a study begins with oomsel_study: 1"),
    ],
)
def test_errors(old: str, new: str, expected: str) -> None:
    assert old in SMALL
    with pytest.raises(InputError) as error:
        study(SMALL.replace(old, new, 1))
    assert expected in str(error.value)


def test_trials() -> None:
    trials = list(trials_of(study()))
    assert trials[:4] == [Trial(4, 1, 2, 3, 1), Trial(4, 1, 2, 3, 2), Trial(4, 1, 2, 3, 3), Trial(4, 2, 2, 3, 1)]
    assert len(trials) == 12
    workload = workload_of(study(), trials[3])
    assert [process.do[0].fault for process in workload.processes] == [256, 264]


def test_a_row_in_numbers() -> None:
    rows = run_trial(study(SMALL.replace("churn: 40", "churn: 0")), Trial(64, 1, 2, 3, 1))
    # 512 pages, three at a time on 64 CPUs with a batch of 128: nothing folds, and both read 0.
    percpu = rows[0]
    assert percpu == SweepRow(64, 1, 2, 3, 1, "percpu", 528, 528, 528, 64 * 127, 0, 0, 0, 0)
    assert [row.design for row in rows] == ["percpu", "tree"]


def test_the_wrong_victim_and_what_it_costs() -> None:
    # On 256 CPUs both processes read 0, and the last one dies, who is the biggest; on 64 some pages are seen.
    text = (
        SMALL.replace("cpus: [4, 64]", "cpus: 64")
        .replace("memory: 2MiB", "memory: 40MiB")
        .replace("hop: 3", "hop: 100")
    )
    rows = [row for trial in trials_of(study(text)) for row in run_trial(study(text), trial) if row.design == "percpu"]
    assert {row.wrong_victim for row in rows} == {0, 1}
    assert all(row.lost == 16 * row.wrong_victim for row in rows)


def whole(text: str = SMALL) -> str:
    return csv_text(row for trial in trials_of(study(text)) for row in run_trial(study(text), trial))


def swept(journal: Journal, executor: Executor | None = None) -> str:
    sweep(study(), journal, executor, in_flight=3)
    return csv_text(journal.rows())


@pytest.mark.slow
def test_threads_and_processes_make_the_same_table(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert swept(open_journal(str(tmp_path / "a"), study(), resume=False), threads) == whole()
    with executor_for(2, None) as (processes, _):
        assert swept(open_journal(str(tmp_path / "b"), study(), resume=False), processes) == whole()


class Stopping(Executor):
    """Runs so many trials, the last submitted first, and is then interrupted."""

    def __init__(self, left: int) -> None:
        self.left = left

    def submit(self, function: Any, /, *arguments: Any, **keys: Any) -> Future[Any]:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **keys))
        return future


@pytest.mark.parametrize("stops", [(0,), (5,), (3, 4), (11,)])
def test_an_interrupted_sweep_goes_on_to_the_same_table(tmp_path: Path, stops: tuple[int, ...]) -> None:
    path = str(tmp_path / "j")
    for turn, stop in enumerate(stops):
        with pytest.raises(KeyboardInterrupt):
            swept(open_journal(path, study(), resume=turn > 0), Stopping(stop))
    journal = open_journal(path, study(), resume=True)
    before = len(journal.done)
    assert swept(journal) == whole()
    assert before < 12


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "j"
    swept(open_journal(str(path), study(), resume=False))
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: len(text) * 2 // 3], encoding="utf-8")
    journal = open_journal(str(path), study(), resume=True)
    assert 0 < len(journal.done) < 12
    assert swept(journal) == whole()
    assert open_journal(str(path), study(), resume=True).done == journal.done


def signed(journal: Journal, text: str) -> str:
    return f"{journal._checksum(text)} {text}"


@pytest.mark.parametrize("at", range(3, 1700, 97))
def test_a_damaged_line_is_done_again(at: int, tmp_path: Path) -> None:
    path = tmp_path / "j"
    swept(open_journal(str(path), study(), resume=False))
    raw = bytearray(path.read_bytes())
    begin = raw.find(b"\n") + 1
    raw[begin + at] ^= 1
    path.write_bytes(raw)
    journal = open_journal(str(path), study(), resume=True)
    assert journal.damaged >= 1
    assert 10 <= len(journal.done) < 12
    assert swept(journal) == whole()
    again = open_journal(str(path), study(), resume=True)
    assert again.done == journal.done


ROW = '[4, 1, 2, 3, 1, "percpu", 552, 0, 0, 62, 0, 0, 0, 0]'


@pytest.mark.parametrize(
    "line",
    [
        "[2]",
        "[]",
        "7",
        "[0, null]",
        f"[77, {ROW}, {ROW}]",
        f"[0, {ROW}]",
        f"[0, {ROW}, {ROW}]",
        f"[0, {ROW}, {ROW.replace('percpu', '=cmd()')}]",
        f"[0, {ROW}, {ROW.replace('percpu', 'tree').replace('552', 'null')}]",
        f"[0, {ROW}, {ROW.replace('percpu', 'tree').replace('552', '9' * 300)}]",
        f"[0, {ROW}, {ROW.replace('percpu', 'tree').replace('552', '9' * 5000)}]",
        f"[0, {ROW}, {ROW.replace('percpu', 'tree').replace('552', 'true')}]",
        f"[0, {ROW}, {ROW.replace('percpu', 'tree').replace('[4', '[9')}]",
        "[" * 100_000,
    ],
)
def test_what_no_trial_can_have_is_done_again(line: str, tmp_path: Path) -> None:
    path = tmp_path / "j"
    swept(open_journal(str(path), study(), resume=False))
    head, _, *others = path.read_text().split("\n")
    journal = Journal(str(path), study())
    path.write_text("\n".join([head, signed(journal, line), *others]))
    journal = open_journal(str(path), study(), resume=True)
    assert (len(journal.done), 0 in journal.done) == (11, False)
    assert journal.damaged >= 1
    assert swept(journal) == whole()


def test_a_damaged_table_is_told(file: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    path = tmp_path / "out.csv.part"
    swept(open_journal(str(path), study(), resume=False))
    path.write_bytes(path.read_bytes().replace(b'"tree"', b'"free"', 1))
    result = cli_run("--resume", "-o", str(out), file)
    assert (result.status, out.read_text()) == (0, whole())
    assert result.err == f"oomsel: {path}: damaged lines: 1; their trials are simulated again\n"


def test_two_sweeps_of_one_table(file: str, tmp_path: Path) -> None:
    path = str(tmp_path / "out.csv.part")
    late = open_journal(path, study(), resume=False)
    first = open_journal(path, study(), resume=False)
    said = f"{path}: another sweep is writing this table; wait for it, or write to another file"
    with first.writing() as note:
        for resume in (False, True):
            with pytest.raises(JournalError, match=said):
                open_journal(path, study(), resume=resume)
        with pytest.raises(JournalError, match=said):
            swept(late)
        note(0, run_trial(study(), next(iter(trials_of(study())))))
        assert cli_run("-o", str(tmp_path / "out.csv"), file).err == f"oomsel: {said}\n"
    assert swept(open_journal(path, study(), resume=True)) == whole()


def test_an_empty_journal_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.touch()
    assert swept(open_journal(str(path), study(), resume=False)) == whole()


def test_a_journal_that_somebody_removes(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "j"), study(), resume=False)
    swept(journal)
    journal.remove()
    journal.remove()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_journal_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "j")
    with pytest.raises(JournalError, match="no regular file"):
        open_journal(str(tmp_path / "j"), study(), resume=True)


def test_absurd_counts_are_told_before(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(SMALL.replace("seeds: 3", "seeds: 100000"))
    result = cli_run("-o", str(tmp_path / "out.csv"), str(path))
    assert result.status == 2
    assert re.fullmatch(
        r"oomsel: \S+: this takes about [0-9]+ minutes; use smaller counts, or allow it with --minutes [0-9]+\n",
        result.err,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.yaml"]


@pytest.mark.parametrize("churn", [0, 40])
@pytest.mark.parametrize("hop", [1, 7, 100])
def test_the_estimate_of_a_study_is_that_of_its_workloads(churn: int, hop: int) -> None:
    one = study(SMALL.replace("hop: 3", f"hop: {hop}").replace("churn: 40", f"churn: {churn}"))
    trials = list(trials_of(one))
    apart = sum(seconds_of_workload(workload_of(one, trial), len(one.grid.designs)) for trial in trials)
    assert seconds_of_study(one) - 0.005 * len(trials) == pytest.approx(apart, rel=0.3)


@pytest.mark.parametrize("left", [0, 1, 40, -1])
def test_a_journal_of_which_the_head_is_cut_off_begins_anew(tmp_path: Path, left: int) -> None:
    path = tmp_path / "j"
    with pytest.raises(KeyboardInterrupt):
        swept(open_journal(str(path), study(), resume=False), Stopping(0))
    path.write_bytes(path.read_bytes()[:left])
    journal = open_journal(str(path), study(), resume=True)
    assert not journal.done
    assert swept(journal) == whole()
    assert len(open_journal(str(path), study(), resume=True).done) == 12


@pytest.mark.slow
def test_a_journal_that_cannot_be_written_is_no_bug(file: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "oomsel", "sweep", "-o", str(tmp_path / "out.csv"), file]
    command = f"ulimit -f 1; exec {shlex.join(words)}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    part = tmp_path / "out.csv.part"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"oomsel: {part}: File too large\n")
    assert part.stat().st_size == 1024
    assert cli_run("-o", str(tmp_path / "out.csv"), "--resume", file).status == 0
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == whole()


def test_a_journal_in_the_way(tmp_path: Path) -> None:
    path = str(tmp_path / "j")
    swept(open_journal(path, study(), resume=False))
    with pytest.raises(JournalError, match="an interrupted sweep is there; use --resume"):
        open_journal(path, study(), resume=False)
    with pytest.raises(JournalError, match="no journal of this study; remove it"):
        open_journal(path, study(SMALL.replace("seeds: 3", "seeds: 4")), resume=True)
    with pytest.raises(JournalError, match="No such file or directory"):
        swept(open_journal("/nowhere/j", study(), resume=False))


def cli_run(*arguments: str) -> Ran:
    return running.run("sweep", *arguments)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "s.yaml"
    path.write_text(SMALL)
    return str(path)


def test_command(file: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    result = cli_run("-o", str(out), file)
    assert (result.status, result.err) == (0, "")
    assert out.read_text(encoding="utf-8") == whole()
    assert not (tmp_path / "out.csv.part").exists()
    assert len(result.out.splitlines()) == 1 + 2 * 2 * 2 + 1


def test_summary() -> None:
    rows = [SweepRow(4, 1, 1, 1, seed, "tree", 9, 0, seed * 256, 2560, seed % 2, 0, 0, 0) for seed in range(1, 11)]
    (point,) = points_of(rows)
    assert (point.worst, point.bound, point.wrong) == ([6 * 256, 10 * 256], 2560, 0.5)
    assert summary_lines(rows)[1].split() == ["4", "1", "1", "1", "tree", "6.0", "10.0", "10.0", "50%"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("-o", "x.txt"), "--output: x.txt ends in none of .csv, .parquet"),
        (("-o", "x.csv", "--plot", "x.gif"), "--plot: x.gif ends in none of .png, .svg"),
        (("-o", "x.csv", "--plot", "/nowhere/x.png"), "--plot: /nowhere/x.png: there is no such folder"),
        (("-o", "/nowhere/x.csv"), "oomsel: /nowhere/x.csv.part: No such file or directory\n"),
        (("-o", "x.csv", "--dask", "bogus://x"), "--dask: no address of a scheduler: bogus://x; use one like tcp://"),
        (("-o", "x.csv", "-j", "0"), "0 is out of range"),
    ],
)
def test_trouble(file: str, arguments: tuple[str, ...], expected: str) -> None:
    result = cli_run(*arguments, file)
    assert (result.status, result.out) == (2, "")
    assert expected in result.err


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    path, out = tmp_path / "s.yaml", tmp_path / "out.csv"
    text = SMALL.replace("seeds: 3", "seeds: 6").replace("times: 3", "times: 60")
    path.write_text(text)
    command = [sys.executable, "-m", "oomsel", "sweep", "-o", str(out), str(path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    part = tmp_path / "out.csv.part"
    while process.poll() is None and not (part.exists() and part.read_bytes().count(b"\n") > 3):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert "oomsel: interrupted; " in stderr
    assert stderr.endswith(f" of 24 trials are kept in {part}; --resume goes on\n")
    assert not out.exists()
    assert cli_run("-o", str(out), "--resume", str(path)).status == 0
    assert out.read_text(encoding="utf-8") == whole(text)


def started(tmp_path: Path, **keys: Any) -> subprocess.Popen[str]:
    """A long sweep in two processes."""
    path = tmp_path / "s.yaml"
    path.write_text(SMALL.replace("seeds: 3", "seeds: 2000"))
    command = [sys.executable, "-m", "oomsel", "sweep", "-j", "2", "-o", str(tmp_path / "out.csv"), str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **keys)


def workers_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    spawned = [int(child) for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return spawned if len(spawned) == 2 else []


def until(condition: Callable[[], Any]) -> Any:
    """What `condition` comes to, once that is true; waits for a minute at most."""
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


@pytest.mark.slow
def test_ctrl_c_while_workers_import_is_quiet(tmp_path: Path) -> None:
    process = started(tmp_path, start_new_session=True)
    until(lambda: workers_of(process.pid))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.startswith("oomsel: interrupted; ")
    assert stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path: Path, number: signal.Signals) -> None:
    process = started(tmp_path)
    workers = until(lambda: workers_of(process.pid))
    until(lambda: (tmp_path / "out.csv.part").exists() and (tmp_path / "out.csv.part").read_bytes().count(b"\n") > 2)
    process.send_signal(number)
    process.communicate(timeout=60)  # ends when nobody has its standard error any more
    assert process.returncode == -number
    until(lambda: not any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers))


needs_matplotlib = pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs oomsel[study]")


@pytest.mark.slow
@needs_matplotlib
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("form", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_picture(form: str, magic: bytes) -> None:
    from oomsel.study.sweep_out import picture

    rows = [row for trial in trials_of(study()) for row in run_trial(study(), trial)]
    drawn = picture(rows, form)
    assert drawn.startswith(magic)
    assert drawn == picture(rows, form)
    if form == "svg":
        assert b"percpu, threads 2" in drawn


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs oomsel[study]")
def test_parquet(file: str, tmp_path: Path) -> None:
    import pyarrow.parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]

    out = tmp_path / "out.parquet"
    assert cli_run("-o", str(out), file).status == 0
    table = pyarrow.parquet.read_table(out)
    rows = [SweepRow(*row.values()) for row in table.to_pylist()]
    assert csv_text(rows) == whole()


def test_without_the_extras(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "distributed", None)
    parquet = cli_run("-o", str(tmp_path / "out.parquet"), file)
    assert not (tmp_path / "out.parquet.part").exists()  # said before anything is simulated
    assert (parquet.status, parquet.err) == (2, "oomsel: pyarrow is not installed; pip install pyarrow\n")
    dask = cli_run("-o", str(tmp_path / "out.csv"), "--dask", "tcp://127.0.0.1:1", file)
    assert (dask.status, dask.err) == (2, "oomsel: --dask needs distributed; pip install distributed\n")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("distributed") is None, reason="needs oomsel[dask]")
@pytest.mark.filterwarnings("ignore")
def test_dask_with_a_killed_worker_makes_the_same_table(tmp_path: Path) -> None:
    from distributed import LocalCluster  # type: ignore[import-untyped,import-not-found,unused-ignore]

    text = SMALL.replace("seeds: 3", "seeds: 5").replace("times: 3", "times: 100")
    slow = read_study("s.yaml", text.encode())
    journal = open_journal(str(tmp_path / "j"), slow, resume=False)
    killed: list[int] = []
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    cluster: Any = LocalCluster(**options, silence_logs=50)  # type: ignore[no-untyped-call,unused-ignore]
    with cluster:

        def kill_one() -> None:
            if len(journal.done) == 3:
                killed.append(cluster.workers[0].pid)
                os.kill(killed[0], signal.SIGKILL)

        with executor_for(1, cluster.scheduler_address) as (executor, in_flight):
            sweep(slow, journal, executor, in_flight=in_flight, done=kill_one)
    assert killed
    assert csv_text(journal.rows()) == whole(text)
