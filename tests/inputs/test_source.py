"""Compressed inputs: what reads them, and what is said where nothing can."""

from __future__ import annotations

import gzip
import io
import sys
from types import SimpleNamespace
from typing import IO

import pytest

from oomsel.errors import InputError
from oomsel.inputs.source import Peekable, bytes_source

MAGIC = b"\x28\xb5\x2f\xfd"
TEXT = b"one\ntwo\n" * 1000


@pytest.fixture
def without_zstd(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ZSTD:
        monkeypatch.setitem(sys.modules, name, None)


def _after_magic(raw: IO[bytes]) -> IO[bytes]:
    """Stands for a decompressor: only the magic number is taken off."""
    return io.BytesIO(raw.read().removeprefix(MAGIC))


def _stream_reader(raw: IO[bytes], *, read_across_frames: bool) -> IO[bytes]:
    assert read_across_frames  # what was compressed in parallel, or piece by piece, has several
    return _after_magic(raw)


#: The modules that read zstd, each by its own interface.
ZSTD = {
    "compression.zstd": SimpleNamespace(ZstdFile=_after_magic),
    "zstandard": SimpleNamespace(ZstdDecompressor=lambda: SimpleNamespace(stream_reader=_stream_reader)),
    "pyzstd": SimpleNamespace(ZstdFile=_after_magic),
}


@pytest.mark.usefixtures("without_zstd")
@pytest.mark.parametrize("name", ZSTD)
def test_zstd_is_read_by_whichever_module_there_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, ZSTD[name])
    with bytes_source(MAGIC + TEXT, "log.zst") as stream:
        assert stream.read() == TEXT


@pytest.mark.usefixtures("without_zstd")
def test_zstd_without_a_module_says_what_to_install() -> None:
    with (
        pytest.raises(InputError, match=r"log\.zst: compressed with zstd, .*pip install 'oomsel\[zstd\]'"),
        bytes_source(MAGIC + TEXT, "log.zst"),
    ):
        pass


@pytest.mark.parametrize("times", [0, 1, 2])
def test_what_is_compressed_twice_is_read_too(times: int) -> None:
    raw = TEXT
    for _ in range(times):
        raw = gzip.compress(raw)
    with bytes_source(raw, "log") as stream:
        assert stream.read() == TEXT


def test_what_is_looked_at_is_still_to_be_read() -> None:
    stream = Peekable(io.BytesIO(TEXT))
    assert stream.peek(6) == TEXT[:6]
    assert stream.peek(4) == TEXT[:4]
    assert stream.read(5) == TEXT[:5]
    buffer = bytearray(100)
    got = stream.readinto(memoryview(buffer))
    assert bytes(buffer[:got]) == TEXT[5 : 5 + got]
    assert stream.read() == TEXT[5 + got :]
    assert (stream.peek(6), stream.read(), stream.readinto(memoryview(buffer))) == (b"", b"", 0)
