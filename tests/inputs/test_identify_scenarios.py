"""Scenarios and kernel logs are told apart, whatever each of them quotes."""

from __future__ import annotations

import pytest

import oomsel
from oomsel.inputs import identify as module
from oomsel.inputs.identify import Kind, identify
from oomsel.inputs.source import HEAD, source_of
from tests.real_logs import LOGS

#: Lines that only a kernel log has, as far as they stand alone.
QUOTED = "[    1.000000] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
TABLE = """\
tasks: |
  [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
  [    190]    33   190     9678     8966     7779      163      1024   114688        0             0 a
"""
BLOCK = f"oomsel: 1\nmachine: {{cpus: 4, ram: 1GiB}}\n{TABLE}"
FLOW = "{oomsel: 1, machine: {cpus: 4, ram: 1GiB}, title: 'Killed process 5', tasks: [{pid: 190, comm: a}]}\n"
COMMENTS = f"# {QUOTED}" * (3 * HEAD // len(QUOTED))

SCENARIOS = {
    "plain": BLOCK,
    "quoted": '"oomsel": 1\n"machine": {"cpus": 4, "ram": "1GiB"}\n"tasks"' + TABLE.removeprefix("tasks"),
    "quoted singly": "'oomsel': 1\n'machine': {cpus: 4, ram: 1GiB}\n'tasks'" + TABLE.removeprefix("tasks"),
    "indented": "".join(f"  {line}\n" for line in BLOCK.splitlines()),
    "indented, kernel first": "".join(f" {line}\n" for line in ["kernel: 6.12", *BLOCK.splitlines()]),
    "quoted, title first": f'"title": {QUOTED!r}\n"oomsel": 1\n"machine": {{cpus: 4, ram: 1GiB}}\n{TABLE}',
    "in braces": f"---  {FLOW}",
    "in braces, quoted": f"--- &all {FLOW.replace('oomsel', repr('oomsel'), 1)}",
    "in braces, on lines": f"%YAML 1.2\n---\n{{\n  {FLOW[1:]}",
    "in braces after a comment": f"# {QUOTED}{FLOW}",
    "comments": f"{COMMENTS}\r\n{BLOCK}",
    "comments and BOM": f"\ufeff{COMMENTS}{FLOW}",
    "comments, indented": f"{COMMENTS}---\n  # {QUOTED}" + "".join(f"  {line}\n" for line in BLOCK.splitlines()),
}


@pytest.mark.parametrize("text", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_scenarios_are_none(text: str) -> None:
    scenario = oomsel.loads(text)
    assert (scenario.log, scenario.machine.ram, scenario.tasks[0].pid) == (None, 262144, 190)


LOG = (LOGS / "01-global-8cpu.log").read_bytes()
QUOTING = {
    "whole": LOG,
    "a scenario in it": LOG.replace(b"\n", b"\n" + BLOCK.encode(), 1),
    "a scenario in its first line": LOG.replace(b"\n", f"\n[    1.000000] x: {FLOW}".encode(), 1),
    "a comment before": b"# journalctl -k\n\n" + LOG,
    "its kernel before": b"kernel: 6.12.1-amd64 #1 SMP\n" + LOG,
    "its kernel and title before": b"title: lost my mail\nkernel: 6.12\n\n" + LOG,
    "the kernel's name before": b"kernel: " + LOG,
    "all in comments": b"# " + LOG.replace(b"\n", b"\n# "),
}


@pytest.mark.parametrize("raw", QUOTING.values(), ids=QUOTING.keys())
def test_logs_are_some(raw: bytes) -> None:
    assert identify(source_of(raw)) is Kind.LOG


def test_comments_without_end_are_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_COMMENTS", HEAD)
    assert identify(source_of(COMMENTS.encode())) is Kind.LOG
