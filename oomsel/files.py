"""Files: written whole or not at all, and compared line by line."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

#: What the names of temporary files end in.
_TEMPORARY = ".oomsel-new"
#: Temporary files of this process; whoever ends it without unwinding removes them first.
_present: set[str] = set()
#: Folders in which this process has looked for what a killed one left.
_tidied: set[str] = set()


def write_whole(put: Callable[[IO[bytes]], Any], name: str) -> None:
    """Fill the file `name` with what `put` writes in one step, so that nobody ever reads half of it; raises OSError.

    What an earlier writer left beside it that was killed, so that it could not tidy up, is removed.
    """
    import stat

    target = os.path.realpath(name)  # a link stays one
    try:
        there = os.stat(target)  # raises OSError for links in a loop
    except FileNotFoundError:
        pass
    else:
        if not stat.S_ISREG(there.st_mode):
            with open(target, "wb") as file:  # a device or a pipe cannot be replaced
                put(file)
            return
    _tidy(os.path.dirname(target))
    with _temporary_beside(target) as (descriptor, temporary):
        with os.fdopen(os.dup(descriptor), "wb") as file:
            put(file)
        # Closed before it is renamed: a network's file system tells only then that it is full.
        os.chmod(temporary, _mode_for(target))
        os.replace(temporary, target)


@contextmanager
def _temporary_beside(target: str) -> Iterator[tuple[int, str]]:
    """A new file in the target's folder, open and locked for as long as it is written; gone in the end."""
    with _removed_on_sigterm():
        while True:
            temporary = _new_name(target)
            _present.add(temporary)  # before it is there: a signal may come at any moment
            try:
                descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
                try:
                    lock(descriptor, wait=True)
                    if os.fstat(descriptor).st_nlink:  # else another process has tidied up before it was locked
                        yield descriptor, temporary
                        return
                finally:
                    os.close(descriptor)
            finally:
                remove_temporaries([temporary])


def _new_name(target: str) -> str:
    folder, base = os.path.split(target)
    cut = os.fsdecode(os.fsencode(base)[:200])  # a name has at most 255 bytes
    return os.path.join(folder, f".{cut}.{os.urandom(6).hex()}{_TEMPORARY}")


def remove_temporaries(names: list[str] | None = None) -> None:
    """Remove temporary files of this process, by default all: for whoever ends it without unwinding."""
    for name in list(_present) if names is None else names:
        with suppress(OSError):
            os.unlink(name)
        _present.discard(name)


def lock(descriptor: int, *, wait: bool) -> bool | None:
    """Lock a file until it is closed; False where another has locked it, None where no file can be locked."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


def _tidy(folder: str) -> None:
    """Remove the temporary files in a folder whose writers are no more, once a process: nobody has locked them."""
    if folder in _tidied:
        return
    _tidied.add(folder)
    with suppress(OSError):
        names = [entry.path for entry in os.scandir(folder) if _is_temporary(entry)]
        for name in names:
            with suppress(OSError):
                descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    if lock(descriptor, wait=False):
                        os.unlink(name)
                finally:
                    os.close(descriptor)


def _is_temporary(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return name.startswith(".") and name.endswith(_TEMPORARY) and entry.is_file(follow_symlinks=False)


@contextmanager
def _removed_on_sigterm() -> Iterator[None]:
    """SIGTERM ends a process without unwinding it; inside the block it removes the temporary files first."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def end(number: int, _: object) -> None:
        remove_temporaries()
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
