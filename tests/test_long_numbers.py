"""Numbers of thousands of digits, in the place of every number of every form of input: one line says what is wrong.

Python's int() takes quadratic time over them and refuses more than 4,300 with an error of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_hostile import LOG, SCENARIO, STUDY, WORKLOAD, dmesg, export, journal, syslog
from tests.inputs.proc.conftest import MACHINE, process
from tests.running import Ran, run
from tests.traces import Kernel

LONG = ("9" * 5000, "-" + "9" * 5000, "9" * 400, "0" * 5000 + "7", "1e99999", "0x" + "f" * 5000, "9" * 5000 + ".5")
_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]+(?![0-9A-Za-z])|(?<=[:=(])[0-9]+")


def told(ran: Ran) -> Ran:
    said = ran.out + ran.err
    assert "a bug" not in said, said[:500]
    assert "Traceback" not in said
    assert ran.status in (0, 1, 2)
    assert max(map(len, ran.err.split("\n"))) <= 2000
    return ran


def variants(text: str, *, every: int = 1) -> Iterator[str]:
    """The text with a long number in the place of each of its numbers, one at a time."""
    for number, match in enumerate(_NUMBER.finditer(text)):
        if number % every == 0:
            yield text[: match.start()] + LONG[number // every % len(LONG)] + text[match.end() :]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def kmsg(text: str) -> str:
    return "".join(f"6,{n},{n}00000,-,caller=T7;{line}\n" for n, line in enumerate(text.splitlines()))


@pytest.mark.parametrize("form", [dmesg, syslog, journal, export, kmsg])
def test_logs(form: object) -> None:
    for text in variants(form(LOG), every=3):  # type: ignore[operator]
        Path("a.log").write_text(text, encoding="utf-8")
        told(run("events", "a.log"))
        told(run("select", "a.log"))


@pytest.mark.parametrize(
    ("data", "command"),
    [(SCENARIO, ["select"]), (WORKLOAD, ["simulate"]), (STUDY, ["sweep", "-o", "x.csv"])],
)
@pytest.mark.parametrize("name", ["x.yaml", "x.json"])
def test_documents(data: object, command: list[str], name: str) -> None:
    for text in variants(json.dumps(data)):
        Path(name).write_text(text, encoding="utf-8")
        told(run(*command, name))
        for left in ("x.csv", "x.csv.part"):
            Path(left).unlink(missing_ok=True)


def test_a_table_of_rows() -> None:
    table = "\n".join(f"  {line}" for line in LOG.splitlines() if line.startswith("["))
    for text in variants(f"oomsel: 1\nmachine: {{cpus: 4, ram: 1GiB}}\ntasks: |\n{table}\nmore: {{41: {{uid: 3}}}}\n"):
        Path("x.yaml").write_text(text, encoding="utf-8")
        told(run("select", "x.yaml"))


def test_traces() -> None:
    kernel = Kernel()
    kernel.exec(1, pid=77)
    kernel.add(1, 1, 40, pid=77)
    kernel.say(" x-77 [001] .... 1003.000001: mark_victim: pid=77 comm=x total-vm=1kB anon-rss=1kB oom_score_adj=4")
    kernel.say("CPU:1 [LOST 5 EVENTS]")
    for text in variants(kernel.text().decode()):
        Path("x.trace").write_text(text, encoding="utf-8")
        told(run("replay", "x.trace"))


def test_trees_of_proc() -> None:
    files = {**MACHINE, **process(1, "init", score=0), **process(70, "a", anon=900)}
    for name, text in files.items():
        path = Path("root", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name, text in files.items():
        for changed in variants(text, every=4):
            Path("root", name).write_text(changed, encoding="utf-8")
            told(run("capture", "--root", "root"))
        Path("root", name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("number", LONG)
@pytest.mark.parametrize(
    "key",
    ["machine.cpus={}", "machine.cpus=0-{}", "tasks[{}].uid=1", "tasks[7].rss.anon={}", "tasks[7].rss.anon={}GiB",
     "tasks[7].rss.anon.deltas[{}]=1", "tasks[{}]=", "kernel=6.{}", "machine.ram={}.5GiB", "tasks[7].uid={}"],
)  # fmt: skip
def test_overrides(key: str, number: str) -> None:
    Path("x.json").write_text(json.dumps(SCENARIO), encoding="utf-8")
    told(run("select", "--set", key.format(number), "x.json"))


@pytest.mark.parametrize(
    "option", [f"tasks[7].rss.anon.deltas{each}" for each in ("[2147483647]=", "[2147483647]=1", "=[1]", "=x-y")]
)
def test_a_cpu_that_cannot_be(option: str) -> None:
    Path("x.json").write_text(json.dumps(SCENARIO), encoding="utf-8")
    ran = told(run("select", "--set", option, "x.json"))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"oomsel: --set {option}: ")


def test_a_line_with_such_a_number_is_a_loss_by_its_line() -> None:
    text = dmesg(LOG).replace("limit 1048576kB", f"limit {'9' * 5000}kB")
    Path("a.log").write_text(text, encoding="utf-8")
    ran = told(run("events", "a.log"))
    assert "a line with a number that no kernel prints, line 10" in " ".join(ran.out.split())
    assert "41 (eater)" in ran.out
