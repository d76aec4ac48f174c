"""Big inputs: found by searching, numbered right, whatever falls on the border of a chunk."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from typing import IO, cast

import pytest

from oomsel.errors import TooLarge
from oomsel.inputs.source import Peekable, source_of
from oomsel.klog import lines
from oomsel.klog.reader import LogReader
from tests.real_logs import LOGS

REPORT = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")
_ROWS = [number + 1 for number, line in enumerate(REPORT) if line.endswith(b" web-frontend")]
NOISE = b"[    1.000000] usb 1-1: new high-speed USB device in the room, number %d\n"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "SMALL", 4096)
    monkeypatch.setattr(lines, "CHUNK", 6000)
    monkeypatch.setattr(lines, "KEPT", 3000)


@pytest.mark.parametrize("before", [0, 1, 50, *range(60, 160, 7)])
def test_reports_are_found_and_numbered(before: int) -> None:
    noise = b"".join(NOISE % number for number in range(before))
    raw = noise + b"\n".join(REPORT[:76]) + b"\n" + noise + b"\n".join(REPORT[76:151]) + b"\n" + noise
    found = list(LogReader(source_of(raw)).events())
    assert [event.first_line for event in found] == [before + 1, before + 77 + before]
    assert [len(event.rows) for event in found] == [16, 15]
    assert [event.rows[0].line for event in found] == [before + _ROWS[0], 2 * before + _ROWS[1]]
    assert [event.kills[0].line for event in found] == [before + 76, 2 * before + 151]


def test_a_table_whose_beginning_is_cut() -> None:
    raw = b"".join(NOISE % number for number in range(100)) + b"\n".join(REPORT[57:76]) + b"\n"
    (event,) = LogReader(source_of(raw)).events()
    assert (event.header_line, len(event.rows)) == (101, 16)


def test_a_lone_kill_line_is_found() -> None:
    raw = b"".join(NOISE % number for number in range(900)) + REPORT[75] + b"\n" + NOISE % 1 * 300
    (event,) = LogReader(source_of(raw)).events()
    assert (event.first_line, event.kills[0].pid) == (901, 200)


@pytest.mark.parametrize("line", [b"MESSAGE", b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7f"])
def test_what_only_looks_like_a_binary_field_ends_nothing(line: bytes) -> None:
    raw = b"\n".join([REPORT[75], line, *REPORT[76:151], b""])
    assert [event.kills[0].pid for event in LogReader(source_of(raw)).events()] == [200, 194]


def test_what_lies_between_reports_is_passed_over() -> None:
    noise = b"".join(NOISE % number for number in range(2000))
    raw = REPORT[75] + b"\n" + noise + REPORT[75] + b"\n" + noise
    given = [number for number, _ in lines.LineSource(source_of(raw)).lines(lambda: True)]
    assert {1, 2002} <= set(given)
    assert given == sorted(set(given))
    assert len(given) < lines._HEAD + 100


def test_memory_stays_the_same() -> None:
    class Endless(io.RawIOBase):
        """Six hundred chunks of noise."""

        left = 600 * 6000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            size = min(len(buffer), self.left)
            buffer[:size] = (NOISE % 1 * (size // 40 + 1))[:size]
            self.left -= size
            return size

    source = lines.LineSource(Peekable(cast("IO[bytes]", Endless())))
    tracemalloc.start()
    assert not source.skip()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < Endless.left / 4


@pytest.mark.parametrize("size", [1, 997, 4096])
def test_a_pipe_that_gives_little_at_a_time(size: int) -> None:
    class Pipe(io.BytesIO):
        """Gives at most `size` bytes."""

        def read(self, wanted: int | None = -1, /) -> bytes:
            return super().read(size if wanted is None or wanted < 0 else min(wanted, size))

        def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
            return super().readinto(buffer[:size])

    noise = b"".join(NOISE % number for number in range(400))
    raw = noise + b"\n".join(REPORT[:151]) + b"\n" + noise
    found = list(LogReader(Peekable(Pipe(raw))).events())
    assert [(event.first_line, event.kills[0].line, len(event.rows)) for event in found] == [
        (401, 476, 16),
        (477, 551, 15),
    ]


def test_what_reading_raises_reaches_the_caller() -> None:
    class Broken(io.RawIOBase):
        """Fails in the middle."""

        left = 8000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            if self.left <= 0:
                raise OSError(5, "Input/output error")
            size = min(len(buffer), 1000)
            buffer[:size] = b"x" * (size - 1) + b"\n"
            self.left -= size
            return size

    with pytest.raises(OSError, match="Input/output error"):
        list(LogReader(Peekable(cast("IO[bytes]", Broken()))).events())


@pytest.mark.parametrize("before", [0, 3])
def test_a_line_without_end_is_refused_after_what_stands_before_it(
    before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_OF_LINE", 1 << 20)
    raw = b"\n".join([*[NOISE % 1] * before, *REPORT[:151], bytes(3 << 20), *REPORT])
    found = LogReader(source_of(raw)).events()
    assert [len(next(found).kills), len(next(found).kills)] == [1, 1]
    with pytest.raises(TooLarge, match="a line of more than 1 MiB, which no log has") as refused:
        next(found)
    assert refused.value.line == 2 * before + 152


def test_a_long_line_is_not_moved_for_each_chunk() -> None:
    moved = 0

    class Counting(lines.LineSource):
        def _make_room(self) -> None:
            nonlocal moved
            moved += self._end - self._at
            super()._make_room()

    size = 1 << 20
    source = Counting(source_of(bytes(size)))
    line = source.next_line()
    assert line is not None
    assert len(line) == size
    assert moved < 4 * size


def test_what_stands_before_damage_is_read() -> None:
    raw = gzip.compress(b"\n".join(REPORT) + b"\n" + NOISE % 1 * 100)[:-12]
    found = LogReader(source_of(raw)).events()
    assert [next(found).kills[0].pid, next(found).kills[0].pid] == [200, 194]
    with pytest.raises(EOFError):
        next(found)
