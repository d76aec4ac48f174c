"""Logs of real kernels as tests use them: their records, and each report's own lines, found without the reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import oomsel
from oomsel.outputs.scenario_text import json_pieces
from oomsel.text import printable

LOGS = Path(__file__).parent / "data" / "real-logs"
_STAMPED = re.compile(rb"\[ *([0-9]+)\.([0-9]{6})\] (.*)", re.DOTALL)
_SHORT = 16
_OWN = (
    b"Tasks state",
    b"[  pid  ]",
    b"oom-kill:",
    b"Tasks in ",
    b"Out of memory",
    b"Memory cgroup out",
    b"Kernel panic",
    b"oom killer ",
)


class Record(NamedTuple):
    """What one printk printed."""

    usec: int
    text: bytes


def records(name: str) -> list[Record]:
    """The records of a console log, or of one of /dev/kmsg's."""
    raw = (LOGS / name).read_bytes().split(b"\n")[:-1]
    if name.endswith(".kmsg"):
        fields = [line.split(b";", 1) for line in raw if line[:1].isdigit()]
        return [Record(int(head.split(b",")[2]), _unescaped(text)) for head, text in fields]
    found: list[Record] = []
    for line in raw:
        match = _STAMPED.match(line)
        if match is None:  # util-linux's dmesg indents what a newline begins
            found[-1] = found[-1]._replace(text=found[-1].text + b"\n" + line[15:])
            continue
        usec, text = int(match[1] + match[2]), match[3]
        if found and found[-1].usec == usec and _goes_on(found[-1].text, text):
            found[-1] = found[-1]._replace(text=found[-1].text + b"\n" + text)
        else:
            found.append(Record(usec, text))
    return found


def _goes_on(before: bytes, text: bytes) -> bool:
    """Whether the console broke a record here: only names do that in these logs."""
    if before == b"al (loc)" or before.endswith(b"Comm: al (loc)"):
        return True
    in_row = re.match(rb"\[ *[0-9]+\] ", before) and not re.match(rb"\[ *[0-9]+\] .*[0-9] {5}", text)
    in_kill = before.startswith((b"oom-kill:", b"Out of memory: Killed")) and not re.search(
        rb"(uid=|adj:)-?[0-9]+$", before
    )
    return bool((in_row and len(text) < _SHORT and not text.startswith(b"oom-kill:")) or in_kill)


def _unescaped(text: bytes) -> bytes:
    return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), text)


def own_lines(name: str) -> list[list[str]]:
    """The lines of each report that begins with `invoked oom-killer`, as kernel text shows them."""
    reports: list[list[bytes]] = []
    done = True
    group = False
    for record in records(name):
        text = record.text
        if b" invoked oom-killer: " in text:
            reports.append([text])
            done = group = False
        elif text.startswith(b"oom killer "):
            reports[-1].append(text)
        elif done and not text.startswith(b"Tasks in ") and not (group and _is_of_walk(text)):
            continue
        elif text.startswith(_OWN) or re.match(rb"\[ *[0-9]+\] ", text):
            reports[-1].append(text)
            done |= _is_of_walk(text) or text.startswith(b"Kernel panic")
            group |= text.startswith(b"Tasks in ")
    return [[printable(line) for line in report] for report in reports]


def _is_of_walk(text: bytes) -> bool:
    """Whether a line kills somebody, or says that nobody is to be killed any more."""
    return b"Killed process " in text or b"already exiting. Skip killing" in text


def as_json(scenario: oomsel.Scenario) -> str:
    """The scenario as `convert` writes it."""
    return "".join(json_pieces(scenario))


def reads_back(text: str, scenario: oomsel.Scenario) -> bool:
    """Whether `text` is read as the same scenario."""
    again = oomsel.loads(text)
    names = [name for name in oomsel.Scenario.fields() if name not in ("notes", "log")]
    return all(getattr(again, name) == getattr(scenario, name) for name in names)
