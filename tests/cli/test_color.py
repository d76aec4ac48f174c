"""--color, before a command and after, NO_COLOR and FORCE_COLOR, on every command."""

from __future__ import annotations

import pytest

from oomsel.cli import COMMANDS
from tests.running import run
from tests.support import DATA

LOG = DATA / "real-logs" / "03-memcg.log"
RED = "\x1b[31m\x1b[1mKILLED"


@pytest.fixture(autouse=True)
def no_color_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("words", "has_color"),
    [
        (("explain",), False),
        (("explain", "--color", "always"), True),
        (("--color", "always", "explain"), True),
        (("--color", "always", "explain", "--color", "never"), False),
        (("--color", "never", "explain", "--color", "always"), True),
        (("--color", "auto", "explain"), False),
    ],
)
def test_the_last_one_counts(words: tuple[str, ...], has_color: bool) -> None:
    ran = run(*words, LOG)
    assert ran.status == 0
    assert (RED in ran.out) is has_color
    assert ("\x1b" in ran.out) is has_color


@pytest.mark.parametrize(
    ("variables", "words", "has_color"),
    [
        ({"FORCE_COLOR": "1"}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, (), False),
        ({"NO_COLOR": "1"}, ("--color", "always"), True),
        ({"FORCE_COLOR": "1"}, ("--color", "never"), False),
    ],
)
def test_the_environment_counts_where_the_option_says_nothing(
    variables: dict[str, str], words: tuple[str, ...], has_color: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b" in run("explain", *words, LOG).out) is has_color


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_it(command: str) -> None:
    for words in (("--color", "never", command), (command, "--color", "never")):
        ran = run(*words, "--help")
        assert ran.status == 0
        assert "--color [auto|always|never]" in ran.out
    assert "use one of auto, always, never" in run("--color", "sometimes", command).err
