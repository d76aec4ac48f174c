"""The options for kernel logs; a module of its own, as most commands have them and few read a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from oomsel.klog.event import OomEvent

#: What no person says.
_OUR_OWN = ("first_of_storm", "keep_source", "told")


class LogOptions(NamedTuple):
    """What a person says of a log besides the log."""

    event: int | None = None  #: the report's number, from 1
    pid: int | None = None  #: of somebody it killed
    last: bool = False  #: the last one, complete or not
    page_size: int | None = None  #: bytes
    cpus: int | None = None
    first_of_storm: bool = False  #: of several without a choice the first of the last storm, not the last one
    keep_source: bool = False  #: whether the report keeps its lines as they stand in the log
    told: Callable[[OomEvent], None] | None = None  #: is told of every report of the log, in order

    @property
    def given(self) -> str | None:
        """An option that was given; None for none."""
        for name, value in zip(self._fields, self, strict=True):
            if value not in (None, False) and name not in _OUR_OWN:
                return f"--{name.replace('_', '-')}"
        return None
