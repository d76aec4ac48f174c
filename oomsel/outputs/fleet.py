"""Reports of many logs as a table with a row each: CSV, JSON a line, Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

from oomsel.inputs.log.facts import facts_of, release_of
from oomsel.inputs.log.rescore import Rescore, rescore
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogContext
from oomsel.klog.report_lines import row_name
from oomsel.outputs.cells import csv_line
from oomsel.outputs.log_events import Entry, entry_object, entry_of
from oomsel.text import comm_to_text, json_escaped, printable

#: The columns, in order, each with its type in Parquet.
COLUMNS = {
    "input": "string",
    "event": "int64",
    "line": "int64",
    "host": "string",
    "release": "string",
    "time": "string",  #: as printed
    "utc": "string",  #: ISO
    "invoked_by": "string",
    "order": "int64",
    "constraint": "string",
    "cgroup": "string",
    "victim_cgroup": "string",
    "pod": "string",
    "container": "string",
    "unit": "string",
    "end": "string",
    "victim_pid": "int64",
    "victim": "string",
    "victim_badness": "int64",
    "runner_up_pid": "int64",
    "runner_up": "string",
    "runner_up_badness": "int64",
    "margin": "int64",
    "agrees": "bool",  #: whether the table's numbers lead to the kernel's victim
    "killed": "int64",  #: processes
    "freed_pages": "int64",
    "freed_kb": "int64",
    "tasks": "int64",
    "complete": "bool",
    "missing": "string",
}
_BATCH = 5_000


def fleet_row(source: str, event: OomEvent, context: LogContext) -> dict[str, Any]:
    """A report's row; None for what its log does not say."""
    entry = entry_of(source, event)
    release = release_of(event, context)
    pid, comm = entry.killed[0] if entry.killed else (None, None)
    listed = entry_object(entry) | {
        "release": None if release is None else printable(release),
        "order": event.invoked.order if event.invoked else None,
        "victim_pid": pid,
        "victim": None if comm is None else comm_to_text(comm),
        "killed": len(event.kills and entry.killed),
        "missing": "; ".join(entry.missing) or None,
        **_badness(event, context, entry),
    }
    return {column: listed.get(column) for column in COLUMNS}


def _badness(event: OomEvent, context: LogContext, entry: Entry) -> dict[str, Any]:
    """The victim's badness and the next one's; nothing where the total that they need is not in the log."""
    if not event.rows or not entry.killed:
        return {}
    facts = facts_of(event, context)
    if facts.totalpages is None or facts.totalpages_guessed:
        return {}
    scores = rescore(event, facts.version, facts.totalpages, facts.page_size)
    victim = scores.of(entry.killed[0][0])
    found: dict[str, Any] = {"victim_badness": victim.score if victim else None}
    if scores.winner is not None and not entry.named_by:
        found["agrees"] = victim is not None and victim.row is scores.winner.row
    other = _runner_up(scores, victim.row.pid if victim else None)
    if victim is not None and other is not None:
        found |= {
            "runner_up_pid": other.row.pid,
            "runner_up": comm_to_text(row_name(other.row)),
            "runner_up_badness": other.score,
            "margin": victim.score - other.score,
        }
    return found


def _runner_up(scores: Rescore, victim: int | None) -> Any:
    others = (candidate for candidate in scores.candidates if candidate.row.pid != victim)
    return max(others, key=lambda candidate: candidate.score, default=None)


def write_csv(rows: Iterable[dict[str, Any]], file: IO[bytes]) -> None:
    """The rows under a heading; a cell that a spreadsheet would execute gets an apostrophe before it."""
    file.write(csv_line(COLUMNS).encode())
    for row in rows:
        file.write(csv_line(row.values()).encode())


def write_jsonl(rows: Iterable[dict[str, Any]], file: IO[bytes]) -> None:
    """An object a line."""
    for row in rows:
        file.write(json_escaped(json.dumps(row, ensure_ascii=False)).encode() + b"\n")


def write_parquet(rows: Iterable[dict[str, Any]], file: IO[bytes]) -> None:
    """Row groups of some thousand reports each; ImportError where pyarrow is not there."""
    import pyarrow as pa  # type: ignore[import-untyped,import-not-found,unused-ignore]
    import pyarrow.parquet as pq  # type: ignore[import-untyped,import-not-found,unused-ignore]

    types = {"string": pa.string(), "int64": pa.int64(), "bool": pa.bool_()}
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    with pq.ParquetWriter(file, schema) as writer:
        for batch in _batches(rows):
            writer.write_table(pa.Table.from_pylist(batch, schema))


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
