"""`oomsel explain`: why this one, how close it was, and how wrong the counters can be."""

from __future__ import annotations

import click

from oomsel.cli.common import INPUTS_OR_LIVE, LIVE, OUTPUT, inputs_of, load_all, note, scenario_options, write


@click.command("explain", epilog="\b\nExample:\n  oomsel explain --set oom.order=3 examples/real-contest.yaml")
@INPUTS_OR_LIVE
@LIVE
@click.option(
    "--mode",
    type=click.Choice(["kernel", "approximate", "precise"]),
    default="kernel",
    show_default=True,
    help="Whose choice to explain: what the kernel's release does, or one way of reading.",
)
@scenario_options
@click.option("--all", "show_all", is_flag=True, help="Show every candidate, and every task that may not be chosen.")
@OUTPUT
def command(
    inputs: tuple[str, ...],
    live: bool,
    mode: str,
    overrides: tuple[str, ...],
    kernel: str | None,
    show_all: bool,
    output: str | None,
) -> None:
    """Explain the OOM killer's choice for each SCENARIO to a person.

    Who was chosen and why, with the arithmetic; the closest candidates; how far the
    approximate counters can be off, and who could rightfully have been chosen; why the
    others were passed over; and the smallest oom_score_adj change that saves the victim.
    """
    from oomsel.booting import boot, kernel_mode, select_both
    from oomsel.cli.rendering import paragraphs
    from oomsel.outputs.explain import explain
    from oomsel.outputs.explain_text import explanation_lines
    from oomsel.outputs.log_evidence import log_evidence
    from oomsel.text import printable

    texts = []
    for name, scenario in load_all(inputs_of(inputs, live), overrides, kernel):
        booted = boot(scenario)
        description = scenario.description or ""
        for message in booted.notes:
            if message not in description.split("\n"):  # of a capture, it stands there
                note(name, message)
        which = kernel_mode(booted) if mode == "kernel" else mode
        explanation = explain(*select_both(booted), which)
        evidence = None
        if booted.log is not None:
            if booted.log.picked_because:
                note(name, booted.log.picked_because)
            evidence = log_evidence(booted.log, explanation.report)
        lines = explanation_lines(explanation, show_all=show_all, evidence=evidence, description=description)
        texts.append(paragraphs([f"# {printable(name)}", *lines] if len(inputs) > 1 else lines))
    write("\n".join(texts), output)
