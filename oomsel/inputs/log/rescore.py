"""The choice made again from a report's table alone, under the rules of the release that printed it."""

from __future__ import annotations

import re
from typing import NamedTuple

from oomsel.kernel.historic import Formula, formula_of, historic_badness
from oomsel.kernel.release import Version
from oomsel.klog.event import OomEvent
from oomsel.klog.report_lines import row_name
from oomsel.klog.table import KNOWN_COLUMNS, Row, oom_score_adj, page_table_bytes, rss_parts

_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,6}))?")


class Candidate(NamedTuple):
    """A row that could be chosen."""

    row: Row
    pages: int  #: what its badness counts besides oom_score_adj
    adj: int
    is_root: bool
    score: int

    @property
    def process(self) -> int:
        """The process's pid."""
        return self.row.numbers.get("tgid") or self.row.pid

    @property
    def label(self) -> tuple[int, bytes]:
        """The row's pid and name."""
        return self.row.pid, row_name(self.row)


class Rescore(NamedTuple):
    """The candidates of a table, and the one that wins."""

    formula: Formula
    candidates: tuple[Candidate, ...]
    winner: Candidate | None
    unknown_columns: tuple[str, ...]  #: of the table, counted by nobody
    missing_columns: tuple[str, ...]  #: that count and are not in the table

    def by_choice(self) -> list[Candidate]:
        """The candidates in the order in which they would be chosen: each is the winner without those before it."""
        in_order = reversed(self.candidates) if self.formula.last_wins else self.candidates
        return sorted(in_order, key=lambda candidate: -candidate.score)  # stable: of equals the first

    def of(self, pid: int) -> Candidate | None:
        """The candidate with that pid or tgid."""
        exact = (candidate for candidate in self.candidates if candidate.row.pid == pid)
        process = (candidate for candidate in self.candidates if candidate.process == pid)
        return next(exact, None) or next(process, None)


def version_of(release: str | None) -> Version | None:
    """(major, minor, patch) of a release of any age; None for what is no release."""
    match = _VERSION.match(release or "")
    if match is None:
        return None
    return int(match[1]), int(match[2]), int(match[3] or 0)


def effective_version(event: OomEvent, version: Version | None) -> Version:
    """The release whose rules go with what the report prints: distributions carry newer code under old numbers."""
    kill = event.kills[0] if event.kills else None
    columns = event.columns
    if "rss_anon" in columns:
        return max(version or (6, 8, 0), (5, 9, 0))
    if version is None:
        if kill is not None and kill.pgtables is not None:
            return (5, 15, 0)
        newest = {
            "pgtables_bytes": (4, 19, 0),
            "nr_pmds": (4, 14, 0),
            "nr_ptes": (3, 16, 0),
            "oom_score_adj": (3, 2, 0),
        }
        return next((since for column, since in newest.items() if column in columns), (2, 6, 32))
    if version < (5, 4) and kill is not None and kill.pgtables is not None:
        return (5, 4, 0)
    if version < (2, 6, 36) and "oom_score_adj" in columns:
        return (2, 6, 36)
    return version


def rescore(
    event: OomEvent, version: Version, totalpages: int, page_size: int, *, skipped: frozenset[int] = frozenset()
) -> Rescore:
    """Score every row that may be killed; `skipped` are pids that the kernel skips."""
    formula = formula_of(version)
    candidates = []
    for row in event.rows:
        adj = oom_score_adj(row)
        if adj == -1000 or row.pid in skipped or row.numbers.get("oom_adj") == -17:
            continue
        pages = sum(rss_parts(row).values()) + (row.numbers.get("swapents") or 0)
        if "rss" not in formula.columns:
            pages = row.numbers["total_vm"] or 0
        elif formula.scale == "pages":
            pages += page_table_bytes(row, page_size) // page_size
        is_root = row.numbers["uid"] == 0
        score = int(historic_badness(formula, pages, adj, totalpages, is_root=is_root))
        candidates.append(Candidate(row, pages, adj, is_root, score))
    winner: Candidate | None = None
    for candidate in candidates:
        if winner is None or candidate.score > winner.score - formula.last_wins:
            winner = candidate
    have = set(event.columns)
    tables = {"nr_ptes", "nr_pmds", "nr_puds", "pgtables_bytes"}
    counted = set(formula.columns)
    if have & tables:
        counted -= tables
    return Rescore(
        formula,
        tuple(candidates),
        winner,
        tuple(name for name in event.columns if name not in KNOWN_COLUMNS),
        tuple(sorted(counted - have)) if event.columns else (),
    )
