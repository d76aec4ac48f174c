"""What a log is read from: anything that fills a buffer, a file, a pipe or a decompressor."""

from __future__ import annotations

from typing import Protocol


class Readable(Protocol):
    """What is read from."""

    def read(self, size: int = -1, /) -> bytes: ...

    def readinto(self, buffer: memoryview, /) -> int | None: ...


def fill(stream: Readable, buffer: bytearray, start: int, end: int) -> int:
    """Read into `buffer[start:end]` until it is full or the stream ends; how many bytes."""
    at = start
    with memoryview(buffer) as view:
        while at < end:
            got = stream.readinto(view[at:end])
            if not got:
                break
            at += got
    return at - start
