"""`oomsel check`: each scenario's `expect` held against what happens."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from oomsel.cli.common import (
    FILE,
    is_quiet,
    is_verbose,
    log_options,
    note,
    print_lines,
    say,
    scenario_options,
    text_or_json,
    write,
    write_bytes,
)
from oomsel.text import json_text

if TYPE_CHECKING:
    from oomsel.check.run import Result


@click.command(
    "check",
    short_help="Hold scenarios to what they expect.",
    epilog="\b\nExample:\n  oomsel check --junit report.xml examples/",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=FILE)
@scenario_options
@click.option("--update", is_flag=True, help="Write golden files that differ anew; refused where CI is set.")
@click.option("--strict", is_flag=True, help="A scenario without expect fails, and so does a guard that cannot.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first scenario that is not as hoped.")
@click.option("--allow-empty", is_flag=True, help="A folder without a scenario is no trouble: nothing is said of it.")
@click.option("--junit", metavar="FILE", type=FILE, help="Write the results as JUnit XML, too.")
@text_or_json("A line a scenario, or an object for programs.")
@click.option(
    "-j", "--jobs", metavar="N", type=click.IntRange(1, 256), default=1, help="Check with so many processes; default 1."
)
def command(
    paths: tuple[str, ...],
    overrides: tuple[str, ...],
    kernel: str | None,
    update: bool,
    strict: bool,
    fail_fast: bool,
    allow_empty: bool,
    junit: str | None,
    as_json: bool,
    jobs: int,
) -> int:
    """Hold each scenario's expectations against what happens.

    A PATH is a scenario, - for standard input, or a folder: every scenario in it and below (.yaml,
    .yml and .json files with the key oomsel, and .npz bundles).  What can be expected stands under
    `expect` in the scenario: victim, nobody, panic, kills, output, never, robust.  Exits with 0
    where all holds, 1 where something does not, and 2 in trouble.
    With GITHUB_ACTIONS set, failures are marked in the files, too, and the job's summary gets a table.
    """
    from oomsel.check import github, output
    from oomsel.check.discover import find_scenarios, refuse_without
    from oomsel.check.run import Settings, check_all

    if update and os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise click.UsageError("--update in CI would approve whatever happens; run it where a person looks at the diff")
    found = find_scenarios(paths)
    if is_verbose():
        for name, why in found.others:
            note(name, f"not checked: {why}")
    if not allow_empty:
        refuse_without(found)
    in_github, workspace = bool(os.environ.get("GITHUB_ACTIONS")), os.environ.get("GITHUB_WORKSPACE")
    settings = Settings(overrides, kernel, strict, update, is_verbose(), log_options())
    results = []
    for result in check_all(found.names, settings, jobs):
        results.append(result)
        _tell(result, in_github=in_github, as_json=as_json)
        if fail_fast and result.status in ("failed", "error"):
            break
    statuses = {result.status for result in results}
    if as_json:
        write(json_text(output.results_object(results)), None)
    elif not is_quiet() and (results or not allow_empty) and statuses != {"error"}:
        print_lines([output.summary(results, len(found.others))])
    if junit is not None:
        write(output.junit(results), junit)
    if in_github and (results or not allow_empty) and (path := os.environ.get("GITHUB_STEP_SUMMARY")):
        _append(path, github.step_summary(results, len(found.others), workspace))
    return 2 if "error" in statuses else 1 if "failed" in statuses else 0


def _tell(result: Result, *, in_github: bool, as_json: bool) -> None:
    """A result as soon as it is there; as data all of them come in the end."""
    from oomsel.check import github, output
    from oomsel.cli.terminal import styled

    if not as_json:
        print_lines(output.lines_for(result, styled, quiet=is_quiet(), verbose=is_verbose()))
    for line in output.problem_lines(result):
        say(f"oomsel: {line}")
    for message in result.notes:
        note(result.name, message)
    if in_github and not as_json:
        marks = "".join(f"{line}\n" for line in github.marks(result, os.environ.get("GITHUB_WORKSPACE")))
        write_bytes(marks.encode("utf-8", "backslashreplace"), None)  # commands they are meant to be


def _append(path: str, lines: Iterable[str]) -> None:
    """Lines at the end of a file; a summary that cannot be written changes no result."""
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
    try:
        with open(path, "ab") as file:
            file.write(text)
    except OSError as error:
        note(path, f"the summary cannot be written: {error.strerror or error}")
