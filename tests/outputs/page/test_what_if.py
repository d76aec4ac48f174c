"""The terms that a page holds for its sliders lead to what `--set` leads to, in every real kernel's scenario."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import pytest

import oomsel
from oomsel.outputs.page import what_if
from oomsel.outputs.page.what_if import ALLOCATING_ONLY, IS_DYING, ORIGIN, ROOT, what_if_data, why_not
from tests.outputs.page.pages import EXAMPLES, LOGS, REAL, account, name_of
from tests.outputs.page.tries import Try, by_set, tries


def points(data: dict[str, Any], task: list[Any], adj: int, mode: int) -> float:
    """A score, as the page's script adds it up; written anew, so that the data are tried without a browser."""
    pages, bits = task[3 + mode], task[5]
    is_root = bool(bits & ROOT)
    if bits & ORIGIN:
        return inf
    if data["scale"] == "permille":
        share = pages * 1000 // max(data["totalpages"], 1)
        return float(min(max(share - 30 * (is_root and data["root"] != "") + adj, 1), 1000))
    if data["root"] == "percent":
        pages -= is_root * (pages * 3 // 100)
    if data["root"] == "adj":
        adj -= 30 * is_root
    total = pages + adj * (data["totalpages"] // 1000)
    return float(total if data["minimum"] is None else max(total, data["minimum"]))


def choose(data: dict[str, Any], one: Try) -> tuple[str, int | None]:
    """Who is chosen, by the data alone."""
    best, most, mode = None, -inf, data["modes"].index(one.mode)
    for task in data["tasks"]:
        adj = one.adj if task[0] == one.pid else task[2]
        if task[0] == data["allocating"] and adj != -1000:
            return ("dying" if task[5] & IS_DYING else "allocating"), task[0]
        if task[5] & ALLOCATING_ONLY or (adj == -1000 and not task[5] & ORIGIN):
            continue
        score = points(data, task, adj, mode)
        if best is None or score > most or (score == most and data["last_wins"]):
            best, most = task, score
    if best is None:
        return ("panic" if data["panics"] else "nobody"), None
    return ("dying" if best[5] & IS_DYING else "killed"), best[0]


@pytest.mark.parametrize("path", REAL + EXAMPLES + LOGS, ids=name_of)
def test_the_terms_lead_to_the_same_choice(path: Path) -> None:
    found = account(oomsel.load(path))
    reason = why_not(found)
    if reason is not None:
        assert reason in {*what_if._FIXED.values()} or "table" in reason or "the log" in reason
        return
    data = what_if_data(found)
    for one in tries(path, data):
        assert choose(data, one) == (one.ending, one.chosen), one


def test_most_events_can_be_tried() -> None:
    assert sum(why_not(account(oomsel.load(path))) is None for path in REAL) > 0.8 * len(REAL)


@pytest.mark.parametrize("name", ["real-contest.yaml", "dmesg.log", "tie.yaml", "cgroup.yaml"])
def test_set_leads_to_the_same_choice(name: str) -> None:
    path = next(path for path in EXAMPLES if path.name == name)
    data = what_if_data(account(oomsel.load(path)))
    for one in tries(path, data)[::3]:
        if one.mode == data["modes"][0]:
            assert by_set(path, one) == (one.ending, one.chosen), one


def test_what_an_old_release_scores_by_is_in_the_data() -> None:
    log = (
        "[ 1.0] a invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0\n"
        "[ 1.0] CPU: 0 PID: 2 Comm: a Not tainted 3.10.0 #1\n"
        "[ 1.0] Mem-Info:\n[ 1.0] 262144 pages RAM\n[ 1.0] 0 pages reserved\n"
        "[ 1.0] Free swap  = 0kB\n[ 1.0] Total swap = 0kB\n"
        "[ 1.0] [ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
        "[ 1.0] [    2]     0     2     9000     8000      10        0             0 a\n"
        "[ 1.0] [    3]  1000     3     9000     7900      10        0             0 b\n"
        "[ 1.0] Out of memory: Kill process 3 (b) score 30 or sacrifice child\n"
        "[ 1.0] Killed process 3 (b) total-vm:36000kB, anon-rss:31600kB, file-rss:0kB\n"
    )
    found = account(oomsel.loads(log))
    assert why_not(found) is None
    data = what_if_data(found)
    assert data["root"] in ("adj", "percent")
    assert data["last_wins"] is False
    assert choose(data, Try(3, -1000, data["modes"][0], "", None)) == ("killed", 2)
