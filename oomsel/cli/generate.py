"""`oomsel generate`: a synthetic scenario."""

from __future__ import annotations

import click

from oomsel.cli.common import FORM, OUTPUT, form_of, write_scenario


@click.command(
    "generate",
    short_help="Make a scenario of any size.",
    epilog="\b\nExample:\n  oomsel generate --tasks 40 --cpus 16 --contest | oomsel select -",
)
@click.option(
    "--tasks", metavar="N", type=click.IntRange(1, 4_000_000), default=40, show_default=True, help="How many processes."
)
@click.option(
    "--cpus",
    metavar="N",
    type=click.IntRange(1, 8192),
    default=256,
    show_default=True,
    help="How many CPUs, all online.",
)
@click.option(
    "--nodes", metavar="N", type=click.IntRange(1, 1024), default=1, show_default=True, help="How many NUMA nodes."
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Same seed, same bytes.",
)
@click.option(
    "--sizes",
    type=click.Choice(["equal", "uniform", "heavy"]),
    default="heavy",
    show_default=True,
    help="About 100 MiB each, anything up to 1 GiB, or many small and a few big.",
)
@click.option(
    "--leftovers",
    type=click.Choice(["uniform", "worst", "hopping", "settled"]),
    default="uniform",
    show_default=True,
    help="What CPUs have not folded in: anything below the batch, all of it in one direction, what threads leave"
    " behind that are moved about, or those of a task that stays on four CPUs.",
)
@click.option("--contest", is_flag=True, help="Make approximate and precise choose differently.")
@FORM
@OUTPUT
def command(
    tasks: int,
    cpus: int,
    nodes: int,
    seed: int,
    sizes: str,
    leftovers: str,
    contest: bool,
    form: str | None,
    output: str | None,
) -> None:
    """Make a scenario of any size, for trying things out and for measuring.

    The same options give the same bytes on every platform.
    """
    if contest and tasks < 2:
        raise click.UsageError("--contest needs two tasks; use --tasks 2 or more", click.get_current_context())
    form_of(form, output)
    from oomsel.study.generate import Recipe, generate

    write_scenario(generate(Recipe(tasks, cpus, nodes, seed, sizes, leftovers, contest)), form, output)
