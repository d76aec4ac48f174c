"""`oomsel capture` of a kernel's memory: recorded dumps through real drgn, and what it refuses."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import oomsel
from oomsel.inputs.vmcore import capture as opening
from tests.inputs.vmcore.recorded import Recorded
from tests.running import run


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """A dump that `--vmcore` opens whatever file it names."""
    dump = Recorded("6.12.117-tree-1")
    monkeypatch.setattr(opening, "open_program", lambda _: dump.program())
    return dump


@pytest.mark.parametrize("form", ["yaml", "json", "npz"])
def test_captured_to_a_file_and_selected(form: str, recorded: Recorded, tmp_path: Path) -> None:
    file = tmp_path / f"dump.{form}"
    where = f"{recorded.oom.address:x}:{recorded.oom.cpu}"
    ran = run("capture", "--vmcore", "vmcore", "--oom-control", where, "-o", file)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    selected = run("select", "--mode", "approximate", file)
    assert selected.out == recorded.report
    assert oomsel.load(str(file)).title == "Linux 6.12.117+deb13-cloud-amd64 in vmcore"


def test_what_threads_hold_back_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    dump = Recorded("5.10.223-09-0")
    monkeypatch.setattr(opening, "open_program", lambda _: dump.program())
    ran = run("capture", "--vmcore", "vmcore")
    assert ran.status == 0
    assert ran.err.startswith("oomsel: vmcore: note: before 6.2 each thread holds back ")
    assert "before 6.2 each thread holds back " in ran.out


def test_a_byte_is_missing(recorded: Recorded) -> None:
    address = recorded.types["addresses"]["percpu_counter_batch"]
    recorded.memory[address] = recorded.memory[address][:-1]
    ran = run("capture", "--vmcore", "vmcore")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        f"oomsel: vmcore: the memory at {address:#x} is not there; the dump is cut, damaged or filtered too hard\n"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@pytest.mark.parametrize("words", [["--vmcore", "PIPE"], ["--vmcore", __file__, "--vmlinux", "PIPE"]])
def test_a_pipe_is_not_waited_for(words: list[str], tmp_path: Path) -> None:
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    ran = run("capture", *(word.replace("PIPE", pipe) for word in words))
    said = "no regular file, which is read here and there; save it in one first"
    assert (ran.status, ran.out, ran.err) == (2, "", f"oomsel: {pipe}: {said}\n")


@pytest.mark.parametrize("words", [["--vmcore", "/etc/hostname"], ["--kcore"], ["--qemu", "/nowhere"]])
def test_without_drgn(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "drgn", None)
    ran = run("capture", *words)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith("needs drgn, which is not installed; pip install drgn\n")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--vmcore", "a", "--kcore"], "one kernel at a time; use one of --vmcore, --kcore and --qemu"),
        (["--vmlinux", "a"], "one kernel at a time; use one of --vmcore, --kcore and --qemu"),
        (["--vmcore", "a", "--root", "b"], "--root, --kcmp and --mempolicies are for /proc, not for a kernel's memory"),
        (["--vmcore", "a", "--oom-control", "here"], "--oom-control: here is no address with a CPU; use a form like "),
        (["--vmcore", __file__], f"{__file__}: no core dump of a kernel: neither an ELF core file nor one of "),
        (["--qemu", "/no/socket"], "/no/socket: No such file or directory"),
    ],
)
def test_refused(words: list[str], says: str) -> None:
    ran = run("capture", *words)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1
