"""What kind of input something is, by its beginning; and what each command's reader says of a wrong kind."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

import pytest

from oomsel.errors import InputError
from oomsel.inputs.identify import Kind, identify, identify_as
from oomsel.inputs.source import HEAD, source_of

KILL = "Out of memory: Killed process 7 (a) total-vm:1kB"
SCENARIO = {"oomsel": 1, "title": KILL, "tasks": []}
LINES = ["[    1.000000] usb 1-1: new device", "[    2.000000] usb 1-2: new device"]
INVOKED = "a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
ROW = "[   2786]     0  2786      326      224    16384        0             0 dropbear"
RSS_STAT = "rss_stat: mm_id=5 curr=1 type=MM_ANONPAGES size=4096B\n"
#: A long list of tasks, more than what is looked at.
LONG = "tasks:\n" + "- {pid: 1, comm: a}\n" * (HEAD // 10)


def zip_of(member: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as members:
        members.writestr(member, b"")
    return file.getvalue()


def picture() -> bytes:
    """A PNG file of one pixel."""
    chunks = ((b"IHDR", struct.pack(">2I5B", 1, 1, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b""))
    parts = (struct.pack(">I", len(data)) + name + data + b"\0\0\0\0" for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


DOCUMENTS: dict[Kind, dict[str, str | bytes]] = {
    Kind.LOG: {
        "a kill line": KILL,
        "a trace that was dumped into a log": f"[    1.500000] walk-7 0..... 1500000us : {RSS_STAT}",
        "a kill line in UTF-16": KILL.encode("utf-16"),
        "stamped lines": "\n".join(LINES),
        "nearly all stamped": "\n".join(["one", *LINES]),
        "a stamp in the middle": "\n".join(["one", "two", "three", *LINES]),
        "a row behind a logger's prefix": f"Tue Jul 29 06:26:59 2025 kern.info kernel: [161775.410289] {ROW}",
        "a row": ROW,
        "a header": "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
        "tasks": "Tasks state (memory values in pages):",
        "Mem-Info": "Mem-Info:\nactive_anon:1 inactive_anon:2",
        "oom": "the machine had an OOM last night",
        "reaper": "oom_reaper: reaped process 7 (a)",
        "a cgroup's usage": "memory: usage 204800kB, limit 204800kB, failcnt 9",
        "a call trace's head": "CPU: 4 PID: 29481 Comm: sed Not tainted 3.10.0",
        "NULs before it": "\0" * 5000 + KILL,
        "JSON of journalctl": json.dumps({"MESSAGE": "usb 1-1: new device"}),
        "JSON of dmesg": json.dumps({"dmesg": [{"msg": "usb 1-1: new device"}]}, indent=3),
        "JSON behind a BOM": "\ufeff\n" + json.dumps({"MESSAGE": "usb 1-1: new device"}),
        "JSON of a shipper": json.dumps({"text": KILL}),
        "JSON of a cluster's event": json.dumps({"event": {"reason": "OOMKilling", "message": KILL}}, indent=2),
        "JSON lists": json.dumps([{"MESSAGE": KILL}]),
        "YAML of a cluster's event": f"kind: Event\nreason: OOMKilling\nmessage: '{KILL}'\n",
        "more than one report": INVOKED * 2,
    },
    Kind.SCENARIO: {
        "quotes a log": f"oomsel: 1\ntitle: '{KILL}'\n",
        "a log in comments": f"# {KILL}\ntasks: []\nmachine: {{}}\n",
        "JSON": json.dumps(SCENARIO),
        "JSON with a key of a log's": json.dumps(SCENARIO | {"log": KILL}),
        "JSON, last": json.dumps({"title": {"oomsel_study": 1}, "tasks": [{"a": 1}] * 10, "oomsel": 1}),
        "misspelt": "oomesl: 1\nmachine: {cpus: 4}\n",
        "capital": "Oomsel: 1\n",
        "indented JSON": ' \n  {"oomsel": 1}',
        "JSON without a colon": '{"oomsel" 1}',
        "misspelt JSON": '{"oomse": 1}',
        "without version": "title: x\nmachine: {cpus: 4, ram: 1GiB}\ntasks: []\n",
        "long": LONG,
        "long JSON": json.dumps({"tasks": [{"pid": 1}] * HEAD}),
    },
    Kind.WORKLOAD: {
        "plain": "oomsel_workload: 1\nmachine: {cpus: 4, ram: 1GiB}\nprocesses: []\n",
        "last": "machine: {cpus: 4}\nprocesses: []\noomsel_workload: 1\n",
        "JSON": '{"machine": {}, "oomsel_workload": 1}',
        "misspelt": "oomsel_workloda: 1\nmachine: {cpus: 4}\n",
    },
    Kind.TRACE: {
        "ftrace": f"# tracer: nop\n#\n walk-7 [000] ..... 1.5: {RSS_STAT}",
        "perf script": f"walk 7/7 [000] 1.500000: kmem:rss_stat: {RSS_STAT.partition(': ')[2]}",
    },
    Kind.STUDY: {"plain": "title: a\noomsel_study: 1\ngrid: {}\n", "braces": "{grid: {}, oomsel_study: 1}"},
    Kind.OTHER: {
        "YAML": "name: value\n",
        "the key below another": "services:\n  oomsel: 1\n",
        "the key as a value": "a: oomsel\n b",
        "one key of a scenario": "version: 3\ntasks: {build: make}\n",
        "one key, and a log": f"oom: '{KILL}'\n",
        "a schema": json.dumps({"properties": {"oomsel": {}, "machine": {}, "tasks": {}}}),
        "a list": "[1]",
        "few stamps": "one\ntwo\n2025-01-01 12:00 three\n",
        "a key with oom in it": "- {pid: 1, comm: a, oom_score_adj: 5}\n",
        "comments": "# nothing\n",
        "one NUL": "a\0b\nc",
        "Latin-1": "stra\xdfe".encode("latin-1"),
        "UTF-16": "oomsel: 1\n".encode("utf-16"),
        "UTF-16 of something else": "Dear diary, it rained.".encode("utf-16"),
    },
    Kind.EMPTY: {"empty": "", "blank": " \n\t\r\n", "a BOM": "\ufeff"},
    Kind.NO_TEXT: {
        "a program": b"\x7fELF\2\1\1" + bytes(9) + b"oom " * 99,
        "a picture": picture(),
        "bytes": bytes(range(256)) * 4,
        "a journal": b"LPKSHHRH" + bytes(99) + b"MESSAGE=" + KILL.encode(),
    },
    Kind.BUNDLE: {"bundle": zip_of("scenario.npy")},
    Kind.ZIP: {"zip": zip_of("other.npy"), "empty": zip_of("a")[-22:], "cut": b"PK"},
    Kind.KERNEL_TEXT: {"one mode": INVOKED, "both": f"# approximate: x\n{INVOKED}# precise: y\n{INVOKED}"},
}
CASES = [
    pytest.param(kind, text.encode() if isinstance(text, str) else text, id=f"{kind.name}: {name}")
    for kind, texts in DOCUMENTS.items()
    for name, text in texts.items()
]


@pytest.mark.parametrize(("kind", "raw"), CASES)
def test_kinds(kind: Kind, raw: bytes) -> None:
    assert identify(source_of(raw)) is kind


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.OTHER])
def test_nothing_of_it_is_read(kind: Kind) -> None:
    for text in DOCUMENTS[kind].values():
        raw = text.encode() if isinstance(text, str) else text
        stream = source_of(raw)
        identify(stream)
        assert stream.read() == raw


WRONG = [
    (Kind.SCENARIO, Kind.WORKLOAD, "this is a workload; use oomsel simulate"),
    (Kind.SCENARIO, Kind.STUDY, "this is a study; use oomsel sweep"),
    (Kind.SCENARIO, Kind.NO_TEXT, "this is no text; name a scenario or a kernel log"),
    (Kind.SCENARIO, Kind.EMPTY, "empty; a scenario begins with oomsel: 1"),
    (Kind.WORKLOAD, Kind.SCENARIO, "this is a scenario; use oomsel select"),
    (Kind.WORKLOAD, Kind.BUNDLE, "this is a bundle; use oomsel select"),
    (Kind.WORKLOAD, Kind.LOG, "this is a kernel log; use oomsel explain"),
    (Kind.WORKLOAD, Kind.STUDY, "this is a study; use oomsel sweep"),
    (Kind.WORKLOAD, Kind.EMPTY, "empty; a workload begins with oomsel_workload: 1"),
    (Kind.STUDY, Kind.WORKLOAD, "this is a workload; use oomsel simulate"),
    (Kind.STUDY, Kind.ZIP, "this is a zip file that is no bundle; name a study"),
    (Kind.STUDY, Kind.KERNEL_TEXT, "this is a report that oomsel printed; use oomsel diff"),
    (Kind.LOG, Kind.TRACE, "this is a trace of kmem:rss_stat; use oomsel replay"),
    (Kind.LOG, Kind.SCENARIO, "this is a scenario; use oomsel select"),
    (Kind.LOG, Kind.NO_TEXT, "this is no text; name a kernel log"),
]


@pytest.mark.parametrize(("wanted", "kind", "message"), WRONG)
def test_a_wrong_kind_says_what_it_is(wanted: Kind, kind: Kind, message: str) -> None:
    text = next(iter(DOCUMENTS[kind].values()))
    with pytest.raises(InputError) as caught:
        identify_as(wanted, "F", source_of(text.encode() if isinstance(text, str) else text))
    assert str(caught.value) == f"F: {message}"


@pytest.mark.parametrize("wanted", [Kind.SCENARIO, Kind.WORKLOAD, Kind.STUDY, Kind.LOG])
def test_other_text_is_left_to_the_reader(wanted: Kind) -> None:
    assert identify_as(wanted, "F", source_of(b"name: value\n")) is Kind.OTHER
