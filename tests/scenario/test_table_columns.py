"""A long table read at once says what it says row by row, and leaves what is odd to the reading by rows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import oomsel
from oomsel.errors import InputError
from oomsel.scenario import load
from oomsel.scenario.columns import TaskColumns
from oomsel.scenario.table_columns import columns_of_table

HEADER = (
    "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name"
)
ROWS = [
    "[      1]     0     1     4000     1000      700      300         0    49152        0         -1000 systemd",
    "[    190]    -2   190     9678     8966     7779      163      1024   114688        9             0 web (front) ,",
    "[    192]   113   192    15431    14141     6230      163      7748   155648        0          -500 ",
    "[4194304] 65534 4194304 999999999999999    1    -5        0 999999999999999 4611686018427 0  1000 exactly15bytes.",
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
    after = ["oom-kill:constraint=CONSTRAINT_NONE,task=a,pid=1,uid=0", "Out of memory: Killed process 1 (a)"]
    at_once, by_row = both_ways(monkeypatch, scenario(table(*ROWS, after=after), rest), *overrides)
    assert isinstance(at_once, oomsel.Scenario)
    assert isinstance(by_row, oomsel.Scenario)
    assert isinstance(at_once.tasks, TaskColumns)
    assert isinstance(by_row.tasks, tuple)
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
    ],
)
def test_errors_have_the_places_of_rows(monkeypatch: pytest.MonkeyPatch, rest: str) -> None:
    at_once, by_row = both_ways(monkeypatch, scenario(table(*ROWS), rest))
    assert isinstance(at_once, str)
    assert at_once == by_row
