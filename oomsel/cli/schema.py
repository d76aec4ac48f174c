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
    type=click.Choice(["scenario", "workload", "study", "explanation", "all-events", "check", "bench"]),
    default="scenario",
    show_default=True,
    help="Whose format: of scenarios, of what simulate and sweep read, or of the JSON that explain, explain"
    " --all-events, check and bench print.",
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
    """Print the JSON Schema of format 1 of what oomsel reads or prints, or the format's reference.

    Editors complete and check a scenario with it if the file is beside the scenario and the
    scenario begins with the line "# yaml-language-server: $schema=oomsel.schema.json".
    """
    from oomsel.scenario.reference import reference

    if what not in ("scenario", "workload", "study"):
        schema = printed_schema(what)
        write(_printed_reference(schema) if form == "markdown" else json_text(schema), output)
        return
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


def printed_schema(what: str) -> dict[str, Any]:
    """The JSON Schema of what a command prints."""
    if what == "check":
        from oomsel.check.schema import check_schema

        return check_schema()
    if what == "bench":
        from oomsel.study.bench_schema import bench_schema

        return bench_schema()
    from oomsel.outputs.explain_schema import all_events_schema, explanation_schema

    return explanation_schema() if what == "explanation" else all_events_schema()


def _printed_reference(schema: dict[str, Any]) -> str:
    from oomsel.outputs.schema_parts import reference_lines

    title, _, version = schema["title"].partition(", ")
    return "\n".join([f"# {title[0].upper()}{title[1:]}, {version}", "", *reference_lines(schema, "Top level")])
