"""The commands on kernel logs: what they print, where, and how they exit."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

import oomsel
from tests.real_logs import LOGS, own_lines
from tests.running import run
from tests.support import DATA

LOG = str(LOGS / "01-global-8cpu.log")


def test_events_lists_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(LOGS)
    result = run("events", "01-global-8cpu.log")
    assert result.out.split("\n") == [
        "#  line  time       invoked by  killed           freed  tasks  why",
        "1     1  14.029163  allocator   200 (batch)    2.6 MiB     16  global",
        "2    77  14.115291  allocator   194 (chrome)  16.1 MiB     15  global",
        "",
    ]
    assert result.status == 0


def test_events_as_json() -> None:
    (entry,) = json.loads(run("events", "--format", "json", str(LOGS / "04-memcg-group-leaf.log")).out)
    assert entry["killed"][0] == {"pid": 196, "comm": "c-big"}
    assert len(entry["killed"]) == 5
    assert (entry["constraint"], entry["cgroup"], entry["victim_cgroup"]) == ("memcg", "/app", "/app/b/c")
    assert (entry["freed_kb"], entry["freed_pages"], entry["tasks"], entry["complete"], entry["missing"]) == (
        39856,
        9964,
        9,
        True,
        [],
    )


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--killed", "chrome"], [2]),
        (["--killed", "200"], [1]),
        (["--killed", "nobody"], []),
        (["--since", "14.1"], [2]),
        (["--until", "14.1"], [1]),
        (["--since", "14", "--until", "15"], [1, 2]),
        (["--cgroup", "/app"], []),
    ],
)
def test_events_filters(options: list[str], found: list[int]) -> None:
    result = run("events", "--format", "json", *options, LOG)
    assert [entry["event"] for entry in json.loads(result.out)] == found
    assert result.status == (0 if found else 1)


@pytest.mark.parametrize(("cgroup", "found"), [("/app", True), ("/app/b", True), ("/ap", False), ("/", True)])
def test_events_of_a_cgroup(cgroup: str, found: bool) -> None:
    assert (run("events", "--cgroup", cgroup, str(LOGS / "03-memcg.log")).status == 0) is found


def test_events_without_one_exits_with_1() -> None:
    result = run("events", "-", stdin=b"[    1.000000] usb 1-1: new device\n")
    assert (result.status, result.out) == (1, "")
    assert result.err == "oomsel: -: no OOM report found\n"


def test_events_says_where_it_found_nothing(tmp_path: Path) -> None:
    logs = [tmp_path / f"{name}.log" for name in "abcde"]
    for log in logs:
        log.write_text("[    1.000000] usb 1-1: new device\n")
    shown = ", ".join(map(str, logs[:3]))
    assert run("events", tmp_path).err == f"oomsel: {shown} and 2 more: no OOM report found\n"
    (tmp_path / "empty").mkdir()
    assert run("events", tmp_path / "empty").err == f"oomsel: {tmp_path / 'empty'}: no OOM report found\n"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["/nowhere.log"], "oomsel: /nowhere.log: No such file or directory\n"),
    ],
)
def test_events_on_what_cannot_be_read(args: list[str], error: str) -> None:
    result = run("events", *args)
    assert (result.status, result.out, result.err) == (2, "", error)


def test_events_on_broken_compression(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(Path(LOG).read_bytes())[:-40])
    result = run("events", str(path))
    assert (result.status, result.out) == (2, run("events", LOG).out)  # what stands before the damage
    assert result.err.startswith(f"oomsel: {path}: its compression is broken")


def test_split_reports_say_the_same(tmp_path: Path) -> None:
    name = "08-odd-comms.log"
    assert run("events", "--split", str(tmp_path / "new"), str(LOGS / name)).status == 0
    for number, lines in enumerate(own_lines(name), 1):
        scenario = oomsel.load(tmp_path / "new" / f"{name}.{number}.log")
        assert oomsel.kernel_lines(oomsel.select(scenario, mode="kernel")) == lines


def test_select_says_whether_the_kernel_was_right() -> None:
    result = run("select", "--mode", "kernel", "--event", "1", LOG)
    assert result.out == "".join(f"{line}\n" for line in own_lines("01-global-8cpu.log")[0])
    assert f"oomsel: {LOG}: note: kernel says: 200 (batch); oomsel says: 200 (batch); they agree\n" in result.err
    assert result.status == 0


def test_select_says_which_report_it_took() -> None:
    result = run("select", "--mode", "kernel", "-", stdin=Path(LOG).read_bytes())
    assert "oomsel: -: note: 2 reports; this is number 2, the last complete one, line 77" in result.err
    assert "Killed process 194 (chrome)" in result.out


def test_select_reads_compressed_logs(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    with open(LOG, "rb") as plain, gzip.open(path, "wb") as packed:
        shutil.copyfileobj(plain, packed)
    assert run("select", "--pid", "200", str(path)).out == run("select", "--pid", "200", LOG).out


def test_what_if_on_a_log() -> None:
    result = run("select", "--event", "1", "--mode", "kernel", "--set", "tasks[batch].oom_score_adj=-500", LOG)
    assert "as changed, oomsel says: 194 (chrome)" in result.err
    assert "task=chrome,pid=194" in result.out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["select", "--event", "9", LOG], f"{LOG}: no report number 9: it has 2 reports; oomsel events lists them"),
        (["select", "--pid", "9", LOG], f"{LOG}: no report killed pid 9: it has 2 reports; oomsel events lists them"),
        (["select", "--event", "1", "--last", LOG], "--event, --pid and --last each pick a report; use one of them"),
        (["select", "--event", "0", LOG], "--event: 0 is too small; use 1 or more"),
        (["select", "--last", "examples/smallest.yaml"], "smallest.yaml: --last is for kernel logs, and this is none"),
        (["convert", "--event", "9", LOG], f"{LOG}: no report number 9: it has 2 reports"),
        (["events", "--since", "soon", LOG], "--since soon: no time; use seconds since boot, 2026-08-12 03:54"),
    ],
)
def test_wrong_calls_exit_with_2_and_print_nothing(args: list[str], message: str) -> None:
    result = run(*args)
    assert result.out == ""
    assert result.status == 2
    assert message in result.err


def test_convert_writes_what_is_selected_alike(tmp_path: Path) -> None:
    wanted = run("select", "--mode", "kernel", "--event", "1", LOG).out
    for name in ("scenario.yaml", "scenario.json"):
        assert run("convert", "--event", "1", LOG, "-o", str(tmp_path / name)).status == 0
        assert run("select", "--mode", "kernel", str(tmp_path / name)).out == wanted
    assert (tmp_path / "scenario.yaml").read_text().startswith("# The kernel killed 200 (batch).\n")


def test_names_reach_no_terminal_raw() -> None:
    log = str(LOGS / "08-odd-comms.log")
    for args in (["events", log], ["convert", log], ["select", log]):
        result = run(*args)
        assert "\x1b" not in result.out + result.err
        assert "\x01" not in result.out + result.err


def test_json_says_what_the_kernel_said() -> None:
    said = json.loads(run("select", "--format", "json", "--cpus", "8", "--event", "1", LOG).out)["log"]
    assert (said["event"], said["line"], said["agrees"], said["reason"]) == (1, 1, True, None)
    assert said["kernel_says"] == said["oomsel_says"] == {"pid": 200, "comm": "batch"}
    assert (said["counter_error_pages"], said["could_have_been"], said["complete"]) == (248, [], True)


def test_no_word_on_whether_modes_agree() -> None:
    last = run("select", "--mode", "both", "--event", "1", LOG).out.split("\n")[-2]
    assert last == "# A log does not hold what CPUs have not folded in: both modes read what its table shows."


def test_explain_claims_no_more_than_the_log_holds() -> None:
    text = " ".join(run("explain", "--full", "--event", "1", LOG).out.split())
    assert "BOTH READINGS Kernel says: 200 (batch); oomsel says: 200 (batch); they agree." in text
    assert "THE MEMORY RAM 462.1 MiB" in text
    assert "truly" not in text
    assert "without it, whether the counters' inaccuracy mattered cannot be said" in text
    said = run("explain", "--counters", "--event", "1", "--cpus", "8", LOG).out
    assert "which cannot have changed the victim" in " ".join(said.split())


def test_split_keeps_logs_of_one_name_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "kern.log").write_bytes(Path(LOG).read_bytes() + f"[   99.0] {folder}\n".encode())
    logs = [str(tmp_path / folder / "kern.log") for folder in ("a", "b")]
    assert run("events", "--split", str(tmp_path / "out"), *logs).status == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["kern.log-2.1.log", "kern.log-2.2.log", "kern.log.1.log", "kern.log.2.log"]


def test_a_report_that_ends_after_the_next_one_is_found(tmp_path: Path) -> None:
    """Two CPUs' reports in one log with PRINTK_CALLER: the second to begin is the first to end."""
    lines = Path(LOG).read_text().splitlines()
    second = next(index for index, line in enumerate(lines) if index and "invoked oom-killer" in line)
    bare = [line.partition("] ")[2] for line in lines]
    first, other = ([f"[    1.0][{who}] {line}\n" for line in part] for who, part in
                    (("  T7", bare[:second]), ("  T8", bare[second:])))  # fmt: skip
    path = tmp_path / "two.log"
    path.write_text("".join([*first[:10], *other, *["[    2.0][  T9] x\n"] * 100, *first[10:]]))
    listed = json.loads(run("events", "--format", "json", str(path)).out)
    assert [entry["event"] for entry in listed] == [1, 2]
    for number in (1, 2):
        ran = run("select", "--event", str(number), "--mode", "kernel", str(path))
        assert ran.status == 0, ran.err


def test_a_list_fits_80_columns(tmp_path: Path) -> None:
    report = (DATA / "logs" / "r04_allocator_is_a_thread.log").read_text()
    long = report.replace("worker-7", "gunpowder-memho").replace("(server)", "(gunpowder-memho)")
    (tmp_path / "long.log").write_text("".join(f"Sep 29 08:12:34 node7 kernel: {line}\n" for line in long.splitlines()))
    (tmp_path / "short.log").write_text(report)
    result = run("events", str(tmp_path))
    assert max(map(len, result.out.replace(f"{tmp_path}/", "").splitlines())) <= 80
    assert "#  line  time             killed " in result.out
    assert "\n     invoked by gunpowder-memho\n" in result.out
    assert "#  line  time         invoked by  killed " in result.out, "a log has its own widths"


def test_events_reads_a_pipe() -> None:
    piped = run("events", stdin=Path(LOG).read_bytes())
    assert (piped.status, piped.out) == (0, run("events", LOG).out)
    closed = run("events", stdin=None)
    assert closed.status == 2
    assert "pipe one into it (dmesg | oomsel events)" in " ".join(closed.err.split())


def test_a_group_of_which_no_kill_can_be_read(tmp_path: Path) -> None:
    log = tmp_path / "cut.log"
    log.write_text(
        "a invoked oom-killer: gfp_mask=0x1100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0\n"
        "Tasks state (memory values in pages):\n"
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
        "[     77]     0    77      100        9        0        0             0 java\n"
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/w,task_memcg=/w,"
        "task=java,pid=77,uid=0\n"
        "Tasks in /w are going to be killed due to memory.oom.group set\n"
        "Memory cgroup out of memory: OOM victim 77 (java) is already exiting. Skip killing the task\n"
    )
    ran = run("select", "--mode", "both", str(log))
    assert "a bug" not in ran.err
    assert ran.status == 0


def test_a_tab_of_an_option_is_shown_in_a_message() -> None:
    ran = run("explain", "--all-events", "--set", "a\tb=1", "examples/dmesg.log")
    assert (ran.status, ran.out) == (2, "")
    assert r"a\x09b" in ran.err
    assert "\t" not in ran.err
