"""Running the command line inside the test process."""

from __future__ import annotations

import gc
import signal
from typing import NamedTuple

import pytest

from oomsel.cli import main


class Ran(NamedTuple):
    """What a command did."""

    status: int
    out: str
    err: str


def run(capsysbinary: pytest.CaptureFixture[bytes], *args: object) -> Ran:
    """Run `oomsel ARGS...`."""
    capsysbinary.readouterr()
    with pytest.raises(SystemExit) as exit_:
        main([str(arg) for arg in args])
    # What main does to a process that ends soon must not outlive the test.
    gc.enable()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    out, err = capsysbinary.readouterr()
    assert isinstance(exit_.value.code, int)
    return Ran(exit_.value.code, out.decode(), err.decode())
