"""A Scenario as YAML that a person would like to edit: comments, and the kernel's table where it comes from a log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from oomsel.outputs.kernel_table import table_form
from oomsel.outputs.scenario_text import MAX_KEY
from oomsel.scenario import models
from oomsel.scenario.plain import plain
from oomsel.text import json_escaped, shown

#: Text that YAML reads as the same text without quotes.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./|+-]*")
_WORDS = frozenset(("null", "true", "false"))
#: A comment after a key, for the person who edits the file.
_COMMENTS: dict[tuple[str, ...], str] = {
    ("machine", "ram"): "usable RAM, in pages without a unit",
    ("machine", "swap"): "total swap, in pages",
    ("machine", "batch"): "percpu_counter_batch",
    ("oom", "totalpages"): "what scores are measured against, in pages",
    ("oom", "current"): "the allocating task",
    ("oom", "memcg"): "the cgroup that ran out",
}
#: Where a task only stands for the allocating one.
_ASSUMED: dict[tuple[str, ...], str] = {
    ("oom", "current"): "stands for the allocating task, of which the log shows too little"
}


def to_yaml(scenario: models.Scenario, comments: tuple[str, ...] = ()) -> str:
    """The scenario as YAML with comments; one that comes from a log has its tasks as the kernel's table."""
    stated = plain(scenario)
    data = {key: stated[key] for key in dict.fromkeys(("oomsel", "title", "kernel", *stated)) if key in stated}
    lines = [f"# {line}" for comment in comments for line in comment.split("\n")]
    rest = {key: data.pop(key) for key in ("updates", "expect") if key in data}
    is_assumed = scenario.log is not None and scenario.oom.current in scenario.log.assumed_pids
    comments_by_key = _COMMENTS | _ASSUMED if is_assumed else _COMMENTS
    for key, value in data.items():
        lines += _entry((key,), value, comments_by_key)
    form = table_form(tuple(scenario.tasks)) if scenario.log is not None else None
    if form is None:
        lines.append("tasks:")
        lines += [f"- {_flow(plain(task))}" for task in scenario.tasks]
    else:
        rows, more = form
        lines += ["tasks: |", *(f"  {row}" for row in rows)]
        if more:
            lines.append("more:  # what the table cannot say")
            lines += [f"  {pid}: {_flow(said)}" for pid, said in more.items()]
    for key, value in rest.items():
        lines += _entry((key,), value)
    return "\n".join(lines) + "\n"


def _entry(path: tuple[str, ...], value: Any, comments: Mapping[tuple[str, ...], str] = _COMMENTS) -> Iterator[str]:
    indent = "  " * (len(path) - 1)
    key = _key(path[-1])
    start = f"{indent}{key}:" if len(key) < MAX_KEY else f"{indent}? {key}\n{indent}:"
    comment = comments.get(path, "") if len(path) == 2 else ""
    tail = f"  # {comment}" if comment else ""
    if isinstance(value, dict) and value and (len(path) == 1 or (path[0] in ("machine", "expect") and len(path) == 2)):
        yield start
        for name, part in value.items():
            yield from _entry((*path, name), part, comments)
    elif isinstance(value, str) and _is_literal(value):
        yield f"{start} |-"
        yield from (f"{indent}  {line}" for line in value.split("\n"))
    elif isinstance(value, list) and path == ("updates",):
        yield f"{key}:"
        yield from (f"- {_flow(item)}" for item in value)
    else:
        yield f"{start} {_flow(value)}{tail}"


def _is_literal(text: str) -> bool:
    """Whether a text of several lines can stand in a literal block, which ends before a last newline."""
    lines = text.split("\n")
    if len(lines) < 2 or shown(text) != text:
        return False
    return all(line.isprintable() and line and line[0] != " " for line in lines)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow_key(key)}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _flow_key(key: str) -> str:
    text = _key(key)
    return text if len(text) < MAX_KEY else f"? {text} "


def _key(key: str) -> str:
    """A key without what contains it; the numbers of nodes and CPUs stand bare."""
    return key if key.isascii() and key.isdecimal() else _scalar(key)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json_escaped(json.dumps(text, ensure_ascii=False))
    # What YAML does not take as it is, JSON's escapes write.
    return "".join(char if char.isprintable() or char == " " else json.dumps(char)[1:-1] for char in quoted)
