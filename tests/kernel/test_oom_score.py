"""oom_score as /proc shows it, against the formulas worked out by hand, and the total that it leaves."""

from __future__ import annotations

from fractions import Fraction
from math import trunc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.kernel.oom_score import proc_oom_score, scaled, totalpages_from
from oomsel.kernel.release import parse_release
from tests.support import report_of

RULES = {name: parse_release(name).rules for name in ("5.4.143", "5.8", "5.4.144", "5.9", "6.18", "7.0")}


def by_hand(badness: int, total: int, *, signed: bool) -> int:
    permille = trunc(Fraction(badness * 1000, total))
    return trunc(Fraction((1000 + permille) * 2, 3)) if signed else permille


@given(total=st.integers(1000, 1 << 40), share=st.fractions(-1, 2), name=st.sampled_from(sorted(RULES)))
def test_divisions_cut_towards_0(total: int, share: Fraction, name: str) -> None:
    badness = trunc(total * share)
    expected = by_hand(badness, total, signed=name not in ("5.4.143", "5.8"))
    assert scaled(np.array([badness]), total, RULES[name]).tolist() == [expected]


@given(total=st.integers(1000, 1 << 40), share=st.fractions(0, 1), name=st.sampled_from(sorted(RULES)))
def test_the_range_of_totals_is_exact(total: int, share: Fraction, name: str) -> None:
    badness, rules = trunc(total * share), RULES[name]
    score = int(scaled(np.array([badness]), total, rules)[0])
    least, most = totalpages_from(badness, score, rules)
    assert least <= total
    assert most is None or total <= most
    for inside in (least, most):
        assert inside is None or scaled(np.array([badness]), inside, rules).tolist() == [score]
    for outside in (least - 1, most + 1 if most is not None else 0):
        assert outside < 1 or scaled(np.array([badness]), outside, rules).tolist() != [score]


BODY = """
machine: {cpus: 1, ram: 9000, swap: 1000}
memcgs: {/g: {max: 100}}
oom: {memcg: /g}
tasks:
- {pid: 1, comm: init, rss: {anon: 5000}}
- {pid: 2, comm: kthreadd, flags: [kthread]}
- {pid: 10, comm: plain, memcg: /g, rss: {anon: {count: 4000, deltas: {0: 30}}, swap: 1000}, pgtables_bytes: 409600}
- {pid: 11, comm: outside, oom_score_adj: -500}
- {pid: 12, comm: never, oom_score_adj: -1000, rss: {anon: 5000}}
- {pid: 13, comm: vforker, mm: v, rss: {anon: 30}}
- {pid: 14, comm: child, mm: v, flags: [vfork]}
- {pid: 15, comm: skip, flags: [oom_skip], rss: {anon: 5000}}
- {pid: 16, comm: gone, flags: [zombie]}
- {pid: 17, comm: origin, flags: [oom_origin]}
"""


@pytest.mark.parametrize(
    ("kernel", "mode", "plain"), [("6.18", "approximate", 1006), ("7.0", "precise", 1008), ("5.8", "approximate", 513)]
)
def test_it_is_against_all_memory_whatever_the_oom_is_of(kernel: str, mode: str, plain: int) -> None:
    report = report_of(BODY, mode, kernel=kernel)
    scores = dict(zip(report.system.tasks.pid.tolist(), proc_oom_score(report.system, report.counters), strict=True))
    none, half = (0, 0) if kernel == "5.8" else (666, 333)
    shared = 3 if kernel == "5.8" else 668
    assert scores == {1: 0, 2: 0, 10: plain, 11: half, 12: 0, 13: shared, 14: 0, 15: 0, 16: 0, 17: none}
