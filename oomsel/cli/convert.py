"""`oomsel convert`: any input as a scenario file that a person would like to edit."""

from __future__ import annotations

import click

from oomsel.cli.common import load_all, note, scenario_options, write


@click.command("convert", epilog="Example: oomsel convert dmesg.log -o scenario.yaml")
@click.argument("inputs", nargs=1, metavar="INPUT")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, whole or not at all; JSON where it ends in .json.")
@scenario_options
def command(inputs: str, output: str | None, overrides: tuple[str, ...], kernel: str | None) -> None:
    """Write INPUT (a scenario, or a report of a kernel log) as a scenario file, YAML or JSON.

    Only keys that differ from their defaults are written; read again, it is the same scenario.
    """
    from oomsel.scenario.writer import reads_back, to_json, to_yaml

    ((name, scenario),) = load_all([inputs], overrides, kernel)
    comments: tuple[str, ...] = ()
    if scenario.log is not None:
        from oomsel.report.log_comments import comments_of

        comments = comments_of(scenario.log)
        for message in [scenario.log.picked_because] if scenario.log.picked_because else []:
            note(name, message)
    for message in scenario.notes:
        note(name, message)
    text = to_json(scenario) if (output or "").endswith(".json") else to_yaml(scenario, comments)
    if not reads_back(text, scenario):
        raise RuntimeError("what convert writes reads back differently")
    write(text, output)
