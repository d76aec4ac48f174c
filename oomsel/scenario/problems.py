"""What is wrong with a scenario, where, and what is still known of it.

Where a key reads badly or is missing, a harmless placeholder takes its place, so that the rules
see a whole scenario; they ask here before they rely on a key: one mistake makes one error.
"""

from __future__ import annotations

from typing import Any, Protocol

from oomsel.errors import Problem
from oomsel.scenario.values import Path, format_path

#: What is said of a key that is not there.
MISSING = "required and missing; add it"


class Places(Protocol):
    """An input as plain data, and where each value of it stands: in a file, in a log, on the command line."""

    source: str  #: the input's name as given
    data: Any
    is_json: bool  #: whether a number is never text
    problems: list[Problem]  #: what was found wrong before the keys were looked at

    def place(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:
        """Line and column of the value at `path`, or of its key; of what contains it where it is not there."""

    def shown_path(self, path: Path) -> str:
        """The key path as an error names it."""
        return format_path(path)

    def has_row(self, path: Path) -> bool:
        """Whether the task at `path` comes from a row of a task table."""

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        """A problem at `path`, with its place."""
        line, column = self.place(path, at_key=at_key)
        return Problem(message, line, column, self.shown_path(path) or None)


class NoPlaces(Places):
    """Values of a running kernel, of no one file: an error names the key alone."""

    is_json = False

    def __init__(self, source: str, data: dict[str, Any]) -> None:
        self.source, self.data = source, data
        self.problems = []

    def place(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:  # noqa: ARG002
        """No line and no column."""
        return 0, 0

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:  # noqa: ARG002
        """A problem without a place."""
        return Problem(message, path=self.shown_path(path) or None)

    def has_row(self, path: Path) -> bool:  # noqa: ARG002
        """No task comes from a table."""
        return False


class ProblemCollector:
    """Collects problems by key path, and which keys hold nothing that can be relied on."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.problems: list[Problem] = []
        self._unreliable: set[Path] = set()
        self._above: set[Path] = set()  #: the paths that lead to one of them

    def add(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """`message` about the value at `path`, or about the key itself."""
        self.problems.append(self.places.problem(path, message, at_key=at_key))

    def conflict(self, first: Path, second: Path, message: str) -> None:
        """`message`, in which {} stands for the other one's path, at the later of two places."""
        earlier, later = sorted((first, second), key=self.places.place)
        self.add(later, message.format(self.places.shown_path(earlier)))

    def mark_unreliable(self, path: Path) -> None:
        """Nothing at `path` can be relied on; the problem there is, or will be, added."""
        self._unreliable.add(path)
        self._above.update(path[:length] for length in range(len(path)))

    def reads(self, *path: str | int) -> bool:
        """Whether what stands at `path`, or that nothing does, can be relied on; parts of it may not."""
        return not self._unreliable or not any(path[:length] in self._unreliable for length in range(len(path) + 1))

    def reads_whole(self, *path: str | int) -> bool:
        """Whether what stands at `path` can be relied on with all that is in it."""
        return path not in self._above and self.reads(*path)

    def stated(self, *path: str | int) -> Any:
        """What the input has at `path`, or None."""
        value = self.places.data
        for part in path:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value
