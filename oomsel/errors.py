"""What can go wrong, each error with its place: file, line, column, key path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oomsel.text import printable

#: More problems than this are not listed for one file.
MAX_PROBLEMS = 20
#: A longer line would hide what it says.
_LONGEST = 1000
#: What is said where memory runs out.
NO_MEMORY = "not enough memory for it on this machine; use one that has more, or a smaller input"


def shortened(line: str) -> str:
    """A line that can be read: of one that is too long the beginning, and the end, which says what would be right."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 300]}...{line[-297:]}"


class OomselError(Exception):
    """Anything oomsel refuses; the command line prints it and exits with 2."""


class Problem(NamedTuple):
    """One thing that is wrong in an input, and where."""

    message: str  #: what is wrong; what would be right
    line: int | None = None  #: 1-based
    column: int | None = None  #: 1-based, in characters
    path: str | None = None  #: key path, like tasks[3].rss.anon; None for errors of syntax
    source: str | None = None  #: where it comes from, if not from the file: an option


class InputError(OomselError):
    r"""An input that cannot be used.

    `source` is the input's name as given, `problems` what is wrong with it in the order
    of the places, at most `MAX_PROBLEMS`.  `str()` gives one line a problem.

    >>> import oomsel
    >>> try:
    ...     oomsel.loads("oomsel: 1\nmachine: {cpus: 4, ram: 1.5}\ntasks: [{pid: 7, comm: a}]", source="x.yaml")
    ... except oomsel.InputError as error:
    ...     print(error.problems[0].line, error.problems[0].path)
    2 machine.ram
    """

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        ordered = sorted(problems, key=lambda p: (p.line or 0, p.column or 0))
        self.source = source
        self.problems = tuple(ordered[:MAX_PROBLEMS])
        super().__init__(source, self.problems)

    def __str__(self) -> str:
        return "\n".join(self._line(problem) for problem in self.problems)

    def _line(self, problem: Problem) -> str:
        place = ":".join(str(part) for part in (problem.line, problem.column) if part is not None)
        source = problem.source or self.source
        parts = [f"{source}:{place}" if place else source, problem.path, problem.message]
        # Keys and values come from a file nobody vouches for: nothing in them reaches a terminal raw.
        line = printable(": ".join(part for part in parts if part))
        return shortened(line)


class TooLarge(OomselError):
    """What is read is larger than a limit; `line` is where, if that is known.  Whoever opened it says what it is."""

    def __init__(self, message: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(message)


def unreadable(source: str, error: OSError) -> InputError:
    """The error of an input that the system does not let us read, or write."""
    return InputError(source, [Problem(error.strerror or str(error))])


class UsageError(OomselError):
    """A call that asks for something impossible, such as an unknown mode."""
