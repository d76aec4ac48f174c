"""Files: written whole or not at all, and compared line by line."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any


def write_whole(put: Callable[[IO[bytes]], Any], name: str) -> None:
    """Fill the file `name` with what `put` writes in one step, so that nobody ever reads half of it; raises OSError."""
    import stat
    import tempfile

    target = os.path.realpath(name)  # a link stays one
    if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
        with open(target, "wb") as file:  # a device or a pipe cannot be replaced
            put(file)
        return
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=f".{os.path.basename(target)}.")
    try:
        with _removed_on_sigterm(temporary), os.fdopen(descriptor, "wb") as file:
            put(file)
            file.flush()
            os.chmod(temporary, _mode_for(target))
            os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def _removed_on_sigterm(temporary: str) -> Iterator[None]:
    """SIGTERM ends a process without unwinding it; inside the block it removes the file first."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def end(number: int, _: object) -> None:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _mode_for(target: str) -> int:
    """The permissions that an ordinary write would leave."""
    if os.path.exists(target):
        return os.stat(target).st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends: as the kernel and `diff` have it, nothing but a newline ends one.

    >>> lines_of("a\\rb\\n\\nc")
    ['a\\rb\\n', '\\n', 'c']
    """
    return list(io.StringIO(text, newline="\n"))
