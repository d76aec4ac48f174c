"""Cut, swapped, doubled and flipped logs: never a traceback, never silence about what is known to be missing."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import oomsel
from oomsel.errors import OomselError
from oomsel.inputs.log.options import LogOptions
from oomsel.outputs.kernel_text import kernel_lines
from oomsel.outputs.log_choice import LogChoice
from oomsel.outputs.log_events import entry_of, event_lines
from oomsel.outputs.log_verdict import log_verdict
from oomsel.outputs.yaml import to_yaml
from tests.klog.test_prefix import events
from tests.real_logs import LOGS, own_lines, reads_back

SEEDS = [(LOGS / name).read_bytes() for name in ("01-global-8cpu.log", "04-memcg-group-leaf.log", "15-host-618.log")]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        lines = raw.split(b"\n")
        one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        kind = draw(st.sampled_from(["head", "tail", "lose", "swap", "double", "flip", "gap"]))
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        if kind == "head":
            raw = raw[at:]
        elif kind == "tail":
            raw = raw[:at]
        elif kind == "gap":
            raw = raw[:at] + raw[at + draw(st.integers(1, 200)) :]
        elif kind == "flip" and raw:
            raw = raw[:at] + bytes([draw(st.integers(0, 255))]) + raw[at + 1 :]
        else:
            if kind == "swap":
                lines[one], lines[other] = lines[other], lines[one]
            elif kind == "double":
                lines.insert(other, lines[one])
            else:
                del lines[one : one + 3]
            raw = b"\n".join(lines)
    return raw


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_a_damaged_log_is_read_or_refused_in_words(raw: bytes) -> None:
    found = events(raw)
    assert [event.index for event in found] == sorted({event.index for event in found})
    assert list(event_lines([entry_of("log", event) for event in found], with_source=True))
    try:
        scenario = oomsel.loads(raw, source="log")
    except OomselError:
        return
    if scenario.log is None:
        return
    report = oomsel.select(scenario, mode="kernel")
    assert all("\n" not in line for line in kernel_lines(report))
    verdict = log_verdict(LogChoice(scenario.log, report))
    for missing in scenario.log.event.missing():
        assert missing in "\n".join(verdict.sentences)
    assert verdict.agrees or verdict.reason is not None
    assert reads_back(to_yaml(scenario), scenario)


@pytest.mark.parametrize("name", ["01-global-8cpu.log", "04-memcg-group-leaf.log", "09-leader-vfork-clonevm.log"])
def test_a_log_that_ends_anywhere_is_no_complete_one(name: str) -> None:
    raw = (LOGS / name).read_bytes()
    lines = raw.split(b"\n")
    end = next(number for number, line in enumerate(lines) if b"Killed process" in line)
    for cut in range(1, end + 1):
        (event,) = events(b"\n".join(lines[:cut]))
        assert not event.is_complete
    (event,) = events(b"\n".join(lines[: end + 1]))
    assert event.is_complete


def test_a_header_without_a_column_gives_no_rows() -> None:
    raw = (LOGS / "01-global-8cpu.log").read_bytes()
    event = events(raw.replace(b"pgtables_bytes swapents oom_score_adj", b"pgtables_bytes_swapents oom_score_adj"))[0]
    assert event.rows == []
    assert len(event.damaged) == 16
    assert not event.is_complete


def test_an_unknown_column_is_kept() -> None:
    lines = (LOGS / "12-61-global.log").read_text().split("\n")
    wide = [line.replace("swapents oom_score_adj", "swapents thp_pages oom_score_adj") for line in lines]
    wide = [
        line.replace("        0     ", "        0         7     ") if "] [" in line and "pid" not in line else line
        for line in wide
    ]
    scenario = oomsel.loads("\n".join(wide))
    assert {row.numbers["thp_pages"] for row in scenario.log.event.rows} == {7}
    report = oomsel.select(scenario, mode="kernel")
    assert kernel_lines(report) == own_lines("12-61-global.log")[0]
    assert (
        "columns that no release has are not counted: thp_pages"
        in log_verdict(LogChoice(scenario.log, report)).sentences
    )


def test_a_gap_in_the_sequence_of_kmsg_is_a_loss() -> None:
    lines = (LOGS / "08-odd-comms.kmsg").read_bytes().split(b"\n")
    row = next(number for number, line in enumerate(lines) if line.endswith(b" usleep"))
    for lost, words in ((1, "1 record that the log skips"), (2, "2 records that the log skips")):
        event = events(b"\n".join(lines[:row] + lines[row + lost :]))[0]
        assert list(event.missing()) == [f"{words}, line {row + 1}"]
    assert all(event.is_complete for event in events(b"\n".join(lines)))


def test_messages_that_printk_dropped_are_a_loss() -> None:
    lines = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")
    lines.insert(60, b"[   14.048607] ** 12 printk messages dropped **")
    event = events(b"\n".join(lines[:77]))[0]
    assert list(event.missing()) == ["messages that the log lost (12 printk messages dropped), line 61"]


@pytest.mark.parametrize(
    ("line", "is_damage"),
    [
        ("[    196]     0   196", True),
        ("[    196]     0   1*6      628", True),
        ("6]     0   196      628      451      288", True),
        ("[    196]     0", True),
        ("[drm] mode set", False),
        ("usb 1-1: new device", False),
    ],
)
def test_what_is_left_of_a_row_is_damage(line: str, is_damage: bool) -> None:
    lines = (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76]
    lines.insert(64, f"[   14.048900] {line}")
    (event,) = events("\n".join(lines).encode())
    assert event.damaged == ([65] if is_damage else [])


HEADER = "[    1.000000] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
ROW = "[    1.000001] [{pid}] {uid} {tgid} 100 {rss} 40960 0 {adj} {name}\n"
LEAST = {"pid": 1, "tgid": 1, "uid": -(1 << 31), "rss": 0, "adj": -1000, "name": ""}
MOST = {
    "pid": 1 << 22,
    "tgid": 1 << 22,
    "uid": (1 << 32) - 1,
    "rss": (1 << 51) - 1,
    "adj": 1000,
    "name": "fifteen bytes..",
}


@pytest.mark.parametrize(
    "beyond",
    [
        {"pid": 0},
        {"pid": (1 << 22) + 1},
        {"tgid": 0},
        {"tgid": (1 << 22) + 1},
        {"uid": -(1 << 31) - 1},
        {"uid": 1 << 32},
        {"rss": -2},
        {"rss": 1 << 51},
        {"adj": -1001},
        {"adj": 1001},
        {"name": "sixteen bytes..."},
        {"name": "a\0b"},
    ],
    ids=str,
)
def test_what_no_kernel_prints_is_a_damaged_row(beyond: dict[str, object]) -> None:
    other = LEAST | {"pid": 7, "tgid": 7} | beyond
    (event,) = events((HEADER + "".join(ROW.format(**values) for values in (LEAST, MOST, other))).encode())
    assert [row.pid for row in event.rows] == [1, 1 << 22]
    assert event.damaged == [4]


def test_losses_are_named_up_to_three() -> None:
    lines = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")
    lines[60:60] = [b"[   14.048607] ** %d printk messages dropped **" % number for number in range(1, 5)]
    (event,) = events(b"\n".join(lines[:80]))
    assert [text[-7:] for text in event.missing()] == ["line 61", "line 62", "line 63"]


def test_an_allocation_failure_after_the_kill_is_no_report() -> None:
    lines = (LOGS / "01-global-8cpu.log").read_text().split("\n")
    failure = ["[   14.060000] busy: page allocation failure: order:0, mode:0xcc0", *lines[31:56]]
    assert len(events("\n".join([*lines[:76], *failure, *lines[76:]]).encode())) == 2


def test_a_scenario_read_as_a_log_of_another_page_size() -> None:
    scenario = oomsel.load(LOGS / "01-global-8cpu.log", log=LogOptions(event=1, page_size=65536))
    assert scenario.machine.page_size == 65536


def test_a_row_that_is_there_twice_counts_once() -> None:
    lines = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")
    event = events(b"\n".join([*lines[:60], lines[59], *lines[60:77]]))[0]
    assert len(event.rows) == 16
    assert list(event.missing()) == ["1 row there twice, line 61"]


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (1, "1 row unreadable, line 60"),
        (3, "3 rows unreadable, line 60, 61, 62"),
        (4, "4 rows unreadable, line 60, 61, 62, ..."),
    ],
)
def test_what_is_missing_is_named_up_to_three(rows: int, what: str) -> None:
    lines = (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76]
    damaged = [
        line.replace("     0   ", "     *   ") if 59 <= at < 59 + rows else line for at, line in enumerate(lines)
    ]
    (event,) = events("\n".join(damaged).encode())
    assert list(event.missing()) == [what]
