"""JSON that is spread over lines, of which only some may be given: records one after the other."""

from __future__ import annotations

import json
import re
from typing import Any

from oomsel.klog.patterns import Pattern
from oomsel.klog.records import KERNEL_TEXT, Context, Placed, context_of, date_of, first_number

_TOKEN = Pattern(r'\s*(?:("(?:[^"\\]|\\.)*")|([{}\[\],:])|(true|false|null|-?[0-9][0-9.eE+-]{0,40})(?![\w]))')
#: So many texts are kept of a record that does not end.
_MOST = 20_000
_DEEPEST = 60


class _Frame:
    """An object or list that has begun."""

    __slots__ = ("key", "needs_comma", "value")

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self.key: str | None = None  #: of an object, that of the value to come
        self.needs_comma = False


class JsonStream:
    """Takes lines in; gives each record, an object that is in a list or in nothing, when it ends."""

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        self._texts = 0
        self._number = 0  #: of the last line
        self._done: list[tuple[Any, Context]] = []
        self.is_holding = False  #: a text of a report is among what has been taken and not given

    @property
    def is_inside(self) -> bool:
        """Whether something has begun that has not ended."""
        return bool(self._frames)

    def feed(self, number: int, text: str) -> list[tuple[Any, Context]] | None:
        """The records that end in a line, with what surrounds them; None where the line is no JSON.

        Then what was begun is given up: ask for its `rest`.
        """
        if self._frames and number > self._number + 1:  # lines in between were not given
            return None
        self._number = number
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or not self._token(match, number):
                return None
            at = match.end()
        return self._taken()

    def rest(self) -> list[tuple[Any, Context]]:
        """What has begun and will not end, outermost first; nothing is begun afterwards."""
        self._flush()
        self._frames.clear()
        return self._taken()

    def _taken(self) -> list[tuple[Any, Context]]:
        done, self._done = self._done, []
        self.is_holding = self.is_holding and self.is_inside and not done
        return done

    def _token(self, match: re.Match[str], number: int) -> bool:
        if match[1] is not None:
            try:
                value = Placed(json.loads(match[1], strict=False))
            except ValueError:
                return False
            value.number = number
            return self._string(value)
        if match[3] is not None:
            return self._value(match[3])
        return self._mark(match[2])

    def _string(self, value: Placed) -> bool:
        self._texts += 1
        self.is_holding = self.is_holding or KERNEL_TEXT.search(value) is not None
        if self._texts > _MOST:
            self._flush()
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            if frame.needs_comma:
                return False
            frame.key = value
            frame.needs_comma = True  # or a colon
            return True
        if frame is None:
            frame = _Frame([value])  # a list of which the beginning was not given, or a text alone
            frame.needs_comma = True
            self._frames.append(frame)
            return True
        return self._value(value)

    def _value(self, value: Any) -> bool:
        frame = self._frames[-1] if self._frames else None
        if frame is None or frame.needs_comma:
            return False
        if isinstance(frame.value, dict):
            if frame.key is None:
                return False
            frame.value[frame.key] = value
            frame.key = None
        else:
            frame.value.append(value)
        frame.needs_comma = True
        return True

    def _mark(self, mark: str) -> bool:
        frame = self._frames[-1] if self._frames else None
        if mark in "{[":
            ready = frame is None or (
                not frame.needs_comma and (isinstance(frame.value, list) or frame.key is not None)
            )
            if ready and len(self._frames) < _DEEPEST:
                self._frames.append(_Frame({} if mark == "{" else []))
                return True
            return False
        if mark == ",":
            if frame is not None:
                frame.needs_comma = False
                return frame.key is None or isinstance(frame.value, list)
            return True
        if mark == ":":
            return self._colon(frame)
        if frame is not None:
            self._close()
        return True

    def _colon(self, frame: _Frame | None) -> bool:
        if frame is None:
            return False
        if isinstance(frame.value, list):
            if len(self._frames) > 1 or len(frame.value) != 1:
                return False
            key = str(frame.value[0])  # an object of which the beginning was not given
            frame.value = {}
            frame.key = key
        frame.needs_comma = False
        return frame.key is not None

    def _close(self) -> None:
        frame = self._frames.pop()
        outer = self._frames[-1] if self._frames else None
        if outer is None or (isinstance(frame.value, dict) and isinstance(outer.value, list)):
            self._done.append((frame.value, self._context()))
        elif isinstance(outer.value, list):
            outer.value.append(frame.value)
        elif outer.key is not None:
            outer.value[outer.key] = frame.value
        if outer is not None:
            outer.key, outer.needs_comma = None, True
        else:
            self._texts = 0

    def _context(self) -> Context:
        context = Context()
        for frame in self._frames:
            if isinstance(frame.value, dict):
                context = context_of(frame.value, context)
            elif frame.value and (date := date_of(first_number(frame.value[0]))):
                context = context._replace(date=date)
        return context

    def _flush(self) -> None:
        """Give what is held, and keep the frames open."""
        self._texts = 0
        for at, frame in enumerate(self._frames):
            if frame.value:
                held = frame.value
                frame.value = type(held)()
                kept, self._frames = self._frames, self._frames[:at]
                key = kept[at - 1].key if at else None
                self._done.append(({key: held} if key else held, self._context()))
                self._frames = kept
