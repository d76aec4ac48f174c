"""Every log cut off at the head, line by line: no sentence claims what the lines that are left do not hold."""

from __future__ import annotations

import re

import pytest

import oomsel
from oomsel.errors import InputError
from oomsel.outputs.explain import explain
from oomsel.outputs.explain_text import explanation_lines
from oomsel.outputs.log_evidence import log_evidence
from tests.real_logs import LOGS
from tests.support import DATA

WHOLE = {
    "global": (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76],
    "memcg": (LOGS / "03-memcg.log").read_text().split("\n"),
    "cpuset": (LOGS / "10-cpuset.log").read_text().split("\n")[:85],
    "swap": (LOGS / "07-swap.log").read_text().split("\n"),
    "old table": (LOGS / "12-61-global.log").read_text().split("\n"),
    "cgroup v1": (LOGS / "15-host-618.log").read_text().split("\n"),
    "v1 by name": (DATA / "logs" / "r16b_same_with_one_space.log").read_text().split("\n"),
    "thread": (DATA / "logs" / "r06_el7_thread_then_process.log").read_text().split("\n"),
    "group": (LOGS / "73-61b-group-global.log").read_text().split("\n"),
    "swapoff": (LOGS / "73-41-swapoff-origin.log").read_text().split("\n")[:71],
}


def explained(raw: str) -> str | None:
    """What explain says of the log; None where it is refused."""
    try:
        scenario = oomsel.loads(raw)
    except InputError:
        return None
    report = oomsel.select(scenario, mode="kernel")
    evidence = log_evidence(scenario.log, report)
    return "\n".join(explanation_lines(explain(report, report, "approximate"), evidence=evidence))


#: What a sentence claims, and what a line must say for it.
CLAIMS = {
    r"CONSTRAINT_(NONE|CPUSET|MEMORY_POLICY)": r"constraint=CONSTRAINT_\1",
    r"CONSTRAINT_MEMCG": r"constraint=CONSTRAINT_MEMCG|memory: usage|killed as a result|Memory cgroup out of memory",
    r"RAM [0-9.]+ MiB": r"pages RAM",
    r"no swap\b(?! limit)": r"Total swap = 0kB",
    r"[Ss]wap [0-9.]+ MiB": r"Total swap = [1-9]",
    r"kB free, (?:below|above)": r" free:[0-9]+kB .*min:",
    r"is below its min|are below min|is below min": r"min:[0-9]+kB",
    r"largest free block": r"[0-9]+\*[0-9]+kB",
    r"reached its limit": r"memory: usage",
    r"memory\.stat, line": r"Memory cgroup stats for",
    r"sysrq": r"order=-1",
    r"Linux [0-9]": r" Comm: .* [0-9]+\.[0-9]+\.",
    r"lowmem_reserve\)": r"lowmem_reserve\[\]",
    r"is a thread of": r"Kill process",
    r"oom_flag_origin": r"sys_swapoff\+",
    r"kernel thread": r"Workqueue|kthread\+",
    r"x [0-9]+ \(totalpages / 1000\)": r"pages RAM[\s\S]*pages reserved|memory: usage|present:",
    r"TO SAVE": r"pages RAM[\s\S]*pages reserved|memory: usage|present:",
}


@pytest.mark.parametrize("name", WHOLE)
def test_no_sentence_claims_what_no_line_holds(name: str) -> None:
    lines = WHOLE[name]
    tried = 0
    for lost in range(len(lines)):
        rest = "\n".join(lines[lost:])
        said = explained(rest)
        if said is None:
            continue
        tried += 1
        for claim, evidence in CLAIMS.items():
            for match in re.finditer(claim, said):
                assert re.search(match.expand(evidence) if r"\1" in evidence else evidence, rest), (lost, match[0])
        if lost > len(WHOLE[name]) // 2 or lost == 0:
            continue
        assert "Outside the cgroup" not in said
    assert tried > 5


@pytest.mark.parametrize("name", ["memcg", "cgroup v1", "v1 by name", "thread"])
def test_rows_of_a_cgroups_report_are_in_the_cgroup_whatever_is_lost(name: str) -> None:
    lines = WHOLE[name]
    for lost in range(len(lines)):
        said = explained("\n".join(lines[lost:]))
        assert said is None or "utside the" not in said


def test_a_line_that_is_lost_in_the_middle_is_not_made_up_either() -> None:
    lines = WHOLE["global"]
    for lost in range(1, len(lines)):
        said = explained("\n".join(lines[:lost] + lines[lost + 1 :]))
        assert said is not None
        if any(words in lines[lost] for words in ("pages RAM", "pages reserved", "Total swap")):
            assert "TO SAVE" not in said
            assert "badness is set against, totalpages, is not known" in said
        if "oom-kill:constraint" in lines[lost]:
            assert "whether a cpuset or a memory policy confined the allocation is not in the log" in said
