"""Markdown to paste into a ticket: whatever a process or a cgroup is called, it stays text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oomsel.outputs.explain_markdown import plain
from tests.cli.test_hostile import LOG, dmesg
from tests.running import run

#: Characters of Markdown's that nothing has escaped, outside of code.
_BARE = re.compile(r"(?<!\\)(?:\\\\)*[`<>\[\]#|&$~]")
NAMES = ("`x` <b>", "a|b|c", "![x](y)", "**b**", "```", "<!-- x", "&lt;x&gt;", "$x^2$", "\\|x", "# x", "~~x~~", "</b>")


def markdown_of(text: str, folder: Path) -> list[str]:
    path = folder / "a.log"
    path.write_text(dmesg(text), encoding="utf-8")
    return run("explain", "--format", "markdown", "--scores", path).out.splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_text(name: str, tmp_path: Path) -> None:
    lines = markdown_of(LOG.replace("eater", name).replace("web.service", f"{name}.service"), tmp_path)
    (start,) = (number for number, line in enumerate(lines) if re.fullmatch("`{3,}text", line))
    fence = lines[start].removesuffix("text")
    ends = [number for number, line in enumerate(lines) if line.startswith(fence)]
    assert ends == [start, len(lines) - 1]
    cells = 0  #: bars in a line of the table
    for line in lines[:start]:
        code = re.sub(r"(?<!\\)`[^`]*`", "", line)  # an advice's command
        if line.startswith("|"):
            bars = len(re.findall(r"(?<!\\)\|", line))
            assert bars == (cells or bars), line
            cells = bars
            code = code.replace("\\|", "").replace("|", "")
        else:
            cells = 0
        assert _BARE.search(code.removeprefix("### ")) is None, line
    assert any(plain(name) in line for line in lines[:start])


@pytest.mark.parametrize("name", ["$(touch x)", "`id`", "a;b", "x' y", "a&b", "a|b", "a b"])
def test_a_command_is_one_that_can_be_copied(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for where in (f"{name}.service", f"x/{name}"):
        path.write_text(dmesg(LOG.replace("system.slice/web.service", where)), encoding="utf-8")
        said = run("explain", path).out
        (line,) = (line for line in said.splitlines() if re.search(r"MemoryMax=|memory\.max", line))
        quoted = re.sub(r"'[^']*'|\"'\"", "", line)
        assert not set("$`;&|") & set(quoted), line


def test_a_command_with_a_name_that_cannot_be_typed_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(dmesg(LOG.replace("web.service", "a\x1b[2J.service")), encoding="utf-8")
    assert "MemoryMax=" not in run("explain", path).out
