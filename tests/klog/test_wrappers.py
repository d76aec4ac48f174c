"""Whatever wraps one report, it is the same event, with its time where the wrapping has one."""

from __future__ import annotations

import pytest

from oomsel.inputs.source import source_of
from oomsel.klog.clock import Moment, moment_of
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogReader
from tests.klog.wrapping import FORMS, entries

NAMES = ("10-cpuset.log", "12-61-global.log", "03-memcg.log")


def _events(raw: str | bytes) -> list[OomEvent]:
    return list(LogReader(source_of(raw if isinstance(raw, bytes) else raw.encode())).events())


def shown(found: list[OomEvent]) -> list[object]:
    """What matters of each report: who invoked, why, the table, the victims, the cgroup, what is missing."""
    return [
        (
            event.invoked and event.invoked[1:],
            event.current and event.current[1:],
            [(row.pid, row.name, row.numbers) for row in event.rows],
            event.summary and event.summary[1:],
            [kill[1:] for kill in event.kills],
            (event.memcg.memory, event.memcg.path),
            (event.meminfo.ram, event.meminfo.total_swap_kb),
            list(event.missing()),
        )
        for event in found
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", FORMS)
def test_every_wrapping_gives_the_same_event(form: str, name: str) -> None:
    found = entries(name)
    plain = _events(FORMS["plain"].wrap(found))
    events = _events(FORMS[form].wrap(found))
    if "newest first" in form or form == "journalctl -r":
        events.reverse()
    if form == "a node's event":
        assert [event.kills[0][1:] for event in events] == [plain[0].kills[0][1:]]
    else:
        assert shown(events) == shown(plain)
    if FORMS[form].has_time:
        assert all(moment_of(event.stamp) != Moment() for event in events), [event.stamp for event in events]


@pytest.mark.parametrize("form", FORMS)
def test_lines_have_the_numbers_of_the_source(form: str) -> None:
    raw = FORMS[form].wrap(entries())
    (event,) = _events(raw)
    text = (
        raw
        if isinstance(raw, str)
        else raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
    )
    lines = text.replace("\0", "").split("\n") if "\n" in text else text.split("\r")
    if form in ("Docker's json-file, in parts", "netconsole, extended, in fragments"):
        lines = ["".join(lines[at : at + 3]) for at in range(len(lines))]
    assert str(event.kills[0].pid) in lines[event.kills[0].line - 1]


def test_the_hosts_of_one_terminal_are_two_streams() -> None:
    """pdsh gives each line with its host before it, the hosts' mixed."""
    found = entries()
    raw = "".join(f"{host}: {entry.stamped}\n" for entry in found for host in ("h1", "h2"))
    plain = shown(_events(FORMS["plain"].wrap(found)))
    events = _events(raw)
    assert [event.host for event in events] == ["h1", "h2"]
    assert shown(events) == plain * 2


def test_words_before_a_colon_that_are_no_hosts() -> None:
    found = entries()
    raw = "".join(f"{'warn' if 'oom' in entry.text else 'info'}: {entry.stamped}\n" for entry in found)
    assert shown(_events(raw)) == shown(_events(FORMS["plain"].wrap(found)))


def test_records_that_have_no_newlines_are_no_parts() -> None:
    """What ships Docker's logs takes the newline off every record."""
    found = entries()
    raw = "".join(f'{{"log":"{entry.stamped}","stream":"stdout"}}\n' for entry in found)
    assert shown(_events(raw)) == shown(_events(FORMS["plain"].wrap(found)))
