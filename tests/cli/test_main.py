"""The command line as a whole: help, usage errors, bugs, start-up, pipes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

import oomsel
from oomsel.cli import COMMANDS, cli
from tests.cli.test_select import FLIP
from tests.running import run
from tests.support import DATA


def test_version_and_help() -> None:
    assert run("--version") == (0, f"oomsel {oomsel.__version__}\n", "")
    ran = run("--help")
    assert (ran.status, ran.err) == (0, "")
    assert all(name in ran.out for name in COMMANDS)
    assert run("-h") == ran
    assert run() == run() != ran


def test_every_command_and_option_is_documented() -> None:
    context = click.Context(cli)
    commands = [cli.get_command(context, name) for name in cli.list_commands(context)]
    for command in [cli, *commands]:
        assert command is not None
        assert command.help
        assert command is cli or re.match("\b\nExample:\n  (oomsel|eval) ", command.epilog or "")
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["selct"], "no command selct; did you mean select?; see oomsel --help"),
        (["\x1b[2J"], r"no command \x1b[2J; there are "),
        (["select"], "-: empty; a scenario begins with oomsel: 1"),
        (["select", "--mod", "x", "f"], "no option --mod; did you mean --mode?; see oomsel select --help"),
        (
            ["select", "--mode", "x", "f"],
            "--mode: no x; use one of approximate, precise, two-pass, both, kernel",
        ),
        (["select", "--set"], "--set is without its value; give one"),
        (["--quiet=3", "select"], "--quiet takes no value; leave it out"),
        (["events"], "LOG... is missing; name it; see oomsel events --help"),
        (["sweep", "x"], "--output is missing; name it; see oomsel sweep --help"),
        (["completion"], "SHELL is missing; use one of bash, zsh, fish; see oomsel completion --help"),
        (["completion", "zsh", "x", "y"], "x y: more than is taken; leave it out; see oomsel completion --help"),
        (["select", "-kernel", "6.1", "f"], "no option -k; did you mean --kernel?; see oomsel select --help"),
        (["select", "-mode=precise", "f"], "no option -m; did you mean --mode?; see oomsel select --help"),
        (["select", "-x", "f"], "no option -x; see oomsel select --help"),
        (["--nope"], "no option --nope; see oomsel --help"),
    ],
)
def test_usage_errors_are_one_line(arguments: list[str], line: str) -> None:
    ran = run(*arguments)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert ran.err.startswith(f"oomsel: {line}")


def test_a_bug_is_one_line_and_the_traceback_is_for_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines \x1b")

    monkeypatch.setattr("oomsel.inputs.load.load", broken)
    line = r"oomsel: a bug: RuntimeError: two lines \x1b; please report it, with the output of oomsel --debug ..."
    assert run("select", "-") == (2, "", f"{line}\n")
    ran = run("--debug", "select", "-")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("Traceback (most recent call last):\n")
    assert ran.err.endswith(f"{line}\n")


def test_an_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("oomsel.inputs.load.load", interrupted)
    ran = run("select", "-")
    assert (ran.status, ran.err.strip()) == (130, "")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_start_up_imports_click_alone(option: str) -> None:
    code = f"""\
import sys
from oomsel.cli import main
try:
    main([{option!r}])
except SystemExit:
    heavy = {{"numpy", "pydantic", "pydantic_core", "yaml", "rich", "json", "importlib.metadata"}}
    sys.exit(", ".join(sorted(heavy & set(sys.modules))) or 0)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_select_imports_neither_pydantics_models_nor_rich_nor_the_log_reader() -> None:
    code = """\
import sys
from oomsel.cli import main
try:
    main(["select", "-"])
except SystemExit:
    heavy = {"pydantic", "rich", "importlib.metadata", "oomsel.klog.prefix", "oomsel.klog.parser"}
    sys.stderr.write(", ".join(sorted(heavy & set(sys.modules))))
"""
    ran = subprocess.run([sys.executable, "-c", code], input=FLIP.encode(), capture_output=True, check=True)
    assert ran.stderr == b""


def test_as_a_module_and_in_any_locale() -> None:
    case = DATA / "real" / "08-odd-comms"
    arguments = [sys.executable, "-m", "oomsel", "select", "--mode", "approximate", str(case / "scenario-2.yaml")]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(arguments, capture_output=True, check=True, env=environment)
    assert (ran.stdout, ran.stderr) == ((case / "expected-2.log").read_bytes(), b"")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    tasks = "".join(f"- {{pid: {pid}, comm: a}}\n" for pid in range(10, 4000))
    path.write_text(f"oomsel: 1\nmachine: {{cpus: 1, ram: 5}}\ntasks:\n{tasks}", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "oomsel", "select", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == -signal.SIGPIPE  # as of any filter


@pytest.mark.parametrize(
    "words",
    [
        ["--cpus", "7" * 4400],
        ["--pid", "-" + "7" * 4400],
        ["--kernel", "x" * 9000],
        ["--set", "oom.order=" + "x" * 9000],
    ],
)
def test_an_options_value_without_end_is_told_in_a_line(words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(FLIP)
    ran = run("select", *words, path)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"oomsel: {words[0]}")
    assert ran.err[-6:-1] not in words[1]  # the end says what would be right
    assert len(ran.err) < 1010
