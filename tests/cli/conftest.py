"""Running the command line: in this process where its output is all that matters."""

from __future__ import annotations

import gc
import io
from collections.abc import Callable
from typing import NamedTuple

import pytest

from oomsel.cli import main


class Ran(NamedTuple):
    """How a call ended: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls `oomsel ARGUMENTS...`, with `stdin` as standard input, None for a closed one."""

    def call(*arguments: object, stdin: bytes | None = b"") -> Ran:
        monkeypatch.setattr("sys.stdin", None if stdin is None else io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        gc.enable()
        captured = capfdbinary.readouterr()
        status = 0 if ended.value.code is None else ended.value.code
        return Ran(int(status), captured.out.decode(), captured.err.decode())

    return call
