"""Running the command line inside the test process, for tests to which nothing matters but what it says."""

from __future__ import annotations

import gc
import io
import signal
import sys
from typing import NamedTuple

from oomsel.cli import main


class Ran(NamedTuple):
    """How a call ended: exit status, standard output, standard error (no UTF-8 as surrogateescape has it)."""

    status: int
    out: str
    err: str


def run(*arguments: object, stdin: bytes | None = b"") -> Ran:
    """Calls `oomsel ARGUMENTS...`, with `stdin` as standard input, None for a closed one."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    before = sys.stdin, sys.stdout, sys.stderr
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGPIPE)}
    collects = gc.isenabled()
    sys.stdin = None if stdin is None else io.TextIOWrapper(io.BytesIO(stdin))
    sys.stdout, sys.stderr = out, err
    status: object = None
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as ended:
        status = ended.code
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        # What main does to a process that ends soon must not outlive the test.
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if collects:
            gc.enable()
    assert isinstance(status, int)
    for stream in (out, err):
        stream.flush()
    return Ran(status, *(stream.buffer.getvalue().decode("utf-8", "surrogateescape") for stream in (out, err)))
