"""`oomsel select`: whom the OOM killer chooses, in the kernel's own words."""

from __future__ import annotations

import click

from oomsel.cli.common import INPUTS_OR_LIVE, LIVE, OUTPUT, boot_all, inputs_of, note, scenario_options, write


@click.command(
    "select",
    short_help="Whom the OOM killer chooses, in its words.",
    epilog="\b\nExample:\n  oomsel select --mode precise --kernel 7.0 examples/real-contest.yaml",
)
@INPUTS_OR_LIVE
@LIVE
@click.option(
    "--mode",
    type=click.Choice(["approximate", "precise", "two-pass", "both", "kernel"]),
    help="Read the global counts alone, sum every CPU's share, sum only where there is doubt, do the first two "
    "(default), or what the kernel's release does (default for a log, in which the first two are the same).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["kernel", "json", "table"]),
    default="kernel",
    show_default=True,
    help="The kernel's lines, an object for programs, or both modes side by side for a person.",
)
@scenario_options
@click.option("--reaper", is_flag=True, help="Add the oom_reaper's lines.")
@click.option("--timestamps", is_flag=True, help="Put a printk time stamp before each line.")
@click.option("--all", "show_all", is_flag=True, help="With --format table: every task, not the worst 20.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where the two modes choose differently.")
@OUTPUT
def command(
    inputs: tuple[str, ...],
    live: bool,
    mode: str | None,
    form: str,
    overrides: tuple[str, ...],
    kernel: str | None,
    reaper: bool,
    timestamps: bool,
    show_all: bool,
    exit_code: bool,
    output: str | None,
) -> int:
    """Make the OOM killer's choice for each SCENARIO.

    That is a file of YAML or JSON, a bundle or a kernel log, - for standard input, or with --live
    this machine.  Prints the lines that the kernel's OOM code would print, to the byte, without
    the stack dump and Mem-Info in between.  With both modes, lines that begin with "# " stand
    before each and say at the end whether they agree.
    """
    from oomsel.cli.rendering import Rendering

    rendering = Rendering(mode, form, reaper=reaper, timestamps=timestamps, show_all=show_all)
    booted = boot_all(inputs_of(inputs, live), overrides, kernel)
    texts = [rendering.add(name, machine) for name, machine in booted]
    for source, message in rendering.notes:
        note(source, message)
    write(rendering.joined(texts), output, is_kernels=form == "kernel")
    return 1 if exit_code and rendering.modes_differ else 0
