"""What-ifs: --set KEY=VALUE and --kernel, read and checked like the file itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

import oomsel
from tests.scenario.test_errors import complete
from tests.scenario.test_values import attribute
from tests.support import errors_of

TEXT = complete(r"""
machine: {cpus: 4, nodes: {0: {ram: 100}, 1: {ram: 50}}}
memcgs: {/web: {max: 5}, "/odd]=[x": {}}
tasks:
- {pid: 10, comm: a, rss: {anon: 5, file: {count: 6, deltas: {0: 1}}}}
- {pid: 11, comm: mysqld, thread: {pid: 12, comm: worker}}
- {pid: 13, comm: mysqld}
- {pid: 14, comm: 'x\x0ay', flags: [exiting]}
- {pid: 15, comm: 017, thread: {pid: 16, comm: 0x1f}}
updates: [{cpu: 1, pid: 10, anon: 3}]
""")

GOOD: list[tuple[str, str, Any]] = [
    ("machine.ram=64MiB", "machine.ram", 16384),
    ("machine.ram=5 pages", "machine.ram", 5),
    ("machine.cpus=8", "machine.cpus", tuple(range(8))),
    ("machine.cpus=[0, 1, 2, 3, 9]", "machine.cpus", (0, 1, 2, 3, 9)),
    ("machine.nodes[1].ram=7", "machine.nodes[1].ram", 7),
    ('memcgs["/web"].max=max', "memcgs[/web].max", None),
    ("memcgs[/web].max=6", "memcgs[/web].max", 6),
    ("memcgs[/new]={max: 3}", "memcgs[/new].max", 3),
    ('memcgs["/odd]=[x"].max=3', "memcgs", 3),
    ("oom.order=3", "oom.order", 3),
    ("oom.gfp_mask=GFP_KERNEL|__GFP_ZERO", "oom.gfp_mask", "GFP_KERNEL|__GFP_ZERO"),
    ("sysctl.panic_on_oom=1", "sysctl.panic_on_oom", 1),
    ("title=a=b", "title", "a=b"),
    ("kernel=6.10", "kernel", "6.10"),
    ("tasks[10].oom_score_adj=-500", "tasks[0].oom_score_adj", -500),
    ("tasks[a].oom_score_adj=-500", "tasks[0].oom_score_adj", -500),
    ("tasks[12].uid=7", "tasks[1].uid", 7),
    ("tasks[worker].uid=7", "tasks[1].uid", 7),
    (r"tasks[x\x0ay].uid=7", "tasks[3].uid", 7),
    (r'tasks["x\\x0ay"].uid=7', "tasks[3].uid", 7),
    ('tasks["017"].uid=7', "tasks[4].uid", 7),
    ('tasks["0x1f"].uid=7', "tasks[4].uid", 7),
    ("tasks[14].flags[0]=vfork", "tasks[3].flags", ("vfork",)),
    ("tasks[10].rss.anon=7", "tasks[0].rss.anon.count", 7),
    ("tasks[10].rss.anon.deltas={2: 7}", "tasks[0].rss.anon.deltas", {2: 7}),
    ("tasks[10].rss.anon.deltas[3]=7", "tasks[0].rss.anon.deltas", {3: 7}),
    ("tasks[10].rss.anon.deltas[3]=7", "tasks[0].rss.anon.count", 5),
    ("tasks[10].rss.file.deltas[0]=7", "tasks[0].rss.file.deltas", {0: 7}),
    ("tasks[10].rss.file.count=7", "tasks[0].rss.file.deltas", {0: 1}),
    ("tasks[10].flags=[vfork]", "tasks[0].flags", ("vfork",)),
    ("tasks[10].comm=5", "tasks[0].comm", b"5"),
    ("updates[0].anon=9", "updates[0].anon", 9),
    ("expect.victim=10", "expect.victim", 10),
]


@pytest.mark.parametrize(("option", "path", "value"), GOOD)
def test_what_is_set(option: str, path: str, value: Any) -> None:
    scenario = oomsel.loads(TEXT, overrides=[option])
    found = scenario.memcgs["/odd]=[x"].max if path == "memcgs" else attribute(scenario, path)
    assert found == value


def test_a_comm_means_every_task_called_so() -> None:
    tasks = oomsel.loads(TEXT, overrides=["tasks[mysqld].uid=5"]).tasks
    assert [task.uid for task in tasks] == [0, 5, 5, 0, 0]


def test_options_are_taken_in_order() -> None:
    options = ["tasks[a].comm=b", "tasks[b].uid=5", "machine.ram=1", "machine.ram=2"]
    scenario = oomsel.loads(TEXT, overrides=options, kernel="5.15")
    assert (scenario.tasks[0].uid, scenario.machine.ram, scenario.kernel) == (5, 2, "5.15")


def test_json_and_the_table_form_take_options_too() -> None:
    data = {"oomsel": 1, "machine": {"cpus": 2, "nodes": {"0": {"ram": 5}}}, "tasks": [{"pid": 10, "comm": "a"}]}
    options = ["machine.nodes[0].ram=6", "tasks[10].comm=7", "kernel=6.10"]
    scenario = oomsel.loads(json.dumps(data), overrides=options)
    assert scenario.machine.nodes is not None
    assert (scenario.machine.nodes[0].ram, scenario.tasks[0].comm, scenario.kernel) == (6, b"7", "6.10")
    table = """\
tasks: |
  [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
  [     10]     0    10        0        0        0        0             0 a
"""
    assert oomsel.loads(complete(table), overrides=["tasks[a].uid=3"]).tasks[0].uid == 3


def test_only_what_an_option_states_is_yaml_in_json() -> None:
    data = {"oomsel": 1, "machine": {"cpus": 2, "ram": 5}, "tasks": [{"pid": 10, "comm": 123}], "kernel": 6.12}
    for options in ([], ["oom.order=0", "title=5", "memcgs={/a: {oom_group: true, max: 5}}"]):
        said = errors_of(json.dumps(data), overrides=tuple(options))
        assert [line.split(": ", 1)[1] for line in said] == [
            "tasks[0].comm: 123 is no text; quote it",
            "kernel: 6.12 is no text; quote it",
        ]
    scenario = oomsel.loads(json.dumps(data), overrides=["tasks[10].comm=123", "kernel=6.12"])
    assert (scenario.tasks[0].comm, scenario.kernel) == (b"123", "6.12")


def test_an_option_does_not_change_what_an_alias_shares() -> None:
    text = complete("tasks:\n- {pid: 10, comm: a, rss: &r {anon: 5}}\n- {pid: 11, comm: b, rss: *r}\n")
    tasks = oomsel.loads(text, overrides=["tasks[10].rss.anon=6"]).tasks
    assert [task.rss.anon.count for task in tasks if task.rss and task.rss.anon] == [6, 5]


BAD = [
    ("tasks[mysqld]", "no KEY=VALUE; use one like tasks[mysqld].oom_score_adj=-500"),
    ("=5", "no key path before the =; use one like machine.ram"),
    ("machine..ram=5", "no key path: machine..ram; use one like machine.ram or memcgs[/web].max"),
    (".machine=5", "no key path: .machine; use one like machine.ram or memcgs[/web].max"),
    ("[machine]=5", "no key path: [machine]; use one like machine.ram or memcgs[/web].max"),
    ("machine ram=5", "no key path: machine ram; use one like machine.ram or memcgs[/web].max"),
    ("tasks[99].uid=5", "no task has pid 99; name one of tasks by pid or comm"),
    ("tasks[nobody].uid=5", "no task is called nobody; name one of tasks by pid or comm"),
    ("updates[1].anon=5", "no update 1; there are 1, the first is updates[0]"),
    ("updates[x].anon=5", "no update x; there are 1, the first is updates[0]"),
    ("machine.ram=", "machine.ram: empty; leave the key out, or give it a value"),
    ("tasks[a=b].uid=5", "no task is called a=b; name one of tasks by pid or comm"),
    ("machine.ram=~", "machine.ram: empty; leave the key out, or give it a value"),
    ("machine.rum=5", "machine.rum: unknown key; did you mean ram?"),
    ("machine.ram=much", 'machine.ram: "much" is not a quantity of memory; use a number of pages, or a number with'),
    ("tasks[10].uid=-1", "tasks[0].uid: -1 is no uid; use a whole number from 0 to 4294967295"),
    ("tasks[10].uid=[", "2:1: not YAML: while parsing a flow node, did not find expected node content;"),
    ("tasks[10].uid={a: 1}", "tasks[0].uid: a mapping is no uid;"),
    ("tasks[10].rss={anon: 1, anon: 2}", "1:11: tasks[10].rss.anon: stated twice, first in line 1; state it once"),
    ("memcgs[/web]={<<: {max: 5}}", '1:2: memcgs["/web"]["<<"]: a merge key; write the keys out'),
    ("title=!!str 5", "1:1: title: the tag tag:yaml.org,2002:str; leave it out, a scenario has no tags"),
    ("title=\udcff", "not UTF-8; in a comm, \\xNN stands for a byte"),
    ("tasks[\udcff].uid=5", "not UTF-8; in a comm, \\xNN stands for a byte"),
    ("oom.order=# c", "oom.order: empty; leave the key out, or give it a value"),
    ("tasks[10][x].uid=7", "tasks[0].x: unknown key; known here: pid,"),
    ("tasks[10].flags[0]=exiting", "tasks[0].flags: a mapping is no list; use a list"),
    ("tasks[14].flags[1]=vfork", "tasks[3].flags: no item 1 in it, it has 1 from [0] on; name one, or set the whole"),
    ("tasks[14].flags.x=vfork", "tasks[3].flags: no item x in it, it has 1 from [0] on; name one, or set the whole"),
    ("machine.cpus.x=5", "machine.cpus: nothing is in it, so no x; set it as a whole"),
    ("machine.cpus[0]=5", "machine.cpus: nothing is in it, so no 0; set it as a whole"),
    ("machine.cpus.count=5", "machine.cpus: nothing is in it, so no count; set it as a whole"),
    ("machine.nodes[2].cpus=3", "machine.nodes[2].ram: required and missing; add it"),
    ("tasks[10].thread.comm=x", "tasks[0].thread.pid: required and missing; add it"),
    ("oom.x.y=5", "oom.x: unknown key; known here: current,"),
    ("oom.current=77", "oom.current: no task has pid 77; name one of tasks"),
    ("tasks[10].rss.anon.deltas[3]=99", "tasks[0].rss.anon.deltas[3]: 99 on CPU 3 cannot be:"),
    ("machine.cpus=1", "machine.cpus: "),
    ("tasks=5", "tasks: 5 is no list; use a list"),
    ("\x1b[2J=5", r"no key path: \x1b[2J; use one like machine.ram or memcgs[/web].max"),
]


@pytest.mark.parametrize(("option", "message"), BAD)
def test_what_is_refused(option: str, message: str) -> None:
    said = errors_of(TEXT, overrides=(option,))
    if option == "machine.cpus=1":  # what the file says no longer fits
        assert said == ["F:10:17: updates[0].cpu: CPU 1 is not possible here; online are 0"]
        return
    shown = option.replace("\x1b", r"\x1b").replace("\udcff", r"\xff")
    punctuation = ":" if message[0].isdigit() and message[1] == ":" else ": "
    assert said[0].startswith(f"--set {shown}{punctuation}{message}")


def test_the_kernel_option_is_named_where_it_is_wrong() -> None:
    (line,) = errors_of(TEXT, kernel="5.3")
    assert line.startswith('--kernel 5.3: kernel: "5.3" is older than 5.4, ')
    text = complete("oom: {gfp_mask: __GFP_ATOMIC}\nkernel: 6.1\n")
    (line,) = errors_of(text, kernel="6.3")
    assert line.startswith("F:1:17: oom.gfp_mask: no gfp flag of that release: __GFP_ATOMIC")


def test_what_the_file_says_beside_an_option_stays_the_files() -> None:
    text = complete("tasks: [{pid: 10, comm: a, rss: {anon: x}}, {pid: 1, comm: b}]\n")
    (line,) = errors_of(text, overrides=("tasks[10].rss.anon.deltas[3]=7",))
    assert line.startswith('F:1:40: tasks[0].rss.anon.count: "x" is not a quantity of memory')
    (line,) = errors_of(complete("tasks: [{pid: 1, comm: b}]\n"), overrides=("oom.order=0",))
    assert line.startswith("F:1:1: oom.current: required and missing; add it: no user task")


def test_options_come_first_in_the_list_of_errors() -> None:
    said = errors_of(complete("oom: {order: 11}\n"), overrides=("tasks[10].uid=-1",))
    assert [line.split(": ")[0] for line in said] == ["--set tasks[10].uid=-1", "F:1:14"]
