"""`oomsel init`: a scenario to begin with, or a shipped example."""

from __future__ import annotations

from pathlib import Path

import pytest

from oomsel.cli import examples
from oomsel.errors import UsageError
from tests.running import run
from tests.support import ROOT


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_writes_a_scenario_that_holds() -> None:
    ran = run("init")
    assert ran == (0, "", "oomsel: wrote scenario.yaml; now try: oomsel check scenario.yaml\n")
    assert run("check", "--strict", "scenario.yaml").status == 0
    text = Path("scenario.yaml").read_text()
    assert "$schema" not in text  # there is none here
    assert "#   oomsel check scenario.yaml\n" in text
    again = run("init")
    assert (again.status, again.out) == (2, "")
    assert "scenario.yaml is there already; name another file, or use --force" in again.err
    assert run("init", "--force", "-q") == (0, "", "")
    assert run("init", "-").out.startswith("# `oomsel schema --help` says")
    assert run("init", "a.json").status == 2
    gone = run("init", "no/such/folder.yaml")
    assert (gone.status, gone.err) == (2, "oomsel: no/such/folder.yaml: No such file or directory\n")


def test_every_example_is_listed_with_a_sentence() -> None:
    listed = run("init", "--list").out.splitlines()
    assert [line.split("  ")[0].strip() for line in listed[:-1]] == [each.name for each in examples.examples()]
    assert all(line.endswith((".", ":")) and "  " in line for line in listed[:-1])
    assert listed[-1] == f"They are in {ROOT / 'examples'}; oomsel init --example EXAMPLE copies one."
    names = {each.name for each in examples.examples()}
    assert {"kubernetes-node", "dmesg", "walk", "contest", "studies/cpus-squared"} <= names
    assert len(names) == len(examples.examples())


@pytest.mark.parametrize("example", examples.examples(), ids=lambda each: each.name)
def test_every_example_can_be_copied_and_holds(example: examples.Example, folder: Path) -> None:
    assert run("init", "-q", "--example", example.name) == (0, "", "")
    copied = folder / Path(example.path).name
    text = copied.read_bytes()
    assert b"$schema" not in text  # there is no schema here
    if b"\nexpect:" in text:
        assert run("check", "--strict", copied).status == 0


def test_an_example_by_a_part_of_its_name() -> None:
    ran = run("init", "--example", "kubernetes")
    assert ran == (0, "", "oomsel: wrote kubernetes-node.yaml; now try: oomsel check kubernetes-node.yaml\n")
    assert run("init", "--example", "real").err.startswith("oomsel: wrote real-contest.yaml and real-contest.log; ")
    assert "five may be five-threads-250-cpus, studies/five-threads; say which" in run("init", "--example", "five").err
    assert "no example called nope; oomsel init --list has their names" in run("init", "--example", "nope").err
    assert run("init", "--list", "x.yaml").status == 2


def test_the_line_for_editors_stays_where_it_leads_somewhere(folder: Path) -> None:
    assert run("schema", "--output", "oomsel.schema.json").status == 0
    assert run("init", "--example", "tie", "mine.yaml").status == 0
    first = (folder / "mine.yaml").read_text().partition("\n")[0]
    assert first == "# yaml-language-server: $schema=oomsel.schema.json"
    assert not run("init", "--example", "tie", "-").out.startswith("# Three")


def test_examples_that_are_not_installed_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(examples, "_PACKAGE", str(tmp_path / "oomsel"))
    with pytest.raises(UsageError, match="the examples are not installed"):
        examples.folder()
    ran = run("init", "--list")
    assert (ran.status, ran.out) == (2, "")


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["a.xml"], ".yaml"),
        (["a.npz"], ".yaml"),
        (["--example", "tie", "a.json"], ".yaml"),
        (["--example", "contest", "a.npz"], ".json"),
    ],
)
def test_a_file_is_not_called_what_it_is_not(words: list[str], right: str, folder: Path) -> None:
    ending = Path(words[-1]).suffix
    ran = run("init", *words)
    assert (ran.status, ran.out) == (2, "")
    said = f"oomsel: {words[-1]}: what is written is no {ending}; name it {right}; see oomsel init --help\n"
    assert (ran.err, list(folder.iterdir())) == (said, [])
