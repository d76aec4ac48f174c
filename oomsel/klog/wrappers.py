"""Takes off what is around the kernel's text: JSON, CSV, logfmt, the journal's forms, markup, one within another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from oomsel.klog.fields import CsvReader, embedded_object, logfmt, python_literal, unescape
from oomsel.klog.journal import JournalReader
from oomsel.klog.json_stream import JsonStream
from oomsel.klog.markup import Markup, spaces_for_tabs
from oomsel.klog.partial import DockerParts, PartialLines
from oomsel.klog.patterns import Pattern
from oomsel.klog.prefix import Line, PrefixReader, tag_by, unescape_octal
from oomsel.klog.records import KERNEL_TEXT, Context, FieldChooser, Message
from oomsel.klog.unknown_prefix import time_within
from oomsel.klog.unknown_suffix import SuffixShapes
from oomsel.klog.yaml_documents import YamlDocuments

_SGR_BYTES = Pattern(rb"\x1b\[[0-9;]*[mK]")
#: A record of /dev/kmsg, or of netconsole's extended form, which may begin with the release.
_KMSG = Pattern(
    r"(?:[0-9]{1,2}\.[0-9][^,;\s]{0,80},)?([0-9]{1,4}),([0-9]{1,19}),([0-9]{1,19}),[^;,]*((?:,[^;]*)?);(.*)", re.DOTALL
)
#: A message of syslog's by TCP, which may begin with how long it is.
_COUNTED = Pattern(rb"([1-9][0-9]{0,5}) (?=<[0-9]{1,3}>1 [0-9]{4}-)")
#: Where a part of a record stands in it, and how long that is: netconsole's, of a record that fits no packet.
_FRAGMENT = Pattern(r"ncfrag=([0-9]{1,6})/([0-9]{1,6})")
_CALLER_FIELD = Pattern(r"caller=([TC][0-9]{1,10})")
_HEX = Pattern(rb"\\x([0-9a-fA-F]{2})")
#: Cells in quotes, which are a line of CSV.
_CELLS = Pattern(r'\ufeff?"(?:[^"]|"")*"(?:,"(?:[^"]|"")*")+$')
#: A line of JSON, or a part of it: an object, a list of such or of texts, a text.
_JSON_BEGINS = Pattern(r'\s*(?:[{}\]"]|\[\s*(?:[\[{"]|$))')
_LINE_BEGINS = Pattern(
    r"\s*(?:<[0-9]{1,3}>)?\[ *[0-9]{1,15}\.[0-9]{6}\]|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]|[A-Z][a-z]{2} [ 0-9]"
)
#: One wrapper within the other, so many times; more is an attack.
_DEEPEST = 5


def _framed(raw: bytes) -> Iterator[bytes]:
    """Messages that are not lines: each ends with a zero byte, or begins with its length."""
    while counted := _COUNTED.match(raw):
        end = counted.end() + int(counted[1])
        yield raw[counted.end() : end]
        raw = raw[end:]
    yield from filter(None, raw.split(b"\0"))


def _unescape_all(raw: bytes) -> bytes:
    return _HEX.sub(lambda match: bytes([int(match[1], 16)]), raw)


def _unescape_unprintable(raw: bytes) -> bytes:
    """dmesg writes only what it cannot print as \\xNN; a backslash in a name stays one."""

    def byte(match: re.Match[bytes]) -> bytes:
        value = int(match[1], 16)
        return match[0] if 0x20 <= value < 0x7F or not value else bytes([value])

    return _HEX.sub(byte, raw)


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _clean(text: str) -> str:
    """What JSON held as characters, as bytes are held elsewhere: lone surrogates that are no bytes are gone."""
    raw = text.encode("utf-8", "surrogatepass")
    return _decode(_unescape_unprintable(raw) if b"\\x" in raw else raw)


def _within(line: Line, context: Context, stamp: str) -> Line:
    """A message's line with what the record says of it."""
    return line._replace(
        stamp=line.stamp or stamp,
        tag=tag_by(context.by_kernel, line.tag or context.tag),
        host=line.host or context.host,
        date=context.date or line.date,
        caller=line.caller or context.caller,
        is_bare=False,
        is_sure=line.is_sure or bool(context.by_kernel),
    )


class Stripper:
    """Takes off what surrounds each line; it knows what went before, for lines that only continue."""

    def __init__(self) -> None:
        self.escapes_octal = False  #: rsyslog wrote this log: seen by a newline that it replaced
        self._prefix = PrefixReader()
        self._inner_prefix = PrefixReader()  #: of what is within records
        self._journal = JournalReader()
        self._json = JsonStream()
        self._chooser = FieldChooser()
        self._csv = CsvReader()
        self._markup = Markup()
        self._partial = PartialLines()
        self._docker = DockerParts()
        self._yaml = YamlDocuments()
        self._suffix = SuffixShapes()
        self._coloured = False
        self._fragment = 0, ""  #: of a record that comes in parts: its first line, and what has come
        self._is_python = False  #: a line was a value as Python prints it

    @property
    def is_holding(self) -> bool:
        """Whether text of a report has been taken that has not been given."""
        holders = (self._json, self._partial, self._docker, self._yaml, self._journal)
        return any(holder.is_holding for holder in holders)

    def strip(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[Line]:
        """The kernel's lines in `numbered`, pairs of a line's number and its bytes."""
        whole = self._partial.joined(self._docker.joined(self._markup.undone(numbered)))
        for part in self._yaml.parts(whole):
            if part.record is None:
                yield from self._lines(part.number, part.raw)
            else:
                found = self._chooser.messages(part.record, part.number)
                yield from self._messages([each._replace(number=part.line_of(each.text)) for each in found], part.raw)
        yield from self._rest(b"")
        yield from self._whole(self._journal.rest())

    # -- a line of the source ----------------------------------------------------------------------------------

    def _lines(self, number: int, raw: bytes) -> Iterator[Line]:
        if b"\0{" in raw or _COUNTED.match(raw):
            for part in _framed(raw):
                yield from self._lines(number, part)
            return
        line = raw.strip(b"\r\x1e\0") if raw[-1:] == b"\r" or raw[:1] in (b"\r", b"\x1e", b"\0") else raw
        text = _decode(line)
        found = self._structured(number, text, raw)
        if found is None and self._journal.may_read(line):
            found = self._journal_lines(number, text, raw)
            if found is None and self._journal.is_holding:
                yield from self._whole(self._journal.rest())
        if found is not None:
            yield from found
            return
        # Where dmesg colours, what a name holds of the kind is written as \x1b.
        self._coloured = line.startswith(b"\x1b[") or (self._coloured and line.startswith(b" "))
        if self._coloured or b"\x1b[K" in line:  # the latter is grep's
            line = _SGR_BYTES.sub(b"", line)
        if b"\\x" in line:
            line = _unescape_unprintable(line)
        yield from self._text(number, _decode(line), raw)

    def _structured(self, number: int, text: str, raw: bytes) -> Iterator[Line] | None:
        """The lines in a record that is a line or stands on several; None where the line is of none."""
        begins = text.lstrip("\ufeff \t")[:1]
        # In the midst of text a lone bracket is what is left of a stamp.
        if begins == '"' and _CELLS.match(text):
            return None
        if self._json.is_inside or (
            begins in ("{", "}", "[", "]", '"')
            and _JSON_BEGINS.match(text.lstrip("\ufeff"))
            and not (self._prefix.widths and text.strip() == "[")
        ):
            return self._json_lines(number, text.lstrip("\ufeff"), raw)
        if begins.isdigit() and (match := _KMSG.match(text)):
            return self._kmsg(number, match, raw)
        return None

    def _kmsg(self, number: int, match: re.Match[str], raw: bytes) -> Iterator[Line]:
        payload = match[5]
        if fragment := _FRAGMENT.search(match[4]):
            number, begun = self._fragment if int(fragment[1]) else (number, "")
            payload = begun + payload
            self._fragment = number, payload
            if len(payload.encode("utf-8", "surrogateescape")) < int(fragment[2]):
                return
        caller = _CALLER_FIELD.search(match[4])
        stamp = f"{int(match[3]) / 1e6:.6f}"
        text = _decode(_unescape_all(payload.encode("utf-8", "surrogateescape")))
        by_kernel = int(match[1]) < 8
        line = Line(
            number, text, stamp, caller[1] if caller else "", tag_by(by_kernel, None), sequence=int(match[2]), raw=raw,
            is_sure=by_kernel,
        )  # fmt: skip
        yield from self._split(line)

    def _journal_lines(self, number: int, text: str, raw: bytes) -> Iterator[Line] | None:
        found = self._journal.read(number, text, raw)
        return None if found is None else self._whole(found)

    def _whole(self, lines: list[Line]) -> Iterator[Line]:
        return (part for line in lines for part in self._split(line))

    def _json_lines(self, number: int, text: str, raw: bytes) -> Iterator[Line] | None:
        """A line of JSON: whole documents are read at once, others piece by piece."""
        if not self._json.is_inside and text.rstrip()[-1:] in ("}", "]"):
            try:
                return self._messages(self._chooser.messages(json.loads(text, strict=False), number), raw)
            except (ValueError, RecursionError):
                pass
        records = self._json.feed(number, text)
        if records is None:
            before = list(self._rest(raw))
            # What was begun is given up; the line may begin something anew.
            again = self._json.feed(number, text) if _JSON_BEGINS.match(text) else None
            if again is None:
                self._json.rest()
                text_lines = self._after_records(number, text, raw)
                return iter([*before, *text_lines]) if before else (iter(text_lines) if text_lines else None)
            return iter([*before, *self._all(again, number, raw)])
        return self._all(records, number, raw)

    def _after_records(self, number: int, text: str, raw: bytes) -> list[Line]:
        """A line that is no JSON after something that was: empty where it is read as any other is."""
        return [] if not text.strip() else list(self._text(number, text, raw))

    def _all(self, records: list[tuple[object, Context]], number: int, raw: bytes) -> Iterator[Line]:
        for value, context in records:
            yield from self._messages(self._chooser.messages(value, number, context), raw)

    def _rest(self, raw: bytes) -> Iterator[Line]:
        return self._all(self._json.rest(), 0, raw)

    # -- a line of text ----------------------------------------------------------------------------------------

    def _text(self, number: int, text: str, raw: bytes, depth: int = 0) -> Iterator[Line]:
        if text[:1] in ("[", "(", "{") and "'" in text and (self._is_python or KERNEL_TEXT.search(text)):
            found = self._chooser.messages(python_literal(text.rstrip()), number)
            if found:
                self._is_python = True
                yield from self._messages(found, raw, depth + 1)
                return
        if "\t" in text:
            text = spaces_for_tabs(text)
        if text.count("\\n") > 1 and KERNEL_TEXT.search(text):
            for each in unescape(text).split("\n"):
                yield from self._text(number, each.removesuffix("\r"), raw, depth)
            return
        fields = self._fields(text, may_be_csv=not depth)
        if fields is not None:
            messages, outer = fields
            if messages or outer:
                yield from self._messages([message._replace(number=number) for message in messages], raw, depth)
                return
        reader = self._inner_prefix if depth else self._prefix
        line = reader.read(number, text, raw)
        if not line.is_bare and line.tag != "kernel" and (inner := self._fields(line.text)) is not None and inner[0]:
            yield from self._messages([message._replace(number=number) for message in inner[0]], raw, depth, line)
            return
        yield from self._split(line._replace(text=self._suffix.without(line.text)))

    def _fields(self, text: str, *, may_be_csv: bool = False) -> tuple[list[Message], bool] | None:
        """The messages in a record that stands on a line; whether it is one that has none."""
        if '"' not in text and "," not in text:
            return None
        if "=" in text[:80] and (pairs := logfmt(text)) and (found := self._chooser.messages(pairs, 0)):
            return found, True
        if '{"' in text and (embedded := embedded_object(text)):
            value, before = embedded
            if found := self._chooser.messages(value, 0, Context(date=_epoch_or_date(before))):
                return found, True
        if may_be_csv and (cells := self._csv.fields(text)) is not None:
            return (self._chooser.messages(cells, 0) if cells else []), True
        return None

    def _messages(
        self, messages: list[Message], raw: bytes, depth: int = 0, outer: Line | None = None
    ) -> Iterator[Line]:
        for message in messages:
            yield from self._message(message, raw, depth, outer)

    def _message(self, message: Message, raw: bytes, depth: int, outer: Line | None) -> Iterator[Line]:
        """A record's message, which may have a prefix or be a record, too, unless it is the kernel's own text."""
        context, text = message.context, message.text if message.is_bytes else _clean(message.text)
        if outer is not None:
            context = context._replace(date=context.date or outer.date, host=context.host or outer.host)
        stamp = context.stamp or context.date
        parts = text.removesuffix("\n").split("\n")
        is_log = any(KERNEL_TEXT.search(part) or _LINE_BEGINS.match(part) for part in parts[1:])
        if (context.is_kernel and not is_log) or depth >= _DEEPEST:
            tag = tag_by(context.by_kernel, context.tag)
            line = Line(message.number, text, stamp, context.caller, tag, raw=raw, is_sure=bool(context.by_kernel))
            yield from self._split(line._replace(host=context.host, date=context.date))
            return
        for part in parts if is_log or not context.stamp else [text.removesuffix("\n")]:
            for line in self._inner(message.number, part.removesuffix("\r"), raw, depth + 1):
                yield _within(line, context, stamp)

    def _inner(self, number: int, text: str, raw: bytes, depth: int) -> Iterator[Line]:
        if text[:1] in ("{", "[", '"') and _JSON_BEGINS.match(text):
            try:
                value = json.loads(text, strict=False)
            except (ValueError, RecursionError):
                value = None
            if value is not None and (found := self._chooser.messages(value, number)):
                return self._messages(found, raw, depth)
        if text[:1].isdigit() and (match := _KMSG.match(text)):
            return self._kmsg(number, match, raw)
        return self._text(number, text, raw, depth)

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


def _epoch_or_date(text: str) -> str:
    from oomsel.klog.records import date_of

    if match := re.search(r"[0-9]{9,11}\.[0-9]{3,9}", text):
        return date_of(match[0])
    return time_within(text)
