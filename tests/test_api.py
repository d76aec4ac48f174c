"""The public API."""

from __future__ import annotations

import pydoc
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import oomsel
from oomsel.inputs.load import load
from tests.running import run
from tests.support import ROOT

CONTEST = ROOT / "examples" / "real-contest.yaml"
LOG = ROOT / "examples" / "dmesg.log"


def test_every_public_name_is_there_and_documented() -> None:
    for name in oomsel.__all__:
        value = getattr(oomsel, name)
        assert name == "__version__" or value.__doc__
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = oomsel.nope


def test_an_unknown_mode_is_refused() -> None:
    scenario = oomsel.load(ROOT / "examples" / "smallest.yaml")
    with pytest.raises(oomsel.UsageError, match="no mode exact; use approximate, precise, two-pass or kernel"):
        oomsel.select(scenario, mode="exact")


def test_errors_are_one_family() -> None:
    assert issubclass(oomsel.InputError, oomsel.OomselError)
    assert issubclass(oomsel.UsageError, oomsel.OomselError)
    with pytest.raises(oomsel.InputError, match=r"^/nowhere/s.yaml: No such file or directory$"):
        oomsel.load("/nowhere/s.yaml")


def test_selecting_changes_nothing() -> None:
    booted = oomsel.boot(oomsel.load(ROOT / "examples" / "real-contest.yaml"))
    first = [oomsel.kernel_lines(oomsel.select(booted, mode), reaper=True) for mode in ("approximate", "precise")]
    again = [oomsel.kernel_lines(oomsel.select(booted, mode), reaper=True) for mode in ("approximate", "precise")]
    assert first == again


def test_names_are_listed_for_completion_and_imported_when_used() -> None:
    assert dir(oomsel) == sorted(oomsel.__all__)
    code = "import sys, oomsel; dir(oomsel); sys.exit(','.join(m for m in sys.modules if m.startswith('oomsel.')) or 0)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_is_a_table_of_every_call() -> None:
    said = pydoc.plain(pydoc.render_doc(oomsel)).partition("PACKAGE CONTENTS")[0]
    assert [name for name in oomsel.__all__ if name not in said] == [
        "Booted",
        "LogOptions",
        "OomReport",
        "Outcome",
        "Problem",
        "__version__",
    ]
    assert max(map(len, (oomsel.__doc__ or "").split("\n"))) <= 100


def test_select_takes_whatever_is_at_hand() -> None:
    scenario = oomsel.load(CONTEST)
    for given in (str(CONTEST), CONTEST, scenario, oomsel.boot(scenario)):
        report = oomsel.select(given)
        assert str(report.victim) == "247 (over)"  # what 6.12 does
        assert isinstance(report, oomsel.OomReport)
    assert oomsel.select(str(LOG)).victim == oomsel.events(LOG)[-1].victim
    assert oomsel.select(oomsel.events(LOG)[0]).victim == (200, "batch")


def test_a_report_as_objects_and_as_data() -> None:
    report = oomsel.select(CONTEST, mode="precise")
    assert report.victim == (248, "under")
    assert f"{report.victim}" == "248 (under)"
    (chosen,) = [task for task in report.tasks if task.chosen]
    assert (chosen.pid, chosen.comm, chosen.badness, chosen.killed) == (248, "under", 11996, True)
    assert report.to_dict() == oomsel.report_object(report)
    assert report.lines() == list(oomsel.kernel_lines(report))
    assert report.scenario is not None
    assert report.notes == ()


def test_no_repr_is_longer_than_a_line() -> None:
    report = oomsel.select(CONTEST)
    events = oomsel.events(LOG)
    explanation = oomsel.explain(report)
    found = [report.machine, report.scenario, report, report.tasks[0], report.victim, explanation, events, events[0]]
    assert [repr(each) for each in found] == [
        "<Booted: 8 tasks, 16 CPUs online>",
        "<Scenario: Linux 6.12.117+deb12-cloud-amd64, 8 tasks, 16 CPUs>",
        "<Report: approximate, kills 247 (over)>",
        "<Task 1 (init), is init>",
        "Process(pid=247, comm='over')",
        "<Explanation of <Report: approximate, kills 247 (over)>>",
        "<Events: 2 reports>",
        f"<Event 1 of {LOG}, line 1 at 14.029163: killed 200 (batch), global>",
    ]


def test_events_are_what_the_command_lists() -> None:
    events = oomsel.events(LOG)
    assert str(events) == run("events", LOG).out.rstrip("\n")
    assert [event.killed for event in events] == [((200, "batch"),), ((194, "chrome"),)]
    assert [event.number for event in events] == [1, 2]
    with pytest.raises(oomsel.InputError, match="this is a scenario"):
        oomsel.events(CONTEST)


def test_a_report_without_a_table_has_no_scenario(tmp_path: Path) -> None:
    log = tmp_path / "no-table.log"
    lines = LOG.read_text(encoding="utf-8").splitlines(keepends=True)[:76]
    log.write_text("".join(line for line in lines if not re.match(r"\[.*\] \[", line)), encoding="utf-8")
    (event,) = oomsel.events(log)
    assert event.victim == (200, "batch")
    with pytest.raises(oomsel.InputError, match=r"no-table.log:1: report 1 has no task table to choose from"):
        _ = event.scenario


def test_an_explanation_says_what_the_command_says() -> None:
    for given in (CONTEST, LOG):
        explanation = oomsel.explain(given)
        printed = run("-q", "explain", given).out
        assert printed.startswith(str(explanation))
        data = explanation.to_dict()
        assert data["advice"]
        assert [each["sentence"] for each in data["advice"]] == explanation.advice
        assert explanation.to_markdown().startswith("### OOM: ")
    assert oomsel.explain(oomsel.select(CONTEST, mode="precise")).report.mode == "precise"
    with pytest.raises(oomsel.UsageError, match="no mode both; use kernel, approximate or precise"):
        oomsel.explain(CONTEST, mode="both")


def test_tables_as_dataframes() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    report = oomsel.select(CONTEST)
    frame = report.to_dataframe()
    assert len(frame) == len(report.tasks)
    over = frame[frame.comm == "over"].iloc[0]
    assert (over.pid, over.badness, over.precise_badness) == (247, 12983, 11495)
    assert over.rss - over.precise_rss == 1488
    assert str(frame.badness.dtype) == "Int64"
    assert list(oomsel.events(LOG).to_dataframe().victim) == ["batch", "chrome"]


def test_without_pandas_a_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(oomsel.OomselError, match="needs pandas, which is not installed; pip install pandas"):
        oomsel.select(load(CONTEST)).to_dataframe()


@pytest.mark.parametrize(
    "given", [b"x", 3, None, ["a"], {"oomsel": 1}, oomsel.events(LOG), object()], ids=lambda given: type(given).__name__
)
def test_what_is_none_of_what_a_call_takes_is_told_plainly(given: Any) -> None:
    what = "nothing to choose in; use a path, a Scenario, an Event or a Report"
    for call in (oomsel.select, oomsel.explain):
        with pytest.raises(oomsel.UsageError, match=f"^{type(given).__name__} is {what}$"):
            call(given)
    with pytest.raises(oomsel.UsageError, match="is no Scenario"):
        oomsel.boot(given)
    if not isinstance(given, bytes):  # they may be a name
        for read in (oomsel.events, oomsel.load):
            with pytest.raises(oomsel.UsageError, match=f"^{type(given).__name__} is no name of a file; use a path"):
                read(given)


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_a_name_that_no_file_can_have(name: str) -> None:
    for call in (oomsel.select, oomsel.explain, oomsel.events, oomsel.load):
        with pytest.raises(oomsel.InputError) as caught:
            call(name)
        assert str(caught.value) == f"{name!r}: no file can have this name; use a path"


def test_overrides_that_are_one_text_are_refused() -> None:
    with pytest.raises(oomsel.UsageError, match="use a list"):
        oomsel.load(CONTEST, overrides="tasks[over].oom_score_adj=3")


def test_a_report_can_be_chosen_in_again() -> None:
    report = oomsel.select(CONTEST)
    assert str(oomsel.select(report, mode="precise").victim) == "248 (under)"


def test_which_report_of_a_log_was_taken_is_noted() -> None:
    assert any(note.startswith("2 reports; this is number 2, ") for note in oomsel.select(LOG).notes)
    assert oomsel.select(oomsel.events(LOG)[0]).notes == ()


def test_a_frame_of_no_report_has_its_columns(tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    log = tmp_path / "quiet.log"
    log.write_text("[    1.000000] quiet\n")
    frame = oomsel.events(log).to_dataframe()
    assert (len(frame), list(frame.columns)) == (0, list(oomsel.events(LOG).to_dataframe().columns))
