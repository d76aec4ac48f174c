"""Reading a scenario from a file, standard input or bytes."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from oomsel.errors import InputError, Problem
from oomsel.scenario.document import Document
from oomsel.scenario.models import Scenario
from oomsel.scenario.validate import read_scenario

STDIN = "-"
#: Characters of a task table from which on it is read at once, about 500 rows.
LONG_TABLE = 40_000
#: What a zip file, and so a bundle, begins with; no text does.
BUNDLE = b"PK\x03\x04"


def load(path: str | os.PathLike[str], *, overrides: Sequence[str] = (), kernel: str | None = None) -> Scenario:
    """The scenario in a file, `-` for standard input.

    `overrides` are what-ifs, `KEY=VALUE` with the scenario's own key paths, like
    `tasks[mysqld].oom_score_adj=-500`; `kernel` puts it under another release's rules.

    Raises InputError with every problem found, each with its line, column and key path, also
    where the file cannot be read.

    >>> load("examples/smallest.yaml").tasks[0].comm
    b'small'
    """
    name = os.fspath(path)
    try:
        if name == STDIN:
            return loads(sys.stdin.buffer.read(), source=name, overrides=overrides, kernel=kernel)
        with open(name, "rb") as file:
            start = file.read(len(BUNDLE))
            if start == BUNDLE and file.seekable():
                file.seek(0)
                return _load_bundle(name, file, overrides, kernel)
            raw = start + file.read()
    except OSError as error:
        raise InputError(name, [Problem(error.strerror or str(error))]) from None
    return loads(raw, source=name, overrides=overrides, kernel=kernel)


def loads(
    raw: bytes | str,
    *,
    source: str = "<string>",
    overrides: Sequence[str] = (),
    kernel: str | None = None,
) -> Scenario:
    r"""The scenario in `raw`, YAML, JSON or a bundle; `source` is what errors call it.  For the rest see `load`.

    >>> scenario = loads("oomsel: 1\nmachine: {cpus: 4, ram: 1GiB}\ntasks: [{pid: 7, comm: a}]")
    >>> scenario.machine.ram
    262144
    """
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if data.startswith(BUNDLE):
        return _load_bundle(source, io.BytesIO(data), overrides, kernel)
    with _without_garbage_collection():
        document = Document(source, data)
        if _is_long_table(document):
            try:
                return _read_long_table(document, overrides, kernel)
            except InputError:  # row by row, everything has its place
                document = Document(source, data)
        return read_scenario(document, overrides, kernel)


def _is_long_table(document: Document) -> bool:
    """Whether tasks are a text that is worth to be read at once."""
    data = document.data
    return isinstance(data, dict) and isinstance(data.get("tasks"), str) and len(data["tasks"]) > LONG_TABLE


def _read_long_table(document: Document, overrides: Sequence[str], kernel: str | None) -> Scenario:
    from oomsel.scenario.read_columns import cpus_of, read_in_columns
    from oomsel.scenario.table_columns import columns_of_table

    columns = columns_of_table(document.data["tasks"], cpus_of(document.data))
    if columns is None:
        return read_scenario(document, overrides, kernel)
    return read_in_columns(document, columns, overrides, kernel)


def _load_bundle(source: str, file: IO[bytes], overrides: Sequence[str], kernel: str | None) -> Scenario:
    from oomsel.scenario.bundle import load_bundle

    return load_bundle(source, file, overrides, kernel)


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
