"""The paragraphs of a page: why this one, the arithmetic, and how exact the counters are."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.kernel.badness import LONG_MAX, LONG_MIN
from oomsel.outputs.account import Account
from oomsel.outputs.explain_text import explanation_lines
from oomsel.outputs.page.holdings import knows_badness
from oomsel.outputs.score_terms import score_terms
from oomsel.outputs.sizes import size_words

#: Headings of the text that a page shows in another way, or not at all.
_ELSEWHERE = ("CLOSEST CANDIDATES", "THE MEMORY")
#: Those that are about counters.
_COUNTERS = ("BOTH READINGS", "HOW WRONG THE COUNTERS CAN BE", "HOW WRONG THE COUNTERS ARE")
#: What a page cannot do.
_OPTIONS = " (--all shows all)"


class Block(NamedTuple):
    """Paragraphs, and lines of a table in between as they are."""

    heading: str
    is_of_counters: bool
    parts: tuple[tuple[str, ...], ...]  #: one line: a paragraph; several, or one with blanks before it: a table


class Term(NamedTuple):
    """A term of the sum."""

    sign: str
    pages: str
    size: str
    what: str


class Arithmetic(NamedTuple):
    """How the victim's badness comes about."""

    name: str
    terms: tuple[Term, ...]
    total: Term


def arithmetic(account: Account) -> Arithmetic | None:
    """The sum; None where it is not one of pages, or decides nothing."""
    if account.explanation is None:
        return None
    report = account.explanation.report
    system, task = report.system, report.chosen
    is_kernels = account.event is None or (account.verdict is not None and account.verdict.agrees is True)
    if task is None or system.formula is not None or report.allocating_task or not is_kernels:
        return None
    if not knows_badness(account) or int(report.points[task]) in (LONG_MIN, LONG_MAX):
        return None
    knows_total = account.evidence is None or account.evidence.knows_total
    page = system.page_size
    found = [
        Term("+" if index else "", f"{pages:,}", size_words(pages * page), what)
        for index, (pages, what) in enumerate(score_terms(report, task, knows_total=knows_total))
    ]
    points = int(report.points[task])
    return Arithmetic(
        report.name_of(task), tuple(found), Term("=", f"{points:,}", size_words(points * page), "badness")
    )


def blocks(account: Account, *, has_sum: bool) -> list[Block]:
    """What `explain --scores --counters` says in paragraphs, without what the page shows in another way."""
    if account.explanation is None:
        return []
    lines = explanation_lines(
        account.explanation, evidence=account.evidence, scores=True, counters=account.counters_matter
    )
    found: list[Block] = []
    parts: list[list[str]] = []
    heading = ""

    def close() -> None:
        if heading and heading not in _ELSEWHERE and parts:
            found.append(Block(heading.capitalize(), heading in _COUNTERS, tuple(map(tuple, parts))))

    for index, line in enumerate(lines):
        text = line.replace(_OPTIONS, "")
        if line.isupper() and (index == 0 or not lines[index - 1]):
            close()
            heading, parts = line, []
        elif has_sum and heading == "THE SCORE" and (line.startswith("  ") or line.endswith(":")):
            continue
        elif line.startswith("  ") and parts and parts[-1][0].startswith("  "):
            parts[-1].append(text)
        elif line:
            parts.append([text])
    close()
    return found
