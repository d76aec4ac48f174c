"""The journal's forms that take several lines an entry: journalctl -o export and -o verbose."""

from __future__ import annotations

import re
from typing import NamedTuple

from oomsel.klog.patterns import Pattern
from oomsel.klog.prefix import Line, tag_by
from oomsel.klog.records import date_of

#: journalctl -o verbose: an entry's time and cursor, and below it its fields.
_VERBOSE = Pattern(
    r"\w{2,4} ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) \S{1,8} \[[a-z]=[^\]]*\]"
)
_VERBOSE_REST = " " * len("    MESSAGE=")  #: before what continues a message
_VERBOSE_FIELD = Pattern(r" {4}(_{0,2}[A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
_FIELD = Pattern(r"_{0,2}[A-Z][A-Z0-9_]*=")
_FIRST_FIELDS = ("__CURSOR=", "__REALTIME_TIMESTAMP=", "_TRANSPORT=", "MESSAGE=")
#: An exported field that may hold anything: its name alone, then eight bytes of its length, lowest first.
_BINARY_FIELD = Pattern(r"_{0,2}[A-Z][A-Z0-9_]{0,63}")
_LENGTH_BYTES = 8
_MOST_BYTES = 1 << 20
#: Lines of a message that are held until its entry's other fields have come.
_MOST_HELD = 1_000


class _Text(NamedTuple):
    """A line of a message."""

    number: int
    text: str
    raw: bytes
    continues: bool = False


class JournalReader:
    """Reads one line after the other; an answer of None says that a line is none of the journal's.

    Fields come in any order, so an entry's message is given when the entry ends.
    """

    def __init__(self) -> None:
        self._stamp = self._date = ""
        self._host: str | None = None
        self._tag: str | None = None
        self._by_kernel: bool | None = None
        self._held: list[_Text] = []
        self._exported = False
        self._field: str | None = None  #: of the verbose form, the last one
        self._binary: str | None = None  #: of the export form, the field whose length and bytes follow
        self._bytes = b""  #: of that, as far as they have come
        self._begun = _Text(0, "", b"")

    @property
    def is_holding(self) -> bool:
        """Whether there is a message that has not been given."""
        return bool(self._held)

    def may_read(self, line: bytes) -> bool:
        """Whether `read` need be asked."""
        return (
            self._exported
            or self._field is not None
            or line.endswith(b"]")
            or line.startswith((b"__", b"_TRANSPORT=", b"MESSAGE=", b"    MESSAGE="))
        )

    def read(self, number: int, text: str, raw: bytes) -> list[Line] | None:
        """The messages that have ended with a line; None where the line is no part of an entry."""
        found = self._export(_Text(number, text, raw)) if self._exported or text.startswith(("_", "M")) else None
        return found if found is not None else self._verbose(_Text(number, text, raw))

    def rest(self) -> list[Line]:
        """The message of an entry that has ended; who logged it is no more known of the next."""
        held, self._held = self._held, []
        tag, is_sure = tag_by(self._by_kernel, self._tag), bool(self._by_kernel)
        self._tag = self._by_kernel = None
        return [
            Line(
                each.number, each.text, self._stamp or self._date, tag=tag, continues=each.continues, raw=each.raw,
                host=self._host, date=self._date, is_sure=is_sure,
            )
            for each in held
        ]  # fmt: skip

    def _hold(self, line: _Text) -> list[Line]:
        """Keep a message until its entry ends; what is given for it, if another was kept and has no end."""
        ended = self.rest() if self._held and not line.continues else []
        self._held.append(line)
        return ended if len(self._held) < _MOST_HELD else self.rest()

    def _take(self, name: str, value: str) -> None:
        """A field that says something of the message."""
        if name in ("__MONOTONIC_TIMESTAMP", "_SOURCE_MONOTONIC_TIMESTAMP") and value.isdecimal():
            self._stamp = f"{int(value[:18]) / 1e6:.6f}"
        elif name == "__REALTIME_TIMESTAMP":
            self._date = date_of(value)
        elif name == "_HOSTNAME":
            self._host = value
        elif name == "_TRANSPORT":
            self._by_kernel = value == "kernel"
        elif name == "SYSLOG_IDENTIFIER":
            self._tag = value
        elif name in ("_PID", "_UID") and self._by_kernel is None:
            self._by_kernel = False

    def _export(self, line: _Text) -> list[Line] | None:
        text = line.text
        if self._binary is not None:
            return self._bytes_of_field(line)
        if text.startswith(_FIRST_FIELDS):
            self._exported = True
        name, equals, value = text.partition("=")
        if not equals or not _FIELD.match(text):
            if self._exported and _BINARY_FIELD.fullmatch(text):
                self._binary, self._bytes, self._begun = text, b"", line
                return []
            return None if text.strip() or not self._exported else self.rest()
        if name == "MESSAGE":
            return self._hold(line._replace(text=value))
        ended = self.rest() if name == "__CURSOR" else []
        self._take(name, value)
        return ended

    def _bytes_of_field(self, line: _Text) -> list[Line]:
        """More of a field that is stated as its length and its bytes, which may have newlines in them."""
        self._bytes += line.raw + b"\n"
        size = int.from_bytes(self._bytes[:_LENGTH_BYTES], "little")
        if len(self._bytes) < _LENGTH_BYTES or (size < _MOST_BYTES and len(self._bytes) <= _LENGTH_BYTES + size):
            return []
        name, self._binary = self._binary, None
        if name != "MESSAGE":
            return []
        value = self._bytes[_LENGTH_BYTES : _LENGTH_BYTES + min(size, len(self._bytes) - _LENGTH_BYTES - 1)]
        return self._hold(self._begun._replace(text=value.decode("utf-8", "surrogateescape"), raw=line.raw))

    def _verbose(self, line: _Text) -> list[Line] | None:
        text = line.text
        if match := _VERBOSE.fullmatch(text):
            ended = self.rest()
            self._stamp, self._field = match[1], ""
            return ended
        if (match := _VERBOSE_FIELD.match(text)) and (match[1] == "MESSAGE" or self._field is not None):
            self._field = match[1]
            if match[1] == "MESSAGE":
                return self._hold(line._replace(text=match[2]))
            if not match[1].endswith("_TIMESTAMP"):  # its entry has a date
                self._take(match[1], match[2])
            return []
        if self._field is None:
            return None
        if self._field == "MESSAGE" and text.startswith(_VERBOSE_REST):
            return self._hold(line._replace(text=text.removeprefix(_VERBOSE_REST), continues=True))
        return [] if text[:4].isspace() or not text else None
