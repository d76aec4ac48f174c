"""A long list read at once says what it says task by task, and leaves what is odd to the reading by tasks."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oomsel
from oomsel.errors import InputError
from oomsel.inputs import load
from oomsel.inputs.list_columns import columns_of_list
from oomsel.outputs.bundle import save
from oomsel.scenario.models import Machine

MACHINE = Machine(cpus=(0, 1, 2, 3, 8), dying=(3,), online=(0, 1, 2), ram=100_000)
TASKS: list[dict[Any, Any]] = [
    {"pid": 1, "comm": "systemd", "oom_score_adj": -1000, "rss": {"anon": 5}},
    {
        "pid": 10,
        "comm": "ten",
        "uid": 4294967295,
        "total_vm": 0,
        "rss": {"anon": {"count": 7, "deltas": {0: 31, 3: -9}}},
    },
    {
        "pid": 11,
        "comm": "",
        "pgtables_bytes": 8192,
        "rss": {"swap": {"deltas": {2: 4}}, "shmem": {"count": -3}, "file": {}},
    },
    {"pid": 12, "comm": "none"},
    {"pid": 13, "comm": "a", "mm": "A", "rss": {"anon": {"count": 9000, "deltas": {"0-2": 3}}}, "flags": ["vfork"]},
    {"pid": 14, "comm": "b", "mm": "A"},
    {"pid": 15, "comm": "c", "thread": {"pid": 16, "comm": "live"}, "rss": {"total": {"count": 50, "deltas": {1: 5}}}},
    {"pid": 17, "comm": "kthreadd", "flags": ["kthread"]},
]
REST: dict[str, Any] = {"oom": {"current": 16}, "updates": [{"cpu": 1, "pid": 14, "anon": 3}, {"offline": 3}]}


def text(tasks: list[dict[Any, Any]], **rest: Any) -> str:
    machine = {"cpus": "0-3,8", "online": "0-2", "dying": 3, "ram": 100_000}
    return json.dumps({"oomsel": 1, "machine": machine, "tasks": tasks} | rest)


def both_ways(monkeypatch: pytest.MonkeyPatch, raw: str, *overrides: str) -> list[oomsel.Scenario | str]:
    """What reading at once and reading by tasks make of it: a scenario, or what is said of it."""
    found: list[oomsel.Scenario | str] = []
    for limit in (1, 1 << 30):
        monkeypatch.setattr(load, "LONG_LIST", limit)
        try:
            found.append(oomsel.loads(raw, overrides=overrides))
        except InputError as error:
            found.append(str(error))
    return found


def lines(scenario: oomsel.Scenario | str) -> list[str]:
    assert isinstance(scenario, oomsel.Scenario)
    booted = oomsel.boot(scenario)
    return [
        line
        for mode in ("approximate", "precise")
        for line in (*oomsel.kernel_lines(oomsel.select(booted, mode), reaper=True), *booted.notes)
    ]


@pytest.mark.parametrize("rest", [{}, REST, {"kernel": "6.1"}])
@pytest.mark.parametrize("overrides", [(), ("tasks[10].oom_score_adj=900",), ("tasks[a].rss.anon.count=1",)])
def test_at_once_and_task_by_task_say_the_same(
    monkeypatch: pytest.MonkeyPatch, rest: dict[str, Any], overrides: tuple[str, ...]
) -> None:
    assert columns_of_list(TASKS[:4], MACHINE) is not None
    at_once, by_task = both_ways(monkeypatch, text(TASKS, **rest), *overrides)
    assert at_once == by_task
    assert lines(at_once) == lines(by_task)


MACHINE_KEYS = {"cpus": "0-3,8", "online": "0-2", "dying": 3, "ram": 100_000}
GROUP: list[dict[Any, Any]] = [
    {"pid": 20, "comm": "g", "memcg": "/g", "rss": {"anon": 70, "file": 60}, "reaper_leaves": {"file": 50}},
    {"pid": 21, "comm": "h", "memcg": "/g", "rss": {"anon": 70}, "flags": ["exited"], "mempolicy": {"interleave": 0}},
]


@pytest.mark.parametrize(
    "rest",
    [
        {"machine": MACHINE_KEYS | {"init": 10}, "sysctl": {"swappiness": 0}},
        {"machine": MACHINE_KEYS | {"init": "none"}, "oom": {"order": -1}},
        {"oom": {"memcg": "/g", "current": 20, "current_thread": 22, "group_victim_again": "killed"}},
        # What is wrong with a pid that no other key names.
        {"machine": MACHINE_KEYS | {"init": 9}},
        {"oom": {"current_thread": 12}},
        {"memcgs": {"/g": {"order": [12, 20, 21]}}},
        {"memcgs": {"/g": {"order": [21]}}},
    ],
)
def test_pids_that_are_named_elsewhere(monkeypatch: pytest.MonkeyPatch, rest: dict[str, Any]) -> None:
    memcgs = {"memcgs": {"/g": {"max": 100, "oom_group": True, "order": [21, 20]}}}
    at_once, by_task = both_ways(monkeypatch, text([*TASKS, *GROUP], **memcgs | rest))
    assert at_once == by_task
    if not isinstance(at_once, str):
        assert lines(at_once) == lines(by_task)


def changed(**keys: Any) -> list[dict[Any, Any]]:
    return [*TASKS, {"pid": 99, "comm": "odd"} | keys]


@pytest.mark.parametrize(
    "tasks",
    [
        changed(pid=10),
        changed(pid="99"),
        changed(pid=0),
        changed(uid=True),
        changed(uid=-1),
        changed(oom_score_adj=1001),
        changed(total_vm=-1),
        changed(total_vm="64MiB"),
        changed(total_vm=None),
        changed(pgtables_bytes=1 << 70),
        changed(comm=7),
        changed(comm="sixteen bytes, no"),
        changed(comm="é"),
        changed(comm="\\x1b"),
        changed(comm="a\0"),
        changed(rss=None),
        changed(rss=5),
        changed(rss={"anom": 5}),
        changed(rss={"anon": "5"}),
        changed(rss={"anon": 1 << 51}),
        changed(rss={"anon": {"count": 1, "delta": {}}}),
        changed(rss={"anon": {"deltas": []}}),
        changed(rss={"anon": {"deltas": {"0-1": 5}}}),
        changed(rss={"anon": {"deltas": {"8": 5}}}),
        changed(rss={"anon": {"deltas": {"9": 5}}}),
        changed(rss={"anon": {"deltas": {"01": 5}}}),
        changed(rss={"anon": {"deltas": {"1": 32}}}),
        changed(rss={"anon": {"deltas": {"1": 1.5}}}),
        [*TASKS, 5],
    ],
)
def test_what_is_odd_is_read_by_tasks(monkeypatch: pytest.MonkeyPatch, tasks: list[Any]) -> None:
    assert columns_of_list(json.loads(json.dumps(tasks)), MACHINE) is None
    at_once, by_task = both_ways(monkeypatch, text(tasks))
    assert at_once == by_task


@pytest.mark.parametrize(
    ("tasks", "rest"),
    [
        (TASKS, {"oom": {"current": 8}}),
        (TASKS, {"more": {"10": {"uid": 1}}}),
        (changed(thread={"pid": 10}), {}),
        (changed(memcg="/x"), {}),
        (changed(mm="A", rss={"anon": 1}), {}),
        (changed(flags=["init", "zombi"]), {}),
        (changed(rss={"total": 1, "anon": 1}), {}),
    ],
)
def test_errors_have_the_places_of_tasks(
    monkeypatch: pytest.MonkeyPatch, tasks: list[Any], rest: dict[str, Any]
) -> None:
    at_once, by_task = both_ways(monkeypatch, text(tasks, **rest))
    assert isinstance(at_once, str)
    assert at_once == by_task


def test_a_bundles_thread_has_a_pid_of_its_own() -> None:
    file = io.BytesIO()
    save(oomsel.loads(text([*TASKS[:4], TASKS[6]])), file)
    with np.load(io.BytesIO(file.getvalue())) as stored:
        members = dict(stored)
    members["pid"] = np.array([1, 10, 11, 16, 15])
    changed_file = io.BytesIO()
    np.savez(changed_file, **members)
    with pytest.raises(InputError, match=r'more\["15"\]\.thread\.pid: pid 16 is another task\'s already'):
        oomsel.loads(changed_file.getvalue())


SELECTORS = ["1", "10", "11", "12", "14", "16", "17", "0xb", "systemd", "ten", "a", '"a"', "live", '"a]b"', "99", ""]
CHANGES = [
    "pid=7",
    "pid=0xb",
    "comm=other",
    "uid=7",
    "oom_score_adj=900",
    "total_vm=12",
    "pgtables_bytes=4096",
    "rss={anon: {count: 500, deltas: {0: 3}}}",
    "rss={total: 50}",
    "rss.anon.count=777",
    "rss.file.deltas={8: 9}",
    "rss.anon.deltas[3]=-7",
    "rss=",
    "flags=[zombie]",
    "flags=[init]",
    "flags=[kthread]",
    "mm=A",
    "memcg=/web",
    "thread={pid: 4000}",
    "mempolicy=0",
]
OTHERS = [
    "tasks=[{pid: 5, comm: alone}]",
    "tasks=[]",
    "machine.online=0",
    "machine.online=0-2,8",
    "machine.cpus=0-15",
    "machine.batch=5",
    "machine.batch=500",
    "machine.ram=16GiB",
    "oom.current=11",
    "oom.current=0xb",
    "oom={current: 12, order: 2}",
    "oom.order=-1",
    "memcgs={/web: {max: 5}}",
    "sysctl.oom_kill_allocating_task=1",
    "updates=[{cpu: 1, pid: 11, anon: 40, repeat: 9}, {offline: 2}]",
    "kernel=6.1",
    "more.10.uid=5",
    "nonsense=1",
]
what_ifs = st.builds("tasks[{}].{}".format, st.sampled_from(SELECTORS), st.sampled_from(CHANGES)) | st.sampled_from(
    OTHERS
)


def outcome(raw: str | bytes, limit: int, overrides: list[str]) -> list[str] | None:
    """What happens; None where the scenario is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "LONG_LIST", limit)
        try:
            scenario = oomsel.loads(raw, overrides=overrides)
        except InputError:
            return None
    file = io.BytesIO()
    save(scenario, file)
    assert lines(oomsel.loads(file.getvalue())) == lines(scenario)
    return lines(scenario)


@pytest.mark.slow
@settings(deadline=None)
@given(overrides=st.lists(what_ifs, min_size=1, max_size=2))
def test_what_ifs_do_the_same_to_few_tasks_many_and_a_bundle(overrides: list[str]) -> None:
    raw = text([*TASKS, {"pid": 20, "comm": "a]b", "rss": {"anon": {"deltas": {"2": 31}}}}])
    file = io.BytesIO()
    save(oomsel.loads(raw), file)
    few = outcome(raw, 1 << 30, overrides)
    assert outcome(raw, 1, overrides) == few
    assert outcome(file.getvalue(), 1 << 30, overrides) == few
