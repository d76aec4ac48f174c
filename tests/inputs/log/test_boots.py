"""A log of several boots: each report has the machine of its own, wherever the next begins."""

from __future__ import annotations

import json

import pytest

from oomsel.inputs.log.options import LogOptions
from oomsel.inputs.log.pick import pick
from oomsel.inputs.source import source_of
from oomsel.klog import lines
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogReader
from tests.real_logs import LOGS

REPORT = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")[:76]
_TABLE = next(number for number, line in enumerate(REPORT) if b"total_vm" in line and b"[  pid" in line)
NOISE = b"[    1.000000] usb 1-1: new high-speed USB device in the room, number %d"


def _boot(cpus: int, *, banner: bool = True) -> list[bytes]:
    return [
        *[b"[    0.000000] Linux version 6.12.117 (x@y) #1"] * banner,
        *(NOISE % number for number in range(40)),
        b"[    0.100000] setup_percpu: NR_CPUS:8192 nr_cpumask_bits:%d nr_cpu_ids:%d nr_node_ids:1" % (cpus, cpus),
        b"[    0.200000] smp: Brought up 1 node, %d CPUs" % cpus,
        *(NOISE % number for number in range(40)),
        b"[    1.000000] Adding %dk swap on /dev/vda2.  Priority:-2 extents:1" % (cpus * 1024),
    ]


def _raw(*parts: list[bytes], prefix: bytes = b"") -> bytes:
    return b"".join(prefix + line + b"\n" for part in parts for line in part)


def _events(raw: bytes) -> list[OomEvent]:
    return list(LogReader(source_of(raw)).events())


def _cpus(raw: bytes, event: int) -> tuple[int | None, int | None]:
    context = pick(source_of(raw), "log", LogOptions(event=event)).context
    return context.online_cpus and context.online_cpus[0], context.total_swap_kb and context.total_swap_kb[0]


@pytest.mark.parametrize("prefix", [b"", b"Mar  1 12:00:00 web-1 kernel: "])
@pytest.mark.parametrize("first", [REPORT, REPORT[: _TABLE + 5], REPORT[:3]], ids=["whole", "cut", "begun"])
def test_a_boot_ends_the_report_before_it(first: list[bytes], prefix: bytes) -> None:
    raw = _raw(_boot(2), first, _boot(128), REPORT, prefix=prefix)
    assert len(_events(raw)) == 2
    assert _cpus(raw, 1)[0] == 2
    assert _cpus(raw, 2)[0] == 128


def test_a_boot_without_its_banner_is_one_by_its_cpus() -> None:
    raw = _raw(_boot(2), REPORT, _boot(128, banner=False), REPORT)
    assert [_cpus(raw, 1)[0], _cpus(raw, 2)[0]] == [2, 128]
    context = pick(source_of(_raw(_boot(2), REPORT, _boot(128, banner=False), REPORT)), "log", LogOptions()).context
    assert context.killed == {}


def test_the_cpus_of_a_later_boot_are_not_this_ones() -> None:
    raw = _raw(REPORT, _boot(128), [b"[    9.000000] usb 1-1: new"] * 40)
    assert pick(source_of(raw), "log", LogOptions()).context.online_cpus is None
    later = [line for line in _boot(8) if b"Linux version" not in line]
    context = pick(source_of(_raw(REPORT, later)), "log", LogOptions(last=True)).context
    assert context.online_cpus is not None
    assert context.online_cpus[0] == 8


def test_swap_that_is_added_while_a_report_is_open_is_counted() -> None:
    without_swap = [line for line in REPORT if b"swap" not in line or b"swapents" in line]
    raw = _raw(_boot(2), without_swap[:5], _boot(4)[-1:], without_swap[5:])
    assert _cpus(raw, 1) == (2, 6 * 1024)


def test_a_kill_of_the_next_boot_does_not_end_this_one() -> None:
    raw = _raw(REPORT[: _TABLE + 5], _boot(2), REPORT[-1:])
    one, other = _events(raw)
    assert "no end, with the kill line" in one.missing()
    assert list(other.missing()) == ["nothing but the kill line"]


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "SMALL", 4096)
    monkeypatch.setattr(lines, "CHUNK", 8000)
    monkeypatch.setattr(lines, "KEPT", 3000)


@pytest.mark.usefixtures("_small_chunks")
@pytest.mark.parametrize("before", range(150, 300, 17))
def test_deep_in_a_big_log_a_boot_is_seen(before: int) -> None:
    noise = [NOISE % number for number in range(before)]
    raw = _raw(_boot(2), noise, _boot(128), noise, REPORT, noise)
    assert _cpus(raw, 1)[0] == 128
    (event,) = _events(raw)
    assert event.first_line == 2 * len(_boot(2)) + 2 * before + 1


@pytest.mark.usefixtures("_small_chunks")
@pytest.mark.parametrize("separator", [b",", b", "])
def test_deep_in_a_big_log_a_report_in_numbers_is_seen(separator: bytes) -> None:
    def entry(line: bytes) -> bytes:
        numbers = json.dumps(list(line[15:]), separators=(separator.decode(), ":")).encode()
        return b'{"MESSAGE":%s,"SYSLOG_IDENTIFIER":"kernel"}' % numbers

    noise = [NOISE % number for number in range(150)]
    raw = _raw([*map(entry, noise)], [*map(entry, REPORT)], [*map(entry, noise)])
    (event,) = _events(raw)
    assert (event.first_line, len(event.rows)) == (151, 16)


@pytest.mark.usefixtures("_small_chunks")
def test_deep_in_a_big_log_old_kill_lines_are_seen() -> None:
    noise = [NOISE % number for number in range(300)]
    kill = [b"[   14.0] Killed process 200 (batch) total-vm:3312kB, anon-rss:2048kB, file-rss:652kB"]
    table = [line.replace(b"Out of memory: ", b"") for line in REPORT[_TABLE:] if b"oom-kill:" not in line]
    raw = _raw(noise, table, noise, kill, noise)
    assert [(event.first_line, len(event.rows)) for event in _events(raw)] == [(301, 16), (601 + len(table), 0)]
