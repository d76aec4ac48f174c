"""A scenario that may have holes: what the rules that span several keys are held against, and where they complain."""

from __future__ import annotations

from typing import Any, NamedTuple

from oomsel.errors import Problem
from oomsel.scenario.document import Document
from oomsel.scenario.models import Expect, Machine, MemcgLimits, Oom, Sysctls, Task, Update
from oomsel.scenario.nodes import Path


class Draft(NamedTuple):
    """The sections that read well; None for one that did not, or in a list for an item that did not.

    A rule that needs a section with holes is not asked: one mistake makes one error.
    """

    kernel: str | None
    kernel_is_good: bool
    machine: Machine | None
    memcgs: dict[str, MemcgLimits] | None
    oom: Oom | None
    sysctl: Sysctls | None
    tasks: list[Task | None]
    updates: list[Update | None]
    expect: Expect | None

    @property
    def all_tasks_are_good(self) -> bool:
        """Whether every task could be read, so that a pid that is not there is wrong."""
        return bool(self.tasks) and None not in self.tasks


class Complaints:
    """Collects problems by key path; places are looked up at the end."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def add(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """`message` about the value at `path`, or about the key itself."""
        self.problems.append(self.document.problem(path, message, at_key=at_key))

    def conflict(self, first: Path, second: Path, message: str) -> None:
        """`message`, in which {} stands for the other one's path, at the later of two places."""
        earlier, later = sorted((first, second), key=self.document.place)
        self.add(later, message.format(self.document.shown_path(earlier)))

    def stated(self, *path: str | int) -> Any:
        """What the file has at `path`, or None."""
        value = self.document.data
        for part in path:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value
