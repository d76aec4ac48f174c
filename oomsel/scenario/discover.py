"""Finding the scenarios below a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from oomsel.errors import InputError, Problem

SUFFIXES = (".yaml", ".yml", ".json")
#: The key that tells a scenario from any other YAML file; at the top level it stands in the first column.
_YAML_KEY = re.compile(rb"""^(?:\{\s*)?["']?oomsel["']?\s*:""", re.MULTILINE)


class Found(NamedTuple):
    """Inputs to check, each once and in order, and the files in folders that are no scenarios."""

    names: list[str]
    others: list[str]


def find_scenarios(paths: Iterable[str]) -> Found:
    """Every file named, and every scenario in the folders named and below them.

    In a folder a scenario is a .yaml, .yml or .json file with the key `oomsel` at its top;
    folders whose name begins with a dot are left alone.  Raises InputError for what cannot be
    read, and for a folder without any scenario.
    """
    names: dict[str, str] = {}
    others: list[str] = []
    for path in paths:
        if not os.path.isdir(path):
            names.setdefault(os.path.normpath(path), path)
            continue
        inside, beside = _walk(path)
        if not inside:
            message = "no scenario in this folder; a scenario is a .yaml, .yml or .json file with the key oomsel"
            raise InputError(path, [Problem(message)])
        others += beside
        for name in inside:
            names.setdefault(os.path.normpath(name), name)
    return Found(list(names.values()), others)


def _walk(folder: str) -> tuple[list[str], list[str]]:
    inside: list[str] = []
    beside: list[str] = []

    def refuse(error: OSError) -> None:
        raise InputError(str(error.filename), [Problem(error.strerror or str(error))])

    for here, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(SUFFIXES):
                path = os.path.join(here, name)
                (inside if is_scenario(path) else beside).append(path)
    return inside, beside


def is_scenario(path: str) -> bool:
    """Whether the file says of itself that it is one; what cannot be read is left to the reader to refuse."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError:
        return True
    if path.endswith(".json"):
        import json

        try:
            data = json.loads(raw)
        except (ValueError, RecursionError):
            return _YAML_KEY.search(raw) is not None or b'"oomsel"' in raw
        return isinstance(data, dict) and "oomsel" in data
    return _YAML_KEY.search(raw) is not None
