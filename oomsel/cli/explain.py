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
    type=click.Choice(["text", "json", "markdown", "html"]),
    default="text",
    show_default=True,
    help="For a person, an object for programs (see schema --of explanation), text to paste into a ticket, or a page.",
)
@click.option(
    "--scores", is_flag=True, help="Add the arithmetic and the closest candidates, on a terminal as bars too."
)
@click.option("--counters", is_flag=True, help="Add how exact the counters are; by itself where that could matter.")
@click.option("--all", "show_all", is_flag=True, help="Add every candidate and every task that may not be killed.")
@click.option("--full", is_flag=True, help="Add all of that.")
@click.option("--all-events", is_flag=True, help="Of a kernel log: how its reports go together, then each of them.")
@click.option("--pages", is_flag=True, help="Say pages beside GiB and MiB.")
@click.option("--title", metavar="TEXT", help="Of a page: its heading.")
@click.option(
    "--rows", type=click.IntRange(1), metavar="N", help="Of a page: how many tasks have a row, 2000 by default."
)
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
    title: str | None,
    rows: int | None,
    overrides: tuple[str, ...],
    kernel: str | None,
    output: str | None,
) -> None:
    """Explain the OOM killer's choice for each SCENARIO to a person.

    That is a scenario, a kernel log, - for standard input, or this machine.  The first screen
    says what ran out, who was killed and why this one, who asked for memory, who used it, and
    what would help; each line only where the input has it.  --format html makes one page of all
    of it, with charts and a slider for oom_score_adj: oomsel explain LOG --format html -o FILE.html
    """
    names = inputs_of(inputs, live)
    if form == "html":
        _write_page(names, overrides, kernel, mode, output, all_events=all_events, title=title, rows=rows)
        return
    if title is not None or rows is not None:
        raise click.UsageError(f"{'--rows' if title is None else '--title'} is for --format html")
    from oomsel.cli.explaining import Explaining
    from oomsel.scenario.models import Scenario

    explaining = Explaining(
        form, scores=scores or show_all or full, counters=counters or full, show_all=show_all or full, pages=pages
    )
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


def _write_page(
    names: tuple[str, ...],
    overrides: tuple[str, ...],
    kernel: str | None,
    mode: str,
    output: str | None,
    *,
    all_events: bool,
    title: str | None,
    rows: int | None,
) -> None:
    from oomsel.cli.paging import Paging, command_line, refuse_terminal
    from oomsel.outputs.page.document import ROWS, require_jinja

    refuse_terminal(output)
    require_jinja()
    paging = Paging(overrides, kernel, mode)
    if all_events:
        for name in names:
            paging.add_events(name)
    else:
        paging.add_inputs(names)
    command = command_line(click.get_current_context(), names)
    write(paging.html(title=title, rows=rows or ROWS, command=command), output)
    for name, message in paging.notes:
        note(name, message)
