"""The reference of scenario format 1 for people, as Markdown, made from the JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from oomsel.scenario.json_schema import scenario_schema

_INTRODUCTION = """\
# Scenario format 1

A scenario is everything the OOM killer looks at in the moment it chooses, as YAML (1.2) or JSON.
`oomsel schema --format markdown` prints this page.

- A **quantity** of memory is in pages, or carries a unit: `25`, `100 kB`, `1.5GiB`, `64 pages`. All units are binary.
- A **list of numbers** is one number, `[0, 2]`, or the kernel's form, `0-3,8` or `0-31:2/4`.
- A **counter** is a quantity, or a mapping with `count` and `deltas`.
- In a comm, `\\xNN` stands for one byte.
- `tasks` may be a task table as pasted from a kernel log, header and rows; `more` adds, by pid, what it cannot say.
- An unknown key, an empty value and a value out of range are errors.
"""

#: Where a definition is used, in the order of reading, and its heading.
_SECTIONS = (
    ("Machine", "machine"),
    ("Node", "machine.nodes"),
    ("MemcgLimits", "memcgs"),
    ("Oom", "oom"),
    ("Sysctls", "sysctl"),
    ("Task", "tasks"),
    ("Rss", "tasks: rss"),
    ("Counter", "tasks: rss: a counter"),
    ("Thread", "tasks: thread"),
    ("Cpuset", "tasks: cpuset"),
    ("Update", "updates"),
    ("Expect", "expect"),
    ("Verdict", "expect: approximate, precise"),
)
_HEADINGS = dict(_SECTIONS)


def format_reference() -> str:
    """Every key with what it holds and what it means."""
    whole = scenario_schema()
    lines = [_INTRODUCTION, "## Top level", "", *_table(whole)]
    for name, heading in _SECTIONS:
        part = whole["definitions"][name]
        lines += ["", f"## {heading}", "", part["description"], "", *_table(part)]
    return "\n".join(lines) + "\n"


def _table(part: dict[str, Any]) -> Iterator[str]:
    yield "| key | holds | meaning |"
    yield "|---|---|---|"
    for name, inner in part["properties"].items():
        star = " (required)" if name in part["required"] else ""
        yield f"| `{name}`{star} | {_holds(inner)} | {_cell(inner['description'])} |"


def _holds(part: dict[str, Any]) -> str:
    """What a value is, in words."""
    if "allOf" in part:
        part = part["allOf"][0]
    if "$ref" in part:
        return f"mapping, see {_HEADINGS[part['$ref'].rpartition('/')[2]]}"
    if "title" in part:
        return _cell(part["title"])
    if "anyOf" in part:
        return " or ".join(_holds(choice) for choice in part["anyOf"])
    return _HOLDERS[part["type"]](part)


def _mapping(part: dict[str, Any]) -> str:
    keys = part["propertyNames"]["title"]
    inner = "a task's keys" if "properties" in part["additionalProperties"] else _holds(part["additionalProperties"])
    return f"mapping: {keys} to {inner}"


_HOLDERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "array": lambda part: f"list: {_holds(part['items'])}",
    "integer": lambda part: f"{part['minimum']} to {part['maximum']}",
    "string": lambda _: "text",
    "object": _mapping,
}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
