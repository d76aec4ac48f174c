"""Finding the scenarios below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from oomsel.errors import InputError, Problem, unreadable
from oomsel.inputs.identify import Kind, identify
from oomsel.inputs.source import SUFFIXES, open_source


class Found(NamedTuple):
    """Inputs to check, each once and in order; the files in folders that are not checked, and why."""

    names: list[str]
    others: list[tuple[str, str]]
    without: list[str]  #: folders that hold no scenario


def find_scenarios(paths: Iterable[str]) -> Found:
    """Every file named, and every scenario in the folders named and below them.

    In a folder a scenario is a .yaml, .yml or .json file that has the key `oomsel` at its top, or
    other keys that show that it was meant to, or a bundle called .npz; folders whose name begins
    with a dot and links to folders are left alone.  Raises InputError for a folder that cannot be read.
    """
    found = Found([], [], [])
    names: dict[str, str] = {}
    for path in paths:
        inside = [path]
        if os.path.isdir(path):
            reasons = {name: why_not_checked(name) for name in _files_below(path)}
            inside = [name for name, reason in reasons.items() if reason is None]
            found.others.extend((name, reason) for name, reason in reasons.items() if reason is not None)
            if not inside:
                found.without.append(path)
        for name in inside:
            names.setdefault(os.path.normpath(name), name)
    return found._replace(names=list(names.values()))


def refuse_without(found: Found) -> None:
    """Raises InputError if a folder holds no scenario."""
    if found.without:
        kinds = "a .yaml, .yml or .json file with the key oomsel, or a bundle called .npz"
        raise InputError(found.without[0], [Problem(f"no scenario in this folder; a scenario is {kinds}")])


def _files_below(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise unreadable(str(error.filename), error)

    for here, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(here, name) for name in sorted(files) if name.endswith(SUFFIXES))


def why_not_checked(path: str) -> str | None:
    """Why a file in a folder is not checked; None for one that is.  What cannot be read is left to `load` to refuse."""
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
        return "it is no regular file"
    try:
        with open_source(path) as stream:
            kind = identify(stream)
    except InputError:
        return None
    if kind in (Kind.SCENARIO, Kind.BUNDLE):
        return None
    reasons = {Kind.OTHER: "it has no key oomsel at its top", Kind.EMPTY: "it is empty"}
    return reasons.get(kind) or f"this is {kind.value}"
