"""Completion: what a shell is told, and TAB pressed in real shells."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from oomsel.cli.shells import SCRIPTS, split
from tests.running import run
from tests.support import ROOT

OOMSEL = [sys.executable, "-m", "oomsel"]
CONTEST = "examples/real-contest.yaml"
BREAKS = " \t\n\"'><=;|&(:"  # what bash has in COMP_WORDBREAKS


def told(line: str, rest: str = "", program: str = "fish") -> list[list[str]]:
    """What a shell is told when TAB is pressed at the end of `line`: kind, word and description of each candidate."""
    env = os.environ | {"_OOMSEL_COMPLETE": program, "OOMSEL_LINE": line, "OOMSEL_REST": rest, "OOMSEL_BREAKS": BREAKS}
    ran = subprocess.run(OOMSEL, capture_output=True, check=True, text=True, env=env, cwd=ROOT)
    assert ran.stderr == ""
    return [candidate.split("\t") for candidate in ran.stdout.splitlines()]


WORDS = [
    ("oomsel ch", ["check"]),
    ("oomsel check --jun", ["--junit"]),
    ("oomsel select --mode pre", ["precise"]),
    ("oomsel select --mode=pr", ["--mode=precise"]),
    ("oomsel completion z", ["zsh"]),
    ("oomsel select --kernel 5.1", ["5.19", "5.18", "5.17", "5.16", "5.15", "5.14", "5.13", "5.12", "5.11", "5.10"]),
    ("oomsel diff --b-kernel 7.3", ["7.3"]),
    ("oomsel diff --ignore timestamps,", ["timestamps,pids", "timestamps,order"]),
    ("oomsel events --format j", ["json", "jsonl"]),
    ("oomsel init --example kube", ["kubernetes-node"]),
    ("oomsel select --set sysctl.panic", ["sysctl.panic_on_oom="]),
    ("oomsel select --set oom.curr", ["oom.current=", "oom.current_thread="]),
    (f"oomsel select {CONTEST} --set tasks[und", None),
    (f"oomsel select {CONTEST} --set 'tasks[over].oom_s", ["tasks[over].oom_score_adj="]),
    (f"oomsel select {CONTEST} --set=tasks[247].oom_s", ["--set=tasks[247].oom_score_adj="]),
    (f"oomsel select {CONTEST} --set tasks[over].rss.an", ["tasks[over].rss.anon="]),
    ("oomsel nope x", []),
    ("oomsel help ch", ["check"]),
    ("oomsel select --set machine.cpus=", []),
]


@pytest.mark.parametrize(("line", "expected"), WORDS)
def test_what_there_is_to_choose_from(line: str, expected: list[str] | None) -> None:
    words = [word for _, word, _ in told(line)]
    if expected is None:  # one task: its keys at once
        assert "tasks[under].oom_score_adj=" in words
        assert "tasks[under].rss." in words
    else:
        assert words == expected


def test_tasks_of_an_input_that_comes_later_on_the_line() -> None:
    words = [word for _, word, _ in told("oomsel select --set tasks[", f" {CONTEST}")]
    assert {"tasks[over].", "tasks[247]."} <= set(words)
    assert told("oomsel explain --set tasks[cpu-ho", " examples/dmesg.log") == told(
        "oomsel explain examples/dmesg.log --set tasks[cpu-ho"
    )


@pytest.mark.parametrize(
    "name", ["select", "check", "diff", "init", "events", "convert", "simulate", "sweep", "replay"]
)
def test_arguments_complete_as_files(name: str) -> None:
    assert told(f"oomsel {name} x") == [["file", "", ""]]
    assert told("oomsel events x --split ") == [["dir", "", ""]]


def test_every_description_is_whole() -> None:
    helps = {word: help_ for _, word, help_ in told("oomsel ")}
    assert helps["explain"] == "Who died, who used the memory, why, and what now."
    assert not any("..." in help_ for help_ in helps.values())
    assert {word: help_ for _, word, help_ in told("oomsel select --")}["--all"].endswith(", not the worst 20.")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("--set tasks[over].oom_s", r"tasks\[over\].oom_score_adj="),
        ("--set 'tasks[over].oom_s", "tasks[over].oom_score_adj="),
        ('--set "tasks[over].oom_s', "tasks[over].oom_score_adj="),
        (r"--set tasks\[over\].oom_s", r"tasks\[over\].oom_score_adj="),
        ("--set 'tasks[over].'oom_s", "oom_score_adj="),
        ("--set=tasks[over].oom_s", r"tasks\[over\].oom_score_adj="),
        ("--set='tasks[over].oom_s", "tasks[over].oom_score_adj="),
    ],
)
def test_bash_is_told_the_part_that_it_replaces(typed: str, expected: str) -> None:
    assert [word for _, word, _ in told(f"oomsel select {CONTEST} {typed}", program="bash")] == [expected]


def test_a_line_is_split_as_a_shell_does() -> None:
    assert split(r"""oomsel a\ b 'c d' "e\"f" --x='g h""") == (
        ["oomsel", "a b", "c d", 'e"f', "--x=g h"],
        "--x='g h",
        "'",
    )
    assert split("oomsel ") == (["oomsel", ""], "", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_the_shells_own(shell: str, tmp_path: Path) -> None:
    ran = run("completion", shell)
    assert (ran.status, ran.out, ran.err) == (0, SCRIPTS[shell], "")
    if program := shutil.which(shell):
        (tmp_path / "script").write_text(ran.out)
        check = subprocess.run([program, "-n", str(tmp_path / "script")], capture_output=True, check=False)
        assert (check.returncode, check.stderr) == (0, b"")


class Terminal:
    """A shell on a terminal of its own, of 200 columns."""

    def __init__(self, words: list[str], home: Path) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            env = {
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "HOME": str(home),
                "TERM": "xterm",
                "COLUMNS": "200",
                "LINES": "50",
                "LC_ALL": "C.UTF-8",
                "PYTHONDONTWRITEBYTECODE": "1",
            }
            os.execvpe(words[0], words, env)  # noqa: S606
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))

    def read_until(self, pattern: str, seconds: float = 20) -> str:
        """What is shown, without escapes, as soon as `pattern` is in it; a test that never sees it fails."""
        shown = b""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.fd], [], [], 0.2)
            if ready:
                try:
                    shown += os.read(self.fd, 1 << 16)
                except OSError:
                    break
            text = _plain(shown)
            if re.search(pattern, text):
                return text
        raise AssertionError(f"no {pattern} in {_plain(shown)!r}")

    def drain(self) -> None:
        """Read what is shown until nothing comes for a moment."""
        while select.select([self.fd], [], [], 0.3)[0]:
            os.read(self.fd, 1 << 16)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.fd, text.encode())

    def close(self) -> None:
        """End the shell."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def _plain(shown: bytes) -> str:
    """What the terminal's lines say; a backspace goes back over what is then written again."""
    text = shown.decode("utf-8", "replace")
    text = re.sub(r"\x1b\[([0-9]*)D", lambda left: "\b" * int(left[1] or 1), text)
    text = re.sub(r"\x1b(?:\[[0-9;?<>=]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])|[\r\x07\x0f\x0e]", "", text)
    written: list[str] = []
    at = 0
    for char in text:
        if char == "\b":
            at = max(at - 1, 0)
            continue
        written[at : at + 1] = [char]
        at += 1
    return "".join(written)


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def terminal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Terminal]]:
    """Each shell that is installed, with oomsel's completion and nobody's settings."""
    shell = request.param
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    home = tmp_path_factory.mktemp(shell)
    (home / "over.yaml").write_bytes((ROOT / CONTEST).read_bytes())
    (home / "folder").mkdir()
    (home / "file.log").touch()
    script = home / "completion"
    script.write_text(SCRIPTS[shell])
    if shell == "bash":
        (home / "rc").write_text(f"PS1='ready> '\nbind 'set enable-bracketed-paste off'\n. {script}\n")
        words = [program, "--noprofile", "--rcfile", str(home / "rc"), "-i"]
    elif shell == "zsh":
        (home / ".zshrc").write_text(
            f"PS1='ready> '\nunset zle_bracketed_paste\nautoload -U compinit\ncompinit -u\n. {script}\n"
        )
        words = [program, "-d", "-i"]
    else:
        words = [
            program,
            "--no-config",
            "-i",
            "-C",
            (
                "function fish_prompt; echo 'ready> '; end; set -g fish_greeting; set -g fish_autosuggestion_enabled 0;"
                f" source {script}"
            ),
        ]
    started = Terminal(words, home)
    started.read_until("ready> ")
    yield shell, started
    started.close()


def press(terminal: tuple[str, Terminal], typed: str, expected: str) -> str:
    """Type, press TAB and then @, see; then clear the line."""
    _, screen = terminal
    screen.type(f"{typed}\t@")
    shown = screen.read_until(expected)
    screen.type("\x15")  # Ctrl-U
    screen.drain()
    return shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("oomsel sel", r"oomsel select @"),
        ("oomsel select --mode=pr", r"oomsel select --mode=precise @"),
        ("oomsel select --kernel=6.2", r"--kernel=6\.2 @"),
        ("oomsel diff --ignore timestamps,o", r"--ignore timestamps,order @"),
        ("oomsel events --format p", r"--format parquet @"),
        ("oomsel select over.yaml --set tasks[over].oom_s", r"--set tasks\\?\[over\\?\]\.oom_score_adj=@"),
        ("oomsel select over.yaml --set 'tasks[over].oom_s", r"--set 'tasks\[over\]\.oom_score_adj='?@"),
        # Unquoted, zsh takes the bracket for a subscript and asks nobody.
        ("oomsel select over.yaml --set 'tasks[und", r"--set 'tasks\[under\]\.'?@"),
        ("oomsel select over.yaml --set=sysctl.panic", r"--set=sysctl\.panic_on_oom=@"),
        ("oomsel select --set oom.totalp", r"--set oom\.totalpages=@"),
        ("oomsel events file.log --split f", r"--split folder/@"),
        ("oomsel events --split=f", r"--split=folder/@"),
        ("oomsel select ov", r"oomsel select over\.yaml @"),
    ],
)
def test_tab(terminal: tuple[str, Terminal], typed: str, expected: str) -> None:
    press(terminal, typed, expected)


@pytest.mark.slow
def test_tab_shows_whole_descriptions(terminal: tuple[str, Terminal]) -> None:
    shell, _ = terminal
    if shell == "bash":
        pytest.skip("bash shows no descriptions")
    shown = press(terminal, "oomsel e\t", "why, and what now")
    assert "List the OOM reports in each LOG, a line each" in shown
