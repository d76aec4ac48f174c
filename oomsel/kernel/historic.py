"""oomsel's knowledge of oom_badness() in every release since 2.6: the formula, its terms, and who wins a tie.

`release` has what else 5.4 and later do; of older ones, which only a log can be from, this is all that is known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oomsel.kernel.percpu_counter import Int64s
from oomsel.kernel.release import OLDEST, Release, Version


class Formula(NamedTuple):
    """How one span of releases scores a task."""

    name: str  #: for a person
    columns: tuple[str, ...]  #: the table's columns that count, in pages (pgtables_bytes in bytes)
    unprinted: tuple[str, ...]  #: terms that count and stand in no table of these releases
    scale: str  #: pages, or permille of totalpages; raw where nothing in a report gives the score
    root: str = ""  #: what CAP_SYS_ADMIN takes off: permille (30), adj (30) or percent (3)
    minimum: int | None = 1  #: of a task that may be killed
    last_wins: bool = False  #: whether of equal scores the last one seen is chosen


_RSS = ("rss", "swapents")
_PTES = (*_RSS, "nr_ptes")
_PMDS = (*_PTES, "nr_pmds", "nr_puds")
_BYTES = (*_RSS, "pgtables_bytes")

#: The first release of each formula, the oldest first.
FORMULAS: tuple[tuple[Version, Formula], ...] = (
    ((2, 6), Formula("2.6's", (), ("its children's sizes", "its CPU time", "its run time"), "raw")),
    # a63d83f427fb (v2.6.36): a share of the memory that the allocation could use.
    ((2, 6, 36), Formula("2.6.36's", ("rss",), ("its swap",), "permille", "permille")),
    # Linux 2.6.39 counts page tables, which the table shows since 3.6.
    ((2, 6, 39), Formula("2.6.39's", ("rss",), ("its swap", "its page tables"), "permille", "permille")),
    # Linux 3.5: pages, so that small tasks are told apart.
    ((3, 5), Formula("3.5's", _PTES, (), "pages", "adj")),
    # 778c14affaf9 (v3.14): root gets 3 percent of what it uses, not of everything.
    ((3, 14), Formula("3.14's", _PTES, (), "pages", "percent")),
    # dc6c9a35b66b (v4.0) counts PMD tables, af5b0f6a09e4 (v4.15) bytes of all levels.
    ((4, 0), Formula("4.0's", _PMDS, (), "pages", "percent")),
    ((4, 15), Formula("4.15's", _BYTES, (), "pages", "percent")),
    # d46078b28889 (v4.17) takes root's bonus away, bbbe48029720 (v5.1) the sacrifice of a child.
    ((4, 17), Formula("4.17's", _BYTES, (), "pages")),
    ((5, 1), Formula("5.1's", _BYTES, (), "pages")),
    # Linux 5.3: an equal score replaces the choice.
    ((5, 3), Formula("5.3's", _BYTES, (), "pages", last_wins=True)),
)
#: Of the releases that `Rules.signed_badness` names: scores may be negative.
SIGNED = Formula("5.9's", _BYTES, (), "pages", minimum=None, last_wins=True)


def formula_of(version: Version) -> Formula:
    """The formula of a release, by (major, minor, patch)."""
    if version >= OLDEST and Release(*(*version, 0)[:3]).rules.signed_badness:
        return SIGNED
    found = FORMULAS[0][1]
    for since, formula in FORMULAS:
        if version >= since:
            found = formula
    return found


def historic_badness(
    formula: Formula, pages: Int64s | int, adj: Int64s | int, totalpages: int, *, is_root: npt.NDArray[np.bool_] | bool
) -> Int64s:
    """The scores of tasks that hold `pages` and may be killed, by a formula whose terms are all known; int64[task].

    >>> int(historic_badness(formula_of((3, 13, 0)), 398810 + 788, 0, 434726, is_root=False))
    399598
    """
    root = np.asarray(is_root, np.int64)
    if formula.scale == "raw":
        # oom_adj, which oom_score_adj stands for, is a shift.
        shift = np.where(np.asarray(adj) == 1000, 15, np.rint(np.asarray(adj) * 17 / 1000).astype(np.int64))
        return np.where(shift > 0, np.maximum(pages, 1) << np.maximum(shift, 0), pages >> np.maximum(-shift, 0))
    if formula.scale == "permille":
        return np.clip(np.asarray(pages * 1000 // max(totalpages, 1) - 30 * root + adj), 1, 1000)
    if formula.root == "percent":
        pages = pages - root * (pages * 3 // 100)
    if formula.root == "adj":
        adj = adj - 30 * root
    points = np.asarray(pages + adj * (totalpages // 1000))
    return points if formula.minimum is None else np.maximum(points, formula.minimum)
