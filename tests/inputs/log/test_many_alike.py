"""A table of many rows that are alike: read in one pass, and said in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

import oomsel
from oomsel.inputs.log import reading
from oomsel.inputs.log.rescore import rescore
from oomsel.outputs.log_choice import LogChoice
from oomsel.outputs.log_verdict import log_verdict

HEAD = """\
a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
"""
END = """\
oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=n5,pid=5,uid=0
Out of memory: Killed process 5 (n5) total-vm:40kB, anon-rss:20kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB \
oom_score_adj:0
"""


def log_of(sizes: list[int]) -> str:
    rows = (f"[{pid:7}]  0  {pid}  10  {size}  {size}  0  0  4096  0  0 n{pid}" for pid, size in enumerate(sizes, 1))
    return HEAD + "".join(f"{row}\n" for row in rows) + END


def sentences_of(text: str) -> tuple[str, ...]:
    scenario = oomsel.loads(text, source="rows.log")
    return log_verdict(LogChoice(scenario.log, oomsel.select(scenario))).sentences


def test_rows_before_the_victim_are_scored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(*args: Any, **options: Any) -> Any:
        calls.append(1)
        return rescore(*args, **options)

    monkeypatch.setattr(reading, "rescore", counted)
    scenario = oomsel.loads(log_of([5] * 300), source="rows.log")
    assert len(calls) == 1
    assert len(scenario.log.skip_reasons) == 295


def test_many_children_are_one_sentence() -> None:
    said = [each for each in sentences_of(log_of([5] * 300)) if "vfork" in each and "kernel says" not in each]
    (only,) = said
    assert only == (
        "pids 300 (n300), 299 (n299), 298 (n298) and 292 more are taken for the victim's children in the middle of"
        " vfork, as their numbers are its own"
    )


@pytest.mark.parametrize(
    ("count", "words"), [(6, "pid 6 (n6) is taken"), (7, "pids 7 (n7) and 6 (n6) are"), (8, "(n8), 7 (n7) and 6 (n6)")]
)
def test_few_are_all_named(count: int, words: str) -> None:
    assert words in "\n".join(sentences_of(log_of([5] * count)))


def test_each_in_order_is_the_winner_without_those_before() -> None:
    event = oomsel.loads(log_of([5, 9, 2, 9, 5, 1, 9]), source="rows.log").log.event
    for version in ((5, 15, 0), (4, 19, 0)):  # the last of equals, the first of equals
        order = [each.row.pid for each in rescore(event, version, 10_000, 4096).by_choice()]
        for index, pid in enumerate(order):
            winner = rescore(event, version, 10_000, 4096, skipped=frozenset(order[:index])).winner
            assert winner is not None
            assert winner.row.pid == pid
