"""By whose rules a table is scored: the release's, unless what is printed shows that they are others."""

from __future__ import annotations

import pytest

import oomsel
from oomsel.outputs.log_choice import LogChoice
from oomsel.outputs.log_verdict import log_verdict
from tests.real_logs import LOGS

KILL = "Killed process 70 (hog) total-vm:40000kB, anon-rss:20000kB, file-rss:0kB"
PGTABLES = f"Out of memory: {KILL}, shmem-rss:0kB, UID:1 pgtables:48kB oom_score_adj:0"
LOG = """\
{boot}
[  100.000001] hog invoked oom-killer: gfp_mask=0x280da, order=0, oom_score_adj=0
[  100.000002] [ pid ]   uid  tgid total_vm      rss {columns} name
[  100.000003] [   70]     1    70    10000     5000 {numbers} hog
[  100.000004] [   71]     1    71    10000      400 {numbers} b
[  100.000005] {kill}
"""


@pytest.mark.parametrize(
    ("release", "columns", "kill", "formula"),
    [
        (None, "cpu oom_adj", KILL, "2.6's"),
        (None, "cpu oom_adj oom_score_adj", KILL, "2.6.39's"),
        (None, "nr_ptes swapents oom_score_adj", KILL, "3.14's"),
        (None, "nr_ptes nr_pmds swapents oom_score_adj", KILL, "4.0's"),
        (None, "pgtables_bytes swapents oom_score_adj", KILL, "4.17's"),
        ("2.6.32-71.el6", "cpu oom_adj", KILL, "2.6's"),
        ("2.6.32-754.el6", "cpu oom_adj oom_score_adj", KILL, "2.6.36's"),
        ("2.6.39", "cpu oom_adj oom_score_adj", KILL, "2.6.39's"),
        ("3.5.0", "cpu oom_adj oom_score_adj", KILL, "3.5's"),
        ("4.14.0-115.el7a", "pgtables_bytes swapents oom_score_adj", KILL, "4.0's"),
        # Only a kernel with 5.4's code prints these.
        ("4.18.0-553.el8", "pgtables_bytes swapents oom_score_adj", PGTABLES, None),
        ("4.18.0-553.el8", "rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj", PGTABLES, None),
        (None, "pgtables_bytes swapents oom_score_adj", PGTABLES, None),
    ],
)
def test_the_formula_goes_with_what_is_printed(
    release: str | None, columns: str, kill: str, formula: str | None
) -> None:
    boot = f"[    0.000000] Linux version {release} (gcc)" if release else "[    1.000000] usb 1-1: new device"
    numbers = " ".join("0" for _ in columns.split())
    scenario = oomsel.loads(LOG.format(boot=boot, columns=columns, numbers=numbers, kill=kill))
    sentences = log_verdict(LogChoice(scenario.log, oomsel.select(scenario, mode="kernel"))).sentences
    scored = [sentence.partition("scored by ")[2].split()[0] for sentence in sentences if "scored by " in sentence]
    assert scored == ([formula] if formula else [])


@pytest.mark.parametrize(
    ("release", "columns", "winner"),
    [("2.6.32-71.el6", "cpu oom_adj", 71), ("3.10.0-514.el7", "nr_ptes oom_score_adj", 70)],
)
def test_2_6_counts_a_tasks_size_and_not_what_is_resident(release: str, columns: str, winner: int) -> None:
    boot = f"[    0.000000] Linux version {release} (gcc)"
    text = LOG.format(boot=boot, columns=columns, numbers="0 0", kill=KILL).replace("71    10000", "71    90000")
    scenario = oomsel.loads(text)
    oomsel_says = log_verdict(LogChoice(scenario.log, oomsel.select(scenario, mode="kernel"))).oomsel
    assert oomsel_says is not None
    assert oomsel_says[0] == winner


@pytest.mark.parametrize(
    ("release", "columns", "numbers", "winner"),
    [
        ("3.10.0", "nr_ptes swapents oom_score_adj", "0 4600 0", 70),
        ("3.10.0", "nr_ptes swapents oom_score_adj", "0 4601 0", 71),
        ("3.10.0", "nr_ptes swapents oom_score_adj", "4601 0 0", 71),
        ("4.4.0", "nr_ptes nr_pmds swapents oom_score_adj", "600 4001 0 0", 71),
        ("4.18.0", "pgtables_bytes swapents oom_score_adj", f"{4601 * 4096 - 1} 0 0", 70),
        ("4.18.0", "pgtables_bytes swapents oom_score_adj", f"{4601 * 4096} 0 0", 71),
    ],
)
def test_swap_and_page_tables_count_as_much_as_pages(release: str, columns: str, numbers: str, winner: int) -> None:
    boot = f"[    0.000000] Linux version {release} (gcc)"
    zeros = " ".join("0" for _ in columns.split())
    text = LOG.format(boot=boot, columns=columns, numbers=zeros, kill=KILL).replace(f"400 {zeros}", f"400 {numbers}")
    scenario = oomsel.loads(text)
    oomsel_says = log_verdict(LogChoice(scenario.log, oomsel.select(scenario, mode="kernel"))).oomsel
    assert oomsel_says is not None
    assert oomsel_says[0] == winner


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("4.18.0-553.el8", (5, 4, 0)),
        ("5.4.143", (5, 4, 143)),
        ("5.4.200", (5, 4, 200)),  # has 5.9's signed scores, which 5.4.143 has not
        ("6.1.0-56-cloud-amd64", (6, 1, 0)),
        ("7.0.1", (7, 0, 1)),
    ],
)
def test_a_release_that_can_print_the_table_is_believed(release: str, version: tuple[int, ...]) -> None:
    raw = (LOGS / "12-61-global.log").read_text().replace("6.1.0-56-cloud-amd64", release)
    assert oomsel.loads(raw).log.facts.version == version


@pytest.mark.parametrize(
    ("release", "version"), [("4.18.0-553.el8", (5, 9, 0)), ("5.14.0-427.el9", (5, 14, 0)), ("6.12.1", (6, 12, 1))]
)
def test_a_split_table_has_signed_scores_whatever_the_release(release: str, version: tuple[int, ...]) -> None:
    raw = (LOGS / "01-global-8cpu.log").read_text().replace("6.12.117+deb12-cloud-amd64", release)
    assert oomsel.loads(raw).log.facts.version == version


def test_a_victim_without_a_kill_line_is_known_by_its_process() -> None:
    raw = (LOGS / "09-leader-vfork-clonevm.log").read_text()
    cut = raw[: raw.index("Out of memory: Killed process 225 (livethread)")]
    scenario = oomsel.loads(cut)
    found = log_verdict(LogChoice(scenario.log, oomsel.select(scenario, mode="kernel")))
    assert found.kernel == (192, b"deadleader")
    assert found.counters  # for which it must have been found among the rows, as thread 225
