"""A report in a sentence: the outcome, what a kill frees, whether two modes agree."""

from __future__ import annotations

from typing import NamedTuple

from oomsel import text
from oomsel.kernel.badness import get_mm_rss
from oomsel.kernel.event import OomReport, Outcome
from oomsel.kernel.percpu_counter import Int64s
from oomsel.text import number_of

#: What CAP_SYS_ADMIN took off a score, by `Formula.root`.
ROOT_BONUS = {"permille": "30 thousandths", "adj": "30 of its oom_score_adj", "percent": "3 percent of its pages"}
#: Why the kernel prints nothing.
SILENCE = {
    Outcome.CURRENT_DYING: "the allocating task is dying already, so nobody is killed for it",
    Outcome.NO_FS: "the allocation may not enter the filesystem (no __GFP_FS), so nobody is killed for it",
    Outcome.VICTIM_IN_FLIGHT: "an earlier victim is still exiting, so the scan is abandoned",
    Outcome.CHOSEN_DYING: "the chosen task is dying already, so it is not killed again",
}


def freed_pages(report: OomReport, counters: Int64s) -> int:
    """RSS in pages of all that the event kills, each mm once; `counters` are the report's or the precise ones."""
    mms = sorted({int(report.system.tasks.mm[task]) for task in report.killed})
    return int(get_mm_rss(counters[mms]).sum()) if mms else 0


def is_same_choice(one: OomReport, other: OomReport) -> bool:
    """Whether two runs end the same way, with the same victim."""
    return (one.outcome, one.chosen) == (other.outcome, other.chosen)


def outcome_phrase(report: OomReport) -> str:
    """What happens, to follow a mode's name: `kills 247 (over)`."""
    if report.outcome is Outcome.KILLED and report.chosen is not None:
        others = len(report.killed) - 1
        more = f" and {others} more" if others else ""
        return f"kills {report.name_of(report.chosen)}{more}"
    if report.outcome is Outcome.CHOSEN_DYING and report.chosen is not None:
        return f"chooses {report.name_of(report.chosen)}, dying already"
    if report.outcome is Outcome.PANIC_ON_OOM or report.panics:
        return "panics"
    return "kills nobody"


def mebibytes(report: OomReport, pages: int) -> str:
    """`44.8 MiB`."""
    return text.mebibytes(pages * report.system.page_size)


def pages_and_mebibytes(report: OomReport, pages: int) -> str:
    """`11459 pages (44.8 MiB)`."""
    return f"{number_of(pages, 'page')} ({mebibytes(report, pages)})"


class Comparison(NamedTuple):
    """An approximate and a precise run of one event."""

    agree: bool  #: both end the same way, with the same victim
    cost: int  #: pages that the precise choice truly frees more than the approximate one
    sentence: str


def compare(approximate: OomReport, precise: OomReport) -> Comparison:
    """Whether reading the counters approximately changes who dies, and what that costs."""
    agree = is_same_choice(approximate, precise)
    truly = [freed_pages(report, report.precise) for report in (approximate, precise)]
    claimed = freed_pages(approximate, approximate.counters)
    cost = truly[1] - truly[0]
    if agree:
        sentence = f"Both modes agree: each {outcome_phrase(precise)}"
        off = truly[0] - claimed
        if precise.outcome is Outcome.KILLED and off:
            way = "more" if off > 0 else "fewer"
            sentence += f", which frees {pages_and_mebibytes(precise, abs(off))} {way} than the approximate report says"
    else:
        sentence = f"The modes disagree: approximate {_with_freed(approximate)}, precise {_with_freed(precise)}"
        if approximate.killed and precise.killed and cost:
            way = "less" if cost > 0 else "more"
            sentence += f"; the approximate choice frees {pages_and_mebibytes(precise, abs(cost))} {way}"
    return Comparison(agree, cost, sentence + ".")


def _with_freed(report: OomReport) -> str:
    phrase = outcome_phrase(report)
    if not report.killed:
        return phrase
    return f"{phrase} and truly frees {pages_and_mebibytes(report, freed_pages(report, report.precise))}"
