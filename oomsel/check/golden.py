"""Golden files: compares the text that `expect.output` names with what happens, within `expect.tolerance`."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from oomsel.check.expectation import Failure
from oomsel.errors import InputError, Problem, TooLarge, unreadable
from oomsel.files import lines_of
from oomsel.inputs.source import Peekable
from oomsel.kernel.event import OomReport
from oomsel.klog.table import NoHeader, parse_table
from oomsel.outputs.kernel_text import REMARK, event_text
from oomsel.outputs.tasks import PAGE_COLUMNS
from oomsel.outputs.unified import unified_diff
from oomsel.scenario.models import Expect
from oomsel.scenario.values import Path, format_path
from oomsel.text import number_of

#: A golden file's differences beyond this many lines are counted, not shown.
MAX_DETAIL = 60

_REAPER = "oom_reaper: reaped process "
_KB = re.compile(r"(?<=:)([0-9]+|\?)(?=kB)")


class _Golden(NamedTuple):
    """A golden file, and the text that it is compared with."""

    where: Path  #: of its key
    path: str
    expected: str | None  #: None if there is no such file
    happens: str  #: the text of what happens
    near: str  #: the same, with the file's own line in place of each that is within the tolerance


def golden_failures(expect: Expect, approximate: OomReport, precise: OomReport, source: str) -> Iterator[Failure]:
    """Every golden file that differs; `source` is the file that the scenario comes from.

    Raises InputError where a golden file cannot be read, or is the scenario itself.
    """
    goldens = list(_stated_goldens(expect, approximate, precise, source))
    for golden in goldens:
        if golden.expected == golden.near:
            continue
        others = [
            format_path(other.where)
            for other in goldens
            if os.path.realpath(other.path) == os.path.realpath(golden.path) and other.happens != golden.happens
        ]
        if others:  # whichever text is written, the other key fails
            message = f"{golden.path} is to hold something else for {' and '.join(others)}; name a file for each"
            yield Failure(golden.where, message)
            continue
        failure = _difference(golden.where, golden.path, golden.expected, golden.near)
        yield failure._replace(golden=(golden.path, golden.happens))


def _stated_goldens(expect: Expect, approximate: OomReport, precise: OomReport, source: str) -> Iterator[_Golden]:
    for mode, verdict in ((None, expect), ("approximate", expect.approximate), ("precise", expect.precise)):
        if verdict is None or verdict.output is None:
            continue
        where: Path = ("expect", "output") if mode is None else ("expect", mode, "output")
        path = os.path.join(os.path.dirname(source), verdict.output)
        if os.path.exists(source) and os.path.exists(path) and os.path.samefile(source, path):
            message = f"{path} is the scenario itself; name another file"
            raise InputError(source, [Problem(message, path=format_path(where))])
        golden = _read(source, path, where)
        happens = near = _golden_text(golden, mode, approximate, precise)
        if golden is not None and expect.tolerance:
            near = _within_tolerance(golden, happens, expect.tolerance, precise.system.page_size)
        yield _Golden(where, path, golden, happens, near)


def _difference(where: Path, path: str, golden: str | None, happens: str) -> Failure:
    if golden is None:
        return Failure(where, f"{path} is not there; --update writes it")
    lines = list(unified_diff(lines_of(golden), lines_of(happens), (path, "what happens")))
    if len(lines) > MAX_DETAIL:
        lines[MAX_DETAIL:] = [f"... {number_of(len(lines) - MAX_DETAIL, 'more line')} of differences"]
    return Failure(where, f"{path} differs from what happens", tuple(lines))


def _read(source: str, path: str, where: Path) -> str | None:
    """The text of a golden file, None where there is none.

    Raises InputError for what is no regular file below the scenario's folder: a link could lead to any file of the
    machine, which the difference would print into a log, and a pipe would be waited for.
    """
    folder, target = os.path.realpath(os.path.dirname(source)), os.path.realpath(path)
    wrong = "is no regular file; name one"
    try:
        if not target.startswith(os.path.join(folder, "")):
            wrong = f"is a link to {target}, outside of the scenario's folder, which is left alone"
        elif stat.S_ISREG(os.stat(path).st_mode):
            with open(path, "rb") as file:
                return Peekable(file).read_whole().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from None
    except TooLarge as error:
        raise InputError(path, [Problem(str(error))]) from None
    raise InputError(source, [Problem(f"{path} {wrong}", path=format_path(where))])


def _golden_text(golden: str | None, mode: str | None, approximate: OomReport, precise: OomReport) -> str:
    """The text that a golden file for `mode` must have, with the oom_reaper's lines if it has such lines.

    Without a mode it is both modes' events if the file begins with "# " or is not there yet, else the
    event in the mode of the release's kernel.
    """
    if mode is None and (golden is None or golden.startswith(REMARK)):
        reports = [approximate, precise]
    elif mode is None:
        reports = [precise if precise.system.rules.precise_oom else approximate]
    else:
        reports = [precise if mode == "precise" else approximate]
    return event_text(reports, reaper=golden is not None and _REAPER in golden)


def _within_tolerance(expected: str, actual: str, pages: int, page_size: int) -> str:
    """`actual`, with the line of `expected` wherever all amounts of memory in it are at most `pages` away.

    A `?` on either side is near any number.
    """
    ours, theirs = lines_of(actual), lines_of(expected)
    if len(ours) != len(theirs):
        return actual
    rows, their_rows = _rows(actual), _rows(expected)
    for index, (line, other) in enumerate(zip(ours, theirs, strict=True)):
        row, their_row = rows.get(index), their_rows.get(index)
        if row is not None and their_row is not None:
            near = row.keys() == their_row.keys() and all(
                _near(row[name], their_row[name], _slack(name, pages, page_size)) for name in row
            )
        else:
            values, their_values = _KB.findall(line), _KB.findall(other)
            near = _KB.sub("", line) == _KB.sub("", other) and all(
                _near(value, their, pages * page_size >> 10) for value, their in zip(values, their_values, strict=True)
            )
        if near:
            ours[index] = other
    return "".join(ours)


def _rows(text: str) -> dict[int, dict[str, object]]:
    """The rows of a text's task tables by line: every column, the pid and the name."""
    try:
        return {row.line: {**row.numbers, "pid": row.pid, "name": row.name} for row in parse_table(text)}
    except NoHeader:
        return {}


def _slack(column: str, pages: int, page_size: int) -> int:
    if column == "pgtables_bytes":
        return pages * page_size
    return pages if column in PAGE_COLUMNS else 0


def _near(value: object, other: object, slack: int) -> bool:
    if None in (value, other) or "?" in (value, other):
        return True
    if slack == 0:
        return value == other
    return abs(int(str(value)) - int(str(other))) <= slack
