"""The table form of `tasks`: rows as pasted from a log, and `more` for what a table cannot say."""

from __future__ import annotations

from typing import Any, NamedTuple

from oomsel.klog.table import NoHeader, Row, oom_score_adj, page_table_bytes, parse_table, rss_parts
from oomsel.scenario.values import Path, is_empty

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


class Expanded(NamedTuple):
    """The table form as a list of tasks."""

    tasks: list[Any]
    origins: list[Origin]
    problems: list[Wrong]


def expand(text: str, more: Any, page_size: int) -> Expanded:
    """The tasks that the table in `text` and the mapping `more` describe."""
    problems: list[Wrong] = []
    tasks: list[Any] = []
    origins: list[Origin] = []
    extra = by_pid(more, problems)
    used: set[int] = set()
    described: set[Any] = set()
    try:
        for row in parse_table(text):
            task = task_of_row(row, page_size)
            pid = row.pid if row.pid in extra else task["pid"]
            key, said = extra.get(pid, (None, {}))
            used.add(pid)
            label = said.get("mm")
            if label is not None and label in described:
                for name in MM_KEYS:
                    del task[name]
            described.add(label)
            tasks.append(merged(task, said))
            origins.append(Origin(row.line, key))
    except NoHeader as error:
        problems.append(Wrong(("tasks",), str(error)))
    for pid, (key, said) in extra.items():
        if pid in used:
            continue
        if "comm" in said:
            tasks.append({"pid": pid, **said})
            origins.append(Origin(None, key))
        elif tasks:
            message = f"no row has pid {pid}; state a comm to add a task of its own"
            problems.append(Wrong(("more", key), message, at_key=True))
    if not tasks and not problems:
        problems.append(Wrong(("tasks",), "no row in it; a scenario has at least one task"))
    return Expanded(tasks, origins, problems)


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
    task: dict[str, Any] = {
        "pid": row.numbers["tgid"],
        "comm": row.name,
        "uid": uid + (1 << 32) if uid < 0 else uid,
        "oom_score_adj": oom_score_adj(row),
        "total_vm": row.numbers["total_vm"] or 0,
        "pgtables_bytes": page_table_bytes(row, page_size),
        "rss": {name: {"count": pages} for name, pages in (rss_parts(row) | _swap(row)).items()},
    }
    if row.pid != row.numbers["tgid"]:
        task["thread"] = {"pid": row.pid, "comm": row.name}
    return task


def _swap(row: Row) -> dict[str, int]:
    return {"swap": row.numbers.get("swapents") or 0}


def merged(row: Any, said: Any) -> Any:
    """What a row says with what `more` adds; where both speak, `more` counts, key by key."""
    if not isinstance(row, dict) or not isinstance(said, dict):
        return said
    both = dict(row)
    for key, value in said.items():
        both[key] = merged(row[key], value) if key in row else value
    return both
