"""Reading a scenario from a file, standard input or bytes, whatever kind of input it is."""

from __future__ import annotations

import gc
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from oomsel.errors import InputError, Problem
from oomsel.klog.sniff import is_log
from oomsel.klog.source import HEAD, Peekable, is_compressed, open_source, source_of
from oomsel.scenario.document import Document
from oomsel.scenario.models import Scenario
from oomsel.scenario.validate import read_scenario

if TYPE_CHECKING:
    from oomsel.klog.pick import LogOptions

#: What a zip file, and so a bundle, begins with; no text does.
BUNDLE = b"PK\x03\x04"


def load(
    path: str | os.PathLike[str],
    *,
    overrides: Sequence[str] = (),
    kernel: str | None = None,
    log: LogOptions | None = None,
    progress: Callable[[int], None] | None = None,
) -> Scenario:
    """The scenario in a file, `-` for standard input: YAML, JSON, a bundle, or a report in a kernel log.

    `overrides` are what-ifs, `KEY=VALUE` with the scenario's own key paths, like
    `tasks[mysqld].oom_score_adj=-500`; `kernel` puts it under another release's rules; `log`
    says which report of a log is meant; `progress` is told how many bytes of a log are read.

    Raises InputError with every problem found, each with its line, column and key path, also
    where the file cannot be read.

    >>> load("examples/smallest.yaml").tasks[0].comm
    b'small'
    """
    name = os.fspath(path)
    with open_source(name) as stream:
        if stream.peek(len(BUNDLE)) == BUNDLE and os.path.isfile(name) and not is_compressed(name):
            with open(name, "rb") as file:  # read in place, member by member
                return _load_bundle(name, file, overrides, kernel)
        return _read(stream, name, overrides, kernel, log, progress)


def loads(
    raw: bytes | str,
    *,
    source: str = "<string>",
    overrides: Sequence[str] = (),
    kernel: str | None = None,
    log: LogOptions | None = None,
) -> Scenario:
    r"""The scenario in `raw`; `source` is what errors call it.  For the rest see `load`.

    >>> scenario = loads("oomsel: 1\nmachine: {cpus: 4, ram: 1GiB}\ntasks: [{pid: 7, comm: a}]")
    >>> scenario.machine.ram
    262144
    """
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    return _read(source_of(data), source, overrides, kernel, log, None)


def _read(
    stream: Peekable,
    source: str,
    overrides: Sequence[str],
    kernel: str | None,
    log: LogOptions | None,
    progress: Callable[[int], None] | None,
) -> Scenario:
    head = stream.peek(HEAD)
    if is_log(head):
        from oomsel.scenario.log_reader import read_log

        return read_log(stream, source, overrides, kernel, log, progress)
    if log is not None and log.given:
        raise InputError(source, [Problem(f"{log.given} is for kernel logs, and this is none; leave it out")])
    if head.startswith(BUNDLE):
        return _load_bundle(source, io.BytesIO(stream.read()), overrides, kernel)
    with _without_garbage_collection():
        return read_scenario(Document(source, stream.read()), overrides, kernel)


def _load_bundle(source: str, file: IO[bytes], overrides: Sequence[str], kernel: str | None) -> Scenario:
    from oomsel.scenario.bundle import load_bundle

    return load_bundle(source, file, overrides, kernel)


def read_bytes(name: str) -> bytes:
    """What is in a file, or on standard input for `-`, uncompressed.  Raises InputError where it cannot be read."""
    with open_source(name) as stream:
        return stream.read()


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """A document is one big tree without cycles; collecting while it grows doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
