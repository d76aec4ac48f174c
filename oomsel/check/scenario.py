"""Checking a scenario: its `expect` held against what happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from oomsel.booting import Booted, select_both
from oomsel.check.expectation import Failure, Path, failures, unknown_names
from oomsel.errors import InputError, Problem
from oomsel.files import lines_of
from oomsel.kernel.event import OomReport
from oomsel.outputs.event_text import golden_text, within_tolerance
from oomsel.outputs.unified import unified_diff
from oomsel.scenario.models import Expect, Scenario
from oomsel.scenario.values import format_path

#: A golden file's differences beyond this many lines are counted, not shown.
MAX_DETAIL = 60

_NOTHING = Expect()


class Checked(NamedTuple):
    """What became of a scenario's expectations."""

    has_expect: bool  #: whether it states any
    failures: tuple[Failure, ...]
    reports: tuple[OomReport, OomReport]  #: approximate and precise
    unknown: tuple[tuple[Path, str], ...] = ()  #: expectations that cannot fail, by key, and why


def check(scenario: Scenario, booted: Booted, source: str) -> Checked:
    """The scenario's `expect` held against what happens in both modes; `source` is the file it comes from.

    Raises InputError where a golden file cannot be read; one that is not there is a failure.

    >>> import oomsel
    >>> scenario = oomsel.loads('{"oomsel": 1, "machine": {"cpus": 1, "ram": "1GiB"},'
    ...     ' "tasks": [{"pid": 7, "comm": "a"}], "expect": {"victim": 8}}')
    >>> check(scenario, oomsel.boot(scenario), "a.json").failures[0].message
    'expected pid 8; each mode kills 7 (a)'
    """
    approximate, precise = select_both(booted)
    expect = scenario.expect
    if expect is None or expect == _NOTHING:
        return Checked(False, (), (approximate, precise))
    found = [*failures(expect, approximate, precise), *_goldens(expect, approximate, precise, source)]
    return Checked(True, tuple(found), (approximate, precise), tuple(unknown_names(expect, approximate)))


class _Golden(NamedTuple):
    """A golden file, and what it is held against."""

    where: Path
    path: str
    expected: str | None  #: None where the file is not there
    happens: str
    near: str  #: what happens, with what is within the tolerance as the file has it


def _goldens(expect: Expect, approximate: OomReport, precise: OomReport, source: str) -> Iterator[Failure]:
    goldens = list(_stated_goldens(expect, approximate, precise, source))
    for golden in goldens:
        if golden.expected == golden.near:
            continue
        others = [
            format_path(other.where)
            for other in goldens
            if os.path.realpath(other.path) == os.path.realpath(golden.path) and other.happens != golden.happens
        ]
        if others:  # whichever is written, the other fails
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
        golden = _read(path)
        happens = near = golden_text(golden, mode, approximate, precise)
        if golden is not None and expect.tolerance:
            near = within_tolerance(golden, happens, expect.tolerance, precise.system.page_size)
        yield _Golden(where, path, golden, happens, near)


def _difference(where: Path, path: str, golden: str | None, happens: str) -> Failure:
    if golden is None:
        return Failure(where, f"{path} is not there; --update writes it")
    lines = list(unified_diff(lines_of(golden), lines_of(happens), (path, "what happens")))
    if len(lines) > MAX_DETAIL:
        lines[MAX_DETAIL:] = [f"... {len(lines) - MAX_DETAIL} more lines of differences"]
    return Failure(where, f"{path} differs from what happens", tuple(lines))


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(path, [Problem(error.strerror or str(error))]) from None
