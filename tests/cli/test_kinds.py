"""A command that is given an input of another kind says in one line what that is, and which command takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import run

SCENARIO = "oomsel: 1\nmachine: {cpus: 1, ram: 1GiB}\ntasks: [{pid: 7, comm: a}]\nexpect: {victim: a}\n"
WORKLOAD = "oomsel_workload: 1\nmachine: {cpus: 1, ram: 1GiB}\nprocesses: [{pid: 7, comm: a, do: [{fault: 1}]}]\n"
STUDY = "oomsel_study: 1\ngrid: {cpus: [2]}\nmemory: 1MiB\n"
FRAGMENT = "Tue Jul 29 06:26:59 2025 kern.info kernel: [161.410289] [   27]     0    27      326      224 sshd\n"
TRACE = "# tracer: nop\n#\n walk-7 [000] ..... 1.500000: rss_stat: mm_id=5 curr=1 type=MM_ANONPAGES size=4096B\n"
INPUTS = {
    "trace": TRACE.encode(),
    "scenario": SCENARIO.encode(),
    "workload": WORKLOAD.encode(),
    "study": STUDY.encode(),
    "fragment": FRAGMENT.encode(),
    "picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "program": b"\x7fELF" + bytes(90),
    "empty": b"",
}
READERS = ("select", "explain", "convert", "diff", "check")
SAID = [
    *((command, "workload", "this is a workload; use oomsel simulate") for command in (*READERS, "events", "sweep")),
    *((command, "study", "this is a study; use oomsel sweep") for command in (*READERS, "events", "simulate")),
    *((command, "trace", "this is a trace of kmem:rss_stat; use oomsel replay") for command in (*READERS, "events")),
    *((command, "scenario", "this is a scenario; use oomsel select") for command in ("simulate", "sweep", "events")),
    *((command, "fragment", "this is a kernel log; use oomsel explain") for command in ("simulate", "sweep")),
    *((command, "picture", "this is no text; name a scenario or a kernel log") for command in READERS),
    *((command, "program", "this is no text; name a scenario or a kernel log") for command in READERS),
    ("simulate", "program", "this is no text; name a workload"),
    ("sweep", "program", "this is no text; name a study"),
    ("events", "program", "this is no text; name a kernel log"),
    *((command, "empty", "empty; a scenario begins with oomsel: 1") for command in READERS if command != "diff"),
    ("simulate", "empty", "empty; a workload begins with oomsel_workload: 1"),
    *((command, "fragment", "no OOM report in this log") for command in READERS),
]


@pytest.mark.parametrize(("command", "kind", "said"), SAID)
def test_a_wrong_kind_says_so(command: str, kind: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(INPUTS[kind])
    output = ("-o", tmp_path / "out.csv") if command == "sweep" else ()
    ran = run(command, *output, path)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"oomsel: {path}: {said}")


@pytest.mark.parametrize("kind", ["empty", "fragment"])
def test_a_log_without_a_report_is_a_no(kind: str, tmp_path: Path) -> None:
    (tmp_path / "kern.log").write_bytes(INPUTS[kind])
    assert run("events", tmp_path / "kern.log") == (1, "", f"oomsel: {tmp_path / 'kern.log'}: no OOM report found\n")


def test_what_a_folder_holds_besides_scenarios_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()
    for name, kind in {"a.yaml": "scenario", "b.yml": "workload", "c.json": "empty", "d.yaml": "picture"}.items():
        Path("d", name).write_bytes(INPUTS[kind])
    Path("d/e.yaml").write_text("services: {web: {oomsel: 1}}\n")
    Path("d/f.npz").write_bytes(b"PK\x05\x06" + bytes(18))
    Path("d/g.yaml").write_bytes(INPUTS["fragment"])
    out = "ok      d/a.yaml\n1 scenario: 1 ok; 6 other files not checked\n"
    assert run("check", "d") == (0, out, "")
    reasons = {
        "b.yml": "this is a workload",
        "c.json": "it is empty",
        "d.yaml": "this is no text",
        "e.yaml": "it has no key oomsel at its top",
        "f.npz": "this is a zip file that is no bundle",
        "g.yaml": "this is a kernel log",
    }
    told = "".join(f"oomsel: d/{name}: note: not checked: {why}\n" for name, why in reasons.items())
    assert run("check", "-v", "d").err.startswith(told)
    Path("d/a.yaml").unlink()
    nothing = run("check", "-v", "d")
    assert (nothing.status, nothing.out) == (2, "")
    assert nothing.err.startswith(f"{told}oomsel: d: no scenario in this folder; ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SCENARIO.replace("oomsel", "oomesl"), "s.yaml:1:1: oomesl: unknown key; did you mean oomsel?"),
        (SCENARIO.replace("oomsel", "Oomsel"), "s.yaml:1:1: Oomsel: unknown key; did you mean oomsel?"),
        (SCENARIO.removeprefix("oomsel: 1\n"), "s.yaml:1:1: oomsel: required and missing; add it"),
    ],
)
def test_what_was_meant_to_be_a_scenario_is_no_other_file(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(text)
    Path("good.yaml").write_text(SCENARIO)
    ran = run("check", ".")
    assert ran.status == 2
    assert ran.out.endswith("2 scenarios: 1 ok, 1 with errors\n")
    assert f"oomsel: ./{said}\n" in ran.err
