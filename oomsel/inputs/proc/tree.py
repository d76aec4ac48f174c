"""Where the files are: this machine's own, or a copy of them.  Every read of a file goes through `Tree.read`."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from oomsel.errors import InputError, Problem
from oomsel.text import list_or_none

#: One read(2) of a file in /proc gets what the kernel wrote in one go; only what is longer is read on.
_FIRST_READ = 1 << 16
#: No file that is read here comes near it; in a copy anything may lie.
_MOST = 1 << 24
#: What this machine is called in notes and errors.
LIVE = "/proc"


class Directory(NamedTuple):
    """The directory of a process, open, so that whatever is read through it is of that process."""

    path: str
    descriptor: int


class Tree:
    """The files of one machine; paths are relative, like `proc/meminfo`.

    `root` is the directory that holds a copy; None, or `/`, is this machine.  Raises InputError
    where that is no Linux.
    """

    def __init__(self, root: str | None = None) -> None:
        self.is_live = root is None or os.path.realpath(root) == "/"
        self.root = "/" if root is None or self.is_live else root
        self.name = LIVE if self.is_live else self.root  #: what notes and errors call it
        self.malformed: dict[str, None] = {}  #: settings that hold what no kernel writes, in the order of reading
        self._real = os.path.realpath(self.root)
        if self.is_live and sys.platform != "linux":
            raise InputError(self.name, [Problem(f"this is {sys.platform}; use Linux, or a copy with --root")])

    def read(self, path: str, directory: Directory | None = None) -> bytes:
        """The file at `path`, relative to a process's directory where one is given; raises OSError."""
        if self.is_live and directory is not None:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory.descriptor)
        elif self.is_live:
            file = os.open(f"/{path}", os.O_RDONLY | os.O_CLOEXEC)
        else:
            file = self._open_copied(path if directory is None else f"{directory.path}/{path}")
        try:
            raw = os.read(file, _FIRST_READ)
            if len(raw) == _FIRST_READ:
                while len(raw) < _MOST and (more := os.read(file, _MOST)):
                    raw += more
            return raw
        finally:
            os.close(file)

    def text(self, path: str) -> str | None:
        """The file at `path` without the white space around it; None where it cannot be read."""
        try:
            return self.read(path).decode("utf-8", "surrogateescape").strip()
        except OSError:
            return None

    def number(self, path: str) -> int | None:
        """The whole number in the file at `path`; None where there is none."""
        text = self.text(path)
        if text is not None and text.isascii() and text.isdecimal() and len(text) < 20:
            return int(text)
        if text not in (None, "max"):
            self.malformed[path] = None
        return None

    def numbers(self, path: str) -> list[int]:
        """The list of numbers in the file at `path`; empty where there is none."""
        text = self.text(path)
        numbers = list_or_none(text or "")
        if text and numbers is None:
            self.malformed[path] = None
        return numbers or []

    def exists(self, path: str) -> bool:
        """Whether there is a file at `path`."""
        try:
            return os.path.exists(self._within(path))
        except OSError:
            return False

    def names(self, path: str) -> list[str]:
        """What is in the directory at `path`; raises OSError."""
        return os.listdir(self._within(path))

    def inode(self, path: str) -> int:
        """The inode number of the directory at `path`; 0 where there is none."""
        try:
            return os.stat(self._within(path)).st_ino
        except OSError:
            return 0

    def link(self, path: str) -> str | None:
        """What the symbolic link at `path` holds; None where it cannot be read."""
        try:
            return os.readlink(os.path.join(self.root, path))
        except OSError:
            return None

    @contextmanager
    def directory(self, path: str) -> Iterator[Directory]:
        """The directory at `path`, open inside the block; raises OSError."""
        descriptor = os.open(self._within(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield Directory(path, descriptor)
        finally:
            os.close(descriptor)

    def _open_copied(self, path: str) -> int:
        file = os.open(self._within(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(file).st_mode):  # a pipe would be waited for
            os.close(file)
            raise FileNotFoundError(path)
        return file

    def _within(self, path: str) -> str:
        """Where `path` is; a copy's links that lead out of it lead nowhere."""
        if "\0" in path:  # as no file's name has it, and a copy's files may hold anything
            raise FileNotFoundError(path)
        full = os.path.join(self.root, path)
        if self.is_live:
            return full
        real = os.path.realpath(full)
        if real != self._real and not real.startswith(f"{self._real}{os.sep}"):
            raise FileNotFoundError(path)
        return real
