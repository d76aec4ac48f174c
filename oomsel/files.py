"""Files: written whole or not at all, and compared line by line."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
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
        with os.fdopen(descriptor, "wb") as file:
            put(file)
        os.chmod(temporary, _mode_for(target))
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


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
