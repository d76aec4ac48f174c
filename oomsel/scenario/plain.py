"""What a scenario states, as plain data of format 1 again."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from oomsel.scenario.declaration import Model
from oomsel.scenario.models import Counter, Scenario, Task
from oomsel.text import comm_to_text, format_numbers

#: How the lines of a capture's description begin that say why it is not the whole machine.
PART, HIDDEN = "only a part of the machine is seen", "/proc is mounted with "

#: What is written before the other keys.
_FIRST: dict[type[Model], tuple[str, ...]] = {Scenario: ("oomsel", "machine", "kernel"), Task: ("pid", "comm")}
#: Keys whose lists of numbers are cpulists or nodelists.
_LISTS = frozenset("cpus online dying offline nodemask mems_allowed mempolicy interleave".split())


def plain(model: Model, without: Container[str] = ("tasks",)) -> dict[str, Any]:
    """What `model` states that is no default, key by key, but for some keys."""
    stated: dict[str, Any] = {}
    keys = model.keys()
    for name in dict.fromkeys((*_FIRST.get(type(model), ()), *keys)):
        value, default = getattr(model, name), keys[name].default
        if value is not default and value != default and name not in without:
            stated[name] = format_numbers(value) if name in _LISTS and isinstance(value, tuple) else _value(value)
    return stated


def _value(value: Any) -> Any:
    if isinstance(value, int | str):
        return value
    if isinstance(value, Model):
        return value.count if isinstance(value, Counter) and not value.deltas else plain(value)
    if isinstance(value, bytes):
        return comm_to_text(value)
    if isinstance(value, Mapping):
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return value


def partial_of(description: str) -> tuple[str, ...]:
    """Why a capture is not the whole machine, by its description: the lines that say so."""
    return tuple(line for line in description.split("\n") if line.startswith((PART, HIDDEN)))
