"""The options for kernel logs; a module of its own, as most commands have them and few read a log."""

from __future__ import annotations

from typing import NamedTuple


class LogOptions(NamedTuple):
    """What a person says of a log besides the log."""

    event: int | None = None  #: the report's number, from 1
    pid: int | None = None  #: of somebody it killed
    last: bool = False  #: the last one, complete or not
    page_size: int | None = None  #: bytes
    cpus: int | None = None
    first_of_storm: bool = False  #: of several without a choice the first of the last storm, not the last one

    @property
    def given(self) -> str | None:
        """An option that was given; None for none."""
        for name, value in zip(self._fields, self, strict=True):
            if value not in (None, False) and name != "first_of_storm":
                return f"--{name.replace('_', '-')}"
        return None
