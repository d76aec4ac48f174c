"""The closest candidates as stacked bars, with what their true badness can be and the precise value."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.kernel.badness import LONG_MAX, LONG_MIN
from oomsel.kernel.uncertainty import Interval, badness_interval
from oomsel.outputs.account import Account
from oomsel.outputs.page.holdings import KIND_WORDS, Holding, explained, holdings, knows_badness
from oomsel.outputs.page.scale import Mark, Scale, Segment, nice_steps
from oomsel.outputs.sizes import size_words
from oomsel.outputs.tasks import FIRST
from oomsel.text import printable

#: Bars in the chart.
MOST = 10
#: How far an axis goes below 0, as a part of what is above: an oom_score_adj of -999 takes off nearly all RAM.
_BELOW = 0.25


class Whiskers(NamedTuple):
    """What a true badness can be."""

    x1: str
    x2: str
    title: str


class Bar(NamedTuple):
    """A candidate."""

    name: str
    below: str  #: pid and oom_score_adj
    fate: str  #: killed, precise choice, could be; empty for none of them
    is_killed: bool
    segments: tuple[Segment, ...]
    end: str  #: where its badness stands
    whiskers: Whiskers | None
    mark: Mark | None  #: what the other reading gives
    value: str
    size: str
    words: str  #: all of it, for who does not see the bar


class Chart(NamedTuple):
    """The bars and what they need."""

    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    legend: tuple[tuple[str, str], ...]  #: (kind, words)
    others: int  #: candidates that are not shown
    candidates: int


def chart(account: Account) -> Chart | None:
    """The chart; None where nobody can be compared."""
    if not knows_badness(account):
        return None
    explanation = explained(account)
    report = explanation.report
    if not explanation.candidates or not report.system.scores_in_pages:
        return None
    shown = _shown(account)
    unit = report.totalpages // 1000
    found = holdings(account, shown)
    interval = known_interval(account)
    low, high = 0.0, 1.0
    for holding in found:
        ends = [holding.held, holding.held + max(holding.adj * unit, 0)]
        ends += [points for points in (holding.badness, _other(account, holding)) if isinstance(points, int)]
        if interval is not None and holding.badness != FIRST:
            ends += [int(interval.low[holding.task]), int(interval.high[holding.task])]
        low, high = min(low, *ends), max(high, *ends)
    scale = Scale(max(low, -_BELOW * high), high)
    bars = tuple(_bar(account, holding, scale, interval, unit) for holding in found)
    page = report.system.page_size
    return Chart(
        bars,
        tuple(scale.ticks(lambda pages: size_words(round(pages * page)), nice_steps((1 << 20) / page))),
        _legend(account, bars),
        len(explanation.candidates) - len(shown),
        len(explanation.candidates),
    )


def _shown(account: Account) -> list[int]:
    """The worst candidates; whoever was killed, and whom the other reading gives, are among them."""
    explanation = explained(account)
    candidates = explanation.candidates
    dead = {death.pid for death in account.deaths[:1]}
    must = [explanation.report.chosen, None if account.reading is not None else explanation.other.chosen]
    must += [task for task in candidates if int(explanation.report.system.tasks.pid[task]) in dead]
    extra = [task for task in dict.fromkeys(must) if task in set(candidates) and task not in candidates[:MOST]]
    return [*candidates[: MOST - len(extra)], *extra]


def known_interval(account: Account) -> Interval | None:
    """Between what each task's true badness lies; None where nobody knows."""
    explanation = explained(account)
    if account.reading is None:
        is_read_so = explanation.report.system.rules.percpu_rss and explanation.report.mode == "approximate"
        return explanation.interval if is_read_so else None
    if account.verdict is None or account.verdict.interval is None:
        return None
    report, swap = explanation.report, account.reading.facts.swap
    return badness_interval(report.system, report.points, report.totalpages, has_swap=swap != 0)


def _other(account: Account, holding: Holding) -> int | None:
    """The other reading's badness, where what each CPU holds is known."""
    if account.reading is not None or not explained(account).deltas_known:
        return None
    return holding.other if isinstance(holding.other, int) else None


def _bar(account: Account, holding: Holding, scale: Scale, interval: Interval | None, unit: int) -> Bar:
    explanation = explained(account)
    page = explanation.report.system.page_size

    def size(pages: int) -> str:
        return f"{pages:,} pages ({size_words(pages * page)})"

    weight, at, segments = holding.adj * unit, 0, []
    for kind, pages in holding.parts:
        if pages:
            segments.append(scale.segment(kind, at, at + pages, f"{KIND_WORDS[kind]}: {size(pages)}"))
            at += pages
    if weight > 0:
        segments.append(scale.segment("adj", at, at + weight, f"oom_score_adj {holding.adj} adds {size(weight)}"))
    elif weight < 0:
        title = f"oom_score_adj {holding.adj} takes off {size(-weight)}"
        segments.append(scale.segment("less", at + weight, at, title))
    is_first = holding.badness == FIRST
    points = holding.badness if isinstance(holding.badness, int) else holding.held
    words = f"badness {size(points)}" if not is_first else "marked to be killed first"
    whiskers, mark = None, None
    if interval is not None and not is_first:
        low, high = int(interval.low[holding.task]), int(interval.high[holding.task])
        if LONG_MIN < low < high < LONG_MAX:
            title = f"true badness: {low:,} to {high:,} pages"
            whiskers = Whiskers(scale.x(low), scale.x(high), title)
            words += f"; {title}"
    other = _other(account, holding)
    if other is not None:
        how = "counted precisely" if explanation.other.mode == "precise" else "read approximately"
        mark = Mark(scale.x(other), f"{how}: {other:,} pages")
        words += f"; {mark.title}"
    held = ", ".join(segment.title for segment in segments)
    adj = f", oom_score_adj {holding.adj}" if holding.adj else ""
    return Bar(
        name=printable(holding.comm),
        below=f"pid {holding.pid}{adj}",
        fate=_fate(account, holding),
        is_killed=holding.killed,
        segments=tuple(segments),
        end=scale.x(points),
        whiskers=whiskers,
        mark=mark,
        value="first" if is_first else f"{points:,}",
        size="" if is_first else size_words(points * page),
        words=f"{words}; {held}" if held else words,
    )


def _fate(account: Account, holding: Holding) -> str:
    explanation = explained(account)
    if holding.killed:
        return "killed"
    if account.reading is None:
        if explanation.deltas_known and holding.task == explanation.precise.chosen:
            return "precise choice"
        if len(explanation.possible_victims) > 1 and holding.task in explanation.possible_victims:
            return "could be"
        return ""
    interval = None if account.verdict is None else account.verdict.interval
    return "could be" if interval and holding.pid in {rival.pid for rival in interval.rivals} else ""


def _legend(account: Account, bars: tuple[Bar, ...]) -> tuple[tuple[str, str], ...]:
    used = {segment.kind for bar in bars for segment in bar.segments}
    found = [(kind, words) for kind, words in KIND_WORDS.items() if kind in used]
    found.append(("end", "badness"))
    if any(bar.whiskers for bar in bars):
        found.append(("whiskers", "what the true badness can be, by the global counts alone"))
    if any(bar.mark for bar in bars):
        precise = explained(account).other.mode == "precise"
        found.append(("mark", "counted precisely" if precise else "read approximately"))
    return tuple(found)
