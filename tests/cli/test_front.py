"""What every command has and says alike: -q and -v, endings of files, number words, a full device, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from oomsel.cli import COMMANDS, cli
from oomsel.text import number_of
from tests.running import run
from tests.support import ROOT

SMALLEST = ROOT / "examples" / "smallest.yaml"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_quiet_and_verbose(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    options = [option for parameter in command.params for option in parameter.opts]
    for option in ("-q", "--quiet", "-v", "--verbose", "--color"):
        assert options.count(option) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["select", "--help"], ["select", str(SMALLEST)]])
def test_a_full_device_is_no_bug(words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run([sys.executable, "-m", "oomsel", *words], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (ran.returncode, ran.stderr) == (2, b"oomsel: standard output: No space left on device\n")


def test_ctrl_c_is_quiet_while_modules_are_imported(tmp_path: Path) -> None:
    # A click that never ends its import stands for a slow disk.
    (tmp_path / "click.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    env = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    code = """\
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
from oomsel.__main__ import main
main()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=tmp_path
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"importing\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 130


@pytest.mark.parametrize(
    "words",
    [
        ["convert", str(SMALLEST), "-o", "a.xml"],
        ["generate", "-o", "a.xml"],
        ["capture", "-o", "a.xml"],
        ["simulate", str(ROOT / "examples/studies/hopping.yaml"), "-o", "a.xml"],
        ["replay", str(ROOT / "examples/walk.trace.xz"), "-o", "a.xml"],
    ],
)
def test_a_scenario_is_not_written_under_another_ending(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run(*words)
    said = "a.xml: a scenario is not written as .xml; name it .yaml, .json or .npz"
    assert ran == (2, "", f"oomsel: {said}; see oomsel {words[0]} --help\n")
    assert not os.listdir()


@pytest.mark.parametrize("name", ["a", "a.yml", "a.YAML", "a.json", "a.npz", "a.b/c"])
def test_endings_that_a_scenario_may_have(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.b").mkdir()
    assert run("convert", SMALLEST, "-o", name) == (0, "", "")
    assert run("select", "--mode", "kernel", name).out == run("select", "--mode", "kernel", SMALLEST).out


@pytest.mark.parametrize(
    ("number", "what", "said"), [(1, "task", "1 task"), (2, "process", "2 processes"), (0, "CPU", "0 CPUs")]
)
def test_a_number_of_things(number: int, what: str, said: str) -> None:
    assert number_of(number, what) == said


def test_one_of_a_thing_is_not_many(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("oomsel: 1\nmachine: {cpus: 1, ram: 1GiB}\ntasks: [{pid: 7, comm: a, rss: {anon: 500}}]\n")
    said = run("-v", "select", path).err + run("generate", "--tasks", 1, "--cpus", 1).out
    said += run("explain", "--full", path).out + run("-v", "check", path).out
    for wrong in ("1 tasks", "1 CPUs", "1 processes", "1 scenarios", "of 1 CPU ", "1 pages", "1 points"):
        assert f" {wrong}" not in said
    assert "note: 1 task, 1 CPU online, a batch of 32" in said


@pytest.mark.parametrize(
    ("time", "instead"),
    [
        ("-1h", "1 hour ago"),
        ("-2 days", "2 days ago"),
        ("+1h", "1 hour ago"),
        ("1d", "1 day ago"),
        ("-3m", "3 minutes ago"),
    ],
)
def test_a_time_of_another_program_is_refused_with_the_right_form(time: str, instead: str) -> None:
    ran = run("events", "--since", time, ROOT / "examples/dmesg.log")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"oomsel: --since {time}: no time; say {instead}; see oomsel events --help\n"


def test_bench_tells_each_rows_floor() -> None:
    import json

    found = json.loads(run("bench", "--format", "json", "--tasks", 2, "--tasks", 900, "--cpus", 8, "--runs", 1).out)
    floors = {row["tasks"]: row["floor_ms"] for row in found["rows"]}
    assert floors[2] > 0
    assert floors[900] == found["floor_ms"]
