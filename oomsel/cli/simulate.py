"""`oomsel simulate`: a workload put through every design of an RSS counter."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from oomsel.cli.common import DESIGN, FILE, MINUTES, estimated, form_of, note, write, write_scenario, write_with
from oomsel.text import json_text

if TYPE_CHECKING:
    from oomsel.study.simulate import Simulation


@click.command(
    "simulate",
    short_help="Put a workload through the designs of RSS counters.",
    epilog="\b\nExample:\n  oomsel simulate --design percpu --design tree examples/studies/hopping.yaml",
)
@click.argument("workload_file", metavar="WORKLOAD", type=FILE)
@click.option(
    "--design",
    "designs",
    type=DESIGN,
    multiple=True,
    help="Count by this design; repeatable, default: all four.",
)
@click.option("--tree", metavar="N,N,...", help="The tree's fan-outs, leaves first; default: by the number of CPUs.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For a person, or an object for programs.",
)
@click.option("--all", "show_all", is_flag=True, help="Every process, not the 10 that are the furthest off.")
@click.option("--trace", metavar="FILE", help="Write what each design reads over time to FILE, as CSV.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Save the end as a scenario (YAML, .json or .npz), as the first --design counts it; default: percpu.",
)
@MINUTES
def command(
    workload_file: str,
    designs: tuple[str, ...],
    tree: str | None,
    form: str,
    show_all: bool,
    trace: str | None,
    output: str | None,
    minutes: int,
) -> None:
    """Put WORKLOAD (YAML or JSON, - for standard input) through the designs of RSS counters.

    Shows what each design reads, how far off it ever was and may be, what counting cost, and
    whom the OOM killer would choose by it.
    """
    from io import TextIOWrapper

    from oomsel.study.effort import seconds_of_workload
    from oomsel.study.program import mms_of
    from oomsel.study.simulate import final_state, simulate
    from oomsel.study.simulate_text import TraceWriter, simulation_object, text_lines
    from oomsel.study.workload import load_workload

    names = tuple(dict.fromkeys(designs)) or tuple(DESIGN.choices)
    if tree is not None and "tree" not in names:
        raise click.UsageError("--tree: no design that is simulated is a tree; add --design tree, or leave it out")
    form_of(None, output)
    workload = load_workload(workload_file)
    estimated(workload_file, seconds_of_workload(workload, len(names)), minutes)
    mms = mms_of(workload)
    fanouts = _fanouts(tree)
    simulation: Simulation | None = None
    if trace is None:
        simulation = simulate(workload, names, fanouts=fanouts)
    else:

        def put(file: IO[bytes]) -> None:
            nonlocal simulation
            text = TextIOWrapper(file, encoding="utf-8", newline="")
            writer = TraceWriter(mms.pids, [process.comm for process in mms.processes], text)
            simulation = simulate(workload, names, fanouts=fanouts, trace=writer)
            text.detach()  # flushed, and left open

        write_with(put, trace)
    assert simulation is not None
    for name, counted in simulation.counted.items():
        if any(kill.limited for kill in counted.kills):
            note(workload_file, f"{name}: two-pass: the limit of 16 precise sums was hit")
    if form == "json":
        text = json_text(simulation_object(simulation))
    else:
        text = "".join(f"{line}\n" for line in text_lines(simulation, show_all=show_all))
    if output is not None:
        write_scenario(final_state(simulation, names[0] if designs else "percpu"), None, output)
        if output == "-":
            return
    write(text, None)


def _fanouts(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.isascii() and part.isdecimal() and len(part) < 6 for part in parts):
        raise click.UsageError(f"--tree: no list of fan-outs: {text}; use one like 8,8,4")
    return [int(part) for part in parts]
