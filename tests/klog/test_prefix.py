"""Whatever a logger puts around the kernel's text, the report says the same."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pytest

from oomsel.inputs.source import source_of
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogReader
from tests.real_logs import Record, records

Lines = list[bytes]
BOOT = datetime(2026, 8, 12, 3, 54, 3)


def _seconds(record: Record) -> bytes:
    return b"[%5d.%06d] " % divmod(record.usec, 1_000_000)


def _date(record: Record, form: str) -> bytes:
    return (BOOT + timedelta(microseconds=record.usec)).strftime(form).encode()


def _escaped(text: bytes) -> bytes:
    """As util-linux's dmesg writes what it cannot print; newlines are left to whoever calls."""
    return re.sub(rb"[\x00-\x09\x0b-\x1f\x7f]", lambda match: b"\\x%02x" % match[0][0], text)


def _indented(prefix: Callable[[Record], bytes]) -> Callable[[list[Record]], Lines]:
    """dmesg's and journalctl's way with a newline: the rest is indented by the width of the prefix."""

    def write(found: list[Record]) -> Lines:
        return [
            prefix(record) + _escaped(record.text).replace(b"\n", b"\n" + b" " * len(prefix(record)))
            for record in found
        ]

    return write


def _repeated(prefix: Callable[[Record], bytes]) -> Callable[[list[Record]], Lines]:
    """The console's way: the same time stamp again."""

    def write(found: list[Record]) -> Lines:
        return [prefix(record) + record.text.replace(b"\n", b"\n" + prefix(record)) for record in found]

    return write


def _quoted(mark: bytes) -> Callable[[list[Record]], Lines]:
    def write(found: list[Record]) -> Lines:
        return [mark + line for entry in _indented(_seconds)(found) for line in entry.split(b"\n")]

    return write


def _kmsg(found: list[Record]) -> Lines:
    def escaped(text: bytes) -> bytes:
        return re.sub(rb"[^ -~]|\\", lambda match: b"\\x%02x" % match[0][0], text)

    return [
        b"6,%d,%d,-;%s\n SUBSYSTEM=x" % (number, record.usec, escaped(record.text))
        for number, record in enumerate(found, 7)
    ]


def _rsyslog(found: list[Record]) -> Lines:
    def octal(text: bytes) -> bytes:
        return re.sub(rb"[\x00-\x1f\x7f]", lambda match: b"#%03o" % match[0][0], text)

    # Mem-Info's lines are one record to the kernel, by which rsyslog's escapes are told from a name's own.
    joined: list[Record] = []
    for record in found:
        if record.text.startswith(b" ") and joined and b"isolated_anon" in joined[-1].text:
            joined[-1] = joined[-1]._replace(text=joined[-1].text + b"\n" + record.text)
        else:
            joined.append(record)
    return [b"Aug 12 03:54:03 web-1 kernel: " + _seconds(record) + octal(record.text) for record in joined]


def _text_of(record: Record) -> str:
    return record.text.decode("utf-8", "surrogateescape")


def _journal_json(found: list[Record]) -> Lines:
    def entry(record: Record) -> dict[str, object]:
        try:
            message: object = record.text.decode()
        except UnicodeDecodeError:
            message = list(record.text)
        if any(byte < 32 for byte in record.text):
            message = list(record.text)
        return {
            "__CURSOR": "s=1",
            "_TRANSPORT": "kernel",
            "MESSAGE": message,
            "_SOURCE_MONOTONIC_TIMESTAMP": str(record.usec),
        }

    return [json.dumps(entry(record)).encode() for record in found]


def _export(found: list[Record]) -> Lines:
    lines = []
    for record in found:
        lines.append(b"__CURSOR=s=1\n__MONOTONIC_TIMESTAMP=%d\n_TRANSPORT=kernel" % record.usec)
        if any(byte < 32 for byte in record.text):
            lines.append(b"MESSAGE\n" + len(record.text).to_bytes(8, "little") + record.text)
        else:
            lines.append(b"MESSAGE=" + record.text)
        lines.append(b"")
    return lines


def _dmesg_json(found: list[Record]) -> Lines:
    def quoted(record: Record) -> bytes:
        text = record.text.decode("utf-8", "surrogateescape")
        shown = "".join(char if char < "\udc80" else f"\\x{ord(char) - 0xDC00:02x}" for char in text)
        return json.dumps(shown, ensure_ascii=False).encode()

    lines = [b"{", b'   "dmesg": [', b"      {"]
    for number, record in enumerate(found):
        lines += [b"      },{"] * bool(number)
        lines += [
            b'         "pri": 6,',
            b'         "time": %5d.%06d,' % divmod(record.usec, 1_000_000),
            b'         "msg": ' + quoted(record),
        ]
    return [*lines, b"      }", b"   ]", b"}"]


def _coloured(found: list[Record]) -> Lines:
    return [
        b"\x1b[32m"
        + _seconds(record)
        + b"\x1b[0m\x1b[33m"
        + _escaped(record.text).replace(b"\n", b"\n" + b" " * 15)
        + b"\x1b[0m"
        for record in found
    ]


def _interleaved(found: list[Record]) -> Lines:
    """Other CPUs' lines between all of the report's, and a row of another report among them."""
    lines = []
    for number, record in enumerate(found):
        lines.append(_seconds(record).rstrip() + b"[  T398] " + record.text.replace(b"\n", b"\n" + b" " * 23))
        lines.append(_seconds(record).rstrip() + b"[    C3] usb 1-1: new high-speed USB device number %d" % number)
    return lines


FORMS: dict[str, Callable[[list[Record]], Lines]] = {
    "console": _repeated(_seconds),
    "dmesg": _indented(_seconds),
    "dmesg -T": _indented(lambda record: _date(record, "[Di Aug %d %H:%M:%S %Y] ")),
    "dmesg -T in Japanese": _indented(lambda _: "[火  8月 12 03:54:03 2026] ".encode()),
    "dmesg -T in French": _indented(lambda _: "[mar. août 12 03:54:03 2026] ".encode()),
    "dmesg --time-format=iso": _indented(lambda record: _date(record, "%Y-%m-%dT%H:%M:%S,%f+02:00 ")),
    "dmesg -x": _indented(lambda record: b"kern  :warn  : " + _seconds(record)),
    "dmesg -d": _indented(lambda record: _seconds(record)[:-2] + b" <    0.000012>] "),
    "dmesg -r": _repeated(lambda record: b"<4>" + _seconds(record)),
    "dmesg --json": _dmesg_json,
    "dmesg in colours": _coloured,
    "/dev/kmsg": _kmsg,
    "/dev/kmsg, printk caller": lambda found: [line.replace(b",-;", b",-,caller=T398;", 1) for line in _kmsg(found)],
    "journalctl short": _indented(lambda record: _date(record, "Aug %d %H:%M:%S web-1 kernel: ")),
    "journalctl short-precise": _indented(lambda record: _date(record, "Aug %d %H:%M:%S.%f web-1 kernel: ")),
    "journalctl short-iso": _indented(lambda record: _date(record, "%Y-%m-%dT%H:%M:%S+0200 web-1 kernel: ")),
    "journalctl short-full": _indented(lambda record: _date(record, "Wed %Y-%m-%d %H:%M:%S CEST web-1 kernel: ")),
    "journalctl short-monotonic": _indented(lambda record: _seconds(record) + b"web-1 kernel: "),
    "journalctl short-unix": _indented(lambda record: b"1754963643.%06d web-1 kernel: " % (record.usec % 1_000_000)),
    "journalctl -o json": _journal_json,
    "journalctl -o export": _export,
    "rsyslog": _rsyslog,
    "rsyslog, ISO": _indented(
        lambda record: _date(record, "%Y-%m-%dT%H:%M:%S.%f+02:00 web-1 kernel: ") + _seconds(record)
    ),
    "RFC 5424": _indented(
        lambda record: _date(record, "<4>1 %Y-%m-%dT%H:%M:%S.%fZ web-1 kernel - - - ") + _seconds(record)
    ),
    "a tag without a host": _repeated(lambda record: b"kernel: " + _seconds(record)),
    "printk caller": _repeated(lambda record: _seconds(record).rstrip() + b"[  T398] "),
    "quoted in a mail": _quoted(b"> "),
    "quoted thrice": _quoted(b">> > "),
    "interleaved": _interleaved,
    "unknown prefix": _repeated(lambda record: b"node-7 | " + _seconds(record)),
}


def events(raw: bytes) -> list[OomEvent]:
    return list(LogReader(source_of(raw)).events())


def shown(found: Iterable[OomEvent]) -> list[object]:
    """What the reports say, without where."""
    return [
        (
            event.index,
            event.invoked and event.invoked[1:],
            event.current and event.current[1:],
            [(row.pid, row.name, row.numbers) for row in event.rows],
            event.summary and event.summary[1:],
            [kill[1:] for kill in event.kills],
            event.group and event.group[1],
            (
                event.meminfo.ram,
                event.meminfo.reserved,
                event.meminfo.total_swap_kb,
                event.memcg.memory,
                event.memcg.memsw,
            ),
            [zone.sizes for zone in event.meminfo.zones],
            list(event.missing()),
        )
        for event in found
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["08-odd-comms.log", "04-memcg-group-leaf.log", "10-cpuset.log", "12-61-global.log"])
def test_every_form_says_the_same(form: str, name: str) -> None:
    found = records(name)
    if form == "unknown prefix" and name == "08-odd-comms.log":
        pytest.skip("without a known prefix a name's newline cannot be told from a line's end")
    plain = events(b"\n".join(_indented(_seconds)(found)) + b"\n")
    assert all(event.is_complete for event in plain) or name == "08-odd-comms.log"
    assert shown(events(b"\n".join(FORMS[form](found)) + b"\n")) == shown(plain)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["08-odd-comms.log", "10-cpuset.log"])
def test_every_line_is_counted_where_it_stands(form: str, name: str) -> None:
    raw = b"\n".join(FORMS[form](records(name))) + b"\n"
    lines = raw.split(b"\n")
    found = events(raw)
    assert found
    for event in found:
        said = [(row.line, b"[%7d]" % row.pid) for row in event.rows]
        said += [(kill.line, b"Killed process %d (" % kill.pid) for kill in event.kills]
        assert len(said) > 4
        for number, text in said:
            # journalctl's JSON writes what is not printable as a list of bytes.
            assert text in lines[number - 1] or str(list(text))[1:-1].encode() in lines[number - 1]


@pytest.mark.parametrize(
    "form",
    [
        "console",
        "dmesg -x",
        "dmesg -d",
        "dmesg --json",
        "dmesg in colours",
        "/dev/kmsg",
        "journalctl short-monotonic",
        "journalctl -o json",
        "journalctl -o export",
        "a tag without a host",
        "printk caller",
        "quoted thrice",
    ],
)
def test_the_time_of_a_report_is_the_kernels(form: str) -> None:
    (event,) = events(b"\n".join(FORMS[form](records("10-cpuset.log"))) + b"\n")
    assert event.stamp == "11.867681"


@pytest.mark.parametrize(("key", "end"), [("log", "\n"), ("message", "")])
def test_what_ships_logs_as_json_has_dates_of_its_own(key: str, end: str) -> None:
    found = records("10-cpuset.log")
    date = "2026-08-12T03:54:03.123Z"
    lines = [json.dumps({key: _text_of(record) + end, "stream": "stdout", "time": date}) for record in found]
    shipped = events("\n".join(lines).encode())
    assert shown(shipped) == shown(events(b"\n".join(_indented(_seconds)(found))))
    assert shipped[0].stamp == date


def test_what_follows_an_export_is_read_as_what_it_is() -> None:
    found = records("10-cpuset.log")
    one, two = events(b"\n".join([*_export(found), *_indented(_seconds)(found)]))
    one.index = two.index
    assert shown([one]) == shown([two])


@pytest.mark.parametrize("form", ["printk caller", "/dev/kmsg, printk caller"])
def test_who_printed_is_kept(form: str) -> None:
    (event,) = events(b"\n".join(FORMS[form](records("10-cpuset.log"))))
    assert event.caller == "T398"


def test_carriage_returns_of_a_serial_console() -> None:
    raw = b"\n".join(_repeated(_seconds)(records("04-memcg-group-leaf.log"))) + b"\n"
    assert shown(events(raw.replace(b"\n", b"\r\n"))) == shown(events(raw))
    assert shown(events(raw.replace(b"\n", b"\r\r\n"))) == shown(events(raw))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_by_content(compress: Callable[[bytes], bytes]) -> None:
    raw = b"\n".join(_repeated(_seconds)(records("10-cpuset.log"))) + b"\n"
    assert shown(events(compress(raw))) == shown(events(raw))


def test_lines_of_other_programs_are_not_the_kernels() -> None:
    found = records("04-memcg-group-leaf.log")
    lines = [_date(record, "Aug %d %H:%M:%S web-1 kernel: ") + record.text for record in found]
    quoting = [b"Aug 12 03:54:03 web-1 monitor[77]: " + record.text for record in found]
    mixed = [line for pair in zip(lines, quoting, strict=True) for line in pair]
    ours = [event for event in events(b"\n".join(mixed)) if event.tag == "kernel"]
    assert [row.pid for row in ours[0].rows] == [row.pid for row in events(b"\n".join(lines))[0].rows]


def test_octal_in_a_name_stays_where_nothing_shows_rsyslogs_hand() -> None:
    table = (
        b"[  100.000000] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
        b"[  100.000001] [     77]     0    77      100       10    40960        0             0 job#012\n"
    )
    (event,) = events(table)
    assert event.rows[0].name == "job#012"
