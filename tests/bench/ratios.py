"""`make bench`: the time that oomsel takes, beside that of the work that cannot be avoided, as ratios with targets.

Both sides of a ratio are measured in the same run, in turns, on inputs from the generator
with a fixed seed.
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import oomsel
from tests.bench.measure import Times, in_turns
from tests.bench.tracing import write_trace

if TYPE_CHECKING:
    from oomsel.kernel.event import OomReport

_IMPORTS = "import click, pydantic, yaml, numpy"


class Ratio(NamedTuple):
    """One thing that oomsel does, and what it is held against."""

    name: str  #: ours / the other
    target: float  #: the ratio is to be no more than this
    ours: Callable[[], Any]
    other: Callable[[], Any]
    runs: int


class Files(NamedTuple):
    """What is measured on; 10 tasks for a whole run, 10,000 on 256 CPUs for loading, 1 GiB of log, three reports."""

    ten: Path
    yaml: Path
    json: Path
    table: Path  #: the table form
    bundle: Path  #: with something in every CPU's counters
    log: Path  #: 1 GiB
    trace: Path  #: 1.2 million events


def write_files(folder: Path) -> Files:
    """The inputs, made by the generator."""
    from oomsel.booting import select
    from oomsel.outputs.bundle import save
    from oomsel.outputs.kernel_text import kernel_lines
    from oomsel.outputs.scenario_text import json_pieces, yaml_pieces
    from oomsel.study.generate import Recipe, generate

    names = ("ten.yaml", "many.yaml", "many.json", "table.yaml", "many.npz", "kern.log", "trace.txt")
    files = Files(*(folder / name for name in names))
    many = generate(Recipe(tasks=10_000, cpus=256, leftovers="settled", seed=1))
    files.ten.write_text("".join(yaml_pieces(generate(Recipe(tasks=10, cpus=16, seed=1)))))
    files.yaml.write_text("".join(yaml_pieces(many)))
    files.json.write_text("".join(json_pieces(many)))
    write_log(files.log, 1 << 30)
    write_trace(files.trace, 1_200_000)
    table = "".join(f"  {line}\n" for line in kernel_lines(select(many)))
    files.table.write_text(f"oomsel: 1\nmachine: {{cpus: 256, ram: 512GiB}}\ntasks: |\n{table}")
    with files.bundle.open("wb") as file:
        save(generate(Recipe(tasks=10_000, cpus=256, seed=1)), file)
    return files


def write_log(path: Path, size: int) -> None:
    """About `size` bytes of a kernel log, in which three OOM reports stand."""
    from oomsel.booting import select
    from oomsel.outputs.kernel_text import kernel_lines
    from oomsel.study.generate import Recipe, generate

    lines = kernel_lines(select(generate(Recipe(tasks=200, cpus=16, seed=1))))
    report = "".join(f"[ 1000.000000] {line}\n" for line in lines).encode()
    noise = "".join(
        f"[{n // 9:5d}.{n * 37 % 10**6:06d}] usb 1-{n % 9}: new device, number {n}, in the room\n"
        for n in range(20_000)
    )
    quarter = size // 4 // len(noise) * noise.encode()
    with open(path, "wb") as file:
        file.writelines((quarter, report) * 3)
        file.write(quarter)


def _process(*words: str) -> Callable[[], Any]:
    return lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


def _oomsel(*words: str) -> Callable[[], Any]:
    script = shutil.which("oomsel", path=os.path.dirname(sys.executable))
    return _process(*([script] if script else [sys.executable, "-m", "oomsel"]), *words)


def starting(files: Files) -> Iterator[Ratio]:
    """Whole processes beside one that only imports."""
    python = sys.executable
    yield Ratio(
        "oomsel --version / import click", 2.0, _oomsel("--version"), _process(python, "-c", "import click"), 15
    )
    yield Ratio(
        "oomsel select, 10 tasks / its imports",
        1.35,
        _oomsel("select", str(files.ten)),
        _process(python, "-c", _IMPORTS),
        15,
    )


def loading(files: Files) -> Iterator[Ratio]:
    """Reading and validating 10,000 tasks beside reading them alone."""
    import yaml

    from oomsel.inputs.load import load

    def stock() -> Any:
        with open(files.yaml, "rb") as file:
            return yaml.load(file, yaml.CSafeLoader)

    def events() -> None:
        with open(files.yaml, "rb") as file:
            for _ in yaml.parse(file, yaml.CSafeLoader):
                pass

    yield Ratio("load YAML / yaml.load, CSafeLoader", 0.4, lambda: load(files.yaml), stock, 3)
    yield Ratio("load YAML / its bare events", 2.0, lambda: load(files.yaml), events, 3)

    def split() -> list[list[str]]:
        return [line.split() for line in files.table.read_text().split("\n")]

    yield Ratio("load a task table / str.split", 3.0, lambda: load(files.table), split, 9)
    yield Ratio("load a bundle / read its bytes", 3.0, lambda: load(files.bundle), files.bundle.read_bytes, 9)
    yield Ratio("load JSON / json.loads", 4.0, lambda: load(files.json), lambda: json.loads(files.json.read_bytes()), 5)


def searching(files: Files) -> Iterator[Ratio]:
    """Finding the reports of a big log beside counting them."""
    grep = shutil.which("grep")
    if grep is not None:

        def count(what: str, file: Path) -> Callable[[], Any]:  # into a pipe: into /dev/null grep stops at the first
            return lambda: subprocess.run((grep, "-c", what, str(file)), stdout=subprocess.PIPE, check=True)

        log, trace = str(files.log), str(files.trace)
        yield Ratio(
            "oomsel events, 1 GiB of log / grep -c",
            2.0,
            _oomsel("events", log),
            count("invoked oom-killer", files.log),
            5,
        )
        yield Ratio(
            "oomsel replay, 1.2 million events / grep -c",
            10.0,
            _oomsel("replay", trace),
            count("rss_stat", files.trace),
            9,
        )


def choosing(files: Files) -> Iterator[Ratio]:
    """Choosing among 10,000 tasks on 256 CPUs, in memory, and printing it."""
    from oomsel.booting import boot
    from oomsel.inputs.load import load
    from oomsel.kernel.oom_kill import READS, out_of_memory
    from oomsel.outputs.kernel_text import kernel_lines
    from oomsel.study.bench import read_once

    system, oc, *_ = boot(load(files.bundle))
    report = out_of_memory(system, oc, "approximate")
    chosen = {mode: (lambda mode=mode: out_of_memory(system, oc, mode)) for mode in READS}
    yield Ratio("choose precisely / read the state once", 2.0, chosen["precise"], lambda: read_once(system), 25)
    for mode in ("approximate", "two-pass"):
        yield Ratio(f"choose {mode} / precisely", 0.1, chosen[mode], chosen["precise"], 25)
    yield Ratio("print 10,000 rows / f-strings", 3.0, lambda: kernel_lines(report), _f_strings(report), 9)


def _f_strings(report: OomReport) -> Callable[[], Any]:
    """The rows of the table from plain numbers."""
    system, tasks = report.system, report.system.tasks
    numbers = [tasks.pid, tasks.uid, tasks.pid, system.total_vm, report.counters[:, :3].sum(axis=1)]
    numbers += [report.counters[:, member] for member in (1, 0, 3)]
    numbers += [system.pgtables_bytes, report.counters[:, 2], tasks.oom_score_adj]
    rows = list(zip(*(column.tolist() for column in numbers), (comm.decode() for comm in tasks.comm), strict=True))
    return lambda: [
        f"[{a:7}] {b:5} {c:5} {d:8} {e:8} {f:8} {g:8} {h:9} {i:8} {j:8} {k:13} {name}"
        for a, b, c, d, e, f, g, h, i, j, k, name in rows
    ]


def replaying(_: Files) -> Iterator[Ratio]:
    """Counter updates beside a plain C loop that does the same, where there is a C compiler."""
    from tests.bench.replay import replay_ratio

    found = replay_ratio()
    if found is not None:
        yield Ratio(*found, 9)


def capturing(_: Files) -> Iterator[Ratio]:
    """Reading 1,000 processes beside a bare loop that opens and reads the same files, on Linux."""
    if sys.platform != "linux":
        return
    from oomsel.inputs.proc.reading import read_proc
    from oomsel.inputs.proc.tree import Tree
    from tests.bench.capturing import bare_loop, processes

    with processes(1000):
        yield Ratio("read 1,000 processes / a bare loop", 1.5, lambda: read_proc(Tree()), bare_loop, 9)
        yield Ratio("capture 1,000 processes / a bare loop", 2.0, oomsel.capture, bare_loop, 9)


HEADER = " ratio  least    CPU  target       oomsel    the other  oomsel / the other"


def row(ratio: Ratio, ours: Times, other: Times) -> str:
    """A line of the table: the ratio of the medians, of the least disturbed runs, and of the CPU time.

    A target is for the wall clock; two processors at work make that less than what the CPU time says.
    """
    middle, least = ours.median / other.median, ours.least / other.least
    cpu = f"{ours.cpu / other.cpu:6.2f}" if other.cpu else "     -"
    met = "" if middle <= ratio.target else "  missed" if least > ratio.target else "  unsure"
    figures = f"{middle:6.2f} {least:6.2f} {cpu}  {ratio.target:6.2f}"
    return f"{figures}  {_ms(ours.median)}  {_ms(other.median)}  {ratio.name}{met}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:8.2f} ms"


def main() -> None:
    """Measure everything and print one table; the exit status says nothing about targets."""
    compileall.compile_dir(os.path.dirname(oomsel.__file__), quiet=2)  # as an installed package is
    print(HEADER, flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder))
        for section in (starting, loading, choosing, replaying, capturing, searching):
            for ratio in section(files):
                ours, other = in_turns([ratio.ours, ratio.other], ratio.runs)
                print(row(ratio, ours, other), flush=True)  # noqa: T201
