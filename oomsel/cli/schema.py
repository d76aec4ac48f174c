"""`oomsel schema`: the JSON Schema of a format of oomsel's, or its reference."""

from __future__ import annotations

from typing import Any

import click

from oomsel.cli.common import OUTPUT, write
from oomsel.text import json_text


@click.command(
    "schema",
    short_help="Print the JSON Schema of scenarios, for editors.",
    epilog="\b\nExample:\n  oomsel schema > oomsel.schema.json",
)
@click.option(
    "--of",
    "what",
    type=click.Choice(["scenario", "workload", "study"]),
    default="scenario",
    show_default=True,
    help="Whose format: of scenarios, or of what oomsel simulate and oomsel sweep read.",
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
def command(what: str, form: str, output: str | None) -> None:
    """Print the JSON Schema of format 1 of scenarios, workloads or studies, or the format's reference.

    Editors complete and check a scenario with it if the file is beside the scenario and the
    scenario begins with the line "# yaml-language-server: $schema=oomsel.schema.json".
    """
    from oomsel.scenario.reference import reference

    schema, introduction = schema_of(what)
    write(reference(schema, introduction) if form == "markdown" else json_text(schema), output)


def schema_of(what: str) -> tuple[dict[str, Any], str]:
    """The JSON Schema of a format, and what its reference begins with."""
    from oomsel.scenario.json_schema import json_schema, scenario_schema

    if what == "scenario":
        from oomsel.scenario.reference import SCENARIO

        return scenario_schema(), SCENARIO
    if what == "workload":
        from oomsel.study import workload

        return json_schema(workload.Workload, "oomsel workload, format 1"), workload.INTRODUCTION
    from oomsel.study import grid

    return json_schema(grid.Study, "oomsel study, format 1"), grid.INTRODUCTION
