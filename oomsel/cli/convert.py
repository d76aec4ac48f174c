"""`oomsel convert`: a scenario from one form into another."""

from __future__ import annotations

import click

from oomsel.cli.common import FORMS, OUTPUT, load_all, note, scenario_options, write_scenario


@click.command("convert", epilog="\b\nExample:\n  oomsel convert huge.yaml -o huge.npz")
@click.argument("source", metavar="INPUT")
@scenario_options
@click.option(
    "--format",
    "form",
    type=FORMS,
    help="Default: what FILE's name ends in, or YAML.",
)
@OUTPUT
def command(source: str, overrides: tuple[str, ...], kernel: str | None, form: str | None, output: str | None) -> None:
    """Write INPUT, a scenario in any form, as YAML, as JSON or as a bundle (.npz), which large ones load from fast."""
    ((_, scenario),) = load_all([source], overrides, kernel)
    for message in scenario.notes:
        note(source, message)
    write_scenario(scenario, form, output)
