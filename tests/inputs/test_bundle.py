"""Bundles: what goes in comes out, options and rules hold for them too, and a damaged one is named as such."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import oomsel
from oomsel.errors import InputError
from oomsel.outputs.bundle import save
from oomsel.outputs.scenario_text import json_pieces, yaml_pieces

EVERYTHING = r"""
oomsel: 1
title: "every key \x7f \u2028"
kernel: 6.12
machine:
  cpus: 0-3,8
  online: 0-2
  dying: 3
  ram: 100000
  batch: 40
  init: none
  nodes: {0: {cpus: 0-3, ram: 60000}, 4: {ram: 40000}}
memcgs: {/web: {max: 2000, swap_max: 0, swappiness: 0}, /web/worker: {oom_group: true, order: [13, 11]}}
oom: {current: 31, comm: 'a b', gfp_mask: GFP_KERNEL, nodemask: 0, current_thread: 32, group_victim_again: killed}
sysctl: {swappiness: 200}
tasks:
- {pid: 1, comm: systemd, rss: 5}
- {pid: 2, comm: kthreadd, flags: [kthread]}
- {pid: 3, comm: gone, oom_score_adj: 7, flags: [zombie], memcg: /web}
- {pid: 10, comm: '\xff\x1b', uid: 4294967295, total_vm: 9000, pgtables_bytes: 8192, oom_score_adj: -5,
   rss: {anon: {count: 1000, deltas: {0: 12, 1-3: -3, 8: 30}}, swap: {count: -2, deltas: {2: 9}}}}
- {pid: 11, comm: one, mm: A, rss: {anon: {count: 9000, deltas: {0: 39}}}, memcg: /web/worker}
- {pid: 12, comm: two, mm: A}
- {pid: 13, comm: leaves, rss: {shmem: 500}, reaper_leaves: {file: 3, shmem: 40}, memcg: /web/worker, flags: [exited]}
- {pid: 14, comm: spread, mempolicy: {interleave: '0,4'}}
- {pid: 30, comm: lead, thread: {pid: 31, comm: live}, rss: {total: {count: 400, deltas: {1: 3}}, swap: 4}}
- {pid: 40, comm: bound, mempolicy: 4, cpuset: {name: web, mems_allowed: '0,4'}, flags: [vfork], rss: {file: 70}}
updates: [{cpu: 2, pid: 12, anon: 5, repeat: 3}, {offline: 3}, {cpu: 1, pid: 31, total: 7}]
expect: {approximate: {victim: one}, never: [1, systemd]}
""".replace("rss: 5}", "rss: {anon: 5}}")


def bundled(scenario: oomsel.Scenario) -> bytes:
    file = io.BytesIO()
    save(scenario, file)
    return file.getvalue()


def lines(scenario: oomsel.Scenario) -> list[str]:
    return [
        line
        for mode in ("approximate", "precise")
        for line in oomsel.kernel_lines(oomsel.select(scenario, mode), reaper=True)
    ]


def test_a_bundle_says_what_the_scenario_said() -> None:
    scenario = oomsel.loads(EVERYTHING)
    raw = bundled(scenario)
    loaded = oomsel.loads(raw)
    assert loaded.tasks == scenario.tasks
    assert lines(loaded) == lines(scenario)
    assert loaded.notes == scenario.notes
    assert {name: getattr(loaded, name) for name in loaded.fields() if name != "tasks"} == {
        name: getattr(scenario, name) for name in scenario.fields() if name != "tasks"
    }
    assert bundled(loaded) == raw
    for pieces in (yaml_pieces, json_pieces):
        assert lines(oomsel.loads("".join(pieces(loaded)))) == lines(scenario)
        assert oomsel.loads("".join(pieces(scenario))) == scenario


def test_what_a_terminal_would_act_on_is_escaped_in_any_form() -> None:
    head = "oomsel: 1\nmachine: {cpus: 4, ram: 5}\ntasks: [{pid: 7, comm: a}]\n"
    scenario = oomsel.loads(head + 'title: "\\u009b\\u202e\\x7f\\u2069"\n')
    for pieces in (yaml_pieces, json_pieces):
        text = "".join(pieces(scenario))
        assert text.replace("\n", "").isascii()
        assert "\x7f" not in text
        assert oomsel.loads(text) == scenario


def test_its_tasks_read_like_a_tuple() -> None:
    scenario = oomsel.loads(EVERYTHING)
    tasks = oomsel.loads(bundled(scenario)).tasks
    assert [task.comm for task in tasks] == [task.comm for task in scenario.tasks]
    assert tasks[-1].pid == 40
    assert [task.pid for task in tasks[2:4]] == [3, 10]
    with pytest.raises(IndexError):
        tasks[len(tasks)]


def test_running_one_does_not_change_it() -> None:
    scenario = oomsel.loads(bundled(oomsel.loads(EVERYTHING)))
    assert lines(scenario) == lines(scenario)


@pytest.mark.parametrize(
    "assignment",
    [
        "tasks[10].oom_score_adj=900",
        "tasks[one].rss.anon.count=12",
        "tasks[10].rss.anon.deltas[0]=-1",
        "oom.current=40",
        "kernel=5.15",
        "sysctl.oom_dump_tasks=0",
    ],
)
def test_options_hold_for_a_bundle_as_for_the_file(assignment: str) -> None:
    wanted = lines(oomsel.loads(EVERYTHING, overrides=[assignment]))
    assert wanted != lines(oomsel.loads(EVERYTHING))
    assert lines(oomsel.loads(bundled(oomsel.loads(EVERYTHING)), overrides=[assignment])) == wanted


PLAIN = "oomsel: 1\nmachine: {cpus: 4, ram: 1GiB}\ntasks: [{pid: 7, comm: a}, {pid: 9, comm: b, rss: {anon: 5}}]"

Members = dict[str, npt.NDArray[Any]]


def told(change: Callable[[Members], Any]) -> str:
    """What is said of a bundle after `change`."""
    with np.load(io.BytesIO(bundled(oomsel.loads(PLAIN)))) as stored:
        members: Members = dict(stored)
    change(members)
    file = io.BytesIO()
    np.savez(file, **members)  # type: ignore[arg-type]
    with pytest.raises(InputError) as error:
        oomsel.boot(oomsel.loads(file.getvalue(), source="x.npz"))
    return str(error.value)


def head(**sections: Any) -> Callable[[Members], Any]:
    """A change of the scenario inside."""

    def change(members: Members) -> None:
        data = json.loads(members["scenario"].tobytes()) | sections
        members["scenario"] = np.frombuffer(json.dumps(data).encode(), np.uint8)

    return change


def value(name: str, index: Any, what: int) -> Callable[[Members], Any]:
    """A change of one number."""

    def change(members: Members) -> None:
        members[name] = members[name].copy()
        members[name][index] = what

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.pop("uid"), "x.npz: a damaged bundle: it has the members scenario, pid, comm, oom_score_adj"),
        (lambda m: m.update(more=m["uid"]), "a damaged bundle: it has the members"),
        (lambda m: m.update(uid=m["uid"][:1]), "a damaged bundle: uid has the shape (1,), not (2,)"),
        (lambda m: m.update(pid=m["pid"][0]), "a damaged bundle: pid has the shape (), not (0,)"),
        (lambda m: m.update(percpu=m["percpu"][:, :3]), "percpu has the shape (2, 3, 4), not (2, 4, 4)"),
        (
            lambda m: m.update(percpu=m["percpu"][:, :, :3]),
            "machine.cpus: the columns are for 3 CPUs, machine.cpus has",
        ),
        (lambda m: m.update({k: v[:0] for k, v in m.items() if k != "scenario"}), "not (0,) with a task at least"),
        (lambda m: m.update(uid=m["uid"] * 1.0), "a damaged bundle: uid has the type float64; use whole numbers"),
        (lambda m: m.update(comm=np.array(["a", "b"])), "a damaged bundle: comm has the type <U1"),
        (lambda m: m.update(comm=np.array([b"a" * 16, b"b"])), "comm has the type |S16; use bytes, at most 15"),
        (lambda m: m.update(comm=np.array([b"a\0a", b"b"])), "a comm holds the byte 0"),
        (lambda m: m.update(comm=np.array(["a", 7], object)), "a damaged bundle: Object arrays cannot be loaded"),
        (lambda m: m.update(scenario=m["uid"]), "a damaged bundle: scenario is no array of bytes"),
        (value("pid", 1, 0), "x.npz: pid: row 1 is out of range; use 1 to 4194304"),
        (value("pid", 1, 7), "x.npz: pid: pid 7 is there twice, first in row 0; pids are unique"),
        (value("oom_score_adj", 1, -1001), "x.npz: oom_score_adj: row 1 is out of range; use -1000 to 1000"),
        (value("counts", (1, 2), 1 << 51), "x.npz: counts: row 1 is out of range"),
        (
            value("percpu", (1, 2, 3), -32),
            "percpu: it holds 32 pages or their negative; a value of the batch, 32",
        ),
        (head(oomsel=2), "x.npz: oomsel: 2 is no format version"),
        (head(machine={}), "x.npz: machine.cpus: required and missing"),
        (head(oom={"current": 8}), "x.npz: oom.current: no task has pid 8"),
        (head(more={"8": {}}), 'x.npz: more["8"]: no row has pid 8; name one of the column pid'),
        (head(more={"7": {"uidd": 1}}), 'x.npz: more["7"].uidd: unknown key; did you mean uid?'),
        (head(more={"7": {"memcg": "/x"}}), 'x.npz: more["7"].memcg: /x is not declared'),
        (head(updates=[{"cpu": 9, "pid": 7, "anon": 1}]), "x.npz: updates[0].cpu: CPU 9 is not possible"),
        (head(tasks=[]), "x.npz: a damaged bundle: its scenario is no JSON object without tasks"),
    ],
)
def test_what_is_said_of_a_wrong_one(change: Callable[[Members], Any], said: str) -> None:
    assert said in told(change)


RAW = bundled(oomsel.loads(PLAIN))


def rezipped(name: str, old: bytes, new: bytes) -> bytes:
    """RAW with the bytes of one member changed, and sums that fit."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(RAW)) as before, zipfile.ZipFile(file, "w") as after:
        for member in before.namelist():
            raw = before.read(member)
            assert member != f"{name}.npy" or old in raw
            after.writestr(member, raw.replace(old, new, 1) if member == f"{name}.npy" else raw)
    return file.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        b"PK\x05\x06" + bytes(18),  # a zip file with nothing in it
        # What numpy's header parser lets out: SyntaxError, TokenError, TypeError, OverflowError, AttributeError.
        rezipped("uid", b"{'descr'", b"{'descr("),
        rezipped("uid", b"(2,), }", b"(2,   }"),
        rezipped("uid", b"(2,), }   ", b"(True,), }"),
        rezipped("uid", b"(2,), }    ", b"(2.5,), }  "),
        rezipped("uid", b"(2,), }                   ", b"(99999999999999999999,), }"),
        rezipped("uid", b"\x93NUMPY", b"notnpy"),
        rezipped("scenario", b'{"oomsel"', b'\xff"oomsel"'),
        rezipped("scenario", b'"machine": {', b'"machine": "'),
        rezipped("scenario", b'{"oomsel"', b'["oomsel"'),
        RAW[:100],
        RAW[:-1],
        RAW[:200] + b"x" + RAW[201:],
        RAW.replace(b"NUMPY", b"NUMPI"),
        RAW.replace(b"'<i8'", b"'<x8'"),
        *(RAW[:length] for length in range(1, 6)),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_damaged_one_is_named_as_such(raw: bytes) -> None:
    with pytest.raises(InputError, match=r"^x\.npz: a damaged bundle: .*; make it again with oomsel convert$"):
        oomsel.loads(raw, source="x.npz")


def test_every_flipped_byte_is_seen_or_does_not_matter() -> None:
    wanted = lines(oomsel.loads(RAW))
    for at in range(4, len(RAW), 7):
        raw = RAW[:at] + bytes([RAW[at] ^ 0x55]) + RAW[at + 1 :]
        try:
            found = lines(oomsel.loads(raw))
        except InputError:
            continue
        assert found == wanted


@pytest.mark.filterwarnings("error")
def test_a_header_of_python_2_is_read_without_a_word() -> None:
    assert lines(oomsel.loads(rezipped("uid", b"(2,), } ", b"(2L,), }"))) == lines(oomsel.loads(RAW))


def test_a_compressed_one_is_refused() -> None:
    file = io.BytesIO()
    with np.load(io.BytesIO(RAW)) as members:
        np.savez_compressed(file, **members)
    with pytest.raises(InputError, match="a member is compressed"):
        oomsel.loads(file.getvalue())


def test_nothing_is_unpickled() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as members:
        members.writestr("scenario.npy", pickle.dumps([print]))
    with pytest.raises(InputError, match="a damaged bundle"):
        oomsel.loads(file.getvalue())
