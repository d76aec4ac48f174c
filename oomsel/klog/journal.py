"""The journal's forms that take several lines an entry: journalctl -o export and -o verbose."""

from __future__ import annotations

import re
from typing import NamedTuple

from oomsel.klog.patterns import Pattern
from oomsel.klog.records import date_of

#: journalctl -o verbose: an entry's time and cursor, and below it its fields.
_VERBOSE = Pattern(
    r"\w{2,4} ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) \S{1,8} \[[a-z]=[^\]]*\]"
)
_VERBOSE_REST = " " * len("    MESSAGE=")  #: before what continues a message
_VERBOSE_FIELD = Pattern(r" {4}(_{0,2}[A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
_FIELD = Pattern(r"_{0,2}[A-Z][A-Z0-9_]*=")
_FIRST_FIELDS = ("__CURSOR=", "__REALTIME_TIMESTAMP=", "_TRANSPORT=", "MESSAGE=")


class Message(NamedTuple):
    """A message's text with the number of its line, its time as the form has it, and the host."""

    number: int
    text: str
    raw: bytes  #: the line as it stands in the source
    stamp: str
    host: str | None
    continues: bool = False
    date: str = ""


class JournalReader:
    """Reads one line after the other; an answer of None says that a line is none of the journal's."""

    def __init__(self) -> None:
        self._stamp = self._date = ""
        self._host: str | None = None
        self._exported = False
        self._held: tuple[int, str, bytes] | None = (
            None  #: an exported entry's message, whose other fields may follow it
        )
        self._field: str | None = None  #: of the verbose form, the last one

    @property
    def is_holding(self) -> bool:
        """Whether a message has been taken that has not been given."""
        return self._held is not None

    def may_read(self, line: bytes) -> bool:
        """Whether `read` need be asked."""
        return (
            self._exported
            or self._field is not None
            or line.endswith(b"]")
            or line.startswith((b"__", b"_TRANSPORT=", b"MESSAGE=", b"    MESSAGE="))
        )

    def read(self, number: int, text: str, raw: bytes) -> list[Message] | None:
        """The messages of a line: none, where it is another field; None where the line is no part of an entry."""
        found = self._export(number, text, raw) if self._exported or text.startswith(("_", "M")) else None
        return found if found is not None else self._verbose(number, text, raw)

    def rest(self) -> list[Message]:
        """The message that is held: nothing more of its entry will come."""
        if self._held is None:
            return []
        (number, text, raw), self._held = self._held, None
        return [Message(number, text, raw, self._stamp or self._date, self._host, date=self._date)]

    def _export(self, number: int, text: str, raw: bytes) -> list[Message] | None:
        if text.startswith(_FIRST_FIELDS):
            self._exported = True
        name, equals, value = text.partition("=")
        if not equals or not _FIELD.match(text):
            return self.rest() if self._exported and not text.strip() else None
        ended = self.rest() if name == "__CURSOR" or (name == "MESSAGE" and self._held) else []
        if name in ("__MONOTONIC_TIMESTAMP", "_SOURCE_MONOTONIC_TIMESTAMP") and value.isdecimal():
            self._stamp = f"{int(value[:18]) / 1e6:.6f}"
        elif name == "__REALTIME_TIMESTAMP":
            self._date = date_of(value)
        elif name == "_HOSTNAME":
            self._host = value
        elif name == "MESSAGE":
            self._held = (number, value, raw)
        return ended

    def _verbose(self, number: int, text: str, raw: bytes) -> list[Message] | None:
        if match := _VERBOSE.fullmatch(text):
            self._stamp, self._field = match[1], ""
            return []
        if (match := _VERBOSE_FIELD.match(text)) and (match[1] == "MESSAGE" or self._field is not None):
            self._field = match[1]
            return [Message(number, match[2], raw, self._stamp, self._host)] if match[1] == "MESSAGE" else []
        if self._field is None:
            return None
        if self._field == "MESSAGE" and text.startswith(_VERBOSE_REST):
            rest = text.removeprefix(_VERBOSE_REST)
            return [Message(number, rest, raw, self._stamp, self._host, continues=True)]
        return [] if text[:4].isspace() or not text else None
