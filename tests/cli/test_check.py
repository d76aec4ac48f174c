"""`oomsel check`: what each expectation means, what is said, and the exit status."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from multiprocessing import get_start_method
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import oomsel
from oomsel.check.discover import why_not_checked
from tests.running import run

#: Two hogs: `over` is read too high, `under` too low; sshd is protected.
SCENARIO = """\
oomsel: 1
kernel: "6.12"
machine: {cpus: 16, ram: 1GiB}
memcgs: {/app: {oom_group: true}}
tasks:
  - {pid: 1, comm: init, rss: {anon: 10}}
  - {pid: 10, comm: sshd, oom_score_adj: -1000, rss: {anon: 100}}
  - {pid: 20, comm: over, rss: {anon: {count: 5000, deltas: {0-15: -31}}}}
  - {pid: 21, comm: under, rss: {anon: {count: 4600, deltas: {0-15: 31}}}}
  - {pid: 30, comm: worker, memcg: /app, rss: {anon: 50}}
  - {pid: 31, comm: worker, memcg: /app, rss: {anon: 60}}
"""
GROUP = "oom: {memcg: /app}\n"


@pytest.fixture(autouse=True)
def outside_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CI", "GITHUB_ACTIONS", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def write(expect: str, more: str = "", name: str = "s.yaml") -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(f"{SCENARIO}{more}expect: {expect}\n")
    return name


HOLDS = [
    ("{approximate: {victim: over}, precise: {victim: 21}}", ""),
    ("{never: [sshd, 30]}", ""),
    ("{approximate: {kills: [20]}}", ""),
    ("{kills: [worker, 31]}", GROUP),
    ("{victim: 31, kills: [31, 30], robust: false}", GROUP),
    ("{nobody: true}", "oom: {gfp_mask: __GFP_DIRECT_RECLAIM}\n"),
    ("{nobody: true, kills: []}", "oom: {gfp_mask: __GFP_DIRECT_RECLAIM}\n"),
    ("{panic: true}", "sysctl: {panic_on_oom: 1}\n"),
    ("{robust: true}", "sysctl: {panic_on_oom: 1}\n"),
    ("{victim: over, robust: true}", "sysctl: {oom_kill_allocating_task: 1}\noom: {current: 20}\n"),
]

FAILS = [
    ("{victim: over}", "", 'expect.victim: expected "over"; precise kills 21 (under)'),
    ("{victim: 7}", "", "expect.victim: expected pid 7; approximate kills 20 (over) and precise kills 21 (under)"),
    ("{precise: {victim: over}}", "", 'expect.precise.victim: expected "over"; precise kills 21 (under)'),
    ("{never: [sshd, 20]}", "", "expect.never[1]: never pid 20; approximate kills 20 (over)"),
    ("{never: [30]}", GROUP, "expect.never[0]: never pid 30; each mode kills 31 (worker), 30 (worker)"),
    ("{kills: [31]}", GROUP, "expect.kills: expected to be killed: pid 31; each mode kills 31 (worker), 30 (worker)"),
    (
        "{kills: [31, 30, worker]}",
        GROUP,
        'expect.kills: expected to be killed: pid 31, pid 30, "worker"; each mode kills 31 (worker), 30 (worker)',
    ),
    ("{nobody: true}", GROUP, "expect.nobody: expected that nobody is killed; each mode kills 31 (worker) and 1 more"),
    ("{panic: true}", GROUP, "expect.panic: expected a panic; each mode kills 31 (worker) and 1 more"),
    ("{robust: true}", "", "expect.robust: not robust: approximate kills 20 (over) and precise kills 21 (under)"),
    (
        "{robust: true}",
        GROUP,
        (
            "expect.robust: not robust: the CPUs may hide so much that 31 (worker) has a badness of only 0 pages"
            " and 30 (worker) one of 2034"
        ),
    ),
]


@pytest.mark.parametrize(("expect", "more"), HOLDS)
def test_holds(expect: str, more: str) -> None:
    ran = run("check", write(expect, more))
    assert ran == (0, "ok      s.yaml\n1 scenario: 1 ok\n", "")


@pytest.mark.parametrize(("expect", "more", "message"), FAILS)
def test_fails(expect: str, more: str, message: str) -> None:
    ran = run("check", write(expect, more))
    assert (ran.status, ran.err) == (1, "")
    first, second, last = ran.out.splitlines()
    assert (first, last) == ("FAILED  s.yaml", "1 scenario: 0 ok, 1 failed")
    place, _, said = second.strip().partition(": ")
    assert place.startswith("s.yaml:12:" if not more else "s.yaml:13:")
    assert said == message


def test_output_is_compared_to_the_byte_and_written_by_update() -> None:
    name = write("{approximate: {output: golden/a.log}, output: both.log}")
    Path("golden").mkdir()
    missing = run("check", name)
    assert missing.status == 1
    assert "s.yaml:12:10: expect.output: both.log is not there; --update writes it" not in missing.out
    assert "expect.output: both.log is not there; --update writes it" in missing.out
    updated = run("check", "--update", name)
    assert updated == (0, "ok      s.yaml\n  wrote both.log\n  wrote golden/a.log\n1 scenario: 1 ok\n", "")
    assert Path("both.log").read_text() == run("select", name).out
    alone = run("select", "--mode", "approximate", name).out
    assert Path("golden/a.log").read_text() == alone
    assert run("check", name).status == 0
    Path("golden/a.log").write_text(alone.replace("5000", "5001", 1))
    differs = run("check", name)
    assert differs.status == 1
    assert "expect.approximate.output: golden/a.log differs from what happens\n    --- golden/a.log" in differs.out


@pytest.mark.parametrize("mode", ["kernel", "both"])
def test_output_of_either_form_is_recognised(mode: str) -> None:
    name = write("{output: out.log}")
    Path("out.log").write_text(run("select", "--mode", mode, name).out)
    assert run("check", name).status == 0
    assert run("check", "--update", name).out == "ok      s.yaml\n1 scenario: 1 ok\n"


def test_tolerance_is_a_slack_in_pages_for_numbers_of_memory() -> None:
    name = write("{output: out.log, tolerance: 8}")
    text = run("select", "--mode", "kernel", name).out
    near = text.replace("    5000 ", "    5008 ").replace("anon-rss:20000kB", "anon-rss:19968kB")
    assert near != text
    for golden, status in (
        (near, 0),
        (near.replace("    5008 ", "    5009 "), 1),
        (near.replace("19968kB", "19964kB"), 1),
        (near.replace("uid=0", "uid=1"), 1),
        (text.replace("sshd", "sshe"), 1),
    ):
        Path("out.log").write_text(golden)
        assert run("check", name).status == status, golden


@pytest.mark.parametrize(("value", "status"), [("true", 2), ("1", 2), ("false", 0), ("", 0)])
def test_update_is_refused_in_ci(monkeypatch: pytest.MonkeyPatch, value: str, status: int) -> None:
    monkeypatch.setenv("CI", value)
    ran = run("check", "--update", write("{output: o.log}"))
    assert ran.status == status
    assert Path("o.log").exists() == (status == 0)


def test_folders_are_searched_and_other_files_passed_over() -> None:
    write("{never: [sshd]}", name="d/b/two.yml")
    write("{never: [sshd]}", name="d/one.yaml")
    write("{victim: nobody}", name="d/.hidden/three.yaml")
    Path("d/other.yaml").write_text("services:\n  oomsel: 1\n")
    Path("d/schema.json").write_text(json.dumps({"properties": {"oomsel": {}}}))
    ran = run("check", "d", "d/one.yaml")
    assert ran.out == "ok      d/one.yaml\nok      d/b/two.yml\n2 scenarios: 2 ok; 2 other files not checked\n"
    Path("empty").mkdir()
    nothing = run("check", "empty")
    assert (nothing.status, nothing.out) == (2, "")
    assert nothing.err.startswith("oomsel: empty: no scenario in this folder; ")


#: Forms that are as valid as any, whose key `oomsel` does not begin a line.
FORMS = {
    "bom.yaml": b"\xef\xbb\xbf" + SCENARIO.encode(),
    "indented.yaml": "".join(f"  {line}\n" for line in SCENARIO.splitlines()).encode(),
    "flow.yml": b"--- {oomsel: 1, machine: {cpus: 1, ram: 9}, tasks: [{pid: 7, comm: a}]}\n",
    "json.yaml": b'{"machine": {"cpus": 1, "ram": 9}, "oomsel": 1, "tasks": [{"pid": 7, "comm": "a"}]}',
    "broken.yaml": b'{"machine": {"cpus": 1, "ram": 9}, "oomsel": 1, "tasks": [',
}


def test_scenarios_of_any_form_are_found() -> None:
    for name, raw in FORMS.items():
        Path(name).write_bytes(raw)
        assert why_not_checked(name) is None, name
    run("convert", write("{victim: 7}", name="d/s.yaml"), "-o", "d/s.npz")
    np.savez("d/other.npz", data=np.zeros(3))
    ran = run("check", "d")
    assert (ran.status, ran.out.splitlines()[-1]) == (1, "2 scenarios: 0 ok, 2 failed; 1 other file not checked")
    for name, text in {"other.yaml": "a:\n  oomsel: 1\n", "text.yaml": "a: oomsel\n b", "s.json": "[1]"}.items():
        Path(name).write_text(text)
        assert why_not_checked(name) == "it has no key oomsel at its top", name


def test_a_pipe_in_a_folder_is_not_waited_for() -> None:
    write("{never: [sshd]}", name="d/a.yaml")
    os.mkfifo("d/pipe.yaml")
    assert run("check", "d").out.endswith("1 scenario: 1 ok; 1 other file not checked\n")


@pytest.mark.parametrize("output", ["s.yaml", "link.yaml"])
def test_a_scenario_is_not_its_own_golden_file(output: str) -> None:
    name = write(f"{{precise: {{output: {output}}}}}")
    Path("link.yaml").symlink_to(name)
    before = Path(name).read_text()
    ran = run("check", "--update", name)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"oomsel: s.yaml: expect.precise.output: {output} is the scenario itself; name another file\n"
    assert Path(name).read_text() == before


def test_update_does_not_follow_a_link_out_of_the_folder() -> None:
    Path("elsewhere.log").write_text("precious\n")
    name = write("{precise: {output: sub/o.log}}", name="d/s.yaml")
    Path("d/sub").mkdir()
    Path("d/sub/o.log").symlink_to("../../elsewhere.log")
    ran = run("check", "--update", name)
    assert (ran.status, ran.out) == (2, "")
    assert "expect.precise.output: d/sub/o.log is a link to " in ran.err
    assert Path("elsewhere.log").read_text() == "precious\n"
    Path("d/sub/o.log").unlink()
    Path("d/sub/o.log").symlink_to("../real.log")
    assert run("check", "--update", name).status == 0
    assert Path("d/real.log").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda path: path.symlink_to("../secret"), "is a link to "),
        (lambda path: path.symlink_to("/dev/zero"), "is a link to /dev/zero, outside of the scenario's folder"),
        (os.mkfifo, "is no regular file; name one"),
        (os.mkdir, "is no regular file; name one"),
    ],
)
def test_a_golden_file_is_a_regular_one_below_the_folder(make: Callable[[Path], object], wrong: str) -> None:
    Path("secret").write_text("password\n")
    name = write("{output: gold.log}", name="inside/s.yaml")
    make(Path("inside/gold.log"))
    ran = run("check", name)
    assert (ran.status, ran.out) == (2, "")
    assert f"{name}: expect.output: inside/gold.log {wrong}" in ran.err


def test_links_in_a_loop_are_told() -> None:
    Path("gold.log").symlink_to("gold.log")
    ran = run("check", write("{output: gold.log}"))
    assert (ran.status, ran.err) == (2, "oomsel: gold.log: Too many levels of symbolic links\n")


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("too deep"), ValueError("a bug")])
@pytest.mark.parametrize("jobs", [1, 2])
def test_whatever_goes_wrong_is_that_scenarios_alone(
    error: Exception, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if jobs > 1 and get_start_method() != "fork":
        pytest.skip("what is patched here is not patched in a process that begins anew")
    load = oomsel.load

    def fails(name: str, **options: Any) -> oomsel.Scenario:
        if name == "b.yaml":
            raise error
        return load(name, **options)

    monkeypatch.setattr("oomsel.inputs.load.load", fails)
    names = [write("{never: [sshd]}", name=f"{letter}.yaml") for letter in "abc"]
    ran = run("check", "--jobs", jobs, "--junit", "out.xml", *names)
    assert (ran.status, ran.out) == (2, "ok      a.yaml\nok      c.yaml\n3 scenarios: 2 ok, 1 with errors\n")
    assert ran.err.startswith("oomsel: b.yaml: not enough memory" if not str(error) else "oomsel: b.yaml: a bug: ")
    assert 'tests="3" failures="0" errors="1"' in Path("out.xml").read_text()


def test_a_killed_worker_is_its_scenarios_error(monkeypatch: pytest.MonkeyPatch) -> None:
    if get_start_method() != "fork":
        pytest.skip("what is patched here is not patched in a process that begins anew")
    load = oomsel.load

    def dies(name: str, **options: Any) -> oomsel.Scenario:
        if name == "b.yaml":
            os._exit(9)
        return load(name, **options)

    monkeypatch.setattr("oomsel.inputs.load.load", dies)
    names = [write("{never: [sshd]}", name=f"{letter}.yaml") for letter in "abc"]
    ran = run("check", "--jobs", 2, *names)
    assert (ran.status, ran.out) == (2, "ok      a.yaml\nok      c.yaml\n3 scenarios: 2 ok, 1 with errors\n")
    assert ran.err.startswith("oomsel: b.yaml: the process that checked it was killed")


def test_one_golden_file_for_two_outcomes_is_told() -> None:
    name = write("{approximate: {output: o.log}, precise: {output: o.log}}")
    ran = run("check", "--update", name)
    assert ran.status == 1
    assert "o.log is to hold something else for expect.precise.output; name a file for each" in ran.out
    assert not Path("o.log").exists()


def test_log_options_are_heard() -> None:
    name = write("{never: [sshd]}")
    ran = run("check", "--event", "99", name)
    assert (ran.status, ran.err) == (
        2,
        "oomsel: s.yaml: --event is for kernel logs, and this is none; leave it out\n",
    )
    text = run("select", "--mode", "kernel", name).out
    Path("a.log").write_text("".join(f"[   11.052000] {line}\n" for line in text.splitlines()))
    assert "no report number 99" in run("check", "--event", "99", "a.log").err
    assert run("check", "--event", "1", "a.log").status == 0


def test_trouble_is_2_and_does_not_hide_the_others() -> None:
    write("{never: [sshd]}", name="d/a.yaml")
    write("{wrong: 1}", name="d/b.yaml")
    write("{victim: 7}", name="d/c.yaml")
    ran = run("check", "d")
    assert ran.status == 2
    assert ran.err.startswith("oomsel: d/b.yaml:12:10: expect.wrong: unknown key; ")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["ok", "FAILED", "d/c.yaml:12:18:", "3"]
    stopped = run("check", "--fail-fast", "d")
    assert stopped.out.endswith("\n2 scenarios: 1 ok, 1 with errors\n")
    alone = run("check", "d/b.yaml")
    assert (alone.status, alone.out) == (2, "")


def test_without_expect() -> None:
    Path("s.yaml").write_text(SCENARIO)
    ran = run("check", "s.yaml")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == "none    s.yaml: no expect in it, so nothing is held against what happens"
    strict = run("check", "--strict", "s.yaml")
    assert strict.status == 1
    assert "no expect in it, and --strict wants one" in strict.out


def test_a_guard_that_cannot_fail_is_noted() -> None:
    name = write("{never: [sshdd]}")
    ran = run("check", name)
    assert ran.status == 0
    assert ran.err == 'oomsel: s.yaml: note: expect.never[0]: no task here is "sshdd", so this can never fail\n'
    assert run("check", "-q", name) == (0, "", "")
    assert run("check", "--strict", name).status == 1


def test_several_processes_say_the_same() -> None:
    for index in range(6):
        write("{victim: 7}" if index == 3 else "{never: [sshd]}", name=f"d/{index}.yaml")
    one = run("check", "d")
    assert run("check", "-j", "2", "d") == one
    assert run("check", "-j", "2", "--fail-fast", "d").out.endswith("4 scenarios: 3 ok, 1 failed\n")


def test_junit_and_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    write("{never: [sshd]}", name="d/a.yaml")
    write("{wrong: 1}", name="d/b,c.yaml")
    write('{victim: "<&%"}', name="d/d.yaml")
    Path("d/e.yaml").write_text(SCENARIO)
    ran = run("check", "--junit", "j.xml", "d")
    marks = [line for line in ran.out.splitlines() if line.startswith("::")]
    assert marks[0].startswith("::error file=d/b%2Cc.yaml,line=12,col=10,title=oomsel check::expect.wrong: unknown key")
    assert marks[1].startswith(
        '::error file=d/d.yaml,line=12,col=18,title=oomsel check::expect.victim: expected "<&%25"'
    )
    suite = ElementTree.parse("j.xml").getroot()[0]  # noqa: S314
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert [[child.tag for child in case] for case in suite] == [[], ["error"], ["failure"], ["skipped"]]


def test_marks_are_relative_to_the_workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    name = write("{victim: 7}", name="d/e/a.yaml")
    monkeypatch.chdir("d")
    for given in ("e", "../d/e/a.yaml", str(tmp_path / name)):
        assert "::error file=d/e/a.yaml,line=12," in run("check", given).out
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    assert "::error file=e/a.yaml,line=12," in run("check", "e").out


def test_the_jobs_summary_gets_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    write("{victim: 7}", name="d/a|b.yaml")
    write("{never: [sshd]}", name="d/c.yaml")
    assert run("check", "d").status == 1
    assert summary.read_text().splitlines() == [
        "before",
        "### oomsel check",
        "",
        "2 scenarios: 1 ok, 1 failed.",
        "",
        "| scenario | what is wrong |",
        "|---|---|",
        (
            "| d/a\\|b.yaml | 12:18: expect.victim: expected pid 7; approximate kills 20 (over) and precise kills"
            " 21 (under) |"
        ),
    ]
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "such"))
    ran = run("check", "d/c.yaml")
    assert ran.status == 0
    assert "the summary cannot be written: No such file or directory" in ran.err


def test_the_summary_names_files_by_their_place_in_the_repository(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write("{victim: 7}", name="d/a.yaml")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.chdir("d")
    assert run("check", "a.yaml").status == 1
    assert Path("../summary").read_text().splitlines()[-1].startswith("| d/a.yaml | 12:18: expect.victim: ")


def test_a_repository_without_scenarios_is_a_quiet_success(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    Path("empty").mkdir()
    assert run("check", "--allow-empty", "empty") == (0, "", "")
    assert not (tmp_path / "summary").exists()
    assert run("check", "empty").status == 2
    write("{victim: 7}", name="d/a.yaml")
    assert run("check", "--allow-empty", ".").status == 1
    assert run("check", "--allow-empty", "nowhere").status == 2


def test_names_are_printable() -> None:
    name = write('{victim: "\\x1b[31m"}', name="d/\x1b[31m.yaml")
    ran = run("check", "d")
    assert Path(name).exists()
    assert ran.status == 1
    assert "\x1b" not in ran.out
    assert '\\x1b[31m.yaml:12:18: expect.victim: expected "\\x1b[31m"' in ran.out


#: A section `expect` in which one thing does not hold, where that stands, and its key.
PLACES = [
    ("expect:\n  # why\n\n  never: [\n   sshd, 20 ]\n", "20 ]", "expect.never[1]"),
    ("expect: {\n never: [*name, over]\n}\n", "over]", "expect.never[1]"),
    ("expect: {precise: {victim: 21},\n  approximate: {victim: 77}}\n", "77}}", "expect.approximate.victim"),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("expect", "wrong", "key"), PLACES)
def test_the_place_of_a_failure(expect: str, wrong: str, key: str, first: bool, newline: str) -> None:
    head, tasks = SCENARIO.split("tasks:\n")
    tasks = f"tasks:\n{tasks}".replace("comm: sshd", "comm: &name sshd")
    text = head + expect + tasks if first and "*" not in expect else head + tasks + expect
    Path("s.yaml").write_bytes(text.replace("\n", newline).encode())
    before = text[: text.index(wrong)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert f"s.yaml:{line}:{column}: {key}: " in run("check", "s.yaml").out


def test_json_and_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [{"pid": 7, "comm": "a"}]
    scenario = {"oomsel": 1, "machine": {"cpus": 1, "ram": 9}, "tasks": tasks, "expect": {"victim": 8}}
    raw = json.dumps(scenario)
    Path("s.json").write_text(raw)
    column = raw.index("8}}") + 1
    assert f"s.json:1:{column}: expect.victim: " in run("check", "s.json").out
    ran = run("check", "-", stdin=raw.encode())
    assert ran.out.splitlines()[1] == "  -: expect.victim: expected pid 8; each mode kills 7 (a)"


def test_the_examples_hold() -> None:
    ran = run("check", "--strict", Path(__file__).parents[2] / "examples")
    assert (ran.status, ran.err) == (0, "")
