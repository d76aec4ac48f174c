"""Times with zones are instants, times without one are by the log's clock, and what cannot be compared says so."""

from __future__ import annotations

import pytest

from oomsel.klog.clock import Moment, moment_of

LOGGED = "2026-03-01T12:00:14.123456789+01:00"


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ("2026-03-01T11:00:14Z", 1),
        ("2026-03-01 11:00:14.123456 UTC", 0),
        ("2026-03-01T11:00:15Z", -1),
        ("2026-03-01 06:00:15-0500", -1),
        ("Sun Mar  1 12:00:15 +01:00 2026", -1),
        ("2026-03-01 12:00:14", 1),  # by the log's clock
        ("2026-03-01 12:00:15", -1),
        ("Mar 1 12:00:15", -1),
    ],
)
def test_zones_are_honoured(asked: str, order: int) -> None:
    assert moment_of(LOGGED).compare(moment_of(asked)) == order


@pytest.mark.parametrize(
    ("logged", "asked", "why"),
    [
        ("Mar  1 12:00:14", "2026-03-01 12:00:14Z", "has no zone"),
        ("14.029163", "2026-03-01", "is in seconds since boot"),
        ("Mar  1 12:00:14", "14", "is a date"),
        ("v márc.  1 12:00:14 2026", "2026-03-01", "cannot be read"),
        ("", "14", "cannot be read"),
        ("14.029163", "14", None),
        ("1772362814.000000", "2026-03-01T11:00:14+00:00", None),
    ],
)
def test_what_cannot_be_compared_says_why(logged: str, asked: str, why: str | None) -> None:
    ours, theirs = moment_of(logged), moment_of(asked)
    assert ours.why_not(theirs) == why
    assert (ours.compare(theirs) is None) == (why is not None)


@pytest.mark.parametrize("text", ["2026-03-01 12:00 CST", "Sun Mar 1 12:00:14 CEST 2026", "Sun Mar 1 12:00:14 PM 2026"])
def test_a_zone_that_has_only_a_name_is_not_guessed(text: str) -> None:
    assert moment_of(text) == Moment()


@pytest.mark.parametrize("text", ["2251932919290000.0", "9" * 400, "67768036191676799"])
def test_an_epoch_that_no_calendar_has_is_no_time(text: str) -> None:
    assert moment_of(text) == Moment()
