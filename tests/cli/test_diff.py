"""`oomsel diff`: its sides, its formats, and the exit status."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running import run

REAL = Path(__file__).parents[2] / "examples/real-contest.yaml"
SMALL = """\
oomsel: 1
machine: {cpus: 4, ram: 1GiB}
tasks:
  - {pid: 100, comm: small, rss: {anon: 100MiB}}
  - {pid: 101, comm: large, rss: {anon: 200MiB}}
  - {pid: 102, comm: other, rss: {anon: 50MiB}}
"""


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copy(REAL, "real.yaml")
    Path("a.yaml").write_text(SMALL)
    Path("b.yaml").write_text(SMALL.replace("100MiB", "300MiB"))


@pytest.mark.parametrize("context", [0, 1, 3, 50])
def test_kernel_text_as_diff_u_has_it(context: int) -> None:
    for name, mode in (("x.log", "approximate"), ("y.log", "precise")):
        Path(name).write_text(run("select", "--mode", mode, "real.yaml").out)
    ours = run("diff", "-U", str(context), "x.log", "y.log")
    theirs = subprocess.run(
        ["diff", f"-U{context}", "--label", "x.log", "--label", "y.log", "x.log", "y.log"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (ours.status, ours.out) == (theirs.returncode, theirs.stdout)
    assert theirs.returncode == 1
    scenario = run("diff", "-U", str(context), "real.yaml")
    assert scenario.out.splitlines()[2:] == theirs.stdout.splitlines()[2:]
    assert scenario.out.startswith("--- real.yaml\tapproximate\n+++ real.yaml\tprecise\n")


SAME = [
    ["a.yaml", "a.yaml"],
    ["a.yaml"],
    ["both.log", "real.yaml"],
    ["real.yaml", "both.log"],
    ["--mode", "precise", "precise.log", "real.yaml"],
    ["--mode", "precise", "precise.log", "both.log"],
    ["--a-mode", "approximate", "--kernel", "6.12", "real.yaml", "approximate.log"],
    ["--a-set", "tasks[small].rss.anon=300MiB", "a.yaml", "b.yaml"],
]
DIFFERENT = [
    ["a.yaml", "b.yaml"],
    ["real.yaml"],
    ["both.log"],
    ["real.yaml", "--a-kernel", "6.12", "--b-kernel", "7.0"],
    ["real.yaml", "real.yaml", "--a-mode", "approximate", "--b-mode", "precise"],
    ["precise.log", "approximate.log"],
    ["a.yaml", "--b-set", "oom.order=3"],
]


@pytest.mark.parametrize(("args", "status"), [(args, 0) for args in SAME] + [(args, 1) for args in DIFFERENT])
def test_status(args: list[str], status: int) -> None:
    for mode in ("approximate", "precise", "both"):
        Path(f"{mode}.log").write_text(run("select", "--mode", mode, "real.yaml").out)
    for form in ("kernel", "table", "json"):
        ran = run("diff", *args, "--format", form)
        assert (ran.status, ran.err) == (status, "")
        if form == "json":
            assert json.loads(ran.out)["same"] == (status == 0)
    assert run("diff", "-q", *args) == (status, "", "")


TROUBLE = [
    (["-", "-"], "standard input can be one side only"),
    (["precise.log"], "precise.log holds one event; name a second input"),
    (["gone.yaml", "a.yaml"], "gone.yaml: No such file or directory"),
    (["a.yml"], "a.yml: No such file or directory; did you mean a.yaml?"),
    (["empty.yaml", "a.yaml"], "empty.yaml: empty; a scenario begins with oomsel: 1"),
    (["--ignore", "names", "a.yaml"], "names cannot be ignored; use some of timestamps,pids,order"),
    (["--a-kernel", "6.1", "precise.log", "a.yaml"], "precise.log is text that was printed"),
    (["--kernel", "6.1", "precise.log", "precise.log"], "--kernel changes nothing in text that was printed"),
    (["--set", "oom.order=1", "precise.log", "precise.log"], "--set changes nothing in text that was printed"),
    (["--cpus", "8", "precise.log", "precise.log"], "--cpus changes nothing in text that was printed"),
    (["--event", "1", "precise.log", "a.yaml"], "a.yaml: --event is for kernel logs, and this is none"),
    (["--mode", "precise", "approximate-heading.log", "a.yaml"], "holds no precise event"),
    (["--mode", "both", "--format", "table", "precise.log", "real.yaml"], "choose with --mode"),
    (["--a-set", "tasks[none].uid=1", "a.yaml"], "no task is called none"),
]


@pytest.mark.parametrize(("args", "message"), TROUBLE)
def test_trouble(args: list[str], message: str) -> None:
    text = run("select", "--mode", "precise", "real.yaml").out
    Path("precise.log").write_text(text)
    Path("approximate-heading.log").write_text("# approximate: so it says\n" + text)
    Path("empty.yaml").write_text("")
    ran = run("diff", *args)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.startswith("oomsel: ")


@pytest.mark.parametrize("text", [False, True])
def test_standard_input(text: bool) -> None:
    raw = run("select", "--mode", "kernel", "a.yaml").out if text else SMALL
    assert run("diff", "-", "a.yaml", stdin=raw.encode()) == (0, "", "")
    assert run("diff", "b.yaml", "-", stdin=raw.encode()).status == 1


def test_pipes_are_read_once() -> None:
    text = run("select", "--mode", "kernel", "a.yaml").out
    for args, fed, status in (
        (["a.yaml", "pipe"], text, 0),
        (["pipe", "b.yaml"], SMALL, 1),
        (["pipe"], SMALL, 0),
        (["pipe", "pipe"], SMALL, 0),
        (["pipe", "a.yaml"], "oomsel: 2\n", 2),
    ):
        os.mkfifo("pipe")
        with subprocess.Popen(["sh", "-c", 'printf %s "$0" > pipe', fed]):
            assert run("diff", *args).status == status
        Path("pipe").unlink()


#: What loggers put before the kernel's lines.
LOGGERS = {
    "dmesg": "[   11.052000] ",
    "caller": "[   11.052000][ T398] ",
    "dmesg -T": "[Mon Nov 24 11:52:00 2026] ",
    "dmesg -x": "kern  :warn  : [   11.052000] ",
    "dmesg -r": "<4>[   11.052000] ",
    "kmsg": "4,900,11520000,-;",
    "journalctl": "Nov 24 11:52:00 host kernel: ",
    "syslog": "Nov 24 11:52:00 host kernel: [   11.052000] ",
    "iso": "2026-11-24T11:52:00.123456+00:00 host kernel: ",
}


@pytest.mark.parametrize("prefix", LOGGERS.values(), ids=LOGGERS)
def test_logs_of_any_logger_are_logs(prefix: str) -> None:
    first, second = (run("select", "--mode", "kernel", name).out.splitlines() for name in ("a.yaml", "b.yaml"))
    Path("one.log").write_text("".join(f"{prefix}{line}\n" for line in first))
    Path("two.log").write_text("".join(f"{prefix}{line}\n" for line in first + second))
    ran = run("diff", "--format", "json", "one.log", "two.log")
    assert json.loads(ran.out)["events"][0]["event"]["victim"] == [
        {"pid": 101, "comm": "large"},
        {"pid": 100, "comm": "small"},
    ]
    assert "two.log: note: 2 reports; this is number 2" in ran.err
    assert "one.log: note: 1 report" not in ran.err
    assert run("diff", "one.log", "two.log", "--event", "1").status == 0
    assert "no report number 3" in run("diff", "one.log", "two.log", "--event", "3").err


def test_a_text_of_several_events_is_not_merged() -> None:
    Path("two.txt").write_text(run("select", "--mode", "kernel", "a.yaml", "b.yaml").out)
    ran = run("diff", "--format", "table", "two.txt", "b.yaml")
    assert "two.txt: note: 2 reports; this is number 2" in ran.err
    assert "victim:" not in ran.out


def test_log_options_go_to_the_log() -> None:
    lines = run("select", "--mode", "kernel", "a.yaml", "b.yaml").out.splitlines()
    log = "".join(f"[   11.052000] {line}\n" for line in lines if not line.startswith("#"))
    Path("two.log").write_text(log)
    Path("text.txt").write_text(run("select", "--mode", "kernel", "a.yaml").out)
    for other in ("a.yaml", "text.txt"):
        args = ["diff", "--format", "json", "two.log", other, "--event"]
        assert "victim" not in json.loads(run(*args, "1").out)["events"][0]["event"]
        assert "victim" in json.loads(run(*args, "2").out)["events"][0]["event"]
        ran = run("diff", "--event", "1", "--format", "json", "-", other, stdin=log.encode())
        assert "victim" not in json.loads(ran.out)["events"][0]["event"]


def test_table_tells_moved_from_changed() -> None:
    Path("b.yaml").write_text(
        SMALL.replace("100MiB", "300MiB").replace("pid: 102, comm: other", "pid: 103, comm: fresh")
    )
    assert run("diff", "--format", "table", "a.yaml", "b.yaml").out == (
        "A: a.yaml (precise)\nB: b.yaml (precise)\n"
        "           pid  name   what changed, from A to B\n"
        "changed    100  small  fate survives -> victim, rank 2 -> 1, badness 25600 ->\n"
        "                       76800 (+51200), rss 25600 -> 76800 (+51200), anon 25600\n"
        "                       -> 76800 (+51200), total_vm 25600 -> 76800 (+51200)\n"
        "changed    101  large  fate victim -> survives, rank 1 -> 2\n"
        "only in A  102  other  fate survives, eligibility may be killed, rank 3, badness\n"
        "                       12800, rss 12800, anon 12800, total_vm 12800\n"
        "only in B  103  fresh  fate survives, eligibility may be killed, rank 3, badness\n"
        "                       12800, rss 12800, anon 12800, total_vm 12800\n"
        "victim: 101 (large) -> 100 (small)\n"
        "tasks: 2 changed, 1 only in A, 1 only in B\n"
    )
    Path("c.yaml").write_text("".join(SMALL.splitlines(keepends=True)[index] for index in (0, 1, 2, 5, 3, 4)))
    moved = run("diff", "--format", "table", "a.yaml", "c.yaml")
    assert moved.out.splitlines()[3] == "moved  102  other  its place in the table"
    assert moved.out.splitlines()[-1] == "tasks: 1 moved"
    for form in ("table", "kernel", "json"):
        args = ["--format", form, "--set", "oom.current=100", "a.yaml", "c.yaml"]
        assert run("diff", "--ignore", "order", *args).status == 0
        assert run("diff", *args).status == 1


def test_eligibility() -> None:
    ran = run("diff", "--format", "table", "a.yaml", "--b-set", "tasks[large].oom_score_adj=-1000")
    changed = " ".join(ran.out[ran.out.index(" 101 ") :].split())
    assert "rank 1 -> none" in changed
    assert "eligibility may be killed -> has oom_score_adj -1000" in changed


def test_ignore_makes_two_boots_the_same() -> None:
    text = run("select", "--mode", "kernel", "--timestamps", "a.yaml").out
    Path("one.log").write_text(text)
    other = SMALL.replace("100", "7100").replace("101", "7099").replace("102", "98").replace("7100MiB", "100MiB")
    lines = other.splitlines(keepends=True)
    Path("other.yaml").write_text("".join(lines[index] for index in (0, 1, 2, 3, 5, 4)))
    Path("two.log").write_text(run("select", "--mode", "kernel", "other.yaml").out)
    for form in ("kernel", "table"):
        same = run("diff", "--format", form, "--ignore", "timestamps,pids,order", "one.log", "two.log")
        assert same.status == 0, same.out
        for missing in ("pids,order", "timestamps,order", "timestamps,pids"):
            if form == "kernel" or "pids" not in missing or "order" not in missing:
                assert run("diff", "--format", form, "--ignore", missing, "one.log", "two.log").status == 1


def test_colour_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run("diff", "real.yaml").out
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run("diff", "real.yaml").out
    assert "\x1b[31m-[    247]" in coloured
    run("diff", "real.yaml", "-o", "d.diff")
    assert Path("d.diff").read_text() == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("diff", "real.yaml").out == plain


def test_lines_end_at_newlines_alone() -> None:
    text = run("select", "--mode", "kernel", "a.yaml").out
    for index, odd in enumerate(("\r", "\f", "\x85", "\u2028")):
        Path("x.log").write_bytes(text.replace("large", f"la{odd}ge").encode())
        Path("y.log").write_bytes(text.replace("large", f"La{odd}ge").encode())
        ours = run("diff", "x.log", "y.log", "-o", f"{index}.diff")
        theirs = subprocess.run(
            ["diff", "-u", "--label", "x.log", "--label", "y.log", "x.log", "y.log"], capture_output=True, check=False
        )
        assert (ours.status, theirs.returncode) == (1, 1)
        assert Path(f"{index}.diff").read_bytes().count(b"\n") == theirs.stdout.count(b"\n")


def test_hostile_text_does_not_reach_the_terminal() -> None:
    text = run("select", "--mode", "kernel", "a.yaml").out
    Path("hostile.log").write_text(text.replace("large", "\x1b]0;x\x07"))
    for form in ("kernel", "table", "json"):
        ran = run("diff", "--format", form, "a.yaml", "hostile.log")
        assert ran.status == 1
        assert not set(ran.out) & {"\x1b", "\x07"}


def test_a_text_does_not_know_who_dies_silently() -> None:
    Path("shared.yaml").write_text(
        SMALL.replace("comm: large,", "comm: large, mm: A,") + "  - {pid: 103, comm: thread, mm: A}\n"
    )
    Path("shared.log").write_text(run("select", "--mode", "kernel", "shared.yaml").out)
    assert run("diff", "--format", "table", "shared.yaml", "shared.log").status == 0
    apart = run("diff", "--format", "table", "shared.yaml", "--b-set", "tasks[small].rss.anon=400MiB")
    assert "changed  101  large   fate killed -> survives" in apart.out
    assert "changed  103  thread  fate victim -> survives" in apart.out
