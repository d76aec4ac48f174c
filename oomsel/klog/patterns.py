"""Regular expressions that are compiled when they are first used: a log meets few of the forms that are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, AnyStr, Generic

_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub")


class Pattern(Generic[AnyStr]):
    """As re.compile() gives one, with the methods that are used here.

    >>> Pattern("a+").match("aab")[0]
    'aa'
    """

    __slots__ = ("_flags", "_pattern", *_METHODS)

    _pattern: AnyStr
    _flags: int
    match: Callable[..., re.Match[AnyStr] | None]
    search: Callable[..., re.Match[AnyStr] | None]
    fullmatch: Callable[..., re.Match[AnyStr] | None]
    finditer: Callable[..., Iterator[re.Match[AnyStr]]]
    findall: Callable[..., list[Any]]
    split: Callable[..., list[Any]]
    sub: Callable[..., AnyStr]

    def __init__(self, pattern: AnyStr, flags: int = 0) -> None:
        self._pattern, self._flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        """Called for a method that is not there yet: afterwards all are, and nothing stands in between."""
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(self._pattern, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)
