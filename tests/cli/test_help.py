"""Help: commands in groups, options in one order, mistakes in words, colours by --color."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from oomsel.cli import COMMANDS, cli
from oomsel.cli.helping import GROUPS
from tests.running import run
from tests.support import DATA

ROOT = Path(__file__).parents[2]
LOG = DATA / "real-logs" / "03-memcg.log"
SHARED = ["event", "pid", "last", "page_size", "cpus", "overrides", "kernel", "output", "quiet", "verbose", "color"]


def parameters(name: str) -> list[str]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return [str(parameter.name) for parameter in command.params]


def test_every_command_is_in_one_group() -> None:
    assert sorted(name for _, names in GROUPS for name in names) == sorted(COMMANDS)
    said = run("--help").out
    for title, _ in GROUPS:
        assert f"\n{title}:\n" in said
    assert "..." not in said.replace("ARGS]...", "")
    assert "kernel logs" in said
    assert max(map(len, said.split("\n"))) <= 80
    for name in COMMANDS:  # in one line each
        assert re.search(rf"^  {name} +[A-Z].*[.]$", said, re.MULTILINE), name


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_shows_how_click_calls_a_type_or_a_default(name: str) -> None:
    said = run(name, "--help").out
    assert "RANGE" not in said
    assert "default: (" not in said


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_a_command_too(name: str) -> None:
    assert run("help", name) == run(name, "--help")


def test_help_alone_is_the_first_screen() -> None:
    assert run("help") == run("--help")


@pytest.mark.parametrize("name", ["explain", "select", "check", "diff", "convert"])
def test_shared_options_stand_last_and_in_one_order(name: str) -> None:
    found = parameters(name)
    shared = [each for each in SHARED if each in found]
    assert found[-len(shared) :] == shared


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_color(name: str) -> None:
    assert "color" in parameters(name)


MISTAKES = [
    (["explain", "--cpus", "abc", "x"], "--cpus: abc is no whole number"),
    (["explain", "--cpus", "0", "x"], "--cpus: 0 is out of range; use 1 to 8192"),
    (["explain", "--event", "0", "x"], "--event: 0 is too small; use 1 or more"),
    (["explain", "--mode", "both", "x"], "--mode: no both; use one of kernel, approximate, precise"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_in_an_option_is_said_in_words(words: list[str], said: str) -> None:
    assert run(*words) == (2, "", f"oomsel: {said}; see oomsel explain --help\n")


@pytest.mark.parametrize(("value", "is_coloured"), [("always", True), ("never", False), ("auto", False)])
def test_color(monkeypatch: pytest.MonkeyPatch, value: str, is_coloured: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert ("\x1b[" in run("explain", "--color", value, LOG).out) == is_coloured
    if value == "never":
        monkeypatch.setenv("FORCE_COLOR", "1")
        assert "\x1b[" not in run("explain", "--color", value, LOG).out


@pytest.mark.parametrize("name", ["explain", "select"])
def test_a_pipe_needs_no_argument(name: str) -> None:
    assert run(name, stdin=LOG.read_bytes()).out == run(name, "-", stdin=LOG.read_bytes()).out
    assert "pipe one into it" in run(name, stdin=None).err


def test_select_on_a_log_does_what_its_kernel_did() -> None:
    assert run("select", LOG).out == run("select", "--mode", "kernel", LOG).out
    table = run("select", "--format", "table", LOG).out
    assert "approximate" not in table
    assert "badness" in table
    assert "approximate" in run("select", "--format", "table", "--mode", "both", LOG).out


def test_check_as_data() -> None:
    found = json.loads(run("check", "--format", "json", ROOT / "examples/smallest.yaml").out)
    assert found["oomsel_check"] == 1
    assert found["counts"] == {"ok": 1, "failed": 0, "none": 0, "error": 0}
    assert [each["status"] for each in found["scenarios"]] == ["ok"]
    assert run("check", "--json", ROOT / "examples/smallest.yaml").out.startswith('{\n  "oomsel_check": 1,')


def test_bench_as_data() -> None:
    words = ("--tasks", "2", "--cpus", "2", "--runs", "1")
    for how in (("--format", "json"), ("--json",)):
        assert json.loads(run("bench", *how, *words).out)["oomsel_bench"] == 1
