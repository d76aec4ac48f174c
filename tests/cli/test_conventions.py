"""What people expect of any command-line tool: help, completion, the man page, signals, colours, hints."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from oomsel.cli import COMMANDS, cli
from oomsel.cli.man import man_page
from tests.running import run

ROOT = Path(__file__).parents[2]
SMALLEST = ROOT / "examples/smallest.yaml"
OOMSEL = [sys.executable, "-m", "oomsel"]


def command_named(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_that_parses(name: str) -> None:
    command = command_named(name)
    assert command.epilog is not None
    example = re.sub(r"^\s*Example:\s*", "", command.epilog.replace("\b", ""))
    words = re.sub(r'^eval "\$\((.*)\)"$', r"\1", example).partition(" > ")[0].partition(" | ")[0].split()
    assert words[:2] == ["oomsel", name]
    command.make_context(name, words[2:])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    for parameter in command_named(name).params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name
    assert name in man_page(cli)


def test_help_imports_click_alone() -> None:
    code = "import sys\nfrom oomsel.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    heavy = {"numpy", "pydantic", "pydantic_core", "rich", "yaml", "json", "importlib.metadata", "hatchling", "pytest"}
    assert "click" in modules
    assert not heavy & set(modules)


def test_without_arguments_there_is_help() -> None:
    ran = run()
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("Usage: oomsel [OPTIONS] COMMAND [ARGS]...\n")


HINTS = [
    (["chek"], "no command chek; did you mean check?"),
    (["frobnicate"], "no command frobnicate; there are "),
    (["check", "--strikt", "x"], "--strict"),
    (["select", "--frmat", "json"], "--format"),
    (["select", "smalest.yaml"], "smalest.yaml: No such file or directory; did you mean smallest.yaml?"),
    (["check", "smalest.yaml"], "smalest.yaml: No such file or directory; did you mean smallest.yaml?"),
    (["diff", "smalest.yaml"], "smalest.yaml: No such file or directory; did you mean smallest.yaml?"),
]


@pytest.mark.parametrize(("args", "hint"), HINTS)
def test_hints(monkeypatch: pytest.MonkeyPatch, args: list[str], hint: str) -> None:
    monkeypatch.chdir(ROOT / "examples")
    ran = run(*args)
    assert (ran.status, ran.out) == (2, "")
    assert hint in ran.err
    assert ran.err.count("\n") == 1


def test_quiet_and_verbose(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(SMALLEST.read_text().replace("oomsel: 1", "oomsel: 1\nkernel: 99.1"))
    noted = run("select", path)
    assert "note: Linux 99.1 is newer than oomsel knows" in noted.err
    for args in (["-q", "select", path], ["select", "--quiet", path]):
        assert run(*args) == (0, noted.out, "")
    for args in (["-v", "select", path], ["select", "--verbose", path]):
        assert "note: 2 tasks, 4 CPUs online, a batch of 32; its kernel reads precisely" in run(*args).err


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
@pytest.mark.parametrize("args", [["check", "-v"], ["select", "--format", "table"]])
def test_a_pipe_is_coloured_only_by_force_and_never_wrapped(
    args: list[str], env: dict[str, str], coloured: bool
) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    ran = subprocess.run(
        [*OOMSEL, *args, str(SMALLEST)], capture_output=True, check=True, text=True, env=clean | env | {"COLUMNS": "20"}
    )
    assert ("\x1b[" in ran.stdout) == coloured
    assert max(len(line) for line in ran.stdout.splitlines()) > 40


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    big = tmp_path / "big.yaml"
    tasks = "".join(f"  - {{pid: {pid}, comm: t}}\n" for pid in range(1, 9000))
    big.write_text(f"oomsel: 1\nmachine: {{cpus: 1, ram: 1GiB}}\ntasks:\n{tasks}")
    command = f'"{sys.executable}" -m oomsel select {big} | head -1'
    ran = subprocess.run(["sh", "-c", command], capture_output=True, check=True, text=True)
    assert ran.stderr == ""


def test_workers_end_with_a_closed_pipe(tmp_path: Path) -> None:
    for index in range(200):
        (tmp_path / f"{index}.yaml").write_text(SMALLEST.read_text())
    command = f'"{sys.executable}" -m oomsel check -j 2 {tmp_path} | head -1'
    ran = subprocess.run(["sh", "-c", command], capture_output=True, check=True, text=True, timeout=30)
    # Nothing holds standard error open any more, or run() would still wait.
    assert ran.stderr == ""


def _opened_for_writing(fifo: Path, reader: subprocess.Popen[bytes]) -> int:
    """The pipe's other end as soon as the command has opened it; a command that ended does not hang the test."""
    while reader.poll() is None:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            time.sleep(0.01)
    raise AssertionError(reader.communicate())


def test_ctrl_c_is_quiet_and_130(tmp_path: Path) -> None:
    fifo = tmp_path / "never.yaml"
    os.mkfifo(fifo)
    # In a shell's background Ctrl-C is ignored, and would be by the command, too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen([*OOMSEL, "select", str(fifo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    writer = _opened_for_writing(fifo, process)  # the command reads, and waits for ever
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10) == (b"", b"")
    assert process.returncode == 130
    os.close(writer)


def test_the_man_page_has_every_command_and_option() -> None:
    page = man_page(cli)
    assert page.startswith('.TH OOMSEL 1 "')
    for name in COMMANDS:
        assert f".SS oomsel {name} " in page
        for parameter in command_named(name).params:
            for option in parameter.opts if isinstance(parameter, click.Option) else ():
                assert option.replace("-", "\\-") in page
    sections = re.findall("^[.]SH (.*)", page, re.MULTILINE)
    assert {"EXAMPLES", "INPUTS", "COMMON OPTIONS", "FILES", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO"} <= set(sections)
    assert page.count(r"\fB\-\-event N") == page.count(r"\fB\-\-set KEY=VALUE") == 1


@pytest.mark.parametrize("checker", [["man", "--warnings", "-l"], ["mandoc", "-Tlint"]], ids=lambda words: words[0])
def test_no_checker_of_man_pages_complains(checker: list[str], tmp_path: Path) -> None:
    program = shutil.which(checker[0])
    if program is None:
        pytest.skip(f"{checker[0]} is not installed")
    (tmp_path / "oomsel.1").write_text(man_page(cli), encoding="utf-8")
    shown = subprocess.run([program, *checker[1:], "oomsel.1"], cwd=tmp_path, capture_output=True, check=True)
    assert shown.stderr == b""
    assert shown.stdout == b"" if checker[0] == "mandoc" else b"EXIT STATUS" in shown.stdout
