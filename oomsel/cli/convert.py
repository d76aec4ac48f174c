"""`oomsel convert`: a scenario from one form into another, a kernel log into a scenario."""

from __future__ import annotations

import click

from oomsel.cli.common import FILE, FORM, OUTPUT, form_of, load_all, note, scenario_options, write, write_scenario


@click.command(
    "convert",
    short_help="Write a scenario, or a report of a log, as YAML, JSON or .npz.",
    epilog="\b\nExample:\n  oomsel convert huge.yaml -o huge.npz",
)
@click.argument("source", metavar="INPUT", type=FILE)
@scenario_options
@FORM
@OUTPUT
def command(source: str, overrides: tuple[str, ...], kernel: str | None, form: str | None, output: str | None) -> None:
    """Write INPUT, a scenario or a report of a kernel log, as YAML, as JSON or as a bundle (.npz).

    Only keys that differ from their defaults are written.  A report becomes YAML with the
    kernel's own table and comments that say what is known and what is not; a bundle is what
    large scenarios load from fast.
    """
    form_of(form, output)
    ((_, scenario),) = load_all([source], overrides, kernel)
    for message in scenario.notes:
        note(source, message)
    if scenario.log is not None:
        if scenario.log.picked_because:
            note(source, scenario.log.picked_because)
        if form_of(form, output) not in ("json", "npz"):
            from oomsel.outputs.log_comments import comments_of
            from oomsel.outputs.yaml import to_yaml

            write(to_yaml(scenario, comments_of(scenario.log)), output)
            return
    write_scenario(scenario, form, output)
