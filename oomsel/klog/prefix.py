"""What loggers put before the kernel's text, taken off again; and how they write what is not printable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Line(NamedTuple):
    """One line of the kernel's text."""

    number: int  #: 1-based, in the source
    text: str  #: without prefix; bytes that are no UTF-8 as surrogateescape holds them
    stamp: str = ""  #: the time as printed
    caller: str = ""  #: PRINTK_CALLER's T123 or C4
    tag: str | None = None  #: who logged it, as syslog says; None where nobody does
    continues: bool = False  #: for certain part of the record before it
    sequence: int | None = None  #: /dev/kmsg's number
    raw: bytes = b""  #: as it stands in the source
    is_bare: bool = False  #: nothing was taken off


_SGR = re.compile("\x1b\\[[0-9;]*[mK]")
_SGR_BYTES = re.compile(rb"\x1b\[[0-9;]*[mK]")
_QUOTE = re.compile(r"(?:[>|] ?)+")
_KMSG = re.compile(r"([0-9]{1,4}),([0-9]+),([0-9]+),[^;,]*((?:,[^;]*)?);(.*)", re.DOTALL)
_CALLER_FIELD = re.compile(r"caller=([TC][0-9]+)")
_PRIORITY = re.compile(r"<[0-9]{1,3}>(?:1 (?=[0-9]{4}-))?")
_LEVEL = re.compile(r"[a-z][a-z0-9]{2,7} *:[a-z]{3,7} *: ?(?=\S)")
#: printk's own, and what dmesg and journalctl make of it: seconds, a difference, a date in any language.
_SECONDS = re.compile(r"\[ *([0-9]+\.[0-9]+)(?: +<[ +0-9.]*>)?\] ?")
_DELTA = re.compile(r"\[(?:< *[0-9]+\.[0-9]+>| *\+[0-9]+\.[0-9]+)\] ?")
_DATE = re.compile(r"\[([^][]{0,48}[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?[^][]{0,40})\] ?")
_CALLER = re.compile(r"\[ *([TC][0-9]+)\] ?")
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:([.,])[0-9]+)?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)(?: |$)"
)
#: A container's line as CRI's loggers keep it; P for one that goes on.
_CRI = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\S*) std(?:out|err) [FP] ")
_SYSLOG = re.compile(r"([^\W\d]\w{0,9}\.? +[0-9]{1,2} (?:[0-9]{4} )?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) ")
_FULL = re.compile(r"(\w{2,4} [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) [A-Z0-9+:-]{1,8} ")
_UNIX = re.compile(r"([0-9]{9,11}\.[0-9]{3,6}) ")
#: A name or an address; busybox puts the facility and level before the tag.
_HOST = r"(?:[^\s:]+|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}[0-9.]*(?:%\w+)?)"
_HOST_AND_TAG = re.compile(_HOST + r" (?:kern\.[a-z]{3,7} )?([^\s:\[\]]+)(?:\[[^\]]*\])?:(?: |$)")
_MONOTONIC_HOST = re.compile(r"(?:[^\s:]+) (kernel)(?:\[[^\]]*\])?:(?: |$)")
_TAG = re.compile(r"(kernel)(?:\[[^\]]*\])?:(?: |$)")
#: RFC 5424 without its time: host, application, process, message, structured data.
_RFC5424 = re.compile(
    r"\S+ (\S+) \S+ \S+ (?:-|(?:\[[^\]\s\"=]+(?: [^\]\s\"=]+=\"(?:[^\"\\]|\\.)*\")*\])+) ?(?:\ufeff)?"
)

_HEX = re.compile(rb"\\x([0-9a-fA-F]{2})")
_OCTAL = re.compile("#(0[0-3][0-7]|177)")
_JSON_TEXT = re.compile(r'\s*"(?:msg|MESSAGE)"\s*:\s*(".*")\s*,?\s*')
_JSON_TIME = re.compile(r'\s*"(?:time|__MONOTONIC_TIMESTAMP)"\s*:\s*"?\s*([0-9.]+)"?\s*,?\s*')
_JSON_KEYS = ("MESSAGE", "msg", "log", "message")
#: journalctl -o verbose: an entry's time and cursor, and below it its fields.
_VERBOSE = re.compile(
    r"\w{2,4} ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) \S{1,8} \[[a-z]=[^\]]*\]"
)
_VERBOSE_REST = " " * len("    MESSAGE=")  #: before what continues a message
_VERBOSE_FIELD = re.compile(r" {4}(_{0,2}[A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
_FIELD = re.compile(r"_{0,2}[A-Z][A-Z0-9_]*=")


def _unescape_all(raw: bytes) -> bytes:
    return _HEX.sub(lambda match: bytes([int(match[1], 16)]), raw)


def _unescape_unprintable(raw: bytes) -> bytes:
    """dmesg writes only what it cannot print as \\xNN; a backslash in a name stays one."""

    def byte(match: re.Match[bytes]) -> bytes:
        value = int(match[1], 16)
        return match[0] if 0x20 <= value < 0x7F or not value else bytes([value])

    return _HEX.sub(byte, raw)


def unescape_octal(text: str) -> str:
    """What rsyslog writes as #012 (its number in octal) as the character that it is."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


class Stripper:
    """Takes prefixes off line by line; it knows what went before, for lines that only continue."""

    def __init__(self) -> None:
        self.escapes_octal = False  #: rsyslog wrote this log: seen by a newline that it replaced
        self._widths: tuple[int, ...] = ()  #: of the last prefix, by which dmesg and journalctl indent what continues
        self._stamp = ""
        self._tag: str | None = None
        self._caller = ""
        self._exported = False
        self._field: str | None = None  #: of journalctl -o verbose, the last one
        self._coloured = False

    def strip(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[Line]:
        """The kernel's lines in `numbered`, pairs of a line's number and its bytes."""
        for number, raw in numbered:
            yield from self._records(number, raw)

    def _records(self, number: int, raw: bytes) -> Iterator[Line]:
        line = raw.strip(b"\r\x1e") if raw[-1:] == b"\r" or raw[:1] in (b"\r", b"\x1e") else raw
        first = line.lstrip()[:1]
        # In the midst of text a lone bracket is what is left of a stamp.
        if first in (b"{", b'"', b"}") or (line.strip() == b"[" and not self._widths):
            found = self._json(number, line, raw)
            if found is not None:
                yield from found
                return
        if line.startswith((b"__", b"_TRANSPORT=", b"MESSAGE=")) or self._exported:
            found = self._export(number, line, raw)
            if found is not None:
                yield from found
                return
        if line[:1].isdigit() and (match := _KMSG.match(_decode(line))):
            caller = _CALLER_FIELD.search(match[4])
            stamp = f"{int(match[3]) / 1e6:.6f}"
            text = _decode(_unescape_all(match[5].encode("utf-8", "surrogateescape")))
            yield from self._split(
                Line(number, text, stamp, caller[1] if caller else "", None, sequence=int(match[2]), raw=raw)
            )
            return
        if self._field is not None or line.startswith(b"    MESSAGE=") or line.endswith(b"]"):
            found = self._verbose_entry(number, line, raw)
            if found is not None:
                yield from found
                return
        # Where dmesg colours, what a name holds of the kind is written as \x1b.
        self._coloured = line.startswith(b"\x1b[") or (self._coloured and line.startswith(b" "))
        if self._coloured:
            line = _SGR_BYTES.sub(b"", line)
        if b"\\x" in line:
            line = _unescape_unprintable(line)
        yield from self._split(self._text_line(number, _decode(line), raw))

    def _text_line(self, number: int, text: str, raw: bytes) -> Line:  # noqa: PLR0912 - a branch a logger
        at = match.end() if (match := _QUOTE.match(text)) else 0
        outer = ""
        if match := _CRI.match(text, at):
            outer, at = match[1], match.end()
        width = at
        if text[at : at + 1] == " " and self._widths[:1] > (0,):
            # dmesg's own continuation: indented by as much as the prefix before it was wide, or long.
            width = at + next((width for width in self._widths if text[at : at + width].isspace()), 0)
            if width > at:
                return Line(number, text[width:], self._stamp, self._caller, self._tag, continues=True, raw=raw)
        stamp = caller = ""
        tag: str | None = None
        start = at
        if match := _PRIORITY.match(text, at):
            at = match.end()
        if match := _LEVEL.match(text, at):
            at = match.end()
        for _ in range(4):
            match = None
            char = text[at : at + 1]
            if char == "[":
                match = _SECONDS.match(text, at) or _DATE.match(text, at)
                if match:
                    stamp = stamp or match[1]
                    at = match.end()
                    if host := _MONOTONIC_HOST.match(text, at):
                        tag, at = host[1], host.end()
                    continue
                match = _DELTA.match(text, at)
                if match is None and (stamp or at == start) and (match := _CALLER.match(text, at)):
                    caller = match[1]
            elif tag is None and not stamp and char:
                match, tag = self._dated(text, at)
                if match:
                    stamp = match[1]
                    if tag is not None:
                        at = match.end()
                        at = self._host(text, at)
                        continue
            if match is None:
                break
            at = match.end()
        if tag is None and (match := _TAG.match(text, at)):
            tag, at = match[1], match.end()
            if match := _SECONDS.match(text, at):
                stamp, at = match[1], match.end()
        rest = text[at:]
        if rest.startswith("\x1b[0;1;"):  # journalctl sets what is grave in bold
            rest = _SGR.sub("", rest)
        self._widths = tuple({len(text[start:at].encode("utf-8", "surrogateescape")): 0, at - start: 0})
        stamp = stamp or outer
        self._stamp, self._tag, self._caller = stamp, tag, caller
        return Line(number, rest, stamp, caller, tag, raw=raw, is_bare=at == start)

    def _dated(self, text: str, at: int) -> tuple[re.Match[str] | None, str | None]:
        """A date of syslog's kind at `at`, and who logged what follows."""
        match = _ISO.match(text, at)
        if match and match[2] == ",":  # dmesg's, which names no host
            return match, None
        match = match or _SYSLOG.match(text, at) or _FULL.match(text, at) or _UNIX.match(text, at)
        if match is None:
            return None, None
        host = _HOST_AND_TAG.match(text, match.end())
        if host and host[1] != "oom-killer":
            return match, host[1]
        host = _RFC5424.match(text, match.end()) if match.re is _ISO else None
        return match, host[1] if host else None

    def _host(self, text: str, at: int) -> int:
        match = _HOST_AND_TAG.match(text, at) or _RFC5424.match(text, at)
        return match.end() if match else at

    def _split(self, line: Line) -> Iterator[Line]:
        """A record's lines: what a newline, or what stands for one, begins is a continuation."""
        text = line.text
        if "#012" in text and (self.escapes_octal or "isolated_anon" in text or text.startswith("anon ")):
            self.escapes_octal = True
        if self.escapes_octal and "#" in text:
            text = unescape_octal(text)
        if "\n" not in text:
            yield line._replace(text=text)
            return
        first, *others = text.split("\n")
        yield line._replace(text=first)
        for other in others:
            yield line._replace(text=other, continues=True, raw=b"")

    def _json(self, number: int, line: bytes, raw: bytes) -> Iterator[Line] | None:
        """The messages in a line of JSON; None where it is none, nothing where it says nothing."""
        text = _decode(line)
        if text.lstrip().startswith("{") and text.rstrip().endswith("}"):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                return None
            entries = value.get("dmesg") if isinstance(value, dict) else None
            found = [_entry(entry, number, raw) for entry in (entries if isinstance(entries, list) else [value])]
            if isinstance(value, dict) and "log" in value:
                # A container's output, which is a log of its own.
                found = [line and self._inner(line) for line in found]
            return self._all(line for line in found if line is not None)
        if match := _JSON_TIME.fullmatch(text):
            self._stamp = match[1]
            return iter(())
        if match := _JSON_TEXT.fullmatch(text):
            try:
                message = json.loads(match[1])
            except ValueError:
                return None
            return self._split(Line(number, _clean(message), self._stamp, raw=raw))
        return iter(()) if text.strip() in ("{", "}", "[", "]", "},{", "},", "}{") or '" :' in text[:80] else None

    def _inner(self, line: Line) -> Line:
        inner = self._text_line(line.number, line.text, line.raw)
        return inner._replace(stamp=inner.stamp or line.stamp, tag=inner.tag or line.tag, is_bare=False)

    def _verbose_entry(self, number: int, line: bytes, raw: bytes) -> Iterator[Line] | None:
        text = _decode(line)
        if match := _VERBOSE.fullmatch(text):
            self._stamp, self._field = match[1], ""
            return iter(())
        if (match := _VERBOSE_FIELD.match(text)) and (match[1] == "MESSAGE" or self._field is not None):
            self._field = match[1]
            return self._split(Line(number, match[2], self._stamp, raw=raw)) if match[1] == "MESSAGE" else iter(())
        if self._field is None:
            return None
        if self._field == "MESSAGE" and text.startswith(_VERBOSE_REST):
            rest = text.removeprefix(_VERBOSE_REST)
            return self._split(Line(number, rest, self._stamp, continues=True, raw=raw))
        return iter(()) if text[:4].isspace() or not text else None

    def _all(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            yield from self._split(line)

    def _export(self, number: int, line: bytes, raw: bytes) -> Iterator[Line] | None:
        text = _decode(line)
        if text.startswith(("__CURSOR=", "__REALTIME_TIMESTAMP=", "_TRANSPORT=", "MESSAGE=")):
            self._exported = True
        name, equals, value = text.partition("=")
        if not equals or not _FIELD.match(text):
            return None if text.strip() else iter(())
        if name in ("__MONOTONIC_TIMESTAMP", "_SOURCE_MONOTONIC_TIMESTAMP") and value.isdecimal():
            self._stamp = f"{int(value[:18]) / 1e6:.6f}"
        if name != "MESSAGE":
            return iter(())
        return self._split(Line(number, value, self._stamp, raw=raw))


def _clean(text: str) -> str:
    """What JSON held as characters, as bytes are held elsewhere: lone surrogates that are no bytes are gone."""
    raw = text.encode("utf-8", "surrogatepass")
    return _decode(_unescape_unprintable(raw) if b"\\x" in raw else raw)


def _entry(value: Any, number: int, raw: bytes) -> Line | None:
    if not isinstance(value, dict):
        return None
    message = next((value[key] for key in _JSON_KEYS if key in value), None)
    if isinstance(message, list):  # journalctl writes what is no printable UTF-8 as numbers
        if not all(isinstance(byte, int) and 0 <= byte < 256 for byte in message):
            return None
        text = _decode(bytes(message))
    elif isinstance(message, str):
        text = _clean(message)
    else:
        return None
    stamp = value.get("_SOURCE_MONOTONIC_TIMESTAMP", value.get("__MONOTONIC_TIMESTAMP", value.get("time", "")))
    stamp = str(stamp).strip()
    if stamp.isdecimal() and "msg" not in value:
        stamp = f"{int(stamp[:18]) / 1e6:.6f}"
    tag = value.get("SYSLOG_IDENTIFIER")
    caller = value.get("caller", "")
    return Line(
        number,
        text.removesuffix("\n") if "log" in value else text,
        stamp[:64],
        caller if isinstance(caller, str) else "",
        tag if isinstance(tag, str) else None,
        raw=raw,
    )
