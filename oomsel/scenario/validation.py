"""What pydantic-core finds wrong with an input's keys and values, in our words and with its place."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails

from oomsel.scenario.declaration import Form, known_keys
from oomsel.scenario.problems import MISSING, ProblemCollector
from oomsel.scenario.rules.tasks import keys_by_cpu
from oomsel.scenario.values import Path, Plain, is_empty
from oomsel.text import nearest


def add_validation_error(detail: ErrorDetails, collector: ProblemCollector, form: Form) -> None:
    """The problem that an error of the reading is; `form` is that of the whole input."""
    path, cut, at_key = real_path(detail["loc"], collector.places.data)
    kind, value = detail["type"], detail["input"]
    cpu = detail.get("ctx", {}).get("cpu")
    if cpu is not None:
        path, at_key = keys_by_cpu(path, collector).get(cpu, path), True
    if kind == "missing" and not cut:
        collector.add(path, MISSING)
    elif kind in ("unexpected_keyword_argument", "invalid_key"):
        known = known_keys(form, path[:-1])
        meant = nearest(str(path[-1]).lower(), known)
        hint = f"did you mean {meant}?" if meant else f"known here: {', '.join(known)}"
        collector.add(path, f"unknown key; {hint}", at_key=True)
    elif is_empty(value):
        collector.add(path, "empty; leave the key out, or give it a value")
    elif kind == "wrong":
        message = detail["msg"]
        stands_alone = message[:1].isupper() or message[:1].isdigit()
        collector.add(path, message if stands_alone else f"{shown(value)} is {message}", at_key=at_key)
    elif kind == "empty_list":
        collector.add(path, detail["msg"])
    else:
        want = "a list" if kind.startswith(("tuple", "list")) else "a mapping of keys"
        collector.add(path, f"{shown(value)} is no {want.removeprefix('a ')}; use {want}", at_key=at_key)


def real_path(loc: tuple[int | str, ...], data: Any) -> tuple[Path, bool, bool]:
    """`loc` as far as the input goes, whether it was cut short, and whether it is about a key.

    A counter's short form, `anon: 5`, is read as `{count: 5}`, and a union names its members:
    neither is in the input.
    """
    path: list[str | int] = []
    value = data
    for index, part in enumerate(loc):
        if part == "[key]":
            return tuple(path), False, True
        if isinstance(value, dict) and part not in value:
            return (*path, part), False, index < len(loc) - 1
        if not (isinstance(value, dict) or (isinstance(value, list) and isinstance(part, int))):
            return tuple(path), True, False
        value = value[part]  # type: ignore[index]
        path.append(part)
    return tuple(path), False, False


def shown(value: Any) -> str:
    """A value as a message quotes it, short."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        text = getattr(value, "text", None) or str(int(value))
    else:
        text = str(value) if isinstance(value, Plain) else f'"{value}"'
    return text if len(text) <= 40 else f"{text[:37]}..."
