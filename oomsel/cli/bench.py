"""`oomsel bench`: what a choice costs on this machine."""

from __future__ import annotations

import click

from oomsel.cli.common import print_lines, text_or_json, write
from oomsel.text import json_text


@click.command(
    "bench",
    short_help="Measure how long the choice takes in each mode.",
    epilog="\b\nExample:\n  oomsel bench --tasks 1000 --tasks 100000 --cpus 64",
)
@click.option(
    "--tasks",
    metavar="N",
    type=click.IntRange(1, 4_000_000),
    multiple=True,
    help="Processes; repeatable, default: 40 and 10000.",
)
@click.option(
    "--cpus", metavar="N", type=click.IntRange(1, 8192), multiple=True, help="CPUs; repeatable, default: 256."
)
@click.option(
    "--runs",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=15,
    show_default=True,
    help="Runs of each, for the median.",
)
@text_or_json("Lines for a person, or an object for programs, in ms.")
def command(tasks: tuple[int, ...], cpus: tuple[int, ...], runs: int, as_json: bool) -> None:
    """Measure how long the OOM killer's choice takes in each mode, beside the kernel's published figures.

    The choice alone is measured, in memory; the floor is one pass over all counters.
    """
    from oomsel.study import bench

    rows = []
    if not as_json:
        print_lines([bench.HEADER])
    for row in bench.measure(tasks or bench.TASKS, cpus or bench.CPUS, runs):
        rows.append(row)
        if not as_json:
            print_lines([bench.bench_line(row)])
    if as_json:
        write(json_text(bench.bench_object(rows)), None)
    else:
        print_lines(bench.FOOTER)
