"""Records in YAML, a document or an item of a list each: as gcloud prints a log, and as a dump of one has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from oomsel.klog.patterns import Pattern
from oomsel.klog.records import KERNEL_TEXT

_ITEM = Pattern(rb"- [A-Za-z_@][\w.@/-]{0,80}:(?: |\r?$)")
_GOES_ON = Pattern(rb"[ \t]|\r?$|[A-Za-z_@\"'][\w.@/-]{0,80}[\"']?:(?: |\r?$)|- ")
#: The longest record.
_MOST_LINES, _MOST_BYTES = 20_000, 1 << 22


class Part(NamedTuple):
    """A line of text, or a record."""

    number: int
    raw: bytes
    record: dict[str, Any] | None = None
    lines: tuple[tuple[int, bytes], ...] = ()  #: those of a record

    def line_of(self, text: str) -> int:
        """The line of a record where a text of it begins."""
        start = text[:24].encode("utf-8", "surrogateescape")
        return next((number for number, line in self.lines if start in line), self.number)


class YamlDocuments:
    """Holds the lines of a record until it ends; what holds no text of the kernel's is given as the lines it is."""

    def __init__(self) -> None:
        self._held: list[tuple[int, bytes]] = []
        self._size = 0
        self._is_known = False  #: a record has held the kernel's text

    @property
    def is_holding(self) -> bool:
        """Whether lines have been taken that have not been given."""
        return bool(self._held)

    def parts(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[Part]:
        """The lines, those of a record as one."""
        for number, line in numbered:
            begins = (line[:2] == b"- " and _ITEM.match(line) is not None) or line.rstrip() == b"---"
            if not self._held and not begins:
                yield Part(number, line)
                continue
            is_long = len(self._held) >= _MOST_LINES or self._size > _MOST_BYTES
            if self._held and (begins or is_long or not _GOES_ON.match(line)):
                yield from self._ended()
                if not begins:
                    yield Part(number, line)
                    continue
            self._held.append((number, line))
            self._size += len(line)
        yield from self._ended()

    def _ended(self) -> Iterator[Part]:
        held, self._held, self._size = self._held, [], 0
        record = self._record(b"\n".join(line for _, line in held)) if len(held) > 1 else None
        if record is None:
            yield from (Part(number, line) for number, line in held)
        else:
            yield Part(held[0][0], b"\n".join(line for _, line in held), record, tuple(held))

    def _record(self, raw: bytes) -> dict[str, Any] | None:
        text = raw.decode("utf-8", "surrogateescape")
        if not (self._is_known or KERNEL_TEXT.search(text)) or re.search(r"(?m)[:-] [&*]\w", text):
            return None  # and a record with anchors may stand for any amount of text
        import yaml  # few logs are printed so

        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        try:
            value = yaml.load(text.replace("\t", " "), loader)  # noqa: S506 - the base loader makes nothing but text
        except (yaml.YAMLError, ValueError, RecursionError):
            return None
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, dict):
            return None
        self._is_known = True
        return value
