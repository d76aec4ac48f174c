"""`oomsel schema`: the JSON Schema of scenarios."""

from __future__ import annotations

import click

from oomsel.cli.common import OUTPUT, write


@click.command(
    "schema",
    short_help="Print the JSON Schema of scenarios, for editors.",
    epilog="\b\nExample:\n  oomsel schema > oomsel.schema.json",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "markdown"]),
    default="json",
    show_default=True,
    help="The schema for editors, or the reference of the format for people.",
)
@OUTPUT
def command(form: str, output: str | None) -> None:
    """Print the JSON Schema of scenario format 1, or the format's reference.

    Editors complete and check a scenario with it if the file is beside the scenario and the
    scenario begins with the line "# yaml-language-server: $schema=oomsel.schema.json".
    """
    from oomsel.scenario.json_schema import scenario_schema_text
    from oomsel.scenario.reference import format_reference

    write(format_reference() if form == "markdown" else scenario_schema_text(), output)
