"""How far off each process's approximate RSS is, and whether that can change the victim."""

from __future__ import annotations

import pytest

from oomsel.outputs.counter_error import counter_error_lines
from oomsel.outputs.explain import explain
from tests.support import report_of


def lines(body: str, most: int | None = 5) -> list[str]:
    return list(counter_error_lines(explain(report_of(body), report_of(body, "precise"), "approximate"), most))


def tasks(*counts: tuple[int, int]) -> str:
    rows = (
        f"- {{pid: {10 + index}, comm: t{index}, rss: {{anon: {{count: {count}, deltas: {{0: {held}}}}}}}}}\n"
        for index, (count, held) in enumerate(counts)
    )
    return "tasks:\n" + "".join(rows)


def test_the_largest_first() -> None:
    assert lines(tasks((1000, 3), (500, -31), (80, 0), (90, 12)), 2) == [
        "The approximate RSS of 3 of 4 processes is off, by up to 31 pages (0.1 MiB):",
        "  pid  name  approximate  precise  error   MiB",
        "   11  t1            500      469    +31  +0.1",
        "   13  t3             90      102    -12  -0.0",
        "  and 1 more (--all shows all)",
        (
            "That does not change the victim now: 10 (t0) leads by 534 pages (2.1 MiB), and no two errors are more than"
            " 43 pages (0.2 MiB) of badness apart, so they cannot change it."
        ),
    ]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (tasks((1000, 0), (990, 31)), "That changes the victim: an approximate read kills 10 (t0), a precise one"),
        (tasks((1000, 0), (990, -3), (10, 20)), "of badness apart, so errors of this size can change it."),
        (tasks((1000, 5)), "That does not change the outcome."),
        ("sysctl: {panic_on_oom: 2}\n" + tasks((1000, 5), (900, 3)), "That does not change the outcome."),
        (
            "tasks: [{pid: 10, comm: a, rss: {anon: 5, swap: {count: 9, deltas: {0: 1}}}}, {pid: 11, comm: b}]",
            "Every process's approximate RSS is what it truly is: only counts of swap differ.",
        ),
    ],
)  # fmt: skip
def test_sentences(body: str, sentence: str) -> None:
    assert sentence in "\n".join(lines(body))


def test_a_shared_mm_is_counted_once() -> None:
    shared = "- {pid: 10, comm: a, mm: m, rss: {anon: {count: 50, deltas: {0: 4}}}}\n- {pid: 11, comm: b, mm: m}\n"
    assert lines(f"tasks:\n{shared}- {{pid: 12, comm: z, flags: [zombie]}}\n")[0] == (
        "The approximate RSS of 1 of 1 processes is off, by up to 4 pages (0.0 MiB):"
    )
