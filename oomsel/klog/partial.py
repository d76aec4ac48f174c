"""Lines of containers' logs that CRI's loggers keep in parts, made whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from oomsel.klog.patterns import Pattern

#: Time, stream and whether the line goes on: P for a part, F for the last one.
_PART = Pattern(rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T\S+ (std(?:out|err)) )([FP]) ")
_LONGEST = 1 << 20


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
