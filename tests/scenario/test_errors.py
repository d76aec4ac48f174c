"""Broken scenarios, and every line that is said about each.

The blocks of tests/data/errors: a title after `##`, the scenario, and after `==>` the lines of the error.  A scenario
gets the required keys that it lacks at its end, unless the title begins with `raw`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import oomsel
from oomsel.errors import MAX_PROBLEMS
from tests.support import DATA, errors_of

REQUIRED = {"oomsel": "1", "machine": "{cpus: 8, ram: 1000}", "tasks": "[{pid: 10, comm: a}]"}


def complete(text: str) -> str:
    missing = [key for key in REQUIRED if not re.search(f"^{key}:", text, re.MULTILINE)]
    return text + "".join(f"{key}: {REQUIRED[key]}\n" for key in missing)


def blocks() -> Iterator[object]:
    for path in sorted((DATA / "errors").glob("*.txt")):
        for block in re.split("^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, _, rest = block.partition("\n")
            text, *expected = re.split("^==> ", rest, flags=re.MULTILINE)
            if not title.startswith("raw: "):
                text = complete(text)
            yield pytest.param(text, [line.rstrip("\n") for line in expected], id=f"{path.stem}: {title}")


@pytest.mark.parametrize(("text", "expected"), list(blocks()))
def test_what_is_said_of_a_broken_scenario(text: str, expected: list[str]) -> None:
    assert errors_of(text) == expected


def test_places_are_the_same_with_a_bom_with_crlf_and_with_blank_lines() -> None:
    text = complete("title: x\noom: {order: 11}\n")
    assert errors_of("\ufeff" + text.replace("\n", "\r\n")) == errors_of(text)
    (line,) = errors_of("\n\n" + text)
    assert line.startswith("F:4:14: oom.order: ")


def test_columns_are_characters() -> None:
    assert errors_of(complete("tasks: [{comm: 日本語, pid: 0}]\n"))[0].startswith("F:1:26: tasks[0].pid: ")


@pytest.mark.parametrize(("count", "lines"), [(19, 19), (20, 20), (21, 20), (500, 20)])
def test_at_most_twenty_lines_in_the_order_of_the_file(count: int, lines: int) -> None:
    tasks = "".join(f"- {{pid: 0, comm: c{index}}}\n" for index in range(count))
    said = errors_of(complete(f"tasks:\n{tasks}"))
    assert len(said) == lines <= MAX_PROBLEMS
    assert [line.split(": ")[0] for line in said] == [f"F:{2 + index}:9" for index in range(lines)]


def test_problems_of_different_kinds_are_in_the_order_of_the_file() -> None:
    said = errors_of(
        complete("updates: [{cpu: 9, pid: 10, anon: 1}]\noom: {current: 7}\nmachine: {cpus: 8, ram: 1, dying: 9}\n")
    )
    assert [line.split(":")[1] for line in said] == ["1", "2", "3"]


def test_deep_nesting_is_refused_in_both_languages() -> None:
    assert errors_of(complete(f"title: {'[' * 63}x{']' * 63}\n")) == ["F:1:8: title: a list is no text; quote it"]
    (line,) = errors_of(complete(f"title: {'[' * 64}x{']' * 64}\n"))
    assert line == "F:1:71: nested more than 64 levels deep; a scenario needs seven"
    (line,) = errors_of(f'{{"title": {"[" * 100_000}')
    assert line.startswith("F:1:74: not JSON: nested more than 64 levels deep; ")
    (line,) = errors_of("[" * 100_000)
    assert "nested more than 64 levels deep" in line


def test_an_alias_is_as_deep_as_what_it_names() -> None:
    rest = "x: &x {a: [1]}\ntitle: "
    (line,) = errors_of(complete(f"{rest}{'[' * 62}*x{']' * 62}\n"))
    assert line == "F:2:70: nested more than 64 levels deep; a scenario needs seven"
    assert errors_of(complete(f"{rest}{'[' * 61}*x{']' * 61}\n"))[-1] == "F:2:8: title: a list is no text; quote it"
    deep = "".join(f"y{n}: &y{n} {'[' * 60}*y{n - 1}{']' * 60}\n" for n in range(1, 30))
    (line,) = errors_of(complete(f"y0: &y0 [{', '.join('0' * 40000)}]\n{deep}"))
    assert line.endswith(": nested more than 64 levels deep; a scenario needs seven")


@pytest.mark.parametrize(
    ("cpus", "deltas", "said"),
    [
        (8192, "0-8191: 100000", 'F:2:58: tasks[0].rss.anon.deltas["0-8191"]: 100000 on CPU 0 cannot be: '),
        (1, "1-8191: 1", 'F:2:50: tasks[0].rss.anon.deltas["1-8191"]: CPU 1-8191 is not possible; '),
        (8192, '"0-8191": 1, 8190: 1', "F:2:63: tasks[0].rss.anon.deltas[8190]: CPU 8190 is stated twice; "),
    ],
)
def test_a_mistake_in_a_list_of_cpus_is_told_once(cpus: int, deltas: str, said: str) -> None:
    tasks = f"[{{pid: 10, comm: a, rss: {{anon: {{deltas: {{{deltas}}}}}}}}}]"
    (line,) = errors_of(complete(f"machine: {{cpus: {cpus}, ram: 1}}\ntasks: {tasks}\n"))
    assert line.startswith(said)


def test_huge_scalars_are_refused_and_not_quoted() -> None:
    (line,) = errors_of(complete(f"title: {'x' * 65537}\n"))
    assert line.endswith("... is too long, 65537 characters; use at most 65536")
    oomsel.loads(complete(f"title: {'x' * 65536}\n"))
    for text in (f"tasks: [{{pid: {'9' * 100_000}, comm: a}}]\n", f"oom: {{totalpages: {'9' * 100_000}}}\n"):
        (line,) = errors_of(complete(text))
        assert len(line) < 250
    (line,) = errors_of(complete(f"memcgs: {{{'x' * 100_000}: {{}}}}\n"))
    assert len(line) < 250


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"oomsel: 1\ntitle: \xff\n", "F:2:8: not UTF-8: the byte 0xff; save the file as UTF-8"),
        (b"\xef\xbb\xbftitle: \xc3\xbc\xc3\n", "F:1:9: not UTF-8: the byte 0xc3; save the file as UTF-8"),
        (b"\xff\xfeo\0", "F:1:1: not UTF-8: the byte 0xff; save the file as UTF-8"),  # UTF-16
        (b"title: a\x00b\n", "F:1:9: not YAML: the character U+0000; write it as an escape in double quotes"),
        (b"a: b\ntitle: \x1b[31m\n", "F:2:8: not YAML: the character U+001B; write it as an escape in double quotes"),
        (b"", "F: empty; a scenario begins with oomsel: 1"),
        (b"\xef\xbb\xbf", "F: empty; a scenario begins with oomsel: 1"),
    ],
)
def test_bytes_that_are_no_text(raw: bytes, line: str) -> None:
    assert errors_of(raw) == [line]


def test_nothing_in_an_error_moves_a_cursor() -> None:
    text = complete('"\\e[31m": 1\nkernel: "\\e[2J\\u202e"\nmemcgs: {"\\u0085": {}}\n')
    said = errors_of(text)
    assert said[0].startswith(r'F:1:1: ["\x1b[31m"]: unknown key; ')
    assert said[1].startswith(r'F:2:9: kernel: "\x1b[2J\xe2\x80\xae" is no kernel release')
    assert said[2].startswith(r'F:3:10: memcgs["\xc2\x85"]: "\xc2\x85" is no path of a cgroup; ')


def test_an_errors_places_are_data() -> None:
    with pytest.raises(oomsel.InputError) as caught:
        oomsel.loads(complete("oom: {order: 11}\n"), source="name")
    (problem,) = caught.value.problems
    assert (caught.value.source, problem.line, problem.column, problem.path) == ("name", 1, 14, "oom.order")


def test_updates_do_not_add_up_beyond_64_bits() -> None:
    most = f"{{cpu: 0, pid: 11, anon: {(1 << 51) - 1}}}"
    tasks = "tasks: [{pid: 10, mm: A, comm: a, rss: {anon: 511}}, {pid: 11, mm: A, comm: b}]\n"
    fits = complete(f"{tasks}updates: [{', '.join([most] * 512)}]\n")
    assert oomsel.select(oomsel.loads(fits)).counters.max() == (1 << 60) - 1
    (line,) = errors_of(complete(f"{tasks}updates: [{', '.join([most] * 513)}]\n"))
    held = 511 + 513 * ((1 << 51) - 1)
    assert line.endswith(f" updates[512].anon: brings the counter to {held} pages; stay below 2^60 pages")
