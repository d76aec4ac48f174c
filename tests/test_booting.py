"""From a scenario to the machine: defaults that are worked out, and updates replayed in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import oomsel
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS
from oomsel.kernel.system import NO_MM, System, TaskFlag
from tests.scenario.test_errors import complete
from tests.support import DATA, report_of


def booted(text: str) -> System:
    return oomsel.boot(oomsel.loads(complete(text))).system


def anon(system: System, mm: int = 0) -> tuple[int, list[int]]:
    """anon's global count and every CPU's slot."""
    return int(system.rss.count[mm, MM_ANONPAGES]), system.rss.percpu[mm, MM_ANONPAGES].tolist()


@pytest.mark.parametrize(
    ("machine", "batch"),
    [
        ("{cpus: 8, ram: 1}", 32),
        ("{cpus: 20, ram: 1}", 40),
        ("{cpus: 24, ram: 1, online: 0-19}", 40),
        ("{cpus: 24, ram: 1, dying: 20-23}", 40),
        ("{cpus: 24, ram: 1, batch: 7}", 7),
    ],
)
def test_the_batch_is_of_the_online_cpus(machine: str, batch: int) -> None:
    assert booted(f"machine: {machine}\n").rss.batch == batch


@pytest.mark.parametrize(
    ("machine", "ram", "nodes"),
    [
        ("{cpus: 1, ram: 7}", 7, {0: 7}),
        ("{cpus: 1, nodes: {0: {ram: 5}, 3: {ram: 6}}}", 11, {0: 5, 3: 6}),
        ("{cpus: 1, ram: 7, nodes: {0: {ram: 5}, 3: {ram: 0}}}", 7, {0: 5, 3: 0}),
    ],
)
def test_ram(machine: str, ram: int, nodes: dict[int, int]) -> None:
    system = booted(f"machine: {machine}\n")
    assert (system.totalram_pages, system.node_present_pages) == (ram, nodes)
    assert system.nodes_with_memory == {node for node, pages in nodes.items() if pages}
    assert system.tasks.mems_allowed == [system.nodes_with_memory]


def test_every_counter_has_its_place() -> None:
    system = booted("""\
machine: {cpus: "2,5", ram: 1}
tasks: [{pid: 10, comm: a, rss: {anon: {count: 1, deltas: {2: 5, 5: -6}}, file: 2, shmem: 3, swap: {deltas: {5: 4}}}}]
""")
    members = (MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS)
    assert [int(system.rss.count[0, member]) for member in members] == [1, 2, 3, 0]
    assert [system.rss.percpu[0, member].tolist() for member in members] == [[5, -6], [0, 0], [0, 0], [0, 4]]


def test_total_vm_is_the_precise_rss_where_it_is_not_stated() -> None:
    system = booted("""\
tasks:
- {pid: 10, comm: a, rss: {anon: {count: 5, deltas: {0: -9}}, file: {count: 3, deltas: {0: 4}}, swap: 8}}
- {pid: 11, comm: b, rss: {anon: 5}, total_vm: 0}
updates: [{cpu: 1, pid: 10, file: 2}]
""")
    assert system.total_vm.tolist() == [9, 0]


def test_updates_in_order() -> None:
    system = booted("""\
machine: {cpus: 4, ram: 1}
tasks: [{pid: 10, comm: a, thread: {pid: 12}, mm: X}, {pid: 11, comm: b, mm: X}]
updates:
- {cpu: 0, pid: 10, anon: 20}
- {cpu: 0, pid: 11, anon: 11}   # a sharer: the same counters
- {cpu: 0, pid: 12, anon: 1}    # the thread: 32 fold
- {cpu: 1, pid: 10, anon: -31, file: 2}
- {cpu: 2, pid: 10, anon: 1, repeat: 70}
""")
    assert anon(system) == (32 + 64, [0, -31, 6, 0])
    assert system.rss.percpu[0, MM_FILEPAGES].tolist() == [0, 2, 0, 0]
    assert system.tasks.mm.tolist() == [0, 0]


def test_hotplug_in_the_middle_of_updates() -> None:
    system = booted("""\
machine: {cpus: 20, ram: 1, online: 0-18, dying: 19}
tasks: [{pid: 10, comm: a, rss: {anon: {count: 100, deltas: {0: 37, 19: 5}}}}]
updates:
- {cpu: 18, pid: 10, anon: 30}
- {offline: 17-18}      # 30 is folded; 17 online: a batch of 34
- {offline: [19]}       # a dying one: 5 is folded, the batch stays
- {cpu: 1, pid: 10, anon: 33}
- {cpu: 1, pid: 10, anon: 1}     # reaches 34
- {cpu: 0, pid: 10, anon: -1}    # CPU 0 holds more than the batch now is: all of it is folded
- {online: 18-19}
- {cpu: 18, pid: 10, anon: 37}   # below 38
""")
    assert system.rss.batch == 38
    count, slots = anon(system)
    assert (count, slots[0], slots[1], slots[18], slots[19]) == (100 + 30 + 5 + 34 + 36, 0, 0, 37, 0)


def test_taking_a_cpu_down_recomputes_even_a_stated_batch() -> None:
    assert booted("machine: {cpus: 4, ram: 1, batch: 7}\nupdates: [{offline: 3}]\n").rss.batch == 32


def test_before_6_2_updates_are_folded_in_too() -> None:
    system = booted("kernel: 6.1\nupdates: [{cpu: 1, pid: 10, anon: 5}, {cpu: 2, pid: 10, anon: -2}]\n")
    assert anon(system) == (3, [0] * 8)


def test_what_the_precise_sum_does_not_see_is_not_folded_before_6_2() -> None:
    text = "machine: {cpus: 4, ram: 1, online: 0-1, dying: 2}\nkernel: 6.1\n"
    text += "tasks: [{pid: 10, comm: a, rss: {anon: {count: 10, deltas: {1: 1, 2: 2, 3: 4}}}}]\n"
    assert anon(booted(text))[0] == 13


def test_who_is_current_by_default() -> None:
    text = """\
tasks:
- {pid: 1, comm: init}
- {pid: 2, comm: kthreadd, flags: [kthread]}
- {pid: 3, comm: gone, flags: [zombie]}
- {pid: 9, comm: lead, thread: {pid: 12, comm: live}}
- {pid: 10, comm: a}
"""
    oc = report_of(text).oc
    assert (oc.current, oc.current_pid, oc.current_comm) == (3, 12, b"live")
    assert report_of("oom: {current: 2}\n" + text).oc.current_comm == b"kthreadd"


INITS = """\
- {pid: 1, comm: one}
- {pid: 7, comm: seven}
- {pid: 8, comm: eight}
"""


@pytest.mark.parametrize(
    ("init", "flagged", "pid", "current"),
    [
        ("", "", 1, 7),
        ("", "8", 8, 1),
        (", init: 7", "", 7, 1),
        (", init: 8", "8", 8, 1),
        (", init: none", "", None, 1),
    ],
)
def test_who_is_init(init: str, flagged: str, pid: int | None, current: int) -> None:
    tasks = INITS.replace("eight}", "eight, flags: [init]}") if flagged else INITS
    report = report_of(f"machine: {{cpus: 1, ram: 9{init}}}\ntasks:\n{tasks}")
    table = report.system.tasks
    assert table.pid[table.has(TaskFlag.INIT)].tolist() == ([] if pid is None else [pid])
    assert report.oc.current_pid == current


def test_init_may_be_in_no_list() -> None:
    assert booted("machine: {cpus: 1, ram: 9, init: 1}\n").tasks.flags.tolist() == [0]


def test_tasks_without_an_mm() -> None:
    system = booted(
        "tasks: [{pid: 2, comm: k, flags: [kthread]}, {pid: 10, comm: a}, {pid: 3, comm: z, flags: [zombie]}]\n"
    )
    assert system.tasks.mm.tolist() == [NO_MM, 1, NO_MM]


@given(
    adds=st.lists(st.tuples(st.integers(0, 3), st.integers(-90, 90).filter(bool), st.integers(1, 5)), max_size=12),
    start=st.integers(-50, 50),
)
def test_updates_lose_no_page(adds: list[tuple[int, int, int]], start: int) -> None:
    lines = "".join(f"- {{cpu: {cpu}, pid: 10, anon: {amount}, repeat: {times}}}\n" for cpu, amount, times in adds)
    text = f"machine: {{cpus: 4, ram: 1}}\ntasks: [{{pid: 10, comm: a, rss: {{anon: {start}}}}}]\n"
    count, slots = anon(booted(text + (f"updates:\n{lines}" if adds else "")))
    assert count + sum(slots) == start + sum(amount * times for _, amount, times in adds)
    assert all(abs(slot) < 32 for slot in slots)


def test_a_log_is_told_where_its_answer_hangs_on_swappiness() -> None:
    raw = (DATA / "real-logs" / "03-memcg.log").read_bytes()
    swapping = raw.replace(b"limit 9007199254740988kB", b"limit 16384kB")
    assert swapping != raw

    def notes(log: bytes, *overrides: str) -> list[str]:
        booted = oomsel.boot(oomsel.loads(log, overrides=overrides))
        return [note for note in booted.notes if "swappiness" in note]

    said = "vm.swappiness, which the log does not say, decides: were it 0, 197 (c-big) would be chosen"
    assert (notes(swapping), notes(raw)) == ([said], [])
    # Stated, or with nobody whose score goes by the total, there is nothing to say.
    assert notes(swapping, "sysctl.swappiness=0") == notes(swapping, "tasks[196].oom_score_adj=0") == []
