"""Times as a person says them: --since and --until."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from oomsel.klog.clock import Moment, moment_of

_AGO = re.compile(r"([0-9]{1,6}) ?(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)(?: ago)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
_YEAR = r"(?: +[0-9]{4})?"
_ISO = re.compile(
    rf"[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}(?:[T ]{_CLOCK}(?:[.,][0-9]{{1,9}})?"
    r"(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_SECONDS = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
#: A time as dmesg and syslog print it: a month's name, and whatever words the language has for a day.
_PRINTED = re.compile(
    r"(?:\w{2,4}\.? +)?(?:[^\W\d_]{3,9}\.?|[0-9]{1,2} ?[月월]) +[0-9]{1,2}" + _YEAR + rf"(?: +{_CLOCK})?" + _YEAR
    + r"|[0-9]{1,2} +[^\W\d_]{3,9}\.?" + _YEAR + rf"(?: +{_CLOCK})?"
)  # fmt: skip
_MONTH = re.compile(r"[^\W\d_]{3,}")
#: The months' names in full; what is longer than an abbreviation has to be one of them.
_NAMES = frozenset(
    (
        "january february march april may june july august september october november december "
        "januar februar märz mai juni juli oktober dezember "
        "janvier février mars avril juin juillet août septembre octobre novembre décembre "
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    ).split()
)
_ABBREVIATED = 4
FORMS = "seconds since boot, 2026-08-12 03:54, 2026-08-12 03:54+02:00, today, yesterday, or 2 hours ago"


def limit_of(text: str, now: datetime) -> Moment | None:
    """The time that `text` says, None where it says none; `now` has a zone, by which the day begins."""
    text = text.strip()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"now": now, "today": day, "yesterday": (day - timedelta(days=1)), "midnight": day}
    if (when := named.get(text.lower())) is not None:
        return Moment(date=when, is_here=True)
    if text.lower().endswith(" ago") and (match := _AGO.fullmatch(text.lower())):
        try:
            return Moment(date=now - timedelta(**{_UNITS[match[2][0]]: int(match[1])}), is_here=True)
        except OverflowError:
            return None
    if not (_SECONDS.fullmatch(text) or _ISO.fullmatch(text) or _PRINTED.fullmatch(text)):
        return None
    if any(len(word) > _ABBREVIATED and word.lower() not in _NAMES for word in _MONTH.findall(text)):
        return None
    moment = moment_of(text)
    return None if moment == Moment() else moment


def instead_of(text: str) -> str:
    """What would be right in place of a text that says no time."""
    match = _AGO.fullmatch(text.strip().lower().lstrip("-+ "))
    if match is not None:
        unit = _UNITS[match[2][0]]
        return f"say {int(match[1])} {unit if int(match[1]) != 1 else unit[:-1]} ago"
    return f"use {FORMS}"
