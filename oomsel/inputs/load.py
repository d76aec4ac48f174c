"""Reading a scenario from a file, standard input or bytes, whatever kind of input it is."""

from __future__ import annotations

import gc
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from oomsel.errors import InputError, Problem
from oomsel.inputs.document import Document
from oomsel.inputs.identify import Kind, identify_as
from oomsel.inputs.read import read_document
from oomsel.inputs.source import MOST_BUNDLE, Peekable, bytes_source, is_compressed, name_of, open_source
from oomsel.scenario.models import Scenario

if TYPE_CHECKING:
    from oomsel.inputs.log.options import LogOptions

#: Tasks in a list, and characters of a task table, from which on they are read into columns at once.
LONG_LIST, LONG_TABLE = 500, 40_000
_ZIPPED = (Kind.BUNDLE, Kind.ZIP)


def load(
    path: str | os.PathLike[str],
    *,
    overrides: Sequence[str] = (),
    kernel: str | None = None,
    log: LogOptions | None = None,
    progress: Callable[[int], None] | None = None,
) -> Scenario:
    """The scenario in a file, `-` for standard input: YAML, JSON, a bundle, or a report in a kernel log.

    `/proc` is the running machine, and a directory called `proc` the copy of one's.
    `overrides` are what-ifs, `KEY=VALUE` with the scenario's own key paths, like
    `tasks[mysqld].oom_score_adj=-500`; `kernel` puts it under another release's rules; `log`
    says which report of a log is meant; `progress` is told how many bytes of a log are read.

    Raises InputError with every problem found, each with its line, column and key path, also
    where the file cannot be read, and UsageError for a `path` that is no name of a file.

    >>> load("examples/smallest.yaml").tasks[0].comm
    b'small'
    """
    name = name_of(path)
    if is_proc(name):
        _refuse_log_options(name, log)
        from oomsel.inputs.proc.scenario import capture

        return capture(os.path.dirname(os.path.abspath(name)), overrides=overrides, kernel=kernel)
    with open_source(name) as stream:
        kind = identify_as(Kind.SCENARIO, name, stream)
        if kind in _ZIPPED and os.path.isfile(name) and not is_compressed(name):
            with open(name, "rb") as file:  # read in place, member by member
                return _load_bundle(name, file, overrides, kernel)
        return _read(stream, kind, name, overrides, kernel, log, progress)


def is_proc(name: str) -> bool:
    """Whether an input is the running machine, /proc, or a copied one."""
    return name == "/proc" or (os.path.basename(name.rstrip("/")) == "proc" and os.path.isdir(name))


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
    with bytes_source(data, source) as stream:
        return _read(stream, identify_as(Kind.SCENARIO, source, stream), source, overrides, kernel, log, None)


def _read(
    stream: Peekable,
    kind: Kind,
    source: str,
    overrides: Sequence[str],
    kernel: str | None,
    log: LogOptions | None,
    progress: Callable[[int], None] | None,
) -> Scenario:
    if kind in (Kind.LOG, Kind.KERNEL_TEXT):
        from oomsel.inputs.log.reading import read_log

        return read_log(stream, source, overrides, kernel, log, progress)
    _refuse_log_options(source, log)
    if kind in _ZIPPED:
        return _load_bundle(source, io.BytesIO(stream.read_whole(MOST_BUNDLE)), overrides, kernel)
    with _without_garbage_collection():
        raw = stream.read()
        document = Document(source, raw)
        try:
            scenario = _read_long(document, overrides, kernel)
        except InputError:  # read again task by task, for the places of what is wrong
            scenario, document = None, Document(source, raw)
        return scenario or read_document(document, overrides, kernel)


def _refuse_log_options(source: str, log: LogOptions | None) -> None:
    if log is not None and log.given:
        raise InputError(source, [Problem(f"{log.given} is for kernel logs, and this is none; leave it out")])


def _read_long(document: Document, overrides: Sequence[str], kernel: str | None) -> Scenario | None:
    """A scenario of many tasks, read in columns; None where they are not to be, InputError where something is wrong."""
    tasks = document.data.get("tasks") if isinstance(document.data, dict) else None
    if not isinstance(tasks, list | str) or len(tasks) < (LONG_LIST if isinstance(tasks, list) else LONG_TABLE):
        return None
    from oomsel.inputs.list_columns import columns_of_list
    from oomsel.inputs.read_columns import can_override, machine_of, read_in_columns
    from oomsel.inputs.table_columns import columns_of_table

    if not can_override(overrides):
        return None
    machine = machine_of(document.data)
    if machine is None or document.problems:
        return None
    if isinstance(tasks, str):
        table = columns_of_table(tasks, machine.cpus)
        if table is None:
            return None
        document.note_strays(table[1])
        return read_in_columns(document, table[0], overrides, kernel)
    found = None if "more" in document.data else columns_of_list(tasks, machine)
    return None if found is None else read_in_columns(document, found[0], overrides, kernel, found[1])


def _load_bundle(source: str, file: IO[bytes], overrides: Sequence[str], kernel: str | None) -> Scenario:
    from oomsel.inputs.bundle import load_bundle

    return load_bundle(source, file, overrides, kernel)


def read_bytes(name: str, wanted: Kind | None = None) -> bytes:
    """What is in a file, or on standard input for `-`, uncompressed.

    Raises InputError where it cannot be read, or is of another kind than is wanted.
    """
    with open_source(name) as stream:
        if wanted is not None:
            identify_as(wanted, name, stream)
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
