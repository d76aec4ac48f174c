"""Parts of the JSON Schemas of what oomsel prints, and their reference for people, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DRAFT = "https://json-schema.org/draft/2020-12/schema"
INTEGER: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
BOOL: dict[str, Any] = {"type": "boolean"}
STRING: dict[str, Any] = {"type": "string"}
SIZE: dict[str, Any] = {"type": ["integer", "null"], "description": "bytes"}
COUNT: dict[str, Any] = {"type": ["integer", "null"]}
TEXT: dict[str, Any] = {"type": ["string", "null"]}
WORDS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
WHO = {"pid": INTEGER, "comm": STRING}


def mapping(description: str, **properties: Any) -> dict[str, Any]:
    """An object that has these keys and no others."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def counts(description: str) -> dict[str, Any]:
    """An object of whole numbers, under keys that nobody knows before."""
    return {"type": "object", "description": description, "additionalProperties": INTEGER}


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What `schema` says, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A list of such."""
    return {"type": "array", "items": schema, "description": description}


def say(schema: dict[str, Any], description: str) -> dict[str, Any]:
    """The same with a description."""
    return {**schema, "description": description}


def reference_lines(schema: dict[str, Any], heading: str) -> Iterator[str]:
    """Every key with what it holds and what it means: a table for each object, those above before those below."""
    yield from (f"## {heading}", "", schema["description"], "", "| key | holds | meaning |", "|---|---|---|")
    inner = []
    for name, part in schema["properties"].items():
        found = _object_in(part)
        if found is not None and "properties" in found:
            inner.append((name, found))
        yield f"| `{name}` | {_holds(part)} | {_meaning(part)} |"
    yield ""
    for name, found in inner:
        yield from reference_lines(found, f"{heading}: `{name}`")


def _object_in(part: dict[str, Any]) -> dict[str, Any] | None:
    """The object that a value is, or that each of a list is."""
    if "anyOf" in part:
        part = part["anyOf"][0]
    if part.get("type") == "array":
        return _object_in(part["items"])
    return part if part.get("type") == "object" else None


def _meaning(part: dict[str, Any]) -> str:
    said = [str(each.get("description", "")) for each in (part, part.get("items", {})) if each.get("description")]
    if "anyOf" in part:
        said.append(str(part["anyOf"][0].get("description", "")))
    return "; ".join(text.rstrip(".") for text in said)


def _holds(part: dict[str, Any]) -> str:
    """What a value is, in words."""
    if "anyOf" in part:
        return f"{_holds(part['anyOf'][0])} or null"
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join("null" if value is None else f"`{value}`" for value in part["enum"])
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    words = {
        "integer": "whole number",
        "number": "number",
        "string": "text",
        "boolean": "true or false",
        "null": "null",
    }
    words |= {"array": f"list: {_holds(part['items'])}" if "items" in part else "list", "object": "object"}
    return " or ".join(words[kind] for kind in kinds)
