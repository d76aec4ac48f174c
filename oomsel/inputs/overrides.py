"""What-ifs: `KEY=VALUE` with the scenario's own key paths, read and checked as if the input said so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from oomsel.errors import InputError, Problem, UsageError
from oomsel.scenario.models import Counter
from oomsel.scenario.problems import Places
from oomsel.scenario.values import Path, Plain, SourceInt, format_path, is_empty
from oomsel.text import comm_from_text

_PART = re.compile(r'\.?([A-Za-z_][A-Za-z0-9_]*)|\[(?:"((?:[^"\\]|\\.)*)"|([^\]"]*))\]')
#: Sections whose keys are numbers or names, not words of the format.
_LISTS = ("tasks", "updates")
#: The keys of a counter, which has a short form.
_COUNTER_KEYS = Counter.fields()
_AFTER_THE_INPUT = 1 << 40  #: a line


class _Override(NamedTuple):
    path: Path
    made: int  #: how many of the path's parts lead to what was not there, or no mapping and no list, before
    option: str

    def states(self, path: Path) -> bool:
        """Whether what is at `path` is there because of it."""
        if path[: len(self.path)] == self.path or (len(path) >= self.made and self.path[: len(path)] == path):
            return True
        # What a section that the input does not have lacks, the input lacks.
        return self.made > 1 and path[: self.made] == self.path[: self.made]


class Overridden(Places):
    """An input with the values that options put into it; what they stated comes after everything in the input."""

    def __init__(self, inner: Places) -> None:
        self.inner = inner
        self.source, self.is_json, self.problems = inner.source, inner.is_json, inner.problems
        self.data = inner.data
        self._overrides: list[_Override] = []

    def put(self, path: Path, value: Any, option: str) -> None:
        """`value` at `path`, as if the input said so; `option` is where it comes from."""
        self._overrides.append(_Override(path, _made(self.data, path), option))
        self.data = _with(self.data, path, value)

    def _override_of(self, path: Path) -> int | None:
        """Which override, the last one first, stated what is at `path`."""
        states = (index for index in reversed(range(len(self._overrides))) if self._overrides[index].states(path))
        return next(states, None)

    def place(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:
        """The input's own place, or one after all of them, in the order of the options."""
        override = self._override_of(path)
        return self.inner.place(path, at_key=at_key) if override is None else (_AFTER_THE_INPUT, override)

    def shown_path(self, path: Path) -> str:
        """As the input shows it."""
        return self.inner.shown_path(path)

    def has_row(self, path: Path) -> bool:
        """As the input has it."""
        return self.inner.has_row(path)

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        """A problem of the option that stated what is at `path`, or of the input."""
        override = self._override_of(path)
        if override is None:
            return self.inner.problem(path, message, at_key=at_key)
        return Problem(message, path=self.shown_path(path), source=self._overrides[override].option)


def with_options(places: Places, overrides: Sequence[str], kernel: str | None) -> Places:
    """An input, a mapping, with `KEY=VALUE` overrides like `tasks[mysqld].oom_score_adj=-500` and a kernel put in.

    A task is named by pid or by comm, and a comm means every task called so.  Raises
    InputError where the key or the value cannot be read, or no task is meant.
    """
    if not overrides and kernel is None:
        return places
    if isinstance(overrides, str):
        raise UsageError("overrides is one text; use a list of such, like ['tasks[mysqld].oom_score_adj=-500']")
    overridden = Overridden(places)
    for assignment in overrides:
        _apply(overridden, assignment)
    if kernel is not None:
        overridden.put(("kernel",), kernel, f"--kernel {kernel}")
    return overridden


def _apply(overridden: Overridden, assignment: str) -> None:
    option = f"--set {assignment}"
    if re.search("[\ud800-\udfff]", assignment):  # as which bytes that are no UTF-8 reach us
        raise _refused(option, "not UTF-8; in a comm, \\xNN stands for a byte")
    key, equals, text = _split(assignment)
    if not equals:
        raise _refused(option, "no KEY=VALUE; use one like tasks[mysqld].oom_score_adj=-500")
    parts = _parts(key, option)
    value = _read(text, parts, option)
    for path in _paths(overridden.data, parts, option):
        _check_way(overridden.data, path, option)
        overridden.put(path, value, option)


def _read(text: str, parts: Path, option: str) -> Any:
    """The value that `text`, which is YAML, stands for; it may be nothing, but holds no more than a file may."""
    from oomsel.inputs.nodes import repeated_keys
    from oomsel.inputs.yaml_reader import compose_value

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


def _paths(data: dict[Any, Any], parts: Path, option: str) -> Iterable[Path]:
    """Where in `data` the parts lead: for a comm, to every task that has it."""
    section = parts[0]
    if section not in _LISTS or len(parts) == 1:
        return [_as_stated(data, parts)]
    items = data.get(section)
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
            if not is_empty(data) and not (part in _COUNTER_KEYS and "rss" in path[:index]):
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
    stated = [comm for comm in (task.get("comm"), thread.get("comm")) if comm is not None]
    as_written = [comm.text if isinstance(comm, SourceInt) else str(comm) for comm in stated]
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


def _made(data: Any, path: Path) -> int:
    for index, part in enumerate(path):
        data = data.get(part) if isinstance(data, dict) else data[part]
        if not isinstance(data, dict | list):
            short_form = data is not None and path[index + 1 : index + 2] in [(key,) for key in _COUNTER_KEYS]
            return index + 2 if short_form else index + 1
    return len(path)


def _with(value: Any, path: Path, new: Any) -> Any:
    """`value` with `new` at `path`, made of copies: an alias's other uses do not change with it."""
    if not path:
        return new
    part, rest = path[0], path[1:]
    if isinstance(value, list) and isinstance(part, int):
        return [*value[:part], _with(value[part], rest, new), *value[part + 1 :]]
    inner = value if isinstance(value, dict) else {}
    if part in _COUNTER_KEYS and value is not None and not isinstance(value, dict):
        inner = {"count": value}  # a counter's short form
    return {**inner, part: _with(inner.get(part), rest, new)}
