"""The standard streams, whatever they are: closed, full, or a pipe that nobody reads.

Standard error never changes an exit status; standard output that cannot be written is trouble, as with diff(1).
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

import click

#: Full or too large, broken, closed.
_OF_WRITING = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EPIPE, errno.EBADF)


def is_terminal(stream: IO[Any] | None) -> bool:
    """Whether a standard stream, None where it is closed, is a terminal."""
    return stream is not None and stream.isatty()


def write_error(text: bytes) -> None:
    """Bytes on standard error; where they cannot be written, nothing more can be said."""
    try:
        with _broken_pipes_raise():
            click.echo(text, nl=False, err=True)
    except (OSError, ValueError):
        discard(sys.stderr)


def is_of_writing(error: OSError) -> bool:
    """Whether an error is that of a stream that cannot be written."""
    return error.filename is None and error.errno in _OF_WRITING


def discard(stream: IO[Any] | None) -> None:
    """Drop what could not be written and all that follows: the interpreter would try it again when it ends."""
    with suppress(OSError, ValueError):
        if stream is not None:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def open_closed_streams() -> None:
    """Open what is closed of the descriptors 0 to 2, so that no file gets one of them: libraries write to 1 and 2."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


@contextmanager
def _broken_pipes_raise() -> Iterator[None]:
    """Nobody's reading standard error is no reason to end."""
    if not hasattr(signal, "SIGPIPE"):
        yield
        return
    before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGPIPE, before)
