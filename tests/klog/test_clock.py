"""Times as loggers print them, compared."""

from __future__ import annotations

import pytest

from oomsel.klog.clock import Moment, moment_of


@pytest.mark.parametrize(
    "text",
    [
        "Tue Aug 12 03:54:03 2025",
        "Di Aug 12 03:54:03 2025",
        "mar. août 12 03:54:03 2025",
        "火  8月 12 03:54:03 2025",
        "вт авг 12 03:54:03 2025",
        "2025-08-12T03:54:03,000000+02:00",
        "2025-08-12 03:54:03",
    ],
)
def test_dates_in_any_language(text: str) -> None:
    assert moment_of(text).compare(moment_of("2025-08-12 03:54:03")) == 0
    assert moment_of(text).compare(moment_of("2025-08-12 04:00")) == -1
    assert moment_of(text).compare(moment_of("2025-08-11")) == 1


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Aug 12 2025", "2025-08-12"),
        ("Aug 12 2025 03:54", "2025-08-12 03:54:00"),
        ("2025-08-12 03:54", "2025-08-12 03:54:00.000000"),
        ("2025-08-12T03:54:03,5", "2025-08-12 03:54:03.500000"),
    ],
)
def test_what_a_date_leaves_out_is_zero(text: str, same: str) -> None:
    assert moment_of(text) == moment_of(same)


def test_a_date_without_a_year_is_in_the_others() -> None:
    assert moment_of("Aug 12 03:54:03").compare(moment_of("2023-08-12 03:54:04")) == -1
    assert moment_of("Feb 29 03:54:03").compare(moment_of("2023-03-01")) == -1


def test_seconds_and_dates_do_not_compare() -> None:
    assert moment_of("14.029163").compare(moment_of("14")) == 1
    assert moment_of("14.029163").compare(moment_of("2023-08-12")) is None


def test_seconds_are_compared_as_numbers() -> None:
    assert moment_of("14.029163").compare(moment_of("14.029163")) == 0
    assert moment_of("14.5").compare(moment_of("14.500000")) == 0
    assert moment_of("9.5").compare(moment_of("14")) == -1


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-45", "Aug 99 03:54:03", "99999-01-01"])
def test_what_is_no_time(text: str) -> None:
    assert moment_of(text) == Moment()
