"""What the first screen says beyond the choice: cgroups, growth, what else died, reports without a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import oomsel
from tests.running import run
from tests.support import DATA

REAL = DATA / "real-logs"


def explained(path: Path, *words: str) -> Any:
    ran = run("explain", "--format", "json", *words, path)
    assert ran.status == 0, ran.err
    return json.loads(ran.out)


def screen(path: Path, *words: str) -> str:
    """All of the text as one line."""
    ran = run("explain", *words, path)
    assert ran.status == 0, ran.err
    return " ".join(ran.out.split())


def kinds(path: Path) -> dict[str, dict[str, Any]]:
    return {each["kind"]: each for each in explained(path)["diagnosis"]}


V1 = """\
[   50.0] eater invoked oom-killer: gfp_mask=0x24000c0(GFP_KERNEL), order=0, oom_score_adj=0
[   50.0] CPU: 1 PID: 300 Comm: eater Not tainted 4.8.0 #1
[   50.0] Task in /jobs/a killed as a result of limit of /jobs
[   50.0] memory: usage 102400kB, limit 102400kB, failcnt 12
[   50.0] memory+swap: usage 112640kB, limit 204800kB, failcnt 3
[   50.0] kmem: usage 2048kB, limit 9007199254740988kB, failcnt 0
[   50.0] Memory cgroup stats for /jobs: cache:0KB rss:0KB swap:0KB
[   50.0] Memory cgroup stats for /jobs/a: cache:1024KB rss:91136KB swap:10240KB
[   50.0] Memory cgroup stats for /jobs/b: cache:4096KB rss:4096KB swap:0KB
[   50.0] [ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name
[   50.0] [  300]     0   300    40000    22000     100       3     2560             0 eater
[   50.0] Memory cgroup out of memory: Kill process 300 (eater) score 900 or sacrifice child
[   50.0] Killed process 300 (eater) total-vm:160000kB, anon-rss:88000kB, file-rss:0kB, shmem-rss:0kB
"""


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    path = tmp_path / "v1.log"
    path.write_text(V1)
    return path


def test_the_cgroups_below_have_lines_of_their_own_in_v1(v1: Path) -> None:
    usage = explained(v1)["usage"]
    sizes = {each["cgroup"]: (each["rss"] >> 10, each["swap"] >> 10, each["processes"]) for each in usage["by_cgroup"]}
    assert sizes == {"/jobs/a": (92160, 10240, None), "/jobs/b": (8192, 0, None), "/jobs": (0, 0, None)}
    held = {each["kind"]: each["size"] >> 10 for each in usage["by_kind"]}
    assert held == {"anon": 95232, "file": 5120, "kernel": 2048}
    assert "by cgroup, anonymous memory and page cache (from line 7 on): /jobs/a 90.0 MiB 92 %" in screen(v1)


def test_v1s_limits_of_swap_are_told(v1: Path) -> None:
    assert kinds(v1)["swap"]["figures"] == {"swap_limit": 100 << 20, "swap_used": 10 << 20, "failcnt": 3}
    assert "Its swap has room: 10.0 MiB of 100 MiB used; it has met that limit 3 times (failcnt)." in screen(v1)


def test_the_limit_of_both_goes_up_first(v1: Path) -> None:
    (advice,) = [each for each in explained(v1)["advice"] if each["kind"] == "raise-limit"]
    folder = "/sys/fs/cgroup/memory/jobs/memory"
    assert advice["line"] == f"echo 238M > {folder}.memsw.limit_in_bytes && echo 138M > {folder}.limit_in_bytes"


def test_a_limit_of_kernel_memory_is_told(v1: Path) -> None:
    v1.write_text(V1.replace("2048kB, limit 9007199254740988kB, failcnt 0", "2048kB, limit 2048kB, failcnt 77"))
    said = "Its kernel memory has a limit of its own, 2.0 MiB, of which it uses 2.0 MiB; it has met that 77 times"
    assert said in screen(v1)


def test_v1_of_today_counts_those_below_under_total(tmp_path: Path) -> None:
    path = tmp_path / "v1.log"
    path.write_text(
        "[   50.0] eater invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
        "[   50.0] memory: usage 102400kB, limit 102400kB, failcnt 12\n"
        "[   50.0] Memory cgroup stats for /jobs:\n"
        "[   50.0] cache 1048576\n[   50.0] rss 4096\n[   50.0] shmem 0\n"
        "[   50.0] total_cache 3145728\n[   50.0] total_rss 99614720\n[   50.0] total_shmem 1048576\n"
        + V1[V1.index("[   50.0] [ pid ]") :]
    )
    held = {each["kind"]: each["size"] for each in explained(path)["usage"]["by_kind"]}
    assert held["anon"] == 99614720
    assert (held["file"], held["shmem"]) == (2 << 20, 1 << 20)


CONTAINER = "ab12" * 16


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (f"/docker/{CONTAINER}", "docker update --memory 250m --memory-swap 314m ab12ab12ab12"),
        (f"/system.slice/docker-{CONTAINER}.scope", "docker update --memory 250m --memory-swap 314m ab12ab12ab12"),
        (f"/machine.slice/libpod-{CONTAINER}.scope", "podman update --memory 250m --memory-swap 314m ab12ab12ab12"),
        (f"/system.slice/cri-containerd-{CONTAINER}.scope", "crictl update --memory 262144000 ab12ab12ab12"),
        (f"/k8s.io/{CONTAINER}", f"echo 250M > /sys/fs/cgroup/k8s.io/{CONTAINER}/memory.max"),
        ("/system.slice/web.service", "systemctl set-property web.service MemoryMax=250M"),
        ("/jobs", "echo 250M > /sys/fs/cgroup/jobs/memory.max"),
    ],
)
def test_a_limit_is_in_the_words_of_who_owns_the_cgroup(path: str, line: str, tmp_path: Path) -> None:
    log = tmp_path / "memcg.log"
    log.write_text(
        "[   50.0] eater invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
        "[   50.0] memory: usage 204800kB, limit 204800kB, failcnt 12\n"
        "[   50.0] swap: usage 0kB, limit 65536kB, failcnt 0\n"
        f"[   50.0] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg={path},"
        f"task_memcg={path},task=eater,pid=300,uid=0\n"
        "[   50.0] Memory cgroup out of memory: Killed process 300 (eater) total-vm:400000kB, anon-rss:190000kB,"
        " file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:400kB oom_score_adj:0\n"
    )
    (advice,) = [each for each in explained(log)["advice"] if each["kind"] == "raise-limit"]
    assert advice["line"] == line


def test_what_grows_is_a_finding_with_times() -> None:
    found = kinds(REAL / "08-odd-comms.log")["growth"]
    points = found["figures"]["points"]
    assert [point["event"] for point in points] == [1, 2, 3, 4, 5]
    assert found["sentence"].startswith("al (loc)\\x0aate grew over 5 reports of this log: 272 MiB at 12.862720 s")
    assert found["figures"]["gained"] == points[-1]["rss"] - points[0]["rss"]


def test_what_else_died_is_told() -> None:
    found = explained(REAL / "08-odd-comms.log", "--event", "2")["also"]
    assert ([each["event"] for each in found["before"]], found["after"]) == ([1], [])
    assert [each["event"] for each in explained(REAL / "08-odd-comms.log")["also"]["after"]] == [2, 3, 4, 5]
    assert "ALSO 4 reports after it, until 14.648325 s: killed par) (en (196)" in screen(REAL / "08-odd-comms.log")


def test_a_group_is_a_cgroup_of_which_the_log_tells() -> None:
    (group,) = explained(REAL / "04-memcg-group-leaf.log")["usage"]["by_cgroup"]
    assert (group["cgroup"], group["processes"]) == ("/app/b/c", 5)


def test_a_what_if_tells_of_no_cgroup_that_the_log_does_not() -> None:
    assert explained(REAL / "03-memcg.log", "--set", "oom.totalpages=24576")["usage"]["by_cgroup"] == []


def test_of_a_group_the_victim_stands_first() -> None:
    """It is met again in the walk, as the second."""
    found = explained(REAL / "612-04-memcg-group-leaf.log")
    assert found["killed"][0]["comm"] == "c-big"


def test_memory_that_init_pins_stays() -> None:
    assert "its memory stays: init (pid 1) shares it" in screen(REAL / "73-40-pinned-by-init.log")


def test_a_lowered_limit_is_told() -> None:
    found = kinds(REAL / "73-42-max-lowered.log")["limit-lowered"]
    said = "The limit was being lowered to 30.0 MiB (memory_max_write) while the cgroup used 67.4 MiB."
    assert found["sentence"] == said
    text = screen(REAL / "73-42-max-lowered.log")
    assert "was lowering a cgroup's limit (memory_max_write), and wanted no memory itself." in text
    assert "whether the limit is too low" not in text


def test_a_table_without_rows_is_no_lost_table() -> None:
    text = screen(REAL / "73-42-max-lowered.log", "--event", "5")
    assert "is empty: nobody may be killed." in text
    assert "init (1)" not in text
    assert "who held the memory" not in text


def test_who_is_killed_for_allocating_is_told_once() -> None:
    text = screen(REAL / "06-kill-allocating.log")
    assert text.count("oom_kill_allocating_task") == 1
    assert "is killed for allocating, whatever its size. The log shows it, line" in text


def test_what_if_keeps_what_was_asked_for(v1: Path) -> None:
    """An old release's mask has other bits, and is told as the log has it."""
    text = screen(v1, "--set", "tasks[eater].oom_score_adj=1")
    assert "ASKED eater (pid 300) wanted 4 KiB for kernel memory; gfp_mask=0x24000c0(GFP_KERNEL)." in text
    assert "in one piece, order 2" in screen(v1, "--set", "oom.order=2")


def test_an_oom_score_adj_of_0_takes_off_nothing() -> None:
    text = screen(REAL / "01-global-8cpu.log", "--event", "1", "--set", "tasks[tiny].oom_score_adj=1000")
    assert "takes off 0" not in text
    text = screen(DATA.parent.parent / "examples" / "smallest.yaml", "--set", "tasks[small].oom_score_adj=900")
    assert "has oom_score_adj 0, which adds nothing" in text


def test_swap_that_is_turned_off_is_told() -> None:
    assert kinds(REAL / "73-41-swapoff-origin.log")["swapoff"]["figures"]["swap"] == 55734272


def test_a_machine_that_panics_could_have_killed() -> None:
    said = screen(REAL / "11-panic-on-oom.log")
    assert "Without vm.panic_on_oom the OOM killer kills 193 (hog1). sysctl vm.panic_on_oom=0" in said


KILLED = (
    "[    7.5] Memory cgroup out of memory: Killed process 300 (eater) total-vm:400000kB, anon-rss:190000kB,"
    " file-rss:2048kB, shmem-rss:0kB, UID:0 pgtables:400kB oom_score_adj:500\n"
)
INVOKED = "[    7.5] asker invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
SUMMARY = (
    "[    7.5] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/jobs,"
    "task_memcg=/jobs/a,task=eater,pid=300,uid=0\n"
)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (KILLED, ("KILLED eater (pid 300) 188 MiB oom_score_adj 500", "Open: who asked for memory, and for what")),
        (SUMMARY, ("cgroup /jobs ran out of memory", "KILLED eater (pid 300)", "in cgroup /jobs/a")),
        (SUMMARY + KILLED, ("cgroup /jobs ran out of memory", "188 MiB", "Why 300 (eater) and not another")),
        (INVOKED, ("KILLED not in the log: the end of the report is missing", "ASKED asker wanted 4 KiB")),
        (INVOKED + KILLED, ("ASKED asker wanted 4 KiB for kernel memory", "188 MiB oom_score_adj 500")),
        (
            INVOKED + "[    7.6] Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled\n",
            (
                "PANIC the machine panicked: Out of memory: system-wide",
                "is set to panic and not to kill",
                "ASKED asker",
            ),
        ),
    ],
)
def test_a_report_without_a_table_tells_what_it_has(text: str, sentences: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "cut.log"
    path.write_text(text)
    said = screen(path)
    for sentence in sentences:
        assert sentence in said
    assert "saves" not in said
    found = explained(path)
    assert found["missing"]
    assert found["rescues"] == []
    if INVOKED not in text and text != SUMMARY + KILLED:  # those have a victim, of whom a scenario can be made
        assert (found["mode"], found["tasks"], found["verdict"]) == (None, [], None)
    assert "### OOM: " in run("explain", "--format", "markdown", "--full", path).out


def test_a_what_if_on_a_report_without_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.log"
    path.write_text(KILLED)
    ran = run("explain", "--set", "oom.order=3", path)
    assert (ran.status, ran.out) == (2, "")
    assert "a kill line alone, so there is nothing to choose from" in ran.err


PART = (
    "oomsel: 1\nmachine: {cpus: 4, ram: 1GiB}\n"
    "description: 'only a part of the machine is seen: the pids are those of a container'\n"
)


def test_a_part_of_a_machine_is_not_called_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "part.yaml"
    path.write_text(f"{PART}tasks: [{{pid: 7, comm: a, rss: {{anon: 5000}}}}]\n")
    said = screen(path)
    assert "SEEN Only a part of the machine is seen: the pids are those of a container." in said
    assert "The largest of those seen" in said
    assert "Of those seen there was nobody else to choose." in said
    assert "who dies instead is not seen" in said
    for claim in ("panic", "The largest of all", "WARNING", "There was nobody else"):
        assert claim not in said


def test_of_a_part_nobody_to_kill_is_no_panic(tmp_path: Path) -> None:
    path = tmp_path / "part.yaml"
    path.write_text(f"{PART}tasks: [{{pid: 7, comm: a, oom_score_adj: -1000}}]\n")
    said = screen(path)
    assert "KILLED nobody of those seen may be killed; who else the machine has is not seen" in said
    assert "PANIC" not in said


def test_python_tells_of_a_part_what_the_command_tells(tmp_path: Path) -> None:
    path = tmp_path / "part.yaml"
    path.write_text(f"{PART}tasks: [{{pid: 7, comm: a, rss: {{anon: 10}}}}]\n")
    said = str(oomsel.explain(path))
    assert "SEEN" in said
    assert run("explain", path).out.startswith(said)


MACHINE = "the machine ran out of memory"
UNKNOWN = "memory ran out; whether the machine's, or that of the nodes to which a cpuset or a memory policy confined"
PANIC = "[ 7.6] Kernel panic - not syncing: Out of memory: {} panic_on_oom is enabled\n"


@pytest.mark.parametrize(
    ("name", "scope", "words"),
    [("10-cpuset.log", "not-memcg", UNKNOWN), ("01-global-8cpu.log", "global", MACHINE)],
)
def test_without_the_oom_kill_line_a_cpuset_may_have_confined_the_allocation(
    name: str, scope: str, words: str, tmp_path: Path
) -> None:
    """Where there is one node only, none can be left out."""
    path = tmp_path / "cut.log"
    lines = (REAL / name).read_text(errors="surrogateescape").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "oom-kill:constraint" not in line), errors="surrogateescape")
    assert words in screen(path)
    assert explained(path)["scope"]["kind"] == scope


def test_before_5_0_the_first_lines_tell_of_a_cpuset(tmp_path: Path) -> None:
    path = tmp_path / "kill.log"
    path.write_text(
        "[ 7.5] Out of memory: Kill process 42 (mysqld) score 912 or sacrifice child\n"
        "[ 7.5] Killed process 42 (mysqld) total-vm:9000kB, anon-rss:8000kB, file-rss:20kB\n"
    )
    assert UNKNOWN in screen(path)
    assert explained(path)["scope"]["kind"] == "not-memcg"
    assert json.loads(run("events", "--format", "json", path).out)[0]["constraint"] == "?"


@pytest.mark.parametrize(("which", "words"), [("system-wide", MACHINE), ("compulsory", UNKNOWN)])
def test_a_panic_line_alone_tells_what_ran_out_as_far_as_it_says(which: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "panic.log"
    path.write_text(PANIC.format(which))
    said = screen(path)
    assert words in said
    assert f"PANIC the machine panicked: Out of memory: {which} panic_on_oom is enabled" in said
    assert "nothing but the panic" in said
    ran = run("explain", "--format", "html", path)
    assert "line 1, as it stands there" in ran.out


def test_a_summary_counts_one_panic_as_one() -> None:
    assert "1 ends in a panic." in screen(REAL / "73-40-pinned-by-init.log", "--all-events")


def test_parts_of_a_cgroup_are_a_list_of_names_and_sizes(v1: Path) -> None:
    text = V1.replace("/jobs: cache:0KB", "/jobs: cache:2048KB shmem:2048KB")
    v1.write_text(text)
    assert "anonymous memory 93.0 MiB, page cache 5.0 MiB, shmem and tmpfs 2.0 MiB" in screen(v1, "--scores")


def test_a_kill_by_hand_is_one_without_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.log"
    lines = (REAL / "05-sysrq-f.log").read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if "invoked oom-killer" in line)
    last = next(number for number, line in enumerate(lines) if "Killed process" in line)
    path.write_text("".join(lines[first + 1 : last + 1]))
    said = screen(path)
    assert "a kill asked for by hand (sysrq f)" in said
    assert "ASKED sysrq f: somebody asked for a kill by hand." in said
    assert "the machine ran out" not in said
    path.write_text("".join(line for line in lines[first + 1 : last + 1] if "+0x" not in line))
    assert "who asked for memory, and for what, or whether somebody asked for a kill by hand (sysrq f)" in screen(path)


def test_another_report_without_an_end_is_not_said_to_have_killed_nobody(tmp_path: Path) -> None:
    path = tmp_path / "cut.log"
    lines = (REAL / "01-global-8cpu.log").read_text().splitlines(keepends=True)
    second = [number for number, line in enumerate(lines) if "invoked oom-killer" in line][1]
    path.write_text("".join(lines[: second + 3]))
    said = screen(path)
    assert "1 report after it, until 14.115291 s: the end is not in the log." in said
    assert "nobody was killed" not in said


def test_of_the_rows_that_are_left_one_has_the_most(v1: Path) -> None:
    row = "[   50.0] [  300]"
    other = row.replace("300", "301") + "     0   301    40000    12000     100       3     2560          -900 other\n"
    lines = [line for line in V1.splitlines(keepends=True) if " usage " not in line and "memory+swap" not in line]
    text = "".join(other if row in line else line for line in lines)
    v1.write_text(text)
    assert "of the rows that are left, 301 (other) has the most" in screen(v1)
