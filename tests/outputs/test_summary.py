"""Whether two modes agree, and what it costs, in a sentence."""

from __future__ import annotations

import pytest

from oomsel.outputs.summary import compare
from tests.support import report_of

SENTENCES = {
    "agreed, nothing off": (
        "tasks: [{pid: 10, comm: a, rss: {anon: 5}}]",
        (True, 0, "Both modes agree: each kills 10 (a)."),
    ),
    "agreed, more than said": (
        "tasks: [{pid: 10, comm: a, rss: {anon: {count: 5, deltas: {0: 1}}}}]",
        (
            True,
            0,
            (
                "Both modes agree: each kills 10 (a), which frees 1 page (0.0 MiB) more than the approximate "
                "report says."
            ),
        ),
    ),
    "agreed, fewer than said": (
        "tasks: [{pid: 10, comm: a, rss: {anon: {count: 500, deltas: {0: -31, 1: -31}}}}]",
        (
            True,
            0,
            (
                "Both modes agree: each kills 10 (a), which frees 62 pages (0.2 MiB) fewer than the "
                "approximate report says."
            ),
        ),
    ),
    "agreed, with others": (
        (
            "memcgs: {/g: {oom_group: true}}\n"
            "tasks: [{pid: 10, comm: a, rss: {anon: 5}, memcg: /g}, {pid: 11, comm: b, memcg: /g}, {pid: 12, comm: c}]"
        ),
        (True, 0, "Both modes agree: each kills 10 (a) and 1 more."),
    ),
    "a shared mm is freed once": (
        "tasks: [{pid: 10, comm: a, mm: X, rss: {anon: {count: 500, deltas: {0: -31}}}}, {pid: 11, comm: b, mm: X}]",
        (
            True,
            0,
            (
                "Both modes agree: each kills 11 (b) and 1 more, which frees 31 pages (0.1 MiB) fewer than the "
                "approximate report says."
            ),
        ),
    ),
    "disagreed": (
        (
            "tasks: [{pid: 10, comm: a, rss: {anon: {count: 2000, deltas: {0: -31}}}},"
            " {pid: 11, comm: b, rss: {anon: {count: 1990, deltas: {0: 31}}}}]"
        ),
        (
            False,
            52,
            (
                "The modes disagree: approximate kills 10 (a) and truly frees 1969 pages (7.7 MiB), precise kills 11 "
                "(b) and truly frees 2021 pages (7.9 MiB); the approximate choice frees 52 pages (0.2 MiB) less."
            ),
        ),
    ),
    "disagreed, and the approximate choice frees more": (
        (
            "tasks: [{pid: 10, comm: a, rss: {anon: {count: 2000, deltas: {0: -31}}}},"
            " {pid: 11, comm: b, rss: {anon: {count: 900, deltas: {0: 31}}, swap: 1095}}]"
        ),
        (
            False,
            -1038,
            (
                "The modes disagree: approximate kills 10 (a) and truly frees 1969 pages (7.7 MiB), precise kills 11 "
                "(b) and truly frees 931 pages (3.6 MiB); the approximate choice frees 1038 pages (4.1 MiB) more."
            ),
        ),
    ),
    "one of the two finds the chosen one dying": (
        (
            "tasks: [{pid: 10, comm: a, rss: {anon: {count: 64, deltas: {0: -31}}}},"
            " {pid: 11, comm: b, rss: {anon: {count: 32, deltas: {0: 31}}}, flags: [exiting]}]"
        ),
        (
            False,
            -33,
            (
                "The modes disagree: approximate kills 10 (a) and truly frees 33 pages (0.1 MiB), "
                "precise chooses 11 (b), dying already."
            ),
        ),
    ),
    "a panic": (
        "sysctl: {panic_on_oom: 1}\ntasks: [{pid: 10, comm: a}]",
        (True, 0, "Both modes agree: each panics."),
    ),
    "a deadlock": (
        "tasks: [{pid: 10, comm: a, oom_score_adj: -1000}]",
        (True, 0, "Both modes agree: each panics."),
    ),
    "nobody": (
        "oom: {order: -1}\ntasks: [{pid: 10, comm: a, oom_score_adj: -1000}]",
        (True, 0, "Both modes agree: each kills nobody."),
    ),
    "64K pages": (
        (
            "machine: {cpus: 4, ram: 99, page_size: 65536}\n"
            "tasks: [{pid: 10, comm: a, rss: {anon: {count: 48, deltas: {0: 16}}}}]"
        ),
        (
            True,
            0,
            (
                "Both modes agree: each kills 10 (a), which frees 16 pages (1.0 MiB) more than the approximate "
                "report says."
            ),
        ),
    ),
    "a hostile name": (
        r"tasks: [{pid: 10, comm: '\x1b[2J'}]",
        (True, 0, r"Both modes agree: each kills 10 (\x1b[2J)."),
    ),
}


@pytest.mark.parametrize(("body", "comparison"), SENTENCES.values(), ids=SENTENCES)
def test_sentences(body: str, comparison: tuple[bool, int, str]) -> None:
    assert tuple(compare(report_of(body), report_of(body, "precise"))) == comparison


def test_the_reports_own_name_for_its_victim() -> None:
    assert str(report_of("tasks: [{pid: 10, comm: lead, thread: {pid: 11, comm: live}}]").victim) == "10 (lead)"
    assert report_of("sysctl: {panic_on_oom: 1}\ntasks: [{pid: 10, comm: a}]").victim is None
