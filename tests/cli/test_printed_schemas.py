"""What programs read is of its schema, and the shipped schemas and references are what the code says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oomsel.cli.schema import printed_schema
from tests.outputs.test_explained_logs import LOGS, check_schema
from tests.running import run

EXAMPLES = Path(__file__).parents[2] / "examples"
PRINTED = ("explanation", "all-events", "check", "bench")


@pytest.mark.parametrize("what", PRINTED)
def test_the_shipped_ones_are_made_from_the_code(what: str) -> None:
    for form, name in (("json", f"{what}.schema.json"), ("markdown", f"{what}.md")):
        ran = run("schema", "--of", what, "--format", form)
        assert ran.status == 0
        assert ran.out == (EXAMPLES / "printed" / name).read_text(), "run make generated"


@pytest.mark.parametrize("name", LOGS)
def test_all_events(name: str) -> None:
    found = json.loads(run("explain", "--all-events", "--format", "json", LOGS[name]).out)
    check_schema(found, printed_schema("all-events"), "")
    for event in found["events"]:
        check_schema(event, printed_schema("explanation"), "")


def test_check(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((EXAMPLES / "smallest.yaml").read_text() + "\nexpect: {victim: nobody}\n")
    found = json.loads(run("check", "--format", "json", EXAMPLES / "real-contest.yaml", wrong, tmp_path).out)
    check_schema(found, printed_schema("check"), "")
    assert found["counts"]["failed"] + found["counts"]["error"] >= 1


def test_bench() -> None:
    check_schema(json.loads(run("bench", "--runs", "1", "--format", "json").out), printed_schema("bench"), "")
