"""oomsel select: whole outputs, exit statuses, notes."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from oomsel.layout import wrapped
from tests.running import run
from tests.support import DATA, scenario_text

CONTEST = DATA / "real" / "02-contest-16cpu"
APPROXIMATE = (CONTEST / "expected.log").read_text(encoding="utf-8")

#: Two tasks whose order depends on how the counters are read.
FLIP = """\
oomsel: 1
kernel: "6.18"
machine: {cpus: 4, ram: 10000}
tasks:
- {pid: 10, comm: over, rss: {anon: {count: 640, deltas: {0: -31, 1: -31}}}}
- {pid: 11, comm: under, rss: {anon: {count: 608, deltas: {0: 31}}}, thread: {pid: 12, comm: live}}
"""
HEAD = """\
over invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
"""
KILL_OVER = f"""\
{HEAD}\
[     10]     0    10      578      640      640        0         0        0        0             0 over
[     12]     0    11      639      608      608        0         0        0        0             0 live
oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=over,pid=10,uid=0
Out of memory: Killed process 10 (over) total-vm:2312kB, anon-rss:2560kB, file-rss:0kB, shmem-rss:0kB, UID:0 \
pgtables:0kB oom_score_adj:0
"""
KILL_UNDER = f"""\
{HEAD}\
[     10]     0    10      578      578      578        0         0        0        0             0 over
[     12]     0    11      639      639      639        0         0        0        0             0 live
oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=under,pid=11,uid=0
Out of memory: Killed process 12 (live) total-vm:2556kB, anon-rss:2556kB, file-rss:0kB, shmem-rss:0kB, UID:0 \
pgtables:0kB oom_score_adj:0
"""
BOTH = f"""\
# approximate: every counter's global count alone
{KILL_OVER}\
# precise: what every CPU holds added in
{KILL_UNDER}\
# The modes disagree: approximate kills 10 (over) and truly frees 578 pages (2.3 MiB), precise kills 11 (under) and \
truly frees 639 pages (2.5 MiB); the approximate choice frees 61 pages (0.2 MiB) less.
"""


@pytest.fixture
def flip(tmp_path: Path) -> Path:
    path = tmp_path / "flip.yaml"
    path.write_text(FLIP, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (["--mode", "approximate"], KILL_OVER),
        (["--mode", "precise"], KILL_UNDER),
        (["--mode", "kernel"], KILL_OVER),
        (["--mode", "kernel", "--kernel", "7.0"], KILL_UNDER),
        ([], BOTH),
        (["--mode", "both"], BOTH),
    ],
)
def test_whole_outputs(flip: Path, arguments: list[str], out: str) -> None:
    assert run("select", *arguments, flip) == (0, out, "")


def test_lines_that_are_not_the_kernels_can_be_dropped(flip: Path) -> None:
    lines = run("select", flip).out.splitlines(keepends=True)
    assert "".join(line for line in lines if not line.startswith("# ")) == KILL_OVER + KILL_UNDER


def test_timestamps_and_the_reaper(flip: Path) -> None:
    lines = run("select", "--mode", "precise", "--timestamps", "--reaper", flip).out.splitlines()
    assert [line.removeprefix("[    0.000000] ") for line in lines] == [
        *KILL_UNDER.splitlines(),
        "oom_reaper: reaped process 12 (live), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    ]
    assert all(line.startswith("[    0.000000] ") for line in lines)
    comments = [line for line in run("select", "--timestamps", flip).out.splitlines() if "# " in line]
    assert [line[:2] for line in comments] == ["# "] * 3


def test_a_real_case_from_its_file() -> None:
    assert run("select", "--mode", "approximate", CONTEST / "scenario.yaml") == (0, APPROXIMATE, "")


def test_standard_input() -> None:
    assert run("select", "--mode", "approximate", "-", stdin=FLIP.encode()) == (0, KILL_OVER, "")
    assert run("select", "-", stdin=b"oomsel: 1\n").err.splitlines()[0] == (
        "oomsel: -:1:1: machine: required and missing; add it"
    )


def test_a_closed_standard_input(flip: Path) -> None:
    assert run("select", flip, "-", stdin=None) == (2, "", "oomsel: -: standard input is closed; name a file\n")


@pytest.mark.parametrize("command", ["select", "check"])
def test_a_file_of_somebody_else(flip: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    def refuse(name: str, *rest: object, **options: object) -> Any:
        if name == str(flip):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(name, *rest, **options)  # type: ignore[call-overload]

    real = open
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("os.access", lambda name, _: name != str(flip))
    ran = run(command, flip, f"{flip}x")
    assert (ran.status, ran.err.splitlines()) == (
        2,
        [f"oomsel: {flip}: Permission denied", f"oomsel: {flip}x: No such file or directory; did you mean {flip}?"],
    )


def test_several_inputs_are_headed_by_their_names(flip: Path) -> None:
    one = run("select", "--mode", "precise", flip).out
    two = run("select", "--mode", "precise", flip, "-", stdin=FLIP.encode())
    assert two == (0, f"# {flip}\n{one}# -\n{one}", "")


def test_one_wrong_input_spoils_all_and_nothing_is_written(flip: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("oomsel: 2\ntasks: []\n", encoding="utf-8")
    ran = run("select", flip, wrong, tmp_path / "none", tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        f"oomsel: {wrong}:1:1: machine: required and missing; add it",
        f"oomsel: {wrong}:1:9: oomsel: 2 is no format version that is known; use 1",
        f"oomsel: {wrong}:2:8: tasks: an empty list; a scenario has at least one task",
        f"oomsel: {tmp_path / 'none'}: No such file or directory",
        f"oomsel: {tmp_path}: Is a directory; name a file in it, only events and check take one",
    ]


def test_an_options_mistake_is_said_once(flip: Path) -> None:
    ran = run("select", "--kernel", "5.3", flip, flip)
    assert (ran.status, len(ran.err.splitlines())) == (2, 1)
    assert ran.err.startswith('oomsel: --kernel 5.3: kernel: "5.3" is older than 5.4')


def test_what_if(flip: Path) -> None:
    ran = run("select", "--mode", "approximate", "--set", "tasks[over].oom_score_adj=-999", flip)
    assert "Killed process 12 (live)" in ran.out
    ran = run("select", "--set", "tasks[10].uid=-1", "--set", "tasks[live].uid=5", flip)
    assert ran == (
        2,
        "",
        "oomsel: --set tasks[10].uid=-1: tasks[0].uid: -1 is no uid; use a whole number from 0 to 4294967295\n",
    )


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--exit-code"], 1),
        (["--exit-code", "--mode", "precise"], 1),
        (["--exit-code", "--format", "json"], 1),
        (["--exit-code", "--format", "table"], 1),
        (["--exit-code", "--kernel", "6.1"], 0),
        (["--exit-code", "--set", "tasks[over].oom_score_adj=-999"], 0),
        ([], 0),
    ],
)
def test_exit_code(flip: Path, arguments: list[str], status: int) -> None:
    assert run("select", *arguments, flip).status == status


def test_notes_are_on_standard_error(flip: Path) -> None:
    ran = run("select", "--mode", "approximate", "--kernel", "6.1", flip)
    assert ran.err == (
        f"oomsel: {flip}: note: Linux 6.1 counts RSS exactly here: deltas are folded in, both modes read the same\n"
    )
    ran = run("select", "--set", "oom.gfp_mask=GFP_NOFS", flip)
    assert (ran.status, ran.err) == (
        0,
        (
            f"oomsel: {flip}: note: the kernel prints nothing: the allocation may not enter the filesystem "
            "(no __GFP_FS), so nobody is killed for it\n"
        ),
    )
    assert ran.out.splitlines()[-1] == "# Both modes agree: each kills nobody."
    ran = run("select", "--set", "tasks[under].flags=[exiting]", "--set", "tasks[over].flags=[exiting]", flip)
    assert ran.err.startswith(f"oomsel: {flip}: note: the kernel prints nothing: the allocating task is dying")


def test_a_note_on_one_mode_says_which(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(FLIP.replace(", thread: {pid: 12, comm: live}", ", flags: [exiting]"), encoding="utf-8")
    ran = run("select", path)
    assert ran.err == (
        f"oomsel: {path}: note: precise: the kernel prints nothing: the chosen task is dying already, "
        "so it is not killed again\n"
    )
    assert ran.out.splitlines()[-1] == (
        "# The modes disagree: approximate kills 10 (over) and truly frees 578 pages (2.3 MiB), "
        "precise chooses 11 (under), dying already."
    )


def test_a_cgroup_in_json_moves_no_cursor() -> None:
    path = '"/\\x2d\\u009b\\u202e\\x7f"'
    text = f"""\
oomsel: 1
machine: {{cpus: 4, ram: 1GiB}}
memcgs: {{{path}: {{oom_group: true, max: 5}}}}
oom: {{memcg: {path}}}
tasks: [{{pid: 7, comm: a, memcg: {path}, rss: {{anon: 5}}}}]
"""
    ran = run("select", "--format", "json", "--mode", "precise", "-", stdin=text.replace("x2d", "\\x2d").encode())
    shown = r"/\x2d\xc2\x9b\xe2\x80\xae\x7f"  # as systemd writes a dash, which is no escape of ours
    data = json.loads(ran.out)
    assert [data["memcg"], data["oom_group"], data["tasks"][0]["memcg"]] == [shown] * 3
    assert ran.out.isascii()


def test_json(flip: Path) -> None:
    ran = run("select", "--format", "json", "--mode", "precise", flip)
    data = json.loads(ran.out)
    assert (ran.status, ran.err, data["input"], data["mode"]) == (0, "", str(flip), "precise")
    assert data["chosen"] == {"pid": 11, "comm": "under"}
    both = json.loads(run("select", "--format", "json", flip).out)
    assert (both["agree"], both["cost_pages"], both["approximate"]["chosen"]["pid"]) == (False, 61, 10)
    assert both["precise"] == {key: value for key, value in data.items() if key != "input"}
    several = json.loads(run("select", "--format", "json", flip, flip).out)
    assert several == [both, both]


def test_a_hostile_file_name_is_shown_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\n.yaml"
    path.write_text(FLIP, encoding="utf-8")
    assert run("select", path, path).out.startswith(f"# {tmp_path}/a\\x1b[31m\\x0a.yaml\n")
    path.write_text("x", encoding="utf-8")
    assert run("select", path).err.startswith(f"oomsel: {tmp_path}/a\\x1b[31m\\x0a.yaml:1:1: ")


def test_tables(flip: Path) -> None:
    sentence = "\n".join(wrapped(BOTH.splitlines()[-1].removeprefix("# ")))
    ran = run("select", "--format", "table", flip)
    assert ran == (
        0,
        (
            "Badness in pages, as each mode reads it; error is approximate minus precise.\n"
            "victim      pid name  adj oom_score approximate precise error  MiB\n"
            "approximate  10 over    0       709         640     578   +62 +0.2\n"
            "precise      11 under   0       706         608     639   -31 -0.1\n"
            f"{sentence}\n"
        ),
        "",
    )
    ran = run("select", "--format", "table", "--all", "--mode", "precise", flip, flip)
    table = (
        "Badness in pages, as each mode reads it; error is approximate minus precise.\n"
        "victim       pid  name   adj  oom_score  approximate  precise  error   MiB\n"
        "approximate   10  over     0        709          640      578    +62  +0.2\n"
        "precise       11  under    0        706          608      639    -31  -0.1\n"
        f"{sentence}\n"
    )
    assert ran == (0, f"# {flip}\n{table}# {flip}\n{table}", "")


def test_a_table_of_nobody() -> None:
    text = scenario_text("tasks: [{pid: 7, comm: a, oom_score_adj: -1000}]")
    ran = run("select", "--format", "table", "-", stdin=text.encode())
    assert (ran.status, ran.err) == (0, "")
    assert "1 that may not" in ran.out
