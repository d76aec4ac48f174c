"""Workloads put through the designs: who runs where, what is true, and what each design makes of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oomsel
from oomsel.kernel.designs import Costs, How, Topology, Tree
from oomsel.outputs.scenario_text import yaml_pieces
from oomsel.study.program import Scheduler, blocks_of, mms_of, operations_of, runs_of
from oomsel.study.simulate import MODES, Simulation, final_state, simulate
from oomsel.study.simulate_text import simulation_object, text_lines
from oomsel.study.workload import Schedule, Workload, read_workload
from tests import running
from tests.running import Ran

HEAD = "oomsel_workload: 1\nmachine: {cpus: 8, nodes: 2, ram: 1GiB}\n"


def workload(processes: str, **keys: int) -> Workload:
    more = "".join(f"{key}: {value}\n" for key, value in keys.items())
    return read_workload("w.yaml", f"{HEAD}{more}processes:\n{processes}".encode())


def run(processes: str, **keys: int) -> Simulation:
    return simulate(workload(processes, **keys))


EVERYTHING = """\
  - pid: 100
    comm: busy
    threads: 3
    schedule: {kind: node_local, every: 7, migrate: 0.2}
    start: {anon: 1000, file: 50, swap: 9}
    rounds: 2
    do:
      - {fault: 700}
      - {fault_around: 100}
      - {thp: 1024}
      - {mmap_munmap: 600, memory: shmem, times: 3}
      - {fork: 2}
      - {unmap: 650}
"""


def test_operations() -> None:
    (process,) = workload(EVERYTHING).processes
    runs = [run for runs, times in runs_of(process, 4096) for run in runs * times]
    first = [(run.amount, run.times, run.how) for run in runs[:6]]
    assert first == [
        (1, 700, How.FAULT),
        (16, 6, How.FAULT),
        (4, 1, How.FAULT),
        (512, 2, How.HUGE),
        (1, 600, How.FAULT),
        (-512, 1, How.BULK),
    ]
    child = [(run.amount, run.times, run.how) for run in runs if run.in_child]
    # 1000 from before and 1724 faulted in by each thread: twelve page tables and 28 pages, there and away again.
    assert child[:6] == [
        (512, 12, How.FRESH),
        (28, 1, How.BULK),
        (9, 1, How.BULK),
        (-512, 12, How.BULK),
        (-28, 1, How.BULK),
        (-9, 1, How.BULK),
    ]
    assert operations_of(process, 4096) == sum(run.times for run in runs)


@pytest.mark.parametrize("every", [1, 7, 100_000])
def test_every_operation_comes_once_and_the_truth_is_kept(every: int) -> None:
    load = workload(EVERYTHING.replace("every: 7", f"every: {every}"), samples=13)
    updates = [block for _, block in blocks_of(load)]
    total = sum(int(block.repeat.sum()) for block in updates)
    assert total == 3 * operations_of(load.processes[0], 4096)
    result = simulate(load)
    # Two rounds of 700 + 1024 - 650 anon and 100 file pages in each of three threads.
    assert result.true.tolist() == [[50 + 600, 1000 + 6 * 1074, 9, 0]]
    for counted in result.counted.values():
        assert counted.design.summed()[0].tolist() == result.true[0].tolist()
        assert not counted.design.summed()[1:].any()  # the children that are gone
        (reading,) = counted.readings
        assert reading.updates == total
        assert reading.under is not None
        assert reading.over is not None
        assert -reading.under <= reading.least <= reading.error <= reading.most <= reading.over


def test_samples_do_not_change_the_end() -> None:
    few, many = (simulate(workload(EVERYTHING, samples=samples)) for samples in (1, 997))
    for name, counted in few.counted.items():
        assert counted.readings == many.counted[name].readings


@pytest.mark.parametrize(("operations", "samples", "taken"), [(101, 100, 100), (7, 100, 7), (1000, 10, 10), (1, 1, 1)])
def test_the_watchdog_samples_as_often_as_is_said(operations: int, samples: int, taken: int) -> None:
    times: list[int] = []
    processes = f"  - {{pid: 7, comm: a, budget: 1, do: [{{fault: {operations}}}]}}\n"
    result = simulate(
        workload(processes, samples=samples), ["tree"], trace=lambda sample: times.append(int(sample.true[0]))
    )
    assert (len(set(times)), times[-1]) == (taken, operations)
    assert simulation_object(result)["samples"] == taken
    said = f"mistakes about the budget in {taken} sample{'s' * (taken > 1)}."
    assert any(said in line for line in text_lines(result))


def test_init_alone_is_not_killed() -> None:
    result = run("  - {pid: 1, comm: init, do: [{fault: 100}]}\n")
    assert {(kill.process, kill.freed) for one in result.counted.values() for kill in one.kills} == {(None, 0)}
    pieces = "".join(yaml_pieces(final_state(result, "percpu")))
    assert "panic" in oomsel.kernel_lines(oomsel.select(oomsel.loads(pieces)))[-1]


def test_the_seed_decides() -> None:
    one, again, other = (run(EVERYTHING, seed=seed) for seed in (1, 1, 2))
    assert one.counted["percpu"].readings == again.counted["percpu"].readings
    assert one.counted["percpu"].readings != other.counted["percpu"].readings


def scheduler(nth: int = 0, **keys: Any) -> Scheduler:
    return Scheduler(Schedule(**keys), range(8), Topology.even(8, 2), nth, 12345)


SLOTS = np.arange(10_000, dtype=np.int64)


def test_schedules() -> None:
    assert set(scheduler(11).cpus_at(SLOTS).tolist()) == {3}
    assert scheduler(1, kind="round_robin").cpus_at(SLOTS[:9]).tolist() == [1, 2, 3, 4, 5, 6, 7, 0, 1]
    counts = np.bincount(scheduler(kind="hop").cpus_at(SLOTS), minlength=8)
    assert counts.min() > 1100  # of 1250 each
    assert set(scheduler(1, kind="node_local").cpus_at(SLOTS).tolist()) == {4, 5, 6, 7}
    moved = scheduler(1, kind="node_local", migrate=0.01).cpus_at(SLOTS) // 4
    moves = int((np.diff(moved) != 0).sum())
    assert 80 < moves < 120  # of 10000 * 0.01
    always = scheduler(1, kind="node_local", migrate=1.0).cpus_at(SLOTS) // 4
    assert always[:4].tolist() == [1, 0, 1, 0]
    alone = Scheduler(Schedule(kind="node_local", migrate=1.0), range(8), Topology.even(8, 1), 0, 12345)
    assert set(alone.cpus_at(SLOTS).tolist()) == set(range(8))


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
@settings(deadline=None)
def test_a_schedule_is_the_same_in_pieces(sizes: list[int]) -> None:
    slots = np.arange(sum(sizes), dtype=np.int64) // 3
    for kind in ("hop", "node_local"):
        whole = scheduler(1, kind=kind, migrate=0.3 if kind == "node_local" else 0.0).cpus_at(slots)
        pieces = scheduler(1, kind=kind, migrate=0.3 if kind == "node_local" else 0.0)
        cuts = np.split(slots, np.cumsum(sizes)[:-1])
        assert np.concatenate([pieces.cpus_at(cut) for cut in cuts]).tolist() == whole.tolist()


def test_a_pinned_thread_in_numbers() -> None:
    result = run("  - {pid: 7, comm: a, do: [{fault: 100}]}\n")
    read = {name: counted.readings[0].reads for name, counted in result.counted.items()}
    assert read == {"split": 65, "percpu": 96, "pernode": 96, "tree": 0}
    costs = {name: counted.readings[0].costs for name, counted in result.counted.items()}
    assert costs["percpu"] == Costs(locks=3)
    assert costs["pernode"] == Costs(atomics=106)
    assert costs["tree"] == Costs(atomics=3 + 1)  # 32, 64, 96 next to the leaves, 64 on the level above


def test_who_is_killed_and_what_it_frees() -> None:
    processes = """\
  - {pid: 1000, comm: seen, do: [{fault: 544}]}
  - {pid: 1001, comm: hidden, threads: 8, schedule: pinned, do: [{fault: 79}]}
"""
    result = run(processes)
    assert result.true_rss().tolist() == [544, 632]
    approximate, precise, passes = (
        result.counted["percpu"].kill(mode) for mode in ("approximate", "precise", "two-pass")
    )
    assert approximate is not None
    assert precise is not None
    assert passes is not None
    assert (approximate.process, approximate.freed) == (0, 544)
    assert (precise.process, precise.claimed, precise.freed) == (1, 632, 632)
    assert (passes.process, passes.precise_sums) == (1, 2)
    assert result.counted["split"].kill("precise") is None


def test_only_file_pages_come_many_at_a_fault() -> None:
    result = run("  - {pid: 7, comm: a, threads: 2, do: [{fault: 65}, {fault_around: 1040}]}\n")
    assert result.counted["split"].readings[0].under == 2 * (66 + 66 * 16)


def test_two_passes_know_the_bound_of_the_design() -> None:
    result = run("  - {pid: 11, comm: a, do: [{fault: 900}]}\n  - {pid: 12, comm: b, do: [{fault: 300}]}\n")
    # A score of four counters is off by 4 * 31 pages on each of 8 CPUs, or 2 nodes.
    sums = {name: kill.precise_sums for name, one in result.counted.items() if (kill := one.kill("two-pass"))}
    assert sums == {"percpu": 2, "pernode": 1, "tree": 2}


def test_a_watchdog_misses_an_overrun_and_cries_wolf() -> None:
    processes = (
        "  - {pid: 7, comm: a, threads: 8, budget: 200, schedule: {kind: pinned, every: 1}, do: [{fault: 31}]}\n"
    )
    (reading,) = run(processes, samples=31).counted["percpu"].readings
    assert reading.alarms == (0, 6)  # 208, 216, ... 248 pages, and it reads 0 all the time
    wolf = "  - {pid: 7, comm: a, budget: 31, rounds: 200, schedule: {kind: hop, every: 1}, "
    wolf += "do: [{mmap_munmap: 31}]}\n"
    (reading,) = run(wolf, samples=1000).counted["percpu"].readings
    assert reading.alarms is not None
    assert reading.alarms.false > 0
    assert reading.alarms.missed == 0


def cli_run(*arguments: str) -> Ran:
    return running.run("simulate", *arguments)


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "w.yaml"
    file.write_text(
        f"{HEAD}samples: 4\nprocesses:\n{EVERYTHING}".replace("comm: busy", 'comm: "a\\\\x1b,b"\n    budget: 1MiB')
    )
    return str(file)


def test_table(path: str) -> None:
    result = cli_run(path)
    assert (result.status, result.err) == (0, "")
    assert "\x1b" not in result.out
    assert "percpu   precise      100 (a\\x1b,b)  says 8094 pages, frees 8094" in result.out


def test_json_and_trace(path: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    result = cli_run("--format", "json", "--design", "tree", "--trace", str(trace), path)
    data = json.loads(result.out)
    assert list(data["designs"]) == ["tree"]
    rows = list(csv.DictReader(trace.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 4
    assert rows[-1]["comm"] == "a\\x1b,b"
    assert int(rows[-1]["error_pages"]) == data["designs"]["tree"]["processes"][0]["error"]
    assert int(rows[-1]["operations"]) == operations_of(workload(EVERYTHING).processes[0], 4096)


@pytest.mark.parametrize("design", ["split", "percpu", "pernode", "tree"])
def test_the_saved_scenario_reads_the_same(path: str, tmp_path: Path, design: str) -> None:
    saved = tmp_path / "s.yaml"
    data = json.loads(cli_run("--format", "json", "--design", design, "-o", str(saved), path).out)
    scenario = oomsel.load(saved)
    report = oomsel.select(scenario, mode="approximate")
    rss = int(report.counters[0].sum() - report.counters[0, 2])
    assert rss == data["designs"][design]["processes"][0]["reads"]
    assert int(report.precise[0].sum()) - 9 == data["processes"][0]["true_rss"]


MANY = "".join(
    f"  - {{pid: {pid}, comm: a, copies: {copies}, schedule: {{kind: hop, every: 3}}, do: [{{fault: {pages}}}]}}\n"
    for pid, copies, pages in ((100, 30, 3000), (200, 1, 30000), (300, 30, 3000))
)


@pytest.mark.parametrize(
    ("design", "nodes", "said"),
    [
        ("percpu", 3, None),
        ("pernode", 4, "Each counter may be off by 128 pages here; as pernode counters it is guaranteed 124."),
        ("pernode", 8, None),
        ("tree", 3, "Each counter may be off by 768 pages here; as tree counters it is guaranteed 744 to 768."),
        (
            "split",
            3,
            (
                "Each counter may be off by 72 pages here; as split counters it is guaranteed 66."
                " Nothing sums those, as the modes precise and two-pass do here."
            ),
        ),
    ],
)
def test_the_saved_scenario_gives_the_same_choices(design: str, nodes: int, said: str | None) -> None:
    head = f"oomsel_workload: 1\nmachine: {{cpus: 8, nodes: {nodes}, ram: 64GiB}}\nprocesses:\n"
    result = simulate(read_workload("w.yaml", f"{head}{MANY}".encode()), [design])
    saved = final_state(result, design)
    for kill in result.counted[design].kills:
        assert oomsel.select(saved, mode=kill.mode).chosen == kill.process
    assert saved.description == said
    assert {oomsel.select(saved, mode=mode).chosen for mode in MODES} == {30}


def test_the_saved_scenario_says_where_its_bound_changes_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    head = "oomsel_workload: 1\nmachine: {cpus: 8, ram: 64GiB}\nprocesses:\n"
    result = simulate(read_workload("w.yaml", f"{head}{MANY}".encode()), ["tree"])
    monkeypatch.setattr(Tree, "as_percpu", lambda tree: (tree.held()[:, :, np.newaxis], 1 << 30))
    said = final_state(result, "tree").description
    assert said is not None
    assert said.endswith(" By that two-pass chooses 329 here, not 200.")


def test_a_tree_of_another_shape(path: str) -> None:
    data = json.loads(cli_run("--format", "json", "--design", "tree", "--tree", "8", path).out)
    assert data["designs"]["tree"]["processes"][0]["bound_under"] == 3 * 32 * 8


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--tree", "4,4"), "oomsel: --tree: 8 CPUs need fan-outs that are powers of two and multiply to 8\n"),
        (("--tree", "4;2"), "no list of fan-outs: 4;2; use one like 8,8,4"),
        (("--tree", "8", "--design", "split"), "no design that is simulated is a tree; add --design tree"),
        (("--trace", "/nowhere/t.csv"), "oomsel: /nowhere/t.csv: No such file or directory\n"),
        (("-o", "/nowhere/s.yaml"), "oomsel: /nowhere/s.yaml: No such file or directory\n"),
    ],
)
def test_trouble(path: str, arguments: tuple[str, ...], expected: str) -> None:
    result = cli_run(*arguments, path)
    assert (result.status, result.out) == (2, "")
    assert expected in result.err


def test_a_wrong_workload_leaves_no_trace(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(HEAD)
    result = cli_run("--trace", str(tmp_path / "t.csv"), str(file))
    assert (result.status, result.out) == (2, "")
    assert result.err == f"oomsel: {file}:1:1: processes: required and missing; add it\n"
    assert not (tmp_path / "t.csv").exists()


def test_nothing_to_do() -> None:
    result = run("  - {pid: 7, comm: a, do: [{fault: 0}], start: {anon: 5}}\n")
    assert result.counted["tree"].readings[0].reads == 5


def test_mms() -> None:
    mms = mms_of(workload(EVERYTHING.replace("pid: 100", "pid: 100\n    copies: 2")))
    assert (mms.pids, mms.thread_mm, mms.child, mms.number) == ([100, 101], [0, 0, 0, 1, 1, 1], [2, 3, 4, 5, 6, 7], 8)
    assert mms.mms_of_processes() == [[0, 2, 3, 4], [1, 5, 6, 7]]


def test_blocks_are_bounded_by_their_rows() -> None:
    many = "  - {pid: 7, comm: a, threads: 3, do: [{mmap_munmap: 1, times: 150000}]}\n"
    every = "  - {pid: 9, comm: b, schedule: {kind: hop, every: 1}, do: [{fault: 300000}]}\n"
    blocks = [block for _, block in blocks_of(workload(many + every, samples=1))]
    assert sum(int(block.repeat.sum()) for block in blocks) == 3 * 300_000 + 300_000
    assert max(len(block.repeat) for block in blocks) < 2 << 17
