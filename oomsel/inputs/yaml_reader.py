"""YAML by the 1.2 core schema, built straight from libyaml's event stream.

The stock loader reads YAML 1.1 (`no` a boolean, `017` fifteen), lets keys repeat, expands
aliases without limit and is ten times slower than what is below.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml import events as ev
from yaml._yaml import CParser

from oomsel.errors import InputError, Problem
from oomsel.inputs.nodes import MAX_DEPTH, Irregular, Node
from oomsel.scenario.values import Path, Plain, SourceInt, format_path

_OTHER = re.compile(
    r"(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|)\Z"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"
    r"|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
)
_INTS = ((re.compile(r"[-+]?[0-9]+"), 10), (re.compile(r"0x[0-9a-fA-F]+"), 16), (re.compile(r"0o[0-7]+"), 8))
#: What a plain scalar that is not text can begin with.
_NOT_TEXT = frozenset("+-.0123456789~nNtTfF")
#: Line breaks to YAML 1.1, and so to libyaml; ordinary characters to YAML 1.2.
_OLD_BREAKS = "\x85\u2028\u2029"
_FORBIDDEN = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep; a scenario needs seven"

_NO_KEY = object()
_IN_LIST = object()


def resolve(text: str) -> Any:
    """The value of a plain scalar: int, or `SourceInt`, `Plain` or str.

    >>> resolve("0x1f"), resolve("no"), resolve("1:30"), resolve("1_000")
    (31, 'no', '1:30', '1_000')
    """
    if text and text[0] not in _NOT_TEXT:
        return text
    if len(text) <= 64:
        for pattern, base in _INTS:
            if pattern.fullmatch(text):
                number = int(text, base)
                return number if str(number) == text else SourceInt(number, text)
    return Plain(text) if _OTHER.match(text) else text


def build(text: str) -> Any:  # noqa: PLR0912, PLR0915
    """The document in `text` as dicts, lists and scalars.  Raises `Irregular` where that is not all there is."""
    if any(char in text for char in _OLD_BREAKS):
        raise Irregular
    # This loop runs once an event, some 75 times a task: names are local, nothing is looked at twice.
    scalar, mapping_start, sequence_start = ev.ScalarEvent, ev.MappingStartEvent, ev.SequenceStartEvent
    mapping_end, sequence_end, alias, document = (
        ev.MappingEndEvent,
        ev.SequenceEndEvent,
        ev.AliasEvent,
        ev.DocumentStartEvent,
    )
    marked = "&" in text or "!" in text or "<<" in text
    known: dict[str, Any] = {}
    top: list[Any] = []
    here: Any = top  # the collection being filled
    key: Any = _IN_LIST  # in a mapping, the key whose value comes next
    stack: list[tuple[Any, Any]] = []
    try:
        event: Any
        for event in iter(CParser(text).get_event, None):
            kind = type(event)
            if kind is scalar:
                value = event.value
                if marked and (event.anchor is not None or event.tag is not None):
                    raise Irregular
                if event.implicit[0]:
                    try:
                        value = known[value]
                    except KeyError:
                        known[value] = value = resolve(value)
            elif kind is mapping_start or kind is sequence_start:
                if key is _NO_KEY or len(stack) >= MAX_DEPTH:
                    raise Irregular
                if marked and (event.anchor is not None or event.tag is not None):
                    raise Irregular
                stack.append((here, key))
                here, key = ({}, _NO_KEY) if kind is mapping_start else ([], _IN_LIST)
                continue
            elif kind is mapping_end or kind is sequence_end:
                value = here
                here, key = stack.pop()
            elif kind is alias or (kind is document and top):
                raise Irregular
            else:
                continue
            if key is _IN_LIST:
                here.append(value)
            elif key is not _NO_KEY:
                here[key] = value
                key = _NO_KEY
            elif value in here or (marked and value == "<<"):
                raise Irregular
            else:
                key = value
    except yaml.YAMLError as error:
        raise Irregular from error
    if not top:
        raise Irregular
    return top[0]


def compose(source: str, text: str) -> tuple[Node, list[Problem]]:
    """The document in `text` as nodes, and what in it is YAML but not allowed.

    Raises InputError, with no key path, where `text` is no YAML.
    """
    root, problems = compose_value(source, text)
    if root is None:
        raise InputError(source, [Problem("nothing in it; a scenario begins with oomsel: 1", 1, 1)])
    return root, problems


def compose_value(source: str, text: str, path: Path = ()) -> tuple[Node | None, list[Problem]]:
    """As `compose` for a value whose key path is `path`; None where there is nothing but blanks and comments."""
    composer = _Composer(text)
    try:
        return composer.document(path), composer.problems
    except yaml.reader.ReaderError:
        problem = _forbidden_character(text)
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        what = ", ".join(part for part in (error.context, error.problem) if part)
        message = f"not YAML: {what}; check indentation, quotes and brackets"
        if "nesting depth" in what:  # libyaml reads ahead, and since 0.2.6 has a limit of its own
            message = _TOO_DEEP
        problem = Problem(message, line + 1, column + 1)
    except _Refused as refused:
        problem = refused.problem
    raise InputError(source, [problem])


def _forbidden_character(text: str) -> Problem:
    match = _FORBIDDEN.search(text)
    if match is None:
        return Problem("not YAML: a character that YAML does not allow", 1, 1)
    line = text.count("\n", 0, match.start()) + 1
    column = match.start() - text.rfind("\n", 0, match.start())
    shown = f"U+{ord(match.group()):04X}"
    return Problem(f"not YAML: the character {shown}; write it as an escape in double quotes", line, column)


class _Refused(Exception):
    def __init__(self, message: str, line: int, column: int) -> None:
        self.problem = Problem(message, line, column)


class _Composer:
    """Builds nodes from events; what is wrong without making the rest unreadable goes to `problems`."""

    def __init__(self, text: str) -> None:
        hidden, self.restore = _hide_old_breaks(text)
        self.next_event = CParser(hidden).get_event
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}
        self.nodes = 0
        self.aliases: list[Node] = []

    def document(self, path: Path) -> Node | None:
        root: Node | None = None
        while (event := self.next_event()) is not None:
            if isinstance(event, ev.NodeEvent):
                root = self.node(event, path, 1)
            elif isinstance(event, ev.DocumentStartEvent) and root is not None:
                start: Any = event.start_mark
                raise _Refused("a second document; a scenario is one document", start.line + 1, start.column + 1)
        total = 0
        for alias in self.aliases:
            total += alias.size
            if total > self.nodes:
                message = "aliases add more nodes than the whole file has; write them out"
                raise _Refused(message, alias.line, alias.column)
        return root

    def node(self, event: Any, path: Path, depth: int) -> Node:
        node = Node(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, ev.AliasEvent):
            return self.alias(event.anchor, node, depth)
        if depth > MAX_DEPTH and not isinstance(event, ev.ScalarEvent):
            raise _Refused(_TOO_DEEP, node.line, node.column)
        self.nodes += 1
        if event.tag is not None:
            self.problem(f"the tag {event.tag}; leave it out, a scenario has no tags", node, path)
        anchor = event.anchor
        if anchor is not None:
            self.anchors[anchor] = None  # until it is whole
        if isinstance(event, ev.ScalarEvent):
            text = event.value.translate(self.restore) if self.restore else event.value
            node.value = resolve(text) if event.implicit[0] else text
        elif isinstance(event, ev.SequenceStartEvent):
            node.value, node.items = list, []
            while not isinstance(event := self.next_event(), ev.SequenceEndEvent):
                item = self.node(event, (*path, len(node.items)), depth + 1)
                node.items.append(item)
                node.size += item.size
                node.height = max(node.height, item.height)
            node.height += 1
        else:
            node.value, node.items = dict, []
            while not isinstance(event := self.next_event(), ev.MappingEndEvent):
                key, value = self.pair(event, path, depth)
                node.items.append((key, value))
                node.size += key.size + value.size
                node.height = max(node.height, value.height)
            node.height += 1
        if anchor is not None:
            self.anchors[anchor] = node
        return node

    def pair(self, event: Any, path: Path, depth: int) -> tuple[Node, Node]:
        key = self.node(event, path, depth + 1)
        if key.items is not None:
            self.problem("a key that is a list or a mapping; a key is text or a number", key, path)
            key.value, key.items = "", None
        elif key.value == "<<":
            self.problem("a merge key; write the keys out", key, (*path, "<<"))
        return key, self.node(self.next_event(), (*path, key.value), depth + 1)

    def alias(self, name: str | None, node: Node, depth: int) -> Node:
        target = self.anchors.get(name or "")
        if target is None:
            what = (
                "inside what it names; write it out"
                if name in self.anchors
                else "names nothing before it; write it out"
            )
            raise _Refused(f"the alias *{name} {what}", node.line, node.column)
        if depth + target.height - 1 > MAX_DEPTH:
            raise _Refused(_TOO_DEEP, node.line, node.column)
        node.value, node.items = target.value, target.items
        node.size, node.height = target.size, target.height
        self.aliases.append(node)
        return node

    def problem(self, message: str, node: Node, path: Path) -> None:
        self.problems.append(Problem(message, node.line, node.column, format_path(path) or None))


def _hide_old_breaks(text: str) -> tuple[str, dict[int, str]]:
    """`text` with placeholders for YAML 1.1's extra line breaks, and the way back."""
    found = [char for char in _OLD_BREAKS if char in text]
    if not found:
        return text, {}
    free = (code for code in range(0xE000, 0xF8FF) if chr(code) not in text)
    placeholders = {ord(char): chr(code) for char, code in zip(found, free, strict=False)}
    return text.translate(placeholders), {ord(code): chr(char) for char, code in placeholders.items()}
