"""The journal's forms that take several lines an entry: journalctl -o export and -o verbose."""

from __future__ import annotations

import re
from typing import NamedTuple

from oomsel.klog.patterns import Pattern

#: journalctl -o verbose: an entry's time and cursor, and below it its fields.
_VERBOSE = Pattern(
    r"\w{2,4} ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) \S{1,8} \[[a-z]=[^\]]*\]"
)
_VERBOSE_REST = " " * len("    MESSAGE=")  #: before what continues a message
_VERBOSE_FIELD = Pattern(r" {4}(_{0,2}[A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
_FIELD = Pattern(r"_{0,2}[A-Z][A-Z0-9_]*=")
_FIRST_FIELDS = ("__CURSOR=", "__REALTIME_TIMESTAMP=", "_TRANSPORT=", "MESSAGE=")


class Message(NamedTuple):
    """A message's text, its time as the form has it, and the host as far as it was said before."""

    text: str
    stamp: str
    host: str | None
    continues: bool = False


class JournalReader:
    """Reads one line after the other; an answer of None says that a line is none of the journal's."""

    def __init__(self) -> None:
        self._stamp = ""
        self._host: str | None = None
        self._exported = False
        self._field: str | None = None  #: of the verbose form, the last one

    def may_read(self, line: bytes) -> bool:
        """Whether `read` need be asked."""
        return (
            self._exported
            or self._field is not None
            or line.endswith(b"]")
            or line.startswith((b"__", b"_TRANSPORT=", b"MESSAGE=", b"    MESSAGE="))
        )

    def read(self, text: str) -> list[Message] | None:
        """The messages of a line: none, where it is another field; None where the line is no part of an entry."""
        found = self._export(text) if self._exported or text.startswith(("_", "M")) else None
        return found if found is not None else self._verbose(text)

    def _export(self, text: str) -> list[Message] | None:
        if text.startswith(_FIRST_FIELDS):
            self._exported = True
        name, equals, value = text.partition("=")
        if not equals or not _FIELD.match(text):
            return None if text.strip() or not self._exported else []
        if name in ("__MONOTONIC_TIMESTAMP", "_SOURCE_MONOTONIC_TIMESTAMP") and value.isdecimal():
            self._stamp = f"{int(value[:18]) / 1e6:.6f}"
        elif name == "_HOSTNAME":
            self._host = value
        return [Message(value, self._stamp, self._host)] if name == "MESSAGE" else []

    def _verbose(self, text: str) -> list[Message] | None:
        if match := _VERBOSE.fullmatch(text):
            self._stamp, self._field = match[1], ""
            return []
        if (match := _VERBOSE_FIELD.match(text)) and (match[1] == "MESSAGE" or self._field is not None):
            self._field = match[1]
            return [Message(match[2], self._stamp, self._host)] if match[1] == "MESSAGE" else []
        if self._field is None:
            return None
        if self._field == "MESSAGE" and text.startswith(_VERBOSE_REST):
            return [Message(text.removeprefix(_VERBOSE_REST), self._stamp, self._host, continues=True)]
        return [] if text[:4].isspace() or not text else None
