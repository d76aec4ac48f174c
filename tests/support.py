"""What several tests share: small scenarios, and an OOM report in brief."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import oomsel
from oomsel.errors import InputError

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).parent.parent

#: What a scenario gets that does not say otherwise.
DEFAULTS = {
    "oomsel": "1",
    "kernel": '"6.18"',
    "machine": "{cpus: 4, ram: 100000}",
}


def scenario_text(body: str, kernel: str | None = None) -> str:
    """`body`, a scenario's YAML, with the keys of `DEFAULTS` that it lacks."""
    defaults = DEFAULTS if kernel is None else DEFAULTS | {"kernel": f'"{kernel}"'}
    head = [f"{key}: {value}\n" for key, value in defaults.items() if not re.search(f"^{key}:", body, re.MULTILINE)]
    return "".join(head) + body


def run(body: str, mode: str = "approximate", *, kernel: str | None = None, reaper: bool = False) -> list[str]:
    """The kernel's lines for the scenario in `body`."""
    return oomsel.kernel_lines(report_of(body, mode, kernel=kernel), reaper=reaper)


def report_of(body: str, mode: str = "approximate", *, kernel: str | None = None) -> oomsel.OomReport:
    """The event in the scenario in `body`."""
    return oomsel.select(oomsel.loads(scenario_text(body, kernel)), mode=mode)


_BRIEF = (
    (re.compile(r".* invoked oom-killer: .*"), ""),
    (re.compile(r"Tasks state .*"), "table"),
    (re.compile(r"\[  pid  \].*"), ""),
    (re.compile(r"\[ *(\d+)\] .*"), r"\1"),
    (re.compile(r"oom-kill:constraint=CONSTRAINT_(\w+),.*,task=(.*),pid=(\d+),uid=.*"), r"\1 \3 (\2)"),
    (re.compile(r"(.*): Killed process (\d+ \(.*\)) total-vm.*"), r"killed \2"),
    (re.compile(r"(.*): OOM victim (\d+ \(.*\)) is already exiting.*"), r"exiting \2"),
    (re.compile(r"oom_reaper: reaped process (.*), now (.*)"), r"reaped \1 \2"),
    (re.compile(r"Kernel panic - not syncing: (.*)"), r"panic: \1"),
)


def brief(lines: list[str]) -> str:
    """A report's outcome on one line: `table 10 11; NONE 11 (b); killed 11 (b)`; empty for no report."""
    parts: list[str] = []
    for line in lines:
        for pattern, short in _BRIEF:
            if match := pattern.fullmatch(line):
                text = match.expand(short)
                break
        else:
            text = line
        if text.isdecimal() and parts and parts[-1].startswith("table"):
            parts[-1] += f" {text}"
        elif text:
            parts.append(text)
    return "; ".join(parts)


def errors_of(text: str | bytes, *, overrides: tuple[str, ...] = (), kernel: str | None = None) -> list[str]:
    """The lines that a scenario's errors make, each without the name of the file."""
    with pytest.raises(InputError) as caught:
        oomsel.loads(text, source="F", overrides=overrides, kernel=kernel)
    return str(caught.value).split("\n")
