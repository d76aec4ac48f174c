"""The plain data that a scenario is read from: dicts, lists, text, whole numbers, booleans, and the scalars below.

A reader of any syntax builds these; a key path, `("tasks", 3, "rss")`, says where in them a value stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]


class Plain(str):
    """A scalar that is no text and no whole number: null, a boolean or a float, as written."""

    __slots__ = ()

    NULLS = frozenset(("", "~", "null", "Null", "NULL"))

    @property
    def is_null(self) -> bool:
        """Whether it stands for nothing."""
        return self in Plain.NULLS


class JsonFloat(Plain):
    """A number in JSON that is no whole one; a key that wants text refuses it."""

    __slots__ = ()


class SourceInt(int):
    """A whole number that was not written the shortest way (`017`, `0x1f`, `+5`); `text` is how."""

    text: str

    def __new__(cls, number: int, text: str) -> SourceInt:
        """`number`, written as `text`."""
        self = super().__new__(cls, number)
        self.text = text
        return self


def is_empty(value: Any) -> bool:
    """Whether a value is null, or nothing at all."""
    return value is None or (isinstance(value, Plain) and value.is_null)


def format_path(path: Sequence[str | int]) -> str:
    """A key path as errors show it: `tasks[3].rss.anon`, `memcgs["/web"].max`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{int(part)}]"
        elif part.isidentifier() and len(part) <= 60:
            text += f".{part}" if text else part
        else:
            shown = part if len(part) <= 60 else f"{part[:57]}..."
            quoted = shown.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text
