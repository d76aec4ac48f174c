"""`oomsel replay`: a trace of every counter update put through the counters again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from oomsel.cli import values
from oomsel.cli.common import DESIGN, FILE, PAGE_SIZE, form_of, note, print_lines, verbosity, write, write_scenario

if TYPE_CHECKING:
    from oomsel.study.trace_session import TraceSession

#: What a slot may hold takes 2 bits a page of the batch; the kernel's own is 16384 with 8192 CPUs.
_MOST_BATCH = 1 << 20


@click.command(
    "replay",
    short_help="Put a trace of RSS updates through the counters again.",
    epilog="\b\nExample:\n  oomsel replay --at 1676.5 trace.txt",
)
@click.argument("trace", metavar="TRACE", type=FILE)
@click.option(
    "--design",
    "designs",
    type=DESIGN,
    multiple=True,
    help="Count by this design too or instead; repeatable, default: the traced kernel's own.",
)
@click.option("--cpus", type=click.IntRange(1, 8192), metavar="N", help="CPUs online; default: what the trace says.")
@click.option("--batch", type=click.IntRange(1, _MOST_BATCH), metavar="N", help="Default: max(32, 2 * CPUs).")
@click.option("--page-size", type=PAGE_SIZE, default="4096", metavar="BYTES", help="Of the traced kernel.")
@click.option(
    "--kernel",
    metavar="RELEASE",
    shell_complete=values.releases,
    help="The traced kernel's release; default: 6.2 on, by the event's form.",
)
@click.option("--at", type=click.FloatRange(min=0), metavar="SECONDS", help="One moment, by the trace's clock.")
@click.option("--every", type=click.FloatRange(min=1e-6), metavar="SECONDS", help="A moment so often.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="For a person, a spreadsheet or a program.",
)
@click.option("--all", "show_all", is_flag=True, help="Every process, not the 10 that are the furthest off.")
@click.option("--ram", metavar="SIZE", help="Of the traced machine, like 16GiB, for -o.")
@click.option("-o", "--output", metavar="FILE", type=FILE, help="Save the last moment as a scenario.")
@verbosity
def command(
    trace: str,
    designs: tuple[str, ...],
    cpus: int | None,
    batch: int | None,
    page_size: str,
    kernel: str | None,
    at: float | None,
    every: float | None,
    form: str,
    show_all: bool,
    ram: str | None,
    output: str | None,
) -> None:
    """Put every update in TRACE through the counters again: what did each process read, and how wrong was it?

    TRACE is text of ftrace, perf script or trace-cmd report with kmem:rss_stat events, compressed
    or not; - is standard input.  A process that began before the trace has a range, which narrows
    as CPUs fold what they hold.
    """
    if at is not None and every is not None:
        raise click.UsageError("--at and --every: one moment or many; use one of them")
    for option, seconds_said in (("--at", at), ("--every", every)):
        if seconds_said is not None and not math.isfinite(seconds_said):
            raise click.UsageError(f"{option}: {seconds_said} is no number of seconds; use one like 1676.5")
    form_of(None, output)
    from oomsel.inputs.source import open_source
    from oomsel.study.trace_session import TraceOptions, TraceSession, notes_of

    size = int(page_size)
    options = TraceOptions(
        cpus, batch, size, _has_percpu_rss(kernel), tuple(dict.fromkeys(designs)), _nanoseconds(at), _nanoseconds(every)
    )
    pages = _pages(ram, size)
    with open_source(trace) as stream:
        session = TraceSession(stream, trace, options)
        if output == "-":
            for _ in session.moments():
                pass
        else:
            _show(session, trace, form, show_all=show_all)
        if output is not None:
            from oomsel.outputs.replay import seconds
            from oomsel.study.trace_scenario import scenario_at

            scenario = scenario_at(session.replay, seconds(session.moment), pages, kernel, is_percpu=session.is_percpu)
            write_scenario(scenario, None, output)
    for message in notes_of(session):
        note(trace, message)


def _show(session: TraceSession, trace: str, form: str, *, show_all: bool) -> None:
    from oomsel.outputs.replay import csv_pieces, json_text, table_lines, victim_sentence

    rows = session.moments()
    if form == "csv":
        write("".join(csv_pieces(rows)), None)  # nothing of a trace whose end cannot be read
        for victim in session.victims:
            note(trace, victim_sentence(victim))
    elif form == "json":
        found = list(rows)
        about = {
            "cpus": session.replay.cpus,
            "batch": session.replay.batch.pages,
            "updates": session.replay.updates,
            "losses": session.losses,
            "simultaneous": session.replay.simultaneous,
        }
        write(json_text(found, session.victims, about), None)
    else:
        found = list(rows)
        print_lines(table_lines(found, session.victims, show_all=show_all))


def _has_percpu_rss(kernel: str | None) -> bool | None:
    if kernel is None:
        return None
    from oomsel.kernel.release import parse_release

    try:
        return parse_release(kernel).rules.percpu_rss
    except ValueError as error:
        raise click.UsageError(f"--kernel: {kernel} is {error}") from None


def _nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6) * 1000


def _pages(ram: str | None, page_size: int) -> int | None:
    if ram is None:
        return None
    from oomsel.text import parse_quantity

    try:
        return parse_quantity(ram, page_size)
    except ValueError as error:
        raise click.UsageError(f"--ram: {ram} is {error}") from None
