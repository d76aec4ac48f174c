"""A fixed share of the fuzzer, and that each of its laws can be broken."""

from __future__ import annotations

import json
import lzma
import random
from pathlib import Path

import pytest

from tests.fuzz.attack import Arena
from tests.fuzz.cases import Case, case_of, save
from tests.fuzz.kernel_rules import Event
from tests.fuzz.laws import Ended, broken_laws
from tests.fuzz.mutators import BY_FORM, MOST, mutate
from tests.fuzz.runner import again
from tests.fuzz.scenario_laws import broken_by, broken_of, said_in
from tests.fuzz.scenarios import scenario_of
from tests.support import ROOT

#: What `make test` repeats each time.
SEED = 18
PARTS = 4


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_breaks_a_law(part: int, tmp_path: Path) -> None:
    arena = Arena(tmp_path, seconds=60)
    for index in range(part, 300, PARTS):
        case = case_of(SEED, index)
        broken = arena.attack(case)
        if broken:
            save(case, tmp_path / "kept")
        assert broken == [], f"case {index}: python -m tests.fuzz --again {tmp_path / 'kept'}"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_random_scenarios_keep_every_law(part: int) -> None:
    for index in range(part, 80, PARTS):
        assert broken_by(SEED, index) == [], f"python -m tests.fuzz --scenario {SEED}/{index}"


def test_a_case_is_made_from_its_numbers_alone_and_comes_back_from_where_it_is_kept(tmp_path: Path) -> None:
    for index in range(30):
        case = case_of(7, index)
        assert case == case_of(7, index)
        assert Case.from_json(case.to_json()) == case
    assert [case_of(7, index) for index in range(30)] != [case_of(8, index) for index in range(30)]
    assert scenario_of(7, 3) == scenario_of(7, 3)


def test_a_kept_case_is_carried_out_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(Case("yaml", ["select", "in.yaml"], {"in.yaml": b"oomsel: 2"}, "text"), tmp_path)
    assert again(tmp_path) == 0
    assert capsys.readouterr().out == f"cd {tmp_path / 'files'} && oomsel select in.yaml\n"


@pytest.mark.parametrize("form", BY_FORM)
def test_a_mutated_input_is_another_one_of_bounded_size(form: str) -> None:
    rng = random.Random(1)
    raw = b'{"a": 1, "b": ["x", 2]}\n'
    made = {mutate(raw, form, rng, [raw]) for _ in range(60)}
    assert len(made) > 30
    assert max(map(len, made)) <= MOST


BROKEN = [
    ("exit status", "text", Ended(3, "", "oomsel: x\n")),
    ("it ends", "text", Ended(None, "", "", "more than 8 s")),
    ("no traceback", "text", Ended(2, "", "Traceback (most recent call last):\nValueError\n")),
    ("no bug", "text", Ended(2, "", "oomsel: a bug: ValueError: x\n")),
    ("each line of standard error is oomsel's", "text", Ended(2, "", "oomsel: one\ntwo\n")),
    ("standard error ends in a newline", "text", Ended(2, "", "oomsel: one")),
    (
        "memory is bounded by the input",
        "text",
        Ended(2, "", "oomsel: not enough memory for that many tasks and CPUs\n"),
    ),
    ("trouble is told", "text", Ended(2, "", "")),
    ("nothing is printed in trouble", "text", Ended(2, "half", "oomsel: x\n")),
    ("a line of standard error is short", "text", Ended(2, "", f"oomsel: {'x' * 4000}\n")),
    ("standard error is short", "text", Ended(2, "", "oomsel: x\n" * 100)),
    ("no control character in standard error", "text", Ended(2, "", "oomsel: \x1b[2J\n")),
    ("no control character in standard output", "text", Ended(0, "a\x9bb\n", "")),
    ("no control character in standard output", "text", Ended(0, "a\u202eb\n", "")),
    ("no control character in standard output", "text", Ended(0, "a\tb\n", "")),
    ("standard output is JSON", "json", Ended(0, '{"a": NaN}', "")),
    ("standard output is JSON", "json", Ended(0, '{"a": 1, "a": 2}', "")),
    ("standard output is JSON", "jsonl", Ended(0, "{}\n{\n", "")),
    ("standard output is CSV", "csv", Ended(0, "a,b\n1\n", "")),
    ("no cell is a formula", "csv", Ended(0, "a,b\n1,=1+1\n", "")),
    ("Markdown holds no HTML of an input", "markdown", Ended(0, "a <script>x</script>\n", "")),
    ("a page does nothing that a name asks for", "html", Ended(0, "<p>a <img src=x onerror=alert(1)></p>\n", "")),
    ("a page does nothing that a name asks for", "html", Ended(0, '<script>x = "<script>"</script>\n', "")),
    ("no command of GitHub's but ours", "github", Ended(0, "ok\n  ::add-mask::x\n", "")),
    ("no command of GitHub's but ours", "github", Ended(0, "ok ##[group]x\n", "")),
]


@pytest.mark.parametrize(("law", "form", "ended"), BROKEN)
def test_a_broken_law_is_seen(law: str, form: str, ended: Ended) -> None:
    case = Case("yaml", ["select", "in.yaml"], {}, form)
    assert law in [broken.law for broken in broken_laws(case, ended, {})]


def test_right_output_breaks_no_law() -> None:
    right = {
        "json": '{"a": 1.5, "b": [null]}\n',
        "jsonl": "{}\n{}\n",
        "csv": "a,b\n-1,'=1\n",
        "diff": "--- a\tx\n+++ b\ty\n",
        "markdown": "a `<script>` &lt;script>\n",
        "github": "::error file=a,line=1,col=2,title=b::c\n",
        "html": "<script>x</script><p>a &lt;img&gt; <a href='#b'>c</a></p>\n",
        "bytes": "PK\x03\x04",
    }
    for form, out in right.items():
        case = Case("yaml", ["select", "in.yaml"], {}, form)
        assert list(broken_laws(case, Ended(0, out, "oomsel: in.yaml: note: x\n"), {})) == []


def test_what_is_written_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from oomsel.cli import common

    top = tmp_path / "top"
    top.mkdir()
    elsewhere = tmp_path / "elsewhere"
    case = Case("yaml", ["schema"], {}, "json")
    assert Arena(top).attack(case) == []
    write = common.write_with

    def careless(*arguments: object, **options: object) -> None:
        elsewhere.write_text("x")
        Path("beside").write_text("x")
        write(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(common, "write_with", careless)
    (top / "arena").rmdir()
    laws = [broken.law for broken in Arena(top).attack(case)]
    assert laws == ["nothing outside is written", "nothing but what was asked for is written"]


def test_time_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from oomsel.cli import common

    def endless(*_: object, **__: object) -> None:
        while True:
            pass

    monkeypatch.setattr(common, "write_with", endless)
    (broken,) = Arena(tmp_path, seconds=0.2).attack(Case("yaml", ["schema"], {}, "json"))
    assert str(broken) == "it ends: more than 0.2 s of a CPU: schema, yaml"


#: What a careless change might do to the kernel's rules, by where it stands.
CARELESS = [
    ("oomsel.kernel.badness", "OOM_SCORE_ADJ_MIN", -999),
    ("oomsel.kernel.oom_kill", "GFP_FS", 0),
    ("oomsel.kernel.oom_kill", "NO_MM", 0),
]


@pytest.mark.parametrize(("module", "name", "value"), CARELESS)
def test_a_changed_rule_is_seen(module: str, name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import import_module

    monkeypatch.setattr(import_module(module), name, value)
    assert any(broken_by(SEED, index) for index in range(60))


def test_the_rules_are_written_twice_and_say_much() -> None:
    said: dict[str, int] = {}
    for index in range(300):
        for mode in ("approximate", "precise"):
            event = Event(scenario_of(SEED, index), mode)
            said[event.outcome] = said.get(event.outcome, 0) + 1
            for line in event.said():
                said[line[0]] = said.get(line[0], 0) + 1
    outcomes = {"killed", "no-killable", "panic-on-oom", "current-dying", "no-fs", "victim-in-flight", "chosen-dying"}
    assert said.keys() >= outcomes | {"row", "oom-kill", "killed", "group", "exiting", "panic", "nobody", "reaped"}
    assert said_in(["nothing of a report"]) == []


def test_a_scenario_that_is_not_read_is_a_fault() -> None:
    (broken,) = broken_of(json.loads('{"oomsel": 1}'), random.Random(0))
    assert broken.law == "scenario is read"


FILLINGS = ' |a|0|.|/a|a |[|(|"|\\|=|a=|: |{|<b|\t|-|,|0 |\u00e9'.split("|")
LONG = {
    "log": ("examples/dmesg.log", ["events", "in"]),
    "yaml": ("examples/cgroup.yaml", ["select", "in"]),
    "json": ("examples/contest.json", ["select", "in"]),
    "trace": ("tests/data/trace/walk.txt.xz", ["replay", "in"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", LONG)
def test_a_long_line_takes_linear_time(form: str, tmp_path: Path) -> None:
    """Where time grows with the square of a line, 256 KiB of it take 15 seconds."""
    name, words = LONG[form]
    raw = lzma.decompress((ROOT / name).read_bytes()) if name.endswith(".xz") else (ROOT / name).read_bytes()
    lines = raw.split(b"\n")[:60]
    arena = Arena(tmp_path, seconds=6)
    for filling in FILLINGS:
        for place in (0, 0.5):
            text = filling.encode() * ((1 << 18) // len(filling.encode()))
            at = min(30, len(lines) // 2)
            whole = lines[at]
            begin = int(len(whole) * place)
            held = [*lines[:at], whole[:begin] + text + whole[begin:], *lines[at + 1 :]]
            broken = arena.attack(Case(form, words, {"in": b"\n".join(held)}, "text"))
            assert [one for one in broken if one.law == "it ends"] == [], (filling, place)
