"""Exit statuses hold whatever the standard streams are, and Ctrl-C is quiet at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
FLIP = ROOT / "examples" / "real-contest.yaml"
FULL = "oomsel: standard output: No space left on device\n"
CLOSED = "oomsel: standard output: it is closed\n"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (f"check {FLIP} 2>&-", 0, ""),
        (f"select {FLIP} 2>&-", 0, ""),
        ("select nowhere.yaml 2>&-", 2, ""),
        ("selct 2>&-", 2, ""),
        ("2>/dev/full", 2, ""),
        ("select nowhere.yaml 2>/dev/full", 2, ""),
        (f"select --verbose {FLIP} 2>/dev/full", 0, ""),
        (f"check {FLIP} >&-", 2, CLOSED),
        (f"select {FLIP} >&-", 2, CLOSED),
        (f"select {FLIP} >/dev/full", 2, FULL),
        (f"select {FLIP} >/dev/full 2>/dev/full", 2, ""),
        (f"select --format table {FLIP} >/dev/full", 2, FULL),
        ("--help >/dev/full", 2, FULL),
        ("select --help >/dev/full", 2, FULL),
        ("--version >/dev/full", 2, FULL),
        (f"select {FLIP} <&-", 0, ""),
    ],
)
def test_the_status_holds(arguments: str, status: int, said: str) -> None:
    command = f'"$0" -m oomsel {arguments}'
    ran = subprocess.run(["sh", "-c", command, sys.executable], capture_output=True, check=False, text=True)
    assert (ran.returncode, ran.stderr) == (status, said)


def test_standard_error_that_nobody_reads_is_no_reason_to_end() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run([sys.executable, "-m", "oomsel", "select", "nowhere.yaml"], stderr=writing, check=False)
    os.close(writing)
    assert ran.returncode == 2


def test_a_file_never_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = f'"$0" -m oomsel select {FLIP} -o {out} <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", command, sys.executable], check=False).returncode == 0
    assert out.read_text().endswith("frees 499 pages (1.9 MiB) less.\n")


@pytest.mark.parametrize("milliseconds", [0, 30, 70, 120, 170, 220])
def test_ctrl_c_is_quiet_at_any_moment(milliseconds: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("old")
    # A moment after main() has begun, for what comes before it is the interpreter's.
    code = "import oomsel.__main__ as entry; print(flush=True); entry.main()"
    arguments = [sys.executable, "-c", code, "select", str(FLIP), "-o", str(out)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode in (0, 130, -signal.SIGINT)  # done, interrupted, interrupted while it ended
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    text = out.read_text()
    assert text == "old" or text.endswith("less.\n")
