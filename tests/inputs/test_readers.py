"""YAML and JSON: the fast readers, the slow ones that know places, and that both read the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import oomsel
from oomsel.errors import InputError
from oomsel.inputs import json_reader, yaml_reader
from oomsel.inputs.document import Document
from oomsel.inputs.nodes import Irregular, locate
from oomsel.outputs.scenario_text import yaml_pieces
from oomsel.outputs.yaml import to_yaml
from oomsel.scenario.values import Plain, SourceInt, format_path
from tests.scenario.test_errors import complete

#: Plain scalars of the YAML 1.2 core schema: text -> value; Plain for what is neither text nor a whole number.
SCALARS: list[tuple[str, Any]] = [
    ("5", 5),
    ("-5", -5),
    ("+5", 5),
    ("017", 17),
    ("0o17", 15),
    ("0x1F", 31),
    ("-0x1f", "-0x1f"),
    ("0b1", "0b1"),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("no", "no"),
    ("on", "on"),
    ("Yes", "Yes"),
    ("y", "y"),
    ("2026-01-14", "2026-01-14"),
    ("=", "="),
    ("null", Plain("null")),
    ("Null", Plain("Null")),
    ("nULL", "nULL"),
    ("~", Plain("~")),
    ("true", Plain("true")),
    ("TRUE", Plain("TRUE")),
    ("tRue", "tRue"),
    ("1.5", Plain("1.5")),
    ("1.", Plain("1.")),
    (".5", Plain(".5")),
    ("1e3", Plain("1e3")),
    ("-1.5E-3", Plain("-1.5E-3")),
    (".", "."),
    ("1.5.2", "1.5.2"),
    (".inf", Plain(".inf")),
    ("-.INF", Plain("-.INF")),
    (".nan", Plain(".nan")),
    ("+.nan", "+.nan"),
    ("9" * 64, int("9" * 64)),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars(text: str, value: Any) -> None:
    read = yaml_reader.resolve(text)
    assert read == value
    assert isinstance(read, Plain) == isinstance(value, Plain)
    assert isinstance(read, int) == isinstance(value, int)
    assert not isinstance(read, SourceInt) or read.text == text
    built = yaml_reader.build(f"- {text}\n")
    assert built == [value]
    assert isinstance(built[0], Plain) == isinstance(value, Plain)


@pytest.mark.parametrize("quoted", ["'5'", '"null"', "'true'", '"0x1f"', "''"])
def test_what_is_quoted_is_text(quoted: str) -> None:
    (value,) = yaml_reader.build(f"- {quoted}\n")
    assert type(value) is str
    assert value == quoted[1:-1]


KEYS = st.text("abcdefghijklmnopqrstuvwxyz_/\\\"'é", max_size=5)
SCALAR = st.integers(-(10**20), 10**20) | KEYS | st.sampled_from(["no", "017", "~", "a\nb", " "])
TREES = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


@settings(max_examples=60)
@given(tree=TREES, flow=st.booleans())
def test_yaml_is_read_the_same_fast_and_slowly(tree: Any, flow: bool) -> None:
    text = yaml.safe_dump([tree], default_flow_style=flow, allow_unicode=True, width=10_000)
    slow, problems = yaml_reader.compose("F", text)
    assert problems == []
    assert slow.plain() == [tree]
    try:
        assert yaml_reader.build(text) == [tree]
    except Irregular:
        assert "&" in text  # an anchor of the dumper's: only the slow reader takes those


@settings(max_examples=60)
@given(tree=TREES, indent=st.none() | st.integers(0, 2), ascii_only=st.booleans())
@example(tree=["\u2028", "\x85"], indent=None, ascii_only=False)
def test_json_is_read_the_same_fast_and_slowly(tree: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps({"k": tree}, indent=indent, ensure_ascii=ascii_only)
    slow, problems = json_reader.compose("F", text)
    assert problems == []
    assert slow.plain() == json_reader.build(text) == {"k": tree}


def every_place(tree: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path] + [place for key, value in items for place in every_place(value, (*path, key))]


@settings(max_examples=40)
@given(tree=TREES)
def test_a_value_stands_where_its_path_leads(tree: Any) -> None:
    text = json.dumps({"k": tree}, indent=1, ensure_ascii=False)
    root, _ = json_reader.compose("F", text)
    lines = text.split("\n")
    for path in every_place({"k": tree}):
        line, column = locate(root, path)
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        value: Any = {"k": tree}
        for part in path:
            value = value[part]
        decoded, _ = json.JSONDecoder().raw_decode(rest)
        assert decoded == value


@pytest.mark.slow
@settings(max_examples=150)
@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
@example(b"{")
@example(b"? [a]\n: b")
@example(b"a: &x [*x]")
@example(b"--- !!binary x")
@example(b"%YAML 1.1\n---\na: 1")
@example(b"\xef\xbb\xbf{}")
@example(b'{"oomsel": 1, "machine": {"cpus": 1e999, "ram": -0}, "tasks": [[]]}')
@example(b"oomsel: 1\nmachine: {cpus: 1, ram: 1}\ntasks: [{pid: 1, comm: a, rss: {anon: [1]}}]")
def test_any_bytes_are_a_scenario_or_an_input_error(raw: bytes) -> None:
    with pytest.raises(InputError):
        oomsel.loads(raw)


WORDS = (
    "oomsel: machine: tasks: {cpus: ram: pid: comm: rss: anon: deltas: flags: mm: thread: nodes: memcgs: updates: "
    "more: oom: current: expect: - [ ] { } , 1 0 -1 a ~ &x *x !t << | > 1.5 0-3 5MiB max /a true \" ' # :"
)
FRAGMENTS = st.sampled_from([*WORDS.split(), "\n", "\n "])


@settings(max_examples=150)
@given(st.lists(FRAGMENTS, max_size=25), st.booleans())
def test_pieces_of_a_scenario_crash_nothing(pieces: list[str], whole: bool) -> None:
    text = " ".join(pieces)
    try:
        oomsel.loads(complete(f"{text}\n") if whole else text)
    except InputError as error:
        said = str(error)
    else:
        return
    assert said


@pytest.mark.parametrize("name", ["\u0085", "\u2028", "\u2029", "\u0085\u2028"])
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_old_line_breaks_are_characters(name: str, quote: str) -> None:
    text = complete(f"tasks: [{{pid: 10, comm: {quote}a{name}b{quote}}}, {{pid: 11, comm: c}}]\n")
    assert oomsel.loads(text).tasks[0].comm == f"a{name}b".encode()


def test_aliases_that_stay_small_are_fine() -> None:
    text = complete("machine: {cpus: &c 0-3, online: *c, ram: &r 5, swap: *r}\n")
    machine = oomsel.loads(text).machine
    assert (machine.cpus, machine.online, machine.swap) == ((0, 1, 2, 3), (0, 1, 2, 3), 5)


@pytest.mark.parametrize("text", ["%YAML 1.2\n---\n{}", "--- \n{}", "# first\n{}\n...\n", "# first\n---\n{}"])
def test_one_document_may_be_marked_as_such(text: str) -> None:
    body = complete("").replace("\n", ", ").removesuffix(", ")
    assert oomsel.loads(text.replace("{}", f"{{{body}}}")).tasks[0].pid == 10


def test_a_bom_crlf_and_blanks_before_json_are_fine() -> None:
    data = {"oomsel": 1, "machine": {"cpus": 4, "ram": 10}, "tasks": [{"pid": 10, "comm": "a"}]}
    assert oomsel.loads(f"\ufeff \t\r\n {json.dumps(data, indent=1)}".replace("\n", "\r\n")).tasks[0].pid == 10
    assert Document("F", b"\xef\xbb\xbf \n{}").is_json
    assert oomsel.loads("\ufeff" + complete("").replace("\n", "\r\n")).tasks[0].comm == b"a"


def test_json_and_yaml_say_the_same() -> None:
    text = complete("""\
kernel: "6.12"
memcgs: {/web: {max: 2GiB}}
tasks: [{pid: 10, comm: 'a\\x0a', memcg: /web, rss: {anon: {count: 5, deltas: {0: 1, "2-3": -1}}}}]
updates: [{offline: "1"}]
""")
    data = {
        "kernel": "6.12",
        "memcgs": {"/web": {"max": "2GiB"}},
        "tasks": [
            {"pid": 10, "comm": "a\\x0a", "memcg": "/web", "rss": {"anon": {"count": 5, "deltas": {"0": 1, "2-3": -1}}}}
        ],
        "updates": [{"offline": "1"}],
        "oomsel": 1,
        "machine": {"cpus": 8, "ram": 1000},
    }
    assert oomsel.loads(json.dumps(data)) == oomsel.loads(text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("tasks", 3, "rss", "anon"), "tasks[3].rss.anon"),
        (("memcgs", "/web", "max"), 'memcgs["/web"].max'),
        (("a", 'q"\\'), 'a["q\\"\\\\"]'),
        (("x" * 61,), f'["{"x" * 57}..."]'),
    ],
)
def test_paths(path: tuple[str | int, ...], text: str) -> None:
    assert format_path(path) == text


@pytest.mark.parametrize("write", [to_yaml, lambda scenario: "".join(yaml_pieces(scenario))])
@pytest.mark.parametrize("name", ["a", '"', "\u2028", "é"])
def test_long_keys_are_written_so_that_they_are_read(write: Callable[[oomsel.Scenario], str], name: str) -> None:
    for length in (990, 1000, 1023, 1024, 1030, 3000):
        path = "/" + name * length
        tasks = [{"pid": 7, "comm": "a", "memcg": path}]
        memcgs = {path: {"max": 5}, f"{path}/b": {}}
        said = {"oomsel": 1, "machine": {"cpus": 1, "ram": 9}, "memcgs": memcgs, "tasks": tasks}
        scenario = oomsel.loads(json.dumps(said))
        assert oomsel.loads(write(scenario)) == scenario
