"""Clusters that are none, or end: a line each, and what is done is kept."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.running import run

pytestmark = pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed")
STUDY = "oomsel_study: 1\ngrid: {cpus: 2}\nmemory: 40\n"


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of something that answers in words."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello" * 100)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.slow
def test_what_is_no_scheduler_is_told_in_a_line(web_server: str, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(STUDY)
    ran = run("sweep", "-o", tmp_path / "out.csv", "--dask", web_server, path)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"oomsel: --dask {web_server}: no scheduler answers there")
    assert ran.err.count("\n") == 1
