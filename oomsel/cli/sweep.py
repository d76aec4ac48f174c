"""`oomsel sweep`: a grid of simulations, to a table and a picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from oomsel.cli.common import FILE, MINUTES, estimated, print_lines, say, write_bytes
from oomsel.cli.streams import is_terminal
from oomsel.errors import OomselError

if TYPE_CHECKING:
    from oomsel.study.grid import Study
    from oomsel.study.sweep import Journal


@click.command(
    "sweep",
    short_help="Simulate a study's grid, each combination with many seeds.",
    epilog="\b\nExample:\n  oomsel sweep -o errors.csv examples/studies/cpus-squared.study.yaml",
)
@click.argument("study_file", metavar="STUDY", type=FILE)
@click.option(
    "-o", "--output", metavar="FILE", required=True, help="The table: FILE.csv, or FILE.parquet (needs pyarrow)."
)
@click.option("--plot", metavar="FILE", help="A picture too: FILE.png or FILE.svg; needs matplotlib.")
@click.option(
    "-j",
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Processes to run trials in.",
)
@click.option(
    "--dask", metavar="ADDRESS", help="Run trials on a Dask cluster, like tcp://scheduler:8786 (distributed)."
)
@click.option("--resume", is_flag=True, help="Go on with a sweep that was interrupted.")
@MINUTES
def command(
    study_file: str, output: str, plot: str | None, jobs: int, dask: str | None, resume: bool, minutes: int
) -> None:
    """Simulate the grid of STUDY (YAML or JSON, - for standard input), each combination with many seeds.

    The table is the same to the byte wherever the trials run.  Ctrl-C keeps those that are done, in FILE.part.
    """
    from oomsel.study.effort import seconds_of_study
    from oomsel.study.grid import load_study
    from oomsel.study.sweep import open_journal
    from oomsel.study.sweep_out import check_extras, csv_text, parquet_bytes, picture, summary_lines

    table_form = _form(output, "--output", ("csv", "parquet"))
    plot_form = None if plot is None else _form(plot, "--plot", ("png", "svg"))
    if plot is not None and not os.path.isdir(os.path.dirname(os.path.realpath(plot))):
        raise click.UsageError(f"--plot: {plot}: there is no such folder")
    check_extras([table_form] if plot_form is None else [table_form, plot_form])
    study = load_study(study_file)
    estimated(study_file, seconds_of_study(study) / jobs, minutes)
    journal = open_journal(f"{output}.part", study, resume=resume)
    if journal.damaged:
        say(f"oomsel: {journal.path}: damaged lines: {journal.damaged}; their trials are simulated again")
    _run(study, journal, jobs, dask)
    rows = list(journal.rows())
    write_bytes(csv_text(rows).encode() if table_form == "csv" else parquet_bytes(rows), output)
    if plot is not None and plot_form is not None:
        write_bytes(picture(rows, plot_form), plot)
    journal.remove()
    print_lines(summary_lines(rows))


def _form(name: str, option: str, forms: tuple[str, ...]) -> str:
    form = name.rpartition(".")[2].lower()
    if form not in forms:
        raise click.UsageError(f"{option}: {name} ends in none of {', '.join(f'.{form}' for form in forms)}")
    return form


def _run(study: Study, journal: Journal, jobs: int, dask: str | None) -> None:
    from concurrent.futures.process import BrokenProcessPool

    from oomsel.study.executors import executor_for
    from oomsel.study.grid import trials_of
    from oomsel.study.sweep import sweep

    total = sum(1 for _ in trials_of(study))
    try:
        with (
            _progress(total, len(journal.done)) as bar,
            executor_for(jobs, dask) as (executor, in_flight),
            _between_trials() as interrupted,
        ):
            sweep(study, journal, executor, in_flight=in_flight, done=lambda: (bar(), interrupted()))
    except KeyboardInterrupt:
        say(f"oomsel: interrupted; {len(journal.done)} of {total} trials are kept in {journal.path}; --resume goes on")
        raise click.exceptions.Exit(130) from None
    except BrokenProcessPool:
        kept = f"{len(journal.done)} of {total} trials are kept in {journal.path}; --resume goes on"
        raise OomselError(f"a worker process died; {kept}") from None


@contextmanager
def _between_trials() -> Iterator[Callable[[], None]]:
    """A function that raises KeyboardInterrupt if there was a Ctrl-C; a second one does not wait for it.

    Wherever else it is raised a library may swallow it.
    """
    import signal

    pressed = False

    def press(*_: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _progress(total: int, done: int) -> Iterator[Callable[[], None]]:
    """A bar with the time left on standard error, where that is a terminal."""
    if not is_terminal(sys.stderr):
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("trials"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("left"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total, completed=done)
        yield lambda: progress.advance(task)
