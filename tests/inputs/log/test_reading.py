"""A report of a log, run again, prints its own lines; converted, it is the same scenario."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import oomsel
from oomsel.errors import InputError
from oomsel.inputs.log.options import LogOptions
from oomsel.klog.formats import TABLE_6_8
from oomsel.outputs.log_comments import comments_of
from oomsel.outputs.yaml import to_yaml
from tests.real_logs import LOGS, as_json, own_lines, reads_back

NAMES = [*sorted(path.name for path in LOGS.glob("*.log") if not path.name.endswith(".boot.log")), "08-odd-comms.kmsg"]


def whole_reports(name: str) -> list[int]:
    """The numbers of a log's reports that are more than a kill line."""
    from oomsel.inputs.source import open_source
    from oomsel.klog.reader import LogReader

    with open_source(str(LOGS / name)) as stream:
        return [event.index for event in LogReader(stream).events() if event.invoked is not None]


@pytest.mark.parametrize("name", NAMES)
def test_every_report_prints_its_own_lines(name: str) -> None:
    expected = own_lines(name)
    numbers = whole_reports(name)
    assert len(expected) == len(numbers) > 0
    for number, lines in zip(numbers, expected, strict=True):
        scenario = oomsel.load(LOGS / name, log=LogOptions(event=number))
        assert oomsel.kernel_lines(oomsel.select(scenario, mode="kernel")) == lines


@pytest.mark.parametrize("name", NAMES)
def test_converted_it_is_the_same(name: str) -> None:
    for number in whole_reports(name):
        scenario = oomsel.load(LOGS / name, log=LogOptions(event=number))
        text = to_yaml(scenario, comments_of(scenario.log))
        assert reads_back(text, scenario)
        assert reads_back(as_json(scenario), scenario)
        again = oomsel.loads(text)
        modes = [oomsel.kernel_lines(oomsel.select(one, mode="kernel")) for one in (scenario, again)]
        assert modes[0] == modes[1]
        assert to_yaml(again, ()) != ""


def test_convert_uses_the_table_for_a_log_and_says_only_what_differs() -> None:
    scenario = oomsel.load(LOGS / "01-global-8cpu.log", log=LogOptions(event=1))
    text = to_yaml(scenario)
    assert "tasks: |\n  [  pid  ]   uid  tgid total_vm" in text
    assert "more:" not in text
    assert "swap:" not in text  # 0, as by default
    assert "flags" not in text
    assert set(json.loads(as_json(scenario))) == {"oomsel", "title", "kernel", "machine", "oom", "tasks"}


@pytest.mark.parametrize("path", sorted(Path("examples").glob("*.yaml")), ids=str)
def test_examples_convert_exactly(path: Path) -> None:
    scenario = oomsel.load(path)
    assert reads_back(to_yaml(scenario), scenario)
    assert reads_back(as_json(scenario), scenario)


BROAD = r"""
oomsel: 1
title: "two\nlines: # and \x85"
kernel: 6.10
machine: {cpus: "0-3,8", online: "0-2", dying: 8, page_size: 16384, swap: 16MiB, batch: 40,
  nodes: {0: {ram: 1GiB, cpus: 0-3}, 2: {ram: 0}}}
memcgs: {/a: {max: 16MiB, swap_max: 0}, "/a/b: c": {oom_group: true}}
oom: {current: 12, comm: "x: y", gfp_mask: 0xcc0, memcg: /a, order: 2, totalpages: 77}
sysctl: {panic_on_oom: 2}
tasks:
  - {pid: 1, comm: "null", rss: {anon: {count: 5, deltas: {0-2: 3, 8: -1}}, swap: 0}}
  - {pid: 12, comm: '\x41\x0a', thread: {pid: 13, comm: "7"}, mm: A, memcg: /a, mempolicy: 0, rss: {total: -4}}
  - {pid: 14, comm: "", mm: A, uid: 4294967294, flags: [vfork, exiting], cpuset: {name: z, mems_allowed: "0,2"}}
updates: [{cpu: 1, pid: 13, total: -3, repeat: 9}, {offline: "1-2"}]
expect: {approximate: {victim: "12"}, precise: {nobody: true}, never: [1, sshd], robust: false}
"""


def test_every_key_converts_exactly() -> None:
    scenario = oomsel.loads(BROAD)
    assert reads_back(to_yaml(scenario), scenario)
    assert reads_back(as_json(scenario), scenario)
    assert to_yaml(oomsel.loads(to_yaml(scenario))) == to_yaml(scenario)


def test_a_what_if_on_a_log() -> None:
    log = LOGS / "01-global-8cpu.log"
    report = oomsel.select(oomsel.load(log, overrides=["tasks[batch].oom_score_adj=-500"], log=LogOptions(event=1)))
    assert report.chosen is not None
    assert report.system.tasks.comm[report.chosen] == b"chrome"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (LogOptions(), 139),
        (LogOptions(event=2), 94),
        (LogOptions(pid=195), 2),
        (LogOptions(last=True), 356),
    ],
)
def test_which_report_is_picked(options: LogOptions, line: int) -> None:
    scenario = oomsel.load(LOGS / "08-odd-comms.log", log=options)
    expected = 356 if options == LogOptions() else line
    assert scenario.log.event.first_line in (expected, expected - 1)
    assert (scenario.log.picked_because is None) == (options != LogOptions())


def test_the_last_complete_one_is_picked_and_said_to_be() -> None:
    scenario = oomsel.load(LOGS / "18-ratelimit.log")
    assert scenario.log.event.index == 22
    assert scenario.log.picked_because.startswith("22 reports; this is number 22, the last complete one, line 788")
    raw = (LOGS / "01-global-8cpu.log").read_bytes()
    cut = oomsel.loads(raw[: raw.rindex(b"oom-kill:")])
    assert cut.log.event.index == 1


@pytest.mark.parametrize(
    ("reports", "picked", "which"),
    [
        (["no end", "no table", "kill"], 1, "the last with a table"),
        (["damaged", "no end"], 1, "the last with a table"),
        (["no end", "damaged"], 2, "the last with a table"),
        (["no table", "no table"], 2, "the last"),
        (["no table", "no end", "no table"], 2, "the last with a table"),
    ],
)
def test_of_incomplete_reports_the_one_with_most_is_picked(reports: list[str], picked: int, which: str) -> None:
    whole = (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76]
    kinds = {
        "damaged": [line.replace("163      1024", "163      10*4") for line in whole],
        "no end": whole[:74],
        "no table": [*whole[:56], *whole[74:]],
        "kill": whole[75:],
    }
    log = oomsel.loads("\n".join(line for kind in reports for line in kinds[kind])).log
    assert log.event.index == picked
    assert log.picked_because.startswith(f"{len(reports)} reports; this is number {picked}, {which}, line")


def test_a_victim_is_known_by_the_line_before_its_kill_line() -> None:
    raw = (LOGS / "01-global-8cpu.log").read_bytes()
    cut = oomsel.loads(raw[: raw.rindex(b"Out of memory: ")], log=LogOptions(pid=194))
    assert (cut.log.event.index, cut.log.event.kills) == (2, [])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (LogOptions(event=3), "log: no report number 3: it has 2 reports; oomsel events lists them"),
        (LogOptions(pid=7), "log: no report killed pid 7: it has 2 reports"),
    ],
)
def test_a_report_that_is_not_there(options: LogOptions, error: str) -> None:
    with pytest.raises(InputError) as caught:
        oomsel.loads((LOGS / "01-global-8cpu.log").read_bytes(), source="log", log=options)
    assert error in str(caught.value)


def test_a_kill_line_alone_is_no_choice() -> None:
    with pytest.raises(InputError, match=r"x\.log:777: report 11 is a kill line alone"):
        oomsel.loads((LOGS / "18-ratelimit.log").read_bytes(), source="x.log", log=LogOptions(event=11))


def test_log_options_are_for_logs() -> None:
    with pytest.raises(InputError, match="--event is for kernel logs, and this is none"):
        oomsel.load("examples/smallest.yaml", log=LogOptions(event=1))


def test_a_log_without_a_report() -> None:
    with pytest.raises(InputError, match="no OOM report in this log"):
        oomsel.loads("[    1.000000] usb 1-1: new device\n[    2.000000] usb 1-2: new device\n")


def test_an_error_names_the_row_of_the_log() -> None:
    with pytest.raises(InputError) as caught:
        oomsel.load(LOGS / "01-global-8cpu.log", overrides=["machine.cpus=0"], log=LogOptions(event=1))
    assert str(caught.value).startswith("--set machine.cpus=0: machine.cpus: 0 is no number of CPUs")


@pytest.mark.parametrize(("cut", "page_size"), [("", 4096), ("kill", 16384), ("block", 65536)])
def test_page_size_by_what_the_report_shows(cut: str, page_size: int) -> None:
    raw = (LOGS / "01-global-8cpu.log").read_bytes().split(b"\n")
    if cut:
        raw = [line for line in raw if b"*4kB" not in line]
    text = b"\n".join(raw[:76])
    if cut == "kill":
        text = text.replace(b"total-vm:3312kB", b"total-vm:13248kB")
    if cut == "block":
        text += b"\n"
        text = text.replace(b"Free swap", b"Node 0 DMA: 3*64kB (U) 1*128kB (U) = 320kB\n[   14.046574] Free swap")
    scenario = oomsel.loads(text)
    assert scenario.machine.page_size == page_size
    assert scenario.log.facts.page_size_because
    assert oomsel.loads(text, log=LogOptions(page_size=8192)).machine.page_size == 8192


def test_the_cpu_count_comes_from_the_boot_lines() -> None:
    facts = oomsel.load(LOGS / "25-one-cpu.boot.log").log.facts
    assert (facts.cpus, facts.release) == (1, "6.12.117+deb12-cloud-amd64")
    assert oomsel.load(LOGS / "25-one-cpu.log").log.facts.cpus is None
    assert len(oomsel.load(LOGS / "25-one-cpu.log", log=LogOptions(cpus=96)).machine.cpus) == 96


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("process 191 (thpuser)", "process 191 (a name of more bytes)"),
        ("process 191 (thpuser)", "process 191 (nul\0)"),
        ("process 191 (thpuser)", "process 99999999 (thpuser)"),
        ("total-vm:", "total-vm:999999999999"),
    ],
)
def test_a_kill_line_that_no_kernel_prints_stands_for_no_row(old: str, new: str) -> None:
    raw = (LOGS / "19-no-dump-tasks.log").read_text()
    lines = [line for line in raw.split("\n") if "oom-kill:" not in line]
    with pytest.raises(InputError, match="its lines are damaged"):
        oomsel.loads("\n".join(lines).replace(old, new), log=LogOptions(event=1))


def test_bytes_that_a_crash_leaves_are_no_part_of_a_name() -> None:
    raw = (LOGS / "01-global-8cpu.log").read_text().replace("] allocator invoked", "] \0\0allocator invoked", 1)
    scenario = oomsel.loads(raw, log=LogOptions(event=1))
    assert scenario.log.event.invoked.comm == b"allocator"


def test_sysrq_with_an_empty_table_kills_nobody() -> None:
    lines = [
        "kworker/0:0 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0",
        "Tasks state (memory values in pages):",
        TABLE_6_8.header,
        "Out of memory and no killable processes...",
    ]
    scenario = oomsel.loads("\n".join([*lines, ""]))
    assert oomsel.kernel_lines(oomsel.select(scenario)) == lines
    assert oomsel.kernel_lines(oomsel.select(oomsel.loads(to_yaml(scenario)))) == lines


def test_an_empty_table_prints_no_row_for_the_allocating_task() -> None:
    lines = [
        "x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        "Tasks state (memory values in pages):",
        TABLE_6_8.header,
        "Out of memory and no killable processes...",
    ]
    printed = oomsel.kernel_lines(oomsel.select(oomsel.loads("\n".join([*lines, ""]))))
    assert printed == [*lines, "Kernel panic - not syncing: System is deadlocked on memory"]
