"""The public API."""

from __future__ import annotations

import pytest

import oomsel
from tests.support import ROOT


def test_every_public_name_is_there_and_documented() -> None:
    for name in oomsel.__all__:
        value = getattr(oomsel, name)
        assert name == "__version__" or value.__doc__
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = oomsel.nope


def test_an_unknown_mode_is_refused() -> None:
    scenario = oomsel.load(ROOT / "examples" / "smallest.yaml")
    with pytest.raises(oomsel.UsageError, match="no mode exact; use approximate, precise or kernel"):
        oomsel.select(scenario, mode="exact")


def test_errors_are_one_family() -> None:
    assert issubclass(oomsel.InputError, oomsel.OomselError)
    assert issubclass(oomsel.UsageError, oomsel.OomselError)
    with pytest.raises(oomsel.InputError, match=r"^/nowhere/s.yaml: No such file or directory$"):
        oomsel.load("/nowhere/s.yaml")


def test_selecting_changes_nothing() -> None:
    booted = oomsel.boot(oomsel.load(ROOT / "examples" / "real-contest.yaml"))
    first = [oomsel.kernel_lines(oomsel.select(booted, mode), reaper=True) for mode in ("approximate", "precise")]
    again = [oomsel.kernel_lines(oomsel.select(booted, mode), reaper=True) for mode in ("approximate", "precise")]
    assert first == again
