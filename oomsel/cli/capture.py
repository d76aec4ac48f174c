"""`oomsel capture`: the running machine as a scenario."""

from __future__ import annotations

import click

from oomsel.cli.common import FILE, FORMS, OUTPUT, note, verbosity, write, write_scenario


@click.command("capture", epilog="\b\nExample:\n  oomsel capture | oomsel explain -")
@click.option(
    "--root",
    metavar="DIR",
    type=click.Path(),
    help="Read a copy of /proc, /sys and the cgroup files below DIR instead of this machine.",
)
@click.option(
    "--kcmp",
    metavar="FILE",
    type=FILE,
    help="With --root: who shares an mm, an mm a line, the pids of the threads that have it.",
)
@click.option("--mempolicies", is_flag=True, help="Ask numa_maps for memory policies: slow, and for root.")
@click.option("--format", "form", type=FORMS, help="Default: what FILE's name ends in, or YAML.")
@verbosity
@OUTPUT
def command(root: str | None, kcmp: str | None, mempolicies: bool, form: str | None, output: str | None) -> None:
    """Write this machine as a scenario: whom would the OOM killer choose here, now?

    Reads what /proc, /sys and the cgroup files say of memory, never a command line or an
    environment.  Root sees everything, anybody else what may be read; a note says what could not
    be. Each process's oom_score is predicted from what was read and compared.
    """
    if kcmp is not None and root is None:
        raise click.UsageError("--kcmp is for a copy; use it with --root", click.get_current_context())
    from oomsel.inputs.proc.counters import ASSUMED
    from oomsel.inputs.proc.scenario import capture
    from oomsel.inputs.proc.tree import LIVE

    scenario = capture(root, kcmp=kcmp, mempolicies=mempolicies)
    for message in scenario.notes:
        note(root or LIVE, message)
    if (form or (output or "").rpartition(".")[2].lower()) in ("json", "npz"):
        write_scenario(scenario, form, output)
        return
    from oomsel.outputs.yaml import to_yaml

    assumed = ASSUMED in (scenario.description or "").split("\n")
    write(to_yaml(scenario, (f"{ASSUMED[0].upper()}{ASSUMED[1:]}.",) if assumed else ()), output)
