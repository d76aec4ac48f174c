"""Checking a scenario: its `expect` held against what happens."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.booting import Booted, select_both
from oomsel.check.expectation import Failure, failures, unknown_names
from oomsel.check.golden import golden_failures
from oomsel.kernel.event import OomReport
from oomsel.scenario.models import Expect, Scenario
from oomsel.scenario.values import Path

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
    found = [*failures(expect, approximate, precise), *golden_failures(expect, approximate, precise, source)]
    return Checked(True, tuple(found), (approximate, precise), tuple(unknown_names(expect, approximate)))
