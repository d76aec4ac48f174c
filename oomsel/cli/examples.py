"""The shipped examples, wherever they are installed."""

from __future__ import annotations

import json
import os
import re
from typing import NamedTuple

from oomsel.errors import UsageError

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SUFFIXES = (".yaml", ".json", ".log", ".trace.xz")
_SCHEMA = ".schema.json"
_COMMENT = re.compile(r"# ?(.*)")
_SCHEMA_LINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


class Example(NamedTuple):
    """A file to begin with."""

    name: str  #: what it is called by: its path below the examples, without what it ends in
    path: str

    @property
    def says(self) -> str:
        """Its first sentence."""
        if self.path.endswith(".xz"):
            return "A trace of kmem:rss_stat, for oomsel replay."
        if self.path.endswith(".log"):
            return "A kernel log with OOM reports."
        text = _read(self.path)
        lines = []
        for line in _SCHEMA_LINE.sub("", text, count=1).split("\n"):
            match = _COMMENT.fullmatch(line)
            if match is None or not match[1]:
                break
            lines.append(match[1])
        if not lines:  # JSON has no comments
            return str(json.loads(text)["title"]) + "."
        return re.split(r"(?<=[.])\s", " ".join(lines))[0]


def folder() -> str:
    """Where the examples are: in the package that is installed, or beside it in a clone; raises UsageError."""
    for place in (os.path.join(_PACKAGE, "examples"), os.path.join(os.path.dirname(_PACKAGE), "examples")):
        if os.path.isfile(os.path.join(place, "smallest.yaml")):
            return place
    raise UsageError("the examples are not installed; install oomsel from its wheel, or run it in a clone")


def examples() -> list[Example]:
    """Every example, in the order of their names, those of studies last."""
    top = folder()
    found = []
    for inner in ("", "studies"):
        for file in sorted(os.listdir(os.path.join(top, inner))):
            name = file.removesuffix(".xz").rpartition(".")[0].removesuffix(".study")
            is_golden = file.endswith(".log") and os.path.isfile(os.path.join(top, inner, f"{name}.yaml"))
            if file.endswith(_SUFFIXES) and not file.endswith(_SCHEMA) and not is_golden:
                found.append(Example(f"{inner}/{name}" if inner else name, os.path.join(top, inner, file)))
    return found


def find(name: str) -> Example:
    """The example of that name, or the only one whose name has it as a part; raises UsageError."""
    known = examples()
    exact = [each for each in known if name in (each.name, os.path.basename(each.path))]
    parts = [each for each in known if name and name in each.name]
    if exact or len(parts) == 1:
        return (exact or parts)[0]
    if not parts:
        raise UsageError(f"no example called {name}; oomsel init --list has their names")
    raise UsageError(f"{name} may be {', '.join(each.name for each in parts)}; say which")


def files_of(example: Example, target: str) -> dict[str, bytes]:
    """What to write for an example that is to be called `target`, by name: it, and the golden output that it names.

    The line that tells editors the schema stays only where that file is.
    """
    with open(example.path, "rb") as file:
        raw = file.read()
    if not example.path.endswith(".yaml"):
        return {target: raw}
    text = raw.decode()
    match = _SCHEMA_LINE.match(text)
    here = os.path.dirname(target)
    if match is not None and not os.path.isfile(os.path.join(here, match[1])):
        text = text[match.end() :]
    found = {target: text.encode()}
    for golden in re.findall(r"output: ([\w.-]+)", text):
        with open(os.path.join(os.path.dirname(example.path), golden), "rb") as file:
            found[os.path.join(here, golden)] = file.read()
    return found


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
