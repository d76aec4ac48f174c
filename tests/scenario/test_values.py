"""What keys may hold, up to the last value that is good, and what they come to."""

from __future__ import annotations

import operator
from typing import Any

import pytest

import oomsel
from oomsel.scenario.models import Counter, Rss, Scenario, Task, Verdict
from tests.scenario.test_errors import complete

M = "machine: {cpus: 8, ram: 1000, "
T = "tasks: [{pid: 10, comm: a, "

#: The end of a scenario's first line, the attribute, and its value.
GOOD: list[tuple[str, str, Any]] = [
    # Quantities: pages, or with a unit; all binary; a sign before all of it.
    ("machine: {cpus: 1, ram: 25}", "machine.ram", 25),
    ("machine: {cpus: 1, ram: 25 pages}", "machine.ram", 25),
    ("machine: {cpus: 1, ram: 25PAGES}", "machine.ram", 25),
    ("machine: {cpus: 1, ram: 100 kB}", "machine.ram", 25),
    ("machine: {cpus: 1, ram: 100KiB}", "machine.ram", 25),
    ("machine: {cpus: 1, ram: 1.5GiB}", "machine.ram", 393216),
    ("machine: {cpus: 1, ram: 64 mb}", "machine.ram", 16384),
    ("machine: {cpus: 1, ram: 0.5 TB}", "machine.ram", 1 << 27),
    ("machine: {cpus: 1, ram: +4kB}", "machine.ram", 1),
    ("machine: {cpus: 1, ram: 0}", "machine.ram", 0),
    ("machine: {cpus: 1, ram: 2.0 pages}", "machine.ram", 2),
    ("machine: {cpus: 1, ram: 2251799813685247}", "machine.ram", 2**51 - 1),
    ("machine: {cpus: 1, ram: 128 kB, page_size: 65536}", "machine.ram", 2),
    (T + "rss: {anon: -1.5GiB}}]", "tasks[0].rss.anon.count", -393216),
    (T + "rss: {anon: -2251799813685247}}]", "tasks[0].rss.anon.count", 1 - 2**51),
    ("memcgs: {/a: {max: max, swap_max: 4 kB}}", "memcgs[/a].max", None),
    ("memcgs: {/a: {max: max, swap_max: 4 kB}}", "memcgs[/a].swap_max", 1),
    ("memcgs: {/a: {}}", "memcgs[/a].oom_group", False),
    ("memcgs: {/: {}, /a: {max: 1}}", "memcgs[/a].max", 1),
    # Numbers of YAML 1.2.
    ("machine: {cpus: 1, ram: 017}", "machine.ram", 17),
    ("machine: {cpus: 1, ram: 0x1f}", "machine.ram", 31),
    ("machine: {cpus: 1, ram: 0o17}", "machine.ram", 15),
    ("machine: {cpus: 1, ram: +25}", "machine.ram", 25),
    ("oom: {gfp_mask: 0xcc0}", "oom.gfp_mask", 0xCC0),
    ("oom: {gfp_mask: 4294967295}", "oom.gfp_mask", (1 << 32) - 1),
    # Lists.
    ("machine: {cpus: 256, ram: 1}", "machine.cpus", tuple(range(256))),
    ("machine: {cpus: 8192, ram: 1}", "machine.cpus", tuple(range(8192))),
    ('machine: {cpus: "5", ram: 1}', "machine.cpus", (5,)),
    ("machine: {cpus: [5, 3], ram: 1}", "machine.cpus", (3, 5)),
    ("machine: {cpus: 8191-8191, ram: 1}", "machine.cpus", (8191,)),
    (M + "online: 5}", "machine.online", (5,)),
    (M + 'online: "5,0-3"}', "machine.online", (0, 1, 2, 3, 5)),
    (M + 'online: "0-7:2/4"}', "machine.online", (0, 1, 4, 5)),
    (M + 'online: "1-7:1/3"}', "machine.online", (1, 4, 7)),
    (M + 'online: "0-7:3/3"}', "machine.online", tuple(range(8))),
    (M + "dying: [7]}", "machine.dying", (7,)),
    # The ends of ranges.
    ("tasks: [{pid: 1, comm: i}, {pid: 4194304, comm: a}]", "tasks[1].pid", 1 << 22),
    (T + "uid: 4294967295}]", "tasks[0].uid", (1 << 32) - 1),
    (T + "oom_score_adj: -1000}]", "tasks[0].oom_score_adj", -1000),
    (T + "oom_score_adj: 1000}]", "tasks[0].oom_score_adj", 1000),
    (T + "pgtables_bytes: 4611686018427387903}]", "tasks[0].pgtables_bytes", 2**62 - 1),
    (T + "tgid: 10}]", "tasks[0].tgid", 10),
    ("oom: {order: -1}", "oom.order", -1),
    ("oom: {order: 10}", "oom.order", 10),
    (M + "batch: 1}", "machine.batch", 1),
    (M + "page_size: 16384}", "machine.page_size", 16384),
    ("updates: [{cpu: 0, pid: 10, anon: 1, repeat: 1000000000}]", "updates[0].repeat", 10**9),
    (T + "rss: {anon: {deltas: {0: 31, 1: -31}}}}]", "tasks[0].rss.anon.deltas", {0: 31, 1: -31}),
    (
        T + 'rss: {anon: {deltas: {0-1: 5, "3,5": 2, 7: 0}}}}]',
        "tasks[0].rss.anon.deltas",
        {0: 5, 1: 5, 3: 2, 5: 2, 7: 0},
    ),
    (T + "rss: {anon: {deltas: {}}}}]", "tasks[0].rss.anon", Counter()),
    (T + "rss: {}}]", "tasks[0].rss", Rss()),
    (T + "flags: []}]", "tasks[0].flags", ()),
    # Text: a plain scalar is the text as written.
    ("kernel: 6.10", "kernel", "6.10"),
    ("title: 017", "title", "017"),
    ("title: no", "title", "no"),
    ("title: 1:30", "title", "1:30"),
    ("title: 1_000", "title", "1_000"),
    ("title: 1.50", "title", "1.50"),
    ("title: true", "title", "true"),
    ('title: ""', "title", ""),
    ('title: "~"', "title", "~"),
    ("description: |\n  two\n  lines", "description", "two\nlines\n"),
    ("tasks: [{pid: 10, comm: 123}]", "tasks[0].comm", b"123"),
    ("tasks: [{pid: 10, comm: no}]", "tasks[0].comm", b"no"),
    ('tasks: [{pid: 10, comm: ""}]', "tasks[0].comm", b""),
    ('tasks: [{pid: 10, comm: "abcdefghijklmno"}]', "tasks[0].comm", b"abcdefghijklmno"),
    (r"tasks: [{pid: 10, comm: '\xe2\x82\xac\x0a'}]", "tasks[0].comm", "€\n".encode()),
    (r"tasks: [{pid: 10, comm: 'a\n'}]", "tasks[0].comm", rb"a\n"),
    ('tasks: [{pid: 10, comm: "a\\u2028"}]', "tasks[0].comm", "a\u2028".encode()),
    ("tasks: [{pid: 10, comm: üüüüüüüa}]", "tasks[0].comm", "üüüüüüüa".encode()),
    ("tasks: [{pid: 10, comm: a, mm: 7}, {pid: 11, comm: b, mm: 07}]", "tasks[1].mm", "07"),
    ("oom: {cpuset_limited: false}", "oom.cpuset_limited", False),
    ("memcgs: {/a: {oom_group: True}}", "memcgs[/a].oom_group", True),
    ("sysctl: {panic_on_oom: 2}", "sysctl.panic_on_oom", 2),
    ("expect: {victim: 10, never: [init, 7, '7']}", "expect.never", (b"init", 7, b"7")),
    ("expect: {approximate: {nobody: true}, robust: true}", "expect.approximate", Verdict(nobody=True)),
    (T + "cpuset: {name: web}}]", "tasks[0].cpuset.mems_allowed", None),
    (T + "mempolicy: 0}]", "tasks[0].mempolicy", (0,)),
]


def attribute(scenario: Scenario, path: str) -> Any:
    value: Any = scenario
    for part in path.replace("[", ".[").split("."):
        if part.startswith("["):
            key = part[1:-1]
            value = value[int(key) if key.isdecimal() else key]
        else:
            value = operator.attrgetter(part)(value)
    return value


@pytest.mark.parametrize(("text", "path", "value"), GOOD)
def test_what_is_good_and_what_it_comes_to(text: str, path: str, value: Any) -> None:
    assert attribute(oomsel.loads(complete(f"{text}\n")), path) == value


def test_defaults() -> None:
    scenario = oomsel.loads(complete(""))
    machine, (task,) = scenario.machine, scenario.tasks
    assert (machine.online, machine.dying, machine.page_size, machine.swap, machine.batch) == (None, (), 4096, 0, None)
    assert task == Task(pid=10, comm=b"a")
    assert (task.uid, task.oom_score_adj, task.flags, task.memcg, task.cpuset) == (0, 0, (), "/", None)
    assert scenario.sysctl.oom_dump_tasks == 1


def test_models_are_frozen_and_say_what_they_lack() -> None:
    task = Task(pid=10, comm=b"a")
    with pytest.raises(AttributeError, match="frozen"):
        task.uid = 5  # type: ignore[misc]
    with pytest.raises(TypeError, match="Task needs comm"):
        Task(pid=10)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Task has no field tid"):
        Task(pid=10, comm=b"a", tid=5)  # type: ignore[call-arg]
    assert (task != Task(pid=10, comm=b"b"), len({task, Task(pid=10, comm=b"a")})) == (True, 1)
    assert repr(Counter(count=5)) == "Counter(count=5, deltas=mappingproxy({}))"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            "machine: {cpus: 4, ram: 10, online: 0-1, dying: 2}\n" + T + "rss: {anon: {deltas: {2-3: 1}}}}]",
            "deltas on CPU 3, neither online nor dying, are kept, but the precise sum does not see them",
        ),
        ("kernel: 7.4", "Linux 7.4 is newer than oomsel knows; the rules of 7.3 are used"),
        (
            "kernel: 6.1\ntasks: [{pid: 10, comm: a, rss: {anon: {deltas: {2: 1}}}}]",
            "Linux 6.1 counts RSS exactly here: deltas are folded in, both modes read the same",
        ),
        (
            "kernel: 5.4\nupdates: [{cpu: 2, pid: 10, anon: 1}]",
            "Linux 5.4 counts RSS exactly here: deltas are folded in, both modes read the same",
        ),
        ("kernel: 6.1", None),
        ("kernel: 6.2\ntasks: [{pid: 10, comm: a, rss: {anon: {deltas: {2: 1}}}}]", None),
        ("kernel: 7.3", None),
    ],
)
def test_notes(text: str, note: str | None) -> None:
    assert list(oomsel.boot(oomsel.loads(complete(f"{text}\n"))).notes) == ([note] if note else [])
