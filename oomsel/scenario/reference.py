"""The reference of a format for people, as Markdown, made from its JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

SCENARIO = """\
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


def reference(schema: dict[str, Any], introduction: str) -> str:
    """Every key with what it holds and what it means."""
    headings = dict(_headings(schema, schema["definitions"], ""))
    lines = [introduction, "## Top level", "", *_table(schema, headings)]
    for name, heading in headings.items():
        part = schema["definitions"][name]
        lines += ["", f"## {heading}", "", part["description"], "", *_table(part, headings)]
    return "\n".join(lines) + "\n"


def _headings(part: dict[str, Any], definitions: dict[str, Any], above: str) -> Iterator[tuple[str, str]]:
    """The definitions that `part` uses, in the order of reading, each with a heading: the keys that lead to it."""
    keys: dict[str, list[str]] = {}
    for key, inner in part["properties"].items():
        if (name := _definition_in(inner)) is not None:
            keys.setdefault(name, []).append(key)
    for name, leading in keys.items():
        heading = f"{above}{', '.join(leading)}"
        yield name, heading
        yield from _headings(definitions[name], definitions, f"{heading}: ")


def _definition_in(part: dict[str, Any]) -> str | None:
    """The definition that a key's value, or what is in it, refers to."""
    if "$ref" in part:
        return str(part["$ref"].rpartition("/")[2])
    inner = [part.get("items"), part.get("additionalProperties"), *part.get("anyOf", ()), *part.get("allOf", ())]
    found = (_definition_in(one) for one in inner if isinstance(one, dict))
    return next((name for name in found if name is not None), None)


def _table(part: dict[str, Any], headings: dict[str, str]) -> Iterator[str]:
    yield "| key | holds | meaning |"
    yield "|---|---|---|"
    for name, inner in part["properties"].items():
        star = " (required)" if name in part["required"] else ""
        yield f"| `{name}`{star} | {_cell(_holds(inner, headings))} | {_cell(inner['description'])} |"


def _holds(part: dict[str, Any], headings: dict[str, str]) -> str:
    """What a value is, in words."""
    if "allOf" in part:
        part = part["allOf"][0]
    if "$ref" in part:
        return f"mapping, see {headings[part['$ref'].rpartition('/')[2]]}"
    if "title" in part:
        return str(part["title"])
    if "anyOf" in part:
        return " or ".join(_holds(choice, headings) for choice in part["anyOf"])
    return _HOLDERS[part["type"]](part, headings)


def _mapping(part: dict[str, Any], headings: dict[str, str]) -> str:
    values = part["additionalProperties"]
    inner = "a task's keys" if "properties" in values else _holds(values, headings)
    return f"mapping: {part['propertyNames']['title']} to {inner}"


_HOLDERS: dict[str, Callable[[dict[str, Any], dict[str, str]], str]] = {
    "array": lambda part, headings: f"list: {_holds(part['items'], headings)}",
    "integer": lambda part, _: f"{part['minimum']} to {part['maximum']}",
    "string": lambda *_: "text",
    "object": _mapping,
}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
