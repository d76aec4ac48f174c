"""A stream in chunks, each read by a thread of its own while the one before is worked on.

Reading leaves the interpreter to others, working does not: so both together take hardly longer than the work.
"""

from __future__ import annotations

import threading
from collections import deque
from queue import SimpleQueue
from typing import NamedTuple

from oomsel.klog.readable import Readable, fill

#: Bytes of a chunk: what fits in a core's own cache.
CHUNK = 1 << 20
#: Bytes kept free before each chunk for what is left of the one before.
HEADROOM = 1 << 18


class Chunk(NamedTuple):
    """`buffer[HEADROOM : HEADROOM + size]` was read."""

    buffer: bytearray
    size: int
    error: BaseException | None = None


class ChunkReader:
    """Reads ahead by one chunk; three buffers take turns, so that a chunk is valid until the next but one is asked for.

    The caller asks for the next one before it has copied the rest of the last.
    """

    def __init__(self, stream: Readable) -> None:
        self._wanted: SimpleQueue[bytearray | None] = SimpleQueue()
        self._ready: SimpleQueue[Chunk] = SimpleQueue()
        self._spare = deque(bytearray(HEADROOM + CHUNK) for _ in range(2))
        self._wanted.put(bytearray(HEADROOM + CHUNK))
        # A daemon: a pipe that never ends must not keep a finished command waiting.
        # It does not know the reader, whose end is the thread's: input that is refused midway leaves nothing behind.
        work = (stream, self._wanted, self._ready)
        threading.Thread(target=_read_ahead, args=work, daemon=True).start()

    def __del__(self) -> None:
        self._wanted.put(None)

    def next(self) -> Chunk:
        """The next chunk, of size 0 at the end; raises what reading raised."""
        chunk = self._ready.get()
        if chunk.error is not None:
            raise chunk.error
        self._wanted.put(self._spare.popleft() if chunk.size else None)
        self._spare.append(chunk.buffer)
        return chunk


def _read_ahead(stream: Readable, wanted: SimpleQueue[bytearray | None], ready: SimpleQueue[Chunk]) -> None:
    """Fill every buffer that is wanted, until it is None."""
    while (buffer := wanted.get()) is not None:
        try:
            size = fill(stream, buffer, HEADROOM, len(buffer))
        except BaseException as error:  # it is the reader's to raise
            ready.put(Chunk(buffer, 0, error))
            return
        ready.put(Chunk(buffer, size))
