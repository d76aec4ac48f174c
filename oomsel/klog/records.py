"""Structured records that hold log lines (JSON, logfmt, CSV): which of a record's fields has the kernel's text.

Found by shape: the field whose text holds lines of the kernel's, and after that the field of the
same name.  A list of names decides only where no text has shown it yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from oomsel.klog.patterns import Pattern

#: What only the kernel's text holds: of a report, and of a boot.
KERNEL_TEXT = Pattern(
    r" invoked oom-killer: |oom-kill:constraint=|Killed process [0-9]|[Kk]ill process [0-9]|\[ *pid *\] +uid +tgid"
    r"|Linux version [0-9]|Mem-Info:|Tasks state \(memory|oom_reaper: |\[ *[0-9]+\](?: +-?[0-9]+){4}"
    r"|\[ *[0-9]{1,15}\.[0-9]{6}\]"
)
#: The shortest of these.
_SHORTEST = len("Mem-Info:")
#: Names of fields for a message, as loggers have them, best first.
_NAMES = (
    "MESSAGE", "msg", "log", "message", "textPayload", "line", "_raw", "Message", "@message", "body", "stringValue",
    "stdout_lines", "stdout", "lines", "values", "content", "text",
)  # fmt: skip
#: Names of fields for a time, best first, without case and what is no letter.
_TIMES = {name: rank for rank, name in enumerate((
    "timestamp", "time", "ts", "datetime", "eventtime", "lasttimestamp", "firsttimestamp", "sourcerealtimetimestamp",
    "realtimetimestamp", "timeunixnano", "date", "timegenerated", "t",
    "messagetime", "messagetimems", "created", "when", "logtime",
))}  # fmt: skip
_HOSTS = ("hostname", "host", "nodename", "node", "instance", "computer", "instanceid", "name")
_HOST_PARENTS = ("host", "labels", "stream", "resource", "kubernetes", "source", "agent", "metadata", "node")
#: Names of fields for a tag, without case and what is no letter.
_TAGS = ("syslogidentifier", "programname", "ident", "appname", "program")
#: Whose lines are not the kernel's: fields as shippers call them, and what these hold then.
_NOT_KERNEL = {
    "transport": frozenset(("syslog", "stdout", "journal", "audit", "driver")),
    **dict.fromkeys(
        ("facility", "syslogfacility", "syslogfacilitytext", "facilitylabel"),
        frozenset(
            (*map(str, range(1, 24)), "user", "mail", "daemon", "auth", "security", "syslog", "lpr", "news", "uucp",
             "cron", "authpriv", "ftp", "ntp", "user-level", *(f"local{number}" for number in range(8)))
        ),
    ),
}  # fmt: skip
#: What may stand before these names: `__journal__transport`, `systemd_transport`.
_JOURNAL = ("journal", "journald", "systemd")
#: What the journal adds to what a process has logged.
_OF_PROCESSES = ("_UID", "_PID", "_COMM", "_EXE")
_MONOTONIC = ("_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP")
_DATE = Pattern(
    r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9]{2}:[0-9]{2}"
    r"|[A-Z][a-z]{2} +[0-9]{1,2}(?:, [0-9]{4} @)? [0-9]{2}:[0-9]{2}"
)
#: A text that is a date and nothing else, whatever its field is called.
_DATE_ALONE = Pattern(
    r"\s*[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"\s?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})?\s*"
)
_CALLER = Pattern(r"[TC][0-9]{1,10}")
_NUMBER = Pattern(r"[0-9]{1,19}(?:\.[0-9]{1,9})?")
_NOT_LETTERS = Pattern(r"[^a-z]")
_DEEPEST = 40


def is_kernel_text(text: str) -> bool:
    """Whether a text is, or holds, the kernel's."""
    return len(text) >= _SHORTEST and KERNEL_TEXT.search(text) is not None


class Placed(str):
    """A text with the number of the line where it stands."""

    __slots__ = ("number",)
    number: int


class Context(NamedTuple):
    """What a record says beside its message."""

    stamp: str = ""  #: seconds since boot
    date: str = ""
    host: str | None = None
    tag: str | None = None
    caller: str = ""
    is_kernel: bool = False  #: the message is the kernel's own text, without a prefix
    by_kernel: bool | None = None  #: whether the kernel itself logged it; None where no field tells


class Message(NamedTuple):
    """The text of a record's message."""

    text: str
    number: int  #: of its line
    context: Context
    is_bytes: bool = False  #: the record held bytes, which stand here as surrogateescape has them


class _Text(NamedTuple):
    key: str
    message: Message


def date_of(value: object) -> str:
    """A date out of a field's value, epochs in seconds to nanoseconds as ISO in UTC; empty where it is none.

    >>> date_of(1786506841123)
    '2026-08-12T03:54:01.123000Z'
    """
    text = str(value).strip()
    if _DATE.match(text):
        return text[:64]
    if not _NUMBER.fullmatch(text):
        return ""
    number = float(text)
    for unit in (1e9, 1e6, 1e3, 1.0):
        if 1e8 <= number / unit < 1e11 and (unit > 1 or number >= 1e8):
            seconds = number / unit
            break
    else:
        return ""
    try:
        # Whole numbers are divided as such: a float of nanoseconds has lost its last digits.
        micro = int(text) * 1_000_000 // int(unit) if text.isdecimal() else int(seconds * 1e6)
        return datetime.fromtimestamp(micro // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{micro % 10**6:06d}Z"
    except (ValueError, OverflowError, OSError):
        return ""


def context_of(fields: Mapping[str, Any], outer: Context) -> Context:
    """What the fields beside a message say, or else the record that holds this one."""
    stamp = next((_seconds(fields[name]) for name in _MONOTONIC if name in fields), "")
    date, since_boot = _times_of(fields)
    tag, caller, by_kernel = _tag_of(fields), fields.get("caller"), _by_kernel(fields)
    if not (isinstance(caller, str) and _CALLER.fullmatch(caller)):
        caller = None  # other loggers name a line of their own source so
    is_kmsg = "msg" in fields and ("pri" in fields or caller is not None)
    return Context(
        stamp or since_boot or outer.stamp,
        date or outer.date or _date_beside(fields, 0),
        _host_of(fields) or outer.host,
        tag or outer.tag,
        caller or outer.caller,
        is_kmsg or fields.get("_TRANSPORT") == "kernel" or outer.is_kernel,
        outer.by_kernel if by_kernel is None else by_kernel,
    )


def _by_kernel(fields: Mapping[str, Any]) -> bool | None:
    """Whether the kernel logged a record, by what a program cannot state of itself; None where no field tells."""
    transport = fields.get("_TRANSPORT")
    if isinstance(transport, str):
        return transport == "kernel"
    if any(name in fields for name in _OF_PROCESSES):
        return False
    priority = fields.get("pri")
    if isinstance(priority, int) and "msg" in fields:  # dmesg --json
        return priority < 8
    return False if _is_of_another(fields, 0) else None


def says_whose(name: str) -> bool:
    """Whether a field of that name says who logged a record."""
    return name == "_TRANSPORT" or name in _OF_PROCESSES or _name_without_journal(name) in (*_TAGS, *_NOT_KERNEL)


def _name_without_journal(name: str) -> str:
    plain = _plain(name)
    for before in _JOURNAL:
        plain = plain.removeprefix(before)
    return plain


def _is_of_another(fields: Mapping[str, Any], depth: int) -> bool:
    """Whether a field, or one in an object beside the message, says that a program logged a record.

    That the kernel did is believed of the journal's own field alone: others may be a program's.
    """
    for name, value in fields.items():
        if isinstance(value, dict):
            if depth < 2 and _is_of_another(value, depth + 1):
                return True
        elif isinstance(value, str | int) and len(name) < 40:
            plain = _name_without_journal(name)
            if plain in _NOT_KERNEL and str(value)[:20].lower() in _NOT_KERNEL[plain]:
                return True
    return False


def _tag_of(fields: Mapping[str, Any]) -> str | None:
    """Who logged a record, as it says itself."""
    if isinstance(tag := fields.get("SYSLOG_IDENTIFIER"), str):
        return tag
    named = {_plain(name): value for name, value in fields.items()}
    return next((tag for name in _TAGS if isinstance(tag := named.get(name), str) and tag), None)


def _plain(name: str) -> str:
    return _NOT_LETTERS.sub("", name.lower())


def _times_of(fields: Mapping[str, Any]) -> tuple[str, str]:
    """A date by the best of the fields that say one, and dmesg's seconds since boot; empty for none."""
    date, seconds, best = "", "", len(_TIMES)
    for name, value in fields.items():
        rank = _TIMES.get(_plain(name), best)
        if rank < best and isinstance(value, dict):
            value = _only_value(value)  # noqa: PLW2901
        if rank >= best or isinstance(value, dict | list):
            continue
        if found := date_of(value):
            date, best = found, rank
        elif _NUMBER.fullmatch(text := str(value).strip()):
            seconds = text
    return date or _date_alone(fields.values()), seconds


def _only_value(value: dict[str, Any]) -> Any:
    """The time that an object stands for: `{"$date": ...}`, `{"seconds": ..., "nanos": ...}`."""
    if set(value) == {"seconds", "nanos"}:
        return f"{value['seconds']}.{str(value['nanos']).rjust(9, '0')[:9]}"
    while isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    return value


def _date_beside(fields: Mapping[str, Any], depth: int) -> str:
    """A date in an object that stands beside the one with the text."""
    if depth > 2:
        return ""
    for value in fields.values():
        if isinstance(value, dict):
            date = _times_of(value)[0] or _date_beside(value, depth + 1)
            if date:
                return date
    return ""


def _date_alone(values: Iterable[Any]) -> str:
    """The first of some values that is a date and nothing else; empty where none is."""
    return next((value.strip() for value in values if isinstance(value, str) and _is_date(value)), "")


def _is_date(text: str) -> bool:
    return len(text) < 80 and _DATE_ALONE.fullmatch(text) is not None


def _host_of(fields: Mapping[str, Any]) -> str | None:
    named = {_plain(name): value for name, value in fields.items()}
    own = (named[name] for name in _HOSTS[:-1] if isinstance(named.get(name), str))
    parents = (_host_within(named[name], 0) for name in _HOST_PARENTS if isinstance(named.get(name), dict))
    return next(own, None) or next((host for host in parents if host), None)


def _seconds(value: object) -> str:
    text = str(value).strip()
    return f"{int(text) / 1e6:.6f}" if text.isdecimal() and len(text) < 19 else ""


def _host_within(fields: dict[str, Any], depth: int) -> str | None:
    for name in _HOSTS:
        if isinstance(value := fields.get(name), str):
            return value
    inner = (_host_within(value, depth + 1) for value in fields.values() if isinstance(value, dict) and depth < 2)
    return next((host for host in inner if host), None)


class FieldChooser:
    """Chooses the field of a document that holds the kernel's text; remembers which it was."""

    def __init__(self) -> None:
        self._learned: list[str] = []  #: names that have held the kernel's text, the last one first

    def messages(self, value: Any, number: int, outer: Context = Context()) -> list[Message]:  # noqa: B008
        """The messages in a document, in its order; none where no field is likely to hold any."""
        if isinstance(value, dict) and not any(isinstance(each, dict | list) for each in value.values()):
            texts = [text for text in value.values() if isinstance(text, str)]
            if not any(map(is_kernel_text, texts)):  # as of most records: nothing but a name tells the field
                return self._by_name(value, number, outer)
        found = list(_texts(value, "", number, outer, 0))
        key = self._choose(found)
        return [text.message for text in found if text.key == key] if key is not None else []

    def _by_name(self, fields: dict[str, Any], number: int, outer: Context) -> list[Message]:
        key = next((key for key in (*self._learned, *_NAMES) if isinstance(fields.get(key), str)), None)
        if key is None or _is_date(fields[key]):
            return []
        return [Message(fields[key], getattr(fields[key], "number", number), context_of(fields, outer))]

    def _choose(self, texts: list[_Text]) -> str | None:
        held = Counter(text.key for text in texts if is_kernel_text(text.message.text))
        if held:
            most = max(held.values())
            key = min((key for key in held if held[key] == most), key=self._rank)
            if key in self._learned:
                self._learned.remove(key)
            self._learned.insert(0, key)
            del self._learned[8:]
            return key
        there = {text.key for text in texts}
        return next((key for key in (*self._learned, *_NAMES) if key in there), None)

    def _rank(self, key: str) -> tuple[int, int]:
        return (
            self._learned.index(key) if key in self._learned else len(self._learned),
            _NAMES.index(key) if key in _NAMES else len(_NAMES),
        )


def _texts(value: Any, key: str, number: int, outer: Context, depth: int) -> Iterator[_Text]:
    """Every text in a document, by the name of the field that it, or the list that it is in, belongs to."""
    if isinstance(value, str):
        if _is_date(value):
            return  # of something else
        yield _Text(key, Message(value, getattr(value, "number", number), outer))
    elif depth > _DEEPEST:
        return
    elif isinstance(value, dict):
        context = context_of(value, outer)
        for name, inner in value.items():
            yield from _texts(inner, name, number, context, depth + 1)
    elif isinstance(value, list) and value:
        if _is_bytes(value):  # journalctl writes what is no printable UTF-8 as numbers
            text = bytes(value).decode("utf-8", "surrogateescape")
            yield _Text(key, Message(text, number, outer, is_bytes=True))
            return
        context, items = outer, value
        if len(value) > 1 and (date := date_of(first_number(value[0]))):  # a time, and what is of that time
            context, items = outer._replace(date=date), value[1:]
        elif date := _date_alone(_cells(value)):
            context = outer._replace(date=date)
        for inner in items:
            yield from _texts(inner, key, number, context, depth + 1)


def _cells(row: list[Any]) -> Iterator[Any]:
    """What stands in a row of a table that is a list: values, or names with their values."""
    for cell in row:
        if isinstance(cell, dict) and len(cell) == 2 and all(isinstance(part, str) for part in cell.values()):
            yield from cell.values()
        else:
            yield cell


def first_number(value: Any) -> object:
    """The number that a value begins with, as a number or its digits; empty where it begins with none."""
    if isinstance(value, list) and value and all(isinstance(other, dict) for other in value[1:]):
        value = value[0]
    return value if isinstance(value, int | float) or (isinstance(value, str) and value[:64].isdecimal()) else ""


def _is_bytes(value: list[Any]) -> bool:
    return all(isinstance(byte, int) and not isinstance(byte, bool) and 0 <= byte < 256 for byte in value)
