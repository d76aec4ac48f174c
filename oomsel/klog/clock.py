"""Times as loggers print them, made comparable: seconds since boot, or a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from oomsel.klog.patterns import Pattern

_SECONDS = Pattern(r"[0-9]+(?:\.[0-9]+)?")
#: What printk puts before a line: seconds since boot.
PRINTK_STAMP = Pattern(r"[0-9]+\.[0-9]+")
_ISO = Pattern(
    r"(?<![0-9])([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})"
    r"(?:[T _]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?"
)
#: Android's, which leaves out the year.
_MONTH_AND_DAY = Pattern(
    r"([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?: ?[+-][0-9]{4})?"
)
#: What may follow a time: a zone as a number or a name, or which half of the day it is.
_ZONE = Pattern(r" ?(?:(Z|UTC|GMT)|([+-])([0-9]{2}):?([0-9]{2})|[AP]M|[A-Z]{3,5})(?!\w)")
_CLOCK = Pattern(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_DAY = Pattern(r"(?<![0-9:])([0-9]{1,2})(?![0-9:])")
_YEAR = Pattern(r"(?<![0-9])([12][0-9]{3})(?![0-9])")
_MONTH_NUMBER = Pattern(r"([0-9]{1,2}) ?[月월]")
#: The beginnings of the months' names, lower case, in the languages that dmesg -T and syslog are met in.
_MONTHS = (
    "jan ene gen янв led sty tam oca",
    "feb fév fev фев úno lut hel şub",
    "mar mär mrt mrz мар bře maa",
    "apr avr abr апр dub kwi huh nis",
    "may mai maj mei mag май мая kvě tou",
    "jun juin giu июн čer cze kes haz",
    "jul juil lug июл čvc lip hei tem",
    "aug août aoû ago авг srp sie elo ağu",
    "sep set сен zář wrz syy eyl",
    "oct okt out ott окт říj paź lok eki",
    "nov ноя lis kas",
    "dec dez déc dic дек pro gru jou ara",
)


class Moment(NamedTuple):
    """A time: seconds since boot, or a date, with a zone where one is stated; both None where it cannot be read."""

    seconds: float | None = None
    date: datetime | None = None
    has_year: bool = True
    is_here: bool = False  #: by the clock of the machine that reads, where the other has no zone

    def compare(self, other: Moment) -> int | None:
        """-1, 0 or 1 for before, at or after `other`; None where `why_not` has a reason.

        An `other` without a zone is by this one's clock.
        """
        if self.why_not(other) is not None:
            return None
        if self.seconds is not None and other.seconds is not None:
            return (self.seconds > other.seconds) - (self.seconds < other.seconds)
        assert self.date is not None
        assert other.date is not None
        ours, theirs = self.date, other.date
        if theirs.tzinfo is None or ours.tzinfo is None:
            ours, theirs = ours.replace(tzinfo=None), theirs.replace(tzinfo=None)
        if not self.has_year or not other.has_year:
            year = (theirs if other.has_year else ours).year
            ours, theirs = _in_year(ours, year), _in_year(theirs, year)
        return (ours > theirs) - (ours < theirs)

    def why_not(self, other: Moment) -> str | None:
        """Why this cannot be compared with `other`, which can be read; None where it can."""
        if self.seconds is None and self.date is None:
            return "cannot be read"
        if self.seconds is not None:
            return None if other.seconds is not None else "is in seconds since boot"
        if other.date is None:
            return "is a date"
        is_bare = self.date is not None and self.date.tzinfo is None
        return "has no zone" if other.date.tzinfo is not None and is_bare and not other.is_here else None


def _in_year(date: datetime, year: int) -> datetime:
    try:
        return date.replace(year=year)
    except ValueError:  # 29 February
        return date.replace(year=year, day=28)


def moment_of(text: str) -> Moment:
    """The time that `text` shows, in whatever form a logger gives it; an empty Moment where it cannot be read."""
    text = text.strip()
    try:
        if _SECONDS.fullmatch(text):
            value = float(text)
            is_epoch = value > 1e8
            return Moment(date=datetime.fromtimestamp(value).astimezone()) if is_epoch else Moment(seconds=value)
        if match := _ISO.search(text):
            year, month, day, *clock, fraction = match.groups()
            hour, minute, second = (int(part or 0) for part in clock)
            date = datetime(int(year), int(month), int(day), hour, minute, second, _micro(fraction))
            return Moment(date=date.replace(tzinfo=_zone(text, match.end())))
        if match := _MONTH_AND_DAY.fullmatch(text):
            month, day, hour, minute, second = (int(part) for part in match.groups()[:5])
            zone = _zone(text, match.end(6) if match[6] else match.end(5))
            date = datetime(2000, month, day, hour, minute, second, _micro(match[6]), zone)
            return Moment(date=date, has_year=False)
        return _worded(text)
    except (ValueError, OverflowError, OSError):
        return Moment()


def _micro(fraction: str | None) -> int:
    return int((fraction or "0").ljust(6, "0")[:6])


def _zone(text: str, at: int) -> timezone | None:
    """The zone that follows a time; ValueError for a name, as CST is in Chicago, Shanghai and Havana."""
    match = _ZONE.match(text, at)
    if match is None:
        return None
    if match[1]:
        return UTC
    if not match[2]:
        raise ValueError(match[0])
    offset = timedelta(hours=int(match[3]), minutes=int(match[4]))
    return timezone(-offset if match[2] == "-" else offset)


def _worded(text: str) -> Moment:
    month = _month(text)
    clock = _CLOCK.search(text)
    rest = _MONTH_NUMBER.sub(" ", text)
    day = _DAY.search(_CLOCK.sub(" ", rest))
    if month is None or day is None:
        return Moment()
    year = _YEAR.search(rest)
    hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
    zone = _zone(text, clock.end()) if clock else None
    date = datetime(int(year[1]) if year else 2000, month, int(day[1]), hour, minute, second, tzinfo=zone)
    return Moment(date=date, has_year=year is not None)


def _month(text: str) -> int | None:
    if match := _MONTH_NUMBER.search(text):
        return int(match[1])
    words = re.findall(r"[^\W\d_]+", text.lower())
    for word in reversed(words):  # the day's name stands before the month's, and may begin alike
        for number, names in enumerate(_MONTHS, 1):
            if word.startswith(tuple(names.split())):
                return number
    return None


def is_earlier(stamp: str, other: str) -> bool:
    """Whether a printk time stamp lies before another; False where either is none."""
    if not (PRINTK_STAMP.fullmatch(stamp) and PRINTK_STAMP.fullmatch(other)):
        return False
    return float(stamp) < float(other)
