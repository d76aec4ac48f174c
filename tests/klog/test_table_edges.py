"""What stands at the table's edges and between its rows: taken in, noted or passed over."""

from __future__ import annotations

import pytest

from oomsel.klog.event import OomEvent
from tests.klog.test_prefix import events
from tests.real_logs import LOGS

LINES = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")[:76]
HEADER = next(number for number, line in enumerate(LINES) if b"[  pid  ]" in line)
SUMMARY = next(number for number, line in enumerate(LINES) if b"oom-kill:" in line)
ROW = HEADER + 3
STAMP = LINES[ROW][:15]
UNSTAMPED = [line[15:] for line in LINES]
PIDS = [int(line[16:23]) for line in LINES[HEADER + 1 : SUMMARY]]


def _event(lines: list[bytes]) -> OomEvent:
    (event,) = events(b"\n".join(lines) + b"\n")
    return event


def _moved(lines: list[bytes], which: int, to: int) -> list[bytes]:
    rest = [*lines[:which], *lines[which + 1 :]]
    return [*rest[:to], lines[which], *rest[to:]]


def _with(line: bytes) -> OomEvent:
    """The report with a line more in its table."""
    return _event([*LINES[: ROW + 1], line, *LINES[ROW + 1 :]])


def _instead(line: bytes) -> OomEvent:
    """The report with a line instead of one of its rows."""
    return _event([*LINES[:ROW], line, *LINES[ROW + 1 :]])


@pytest.mark.parametrize("lines", [LINES, UNSTAMPED], ids=["stamped", "bare"])
@pytest.mark.parametrize(("which", "to"), [(HEADER + 1, HEADER), (SUMMARY - 1, SUMMARY)])
def test_a_row_that_changed_places_with_its_neighbour_is_one(lines: list[bytes], which: int, to: int) -> None:
    event = _event(_moved(lines, which, to))
    assert [row.pid for row in event.rows] == PIDS
    assert list(event.missing()) == []


@pytest.mark.parametrize("lines", [LINES, UNSTAMPED], ids=["stamped", "bare"])
def test_a_row_whose_place_nobody_knows_is_missed(lines: list[bytes]) -> None:
    event = _event(_moved(lines, ROW, HEADER - 3))
    assert list(event.missing()) == [f"a row before the table's header, line {HEADER - 2}"]
    event = _event(_moved(lines, ROW, len(lines) - 1))
    assert list(event.missing()) == [f"a row after the report's end, line {len(lines)}"]


@pytest.mark.parametrize(
    "end",
    [b"[", b"[    19", b"[    193]", b"[    193] ", b"[    193]  1000 ", b"[    193]  1000   193 ", b""],
)
def test_a_row_torn_anywhere_is_damage(end: bytes) -> None:
    assert _instead(STAMP + end).damaged == [ROW + 1]
    if end:
        lines = [*UNSTAMPED[:ROW], end, *UNSTAMPED[ROW + 1 :]]
        assert _event(lines).damaged == [ROW + 1]


def test_every_beginning_of_a_row_is_damage_or_the_row() -> None:
    row = LINES[ROW]
    for size in range(1, len(row)):
        event = _instead(row[:size])
        assert not event.is_complete or event.rows[2].numbers["oom_score_adj"] == 0, row[:size]
        assert not event.is_complete or event.rows[2].name == row[size - len(event.rows[2].name) : size].decode()


def test_an_end_of_a_row_is_damage() -> None:
    row = LINES[ROW]
    for start in range(len(STAMP) + 1, row.index(b"  151552")):
        assert not _instead(STAMP + row[start:]).is_complete, row[start:]
    assert not _instead(STAMP + row[-40:]).is_complete


def test_a_row_without_the_blank_before_its_name_may_lack_digits() -> None:
    cut = LINES[ROW].rstrip(b"java").rstrip()
    assert _instead(cut).damaged == [ROW + 1]
    assert _instead(cut + b" ").rows[2].name == ""


@pytest.mark.parametrize(
    "text",
    [
        b"[UFW BLOCK] IN=eth0 OUT= MAC=52:54 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TTL=64 ID=4333 SPT=44444 DPT=80 URGP=0 ",
        b"IN=eth0 OUT= MAC= SRC=10.0.0.1 LEN=60 TOS=0x00 TTL=64 ID=4333 PROTO=UDP SPT=44444 DPT=80 LEN=40",
        b'audit: type=1400 audit(1700000000.123:456): apparmor="DENIED" pid=12 fsuid=0 ouid=0 a=1 b=2 c=3',
        b"EXT4-fs (sda1): warning: checktime reached, 1 2 3",
        b"Code: 89 45 00 11 22 33 44 48 89",
        b"lowmem_reserve[]: 0 437 437 437 437",
    ],
)
def test_other_lines_of_the_kernels_are_no_rows(text: bytes) -> None:
    assert _with(STAMP + text).is_complete


def test_a_line_without_its_loggers_prefix_is_a_loss() -> None:
    prefix = b"Mar  1 12:00:14 web-1 kernel: "
    lines = [prefix + line for line in LINES]
    lines[ROW] = lines[ROW][:9]
    assert list(_event(lines).missing()) == [f"a line that has lost its beginning, line {ROW + 1}"]


def _boot(cpus: int) -> list[bytes]:
    return [b"[    0.100000] setup_percpu: NR_CPUS:8192 nr_cpumask_bits:%d nr_cpu_ids:%d nr_node_ids:1" % (cpus, cpus)]


def test_more_resident_than_mapped_cannot_be() -> None:
    # java: total_vm 244302, rss 13092; on 8 CPUs three counters err by 744 pages at most.
    def rss(cpus: int | None, pages: bytes) -> list[int]:
        boot = _boot(cpus) if cpus else []
        lines = [*LINES[:ROW], LINES[ROW].replace(b"   13092", b"%8s" % pages), *LINES[ROW + 1 :]]
        return [line - len(boot) for line in _event([*boot, *lines]).damaged]

    assert rss(8, b"13092") == rss(8, b"245046") == rss(8, b"489000") == []
    assert rss(8, b"489400") == rss(None, b"500000000") == [ROW + 1]
    assert rss(None, b"489400") == rss(4096, b"489400") == []
