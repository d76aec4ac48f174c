"""`oomsel convert`: every form from every form, and what it refuses."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import pytest

import oomsel
from tests.running import run

TEXT = """oomsel: 1
machine: {cpus: 0-3, ram: 1GiB, dying: 2}
tasks: [{pid: 7, comm: a, rss: {anon: {count: 5, deltas: {1: 9}}}}, {pid: 9, comm: b, flags: [vfork]}]
"""


def convert(*words: str) -> int:
    return run("convert", *words).status


@pytest.mark.parametrize(("source", "target"), list(product(["yaml", "json", "npz"], repeat=2)))
def test_every_form_from_every_form(tmp_path: Path, source: str, target: str) -> None:
    names = [str(tmp_path / name) for name in ("start.yaml", f"one.{source}", f"two.{target}")]
    Path(names[0]).write_text(TEXT)
    assert [convert(a, "-o", b) for a, b in pairwise(names)] == [0, 0]
    wanted, got = (oomsel.kernel_lines(oomsel.select(oomsel.load(names[at]))) for at in (0, 2))
    assert got == wanted


def test_a_bundle_states_no_more_than_went_in(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("start.yaml", "before.json", "one.npz", "after.json")]
    Path(names[0]).write_text(TEXT)
    assert [convert(a, "-o", b) for a, b in pairwise(names)] == [0, 0, 0]
    assert Path(names[3]).read_text() == Path(names[1]).read_text()


def test_a_bundle_through_a_pipe() -> None:
    ran = run("convert", "-", "--format", "npz", "--set", "tasks[7].uid=5", stdin=TEXT.encode())
    assert ran.status == 0
    assert oomsel.loads(ran.out.encode("utf-8", "surrogateescape")).tasks[0].uid == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.yaml"], "oomsel: missing.yaml: No such file or directory\n"),
        (
            ["examples"],
            "oomsel: examples: Is a directory; name a file in it, only events and check take one\n",
        ),
        (["-", "-o", "x.npz"], "oomsel: -:1:5: not YAML"),
        (["examples/smallest.yaml", "-o", "no/such/x.npz"], "oomsel: no/such/x.npz: No such file or directory\n"),
        (["examples/smallest.yaml", "--format", "xml"], "--format: no xml; use one of"),
    ],
)
def test_what_is_refused(words: list[str], said: str) -> None:
    ran = run("convert", *words, stdin=b"a: b: c")
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert not Path("x.npz").exists()
