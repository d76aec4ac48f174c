"""Files are written whole or not at all, also where the writer is told to end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from oomsel.files import write_whole

WRITER = """
import sys, time
from oomsel.files import write_whole
def put(file):
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
write_whole(put, sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_sigterm_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("old")
    with subprocess.Popen([sys.executable, "-c", WRITER, target], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        writer.send_signal(signal.SIGTERM)
    assert writer.returncode == -signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert target.read_text() == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no locks")
def test_what_a_killed_writer_left_goes_and_a_living_ones_stays(tmp_path: Path) -> None:
    killed, living = (
        subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / name], stdout=subprocess.PIPE)
        for name in ("killed", "living")
    )
    with killed, living:
        for writer in (killed, living):
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"writing\n"
        killed.kill()
        killed.wait()
        (tmp_path / ".another.file").write_text("whose it is nobody knows")
        left = {path.name.split(".")[1] for path in tmp_path.iterdir()}
        assert left == {"killed", "living", "another"}
        write_whole(lambda file: file.write(b"new"), str(tmp_path / "out"))
        names = sorted(path.name for path in tmp_path.iterdir())
        living.kill()
    assert [name.split(".")[:2] for name in names] == [["", "another"], ["", "living"], ["out"]]


def test_an_error_while_it_is_written_leaves_nothing(tmp_path: Path) -> None:
    def put(file: IO[bytes]) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(put, str(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
def test_a_full_device_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_whole(lambda file: file.write(b"new"), str(tmp_path / "out"))


def test_links_in_a_loop_stay(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("out")
    with pytest.raises(OSError, match=str(tmp_path / "out")):
        write_whole(lambda file: file.write(b"new"), str(tmp_path / "out"))
    assert (tmp_path / "out").is_symlink()


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    name = "\u00e9" * 127  # 254 bytes
    write_whole(lambda file: file.write(b"new"), str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_handler_of_the_callers_stays(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    write_whole(lambda file: file.write(b"new"), str(tmp_path / "out"))
    assert signal.getsignal(signal.SIGTERM) == before
    assert (tmp_path / "out").read_bytes() == b"new"
