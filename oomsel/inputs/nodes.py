"""A document as nodes that know their places: the slow reading, made only to place an error.

The fast readers (yaml_reader.py, json_reader.py) keep no positions.  When something is wrong, the text
is read once more into these nodes and the key path leads to line and column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oomsel.errors import Problem
from oomsel.scenario.values import Path, format_path

#: Deeper nesting than this is refused; a scenario needs seven levels.
MAX_DEPTH = 64


class Irregular(Exception):
    """What only the slow reading handles: an error, an anchor, a character that is a line break to YAML 1.1."""


class Node:
    """A value with its place.  `items` holds a mapping's (key, value) pairs or a list's values."""

    __slots__ = ("_pairs", "column", "height", "items", "line", "size", "value")

    def __init__(self, line: int, column: int, value: Any = None, items: list[Any] | None = None) -> None:
        self.line = line  #: 1-based
        self.column = column  #: 1-based, in characters
        self.value = value  #: a scalar's; dict or list (the type) for a collection
        self.items = items
        self.size = 1  #: nodes in it, itself included, aliases counted as what they stand for
        self.height = 0  #: levels of lists and mappings in it, itself included, aliases likewise
        self._pairs: dict[Any, tuple[Node, Node]] | None = None

    def pair(self, key: Any) -> tuple[Node, Node] | None:
        """A mapping's pair of `key`, the first one, if it has any."""
        if self._pairs is None:  # a mapping of thousands may have thousands of errors
            self._pairs = {pair[0].value: pair for pair in reversed(self.items or ())}
        return self._pairs.get(key)

    def plain(self) -> Any:
        """The value as the fast readers build it; of a repeated key the first counts."""
        if self.items is None:
            return self.value
        if self.value is list:
            return [item.plain() for item in self.items]
        built: dict[Any, Any] = {}
        for key, value in self.items:
            built.setdefault(key.value, value.plain())
        return built


def locate(root: Node, path: Path, *, at_key: bool = False) -> tuple[int, int]:
    """Line and column of the value at `path` (of its key with `at_key`), or of the last part that is there."""
    node = root
    place = (root.line, root.column)
    for index, part in enumerate(path):
        last = index == len(path) - 1
        items = node.items
        if items is None:
            break
        if node.value is list:
            if not isinstance(part, int) or not 0 <= part < len(items):
                break
            node = items[part]
            place = (node.line, node.column)
            continue
        pair = node.pair(part)
        if pair is None:
            break
        node = pair[1]
        where = pair[0] if last and at_key else node
        place = (where.line, where.column)
    return place


def repeated_keys(node: Node, path: Path = ()) -> Iterator[Problem]:
    """A problem for each key that a mapping below `node` states a second time."""
    if node.items is None:
        return
    if node.value is list:
        for index, item in enumerate(node.items):
            yield from repeated_keys(item, (*path, index))
        return
    seen: dict[Any, Node] = {}
    for key, value in node.items:
        first = seen.setdefault(key.value, key)
        here = (*path, key.value)
        if first is not key:
            message = f"stated twice, first in line {first.line}; state it once"
            yield Problem(message, key.line, key.column, format_path(here))
        yield from repeated_keys(value, here)
