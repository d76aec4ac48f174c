"""-o FILE: whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.cli.test_select import FLIP, KILL_OVER
from tests.running import run

ARGUMENTS = ("select", "--mode", "approximate", "-")


def test_output_goes_to_the_file_and_nowhere_else(tmp_path: Path) -> None:
    target = tmp_path / "out.log"
    assert run(*ARGUMENTS, "-o", target, stdin=FLIP.encode()) == (0, "", "")
    assert target.read_text(encoding="utf-8") == KILL_OVER
    assert os.listdir(tmp_path) == ["out.log"]


def test_a_dash_is_standard_output() -> None:
    assert run(*ARGUMENTS, "-o", "-", stdin=FLIP.encode()) == (0, KILL_OVER, "")


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        run(*ARGUMENTS, "-o", tmp_path / "out", stdin=FLIP.encode())
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o666 & ~mask


def test_an_existing_file_keeps_its_permissions_and_a_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "out", tmp_path / "link"
    target.write_text("before\n" * 1000, encoding="utf-8")
    target.chmod(0o640)
    link.symlink_to(target)
    run(*ARGUMENTS, "-o", link, stdin=FLIP.encode())
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == KILL_OVER
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_after_an_error_the_file_is_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("before", encoding="utf-8")
    assert run(*ARGUMENTS, "-o", target, stdin=b"oomsel: 2\n").status == 2
    assert target.read_text(encoding="utf-8") == "before"


@pytest.mark.parametrize("name", ["none/out", "file/out", "."])
def test_a_place_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    ran = run(*ARGUMENTS, "-o", tmp_path / name, stdin=FLIP.encode())
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"oomsel: {tmp_path / name}: ")
    assert len(ran.err.splitlines()) == 1
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_cannot_be_replaced_is_left_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "out"
    target.write_text("before", encoding="utf-8")
    monkeypatch.setattr(os, "replace", refuse)
    ran = run(*ARGUMENTS, "-o", target, stdin=FLIP.encode())
    assert ran == (2, "", f"oomsel: {target}: No space left on device\n")
    assert (target.read_text(encoding="utf-8"), os.listdir(tmp_path)) == ("before", ["out"])


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(*ARGUMENTS, "-o", pipe, stdin=FLIP.encode()) == (0, "", "")
        assert os.read(reader, 1 << 16).decode() == KILL_OVER
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
