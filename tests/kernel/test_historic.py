"""oom_badness() by release, with numbers worked out by hand from each formula."""

from __future__ import annotations

import pytest

from oomsel.kernel.historic import formula_of, historic_badness
from oomsel.kernel.release import Version
from oomsel.klog.table import Row, oom_score_adj


@pytest.mark.parametrize(
    ("version", "pages", "adj", "total", "root", "score"),
    [
        ((2, 6, 36), 5000, 0, 100_000, False, 50),
        ((2, 6, 36), 5000, 0, 100_000, True, 20),
        ((2, 6, 39), 5000, -100, 100_000, False, 1),
        ((3, 0), 200_000, 0, 100_000, False, 1000),
        ((3, 10, 0), 5000, 0, 100_000, True, 2000),
        ((3, 10, 0), 5000, -50, 100_000, False, 1),
        ((3, 14, 0), 5000, 0, 100_000, True, 4850),
        ((4, 16, 9), 5000, 10, 100_999, True, 5850),
        ((4, 17, 0), 5000, 0, 100_000, True, 5000),
        ((5, 4, 143), 100, -500, 4_096_000, False, 1),
        ((5, 4, 144), 100, -500, 4_096_000, False, 100 - 2_048_000),
        ((5, 8, 0), 100, -500, 4_096_000, False, 1),
        ((5, 9, 0), 100, -1, 4_096_000, False, -3996),
        ((6, 12, 0), 400, 500, 999, False, 400),
    ],
)
def test_scores(version: Version, pages: int, adj: int, total: int, root: bool, score: int) -> None:
    assert historic_badness(formula_of(version), pages, adj, total, is_root=root) == score


@pytest.mark.parametrize(("version", "last"), [((4, 20), False), ((5, 2, 21), False), ((5, 3), True), ((6, 1), True)])
def test_who_wins_a_tie(version: Version, last: bool) -> None:
    assert formula_of(version).last_wins is last


def test_before_2_6_36_nothing_in_a_report_gives_the_score() -> None:
    assert formula_of((2, 6, 32)).scale == "raw"


@pytest.mark.parametrize(("oom_adj", "points"), [(15, 100 << 15), (1, 200), (0, 100), (-1, 50), (-16, 0)])
def test_until_2_6_35_oom_adj_shifts(oom_adj: int, points: int) -> None:
    row = Row(0, 1, {"oom_adj": oom_adj}, "a")
    assert historic_badness(formula_of((2, 6, 32)), 100, oom_score_adj(row), 1000, is_root=False) == points
