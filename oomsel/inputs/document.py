"""A scenario's text as plain data, and the way from a key path back to its place."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from oomsel.errors import InputError, Problem
from oomsel.inputs.nodes import Irregular, Node, Path, format_path, locate, repeated_keys

if TYPE_CHECKING:
    from oomsel.inputs.table import Origin, Wrong

_AFTER_THE_FILE = 1 << 40
#: The keys of a counter, which has a short form.
COUNTER_KEYS = ("count", "deltas")


class Override(NamedTuple):
    """What an option stated."""

    path: Path
    made: int  #: how many of the path's parts lead to what was not there, or no mapping and no list, before
    option: str

    def stated(self, path: Path) -> bool:
        """Whether what is at `path` is there because of it."""
        if path[: len(self.path)] == self.path or (len(path) >= self.made and self.path[: len(path)] == path):
            return True
        # What a section that the file does not have lacks, the file lacks.
        return self.made > 1 and path[: self.made] == self.path[: self.made]


class Document:
    """One input: `data` as dicts, lists and scalars, `is_json`, and what was already found wrong."""

    def __init__(self, source: str, raw: bytes) -> None:
        self.source = source  #: the input's name as given
        self.problems: list[Problem] = []
        self.text = _decode(source, raw)
        self.is_json = self.text.lstrip(" \t\r\n").startswith("{")
        self._node: Node | None = None
        self._origins: list[Origin] = []
        self._more: dict[Any, Any] = {}
        self._overrides: list[Override] = []
        reader = self._reader()
        try:
            self.data: Any = reader.build(self.text)
        except Irregular:
            node, problems = reader.compose(source, self.text)
            found = {(problem.line, problem.column): problem for problem in repeated_keys(node)}
            self.problems = [*problems, *found.values()]
            self.data = node.plain()
            self._node = node

    def _reader(self) -> Any:
        """The module that reads the text; only the one that is needed is imported."""
        return import_module(f"oomsel.inputs.{'json' if self.is_json else 'yaml'}_reader")

    @property
    def root(self) -> Node:
        """The document as nodes with their places."""
        if self._node is None:
            self._node = self._reader().compose(self.source, self.text)[0]
        return self._node

    def expand_table(self, page_size: int) -> None:
        """Make the table form of `tasks`, where it is used, a list of tasks; paths keep leading to the text."""
        data = self.data
        if not isinstance(data.get("tasks"), str) or type(data["tasks"]) is not str:
            return
        from oomsel.inputs.table import expand

        self.set_tasks(*expand(data["tasks"], data.get("more"), page_size))

    def set_tasks(self, tasks: list[Any], origins: list[Origin], problems: list[Wrong]) -> None:
        """Put a list of tasks, and what was found wrong in making it, in the place of `more`."""
        self.problems += [self.problem(path, message, at_key=at_key) for path, message, at_key in problems]
        self._more = self.data["more"] if isinstance(self.data.get("more"), dict) else {}
        self.data = {key: value for key, value in self.data.items() if key != "more"} | {"tasks": tasks}
        self._origins = origins

    def override(self, path: Path, value: Any, option: str) -> None:
        """Put `value` at `path`, as if the file said so; `option` is where it comes from."""
        self._overrides.append(Override(path, _made(self.data, path), option))
        self.data = _with(self.data, path, value)

    def _override_of(self, path: Path) -> int | None:
        """Which override, the last one first, stated what is at `path`."""
        for index in reversed(range(len(self._overrides))):
            if self._overrides[index].stated(path):
                return index
        return None

    def place(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:
        """Line and column of the value at `path`, or of its key; of what contains it where it is not there.

        What an option stated comes after everything in the file.
        """
        override = self._override_of(path)
        if override is not None:
            return _AFTER_THE_FILE, override
        origin = self._origin(path)
        if origin is None:
            return locate(self.root, path, at_key=at_key)
        if origin.more_key is not None and (origin.line is None or self._in_more(origin, path)):
            return locate(self.root, ("more", origin.more_key, *path[2:]), at_key=at_key)
        return self._row_place(origin.line or 0)

    def shown_path(self, path: Path) -> str:
        """The key path as an error names it."""
        origin = self._origin(path)
        if origin is not None and origin.more_key is not None and (origin.line is None or self._in_more(origin, path)):
            path = ("more", origin.more_key, *path[2:])
        return format_path(path)

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        """A problem at `path`, with its place."""
        override = self._override_of(path)
        if override is not None:
            return Problem(message, path=self.shown_path(path), source=self._overrides[override].option)
        line, column = self.place(path, at_key=at_key)
        return Problem(message, line, column, self.shown_path(path) or None)

    def has_row(self, path: Path) -> bool:
        """Whether the task at `path` comes from a row of the table form."""
        origin = self._origin(path)
        return origin is not None and origin.line is not None

    def _origin(self, path: Path) -> Origin | None:
        if len(path) < 2 or path[0] != "tasks" or not isinstance(path[1], int) or path[1] >= len(self._origins):
            return None
        return self._origins[path[1]]

    def _in_more(self, origin: Origin, path: Path) -> bool:
        """Whether `more` states what `path` speaks of."""
        value: Any = self._more.get(origin.more_key)
        for part in path[2:]:
            if part not in (value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
                return False
            value = value[part]
        return len(path) > 2

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def _row_place(self, row: int) -> tuple[int, int]:
        line, column = locate(self.root, ("tasks",))
        lines = self._lines
        if lines[line - 1][column - 1 : column] != "|":  # only in a literal block do lines stay lines
            return line, column
        source = lines[line + row]
        return line + 1 + row, len(source) - len(source.lstrip()) + 1


def _made(data: Any, path: Path) -> int:
    for index, part in enumerate(path):
        data = data.get(part) if isinstance(data, dict) else data[part]
        if not isinstance(data, dict | list):
            short_form = data is not None and path[index + 1 : index + 2] in [(key,) for key in COUNTER_KEYS]
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
    if part in COUNTER_KEYS and value is not None and not isinstance(value, dict):
        inner = {"count": value}  # a counter's short form
    return {**inner, part: _with(inner.get(part), rest, new)}


def _decode(source: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = error.object  # without the BOM, as is error.start
        before = text[: error.start].decode()
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        message = f"not UTF-8: the byte 0x{text[error.start]:02x}; save the file as UTF-8"
        raise InputError(source, [Problem(message, line, column)]) from None
