"""Where amounts stand on an axis, as the percentages that an SVG without a viewBox takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Segment(NamedTuple):
    """A part of a bar."""

    kind: str  #: the class that colours it
    x: str
    width: str
    title: str


class Mark(NamedTuple):
    """A place on an axis."""

    x: str
    title: str


class Scale(NamedTuple):
    """An axis from `low` to `high`; what lies outside stands at its end."""

    low: float
    high: float

    def percent(self, value: float) -> float:
        """0 to 100."""
        share = (value - self.low) / ((self.high - self.low) or 1)
        return 100 * min(max(share, 0), 1)

    def x(self, value: float) -> str:
        """A place.

        >>> Scale(0, 200).x(50)
        '25%'
        """
        return percentage(self.percent(value))

    def span(self, start: float, end: float) -> tuple[str, str]:
        """A place and a width."""
        left, right = self.percent(start), self.percent(end)
        return percentage(left), percentage(max(right - left, 0))

    def segment(self, kind: str, start: float, end: float, title: str) -> Segment:
        """A part of a bar from `start` to `end`."""
        return Segment(kind, *self.span(start, end), title)

    def ticks(self, words: Callable[[float], str], steps: Iterable[float], most: int = 5) -> list[Mark]:
        """Marks at the multiples of the smallest of `steps` that gives no more than `most`."""
        width = self.high - self.low
        step = next((step for step in steps if width / step <= most), width or 1)
        first = -int(-self.low // step)  # the next whole one
        return [Mark(self.x(at * step), words(at * step)) for at in range(first, int(self.high // step) + 1)]


def percentage(share: float) -> str:
    """A percentage of at most two decimals.

    >>> percentage(12.5), percentage(100.0), percentage(0.004)
    ('12.5%', '100%', '0%')
    """
    return f"{share:.2f}".rstrip("0").rstrip(".") + "%"


def nice_steps(unit: float) -> list[float]:
    """1, 2 and 5 times the powers of ten of `unit`, from the smallest on."""
    return [unit * digit * 10**power for power in range(-3, 16) for digit in (1, 2, 5)]


def stacked(parts: Iterable[tuple[str, int, str]], whole: int) -> list[Segment]:
    """A bar of (kind, amount, title), one behind the other, of `whole`; what is 0 has none."""
    scale, at, found = Scale(0, whole), 0, []
    for kind, amount, title in parts:
        if amount > 0:
            found.append(scale.segment(kind, at, at + amount, title))
            at += amount
    return found
