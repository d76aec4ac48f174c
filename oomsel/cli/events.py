"""`oomsel events`: the OOM reports in kernel logs, one line each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import click

from oomsel.cli import values
from oomsel.cli.common import FILE, OUTPUT, print_lines, say, write, write_with
from oomsel.cli.streams import is_terminal
from oomsel.errors import OomselError
from oomsel.text import json_text, number_of, printable

if TYPE_CHECKING:
    from oomsel.cli.scanning import Job, Tally
    from oomsel.klog.clock import Moment

#: So many logs are named in a message.
_NAMED = 3
_TABLES = ("csv", "jsonl", "parquet")


@click.command("events", epilog="\b\nExample:\n  oomsel events --killed mysqld /var/log/kern.log*")
@click.argument("logs", nargs=-1, metavar="[LOG]...", type=FILE)
@click.option("--killed", metavar="NAME", help="Only reports that killed a process called NAME, or with that pid.")
@click.option("--cgroup", metavar="PATH", help="Only reports about the cgroup PATH or one below it.")
@click.option(
    "--since",
    metavar="TIME",
    help="Only from TIME on: seconds since boot, a date like 2026-08-12 03:54, today, yesterday, '2 hours ago'.",
)
@click.option("--until", metavar="TIME", help="Only up to TIME.")
@click.option(
    "--split",
    metavar="DIR",
    shell_complete=values.directories,
    help="Write each report's own lines to a file in DIR.",
)
@click.option("-j", "--jobs", type=click.IntRange(1, 256), default=1, metavar="N", help="Read N logs at a time.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", *_TABLES]),
    default="text",
    show_default=True,
    help="Lines; objects; or a table of many logs, a row a report (parquet needs pyarrow).",
)
@OUTPUT
def command(
    logs: tuple[str, ...],
    killed: str | None,
    cgroup: str | None,
    since: str | None,
    until: str | None,
    split: str | None,
    jobs: int,
    form: str,
    output: str | None,
) -> int:
    """List the OOM reports in each LOG, a line each.

    A LOG is a file of any form that dmesg, journalctl, syslog or what ships logs gives it,
    compressed or not, or a folder of such; - is standard input, the default.  Exits with 1
    where there is no report.
    """
    from oomsel.cli.scanning import Job, Tally, Wanted, find_logs, scan

    if not logs and (sys.stdin is None or is_terminal(sys.stdin)):
        what = "no LOG; name a log or a folder of logs, or pipe one into it (dmesg | oomsel events)"
        raise click.UsageError(what, click.get_current_context())
    logs = logs or ("-",)
    found = find_logs(logs)
    wanted = Wanted(killed, cgroup, _moment("--since", since), _moment("--until", until))
    job = Job(wanted, form, split)
    tally = Tally()
    rows = _counted(scan(found, job, jobs, tally), counter := [0])
    if form in _TABLES:
        _write_table(form, rows, output)
    else:
        _write_list(form, list(rows), output, with_source=len(found) > 1)
    return _status(job, tally, counter[0], [log.name for log in found] or list(logs))


def _counted(rows: Iterator[Any], counter: list[int]) -> Iterator[Any]:
    for row in rows:
        counter[0] += 1
        yield row


def _write_list(form: str, rows: list[Any], output: str | None, *, with_source: bool) -> None:
    if form == "json":
        write(json_text(rows), output)
    elif rows:
        from oomsel.outputs.log_events import event_lines

        print_lines(event_lines(rows, with_source=with_source), output)


def _write_table(form: str, rows: Iterator[Any], output: str | None) -> None:
    from oomsel.outputs import fleet

    if form == "parquet":
        from importlib.util import find_spec

        if find_spec("pyarrow") is None:
            raise click.UsageError("--format parquet needs pyarrow; pip install pyarrow, or use csv or jsonl")
        if output in (None, "-") and is_terminal(sys.stdout):
            raise click.UsageError("Parquet is nothing for a terminal; use -o FILE")
    put = {"csv": fleet.write_csv, "jsonl": fleet.write_jsonl, "parquet": fleet.write_parquet}[form]

    def into(file: IO[bytes]) -> None:
        put(rows, file)

    write_with(into, output)


def _status(job: Job, tally: Tally, given: int, names: list[str]) -> int:
    """The exit status; says in which of `names` there was nothing.  Raises OomselError with all that went wrong."""
    if tally.problems:
        raise OomselError("\n".join(tally.problems))
    if given:
        return 0
    if tally.seen:
        say(f"oomsel: {_listed(names)}: {number_of(tally.seen, 'report')}, none {job.wanted.words}")
    else:
        say(f"oomsel: {_listed(names)}: no OOM report found")
    return 1


def _listed(names: list[str]) -> str:
    """The logs' names, of many the first."""
    shown = ", ".join(map(printable, names[:_NAMED]))
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


def _moment(option: str, text: str | None) -> Moment | None:
    if text is None:
        return None
    from datetime import datetime

    from oomsel.klog.limits import instead_of, limit_of

    moment = limit_of(text, datetime.now().astimezone())
    if moment is None:
        raise click.UsageError(f"{option} {text}: no time; {instead_of(text)}")
    return moment
