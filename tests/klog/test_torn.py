"""Lines broken, cut, turned around or mixed: put right where it is certain, told where it is not."""

from __future__ import annotations

import pytest

from oomsel.klog.event import OomEvent
from tests.klog.test_prefix import events
from tests.klog.wrapping import entries

LINES = [entry.stamped for entry in entries("03-memcg.log")]
START = next(at for at, line in enumerate(LINES) if "invoked" in line)
END = next(at for at, line in enumerate(LINES) if "Killed process" in line)
REPORT = LINES[START : END + 1]
ROWS = [line for line in REPORT if line.count("   ") > 3 and "] [" in line and "pid" not in line]


def _events(lines: list[str]) -> list[OomEvent]:
    return events("".join(f"{line}\n" for line in lines).encode())


@pytest.mark.parametrize("mark", ["", ">", "...", "…"])
@pytest.mark.parametrize("width", [70, 80, 100])
def test_cut_lines_are_told_and_their_rows_counted(width: int, mark: str) -> None:
    (whole,) = _events(REPORT)
    cut = [line if len(line) <= width else line[: width - len(mark)] + mark for line in REPORT]
    (event,) = _events(cut)
    assert (event.invoked, event.first_line, event.memcg.memory) == (None, 1, whole.memcg.memory)
    lost = f"lines are cut at column {len(cut[-1].encode())}: {len(whole.rows)} rows lack their end"
    assert lost in list(event.missing())
    assert [row.pid for row in event.cut_rows] == [row.pid for row in whole.rows]
    for row, full in zip(event.cut_rows, whole.rows, strict=True):
        assert row.numbers.items() <= full.numbers.items()
        assert row.name == ""


def test_nothing_is_cut_where_lines_only_end_alike() -> None:
    (event,) = _events(REPORT)
    assert (event.cut_rows, event.cut_lines, event.is_complete) == ([], [], True)


@pytest.mark.parametrize("width", [72, 76, 80, 90, 132])
def test_hard_wrapped_lines_are_joined(width: int) -> None:
    pieces = [line[at : at + width] for line in REPORT for at in range(0, len(line), width)]
    (whole,) = _events(REPORT)
    (event,) = _events(pieces)
    assert [row[1:] for row in event.rows] == [row[1:] for row in whole.rows]
    assert list(event.missing()) == []


def test_what_only_follows_is_not_joined() -> None:
    """A daemon's line without a prefix amid the table is no part of the row before it."""
    at = REPORT.index(ROWS[1])
    (event,) = _events([*REPORT[: at + 1], "foo: started", *REPORT[at + 1 :]])
    (whole,) = _events(REPORT)
    assert [row.name for row in event.rows] == [row.name for row in whole.rows]


def test_hosts_in_one_file_are_kept_apart() -> None:
    def of(host: str, pid: int) -> list[str]:
        return [f"Aug 12 03:54:01 {host} kernel: {line.replace(str(whole.kills[0].pid), str(pid))}" for line in REPORT]

    (whole,) = _events(REPORT)
    pairs = zip(of("node7", 7001), of("node8", 8001), strict=True)
    one, other = _events([line for pair in pairs for line in pair])
    assert (one.host, one.kills[0].pid, other.host, other.kills[0].pid) == ("node7", 7001, "node8", 8001)
    assert one.is_complete
    assert other.is_complete


def test_a_log_printed_newest_first_is_told() -> None:
    (event,) = _events(REPORT[::-1])
    (whole,) = _events(REPORT)
    assert [row[1:] for row in event.rows] == [row[1:] for row in whole.rows]
    assert event.remarks == ["the log is printed newest first; it is read from its end"]
    assert whole.remarks == []


def test_two_reports_mixed_line_by_line_are_told() -> None:
    twice = [line for line in REPORT for line in (line, line.replace("] [", "] [ "))]
    assert any("two reports are mixed" in text for event in _events(twice) for text in event.missing())


def test_a_number_of_many_digits_is_a_loss() -> None:
    at = next(at for at, line in enumerate(REPORT) if "memory: usage" in line)
    lines = [*REPORT[:at], REPORT[at].replace("limit ", "limit " + "9" * 5000), *REPORT[at + 1 :]]
    (event,) = _events(lines)
    assert list(event.missing()) == [f"a line with a number that no kernel prints, line {at + 1}"]


def test_an_identifier_of_many_digits_is_none() -> None:
    path = "/kubepods/" + "1234567890" * 4
    lines = [line.replace("oom_memcg=/app", f"oom_memcg={path}") for line in REPORT]
    (event,) = _events(lines)
    assert event.summary is not None
    assert event.summary.oom_memcg == path


def test_reports_that_follow_each_other_are_told_apart_newest_first() -> None:
    found = _events([*_earlier(REPORT), *REPORT][::-1])
    assert [(event.is_complete, len(event.rows)) for event in found] == [(True, len(_events(REPORT)[0].rows))] * 2


def _earlier(lines: list[str]) -> list[str]:
    return [line.replace("[   2", "[   1", 1) for line in lines]


@pytest.mark.parametrize("offset", [0, 1, 8])
def test_two_reports_without_callers_are_said_to_be_mixed(offset: int) -> None:
    other = [line.replace("filler", "feeder") for line in REPORT]
    mixed = [*REPORT[:offset], *(line for pair in zip(REPORT[offset:], other, strict=False) for line in pair)]
    found = _events(mixed)
    assert any("two are mixed" in what for event in found for what in event.missing())
    (event,) = (event for event in found if event.mixed_line is not None)
    # Nobody knows who invoked which, nor whose the usage is.
    assert (event.invoked, event.current, event.calls, event.memcg.usage) == (None, None, [], None)


def test_rows_of_two_tables_that_are_mixed_are_nobodys() -> None:
    twice = [line for line in REPORT for line in (line, line.replace("] [", "] [ "))]
    assert all(not event.rows for event in _events(twice) if event.mixed_tables)
