"""Kernel says, oomsel says: who agrees, why not, and what is not known."""

from __future__ import annotations

import pytest

import oomsel
from oomsel.inputs.log.options import LogOptions
from oomsel.outputs.explain import explain
from oomsel.outputs.explain_text import explanation_lines
from oomsel.outputs.log_choice import LogChoice
from oomsel.outputs.log_evidence import log_evidence
from oomsel.outputs.log_memory import memory_object, memory_summary
from oomsel.outputs.log_verdict import LogVerdict, Reason, log_verdict
from tests.real_logs import LOGS

OLD = """\
[  100.000001] hog invoked oom-killer: gfp_mask=0x280da, order=0, oom_score_adj=0
[  100.000002] hog cpuset=/ mems_allowed=0
[  100.000003] CPU: 0 PID: 70 Comm: hog Not tainted {release} #50-Vendor
[  100.000004] Mem-Info:
[  100.000005] Total swap = 0kB
[  100.000006] {ram} pages RAM
[  100.000007] 0 pages reserved
[  100.000008] [ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name
{rows}
[  100.000009] Out of memory: Kill process {pid} ({name}) score {score} or sacrifice child
[  100.000010] Killed process {killed} ({name}) total-vm:40000kB, anon-rss:20000kB, file-rss:0kB
"""


def old(rows: list[tuple[int, int, int, int, str]], pid: int, score: int, **more: object) -> str:
    """A report of an old kernel; a row is pid, uid, rss, adj and name."""
    lines = [
        f"[  100.000008] [{task:5d}] {uid:5d} {task:5d}    10000 {rss:8d}       0        0 {adj:13d} {comm}"
        for task, uid, rss, adj, comm in rows
    ]
    name = next((row[4] for row in rows if row[0] == pid), "gone")
    values = {"release": "3.13.0-27-generic", "ram": 100000, "killed": pid} | more
    return OLD.format(rows="\n".join(lines), pid=pid, name=name, score=score, **values)


def verdict(raw: str | bytes, **options: object) -> LogVerdict:
    overrides = options.pop("overrides", [])
    scenario = oomsel.loads(raw, log=LogOptions(**options), overrides=overrides)  # type: ignore[arg-type]
    return log_verdict(LogChoice(scenario.log, oomsel.select(scenario, mode="kernel")))


def text_of(found: LogVerdict) -> str:
    return "\n".join((*found.sentences, *found.counters))


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.glob("[01]*.log")))
def test_real_kernels_are_agreed_with(name: str) -> None:
    found = verdict((LOGS / name).read_bytes())
    if name.startswith("19-"):
        assert (found.agrees, found.undecided) == (None, "there is no task table to choose from")
        return
    assert found.agrees
    assert found.sentences[0].endswith("; they agree")


def test_who_is_passed_over_is_named() -> None:
    found = verdict((LOGS / "09-leader-vfork-clonevm.log").read_bytes())
    assert found.reason is Reason.VFORK
    assert "pid 219 (vfchild) is taken for the victim's child in the middle of vfork" in text_of(found)


def test_the_allocating_task_dies_without_a_choice() -> None:
    found = verdict((LOGS / "06-kill-allocating.log").read_bytes(), event=1)
    assert (found.reason, found.kernel) == (Reason.ALLOCATING, (282, b"allocator"))


def test_an_earlier_victim_that_is_still_there() -> None:
    one = (LOGS / "01-global-8cpu.log").read_text().split("\n")
    row = next(line for line in one if line.endswith(" batch"))
    at = max(index for index, line in enumerate(one) if line.endswith(" forker"))
    again = one[at][:15] + row[15:]  # the victim of the first report, in the second one's table
    found = verdict("\n".join([*one[:at], again, *one[at:]]), event=2)
    assert found.agrees
    assert found.reason is Reason.KILLED_BEFORE
    assert "pid 200 (batch) leads the table but was killed before, line 76" in text_of(found)


def test_a_group_dies_together() -> None:
    found = verdict((LOGS / "04-memcg-group-leaf.log").read_bytes())
    assert "4 more died with the victim: memory.oom.group of /app/b/c" in text_of(found)


@pytest.mark.parametrize(
    ("rows", "pid", "score", "release", "reason"),
    [
        ([(70, 1, 500, 0, "hog"), (71, 1, 400, 0, "b")], 70, 5, "3.13.0-27-generic", None),
        # Of equals the first wins until 5.2, the last from 5.3 on.
        ([(70, 1, 500, 0, "hog"), (71, 1, 500, 0, "b")], 70, 5, "4.4.0", None),
        ([(70, 1, 500, 0, "hog"), (71, 1, 500, 0, "b")], 71, 5, "4.4.0", Reason.TIE),
        # Root's bonus is 3 % of all memory until 3.13, 3 % of its own to 4.16, none since.
        ([(70, 0, 3400, 0, "hog"), (71, 1, 500, 0, "b")], 71, 5, "3.10.0-514.el7", None),
        ([(70, 0, 510, 0, "hog"), (71, 1, 500, 0, "b")], 71, 5, "4.4.0", None),
        ([(70, 0, 510, 0, "hog"), (71, 1, 500, 0, "b")], 70, 5, "4.17.0", None),
        ([(70, 1, 9000, 0, "hog"), (71, 1, 500, 0, "b")], 71, 5, "4.4.0", Reason.UNKNOWN),
        ([(70, 1, 600, 0, "hog"), (71, 1, 500, 0, "b")], 71, 5, "4.4.0", Reason.MOVED),
        ([(70, 0, 610, 0, "hog"), (71, 1, 500, 0, "b")], 71, 5, "4.4.0", Reason.ROOT),
        ([(70, 1, 600, 0, "hog")], 99, 5, "4.4.0", Reason.NOT_IN_TABLE),
        # -1000 is no weight but a ban, even where everybody else is at the least score there is.
        ([(70, 1, 600, -1000, "sshd"), (71, 1, 500, -900, "b")], 71, 0, "4.4.0", None),
    ],
)
def test_old_kernels_by_their_own_rules(
    rows: list[tuple[int, int, int, int, str]], pid: int, score: int, release: str, reason: Reason | None
) -> None:
    found = verdict(old(rows, pid, score, release=release))
    assert found.reason is reason
    assert bool(found.agrees) == (reason is None)


def test_a_printed_score_is_worked_out_again() -> None:
    rows = [(70, 1, 5000, 0, "hog"), (71, 1, 400, 0, "b")]
    assert "score 50, line 11, is what the table gives" in text_of(verdict(old(rows, 70, 50)))
    assert "the kernel printed score 55, line 11; the table gives 50" in text_of(verdict(old(rows, 70, 55)))


def test_roots_bonus_where_the_score_tells() -> None:
    rows = [(70, 0, 50000, 0, "hog"), (71, 1, 400, 0, "b")]
    assert "without root's bonus: the task had no CAP_SYS_ADMIN" in text_of(
        verdict(old(rows, 70, 500, release="4.8.0"))
    )


def test_a_sacrificed_child() -> None:
    found = verdict(old([(70, 1, 5000, 0, "hog"), (71, 1, 400, 0, "b")], 70, 50, killed=71))
    assert found.agrees
    assert found.reason is Reason.CHILD


def test_what_is_missing_is_said() -> None:
    raw = (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76]
    lost = [line for line in raw if not line.endswith(" batch")]
    found = verdict("\n".join(lost))
    assert (found.agrees, found.reason) == (None, Reason.NOT_IN_TABLE)
    assert found.sentences[0] == (
        "kernel says: 200 (batch); of the rows that are left oomsel says: 194 (chrome);"
        " whether they differ cannot be said: the kernel's victim is not in the table"
    )
    assert "the report is incomplete: no row of the victim, pid 200" in text_of(found)
    damaged = [
        line.replace("    40960        0             0 cron", "    4*960        0             0 cron") for line in raw
    ]
    assert "1 row unreadable, line 63" in text_of(verdict("\n".join(damaged)))


def test_totalpages_that_is_not_there() -> None:
    raw = (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76]
    text = "\n".join(line for line in raw if "pages RAM" not in line)
    found = text_of(verdict(text))
    assert "totalpages: of the report's Mem-Info block `pages RAM` is not in the log" in found
    assert "another total gives another answer; the kernel's choice leads from 28000 pages on" in found


@pytest.mark.parametrize(("total", "leads"), [(27_999, False), (28_000, True), (118_294, True)])
def test_the_bounds_of_totalpages_hold(total: int, leads: bool) -> None:
    scenario = oomsel.load(LOGS / "01-global-8cpu.log", log=LogOptions(event=1), overrides=[f"oom.totalpages={total}"])
    report = oomsel.select(scenario, mode="kernel")
    assert report.chosen is not None
    assert (report.system.tasks.comm[report.chosen] == b"batch") == leads


def test_intervals_where_the_cpus_are_known() -> None:
    raw = (LOGS / "25-one-cpu.boot.log").read_bytes()
    found = verdict(raw)
    assert found.interval is not None
    assert found.interval.per_counter == 31  # one CPU, a batch of 32
    assert found.interval.rivals[0].name == b"under"
    assert "others may truly have been larger than the victim: 137 (under) by up to" in text_of(found)
    assert verdict((LOGS / "25-one-cpu.log").read_bytes()).interval is None
    many = verdict((LOGS / "01-global-8cpu.log").read_bytes(), event=1, cpus=8)
    assert many.interval is not None
    assert many.interval.per_counter == 248
    assert many.interval.rivals == ()
    assert "which cannot have changed the victim" in text_of(many)


@pytest.mark.parametrize(
    ("release", "says"),
    [
        ("7.0.1", "Linux 7.0.1 adds every CPU's share to its counters, so they are exact"),
        ("6.1.0-56", "counts up to 64 faults of each thread apart"),
    ],
)
def test_no_claim_without_evidence(release: str, says: str) -> None:
    raw = (LOGS / "01-global-8cpu.log").read_text().replace("6.12.117+deb12-cloud-amd64", release)
    if release.startswith("6.1."):
        raw = (LOGS / "12-61-global.log").read_text()
    found = verdict(raw, cpus=8)
    assert found.interval is None
    assert says in text_of(found)


def test_two_snapshots_and_which_way() -> None:
    raw = (LOGS / "01-global-8cpu.log").read_text().replace("anon-rss:2048kB", "anon-rss:2248kB")
    assert "the kill line, line 76, has 50 pages more of RSS than the row, line 68: two snapshots" in text_of(
        verdict(raw, event=1)
    )


def test_a_constraint_that_mainline_has_not() -> None:
    raw = (LOGS / "01-global-8cpu.log").read_text()
    raw = raw.replace("CONSTRAINT_NONE", "CONSTRAINT_BPF_PSI_MEM").replace("task=batch,pid=200", "task=cron,pid=195")
    raw = raw.replace("Killed process 200 (batch)", "Killed process 195 (cron)")
    found = verdict(raw, event=1)
    assert found.reason is Reason.CONSTRAINT
    assert not found.agrees


def test_a_what_if_is_no_disagreement() -> None:
    raw = (LOGS / "01-global-8cpu.log").read_bytes()
    found = verdict(raw, event=1, overrides=["tasks[batch].oom_score_adj=0"])
    assert found.sentences[0] == "kernel says: 200 (batch); as changed, oomsel says: 194 (chrome)"


def test_the_memory_that_a_report_shows() -> None:
    log = oomsel.load(LOGS / "01-global-8cpu.log", log=LogOptions(event=1)).log
    lines = memory_summary(log.event, log.facts)
    assert lines[0] == "RAM 462.1 MiB usable of 511.5 MiB"
    assert lines[1] == "no swap"
    assert "node 0 DMA32: 140 kB free, below its min of 6724 kB, largest free block 64 kB" in lines
    assert any(line.startswith("node 0 DMA: 1736 kB free, below its min of 88 kB and the ") for line in lines)
    assert lines[-1] == "every zone is below its min, and there is no swap"
    assert memory_object(log.event, log.facts)["counts_pages"]["free"] == 469


@pytest.mark.parametrize(
    ("free_kb", "says", "is_full"),
    [(0, "swap 96.0 MiB, 0.0 MiB free", True), (49152, "swap 96.0 MiB, 48.0 MiB free", False)],
)
def test_the_swap_that_a_report_shows(free_kb: int, says: str, is_full: bool) -> None:
    raw = (LOGS / "07-swap.log").read_text().replace("Free swap  = 0kB", f"Free swap  = {free_kb}kB")
    log = oomsel.loads(raw).log
    lines = memory_summary(log.event, log.facts)
    assert says in lines
    assert lines[-1].endswith("and swap is full") == is_full


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("03-memcg.log", "the cgroup /app reached its limit of 98304 kB"),
        ("05-sysrq-f.log", "nothing failed: the kill was asked for by hand (sysrq f)"),
    ],
)
def test_why_it_failed(name: str, why: str) -> None:
    log = oomsel.load(LOGS / name).log
    assert memory_summary(log.event, log.facts)[-1] == why


VERY_OLD = """\
Jun  1 10:00:00 web kernel: httpd invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0
Jun  1 10:00:00 web kernel: Pid: 4001, comm: httpd Not tainted 2.6.32-71.el6.i686 #1
Jun  1 10:00:00 web kernel: Mem-Info:
Jun  1 10:00:00 web kernel: Free swap  = 0kB
Jun  1 10:00:00 web kernel: Total swap = 1048568kB
Jun  1 10:00:00 web kernel: 262128 pages RAM
Jun  1 10:00:00 web kernel: 8163 pages reserved
Jun  1 10:00:00 web kernel: [ pid ]   uid  tgid total_vm      rss cpu oom_adj name
Jun  1 10:00:00 web kernel: [ 3001]     0  3001     2000      300   0     -17 sshd
Jun  1 10:00:00 web kernel: [ 4001]    48  4001    60000    20000   1       0 httpd
Jun  1 10:00:00 web kernel: [ 4002]    27  4002    90000    50000   0       0 mysqld
Jun  1 10:00:00 web kernel: Out of memory: kill process 4001 (httpd) score 91234 or a child
Jun  1 10:00:00 web kernel: Killed process 4002 (mysqld)
"""


def test_2_6_32_is_read_and_its_formula_not_guessed_at() -> None:
    scenario = oomsel.loads(VERY_OLD)
    event = scenario.log.event
    assert [row.pid for row in event.rows] == [3001, 4001, 4002]
    assert (event.chosen.pid, event.kills[0].pid, event.is_complete) == (4001, 4002, True)
    assert [task.oom_score_adj for task in scenario.tasks] == [-1000, 0, 0]
    found = verdict(VERY_OLD)
    assert (found.kernel, found.reason) == ((4001, b"httpd"), Reason.UNPRINTED)
    assert "counts of a task also its children's sizes, its CPU time, its run time" in text_of(found)


@pytest.mark.parametrize(
    "line",
    [
        "Killed process 70 (ho (g) total-vm:40000kB, anon-rss:20000kB, file-rss:0kB",
        "Killed process 70, UID 1, (ho (g) total-vm:40000kB, anon-rss:20000kB, file-rss:0kB",
        "Killed process 70 (ho (g), UID 1, total-vm:40000kB, anon-rss:20000kB, file-rss:0kB, shmem-rss:0kB",
        "Killed process 70 (ho (g) vsz:40000kB, anon-rss:20000kB, file-rss:0kB",
        "Killed process 70 (ho (g)",
    ],
)
def test_kill_lines_of_every_kind(line: str) -> None:
    raw = old([(70, 1, 5000, 0, "ho (g"), (71, 1, 400, 0, "b")], 70, 50).split("\n")
    event = oomsel.loads("\n".join([*raw[:-2], f"[  100.000010] {line}"])).log.event
    assert (event.kills[0].pid, event.kills[0].comm) == (70, b"ho (g")
    assert event.kills[0].rss == (None if line.endswith("(ho (g)") else 20000)


def test_red_hats_words_before_the_score() -> None:
    raw = old([(70, 1, 5000, 0, "hog"), (71, 1, 400, 0, "b")], 70, 50)
    raw = raw.replace("(hog) score 50", "(hog) [State: 0 Flags: 4202752] score 50")
    assert "score 50, line 11, is what the table gives" in text_of(verdict(raw))


@pytest.mark.parametrize(
    ("name", "old", "new", "totalpages"),
    [
        ("03-memcg.log", "", "", 24576),
        ("03-memcg.log", "swap: usage 0kB, limit 9007199254740988kB", "swap: usage 0kB, limit 4096kB", 25600),
        ("03-memcg.log", "swap: usage 0kB, limit 9007199254740988kB", "swap: usage 0kB, limit 0kB", 24576),
        ("15-host-618.log", "memory+swap: usage 53248kB, limit 9007199254740988kB", "", 13312),
        (
            "15-host-618.log",
            "memory+swap: usage 53248kB, limit 9007199254740988kB",
            "memory+swap: usage 53248kB, limit 57344kB",
            14336,
        ),
        ("10-cpuset.log", "", "", 65504),
        ("10-cpuset.log", "Total swap = 0kB", "Total swap = 400kB", 65504 + 100),
        ("07-swap.log", "", "", 130939 - 12648 + 98300 // 4),
    ],
)
def test_totalpages_by_the_report(name: str, old: str, new: str, totalpages: int) -> None:
    raw = (LOGS / name).read_text(encoding="utf-8").replace(old, new)
    scenario = oomsel.loads(raw)
    assert scenario.log.facts.totalpages == totalpages
    assert oomsel.select(scenario).totalpages == totalpages


def test_init_could_not_have_been_chosen() -> None:
    raw = (LOGS / "25-one-cpu.boot.log").read_text(encoding="utf-8")
    raw = raw.replace("[    137]  1002   137", "[      1]  1002     1")
    interval = verdict(raw).interval
    assert interval is not None
    assert 1 not in {task.pid for task in interval.rivals}


@pytest.mark.parametrize(
    ("rows", "release", "score", "victim", "why"),
    [
        # Of equals the first, and not the last as 5.4 has it.
        ([(70, 1, 400, 0, "a"), (71, 1, 400, 0, "b")], "4.15.0", 4, 70, "of equals the first one in the scan"),
        # 30 of oom_score_adj are 3000 pages here.
        ([(70, 0, 4000, 0, "a"), (71, 1, 1500, 0, "b")], "3.10.0", 15, 71, None),
        ([(70, 0, 4000, 0, "a"), (71, 1, 900, 0, "b")], "3.10.0", 40, 70, "less root's bonus, 30 of its oom_score_adj"),
        ([(70, 0, 1000, 0, "a"), (71, 1, 975, 0, "b")], "3.16.0", 9, 71, None),
        # Thousandths of 100000 pages: 12 and 12, then 1 less of adj.
        ([(70, 1, 1210, 0, "a"), (71, 1, 1290, 0, "b")], "2.6.36", 12, 70, "of 100000 pages are 12 thousandths"),
        ([(70, 1, 1210, -1, "a"), (71, 1, 1290, 0, "b")], "2.6.36", 12, 71, None),
    ],
)
def test_what_is_printed_and_explained_of_an_old_kernel_is_its_own_choice(
    rows: list[tuple[int, int, int, int, str]], release: str, score: int, victim: int, why: str | None
) -> None:
    scenario = oomsel.loads(old(rows, victim, score, release=release))
    report = oomsel.select(scenario, mode="kernel")
    name = {row[0]: row[4] for row in rows}[victim]
    assert f"Killed process {victim} ({name})" in oomsel.kernel_lines(report)[-1]
    assert log_verdict(LogChoice(scenario.log, report)).agrees
    explained = "\n".join(explanation_lines(explain(report, report, "approximate")))
    assert f"{victim} ({name}) has the highest badness" in explained
    assert why is None or why in explained


def test_a_what_if_on_an_old_kernel_is_scored_by_its_formula() -> None:
    raw = old([(70, 0, 4000, 0, "a"), (71, 1, 900, 0, "b")], 70, 40, release="3.10.0")
    saved = oomsel.select(oomsel.loads(raw, overrides=["tasks[a].uid=1", "tasks[a].oom_score_adj=-30"]), mode="kernel")
    assert str(saved.victim) == "70 (a)"  # 1000 points, as many as root's
    other = oomsel.select(oomsel.loads(raw, overrides=["tasks[a].oom_score_adj=-2"]), mode="kernel")
    assert str(other.victim) == "71 (b)"
    newer = oomsel.select(oomsel.loads(raw, overrides=["tasks[a].oom_score_adj=-2"], kernel="6.1"), mode="kernel")
    assert str(newer.victim) == "70 (a)"  # root is nobody special any more


MEMCG = """\
[  100.000000] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[  100.000001] CPU: 1 PID: 300 Comm: a Not tainted 6.6.0 #101
{limits}
[  100.000007] Tasks state (memory values in pages):
[  100.000008] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[  100.000009] [    300]     0   300    25000    20000    40960        0             0 a
[  100.000010] [    301]     0   301     2000      500    40960        0 {adj:13d} b
[  100.000011] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/x,task_memcg=/x,\
task=a,pid=300,uid=0
[  100.000012] Memory cgroup out of memory: Killed process 300 (a) total-vm:100000kB, anon-rss:80000kB, file-rss:0kB, \
shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:0
"""
SWAP = """\
[  100.000003] memory: usage 102400kB, limit 102400kB, failcnt 12
[  100.000004] swap: usage 0kB, limit {}kB, failcnt 0"""


def test_a_cgroups_swap_limit_is_a_guess_without_the_machines_swap() -> None:
    found = verdict(MEMCG.format(limits=SWAP.format(102400), adj=500), cpus=4)
    assert found.reason is Reason.TOTALPAGES
    assert "the machine's swap is not printed: as much is taken for it" in text_of(found)
    assert "the kernel's choice leads up to 38999 pages" in text_of(found)


@pytest.mark.parametrize(
    ("limits", "adj", "claims"),
    [
        (SWAP.format(0), -1, "which cannot have changed the victim"),
        (SWAP.format(102400), -1, "if totalpages is 51200: with 4 CPUs"),
        (SWAP.format(102400), 0, "which cannot have changed the victim"),
        ("[  100.000003] Mem-Info:", -1, "as totalpages is not known, neither is"),
    ],
)
def test_what_counters_hid_is_claimed_where_scores_are_known(limits: str, adj: int, claims: str) -> None:
    found = verdict(MEMCG.format(limits=limits, adj=adj), cpus=4)
    assert found.agrees
    assert claims in found.counters[0]


def test_a_total_that_the_log_does_not_show_is_what_the_table_holds() -> None:
    scenario = oomsel.loads(MEMCG.format(limits="[  100.000003] Mem-Info:", adj=0))
    assert oomsel.select(scenario, mode="kernel").totalpages == 20500


def test_what_does_not_add_up_is_said() -> None:
    raw = (LOGS / "01-global-8cpu.log").read_text()
    row = next(line for line in raw.split("\n") if line.endswith(" java"))
    found = verdict(raw.replace(row, row.replace(" 13092 ", " 13091 ")), event=1)
    assert found.agrees
    assert "rss is not the sum of its parts in every row, by up to 1 pages, line" in text_of(found)
    # Both what is scored and what is printed go by the parts.
    assert "by the table pid 193 (java) has 913" in text_of(
        verdict(raw.replace(row, row.replace(" 12929 ", " 912929 ")), event=1)
    )


@pytest.mark.parametrize(("kb", "why"), [(20000, None), (20400, "two snapshots"), (4_000_000, "may be damaged")])
def test_how_far_a_kill_line_may_be_from_its_row(kb: int, why: str | None) -> None:
    text = old([(70, 1, 5000, 0, "hog"), (71, 1, 400, 0, "b")], 70, 50)
    said = text_of(verdict(text.replace("anon-rss:20000kB", f"anon-rss:{kb}kB")))
    assert "than the row" not in said if why is None else f"of RSS than the row, line 9: {why}" in said or why in said


def test_a_leader_that_has_exited_and_its_thread_are_one_process() -> None:
    raw = (LOGS / "09-leader-vfork-clonevm.log").read_text()
    cut = raw[: raw.index("Out of memory: Killed process 225")].rpartition("\n")[0]
    found = verdict(cut, event=raw[: len(cut)].count("oom-kill:constraint"))
    assert (found.kernel, found.oomsel, found.agrees) == ((192, b"deadleader"), (225, b"livethread"), True)


@pytest.mark.parametrize(
    ("raw", "overrides", "why"),
    [
        ((LOGS / "19-no-dump-tasks.log").read_text(), [], "Without a task table it cannot be said who else came near."),
        (
            (LOGS / "06-kill-allocating.log").read_text(),
            [],
            "The allocating task was killed without comparing badness.",
        ),
        (old([(70, 1, 500, 0, "a")], 70, 5), ["tasks[a].uid=7"], "This is not the report any more but a what-if"),
        (old([(70, 1, 500, 0, "a"), (71, 1, 900, 0, "b")], 70, 5), [], "The kernel's choice does not lead the table"),
        (old([(70, 1, 500, 0, "a")], 70, 5).rpartition("[  100.000009]")[0], [], "Whom the kernel chose is not in"),
    ],
)
def test_why_nothing_is_said_of_the_counters(raw: str, overrides: list[str], why: str) -> None:
    scenario = oomsel.loads(raw, overrides=overrides, log=LogOptions(event=1))
    found = log_evidence(scenario.log, oomsel.select(scenario, mode="kernel"))
    assert found.how_wrong[0].startswith(why)
