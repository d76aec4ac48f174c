"""Files are written whole or not at all, also where the writer is told to end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

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


def test_a_handler_of_the_callers_stays(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    write_whole(lambda file: file.write(b"new"), str(tmp_path / "out"))
    assert signal.getsignal(signal.SIGTERM) == before
    assert (tmp_path / "out").read_bytes() == b"new"
