"""The JSON Schema of scenario format 1, made from the very schema by which scenarios are read.

What a schema cannot say (which CPUs are possible, which pids are tasks) the reader alone refuses, and what YAML
leaves open (whether `true` is a text) it alone accepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from oomsel.scenario import field_types, schema
from oomsel.text import MAX_NODE, MAX_PAGES, PAGE_SIZES

DIALECT = "http://json-schema.org/draft-07/schema#"  # what editors' YAML servers know best
#: A plain scalar of YAML is text as written, so that 6.12 and 123 are text, too.
_TEXT = {"type": ["string", "number"]}
_PAGES: list[Any] = [
    {"type": "integer", "exclusiveMinimum": -MAX_PAGES, "exclusiveMaximum": MAX_PAGES},
    {"type": "string", "pattern": r"^[+-]?[0-9]+(\.[0-9]+)? ?([pP][aA][gG][eE][sS]|[kKmMgGtT][iI]?[bB])$"},
]
_SIZE: list[Any] = [
    {"type": "integer", "minimum": 0, "exclusiveMaximum": MAX_PAGES},
    _PAGES[1],
]
_LIST = r"[0-9]+(-[0-9]+(:[0-9]+/[0-9]+)?)?"
_NUMBERS = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": f"^{_LIST}(,{_LIST})*$"},
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": True},
    ]
}
#: What each leaf accepts, by the name of the function that reads it; the title says it to people.
LEAVES: dict[str, dict[str, Any]] = {
    "text": {"title": "text", **_TEXT},
    "comm": {"title": "name of at most 15 bytes", **_TEXT},
    "pid_or_comm": {"title": "pid or comm", **_TEXT},
    "label": {"title": "label", **_TEXT, "minLength": 1},
    "bool": {"title": "true or false", "type": "boolean"},
    "quantity": {"title": "quantity", "anyOf": _PAGES},
    "size": {"title": "quantity from 0", "anyOf": _SIZE},
    "limit": {"title": "quantity from 0, or max", "anyOf": [{"const": "max"}, *_SIZE]},
    "numbers": {"title": "list of numbers", **_NUMBERS},
    "cpus": {"title": "count or list of numbers", **_NUMBERS},
    "gfp": {
        "title": "flag names or a number",
        "type": ["integer", "string"],
        "minimum": 0,
        "exclusiveMaximum": 1 << 32,
    },
    "page_size": {"title": "bytes", "enum": list(PAGE_SIZES)},
    "flag": {"title": f"one of {', '.join(field_types.FLAGS)}", "enum": list(field_types.FLAGS)},
    "version": {"title": "1", "const": 1},
    "memcg_path": {"title": "path like /web/worker", "type": "string", "pattern": "^/"},
    "cpuset_name": {"title": "name", **_TEXT},
    "golden": {"title": "file below the scenario's folder", **_TEXT, "pattern": r"^[^/]"},
    "release": {"title": "kernel release", **_TEXT, "pattern": "^v?[0-9]+\\.[0-9]+"},
    "cpu_key": {"title": "CPU or list of CPUs", "pattern": f"^{_LIST}(,{_LIST})*$"},
    "node_key": {"title": "node", "pattern": f"^[0-9]{{1,{len(str(MAX_NODE))}}}$"},
}
_PID_KEY = {"title": "pid", "pattern": "^[0-9]+$"}


def scenario_schema() -> dict[str, Any]:
    """The whole schema as plain data."""
    definitions: dict[str, Any] = {}
    whole = _model(schema.scenario_core_schema(), definitions)
    properties = whole["properties"]
    tasks = properties["tasks"]
    text = {"type": "string", "pattern": r"\[ *pid *\]"}
    properties["tasks"] = {"description": tasks.pop("description"), "anyOf": [tasks, text]}
    more = {**definitions["Task"], "required": []}
    more["description"] = "What a task table cannot say, per pid: any key of a task."
    properties["more"] = {
        "description": "With tasks as a table: what it cannot say, by pid.",
        "type": "object",
        "propertyNames": _PID_KEY,
        "additionalProperties": more,
    }
    return {
        "$schema": DIALECT,
        "title": "oomsel scenario, format 1",
        **whole,
        "definitions": dict(sorted(definitions.items())),
    }


def _model(core: Mapping[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a mapping that becomes a model."""
    cls = core["cls"]
    fields = core["schema"]["fields"]
    hints = get_type_hints(cls, include_extras=True)
    properties = {}
    required = []
    for field in fields:
        name, inner = field["name"], field["schema"]
        if inner["type"] == "default":
            inner = inner["schema"]
        else:
            required.append(name)
        properties[name] = {"description": get_args(hints[name])[1], **_schema(inner, definitions)}
        if "$ref" in properties[name]:  # draft 7 ignores what stands beside a reference
            properties[name] = {"description": properties[name].pop("description"), "allOf": [properties[name]]}
    described = {"description": (cls.__doc__ or "").split("\n")[0], "type": "object", "properties": properties}
    return {**described, "required": required, "additionalProperties": False}


def _schema(core: Mapping[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Any other part of the reader's schema."""
    kind = core["type"]
    if kind == "function-plain":
        return LEAVES[core["metadata"]["kind"]]
    if kind == "function-before":  # a counter's short form
        return {"title": "counter", "anyOf": [*_PAGES, _schema(core["schema"], definitions)]}
    if kind in ("function-wrap", "custom-error"):
        return _schema(core["schema"], definitions)
    if kind == "int":
        return {"type": "integer", "minimum": core["ge"], "maximum": core["le"]}
    return _collection(core, definitions)


def _collection(core: Mapping[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    kind = core["type"]
    if kind == "tuple":
        lower = {"minItems": core["min_length"]} if "min_length" in core else {}
        return {"type": "array", "items": _schema(core["items_schema"][0], definitions), **lower}
    if kind == "dict":
        keys, values = core["keys_schema"], core["values_schema"]
        described = {"type": "object", "additionalProperties": _schema(values, definitions)}
        return described | {"propertyNames": _key(keys)}
    if kind == "dataclass":
        name = core["cls"].__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _model(core, definitions)
        return {"$ref": f"#/definitions/{name}"}
    raise TypeError(f"a kind of schema that is not described: {kind}")


def _key(core: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a mapping's keys, which are text to JSON."""
    if core["type"] == "custom-error":
        return _key(core["schema"])
    if core["type"] == "union":
        return _key(core["choices"][-1])
    return LEAVES[core["metadata"]["kind"]]


def scenario_schema_text() -> str:
    """The schema as `oomsel schema` prints it."""
    import json

    return json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n"
