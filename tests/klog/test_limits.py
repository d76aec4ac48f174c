"""Times as people say them: read as what they are, or refused with the right form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from oomsel.klog.clock import moment_of
from oomsel.klog.limits import instead_of, limit_of

NOW = datetime(2026, 11, 28, 18, 30, tzinfo=timezone(timedelta(hours=2)))
DAY = NOW.replace(hour=0, minute=0)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("today", DAY),
        ("Yesterday", DAY - timedelta(days=1)),
        ("now", NOW),
        ("2 hours ago", NOW - timedelta(hours=2)),
        ("1 hour ago", NOW - timedelta(hours=1)),
        ("90 min ago", NOW - timedelta(minutes=90)),
        ("3d ago", NOW - timedelta(days=3)),
        ("1 week ago", NOW - timedelta(weeks=1)),
        ("2026-08-12", datetime(2026, 8, 12)),
        ("2026-08-12 03:54", datetime(2026, 8, 12, 3, 54)),
        ("2026-08-12T03:54:01Z", datetime(2026, 8, 12, 3, 54, 1, tzinfo=UTC)),
        ("Aug 12 03:54:01", datetime(2000, 8, 12, 3, 54, 1)),
        ("Wed Aug 12 03:54:01 2026", datetime(2026, 8, 12, 3, 54, 1)),
        ("12 août 2026", datetime(2026, 8, 12)),
        ("ago 12 03:54", datetime(2000, 8, 12, 3, 54)),  # agosto
    ],
)
def test_what_says_a_time(text: str, date: datetime) -> None:
    moment = limit_of(text, NOW)
    assert moment is not None
    assert moment.date == date


@pytest.mark.parametrize(
    "text",
    ["1 hour", "-1h", "+2d", "soon", "1 hour ago today", "last may", "5 marches", "hour 1", "mayhem 3", "1e9", ""],
)
def test_what_says_none(text: str) -> None:
    assert limit_of(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "right"), [("-1h", "say 1 hour ago"), ("2 days", "say 2 days ago"), ("soon", "use sec")]
)
def test_the_right_form_is_named(text: str, right: str) -> None:
    assert instead_of(text).startswith(right)


def test_a_time_of_here_is_compared_with_a_log_without_a_zone() -> None:
    limit = limit_of("2 hours ago", NOW)
    assert limit is not None
    assert moment_of("2026-11-28 16:29:59").compare(limit) == -1
    assert moment_of("2026-11-28 16:30:00").compare(limit) == 0
    assert moment_of("2026-11-28T14:30:01Z").compare(limit) == 1
    assert moment_of("Nov 28 17:00:00").compare(limit) == 1
    assert moment_of("14.5").compare(limit) is None


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("08-12 03:54:01.123", datetime(2000, 8, 12, 3, 54, 1, 123000)),
        ("2026/08/12 03:54:01", datetime(2026, 8, 12, 3, 54, 1)),
    ],
)
def test_more_forms_of_stamps(text: str, date: datetime) -> None:
    assert moment_of(text).date == date
