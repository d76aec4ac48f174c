"""`oomsel schema`: the JSON Schema of scenarios."""

from __future__ import annotations

import click

from oomsel.cli.common import OUTPUT, write


@click.command(
    "schema",
    short_help="Print the JSON Schema of scenarios, for editors.",
    epilog="Example: oomsel schema > oomsel.schema.json",
)
@OUTPUT
def command(output: str | None) -> None:
    """Print the JSON Schema of scenario format 1.

    Editors complete and check a scenario with it if the file is beside the scenario and the
    scenario begins with the line "# yaml-language-server: $schema=oomsel.schema.json".
    """
    from oomsel.scenario.json_schema import scenario_schema_text

    write(scenario_schema_text(), output)
