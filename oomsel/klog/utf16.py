"""UTF-16 and UTF-32 as UTF-8, as a stream: what some editors and shells write."""

from __future__ import annotations

import codecs

from oomsel.klog.readable import Readable

_CHUNK = 1 << 16
#: So many bytes tell whether an input is UTF-16.
_TELLING = 64
#: The longer ones first: one begins as a shorter one does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def encoding_of(start: bytes) -> str | None:
    """The codec of a text that begins with `start`: by its mark, or by every other byte's being zero."""
    marked = next((codec for mark, codec in _MARKS if start.startswith(mark)), None)
    if marked is not None:
        return marked
    start = start[:_TELLING]
    pairs = start[: len(start) & ~1]
    if len(pairs) < 8:
        return None
    even, odd = pairs[::2], pairs[1::2]
    if not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if not any(even) and all(odd) else None


def utf8_of(start: bytes) -> bytes:
    """The beginning of an input as UTF-8, where it is UTF-16; else as it is."""
    encoding = encoding_of(start)
    if encoding is None:
        return start
    return start.decode(encoding, "replace").removeprefix("\ufeff").encode("utf-8", "replace")


class Utf8Stream:
    """`start` and the rest of `raw`, which are UTF-16, read as UTF-8 without a mark; U+FFFD for what is neither."""

    def __init__(self, start: bytes, raw: Readable, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ready = b""
        self._begun = False
        self._add(self._decoder.decode(start))

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, none only at the end; all that is left for -1."""
        while (size < 0 or not self._ready) and (more := self._raw.read(_CHUNK)):
            self._add(self._decoder.decode(more))
        if not self._ready or size < 0:
            self._add(self._decoder.decode(b"", True))
        size = len(self._ready) if size < 0 else size
        part, self._ready = self._ready[:size], self._ready[size:]
        return part

    def readinto(self, buffer: memoryview) -> int:
        """Read into `buffer`; how many bytes, 0 at the end."""
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def _add(self, text: str) -> None:
        if text and not self._begun:
            self._begun = True
            text = text.removeprefix("\ufeff")
        self._ready += text.encode("utf-8", "replace")
