"""What-ifs: `KEY=VALUE` with the scenario's own key paths, read and checked like the file itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from oomsel.errors import InputError, Problem
from oomsel.inputs.document import COUNTER_KEYS, Document
from oomsel.inputs.nodes import Path, Plain, SourceInt, format_path, repeated_keys
from oomsel.inputs.yaml_reader import compose_value
from oomsel.scenario.field_types import is_empty
from oomsel.text import comm_from_text

_PART = re.compile(r'\.?([A-Za-z_][A-Za-z0-9_]*)|\[(?:"((?:[^"\\]|\\.)*)"|([^\]"]*))\]')
#: Sections whose keys are numbers or names, not words of the format.
_LISTS = ("tasks", "updates")


def apply_override(document: Document, assignment: str) -> None:
    """Put what `assignment`, like `tasks[mysqld].oom_score_adj=-500`, says into the document.

    A task is named by pid or by comm, and a comm means every task called so.  Raises
    InputError where the key or the value cannot be read, or no task is meant.
    """
    option = f"--set {assignment}"
    if re.search("[\ud800-\udfff]", assignment):  # as which bytes that are no UTF-8 reach us
        raise _refused(option, "not UTF-8; in a comm, \\xNN stands for a byte")
    key, equals, text = _split(assignment)
    if not equals:
        raise _refused(option, "no KEY=VALUE; use one like tasks[mysqld].oom_score_adj=-500")
    parts = _parts(key, option)
    value = _read(text, parts, option)
    for path in _paths(document, parts, option):
        _check_way(document.data, path, option)
        document.override(path, value, option)


def _read(text: str, parts: Path, option: str) -> Any:
    """The value that `text`, which is YAML, stands for; it may be nothing, but holds no more than a file may."""
    node, problems = compose_value(option, text, parts)
    if node is None:
        return Plain("")
    problems += repeated_keys(node, parts)
    if problems:
        raise InputError(option, problems)
    return _as_written(node.plain())


def _as_written(value: Any) -> Any:
    """`value` with numbers that are text where text is wanted, in JSON too."""
    if isinstance(value, dict):
        return {key: _as_written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_written(item) for item in value]
    return SourceInt(value, str(value)) if type(value) is int else value


def _split(assignment: str) -> tuple[str, str, str]:
    """At the = that ends the key path, which may hold others in its brackets."""
    at = 0
    while match := _PART.match(assignment, at):
        at = match.end()
    if assignment[at : at + 1] != "=":
        return assignment.partition("=")
    return assignment[:at], "=", assignment[at + 1 :]


def _refused(option: str, message: str, path: Path = ()) -> InputError:
    return InputError(option, [Problem(message, path=format_path(path) or None)])


def _parts(key: str, option: str) -> Path:
    parts: list[str | int] = []
    at = 0
    while at < len(key):
        match = _PART.match(key, at)
        if match is None or (at == 0) != (match[1] is not None and not match[0].startswith(".")):
            raise _refused(option, f"no key path: {key}; use one like machine.ram or memcgs[/web].max")
        word, quoted, bare = match.groups()
        if word is not None:
            parts.append(word)
        elif quoted is not None:
            parts.append(re.sub(r"\\(.)", r"\1", quoted))
        else:
            parts.append(int(bare) if re.fullmatch("[0-9]{1,9}", bare) else bare)
        at = match.end()
    if not parts:
        raise _refused(option, "no key path before the =; use one like machine.ram")
    return tuple(parts)


def _paths(document: Document, parts: Path, option: str) -> Iterable[Path]:
    """Where in the document's data the parts lead: for a comm, to every task that has it."""
    section = parts[0]
    if section not in _LISTS or len(parts) == 1:
        return [_as_stated(document.data, parts)]
    items = document.data.get(section) if isinstance(document.data, dict) else None
    if not isinstance(items, list):
        raise _refused(option, "there are none in this scenario; name another key", (section,))
    name = parts[1]
    if section == "updates":
        found = [name] if isinstance(name, int) and name < len(items) else []
        what = f"no update {name}; there are {len(items)}, the first is updates[0]"
    else:
        found = [index for index, task in enumerate(items) if _is_called(task, name)]
        what = f"no task has pid {name}" if isinstance(name, int) else f"no task is called {name}"
        what += "; name one of tasks by pid or comm"
    if not found:
        raise _refused(option, what)
    return [(section, index, *parts[2:]) for index in found]


def _check_way(data: Any, path: Path, option: str) -> None:
    """Refuses a path through what has no such item, or none at all."""
    for index, part in enumerate(path):
        if isinstance(data, list):
            if not isinstance(part, int) or part >= len(data):
                message = f"no item {part} in it, it has {len(data)} from [0] on; name one, or set the whole list"
                raise _refused(option, message, path[:index])
        elif not isinstance(data, dict):
            if not is_empty(data) and not (part in COUNTER_KEYS and "rss" in path[:index]):
                raise _refused(option, f"nothing is in it, so no {part}; set it as a whole", path[:index])
            return
        elif part not in data:
            return
        data = data[part]


def _is_called(task: Any, name: str | int) -> bool:
    if not isinstance(task, dict):
        return False
    thread = task.get("thread")
    thread = thread if isinstance(thread, dict) else {}
    if isinstance(name, int):
        return name in (task.get("pid"), thread.get("pid"))
    stated = [said for said in (task.get("comm"), thread.get("comm")) if said is not None]
    as_written = [said.text if isinstance(said, SourceInt) else str(said) for said in stated]
    return comm_from_text(name) in map(comm_from_text, as_written)


def _as_stated(data: Any, parts: Path) -> Path:
    """`parts` with each number as the mapping there writes it: JSON's keys are all text."""
    path: list[str | int] = []
    for part in parts:
        stated = part
        if isinstance(data, dict) and part not in data and isinstance(part, int) and str(part) in data:
            stated = str(part)
        path.append(stated)
        data = data.get(stated) if isinstance(data, dict) else None
    return tuple(path)
