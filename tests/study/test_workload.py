"""Reading a workload: what is wrong is said with its place and what would be right."""

from __future__ import annotations

import pytest

from oomsel.errors import InputError
from oomsel.study.workload import Workload, read_workload

GOOD = """\
oomsel_workload: 1
machine: {cpus: 8, nodes: 2}
processes:
  - pid: 100
    comm: a
    schedule: hop
    do:
      - {fault: 1MiB}
"""


def problems(text: str) -> str:
    with pytest.raises(InputError) as error:
        read_workload("w.yaml", text.encode())
    return str(error.value)


def test_defaults() -> None:
    workload = read_workload("w.yaml", GOOD.encode())
    assert isinstance(workload, Workload)
    (process,) = workload.processes
    assert (process.schedule.kind, process.schedule.every, process.threads, process.do[0].fault) == (
        "hop",
        1000,
        1,
        256,
    )
    assert (workload.seed, workload.samples, workload.machine.page_size) == (1, 100, 4096)


def test_json_and_page_size() -> None:
    text = '{"oomsel_workload": 1, "machine": {"cpus": 2, "page_size": 65536}, '
    text += '"processes": [{"pid": 1, "comm": "a", "do": [{"fault": "1MiB"}]}]}'
    assert read_workload("-", text.encode()).processes[0].do[0].fault == 16


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("cpus: 8", "cpsu: 8", "2:11: machine.cpsu: unknown key; did you mean cpus?"),
        ("fault: 1MiB", "falt: 1MiB", "8:10: processes[0].do[0].falt: unknown key; did you mean fault?"),
        ("fault: 1MiB", "fault: 1000 kB, thp: 0", "fault and thp; state one of fault, fault_around, thp"),
        ("fault: 1MiB", "memory: anon", "8:9: processes[0].do[0]: no operation; state one of fault,"),
        ("fault: 1MiB", "fault: 1001 B", "8:17: processes[0].do[0].fault: "),
        ("fault: 1MiB", "fault: -1", "8:17: processes[0].do[0].fault: -1 is negative; use 0 or more"),
        ("fault: 1MiB", "fault: ", "8:17: processes[0].do[0].fault: empty; leave the key out, or give it a value"),
        ("fault: 1MiB", "thp: 1MiB", "no whole number of huge pages; one has 512 pages"),
        ("fault: 1MiB", "unmap: 1MiB", "256 pages, of which a thread has 0 of anon there; unmap no more"),
        ("fault: 1MiB", "fork: 1, memory: file", "fork knows no other memory; leave it out"),
        ("fault: 1MiB", "fault: 1, times: 2", "fault is done once; times is for mmap_munmap"),
        ("fault: 1MiB", "fault: 9TiB", "more than 2^31 pages in one process"),
        ("fault: 1MiB", "fault: 1, memory: swap", '"swap" is no memory; use one of anon, file, shmem'),
        ("schedule: hop", "schedule: hoop", 'processes[0].schedule: "hoop" is no schedule; use one of pinned, hop'),
        ("schedule: hop", "schedule: {kind: hop, migrate: 0.5}", "only node_local threads migrate; leave it out"),
        (
            "schedule: hop",
            "schedule: {kind: node_local, migrate: 1.5}",
            "1.5 is no probability; use a number from 0 to 1",
        ),
        ("schedule: hop", "cpus: 0-8", "6:11: processes[0].cpus: CPU 8 does not exist; machine.cpus is 8"),
        (
            "schedule: hop",
            "threads: 0",
            "6:14: processes[0].threads: 0 is no number of threads; use a whole number from 1",
        ),
        ("comm: a", "comm: 0123456789abcdef", "too long for a comm"),
        ("pid: 100", "pid: 4194304\n    copies: 2", "the last pid is above 4194304"),
        ("nodes: 2", "nodes: 9", "2:27: machine.nodes: more nodes than CPUs"),
        ("nodes: 2", "cpus: 9", "stated twice, first in line 2"),
        (
            "oomsel_workload: 1",
            "oomsel_workload: 2",
            "1:18: oomsel_workload: 2 is no format version that is known; use 1",
        ),
        ("oomsel_workload: 1\n", "", "oomsel_workload: required and missing; add it"),
        ("machine: {cpus: 8, nodes: 2}\n", "", "machine: required and missing; add it"),
        (
            "    do:\n      - {fault: 1MiB}\n",
            "    do: []\n",
            "processes[0].do: An empty list; state at least one operation",
        ),
        (GOOD, "", "w.yaml:1:1: nothing in it; a workload begins with oomsel_workload: 1"),
        (GOOD, "[]", "w.yaml:1:1: no mapping of keys; a workload begins with oomsel_workload: 1"),
        (GOOD, "oomsel: 1\n", "oomsel: unknown key"),
        (
            "comm: a\n",
            "comm: a\n    copies: 10000\n    threads: 11\n",
            "processes: too many threads; use at most 100000 in all",
        ),
        (GOOD, "[", "w.yaml:"),
    ],
)
def test_errors(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert expected in problems(GOOD.replace(old, new, 1))


def test_pids_are_unique() -> None:
    text = GOOD.replace("pid: 100", "pid: 100\n    copies: 3") + "  - {pid: 102, comm: b, do: [{fault: 1}]}\n"
    assert "processes[1].pid: pid 102 is that of processes[0] too; pids are unique" in problems(text)


def test_limits() -> None:
    large = GOOD.replace("cpus: 8", "cpus: 8192").replace("comm: a", "comm: a\n    copies: 5000")
    assert (
        "processes: 5000 processes and forking threads on 8192 CPUs; use fewer of one, 33554432 multiplied at most"
        in problems(large)
    )
    endless = GOOD.replace("fault: 1MiB", "mmap_munmap: 0, times: 1000").replace(
        "comm: a", "comm: a\n    rounds: 1000000"
    )
    assert "processes[0]: 1000000000 steps a thread; use fewer rounds or times, 100000000 steps at most" in problems(
        endless
    )
