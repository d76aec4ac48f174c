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
#: Tasks in a list, and characters of a task table, from which on they are read into columns at once.
LONG_LIST, LONG_TABLE = 500, 40_000
#: What a zip file, and so a bundle, begins with; no text does.
BUNDLE = b"PK\x03\x04"
#: More names than this in a folder are not looked at for the nearest one.
MAX_LISTED = 5000


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
        raise InputError(name, [_unreadable(name, error)]) from None
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
        try:
            scenario = _read_long(document, overrides, kernel)
        except InputError:  # task by task, everything has its place
            scenario, document = None, Document(source, data)
        return scenario or read_scenario(document, overrides, kernel)


def _read_long(document: Document, overrides: Sequence[str], kernel: str | None) -> Scenario | None:
    """A scenario of many tasks, if there is nothing odd about them; raises InputError where there may be."""
    tasks = document.data.get("tasks") if isinstance(document.data, dict) else None
    if not isinstance(tasks, list | str) or len(tasks) < (LONG_LIST if isinstance(tasks, list) else LONG_TABLE):
        return None
    from oomsel.scenario.list_columns import columns_of_list
    from oomsel.scenario.read_columns import machine_of, read_in_columns
    from oomsel.scenario.table_columns import columns_of_table

    machine = machine_of(document.data)
    if machine is None or document.problems:
        return None
    if isinstance(tasks, str):
        columns = columns_of_table(tasks, machine.cpus)
        return None if columns is None else read_in_columns(document, columns, overrides, kernel)
    found = None if "more" in document.data else columns_of_list(tasks, machine)
    return None if found is None else read_in_columns(document, found[0], overrides, kernel, found[1])


def _load_bundle(source: str, file: IO[bytes], overrides: Sequence[str], kernel: str | None) -> Scenario:
    from oomsel.scenario.bundle import load_bundle

    return load_bundle(source, file, overrides, kernel)


def read_bytes(name: str) -> bytes:
    """What is in a file, or on standard input for `-`.  Raises InputError where it cannot be read."""
    try:
        if name == STDIN:
            return sys.stdin.buffer.read()
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(name, [_unreadable(name, error)]) from None


def _unreadable(name: str, error: OSError) -> Problem:
    return Problem(f"{error.strerror or error}{_did_you_mean(name, error)}")


def _did_you_mean(name: str, error: OSError) -> str:
    """The nearest name in the folder where a file was looked for in vain."""
    if not isinstance(error, FileNotFoundError):
        return ""
    import difflib

    folder, wanted = os.path.split(name)
    try:
        there = os.listdir(folder or os.curdir)
    except OSError:
        return ""
    close = difflib.get_close_matches(wanted, [name for name in there[:MAX_LISTED] if name != wanted], n=1)
    return f"; did you mean {os.path.join(folder, close[0])}?" if close else ""


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
