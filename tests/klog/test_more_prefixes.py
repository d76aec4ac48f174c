"""Containers' logs, addresses for hosts, more structured data, journalctl -o verbose: the report says the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.klog.test_prefix import events, shown
from tests.real_logs import Record, records

BOOT = datetime(2026, 3, 1, 12)


def _seconds(record: Record) -> bytes:
    return b"[%5d.%06d] " % divmod(record.usec, 1_000_000)


def _date(record: Record, form: str) -> bytes:
    return (BOOT + timedelta(microseconds=record.usec)).strftime(form).encode()


def _prefixed(form: str) -> Callable[[Record], bytes]:
    def line(record: Record) -> bytes:
        prefix = _date(record, form) + _seconds(record)
        return prefix + record.text.replace(b"\n", b"\n" + b" " * len(prefix))

    return line


def _cri_of_journalctl(record: Record) -> bytes:
    outer = _date(record, "%Y-%m-%dT%H:%M:%S.%fZ stdout F ")
    inner = _date(record, "%b %d %H:%M:%S web-1 kernel: ")
    return outer + inner + record.text.replace(b"\n", b"\n" + outer + b" " * len(inner))


def _plain(record: Record) -> bytes:
    return _seconds(record) + record.text.replace(b"\n", b"\n" + b" " * 15)


def _console(form: str) -> Callable[[Record], bytes]:
    """What a container prints that follows the console: the stamp again where a name breaks the line."""

    def line(record: Record) -> bytes:
        prefix = _date(record, form) + _seconds(record)
        return prefix + record.text.replace(b"\n", b"\n" + prefix)

    return line


def _docker(record: Record) -> bytes:
    texts = [_seconds(record).decode() + text for text in record.text.decode("utf-8", "surrogateescape").split("\n")]
    return b"\n".join(
        json.dumps({"log": f"{text}\n", "stream": "stdout", "time": "2026-03-01T12:00:00.000000000Z"}).encode()
        for text in texts
    )


def _verbose(record: Record) -> bytes:
    head = _date(record, "Sun %Y-%m-%d %H:%M:%S.%f CET [s=0f3c;i=2;b=3a;m=4b;t=5;x=6]\n    _TRANSPORT=kernel\n")
    text = record.text.replace(b"\n", b"\n" + b" " * len("    MESSAGE="))
    return head + b"    PRIORITY=4\n    MESSAGE=" + text + b"\n    _SOURCE_MONOTONIC_TIMESTAMP=%d" % record.usec


FORMS = {
    "CRI": _console("%Y-%m-%dT%H:%M:%S.%f000Z stderr F "),
    "CRI with a zone": _console("%Y-%m-%dT%H:%M:%S.%f000+01:00 stdout F "),
    "CRI around journalctl": _cri_of_journalctl,
    "docker's json-file": _docker,
    "syslog of an IPv6 host": _prefixed("%b %e %H:%M:%S fe80::1 kernel: "),
    "syslog of a mapped address": _prefixed("%b %e %H:%M:%S ::ffff:10.0.0.7 kernel: "),
    "busybox": _prefixed("%b %e %H:%M:%S web-1 kern.warn kernel: "),
    "RFC 5424, two elements": _prefixed('<4>1 %Y-%m-%dT%H:%M:%S.%fZ web-1 kernel - - [a@1 b="]x" c="\\""][c@2 d="e"] '),
    "RFC 5424, an element of a name": _prefixed("<4>1 %Y-%m-%dT%H:%M:%S.%fZ web-1 kernel - - [a@1] "),
    "a zone of its own": _prefixed("%Y-%m-%d %H:%M:%S +0100 web-1 kernel: "),
    "journalctl -o verbose": _verbose,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["08-odd-comms.log", "04-memcg-group-leaf.log", "12-61-global.log"])
def test_every_form_says_the_same(form: str, name: str) -> None:
    found = records(name)
    # What loggers make of other bytes than a newline is another question.
    found = [record._replace(text=re.sub(rb"[\r\x1b\x80-\xff]", b"?", record.text)) for record in found]
    raw = b"\n".join(FORMS[form](record) for record in found) + b"\n"
    assert shown(events(raw)) == shown(events(b"\n".join(map(_plain, found)) + b"\n"))


def test_a_containers_own_stamp_is_shown_where_there_is_no_other() -> None:
    row = b"2026-03-01T12:00:00.5Z stderr F Out of memory: Killed process 200 (batch) total-vm:3312kB"
    assert events(row)[0].stamp == "2026-03-01T12:00:00.5Z"
    assert events(row.replace(b"Out", b"[   14.5] Out"))[0].stamp == "14.5"


def test_what_journalctl_does_not_show_is_a_loss() -> None:
    lines = [b"Mar 01 12:00:00 web-1 kernel: " + record.text for record in records("12-61-global.log")]
    row = next(number for number, line in enumerate(lines) if line.endswith(b" filecache"))
    lines[row] = b"Mar 01 12:00:00 web-1 kernel: [87B blob data]"
    event = events(b"\n".join(lines))[0]
    assert list(event.missing()) == [f"messages that the log lost ([87B blob data]), line {row + 1}"]
