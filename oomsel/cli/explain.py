"""`oomsel explain`: who died, who used the memory, why this one, and what would help."""

from __future__ import annotations

import click

from oomsel.cli.common import INPUTS_OR_LIVE, LIVE, OUTPUT, inputs_of, load_to_explain, note, scenario_options, write


@click.command(
    "explain",
    short_help="Who died, who used the memory, why, and what now.",
    epilog="\b\nExample:\n  oomsel explain --set oom.order=3 examples/real-contest.yaml",
)
@INPUTS_OR_LIVE
@LIVE
@click.option(
    "--mode",
    type=click.Choice(["kernel", "approximate", "precise"]),
    default="kernel",
    show_default=True,
    help="Whose choice to explain: what the kernel's release does, or one way of reading.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="For a person, an object for programs (see schema --of explanation), or text to paste into a ticket.",
)
@click.option("--scores", is_flag=True, help="Add the arithmetic of the choice and the closest candidates.")
@click.option("--counters", is_flag=True, help="Add how exact the counters are; by itself where that could matter.")
@click.option("--all", "show_all", is_flag=True, help="Add every candidate and every task that may not be killed.")
@click.option("--full", is_flag=True, help="Add all of that.")
@click.option("--all-events", is_flag=True, help="Of a kernel log: how its reports go together, then each of them.")
@click.option("--pages", is_flag=True, help="Say pages beside GiB and MiB.")
@scenario_options
@OUTPUT
def command(
    inputs: tuple[str, ...],
    live: bool,
    mode: str,
    form: str,
    scores: bool,
    counters: bool,
    show_all: bool,
    full: bool,
    all_events: bool,
    pages: bool,
    overrides: tuple[str, ...],
    kernel: str | None,
    output: str | None,
) -> None:
    """Explain the OOM killer's choice for each SCENARIO to a person.

    That is a scenario, a kernel log, - for standard input, or this machine.  The first screen
    says what ran out, who was killed and why this one, who asked for memory, who used it, and
    what would help; each line only where the input has it.
    """
    from oomsel.cli.explaining import Explaining
    from oomsel.scenario.models import Scenario

    explaining = Explaining(
        form, scores=scores or show_all or full, counters=counters or full, show_all=show_all or full, pages=pages
    )
    names = inputs_of(inputs, live)
    if all_events:
        for name in names:
            explaining.add_events(name, overrides, kernel, mode)
        names = ()
    for name, found in load_to_explain(names, overrides, kernel):
        if isinstance(found, Scenario):
            explaining.add(name, found, mode, headed=len(names) > 1)
        else:
            explaining.add_bare(name, found, headed=len(names) > 1)
    write(explaining.joined(), output)
    for name, message in explaining.notes:
        note(name, message)
