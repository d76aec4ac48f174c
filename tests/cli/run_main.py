"""Running the command line inside the test process."""

from __future__ import annotations

import gc
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
    gc.enable()  # main turns it off for a process that ends soon
    out, err = capsysbinary.readouterr()
    assert isinstance(exit_.value.code, int)
    return Ran(exit_.value.code, out.decode(), err.decode())
