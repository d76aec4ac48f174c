"""Lines of containers' logs that Docker's and CRI's loggers keep in parts, made whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from oomsel.klog.patterns import Pattern

#: Time, stream and whether the line goes on: P for a part, F for the last one.
_PART = Pattern(rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T\S+ (std(?:out|err)) )([FP]) ")
_LONGEST = 1 << 20


#: Docker's record of a line, or of a part of one, which has no newline at its end.
_RECORD = Pattern(rb'\s*\{"log": ?"((?:[^"\\]|\\.)*)"(, ?"stream": ?"(std(?:out|err))".*)', re.DOTALL)
_NEWLINE = b"\\n"
#: So many records are kept until one has a newline: what ships Docker's logs takes it off all of them.
_MOST_RECORDS = 100


class DockerParts:
    """Records whose text has no newline wait for the rest of their line, each stream's for its own."""

    def __init__(self) -> None:
        self._has_newlines: bool | None = None  #: whether records end so, None as long as nobody knows
        self._held: dict[bytes, list[tuple[int, bytes, bytes]]] = {}

    @property
    def is_holding(self) -> bool:
        """Whether a part has been taken that has not been given."""
        return bool(self._held)

    def joined(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """The lines, each with the number of its first part."""
        for number, line in numbered:
            record = _RECORD.match(line) if b'"log"' in line[:16] and self._has_newlines is not False else None
            if record is None:
                yield from self._all()
                yield number, line
                continue
            text, stream = record[1], record[3]
            held = self._held.setdefault(stream, [])
            if text.endswith(_NEWLINE):
                self._has_newlines = True
                del self._held[stream]
                whole = b"".join(part for _, part, _ in held) + text
                yield held[0][0] if held else number, b'{"log":"' + whole + b'"' + record[2]
                continue
            held.append((number, text, line))
            if len(held) >= _MOST_RECORDS or sum(len(part) for _, part, _ in held) > _LONGEST:
                self._has_newlines = self._has_newlines or False
                yield from self._all()
        yield from self._all()

    def _all(self) -> Iterator[tuple[int, bytes]]:
        """What is held, as it was."""
        held = sorted(each for parts in self._held.values() for each in parts)
        self._held.clear()
        yield from ((number, line) for number, _, line in held)


class PartialLines:
    """Parts wait for the rest of their line, each stream's for its own."""

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[int, bytes]] = {}

    @property
    def is_holding(self) -> bool:
        """Whether a part has been taken that has not been given."""
        return bool(self._held)

    def joined(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """The lines, each with the number of its first part."""
        for number, line in numbered:
            part = _PART.match(line) if line[:1].isdigit() else None
            if part is None:
                yield number, line
                continue
            begun, text = self._held.pop(part[2], (number, part[1] + b"F "))
            text += line[part.end() :].removesuffix(b"\r")
            if part[3] == b"P" and len(text) < _LONGEST:
                self._held[part[2]] = begun, text
            else:
                yield begun, text
        yield from self._held.values()
        self._held.clear()
