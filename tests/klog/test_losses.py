"""Records that loggers lost, by what they say themselves and by what the numbers show."""

from __future__ import annotations

import pytest

from tests.klog.test_prefix import events
from tests.real_logs import LOGS, records

LINES = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")[:76]
PREFIX = b"Mar  1 12:00:14 web-1 "


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"kernel: [   14.048] ** 3 printk messages dropped **", "3 printk messages dropped"),
        (b"kernel: [   14.048] printk: 3 messages dropped", "printk: 3 messages dropped"),
        (b"systemd-journald[200]: Missed 3 kernel messages", "Missed 3 kernel messages"),
        (
            b"systemd-journald[200]: /dev/kmsg buffer overrun, some messages lost.",
            "/dev/kmsg buffer overrun, some messages lost",
        ),
        (b"systemd-journald[200]: Suppressed 3 messages from kernel", "Suppressed 3 messages from kernel"),
        (
            b"rsyslogd: imjournal: begin to drop messages due to rate-limiting",
            "imjournal: begin to drop messages",
        ),
        (
            b"rsyslogd: imjournal: 3 messages lost due to rate-limiting (20000 allowed within 600 seconds)",
            "imjournal: 3 messages lost",
        ),
        (b"rsyslogd: imklog: 3 messages lost due to rate-limiting", "imklog: 3 messages lost"),
    ],
)
def test_loggers_say_what_they_lost(line: bytes, what: str) -> None:
    lines = [PREFIX + b"kernel: " + text for text in LINES]
    (event,) = events(b"\n".join([*lines[:60], PREFIX + line, *lines[60:]]))
    assert list(event.missing()) == [f"messages that the log lost ({what}), line 61"]
    (event,) = events(b"\n".join([*lines, PREFIX + line]))
    assert event.is_complete


@pytest.mark.parametrize(
    "line",
    [
        b"rsyslogd: imuxsock lost 9 messages from pid 13249 due to rate-limiting",
        b"systemd-journald[200]: Suppressed 3 messages from web.service",
    ],
)
def test_what_others_lost_is_not_the_kernels(line: bytes) -> None:
    lines = [PREFIX + b"kernel: " + text for text in LINES]
    (event,) = events(b"\n".join([*lines[:60], PREFIX + line, *lines[60:]]))
    assert event.is_complete


def _kmsg(*logs: tuple[bytes, list[bytes]]) -> list[bytes]:
    """The texts of several callers in turns, as /dev/kmsg numbers them."""
    longest = max(len(texts) for _, texts in logs)
    turns = [(caller, texts[at]) for at in range(longest) for caller, texts in logs if at < len(texts)]
    return [
        b"4,%d,%d,-,caller=%s;%s" % (number, 100 * number, caller, text)
        for number, (caller, text) in enumerate(turns, 500)
    ]


def test_records_are_numbered_throughout_whoever_prints() -> None:
    one = [line[15:] for line in LINES]
    other = [record.text for record in records("03-memcg.log")][: len(one)]
    lines = _kmsg((b"T100", one), (b"C5", other), (b"T77", [b"usb 1-1: new device"] * 20))
    first, second = events(b"\n".join(lines))
    assert list(first.missing()) == []
    assert not any("skips" in text for text in second.missing())
    lost = events(b"\n".join(line for line in lines if not line.startswith(b"4,600,")))
    assert all("1 record that the log skips, line 101" in event.missing() for event in lost)


def test_blank_lines_without_end_are_no_lines_of_a_report() -> None:
    """They may be all that a small compressed file holds; the lines behind them keep their numbers."""
    at = next(number for number, line in enumerate(LINES) if b"oom-kill:constraint" in line)
    (whole,) = events(b"\n".join(LINES))
    (gaping,) = events(b"\n".join([*LINES[:at], *[b""] * 5000, *LINES[at:]]))
    assert [kill._replace(line=kill.line - 5000) for kill in gaping.kills] == whole.kills
