"""What holds of any call of oomsel, whatever it is given."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any, NamedTuple, NoReturn
from xml.etree import ElementTree as ET

from tests.fuzz.cases import Case

#: What no output holds: control characters but newlines (and tabs, where a form has them), C1, line separators, marks
#: that turn the direction of text, and what is no UTF-8.
_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMERIC = re.compile(r"-?[0-9][0-9.e+\-]*\Z|-\Z")
_ANNOTATION = re.compile(r"::error file=[^,:]*,line=\d+,(?:col=\d+,)?title=[^,:]*::\S")
#: A line of standard error longer than this hides what it says.
_LONGEST = 3000
#: Lines of standard error for one call: 20 an input at most, and some for notes.
_MOST_LINES = 60
#: What goes on with the other inputs when one is in trouble, and prints what it has.
_GO_ON = (["check"], ["events"])


class Broken(NamedTuple):
    """A law that did not hold."""

    law: str
    what: str  #: in a line, the same for what is the same fault as far as that can be told

    def __str__(self) -> str:
        return f"{self.law}: {self.what}"


class Ended(NamedTuple):
    """How a call ended: status None where it did not end by itself, `raised` what came out of it then."""

    status: int | None
    out: str
    err: str
    raised: str = ""


def broken_laws(case: Case, ended: Ended, written: Mapping[str, bytes]) -> Iterator[Broken]:
    """The laws that the call broke; `written` has the files that it wrote and their content."""
    if ended.raised:
        yield Broken("it ends", ended.raised)
        return
    if ended.status not in (0, 1, 2):
        yield Broken("exit status", str(ended.status))
    yield from _standard_error(case, ended)
    if ended.status == 2 and ended.out and case.args[:1] not in _GO_ON:
        yield Broken("nothing is printed in trouble", _short(ended.out))
    if ended.status != 2 or case.args[:1] in _GO_ON:
        yield from _output(case.form, ended.out, "standard output")
    for name, raw in written.items():
        yield from _file(name, raw)


def _standard_error(case: Case, ended: Ended) -> Iterator[Broken]:
    lines = ended.err.split("\n")
    if lines[-1] != "":
        yield Broken("standard error ends in a newline", _short(ended.err))
    lines = lines[:-1]
    if "Traceback (most recent call last)" in ended.err:
        yield Broken("no traceback", _last_frames(ended.err))
    elif "a bug: " in ended.err:
        yield Broken("no bug", _short(ended.err[ended.err.index("a bug: ") :]))
    elif not ended.err.startswith("Usage: oomsel [OPTIONS] COMMAND"):
        for line in lines:
            if not line.startswith("oomsel: ") and not (case.github and line.startswith("::")):
                yield Broken("each line of standard error is oomsel's", _short(line))
                break
    if "not enough memory" in ended.err:
        yield Broken("memory is bounded by the input", _short(ended.err))
    yield from _no_control(ended.err, "standard error")
    if any(len(line) > _LONGEST for line in lines):
        yield Broken("a line of standard error is short", _short(max(lines, key=len)))
    if len(lines) > _MOST_LINES and case.args[:1] != ["check"]:
        yield Broken("standard error is short", f"{len(lines)} lines: {_short(lines[0])}")
    if ended.status == 2 and not lines:
        yield Broken("trouble is told", "exit status 2 and nothing on standard error")
    if case.github:
        yield from _github(ended.err)


def _last_frames(text: str) -> str:
    frames = re.findall(r'File "[^"]*?/(oomsel/[^"]*)", line (\d+), in (\S+)', text)
    error = text.rstrip().rpartition("\n")[2]
    return f"{' '.join(':'.join(frame) for frame in frames[-2:])}: {_short(error)}"


def _short(text: str) -> str:
    """Text in a line, without the numbers and quotations that differ from case to case."""
    return re.sub(r"[0-9]+", "N", ascii(text[:200]))[1:161]


def _no_control(text: str, where: str, *, tabs: bool = False) -> Iterator[Broken]:
    for found in _FORBIDDEN.finditer(text):
        if not (tabs and found[0] == "\t"):
            around = text[max(found.start() - 40, 0) : found.end() + 20]
            yield Broken(f"no control character in {where}", f"{found[0]!a} in {_short(around)}")
            return


def _output(form: str, text: str, where: str) -> Iterator[Broken]:
    if form == "bytes" or (form == "any" and text.startswith("PK\x03\x04")):
        return
    # diff's first two lines have a tab, as diff -u's have.
    shown = text if form != "diff" else re.sub(r"^(---|\+\+\+) ([^\t\n]*)\t", r"\1 \2 ", text, flags=re.MULTILINE)
    yield from _no_control(shown, where, tabs=form == "any")
    if form == "json" and text:
        yield from _json(text, where)
    elif form == "jsonl":
        for line in text.splitlines():
            yield from _json(line, where)
    elif form == "csv":
        yield from _csv(text, where)
    elif form == "markdown":
        yield from _markdown(text)
    elif form == "html":
        yield from _html(text)
    elif form == "github":
        yield from _github(text)


def _json(text: str, where: str) -> Iterator[Broken]:
    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON")

    def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key twice")
        return found

    try:
        json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    except ValueError as error:
        yield Broken(f"{where} is JSON", _short(str(error)))


def _csv(text: str, where: str) -> Iterator[Broken]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        yield Broken(f"{where} is CSV", _short(str(error)))
        return
    if len({len(row) for row in rows}) > 1:
        yield Broken(f"{where} is CSV", "rows of different lengths")
    for row in rows:
        for cell in row:
            if _FORMULA.match(cell) and not _NUMERIC.match(cell):
                yield Broken("no cell is a formula", _short(cell))
                return


def _markdown(text: str) -> Iterator[Broken]:
    outside = re.sub(
        r"(`+)(?!`).*?(?<!`)\1(?!`)",
        "",
        re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE),
        flags=re.DOTALL,
    )
    if found := re.search(r"(?<!\\)<(?:script|img)\b|(?<!\\)\]\((?:javascript|http://evil)", outside):
        yield Broken(
            "Markdown holds no HTML of an input", _short(outside[max(found.start() - 40, 0) : found.end() + 20])
        )


class _Page(HTMLParser):
    """Notes what of a page could do something that a name in it asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        if tag in ("img", "iframe", "object", "embed", "base"):
            self.wrong.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (
                name in ("href", "src", "action") and not (value or "").startswith(("#", "data:,"))
            ):
                self.wrong.append(f"{tag} {name}={value}")

    def handle_endtag(self, _: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script and re.search("<script|<!--", data, re.IGNORECASE):
            self.wrong.append("a script within a script")


def _html(text: str) -> Iterator[Broken]:
    page = _Page()
    page.feed(text)
    page.close()
    for wrong in page.wrong[:1]:
        yield Broken("a page does nothing that a name asks for", _short(wrong))


def _github(text: str) -> Iterator[Broken]:
    for line in text.splitlines():
        begun = line.lstrip()
        if "##[" in line or (begun.startswith("::") and not _ANNOTATION.match(begun)):
            yield Broken("no command of GitHub's but ours", _short(line))
            return


def _file(name: str, raw: bytes) -> Iterator[Broken]:
    ending = name.rpartition(".")[2]
    if ending == "npz" or name.startswith("out/"):
        return
    text = raw.decode("utf-8", "surrogateescape")
    form = {"json": "json", "csv": "csv"}.get(ending, "text")
    if ending == "xml":
        try:
            ET.fromstring(text)
        except (ET.ParseError, ValueError) as error:
            yield Broken("JUnit is XML", _short(str(error)))
    yield from _output(form, text, f"a .{ending} file")
