"""A Scenario as plain data of format 1 again, and that as YAML or JSON text, one task a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from oomsel.scenario.declaration import Model
from oomsel.scenario.models import Counter, Scenario, Task
from oomsel.text import comm_to_text, format_numbers

#: What is written before the other keys.
_FIRST: dict[type[Model], tuple[str, ...]] = {Scenario: ("oomsel", "machine", "kernel"), Task: ("pid", "comm")}
#: Keys whose lists of numbers are cpulists or nodelists.
_LISTS = frozenset("cpus online dying offline nodemask mems_allowed mempolicy".split())
_QUOTED_KEY = re.compile(r'"([a-z_]+|[0-9]+)": ')
#: libyaml takes a key of more than 1,024 characters only behind a question mark.
MAX_KEY = 1000
_LONG_KEY = re.compile(r'("(?:[^"\\]|\\.){500,}"): ')  # each of the 500 may be an escape
#: What JSON leaves as it is and YAML does not take so, or a terminal would act on.
_ODD = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


#: The first line of a YAML scenario: by it an editor finds the schema, which `oomsel schema` writes beside the file.
EDITOR_LINE = "# yaml-language-server: $schema=oomsel.schema.json"


def plain(model: Model) -> dict[str, Any]:
    """What `model` states that is no default, key by key."""
    stated: dict[str, Any] = {}
    keys = model.keys()
    for name in dict.fromkeys((*_FIRST.get(type(model), ()), *keys)):
        value, default = getattr(model, name), keys[name].default
        if value is not default and value != default and name != "tasks":
            stated[name] = format_numbers(value) if name in _LISTS else _value(value)
    return stated


def _value(value: Any) -> Any:
    if isinstance(value, Counter) and not value.deltas:
        return value.count
    if isinstance(value, Model):
        return plain(value)
    if isinstance(value, bytes):
        return comm_to_text(value)
    if isinstance(value, Mapping):
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return value


def yaml_pieces(scenario: Scenario) -> Iterator[str]:
    """The scenario as YAML; joined they are the file."""
    head = (f"{key}: {_flow(value)}\n" for key, value in plain(scenario).items())
    return chain([f"{EDITOR_LINE}\n"], head, ["tasks:\n"], (f"- {_flow(plain(task))}\n" for task in scenario.tasks))


def json_pieces(scenario: Scenario) -> Iterator[str]:
    """The scenario as JSON; joined they are the file."""
    head = _dumps(plain(scenario)).removesuffix("}")
    tasks = (_dumps(plain(task)) for task in scenario.tasks)
    return chain([head, ', "tasks": [\n', next(tasks)], (f",\n{task}" for task in tasks), ["\n]}\n"])


def _dumps(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() and "\x7f" not in text else _ODD.sub(lambda odd: f"\\u{ord(odd[0]):04x}", text)


def _flow(value: Any) -> str:
    """A value as YAML on one line: JSON with its keys bare."""
    text = _QUOTED_KEY.sub(r"\1: ", _dumps(value))
    return _LONG_KEY.sub(r"? \1 : ", text) if len(text) > MAX_KEY else text
