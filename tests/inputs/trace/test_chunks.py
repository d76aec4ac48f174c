"""What reading ahead must not do: change what is still being looked at."""

from __future__ import annotations

import io
import threading
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


def test_input_that_is_refused_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    for _ in range(20):
        reader = ChunkReader(io.BytesIO(b"x" * 4 * CHUNK))
        assert reader.next().size == CHUNK
        del reader
    for _ in range(500):  # each of them needs a moment to end
        if threading.active_count() <= before:
            break
        sleep(0.01)
    assert threading.active_count() <= before
