"""The JSON Schema accepts what the reader accepts, and refuses gross errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from oomsel.cli.schema import schema_of
from oomsel.errors import InputError
from oomsel.inputs.document import Document
from oomsel.inputs.load import loads
from oomsel.scenario import field_types, models
from oomsel.scenario.declaration import Model, Value
from oomsel.scenario.json_schema import scenario_schema
from oomsel.scenario.reference import reference
from oomsel.scenario.values import Plain
from oomsel.study import grid, workload
from oomsel.text import json_text

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted([*(ROOT / "examples").glob("*.yaml"), *(ROOT / "tests/data").rglob("*.yaml")])
VALIDATOR = Draft7Validator(scenario_schema())
BASE = "oomsel: 1\nmachine: {cpus: 4, ram: 1GiB}\ntasks: [{pid: 7, comm: a}]\n"


def as_an_editor_sees_it(value: Any) -> Any:
    """YAML as JSON: keys are text, plain scalars what YAML 1.2 says they are."""
    if isinstance(value, dict):
        return {str(key): as_an_editor_sees_it(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_an_editor_sees_it(inner) for inner in value]
    if isinstance(value, Plain):
        return {"true": True, "false": False}.get(value.lower(), None if value.is_null else _float(value))
    return value


def _float(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def accepts(text: str) -> bool:
    data = as_an_editor_sees_it(Document("F", text.encode()).data)
    return bool(VALIDATOR.is_valid(data))


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(scenario_schema())


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_scenario_is_accepted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    loads(text)
    assert accepts(text)


ACCEPTED = [
    "title: 123\n",
    "kernel: 6.10\n",
    "kernel: v6.12-rc3\n",
    "memcgs: {/a: {max: max, swap_max: 1.5 GiB, oom_group: false}}\n",
    "oom: {gfp_mask: 0xcc0, order: -1, totalpages: 64 MB}\n",
    "oom: {gfp_mask: GFP_KERNEL|__GFP_ZERO, current: 7}\n",
    "updates: [{cpu: 0, pid: 7, anon: -4kB, repeat: 7}, {offline: 1-2}]\n",
    "expect: {victim: a, never: [1, 1.5], kills: [7], output: golden/a.log, tolerance: 64kB}\n",
    "expect: {approximate: {nobody: true}, precise: {panic: true}, robust: false}\n",
]
ACCEPTED_MACHINES = [
    "{cpus: 0-3, ram: 25 pages}",
    "{cpus: [0, 1, 5], ram: 100KiB, dying: 5}",
    '{cpus: "0-31:2/4", nodes: {0: {ram: 5, cpus: 0-1}, 1: {ram: 0}}, batch: 500, page_size: 65536}',
]
ACCEPTED_TASKS = [
    "{pid: 7, comm: 123, rss: {anon: -3, file: {count: 1, deltas: {0-1: -3, 2: 4}}, swap: 64kB}}",
    "{pid: 7, comm: a, rss: {total: {count: 9}}, flags: [vfork, oom_origin], mm: A, total_vm: 5}",
    "{pid: 7, comm: a, thread: {pid: 8}, cpuset: {name: web, mems_allowed: 0}, mempolicy: [0]}",
    "{pid: 7, comm: '', uid: 4294967295, oom_score_adj: -999, pgtables_bytes: 4096}",
]


@pytest.mark.parametrize(
    "text",
    [BASE + more for more in ACCEPTED]
    + [BASE.replace("{cpus: 4, ram: 1GiB}", machine) for machine in ACCEPTED_MACHINES]
    + [BASE.replace("{pid: 7, comm: a}", task) for task in ACCEPTED_TASKS],
)
def test_what_the_reader_accepts_is_accepted(text: str) -> None:
    loads(text)
    assert accepts(text)


def test_the_table_form_is_accepted() -> None:
    table = "  [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
    row = "  [      7]     0     7      565        1    28672        0             0 a\n"
    text = BASE.partition("tasks:")[0] + f"tasks: |\n{table}{row}more: {{7: {{uid: 3}}, 9: {{comm: b}}}}\n"
    loads(text)
    assert accepts(text)


REFUSED = [
    "oomsel: 2",
    "tasks: []",
    "tasks: [{comm: a}]",
    "tasks: [{pid: 0, comm: a}]",
    "tasks: [{pid: 7, comm: a, oom_score_adj: 1001}]",
    "tasks: [{pid: 7, comm: a, nice: 5}]",
    "tasks: [{pid: 7, comm: a, flags: [kthreadd]}]",
    "tasks: [{pid: 7, comm: a, rss: {anon: lots}}]",
    "tasks: [{pid: 7, comm: a, rss: {anon: '25'}}]",
    "tasks: [{pid: 7, comm: a, rss: {anon: {deltas: {first: 1}}}}]",
    "tasks: nothing",
    "machine: {ram: 1GiB}",
    "machine: {cpus: 4, ram: -5}",
    "machine: {cpus: 0--3, ram: 5}",
    "machine: 4",
    "sysctl: {panic_on_oom: 3}",
    "expect: {never: sshd}",
    "expect: {output: /etc/passwd}",
    "expect: {victims: [a]}",
    "expect: {robust: 1}",
]


@pytest.mark.parametrize("broken", REFUSED)
def test_gross_errors_are_refused(broken: str) -> None:
    key = broken.partition(":")[0]
    text = "".join(line for line in BASE.splitlines(keepends=True) if not line.startswith(key)) + broken + "\n"
    with pytest.raises(InputError):
        loads(text)
    assert not accepts(text)


FORMATS = {
    "scenario": (models, "examples/oomsel.schema.json", "examples/FORMAT.md"),
    "workload": (workload, "examples/workload.schema.json", "examples/WORKLOAD.md"),
    "study": (grid, "examples/study.schema.json", "examples/STUDY.md"),
}


def models_in(module: Any) -> list[type[Model]]:
    here = (one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Model))
    return [one for one in here if one.__module__ == module.__name__]


@pytest.mark.parametrize("name", FORMATS)
def test_every_key_has_a_description(name: str) -> None:
    for model in models_in(FORMATS[name][0]):
        assert [key for key, said in model.keys().items() if not said.meaning.endswith(".")] == []


@pytest.mark.parametrize("name", FORMATS)
def test_the_stored_schema_is_current(name: str) -> None:
    stored = (ROOT / FORMATS[name][1]).read_text(encoding="utf-8")
    assert stored == json_text(schema_of(name)[0]), "make it anew: make generated"
    Draft7Validator.check_schema(json.loads(stored))


@pytest.mark.parametrize("name", FORMATS)
def test_the_stored_reference_is_current_and_whole(name: str) -> None:
    module, _, path = FORMATS[name]
    stored = (ROOT / path).read_text(encoding="utf-8")
    assert stored == reference(*schema_of(name)), "make it anew: make generated"
    for model in models_in(module):
        assert [key for key, _ in model.keys().items() if f"| `{key}`" not in stored] == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples/studies").glob("*.yaml")), ids=lambda path: path.name)
def test_every_study_is_accepted(path: Path) -> None:
    name = "study" if ".study" in path.name else "workload"
    data = as_an_editor_sees_it(Document("F", path.read_bytes()).data)
    assert Draft7Validator(schema_of(name)[0]).is_valid(data)
    assert not Draft7Validator(schema_of(name)[0]).is_valid({**data, "sed": 1})


def test_every_field_type_is_used() -> None:
    text = json.dumps([schema_of(name)[0] for name in FORMATS])
    types = {name: value for name, value in vars(field_types).items() if isinstance(value, Value)}
    assert [name for name, value in types.items() if json.dumps(value.json)[1:-1] not in text] == []


@pytest.mark.parametrize(
    ("key", "meaning"),
    [
        (models.Task.keys()["uid"], "Its user; default 0."),
        (models.Task.keys()["memcg"], 'Its memory cgroup, declared under memcgs; default "/".'),
        (models.MemcgLimits.keys()["oom_group"], "memory.oom.group: killed as a whole; default false."),
        (models.Task.keys()["rss"], "Its RSS counters; default 0."),
        (models.Task.keys()["flags"], "What it is or is in the middle of."),
        (grid.Grid.keys()["threads"], "Threads of each process; default 1."),
        (grid.Grid.keys()["designs"], "Designs of the counter; default split, percpu, pernode, tree."),
    ],
)
def test_a_default_is_shown_from_the_code(key: Any, meaning: str) -> None:
    assert key.meaning == meaning


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_names_the_schema_beside_it(path: Path) -> None:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    assert first == "# yaml-language-server: $schema=oomsel.schema.json"
    assert (path.parent / first.partition("=")[2]).is_file()
