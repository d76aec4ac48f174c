"""What is wrong with a scenario, where, and what is still known of it.

Where a key reads badly or is missing, something harmless stands in for it, so that the rules
see a whole scenario; they ask here before they rely on a key: one mistake makes one error.
"""

from __future__ import annotations

from typing import Any

from oomsel.errors import Problem
from oomsel.inputs.document import Document
from oomsel.inputs.nodes import Path


class ProblemCollector:
    """Collects problems by key path, and which keys hold nothing that can be relied on."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._holes: set[Path] = set()
        self._above: set[Path] = set()

    def add(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """`message` about the value at `path`, or about the key itself."""
        self.problems.append(self.document.problem(path, message, at_key=at_key))

    def conflict(self, first: Path, second: Path, message: str) -> None:
        """`message`, in which {} stands for the other one's path, at the later of two places."""
        earlier, later = sorted((first, second), key=self.document.place)
        self.add(later, message.format(self.document.shown_path(earlier)))

    def hole(self, path: Path) -> None:
        """Nothing at `path` can be relied on; that is, or will be, complained about."""
        self._holes.add(path)
        self._above.update(path[:length] for length in range(len(path)))

    def reads(self, *path: str | int) -> bool:
        """Whether what stands at `path`, or that nothing does, can be relied on; parts of it may not."""
        return not self._holes or not any(path[:length] in self._holes for length in range(len(path) + 1))

    def reads_whole(self, *path: str | int) -> bool:
        """Whether what stands at `path` can be relied on with all that is in it."""
        return path not in self._above and self.reads(*path)

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
