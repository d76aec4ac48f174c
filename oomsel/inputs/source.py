"""The bytes of an input, a file or standard input, as a stream; uncompressed if they begin as compressed ones do."""

from __future__ import annotations

import io
import os
import stat
import sys
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from oomsel.errors import InputError, Problem, TooLarge, UsageError
from oomsel.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN = "-"
#: What the names of scenarios end in.
SUFFIXES = (".yaml", ".yml", ".json", ".npz")

#: So many names of a folder are compared to find the one that is nearest to a misspelt name.
MAX_LISTED = 5000
#: Bytes at the beginning of an input by which its kind is told.
HEAD = 1 << 16
#: Bytes of an input that is read as a whole, as documents are; reports of a log are read one by one.
MOST_TEXT, MOST_BUNDLE = 1 << 29, 1 << 32
#: A compressed one may become so large, and for each of its own bytes so much larger.
_SMALL, _RATIO = 1 << 26, 200
_PART = 1 << 24


def _gzip(raw: IO[bytes]) -> IO[bytes]:
    import gzip

    return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))


def _bzip2(raw: IO[bytes]) -> IO[bytes]:
    import bz2

    return cast("IO[bytes]", bz2.BZ2File(raw))


def _xz(raw: IO[bytes]) -> IO[bytes]:
    import lzma

    return cast("IO[bytes]", lzma.LZMAFile(raw))


def _zstd(raw: IO[bytes]) -> IO[bytes]:
    from importlib import import_module

    for module in ("compression.zstd", "zstandard", "pyzstd"):  # the first is Python's own since 3.14
        try:
            zstd: Any = import_module(module)
        except ImportError:
            continue
        if module == "zstandard":
            return cast("IO[bytes]", zstd.ZstdDecompressor().stream_reader(raw, read_across_frames=True))
        return cast("IO[bytes]", zstd.ZstdFile(raw))
    raise ImportError("compressed with zstd, which this Python cannot read; pip install zstandard")


#: What a compressed stream begins with, and what reads it.
_MAGIC: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": _bzip2,
    b"\xfd7zXZ\x00": _xz,
    b"\x28\xb5\x2f\xfd": _zstd,
}


class Peekable:
    """A stream that can be asked for its next bytes before they are read.

    `compressed` is the one that it is uncompressed from, if any.
    """

    def __init__(self, raw: IO[bytes], compressed: Peekable | None = None) -> None:
        self._raw = raw
        self._compressed = compressed
        # A buffered reader that fails in the middle of a longer read drops what it has read before.
        self._read: Callable[[int], bytes] = getattr(raw, "read1", None) or raw.read
        self._readinto: Callable[[memoryview], int | None] | None
        self._readinto = getattr(raw, "readinto1", None) or getattr(raw, "readinto", None)
        self._ahead = b""
        self._failure: Exception | None = None
        self.taken = 0  #: bytes that have been read from `raw`

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end or where reading fails; they are still to be read."""
        while len(self._ahead) < size:
            try:
                more = self._next(size - len(self._ahead))
            except Exception:
                if not self._ahead:
                    raise
                break  # it is raised again when what was read before it has been given
            if not more:
                break
            self._ahead += more
        return self._ahead[:size]

    def _next(self, size: int) -> bytes:
        with self._failing_for_good():
            part = self._read(size)
        self.taken += len(part)
        return part

    @contextmanager
    def _failing_for_good(self) -> Iterator[None]:
        """What cannot be read on fails whenever it is asked again."""
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except Exception as error:
            self._failure = error
            raise

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, at least one where the stream has not ended; for -1 see `read_whole`."""
        if size < 0:
            return self.read_whole()
        if self._ahead:
            ahead, self._ahead = self._ahead[:size], self._ahead[size:]
            return ahead
        return self._next(size)

    def read_whole(self, most: int = MOST_TEXT) -> bytes:
        """All that is left; raises TooLarge where that is more than `most` bytes, or than its compressed size hints at.

        A few kilobytes may else become more than the machine has memory.
        """
        parts, size = [], 0
        while part := self.read(_PART):
            size += len(part)
            if size > most:
                bundle = "" if most == MOST_BUNDLE else "; a bundle (.npz) in a file of its own may be larger"
                raise TooLarge(f"more than {most >> 20} MiB, the most that is read as a whole{bundle}")
            own = self._compressed_size()
            if own is not None and size > _SMALL + _RATIO * own:
                message = f"{own} compressed bytes become more than {size >> 20} MiB"
                raise TooLarge(f"{message}; if that is what it should be, uncompress it first")
            parts.append(part)
        return b"".join(parts)

    def _compressed_size(self) -> int | None:
        """Bytes of the input as it is stored that have been read; None where it is not compressed."""
        if self._compressed is None:
            return None
        inner = self._compressed._compressed_size()
        return self._compressed.taken if inner is None else inner

    def readinto(self, buffer: memoryview) -> int:
        """Read into `buffer`; how many bytes, 0 at the end."""
        if self._ahead:
            part = self.read(len(buffer))
            buffer[: len(part)] = part
            return len(part)
        assert self._readinto is not None  # every raw stream has it
        with self._failing_for_good():
            size = self._readinto(buffer) or 0
        self.taken += size
        return size

    def readable(self) -> bool:
        """As io asks of what a decompressor reads from."""
        return True


def name_of(given: object) -> str:
    """The name of a file as text; raises UsageError for what is none."""
    try:
        name = os.fsdecode(given)  # type: ignore[arg-type]
    except TypeError:
        raise UsageError(f"{type(given).__name__} is no name of a file; use a path") from None
    if not name or "\0" in name:
        raise InputError(repr(name), [Problem("no file can have this name; use a path")])
    return name


@contextmanager
def open_source(name: str) -> Iterator[Peekable]:
    """The input called `name`, `-` for standard input, uncompressed.

    Raises InputError where it cannot be opened or read, or its compression is broken.
    """
    with _failures_of(name):
        if name == STDIN:
            if sys.stdin is None:
                raise OSError("standard input is closed; name a file")
            _refuse_device(sys.stdin)
            yield _uncompressed(Peekable(sys.stdin.buffer))
        else:
            _refuse_device(name)
            with open(name, "rb", buffering=0) as file:
                yield _uncompressed(Peekable(file))


@contextmanager
def _failures_of(name: str) -> Iterator[None]:
    """Errors of opening, reading and uncompressing become InputErrors of the input `name`."""
    try:
        yield
    except TooLarge as error:
        raise InputError(name, [Problem(str(error), error.line)]) from None
    except ImportError as error:
        raise InputError(name, [Problem(str(error))]) from None
    except (EOFError, zlib.error) as error:
        raise InputError(name, [Problem(f"its compression is broken: {error or 'it ends early'}")]) from None
    except OSError as error:
        raise InputError(name, [Problem(f"{error.strerror or error}{_did_you_mean(name, error)}")]) from None
    except Exception as error:
        if type(error).__name__ in ("LZMAError", "ZstdError"):
            raise InputError(name, [Problem(f"its compression is broken: {error}")]) from None
        raise


def _refuse_device(source: str | IO[Any]) -> None:
    """Raises OSError for a device other than a terminal and the empty one: it need not end, or does something."""
    try:
        found = os.stat(source if isinstance(source, str) else source.fileno())
    except (OSError, ValueError):  # opening it will tell, or it is no file
        return
    is_empty = os.path.exists(os.devnull) and found.st_rdev == os.stat(os.devnull).st_rdev
    if stat.S_ISBLK(found.st_mode) or (stat.S_ISCHR(found.st_mode) and not is_empty and not _is_terminal(source)):
        raise OSError("a device, which need not end; pipe what it holds, as in dmesg | oomsel explain")


def _is_terminal(source: str | IO[Any]) -> bool:
    if not isinstance(source, str):
        return source.isatty()
    file = os.open(source, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return os.isatty(file)
    finally:
        os.close(file)


def is_compressed(name: str) -> bool:
    """Whether the file called `name` begins as a compressed one does."""
    with open(name, "rb") as file:
        return file.read(6).startswith(tuple(_MAGIC))


def source_of(raw: bytes) -> Peekable:
    """`raw` as a stream, uncompressed."""
    return _uncompressed(Peekable(io.BytesIO(raw)))


@contextmanager
def bytes_source(raw: bytes, name: str) -> Iterator[Peekable]:
    """`raw` as a stream, uncompressed; raises InputError of `name` where its compression is broken."""
    with _failures_of(name):
        yield source_of(raw)


def _uncompressed(source: Peekable) -> Peekable:
    for _ in range(4):  # compressed twice may be a mistake; endlessly is an attack
        start = source.peek(6)
        reader = next((reader for magic, reader in _MAGIC.items() if start.startswith(magic)), None)
        if reader is None:
            break
        source = Peekable(reader(cast("IO[bytes]", source)), source)
    return source


def _did_you_mean(name: str, error: OSError) -> str:
    """A hint at the most similar name in the folder, if no file has the name; at what takes a folder, if it is one."""
    if isinstance(error, IsADirectoryError):
        return "; name a file in it, only events and check take one"
    if not isinstance(error, FileNotFoundError):
        return ""
    folder, wanted = os.path.split(name)
    try:
        there = os.listdir(folder or os.curdir)
    except OSError:
        return ""
    meant = nearest(wanted, (name for name in there[:MAX_LISTED] if name != wanted))
    return f"; did you mean {os.path.join(folder, meant)}?" if meant else ""
