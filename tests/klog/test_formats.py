"""The table of formats: headers as the kernel's sources have them, and number lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.klog.formats import TABLE_4_19, TABLE_6_8, Layout
from oomsel.klog.table import parse_table
from oomsel.text import format_numbers, parse_list

HEADERS = {
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name": TABLE_4_19,
    "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name": (
        TABLE_6_8
    ),
}


@pytest.mark.parametrize(("header", "layout"), HEADERS.items(), ids=["4.19", "6.8"])
def test_headers(header: str, layout: Layout) -> None:
    assert layout.header == header


NUMBERS = st.none() | st.integers(0, 10**12)


@given(
    layout=st.sampled_from([TABLE_4_19, TABLE_6_8]),
    rows=st.lists(
        st.tuples(
            st.integers(1, 1 << 22),
            st.integers(-(2**31), 2**31 - 1),
            st.lists(NUMBERS, min_size=9, max_size=9),
            st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=15),
        ),
        max_size=5,
    ),
)
def test_what_is_written_reads_back(layout: Layout, rows: list[tuple[int, int, list[int | None], str]]) -> None:
    names = [column.name for column in layout.columns]
    written, expected = [layout.header], []
    for pid, uid, numbers, name in rows:
        values = [uid, *numbers][: len(names)]
        written.append(layout.row % (pid, *("?" if value is None else value for value in values), name))
        expected.append((pid, dict(zip(names, values, strict=True)), name))
    assert [(row.pid, row.numbers, row.name) for row in parse_table("\n".join(written))] == expected


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([0], "0"),
        ([0, 1], "0-1"),
        ([3, 1, 2, 8], "1-3,8"),
        ([0, 2, 4], "0,2,4"),
        ([7, 8, 10, 11], "7-8,10-11"),
    ],
)
def test_lists(numbers: list[int], text: str) -> None:
    assert format_numbers(numbers) == text


@given(st.sets(st.integers(0, 8191), min_size=1, max_size=50))
def test_a_list_reads_back(numbers: set[int]) -> None:
    assert parse_list(format_numbers(numbers)) == sorted(numbers)
