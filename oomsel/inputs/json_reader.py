"""Strict JSON: no NaN, no trailing comma, no repeated key, no lone surrogate.

`build` is the standard library's reader; `compose` reads the same text into nodes with
places, which no library gives, to say where an error is.
"""

from __future__ import annotations

import json
import re
from json import decoder
from typing import Any

from oomsel.errors import InputError, Problem
from oomsel.inputs.nodes import MAX_DEPTH, Irregular, Node
from oomsel.scenario.values import JsonFloat, Path, Plain, format_path

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_]+|[-+]?[A-Za-z0-9_.]+")
_CONSTANTS = {"true": True, "false": False, "null": Plain("null")}
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89abAB]|\\u[dD][c-fC-F]")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise Irregular
    return built


def _constant(_: str) -> Any:
    raise Irregular


def build(text: str) -> Any:
    """The document in `text`.  Raises `Irregular` where anything about it is in doubt."""
    if _SURROGATE_ESCAPE.search(text):
        raise Irregular
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=JsonFloat, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise Irregular from None


def compose(source: str, text: str) -> tuple[Node, list[Problem]]:
    """The document in `text` as nodes, and what in it is JSON but not allowed.

    Raises InputError, with no key path, where `text` is no JSON.
    """
    composer = _Composer(text)
    try:
        return composer.document(), composer.problems
    except json.JSONDecodeError as error:
        # The library's offsets name the character the way its messages do.
        raise InputError(source, [Problem(f"not JSON: {_reworded(error.msg)}", error.lineno, error.colno)]) from None


def _reworded(message: str) -> str:
    if ";" in message:  # it is ours
        return message
    return f"{message[:1].lower()}{message[1:].removesuffix(' at')}; check quotes, commas and brackets"


class _Composer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.line_start = 0
        self.counted = 0
        self.problems: list[Problem] = []

    def document(self) -> Node:
        root = self.value((), 1)
        self.blank()
        if self.at < len(self.text):
            raise self.error("something after the end of the document; a scenario is one document")
        return root

    def error(self, message: str, at: int | None = None) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self.text, self.at if at is None else at)

    def blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        assert match is not None  # it matches nothing, too
        self.at = match.end()

    def here(self) -> Node:
        """A node at the place where the reading stands, past the blanks."""
        self.blank()
        breaks = self.text.count("\n", self.counted, self.at)
        if breaks:
            self.line += breaks
            self.line_start = self.text.rfind("\n", self.counted, self.at) + 1
        self.counted = self.at
        return Node(self.line, self.at - self.line_start + 1)

    def value(self, path: Path, depth: int) -> Node:
        node = self.here()
        char = self.text[self.at : self.at + 1]
        if char in ("{", "[") and depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} levels deep; a scenario needs seven")
        if char == '"':
            node.value = self.string(node, path)
        elif char == "{":
            node.value, node.items = dict, []
            self.collection(node.items, "}", lambda: self.pair(path, depth))
        elif char == "[":
            items: list[Any] = []
            node.value, node.items = list, items
            self.collection(items, "]", lambda: self.value((*path, len(items)), depth + 1))
        elif number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            whole = number.group(1) is None and number.group(2) is None and len(number.group()) <= 64
            node.value = int(number.group()) if whole else JsonFloat(number.group())
        else:
            node.value = self.constant()
        return node

    def collection(self, items: list[Any], end: str, item: Any) -> None:
        self.at += 1
        self.blank()
        if self.text[self.at : self.at + 1] == end:
            self.at += 1
            return
        while True:
            items.append(item())
            self.blank()
            char = self.text[self.at : self.at + 1]
            if char == end:
                self.at += 1
                return
            if char != ",":
                raise self.error(f"a comma or {end} is missing; check what stands before")
            self.at += 1
            self.blank()
            if self.text[self.at : self.at + 1] == end:
                raise self.error("a comma before the end; leave it out", self.at)

    def pair(self, path: Path, depth: int) -> tuple[Node, Node]:
        key = self.here()
        if self.text[self.at : self.at + 1] != '"':
            raise self.error("a key without double quotes; quote it, as what begins with { is JSON")
        key.value = self.string(key, path)
        self.blank()
        if self.text[self.at : self.at + 1] != ":":
            raise self.error("a colon is missing; it stands between key and value")
        self.at += 1
        return key, self.value((*path, key.value), depth + 1)

    def string(self, node: Node, path: Path) -> str:
        text: str
        text, self.at = decoder.scanstring(self.text, self.at + 1, True)  # type: ignore[attr-defined]
        if _SURROGATE.search(text):
            self.problem("a lone surrogate; write the whole character", node, path)
            text = _SURROGATE.sub("\ufffd", text)
        return text

    def constant(self) -> Any:
        word = _WORD.match(self.text, self.at)
        if word is None:
            raise self.error("a value is missing; leave the key out")
        if word.group() not in _CONSTANTS:
            raise self.error(f"{word.group()[:40]} is no value in JSON; quote a text")
        self.at = word.end()
        return _CONSTANTS[word.group()]

    def problem(self, message: str, node: Node, path: Path) -> None:
        self.problems.append(Problem(message, node.line, node.column, format_path(path) or None))
