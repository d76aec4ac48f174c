"""Records on a line of text: logfmt, CSV, and an object after a prefix; each as a mapping, or None."""

from __future__ import annotations

import json
import re
from typing import Any

from oomsel.klog.patterns import Pattern
from oomsel.klog.records import KERNEL_TEXT, date_of, says_whose

_PAIR = Pattern(r"([\w.@/-]{1,80})=(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\"]*))(?:\s+|$)")
_ESCAPE = Pattern(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_RUBY = Pattern(r'("(?:[^"\\]|\\.)*")|=>(nil\b)?')
#: What the beginning of a table in CSV names.
_CSV_NAMES = frozenset(("_raw", "message", "@message", "msg", "line", "log", "textpayload"))
_HEADING = Pattern(r"[A-Za-z][\w.]{0,62}(?:,[A-Za-z][\w.]{0,62}){1,60}")
#: The longest row of several lines.
_LONGEST = 1 << 20
_CSV_TIMES = ("_time", "@timestamp", "timestamp", "time", "date")


def unescape(text: str) -> str:
    """A text in quotes as Go and JavaScript write it."""
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPES.get(code, code)


def logfmt(text: str) -> dict[str, Any] | None:
    """`key=value key="a value"` throughout."""
    if '="' not in text:
        return None
    fields: dict[str, Any] = {}
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None:
            return None
        fields[match[1]] = match[3] if match[2] is None else unescape(match[2])
        at = match.end()
    return fields


def python_literal(text: str) -> Any:
    """A list, tuple or mapping as Python prints one, bytes in it as text; None for anything else."""
    if text[:1] not in "[({" or text[-1:] not in "])}" or "'" not in text:
        return None
    import ast  # few logs are printed so

    try:
        return _with_text(ast.literal_eval(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _with_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list | tuple):
        return [_with_text(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _with_text(each) for name, each in value.items()}
    return value


def embedded_object(text: str) -> tuple[dict[str, Any], str] | None:
    """An object at the end of a line, in JSON or as Ruby shows one, and what stands before it."""
    start = text.find('{"')
    end = text.rfind("}") + 1
    if start < 0 or end <= start or text[end:].strip("]' \t"):
        return None
    inner = text[start:end]
    if '"=>' in inner:
        inner = _RUBY.sub(lambda match: match[1] or (": null" if match[2] else ":"), inner)
    try:
        value = json.loads(inner, strict=False)
    except (ValueError, RecursionError):
        return None
    return (value, text[:start]) if isinstance(value, dict) else None


class CsvReader:
    """A table of comma-separated values: which column holds the text, by its name or by what stands in it."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._column: int | None = None
        self._held = ""

    def fields(self, text: str) -> dict[str, Any] | None:
        """A line's cells by their names, the text as `_raw`; None where the line is none of a table with a text."""
        if self._held:
            text, self._held = f"{self._held}\n{text}", ""
        if "," not in text:
            return None
        if self._column is None and not any(char in text for char in '"_@') and not _HEADING.fullmatch(text):
            return None
        if text.count('"') % 2:
            is_cell = self._column is not None and len(text) < _LONGEST
            self._held = text if is_cell else ""  # a cell of several lines
            return {} if is_cell else None
        import csv  # few logs are shipped so

        try:
            cells = next(csv.reader([text], strict=True), [])
        except csv.Error:
            return None
        if len(cells) < 2:
            return None
        return {} if self._is_heading(cells) else self._row(text, cells)

    def _is_heading(self, cells: list[str]) -> bool:
        names = [cell.strip("\ufeff") for cell in cells]
        column = next((at for at, name in enumerate(names) if name.lower() in _CSV_NAMES), None)
        if column is None or any(len(name) >= 64 for name in names):
            return False
        self._names, self._column = names, column
        return True

    def _row(self, text: str, cells: list[str]) -> dict[str, Any] | None:
        if self._column is None and '"' in text:
            column = next((at for at, cell in enumerate(cells) if KERNEL_TEXT.search(cell)), None)
            if column is not None and re.search('(?:^|,)"' + re.escape(cells[column][:12]), text):
                self._column, self._names = column, []
        if self._column is None or self._column >= len(cells) or (self._names and len(cells) != len(self._names)):
            return None
        named = dict(zip(self._names, cells, strict=True)) if self._names else {}
        time = next((value for name, value in named.items() if name.lower() in _CSV_TIMES), None)
        time = time or next((cell for at, cell in enumerate(cells) if at != self._column and date_of(cell)), None)
        time = time or next((cell for at, cell in enumerate(cells) if at != self._column and ":" in cell), "")
        beside = {name: cell for name, cell in named.items() if cell and (name == "host" or says_whose(name))}
        return {**beside, "_raw": cells[self._column], "time": time}
