"""What reading ahead must not do: change what is still being looked at."""

from __future__ import annotations

import io
from time import sleep

from oomsel.inputs.trace.chunks import CHUNK, HEADROOM, ChunkReader


def test_a_chunk_stays_as_it_is_while_the_next_one_is_taken() -> None:
    reader = ChunkReader(io.BytesIO(b"".join(bytes([number]) * CHUNK for number in range(8))))
    before = reader.next()
    for number in range(1, 8):
        chunk = reader.next()
        sleep(0.02)  # for the thread that reads on, into any buffer that it may
        assert before.buffer[HEADROOM:] == bytes([number - 1]) * CHUNK
        before = chunk
    assert reader.next().size == 0
