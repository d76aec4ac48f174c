"""A line on a terminal that says how much of a long log is read."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from oomsel.cli.streams import is_terminal, write_error

#: Seconds before anything is shown, and between two changes of it.
_PATIENCE = 0.5


@contextmanager
def watching(name: str) -> Iterator[Callable[[int], None] | None]:
    """The function that a reader calls with the number of bytes read so far; None if standard error is no terminal."""
    if not is_terminal(sys.stderr):
        yield None
        return
    size = os.path.getsize(name) if os.path.isfile(name) else 0
    shown = False
    due = time.monotonic() + _PATIENCE

    def progress(done: int) -> None:
        nonlocal shown, due
        now = time.monotonic()
        if now < due:
            return
        due, shown = now + _PATIENCE / 4, True
        # Of a compressed file the bytes read are the uncompressed ones: there is no end to measure them by.
        part = f"{done * 100 // size:3d}% " if size and done <= size else ""
        write_error(f"\r{part}{done >> 20} MiB read ".encode())

    try:
        yield progress
    finally:
        if shown:
            write_error(b"\r" + b" " * 32 + b"\r")
