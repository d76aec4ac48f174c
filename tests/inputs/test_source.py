"""Compressed inputs: what reads them, and what is said where nothing can."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest

from oomsel.errors import InputError
from oomsel.inputs import source
from oomsel.inputs.source import Peekable, bytes_source, open_source

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
        pytest.raises(InputError, match=r"log\.zst: compressed with zstd, .*pip install zstandard"),
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


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_TEXT", 1 << 20)
    monkeypatch.setattr(source, "_SMALL", 1 << 16)
    monkeypatch.setattr(source, "_PART", 1 << 12)


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("form", COMPRESSED)
@pytest.mark.parametrize("nested", [False, True])
def test_a_few_bytes_do_not_become_endlessly_many(form: str, nested: bool) -> None:
    raw = COMPRESSED[form](bytes(1 << 26))
    raw = gzip.compress(raw) if nested else raw
    said = "^log: [0-9]+ compressed bytes become more than [0-9]+ MiB; .*uncompress it first$"
    with pytest.raises(InputError, match=said), bytes_source(raw, "log") as stream:
        stream.read()


@pytest.mark.usefixtures("little")
def test_many_small_members_are_read() -> None:
    raw = gzip.compress(b"") * 1000 + gzip.compress(TEXT) * 100
    with bytes_source(raw, "log") as stream:
        assert stream.read() == TEXT * 100


@pytest.mark.parametrize("form", COMPRESSED)
def test_what_stands_before_damage_is_given_first(form: str) -> None:
    text = b"".join(b"%x " % (number * 0x9E3779B97F4A7C15 % (1 << 64)) for number in range(100_000))
    raw = COMPRESSED[form](text)[: -len(text) // 10]
    got: list[bytes] = []

    def read() -> None:
        with bytes_source(raw, "log") as stream:
            assert text.startswith(stream.peek(100_000))
            while part := stream.read(100_000):
                got.append(part)

    with pytest.raises(InputError, match=r"^log: its compression is broken"):
        read()
    assert len(b"".join(got)) > len(text) // 2
    assert text.startswith(b"".join(got))


def test_a_document_has_a_limit() -> None:
    with pytest.raises(InputError, match=r"^log: more than 1 MiB, the most that is read as a whole"):  # noqa: SIM117
        with bytes_source(bytes((1 << 20) + 1), "log") as stream:
            stream.read_whole(1 << 20)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no such device")
def test_a_device_is_not_read_for_ever(tmp_path: Path) -> None:
    link = tmp_path / "log"
    link.symlink_to("/dev/zero")
    with (
        pytest.raises(InputError, match="log: a device, which need not end; pipe "),
        open_source(str(link)),
    ):
        pass
    with open_source(os.devnull) as stream:
        assert stream.read() == b""


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
