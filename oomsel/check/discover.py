"""Finding the scenarios below a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from oomsel.errors import InputError, Problem
from oomsel.inputs.source import SUFFIXES

#: The key that tells a scenario from any other YAML file; at the top level it nearly always stands in the first column.
_YAML_KEY = re.compile(rb"""^(?:\xef\xbb\xbf)?(?:\{\s*)?["']?oomsel["']?\s*:""", re.MULTILINE)
#: The name of a bundle's first member, and so many bytes as it stands in.
_BUNDLE_MEMBER, _BUNDLE_HEAD = b"scenario.npy", 100


class Found(NamedTuple):
    """Inputs to check, each once and in order, and the files in folders that are no scenarios."""

    names: list[str]
    others: list[str]


def find_scenarios(paths: Iterable[str]) -> Found:
    """Every file named, and every scenario in the folders named and below them.

    In a folder a scenario is a .yaml, .yml or .json file with the key `oomsel` at its top, or a
    bundle called .npz; folders whose name begins with a dot and links to folders are left alone.
    Raises InputError for what cannot be read, and for a folder without any scenario.
    """
    names: dict[str, str] = {}
    others: list[str] = []
    for path in paths:
        if not os.path.isdir(path):
            names.setdefault(os.path.normpath(path), path)
            continue
        inside, beside = _walk(path)
        if not inside:
            kinds = "a .yaml, .yml or .json file with the key oomsel, or a bundle called .npz"
            message = f"no scenario in this folder; a scenario is {kinds}"
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
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
        return False
    try:
        with open(path, "rb") as file:
            raw = file.read(_BUNDLE_HEAD if path.endswith(".npz") else -1)
    except OSError:
        return True
    if path.endswith(".npz"):
        return _BUNDLE_MEMBER in raw
    return _json_has_key(raw) if path.endswith(".json") else _yaml_has_key(raw)


def _json_has_key(raw: bytes) -> bool:
    import json

    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        return _YAML_KEY.search(raw) is not None or b'"oomsel"' in raw
    return isinstance(data, dict) and "oomsel" in data


def _yaml_has_key(raw: bytes) -> bool:
    if _YAML_KEY.search(raw) is not None:
        return True
    if b"oomsel" not in raw:
        return False
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _json_has_key(raw)
    from oomsel.inputs.document import Document

    try:  # indented, or behind `---`: the slow way, that few need
        data = Document("", raw).data
    except InputError:
        return False
    return isinstance(data, dict) and "oomsel" in data
