"""Bars of the closest candidates on a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

import oomsel
from oomsel.booting import boot, kernel_mode, select_both
from oomsel.kernel.badness import LONG_MAX
from oomsel.outputs.explain import Explanation, explain
from oomsel.outputs.score_bars import ASCII, UTF8, score_bars
from tests.running import run
from tests.support import DATA, ROOT, scenario_text

CONTEST = ROOT / "examples" / "real-contest.yaml"
BARS = """\
  247  over      ███████████████████████████████████████████◆▒▒▒▒▒▒──────┤ 12983
  248  under     ██████████████████████████████████▒▒▒▒▒▒─────◆─┤          10508
  250  bystander ████████▒▒▒◆──────┤                                        2873
  249  clamped   ██████▒▒◆───┤                                              2065
  251  allunder  ▒▒──◆───┤                                                   194
  █ badness in pages, as read   ◆ precisely   ▒─┤ what it can truly be
"""
LOCALES = ("LC_ALL", "LC_CTYPE", "LANG")


def explained(text: str | Path) -> Explanation:
    booted = boot(oomsel.load(text) if isinstance(text, Path) else oomsel.loads(text))
    return explain(*select_both(booted), kernel_mode(booted))


def with_locale(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    """What explain prints, in colour, where the environment's locale is `values`."""
    for name in LOCALES:
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return run("explain", "--scores", "--color", "always", CONTEST).out


@pytest.mark.parametrize("values", [{"LC_ALL": "C.UTF-8"}, {"LANG": "de_DE.utf8@euro"}, {"LC_CTYPE": "en_US.UTF-8"}])
def test_bars_of_a_contest(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    assert f"\n\n{BARS}\n" in with_locale(monkeypatch, **values)


@pytest.mark.parametrize(
    "values",
    [{"LC_ALL": "C"}, {"LANG": "C"}, {}, {"LC_CTYPE": "C.UTF-8", "LANG": "C"}, {"LC_ALL": "POSIX", "LANG": "C.UTF-8"}],
)  # as Python itself sets LC_CTYPE, where LANG is C
def test_without_utf_8_bars_are_plain(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    plain = BARS.translate(str.maketrans("█▒─┤◆", "#=-|*"))
    assert plain.isascii()
    assert f"\n\n{plain}\n" in with_locale(monkeypatch, **values)


def test_a_pipe_gets_no_bars() -> None:
    assert "as read " not in run("explain", "--scores", CONTEST).out


def test_a_log_says_nothing_of_the_truth() -> None:
    out = run("explain", "--scores", "--color", "always", DATA / "real-logs" / "03-memcg.log").out
    assert "badness in pages, as read\n" in out


@pytest.mark.parametrize("signs", [UTF8, ASCII])
@pytest.mark.parametrize("path", sorted((DATA / "real").glob("*/scenario.yaml")), ids=lambda path: path.parent.name)
def test_bars_keep_to_80_columns(path: Path, signs: object) -> None:
    found = explained(path)
    lines = score_bars(found, found.candidates, UTF8 if signs is UTF8 else ASCII, is_log=False)
    assert all(len(line) <= 80 for line in lines)
    compared = [task for task in found.candidates if found.report.points[task] < LONG_MAX]
    assert len(lines) == (min(len(compared), 20) + 1 if compared else 0)


def test_a_bar_below_zero_goes_to_the_left() -> None:
    body = (
        "machine: {cpus: 1, ram: 100000}\ntasks:\n- {pid: 7, comm: big, rss: {anon: 50000}}\n"
        "- {pid: 8, comm: spared, oom_score_adj: -900, rss: {anon: 80000}}\n"
    )
    big, spared, _ = score_bars(explained(scenario_text(body)), [0, 1], ASCII, is_log=False)
    zero = big.index("|")
    assert spared.index("|") == zero
    assert "#" not in spared[zero:]
    assert "#" not in big[:zero]
