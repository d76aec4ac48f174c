"""`oomsel capture`, and `--live`: the running machine, or a copy of its files, as a scenario."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import oomsel
from oomsel.inputs.proc.counters import ASSUMED
from tests.inputs.proc.conftest import unpack
from tests.running import run

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc as Linux has it")


NOWHERE = "nowhere: no proc/meminfo can be read; name a directory that holds proc and sys"


@pytest.fixture
def copied(tmp_path: Path) -> tuple[str, ...]:
    """The options for a copy of a guest's files."""
    root = unpack("6.12.117", tmp_path / "guest")
    return ("--root", str(root), "--kcmp", str(root / "kcmp.txt"))


def test_yaml_with_a_comment_that_the_split_is_assumed(copied: tuple[str, ...]) -> None:
    ran = run("capture", *copied)
    assert ran.status == 0
    assert ran.out.split("\n")[0] == f"# W{ASSUMED[1:]}."
    root = copied[1]
    assert ran.err == (
        f"oomsel: {root}: note: 4 kernel threads, which are never chosen, are left out\n"
        f"oomsel: {root}: note: oom_score predicted for 46 of 46; this kernel reads approximately\n"
        f"oomsel: {root}: note: MemTotal is the machine's own: by the oom_scores it has at least 150410 and at most"
        " 152593 pages of RAM and swap, and MemTotal and SwapTotal are 150650\n"
        f"oomsel: {root}: note: not eligible, the global init: 1 (init)\n"
        f"oomsel: {root}: note: not eligible, in the middle of vfork: 327 (vfchild)\n"
        f"oomsel: {root}: note: not eligible, oom_score_adj -1000: 387 (protected), 645 (c-never), 659 (allocator)\n"
    )


def test_the_form_is_what_the_name_ends_in(copied: tuple[str, ...], tmp_path: Path) -> None:
    scenarios = []
    for name in ("a.yaml", "a.json", "a.npz"):
        assert run("-q", "capture", *copied, "-o", tmp_path / name) == (0, "", "")
        scenarios.append(oomsel.load(tmp_path / name))
    assert (tmp_path / "a.json").read_text().startswith("{")
    assert all(each.tasks == scenarios[0].tasks for each in scenarios)
    assert all(each.description == scenarios[0].description for each in scenarios)
    assert run("-q", "capture", *copied, "--format", "json").out == (tmp_path / "a.json").read_text()


def test_what_was_seen_is_told_again(copied: tuple[str, ...]) -> None:
    captured = run("-q", "capture", *copied).out.encode()
    told = run("explain", "-", stdin=captured)
    assert told.status == 0
    assert "\nTHE SCENARIO\n4 kernel threads, which are never chosen, are left out\noom_score predicted" in told.out
    assert told.err == ""
    assert run("select", "--mode", "kernel", "-", stdin=captured).out.count("Killed process 219 (over)") == 1


@LINUX
def test_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "now.yaml"
    ran = run("capture", "-o", file)
    assert (ran.status, ran.out) == (0, "")
    assert "oom_score predicted for " in ran.err
    assert run("select", file).status == 0
    told = run("explain", "--live")
    assert (told.status, told.err) == (0, "")  # the notes stand in the text
    assert "\nTHE SCENARIO\n" in told.out
    table = run("select", "--live", "--format", "table")
    assert table.status == 0
    assert " oom_score " in table.out
    assert "oom_score predicted for " in table.err


@LINUX
def test_proc_is_an_input(tmp_path: Path) -> None:
    assert run("-q", "select", "--mode", "kernel", "/proc").status == 0
    ran = run("select", "--last", "/proc")
    assert ran == (2, "", "oomsel: /proc: --last is for kernel logs, and this is none; leave it out\n")


@LINUX
def test_what_if_on_this_machine() -> None:
    ran = run("explain", "--live", "--set", "sysctl.panic_on_oom=2")
    assert "vm.panic_on_oom is 2: the machine panics before anybody is chosen." in ran.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("capture", "--kcmp", "x"), "--kcmp is for a copy; use it with --root; see oomsel capture --help"),
        (("capture", "--root", "nowhere"), NOWHERE),
        (("explain", "--live", "x"), "--live is this machine, and takes no SCENARIO; see oomsel explain --help"),
        (("select",), "-: nothing came through the pipe; dmesg may need sudo"),
    ],
)  # fmt: skip
def test_errors(words: tuple[str, ...], message: str) -> None:
    assert run(*words) == (2, "", f"oomsel: {message}\n")


@pytest.mark.parametrize("words", [("capture",), ("explain", "--live"), ("select", "--live")])
def test_elsewhere_than_on_linux(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert run(*words) == (2, "", "oomsel: /proc: this is darwin; use Linux, or a copy with --root\n")


def test_what_is_wrong_with_kcmp_is_of_that_file(copied: tuple[str, ...], tmp_path: Path) -> None:
    wrong = tmp_path / "kcmp"
    wrong.write_text("no pid\n")
    ran = run("capture", *copied[:2], "--kcmp", wrong)
    assert ran == (2, "", f"oomsel: {wrong}: not only pids; use an mm a line, the pids of its threads\n")
