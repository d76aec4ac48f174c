"""Loops over counter updates, compiled where numba is installed (extra oomsel[study]), plain Python elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

import numpy as np


@cache
def _numba() -> Any:
    try:
        return import_module("numba")
    except ImportError:
        return None


def has_numba() -> bool:
    """Whether loops can be compiled here."""
    return _numba() is not None


class Loop:
    """A function of int64 arrays and whole numbers that runs either way, with the same result."""

    #: Compile where possible; both ways give the same numbers.
    compiled: ClassVar[bool] = True

    def __init__(self, function: Callable[..., None]) -> None:
        self.plain = function
        self._fast: Callable[..., None] | None = None

    def __call__(self, *arguments: Any) -> None:
        if self.compiled and has_numba():
            if self._fast is None:
                self._fast = self._compile()
            self._fast(*arguments)
            return
        # A memoryview hands out Python's own numbers: four times as fast as NumPy's scalars.
        self.plain(*(item.data if isinstance(item, np.ndarray) else item for item in arguments))

    def _compile(self) -> Callable[..., None]:
        for cached in (True, False):  # where there is no place for a cache, each process compiles anew
            with suppress(RuntimeError):
                fast: Callable[..., None] = _numba().njit(cache=cached, error_model="numpy")(self.plain)
                return fast
        return self.plain
