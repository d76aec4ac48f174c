"""The table form of `tasks`: rows as pasted from a log, and `more` for what a table cannot say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from oomsel.klog.formats import TASKS_STATE
from oomsel.klog.table import KNOWN_COLUMNS, RSS_COLUMNS, Columns, Row, oom_score_adj, page_table_bytes, rss_parts
from oomsel.scenario.values import Path, is_empty
from oomsel.text import printable, unsigned_uid

#: What a row says of an mm: with a shared one, the first row that has it says it for all.
MM_KEYS = ("rss", "total_vm", "pgtables_bytes")


class Origin(NamedTuple):
    """Where a task of the table form comes from: its row, its key under `more`, or both."""

    line: int | None  #: 0-based, in the text of `tasks`
    more_key: int | str | None


class Wrong(NamedTuple):
    """Something wrong with the value at a path, or with the key itself."""

    path: Path
    message: str
    at_key: bool = False
    line: int | None = None  #: of the table's text, 0-based, where it is about that


class Expanded(NamedTuple):
    """The table form as a list of tasks."""

    tasks: list[Any]
    origins: list[Origin]
    problems: list[Wrong]
    strays: list[int]  #: lines of the text that are nothing of a table; 0-based
    notes: list[str]


def expand(text: str, more: Any, page_size: int) -> Expanded:
    """The tasks that the table in `text` and the mapping `more` describe."""
    problems: list[Wrong] = []
    tasks: list[Any] = []
    origins: list[Origin] = []
    extra = by_pid(more, problems)
    used: set[int] = set()
    shared = SharedMms()
    notes: list[str] = []
    unequal: list[int] = []
    strays: list[int] = []
    for row in _rows(text, problems, strays, notes):
        task = task_of_row(row, page_size)
        pid = row.pid if row.pid in extra else task["pid"]
        if pid != task["pid"] and task["pid"] in extra:  # both name the process
            stated = [one for one in extra if one in (row.pid, task["pid"])]
            problems.append(_stated_twice(extra[stated[1]][0], stated[1], stated[0]))
            used.add(task["pid"])
        key, said = extra.get(pid, (None, {}))
        used.add(pid)
        tasks.append(shared.joined(task, said))
        if not _adds_up(row):
            unequal.append(row.pid)
        origins.append(Origin(row.line, key))
    lost = any(wrong.path == ("tasks",) for wrong in problems)  # rows, whose pids nobody knows
    for pid, (key, said) in extra.items():
        if pid in used:
            continue
        if "comm" in said:
            tasks.append({"pid": pid, **said})
            origins.append(Origin(None, key))
        elif tasks and not lost:
            message = f"no row has pid {pid}; state a comm to add a task of its own"
            problems.append(Wrong(("more", key), message, at_key=True))
    if not tasks and not problems:
        problems.append(Wrong(("tasks",), "no row in it; a scenario has at least one task"))
    if unequal:
        pids = ", ".join(map(str, unequal))
        notes.append(f"tasks: rss of pid {pids} is not the sum of rss_anon, rss_file and rss_shmem; these three count")
    return Expanded(tasks, origins, problems, strays, notes + shared.notes())


def _rows(text: str, problems: list[Wrong], strays: list[int], notes: list[str]) -> Iterator[Row]:
    """The rows of the table, with or without a logger's prefix; a row lost without a word could be the victim's.

    What begins like a row and is none is a problem; a line that is nothing of a table is a stray.
    """
    columns: Columns | None = None
    early: list[Wrong] = []
    for number, whole in enumerate(text.split("\n")):
        line = whole.removesuffix("\r")
        if found := Columns.of_header(line):
            columns = found
            if unknown := [name for name in found.names if name not in KNOWN_COLUMNS]:
                notes.append(f"tasks: left out, as no column that is known: {', '.join(unknown)}")
            continue
        row = columns.row(number, line) if columns is not None else None
        if row is not None:
            if missing := _missing(row):
                message = f"{missing} is ? in this row; only rss_anon, rss_file and rss_shmem may be unknown"
                problems.append(Wrong(("tasks",), message, line=number))
            yield row
            continue
        bare = without_prefix(line)
        if bare.startswith("["):
            shown = bare if len(bare) <= 40 else f"{bare[:37]}..."
            if columns is None:
                wrong, right = "stands before the table's header", "put the header first"
            else:
                wrong, right = "begins like a row and cannot be read", "state a number in each of the header's columns"
            found_wrong = problems if columns is not None else early
            found_wrong.append(Wrong(("tasks",), f'"{printable(shown)}" {wrong}; {right}', line=number))
        elif bare and bare != TASKS_STATE:
            strays.append(number)
    if columns is None:
        message = "no header of a task table in it; paste the line that begins with [  pid  ], too"
        problems.append(Wrong(("tasks",), message))
    else:
        problems[:0] = early


def _stated_twice(key: int | str, pid: int, other: int) -> Wrong:
    return Wrong(("more", key), f"pid {pid} is the process of pid {other}, stated already; state it once", at_key=True)


def _adds_up(row: Row) -> bool:
    """Whether the row's rss is that of its parts, where all are known."""
    parts = [row.numbers.get(name) for name in RSS_COLUMNS]
    return None in parts or row.numbers["rss"] == sum(part for part in parts if part is not None)


def _missing(row: Row) -> str:
    """The column that has a ? though its number must be known, or nothing."""
    return next((name for name, value in row.numbers.items() if value is None and name not in RSS_COLUMNS), "")


def without_prefix(line: str) -> str:
    """The line without a logger's prefix, and without blanks around it."""
    from oomsel.klog.wrappers import Stripper

    return next(
        (found.text for found in Stripper().strip([(1, line.encode("utf-8", "surrogateescape"))])), line
    ).strip()


def by_pid(more: Any, problems: list[Wrong]) -> dict[int, tuple[int | str, dict[Any, Any]]]:
    """`more` by pid: the key as written, and what it says; what is wrong with it goes to `problems`."""
    extra: dict[int, tuple[int | str, dict[Any, Any]]] = {}
    if more is None:
        return extra
    if not isinstance(more, dict):
        problems.append(Wrong(("more",), "no mapping; use one of pids to a task's keys"))
        return extra
    for key, said in more.items():
        pid = int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 9 else key
        if not isinstance(pid, int) or not 1 <= pid <= 1 << 22:
            problems.append(Wrong(("more", key), "no pid; use a whole number from 1 to 4194304", at_key=True))
        elif is_empty(said):
            problems.append(Wrong(("more", key), "empty; leave the key out, or give it a value"))
        elif not isinstance(said, dict):
            problems.append(Wrong(("more", key), "no mapping of a task's keys; use one like {memcg: /web}"))
        elif pid in extra:
            problems.append(Wrong(("more", key), f"pid {pid} is stated twice; state it once", at_key=True))
        elif "pid" in said and said["pid"] != pid:
            problems.append(Wrong(("more", key, "pid"), f"not the pid {pid} it stands under; leave the key out"))
        else:
            extra[pid] = (key, said)
    return extra


def task_of_row(row: Row, page_size: int) -> dict[str, Any]:
    """A row as a scenario's task."""
    uid = row.numbers["uid"] or 0
    parts = rss_parts(row) | {"swap": row.numbers.get("swapents") or 0}
    task: dict[str, Any] = {
        "pid": row.numbers["tgid"],
        "comm": row.name,
        "uid": unsigned_uid(uid),
        "oom_score_adj": oom_score_adj(row),
        "total_vm": row.numbers["total_vm"] or 0,
        "pgtables_bytes": page_table_bytes(row, page_size),
        "rss": {name: {"count": pages} for name, pages in parts.items()},
    }
    if row.pid != row.numbers["tgid"]:
        task["thread"] = {"pid": row.pid, "comm": row.name}
    return task


class SharedMms:
    """Rows of processes that share an mm: each shows all of it, a scenario states it once, by the first of them."""

    def __init__(self) -> None:
        self._shown: dict[str, dict[str, Any]] = {}  #: by label, what the first row shows of it
        self._differing: list[int] = []

    def joined(self, row: dict[str, Any], said: dict[Any, Any]) -> dict[str, Any]:
        """The task that a row and what `more` says of it make."""
        label = str(said.get("mm") or "")
        shown = {key: row[key] for key in MM_KEYS if key in row}
        if label and self._shown.setdefault(label, shown) is not shown:
            if self._shown[label] != shown:
                self._differing.append(row["pid"])
            row = {key: value for key, value in row.items() if key not in MM_KEYS}
        task: dict[str, Any] = merged(row, said)
        return task

    def notes(self) -> list[str]:
        """What a person should know of rows that contradict each other."""
        if not self._differing:
            return []
        pids = ", ".join(map(str, self._differing))
        return [f"tasks: pid {pids} shows other numbers than the first row of its mm; the first row's count"]


def merged(row: Any, said: Any) -> Any:
    """What a row says with what `more` adds; of a key in both `more` counts, and of a counter each of its keys."""
    if not isinstance(said, dict) or not isinstance(row, dict | int):
        return said
    both = dict(row) if isinstance(row, dict) else {"count": row}  # a number is short for a counter's count
    for key, value in said.items():
        both[key] = merged(both[key], value) if key in both else value
    return both
