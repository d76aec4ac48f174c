"""The shipped studies: each published claim beside our figure, which is what the study comes to today."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from oomsel.study.grid import load_study, run_trial, trials_of
from oomsel.study.simulate import CountedProcess, Sample, Simulation, simulate
from oomsel.study.workload import load_workload

STUDIES = Path("examples/studies")


def mib(pages: float) -> str:
    return f"{pages / 256:.1f} MiB"


def claims(path: Path) -> dict[str, str]:
    """What a study's header says of our figures, by the claim."""
    lines = [line.removeprefix("#   ") for line in path.read_text(encoding="utf-8").splitlines() if line[:4] == "#   "]
    return {line.partition(": published")[0]: line.partition("; ours ")[2] for line in lines}


def run(name: str) -> Simulation:
    return simulate(load_workload(str(STUDIES / name)))


def reading(simulation: Simulation, design: str, process: int = 0) -> CountedProcess:
    return simulation.counted[design].readings[process]


def bound(simulation: Simulation, design: str, process: int = 0) -> int:
    """Of one counter."""
    accuracy = simulation.counted[design].design.accuracy()
    assert accuracy is not None
    return int(accuracy.under[process])


def victim(simulation: Simulation, design: str, mode: str) -> str:
    kill = simulation.counted[design].kill(mode)
    assert kill is not None
    assert kill.process is not None
    mms = simulation.mms
    return f"{mms.pids[kill.process]} ({mms.processes[kill.process].comm.decode()})"


def five_threads() -> dict[str, str]:
    result = run("five-threads.yaml")
    service, heap = (reading(result, "percpu", process) for process in (0, 1))
    assert service.alarms is not None
    assert heap.alarms is not None
    assert service.alarms.missed == 92
    assert heap.alarms.false == 100
    assert all(sum(alarms or ()) == 0 for alarms in (reading(result, "split", process).alarms for process in (0, 1)))
    split = bound(result, "split")
    return {
        "percpu, service's error": f"{mib(service.error)} in the end, {mib(service.least)} at worst",
        "percpu, heap's error": f"+{mib(heap.error)} in the end, +{mib(heap.most)} at worst",
        "percpu, bound over two counters": mib(service.under or 0),
        "split, bound of a counter": f"{split // 5} pages a thread, {split / 256:.2f} MiB",
    }


def many_threads() -> dict[str, str]:
    result = run("many-threads.yaml")
    split = bound(result, "split")
    assert victim(result, "split", "approximate") == "101 (five)"
    return {
        "split, a hundred threads of 1 MiB": f"{reading(result, 'split').reads * 4} kB",
        "split, bound of a counter": f"{split // 100} pages a thread, {split} pages",
    }


def many_nodes() -> dict[str, str]:
    result = run("many-nodes.yaml")
    pernode = bound(result, "pernode")
    return {
        "pernode, bound of a counter": f"{pernode // 32} pages a node, {pernode} pages",
        "pernode, worst seen": f"{-reading(result, 'pernode').least} pages",
    }


def hopping() -> dict[str, str]:
    seen: list[int] = []

    def note(sample: Sample) -> None:
        if sample.design == "tree":
            seen.append(int(sample.true[0] - sample.reads[0]))

    result = simulate(load_workload(str(STUDIES / "hopping.yaml")), trace=note)
    tree = reading(result, "tree")
    return {
        "percpu, worst error": mib(-reading(result, "percpu").least),
        "tree, error": f"{mib(median(seen))} typically, {mib(-tree.least)} at worst",
        "tree, guaranteed": mib(tree.under or 0),
    }


def wrong_victim() -> dict[str, str]:
    result = run("wrong-victim.yaml")
    kill, passes = (result.counted["percpu"].kill(mode) for mode in ("approximate", "two-pass"))
    assert kill is not None
    assert passes is not None
    right = victim(result, "percpu", "precise")
    return {
        "percpu, approximate victim": f"{victim(result, 'percpu', 'approximate')}, not {right}",
        "percpu, freed": f"{mib(kill.freed)} where the log says {mib(kill.claimed)}",
        "percpu, two-pass victim": f"{victim(result, 'percpu', 'two-pass')} after {passes.precise_sums} precise sums",
        "tree, approximate victim": victim(result, "tree", "approximate"),
    }


def cpus_squared() -> dict[str, str]:
    study = load_study(str(STUDIES / "cpus-squared.study.yaml"))
    rows = [row for trial in trials_of(study) if trial.seed == 1 for row in run_trial(study, trial)]
    bounds = {design: [row.bound for row in rows if row.design == design] for design in ("percpu", "tree")}
    assert all(3.9 < more / less < 4.1 for less, more in zip(bounds["percpu"], bounds["percpu"][1:], strict=False))
    return {
        f"{design}, bound from 16 to 512 CPUs": ", ".join(f"{pages / 256:.1f}" for pages in found) + " MiB"
        for design, found in bounds.items()
    }


FIGURES = {
    "five-threads.yaml": five_threads,
    "many-threads.yaml": many_threads,
    "many-nodes.yaml": many_nodes,
    "hopping.yaml": hopping,
    "wrong-victim.yaml": wrong_victim,
    "cpus-squared.study.yaml": cpus_squared,
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    assert FIGURES[name]() == claims(STUDIES / name)


def test_every_study_is_here() -> None:
    assert {path.name for path in STUDIES.iterdir()} == set(FIGURES)
