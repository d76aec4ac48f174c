"""What GitHub Actions is told of the results: marks at the lines of the files, and the summary of the job's page."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from oomsel.check.output import message_for, problem_lines, summary
from oomsel.check.run import Result
from oomsel.outputs.explain_markdown import plain
from oomsel.text import number_of, printable, shown

#: Rows in the summary; GitHub takes no more than 1 MiB.
_MOST = 200
#: Characters of a message in it.
_LONGEST = 300


def marks(result: Result, workspace: str | None) -> Iterator[str]:
    """The workflow commands that mark each failure at its line; files are named relative to `workspace`."""
    for place, failure in result.failures:
        message = "\n".join([f"{place.key}: {failure.message}" if place.key else failure.message, *failure.detail])
        yield _annotation(_below(result.name, workspace), place.line or 1, place.column or 1, message)
    for problem in result.problems:
        message = f"{problem.path}: {problem.message}" if problem.path else problem.message
        name = _below(problem.source or result.name, workspace)
        yield _annotation(name, problem.line or 1, problem.column or 1, message)


def _below(name: str, workspace: str | None) -> str:
    """A file's name as GitHub knows it: from the top of the repository, wherever the command ran."""
    if not workspace or not os.path.exists(name):
        return name
    path, top = os.path.realpath(name), os.path.realpath(workspace)
    return os.path.relpath(path, top) if path.startswith(os.path.join(top, "")) else name


def _annotation(name: str, line: int, column: int, message: str) -> str:
    data = "\n".join(shown(printable(part)) for part in message.split("\n")).replace("%", "%25").replace("\n", "%0A")
    path = shown(printable(name)).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::error file={path},line={line},col={column},title=oomsel check::{data}"


def step_summary(results: Sequence[Result], others: int, workspace: str | None) -> Iterator[str]:
    """The lines of a Markdown text: how many have which result, and what does not hold, named as in `marks`."""
    yield "### oomsel check"
    yield ""
    yield f"{summary(results, others)}."
    rows = [(_below(name, workspace), what) for result in results for name, what in _rows(result)]
    if not rows:
        return
    yield from ("", "| scenario | what is wrong |", "|---|---|")
    yield from (f"| {_cell(name)} | {_cell(message)} |" for name, message in rows[:_MOST])
    if len(rows) > _MOST:
        yield ""
        yield f"{number_of(len(rows) - _MOST, 'more row')} in the log."


def _rows(result: Result) -> Iterator[tuple[str, str]]:
    name = result.name
    messages = [message_for(result, place, failure) for place, failure in result.failures]
    yield from ((name, message.removeprefix(f"{name}:").strip()) for message in [*messages, *problem_lines(result)])


def _cell(text: str) -> str:
    return plain(text[:_LONGEST])
