"""A long table read at once says what it says row by row, and leaves what is odd to the reading by rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import oomsel
from oomsel.errors import InputError
from oomsel.inputs import load
from oomsel.inputs.table_columns import columns_of_table
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_SWAPENTS
from oomsel.klog.formats import TABLE_6_8
from oomsel.klog.table import Row, parse_table
from oomsel.scenario.columns import TaskColumns

HEADER = (
    "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name"
)
ROWS = [
    "[      1]     0     1     4000     1000      700      300         0    49152        0         -1000 systemd",
    "[    190]    -2   190     9678     8966     7779      163      1024   114688        9             0 web (front) ,",
    "[    192]   113   192    15431    14141     6230      163      7748   155648        0          -500 ",
    "[4194304] 65534 4194304 999999999999999 999999999999994 -5 0 999999999999999 4611686018427 0 1000 exactly15bytes.",
]


def table(*rows: str, after: Sequence[str] = ()) -> str:
    return "\n".join(["Tasks state (memory values in pages):", HEADER, *rows, *after, ""])


def scenario(text: str, rest: str = "") -> str:
    block = "".join(f"  {line}\n" for line in text.split("\n"))
    return f"oomsel: 1\nmachine: {{cpus: 0-3, ram: 16TiB}}\ntasks: |\n{block}{rest}"


def both_ways(monkeypatch: pytest.MonkeyPatch, text: str, *overrides: str) -> list[object]:
    """What reading at once and reading by rows make of it: a scenario, or what is said of it."""
    found: list[object] = []
    for limit in (0, 1 << 30):
        monkeypatch.setattr(load, "LONG_TABLE", limit)
        try:
            found.append(oomsel.loads(text, overrides=overrides))
        except InputError as error:
            found.append(str(error))
    return found


MORE = """more:
  190: {rss: {anon: {deltas: {0: -30, 3: 30}}}, flags: [exiting]}
  192: {mm: A, thread: {pid: 193, comm: live}}
oom: {current: 193}
updates: [{cpu: 2, pid: 192, anon: 31, repeat: 2}]
"""


@pytest.mark.parametrize("rest", ["", MORE, "kernel: 6.1\n"])
@pytest.mark.parametrize("overrides", [(), ("tasks[190].oom_score_adj=5",), ("tasks[systemd].uid=7",)])
def test_at_once_and_row_by_row_say_the_same(
    monkeypatch: pytest.MonkeyPatch, rest: str, overrides: tuple[str, ...]
) -> None:
    after = ["", "  ", "oom-kill:constraint=CONSTRAINT_NONE,task=a,pid=1,uid=0", "Out of memory: Killed process 1 (a)"]
    text = "cat invoked oom-killer: gfp_mask=0x0\n" + table(*ROWS, after=after)
    assert columns_of_table(text, (0, 1, 2, 3)) is not None
    at_once, by_row = both_ways(monkeypatch, scenario(text, rest), *overrides)
    assert isinstance(at_once, oomsel.Scenario)
    assert isinstance(by_row, oomsel.Scenario)
    assert at_once == by_row
    for mode in ("approximate", "precise"):
        assert oomsel.kernel_lines(oomsel.select(at_once, mode)) == oomsel.kernel_lines(oomsel.select(by_row, mode))


@pytest.mark.parametrize(
    "odd",
    [
        ROWS[1],  # a pid twice
        ROWS[2].replace("192]", "193]"),  # a thread that outlived its leader
        ROWS[1].replace("190", "191").replace("web (front)", "web [front]"),
        ROWS[1].replace("190", "191").replace("web (front)", "web\\x1b"),
        ROWS[1].replace("190", "191").replace("web (front)", "wéb"),
        ROWS[1].replace("190", "191").replace("    0 web", "    0 a much too long name web"),
        ROWS[1].replace("190", "191").replace("    0 web", " 1001 web"),
        ROWS[1].replace("190", "191").replace("  8966", "     ?"),
        ROWS[1].replace("190", "191") + "\r",
        ROWS[3].replace("4194304", "5").replace("999999999999999", "2251799813685247"),
        "[   12.5] " + ROWS[1].replace("190", "191"),
        HEADER,
    ],
)
def test_what_is_odd_is_read_by_rows(monkeypatch: pytest.MonkeyPatch, odd: str) -> None:
    text = table(*ROWS, odd)
    assert columns_of_table(text, (0, 1)) is None
    at_once, by_row = both_ways(monkeypatch, scenario(text))
    assert at_once == by_row


@pytest.mark.parametrize("text", ["", HEADER, "no header\n" + ROWS[0], table(), f"{ROWS[0]}\n{table(ROWS[1])}"])
def test_what_is_no_whole_table_is_read_by_rows(text: str) -> None:
    assert columns_of_table(text, (0, 1)) is None


@pytest.mark.parametrize(
    "rest",
    [
        "oom: {current: 8}\n",
        "more: {190: {uidd: 1}}\n",
        "more: {8: {uid: 1}}\n",
        "more: {190: {flags: [kthread]}}\n",
        "more: {190: {flags: [zombie]}}\n",
        "more: {190: {rss: {total: 5}}}\n",
        "more: {190: {thread: {pid: 192}}}\n",
        "more: {190: {mm: [1]}, 192: {mm: [1]}}\n",
    ],
)
def test_errors_have_the_places_of_rows(monkeypatch: pytest.MonkeyPatch, rest: str) -> None:
    at_once, by_row = both_ways(monkeypatch, scenario(table(*ROWS), rest))
    assert isinstance(at_once, str)
    assert at_once == by_row


blanks = st.integers(1, 20).map(" ".__mul__)
numbers = st.integers(0, 14).flatmap(lambda digits: st.integers(0, 10**digits - 1))
adjs, uids = st.integers(-1000, 1000), st.integers(-2, 1 << 31)
rows = st.tuples(st.lists(blanks, min_size=12, max_size=12), st.lists(numbers, min_size=7, max_size=7), uids, adjs)
names = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="[]"), max_size=16)
noise = st.sampled_from(("", "  ", "a line between", "Out of memory: Killed process 1 (a)"))


@given(st.lists(st.tuples(rows, names, noise), min_size=1, max_size=12), st.integers(0, 3))
def test_rows_of_any_shape_are_read_as_they_stand(
    lines: list[tuple[tuple[list[str], list[int], int, int], str, str]], shapes: int
) -> None:
    text = [HEADER]
    for pid, ((between, values, uid, adj), name, other) in enumerate(lines, 1):
        total_vm, _, *parts = values  # rss is what its three parts come to
        said = (uid, pid, total_vm, sum(parts[:3]), *parts, adj)
        cells = "".join(f"{b}{number}" for b, number in zip(between[2:], said, strict=True))
        text += [f"{between[1][1:]}[{between[0]}{pid}]{cells} {name}", other]
    whole = "\n".join(text)
    with patch("oomsel.inputs.table_columns._MAX_SHAPES", shapes):
        columns, strays = columns_of_table(whole, (0, 1)) or (None, None)
    by_row = list(parse_table(whole))
    if columns is None:
        assert any(len(row.name) > 15 or "\\" in row.name for row in by_row)
        return
    assert_same(columns, by_row)
    assert strays == [number for number, line in enumerate(text) if "[" not in line and not line.isspace() and line]


def damaged(pages: int) -> Iterator[str]:
    """Three rows of one shape with the middle one's every character replaced, or exchanged with the next."""
    numbers = [pages, 3 * pages, *[pages] * 5]
    rows = [TABLE_6_8.row % (pid, -2, pid, *numbers, 0, name) for pid, name in ((1, "a"), (2, "b c"), (3, ""))]
    first, row, last = (f"  {row}" for row in rows)
    middles = [row.replace("]", "7") + "]", row.replace("[", " ") + "[", row + 13 * "7"]
    for place, char in enumerate(row):
        middles += [row[:place] + other + row[place + 1 :] for other in " 07-[]:\\\0?\xe9\udc80"]
        middles.append(row[:place] + row[place + 1 : place + 2] + char + row[place + 2 :])
        middles.append(row[:place])
    for middle in middles:
        yield "\n".join((HEADER, first, middle, last))


@pytest.mark.parametrize("pages", [7, 12345678])
def test_a_damaged_row_is_not_taken_for_another(pages: int) -> None:
    whole = 0
    for text in damaged(pages):
        columns, _ = columns_of_table(text, (0, 1)) or (None, None)
        if columns is not None:
            assert_same(columns, list(parse_table(text)))
            whole += 1
    assert whole > 100  # digits for digits, and the like


def test_rows_of_one_shape_are_read_as_one_by_one() -> None:
    rows = [TABLE_6_8.row % (pid, -2, pid, pid, 3 * pid, *[pid] * 5, -pid, "x" * pid) for pid in range(1, 16)]
    text = "\n".join((HEADER, *rows))
    found = columns_of_table(text, (0, 1))
    assert found is not None
    assert_same(found[0], list(parse_table(text)))


def test_a_number_is_not_cut_where_its_column_is_wide() -> None:
    wide = ROWS[1].replace("     9678", f"{9678:30}")
    text = "\n".join((HEADER, wide, wide.replace("190", "191").replace(f"{9678:30}", f"{10**16:30}")))
    assert columns_of_table(text, (0, 1)) is None


def assert_same(columns: TaskColumns, by_row: list[Row]) -> None:
    assert columns.comm.tolist() == [row.name.encode() for row in by_row]
    for column, found in (
        ("tgid", columns.pid),
        ("total_vm", columns.total_vm),
        ("pgtables_bytes", columns.pgtables_bytes),
        ("oom_score_adj", columns.oom_score_adj),
        ("rss_anon", columns.counts[:, MM_ANONPAGES]),
        ("swapents", columns.counts[:, MM_SWAPENTS]),
    ):
        assert found.tolist() == [row.numbers[column] for row in by_row]
