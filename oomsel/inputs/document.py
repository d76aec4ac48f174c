"""The text of a file as plain data, and the way from a key path back to its line and column."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from oomsel.errors import InputError, Problem
from oomsel.inputs.nodes import Irregular, Node, locate, repeated_keys
from oomsel.scenario.problems import Places
from oomsel.scenario.values import Path, format_path
from oomsel.text import format_numbers

if TYPE_CHECKING:
    from oomsel.inputs.table import Origin, Wrong


class Document(Places):
    """A YAML or JSON file: `data` as dicts, lists and scalars, and what was already found wrong."""

    def __init__(self, source: str, raw: bytes) -> None:
        self.source = source  #: the input's name as given
        self.problems: list[Problem] = []
        self.notes: list[str] = []  #: what a person should know of it
        self.text = _decode(source, raw)
        self.is_json = self.text.lstrip(" \t\r\n").startswith("{")
        self._node: Node | None = None
        self._origins: list[Origin] = []
        self._more: dict[Any, Any] = {}
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

        tasks, origins, problems, strays, notes = expand(data["tasks"], data.get("more"), page_size)
        self.note_strays(strays)
        self.notes += notes
        self.set_tasks(tasks, origins, problems)

    def note_strays(self, strays: list[int]) -> None:
        """Note the lines of the table form that are nothing of a table; 0-based, in the text of `tasks`."""
        if not strays:
            return
        lines, of = [line + 1 for line in strays], " of the table"
        if self._keeps_lines():
            lines, of = [self._row_place(line)[0] for line in strays], ""
        self.notes.append(f"tasks: left out, as nothing of a task table: line {format_numbers(lines)}{of}")

    def set_tasks(self, tasks: list[Any], origins: list[Origin], problems: list[Wrong]) -> None:
        """Put a list of tasks, and what was found wrong in making it, in the place of `more`."""
        for wrong in problems:
            if wrong.line is None:
                self.problems.append(self.problem(wrong.path, wrong.message, at_key=wrong.at_key))
            else:
                self.problems.append(Problem(wrong.message, *self._row_place(wrong.line), self.shown_path(wrong.path)))
        self._more = self.data["more"] if isinstance(self.data.get("more"), dict) else {}
        self.data = {key: value for key, value in self.data.items() if key != "more"} | {"tasks": tasks}
        self._origins = origins

    def place(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:
        """Line and column of the value at `path`, or of its key; of what contains it where it is not there."""
        origin = self._origin(path)
        if origin is not None and not self._is_under_more(origin, path):
            return self._row_place(origin.line or 0)
        return locate(self.root, self._stated_path(path), at_key=at_key)

    def shown_path(self, path: Path) -> str:
        """The key path as an error names it: what `more` states has that path."""
        return format_path(self._stated_path(path))

    def has_row(self, path: Path) -> bool:
        """Whether the task at `path` comes from a row of the table form."""
        origin = self._origin(path)
        return origin is not None and origin.line is not None

    def _origin(self, path: Path) -> Origin | None:
        if len(path) < 2 or path[0] != "tasks" or not isinstance(path[1], int) or path[1] >= len(self._origins):
            return None
        return self._origins[path[1]]

    def _stated_path(self, path: Path) -> Path:
        """The path of the key that states what is at `path`, which differs where `more` does."""
        origin = self._origin(path)
        if origin is None or origin.more_key is None or not self._is_under_more(origin, path):
            return path
        return ("more", origin.more_key, *path[2:])

    def _is_under_more(self, origin: Origin, path: Path) -> bool:
        """Whether `more`, and no row, states what is at `path`."""
        if origin.more_key is None:
            return False
        if origin.line is None:
            return True
        value: Any = self._more.get(origin.more_key)
        for part in path[2:]:
            if part not in (value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
                return False
            value = value[part]
        return len(path) > 2

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def _keeps_lines(self) -> bool:
        """Whether the table is a literal block of YAML, in which alone lines stay lines."""
        line, column = locate(self.root, ("tasks",))
        return self._lines[line - 1][column - 1 : column] == "|"

    def _row_place(self, row: int) -> tuple[int, int]:
        line, column = locate(self.root, ("tasks",))
        lines = self._lines
        if not self._keeps_lines():
            return line, column
        source = lines[line + row]
        return line + 1 + row, len(source) - len(source.lstrip()) + 1


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
