"""Recorded core dumps of real kernels: the scenario that each gives prints what that kernel printed at that moment."""

from __future__ import annotations

import pytest
from drgn import Object, sizeof

import oomsel
from oomsel.booting import boot
from oomsel.inputs.vmcore.counters import Counters
from oomsel.inputs.vmcore.memory import Memory, list_entries
from oomsel.inputs.vmcore.scenario import scenario_of
from oomsel.inputs.vmcore.source import KernelSource, Kind
from oomsel.scenario.models import Scenario
from tests.inputs.vmcore.recorded import CASES, Recorded

SOURCE = KernelSource(Kind.VMCORE, "vmcore")


def scenario_in(case: str) -> Scenario:
    recorded = Recorded(case)
    return scenario_of(recorded.program(), SOURCE, recorded.oom)


@pytest.mark.parametrize("case", CASES)
def test_prints_the_kernels_own_report(case: str) -> None:
    recorded = Recorded(case)
    scenario = scenario_in(case)
    mode = "precise" if boot(scenario).system.rules.precise_oom else "approximate"
    lines = oomsel.kernel_lines(oomsel.select(scenario, mode=mode))
    assert "\n".join(lines) + "\n" == recorded.report


def test_every_cpus_part_of_a_counter() -> None:
    (under,) = (task for task in scenario_in("6.12.117-tree-1").tasks if task.comm == b"under")
    assert under.rss is not None
    assert under.rss.anon is not None
    assert under.rss.anon.count == 4693
    assert under.rss.anon.deltas == dict.fromkeys(range(8), 31)


def test_counters_that_are_not_side_by_side() -> None:
    """Before 6.6 each of an mm's four counters was allocated for itself."""
    recorded = Recorded("6.12.117-tree-1")
    memory = Memory(recorded.program())
    counters = Counters(memory)
    mm = next(task.mm for task in list_entries("struct task_struct", memory["init_task"].tasks, "tasks") if task.mm)
    addresses = [mm.rss_stat[member].counters.value_() for member in range(4)]
    together = counters.slots(addresses)
    assert any(map(any, together.values()))
    backwards = counters.slots(addresses[::-1])
    assert backwards == {cpu: held[::-1] for cpu, held in together.items()}


def test_what_threads_hold_back_before_6_2_is_told_and_not_counted() -> None:
    scenario = scenario_in("5.10.223-tree-0")
    assert all(note in (scenario.description or "") for note in scenario.notes)
    (note,) = scenario.notes
    assert "pid 298 anon 835; pid 288 file 178, anon 45; " in note
    assert note.endswith("33 others together file 531, anon 651, shmem 33")
    (manythr,) = (task for task in scenario.tasks if task.pid == 298)
    assert manythr.rss is not None
    assert manythr.rss.anon is not None
    assert not manythr.rss.anon.deltas


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("5.10")])
def test_nothing_is_told_where_everything_was_seen(case: str) -> None:
    scenario = scenario_in(case)
    assert scenario.notes == ()
    assert scenario.description is None


def test_a_dump_outside_the_oom_killer_has_somebody_allocate() -> None:
    recorded = Recorded("6.12.117-tree-1")
    scenario = scenario_of(recorded.program(), SOURCE)
    assert scenario.oom.current == 249
    assert scenario.oom.totalpages is None
    assert str(oomsel.select(scenario, mode="approximate").victim) == "249 (under)"


@pytest.mark.parametrize("kind", [Kind.KCORE, Kind.QEMU])
def test_a_kernel_that_runs_on_is_not_of_one_moment(kind: Kind) -> None:
    recorded = Recorded("7.3.4-02-0")
    scenario = scenario_of(recorded.program(), KernelSource(kind, "live"), recorded.oom)
    assert "the kernel ran on while it was read, so not all of this is of one moment" in scenario.notes


def test_cgroups_of_v1_and_v2() -> None:
    v2, v1 = scenario_in("6.12.117-tree-1").memcgs, scenario_in("5.10.223-v1-tree-1").memcgs
    assert list(v2)[:4] == ["/app", "/app/a", "/app/b", "/app/b/c"]
    assert (v2["/app"].max, v2["/app"].swap_max, v2["/app/a"].oom_group) == (18432, 2048, True)
    assert v2["/app"].swappiness is None
    assert any(limits.swappiness is not None for limits in v1.values())


def test_the_order_in_which_a_cgroup_is_walked() -> None:
    scenario = scenario_in("6.12.117-03-0")
    assert [limits.order for limits in scenario.memcgs.values() if limits.order] == [(198, 199, 201, 200, 209, 211)]


@pytest.mark.parametrize("case", ["5.10.223-09-0", "6.12.117-02-0", "7.3.4-02-0"])
def test_who_is_being_killed_already(case: str) -> None:
    """MMF_OOM_SKIP in a long and in an mm_flags_t, oom_mm, oom_flag_origin, and threads that have exited."""
    recorded = Recorded(case)
    memory = Memory(recorded.program())
    everybody = list_entries("struct task_struct", memory["init_task"].tasks, "tasks")
    tasks = [task for task in everybody if not int(task.flags) & 0x200000 and task.mm]
    skipped, victim, origin, exited = tasks[1:5]
    sharers = {int(task.pid) for task in tasks if task.mm.value_() == skipped.mm.value_()}

    def set_bits(value: Object, bits: int) -> None:
        address = value.address_
        assert address is not None
        recorded.poke(address, (value.value_() | bits).to_bytes(sizeof(value), "little"))

    flags = skipped.mm.flags
    set_bits(flags.member_("__mm_flags")[0] if case.startswith("7") else flags, 1 << 21)
    set_bits(victim.signal.oom_mm, victim.mm.value_())
    set_bits(origin.signal.oom_flag_origin, 1)
    set_bits(exited.flags, 4)
    expected = {int(skipped.pid): "oom_skip", int(victim.pid): "oom_victim", int(origin.pid): "oom_origin"}
    recorded.memory[exited.signal.live.address_ or 0] = bytes(4)  # of a task that lives nobody asks
    flags_of = {task.pid: task.flags for task in scenario_of(recorded.program(), SOURCE).tasks}
    assert all(flag in flags_of[pid] for pid, flag in expected.items())
    assert flags_of[int(exited.pid)][0] == "exited"
    assert {pid for pid, stated in flags_of.items() if "oom_skip" in stated} == sharers
