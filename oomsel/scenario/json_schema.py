"""The JSON Schema of a format, made from its declaration, for editors.

What a schema cannot say (which CPUs are possible, which pids are tasks) the reader alone refuses, and what YAML
leaves open (whether `true` is a text) it alone accepts.
"""

from __future__ import annotations

from typing import Any

from oomsel.scenario.declaration import Form, ListOf, MappingOf, Model, OrMapping, Value
from oomsel.scenario.models import Scenario

Json = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"  # what editors' YAML servers know best
_PID_KEY = {"title": "pid", "pattern": "^[0-9]+$"}


def scenario_schema() -> Json:
    """The schema of scenarios, with the table form of their tasks."""
    whole = json_schema(Scenario, "oomsel scenario, format 1")
    properties = whole["properties"]
    tasks = properties["tasks"]
    text = {"type": "string", "pattern": r"\[ *pid *\]"}
    properties["tasks"] = {"description": tasks.pop("description"), "anyOf": [tasks, text]}
    more = {**whole["definitions"]["Task"], "required": []}
    more["description"] = "What a task table cannot say, per pid: any key of a task."
    properties["more"] = {
        "description": "With tasks as a table: what it cannot say, by pid.",
        "type": "object",
        "propertyNames": _PID_KEY,
        "additionalProperties": more,
    }
    return whole


def json_schema(model: type[Model], title: str) -> Json:
    """The schema of a format whose top level is `model`, as plain data."""
    definitions: dict[str, Json] = {}
    whole = _of_model(model, definitions)
    return {"$schema": DIALECT, "title": title, **whole, "definitions": dict(sorted(definitions.items()))}


def _of_model(model: type[Model], definitions: dict[str, Json]) -> Json:
    """The schema of a mapping's keys; those of the mappings in it go to `definitions`."""
    properties = {}
    for name, key in model.keys().items():
        inner = _of_form(key.form, definitions)
        if "$ref" in inner:  # draft 7 ignores what stands beside a reference
            inner = {"allOf": [inner]}
        properties[name] = {"description": key.meaning, **inner}
    return {
        "description": (model.__doc__ or "").split("\n")[0],
        "type": "object",
        "properties": properties,
        "required": [name for name, key in model.keys().items() if key.required],
        "additionalProperties": False,
    }


def _of_form(form: Form, definitions: dict[str, Json]) -> Json:
    if isinstance(form, Value):
        return dict(form.json)
    if isinstance(form, ListOf):
        item = _of_form(form.item, definitions)
        least = {"minItems": 1} if form.empty else {}
        items = {"type": "array", "items": item, **least}
        return {"anyOf": [item, items | {"uniqueItems": True}]} if form.alone else items
    if isinstance(form, MappingOf):
        values = _of_form(form.value, definitions)
        return {"type": "object", "additionalProperties": values, "propertyNames": dict(form.key.json)}
    if isinstance(form, OrMapping):
        value = _of_form(form.otherwise, definitions)
        keys = ", ".join(
            f"{name}: {_of_form(key.form, definitions)['title']}" for name, key in form.mapping.keys().items()
        )
        title = f"{value['title']}, or {{{keys}}}"
        return {"title": title, "anyOf": [*value["anyOf"], _of_form(form.mapping, definitions)]}
    name = form.__name__
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = _of_model(form, definitions)
    reference = {"$ref": f"#/definitions/{name}"}
    if not form.short_for:
        return reference
    short = _of_form(form.keys()[form.short_for].form, definitions)
    return {"title": name.lower(), "anyOf": [*short.get("anyOf", [short]), reference]}
