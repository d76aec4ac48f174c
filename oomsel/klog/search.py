"""Finding and counting bytes in a large buffer, as fast as may be had without a compiler."""

from __future__ import annotations

import sys
from typing import Any

#: Bytes after which it pays to import NumPy for counting; since 3.13 Python counts as fast.
_WORTH_NUMPY = 1 << 24 if sys.version_info < (3, 13) else sys.maxsize


class Finder:
    """Finds bytes by memmem(3), which leaps further than Python's own search, where the C library has it."""

    def __init__(self) -> None:
        self._memmem = _memmem()
        self._buffer: bytearray | None = None
        self._address = 0

    def find(self, buffer: bytes | bytearray, needle: bytes, start: int, end: int) -> int:
        """The offset of the first `needle` within `buffer[start:end]`, -1 for none; `buffer` keeps its size."""
        if self._memmem is None or not isinstance(buffer, bytearray):  # only what may be written to has an address
            return buffer.find(needle, start, end)
        if buffer is not self._buffer:
            import ctypes

            self._buffer = buffer
            self._address = ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer)) if buffer else 0
        if end <= start:
            return -1
        found = self._memmem(self._address + start, end - start, needle, len(needle))
        return -1 if found is None else int(found) - self._address


def _memmem() -> Any:
    """The C library's function, or None."""
    try:
        import ctypes

        memmem: Any = ctypes.CDLL(None).memmem
    except (ImportError, OSError, AttributeError, TypeError):
        return None
    memmem.restype = ctypes.c_void_p
    memmem.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    return memmem


class NewlineCounter:
    """Counts newlines; by NumPy once so much has been counted that its import pays."""

    def __init__(self) -> None:
        self._counted = 0

    def count(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Newlines in `buffer[start:end]`."""
        if end <= start:
            return 0
        self._counted += end - start
        if self._counted < _WORTH_NUMPY:
            return buffer.count(b"\n", start, end)
        import numpy as np

        return int(np.count_nonzero(np.frombuffer(buffer, np.uint8, end - start, start) == ord("\n")))
