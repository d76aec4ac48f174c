"""explain on logs: the first screen is its golden file, fits 80 columns, and its figures are the log's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from oomsel.outputs.asked import purpose_of, way_of
from oomsel.outputs.explain_markdown import plain
from oomsel.outputs.explain_schema import explanation_schema
from oomsel.outputs.sizes import Sizes
from tests.running import run
from tests.support import DATA

GOLDEN = DATA / "explained"
LOGS = {
    path.stem: path
    for folder in ("logs", "real-logs")
    for path in sorted((DATA / folder).glob("*.log"))
    if path.stem not in ("r12_events_order", "r13_fragment_not_yaml")
}
SHOWN = sorted(path.stem for path in GOLDEN.glob("*.txt"))


def explained(path: Path, *words: str) -> Any:
    return json.loads(run("explain", "--format", "json", *words, path).out)


@pytest.mark.parametrize("name", SHOWN)
def test_the_first_screen(name: str) -> None:
    ran = run("explain", LOGS[name])
    assert ran.status == 0
    assert ran.out == (GOLDEN / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", LOGS)
def test_no_line_is_wider_than_80_columns_but_one_to_copy(name: str) -> None:
    for words in ((), ("--counters",)):
        lines = run("explain", *words, LOGS[name]).out.split("\n")
        assert not [line for line in lines if len(line) > 80 and not line.startswith("      ")]


@pytest.mark.parametrize("name", LOGS)
def test_the_figures_are_those_of_the_log(name: str) -> None:
    """Sums over the rows of the text itself, by a reader of their own."""
    found = explained(LOGS[name])
    text = LOGS[name].read_bytes().decode(errors="surrogateescape")
    usage = found["usage"]
    assert sum(use["rss"] for use in usage["by_name"]) == usage["rss"]
    assert sum(use["processes"] for use in usage["by_name"]) == usage["processes"]
    cells: dict[int, set[int]] = {}  # of every report, as a pid may have a row in several
    for pid, numbers in re.findall(r"\[ *([0-9]+)\]((?: +-?[0-9]+){8,}) ", text):
        cells.setdefault(int(pid), set()).update(map(int, numbers.split()))
    for task in found["tasks"]:
        assert task["pid"] not in cells or task["rss_pages"] in cells[task["pid"]]
    for killed in found["killed"]:
        assert killed["line"] is None or f"{killed['pid']}" in text.split("\n")[killed["line"] - 1]
    if (limit := found["scope"]["limit"]) is not None:
        assert f"limit {limit >> 10}kB" in text
    for kind in usage["by_kind"]:
        assert kind["size"] >= 0


@pytest.mark.parametrize("name", SHOWN)
def test_no_word_of_the_mails_on_the_first_screen(name: str) -> None:
    screen = (GOLDEN / f"{name}.txt").read_text().partition("\nBOTH READINGS")[0]
    for words in ("folded", "badness is set against", "could rightfully be chosen"):
        assert words not in screen


def check_schema(value: Any, schema: dict[str, Any], where: str) -> None:
    """The part of JSON Schema that the explanation's uses."""
    if "anyOf" in schema:
        schema = schema["anyOf"][1 if value is None else 0]
    if "const" in schema:
        assert value == schema["const"], where
    if "enum" in schema:
        assert value in schema["enum"], where
    kinds = schema.get("type", [])
    names: dict[str, Any] = {"integer": int, "number": (int, float), "string": str, "boolean": bool, "null": type(None)}
    names |= {"object": dict, "array": list}
    if kinds:
        kinds = [kinds] if isinstance(kinds, str) else kinds
        assert any(isinstance(value, names[kind]) for kind in kinds), (where, value)
    if isinstance(value, dict) and "properties" in schema:
        assert set(value) == set(schema["properties"]), where
        for key, part in value.items():
            check_schema(part, schema["properties"][key], f"{where}.{key}")
    if isinstance(value, list) and "items" in schema:
        for part in value:
            check_schema(part, schema["items"], f"{where}[]")


@pytest.mark.parametrize("name", LOGS)
def test_the_data_is_of_its_schema(name: str) -> None:
    check_schema(explained(LOGS[name]), explanation_schema(), "")


@pytest.mark.parametrize("name", ["cgroup.yaml", "real-contest.yaml"])
def test_a_scenarios_data_is_of_its_schema(name: str) -> None:
    found = explained(Path(__file__).parents[2] / "examples" / name)
    check_schema(found, explanation_schema(), "")
    assert json.loads(run("schema", "--of", "explanation").out)["title"] == "oomsel explanation, format 1"


@pytest.mark.parametrize(
    ("name", "kind", "key", "figure"),
    [
        ("g01_shmem_tmpfs_ate_it", "tmpfs", "size", 700000 * 4096),
        ("g02_hugepages_reserved", "huge-pages", "size", 3000 << 20),
        ("g04_order3_fragmented", "fragmentation", "order", 3),
        ("g08_minor_sysrq", "sysrq", "order", -1),
        ("r09_memcg_sockets", "sockets", "size", 183623680),
    ],
)
def test_the_kind_of_trouble(name: str, kind: str, key: str, figure: int) -> None:
    (found,) = [each for each in explained(LOGS[name])["diagnosis"] if each["kind"] == kind]
    assert found["figures"][key] == figure


def test_cma_alone_is_told() -> None:
    assert "cma" in {each["kind"] for each in explained(LOGS["g05_only_cma_free"])["diagnosis"]}


def test_a_rescue_that_ends_in_a_panic_warns() -> None:
    (advice,) = [each for each in explained(LOGS["g02_hugepages_reserved"])["advice"] if each["kind"] == "protect"]
    assert advice["warning"] == "-1000 for 7000 (server) leaves nobody to kill"
    assert advice["sentence"].endswith("saves 7000 (server): then the machine panics.")


def test_a_panic_is_not_a_kill() -> None:
    said = run("explain", LOGS["11-panic-on-oom"]).out
    assert "PANIC    the machine panicked" in said
    assert "KILLED" not in said


@pytest.mark.parametrize(
    ("calls", "way"),
    [
        (["vfs_write", "ksys_write"], "a file's write"),
        (["copy_page_range", "copy_process", "kernel_clone"], "fork or clone"),
        (["__alloc_pages", "do_anonymous_page", "handle_mm_fault"], "a page fault on new anonymous memory"),
        (["ext4_filemap_fault.cold"], "a page fault that reads a mapped file"),
        (["tcp_sendmsg_locked"], "network"),
        (["something_else"], None),
    ],
)
def test_what_a_trace_is_of(calls: list[str], way: str | None) -> None:
    assert way_of(calls)[0] == way


def test_what_a_mask_is_for() -> None:
    assert purpose_of("GFP_KERNEL|__GFP_ZERO") == "kernel memory"
    assert purpose_of("GFP_TRANSHUGE_LIGHT") == "a transparent huge page"
    assert purpose_of("__GFP_ZERO") is None


def test_pages_beside_sizes() -> None:
    assert Sizes(4096, pages=True)(8 << 20) == "8.0 MiB (2048 pages)"


def test_markdown_acts_on_nothing_of_the_logs() -> None:
    assert plain("[x](y) <b>") == "\\[x\\](y) \\<b\\>"
    said = run("explain", "--format", "markdown", LOGS["08-odd-comms"]).out
    assert said.startswith("### OOM: ")
    assert "| process | count | RSS | share | swap |" in said
