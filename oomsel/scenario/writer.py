"""A Scenario as a scenario file, YAML or JSON: only what differs from the defaults, and it reads back the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from oomsel.klog.formats import format_list
from oomsel.klog.names import comm_to_text
from oomsel.scenario import models
from oomsel.scenario.load import loads
from oomsel.scenario.table_writer import table_form

#: Keys that hold a list of CPUs or nodes.
_LISTS = frozenset(("cpus", "online", "dying", "mems_allowed", "mempolicy", "nodemask", "offline"))
#: Text that YAML reads as the same text without quotes.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./|+-]*")
_WORDS = frozenset(("null", "true", "false"))
#: A comment behind a key, for whoever edits the file.
_COMMENTS = {
    ("machine", "ram"): "usable RAM, in pages without a unit",
    ("machine", "swap"): "total swap, in pages",
    ("machine", "batch"): "percpu_counter_batch",
    ("oom", "totalpages"): "what scores are measured against, in pages",
    ("oom", "current"): "the allocating task",
    ("oom", "memcg"): "the cgroup that ran out",
}


def plain(value: Any, key: str = "") -> Any:  # noqa: PLR0911 - one return a kind of value
    """A Scenario, or a part of it, as the plain data of a file; what is at its default is left out."""
    if isinstance(value, models.Counter):
        deltas = {int(cpu): pages for cpu, pages in value.deltas.items()}
        return {"count": value.count, "deltas": deltas} if deltas else value.count
    if isinstance(value, models.Model):
        defaults = type(value)
        return {
            name: plain(part, name)
            for name, part in vars(value).items()
            if name not in ("notes", "log") and (not hasattr(defaults, name) or part != getattr(defaults, name))
        }
    if isinstance(value, bytes):
        return comm_to_text(value)
    if key in _LISTS or (key == "online" and isinstance(value, tuple)):
        if key == "cpus" and value == tuple(range(len(value))) and value:
            return len(value)
        return value[0] if len(value) == 1 and key != "cpus" else format_list(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    return value


def scenario_object(scenario: models.Scenario) -> dict[str, Any]:
    """The plain data of a whole scenario."""
    data: dict[str, Any] = plain(scenario)
    nodes = data["machine"].get("nodes")
    if nodes is not None and scenario.machine.nodes is not None:
        for number, node in scenario.machine.nodes.items():
            if node.cpus:
                nodes[number]["cpus"] = format_list(node.cpus)
    return data


def to_json(scenario: models.Scenario) -> str:
    """The scenario as JSON."""
    return json.dumps(scenario_object(scenario), indent=1, ensure_ascii=False) + "\n"


def to_yaml(scenario: models.Scenario, comments: tuple[str, ...] = ()) -> str:
    """The scenario as YAML with comments; one that comes from a log has its tasks as the kernel's table."""
    data = scenario_object(scenario)
    lines = [f"# {line}" for comment in comments for line in comment.split("\n")]
    tasks = data.pop("tasks")
    rest = {key: data.pop(key) for key in ("updates", "expect") if key in data}
    for key, value in data.items():
        lines += _entry((key,), value)
    form = table_form(scenario.tasks) if scenario.log is not None else None
    if form is None:
        lines.append("tasks:")
        lines += [f"- {_flow(task)}" for task in tasks]
    else:
        rows, more = form
        lines += ["tasks: |", *(f"  {row}" for row in rows)]
        if more:
            lines.append("more:  # what the table cannot say")
            lines += [f"  {pid}: {_flow(plain_more(said))}" for pid, said in more.items()]
    for key, value in rest.items():
        lines += _entry((key,), value)
    return "\n".join(lines) + "\n"


def plain_more(said: dict[str, Any]) -> dict[str, Any]:
    """What stands under one pid of `more`, as plain data."""
    return {name: plain(value, name) for name, value in said.items()}


def reads_back(text: str, scenario: models.Scenario) -> bool:
    """Whether `text` is read as the same scenario."""
    again = loads(text)
    return all(
        getattr(again, name) == getattr(scenario, name)
        for name in models.Scenario.fields()
        if name not in ("notes", "log")
    )


def _entry(path: tuple[str, ...], value: Any) -> Iterator[str]:
    indent = "  " * (len(path) - 1)
    key = _scalar(path[-1])
    comment = _COMMENTS.get(path, "") if len(path) == 2 else ""
    tail = f"  # {comment}" if comment else ""
    if isinstance(value, dict) and value and (len(path) == 1 or (path[0] in ("machine", "expect") and len(path) == 2)):
        yield f"{indent}{key}:"
        for name, part in value.items():
            yield from _entry((*path, name), part)
    elif isinstance(value, list) and path == ("updates",):
        yield f"{key}:"
        yield from (f"- {_flow(item)}" for item in value)
    else:
        yield f"{indent}{key}: {_flow(value)}{tail}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    # What YAML does not take as it is, JSON's escapes write.
    return "".join(char if char.isprintable() or char == " " else json.dumps(char)[1:-1] for char in quoted)
