"""`oomsel events`: the OOM reports in kernel logs, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from oomsel.cli.common import OUTPUT, say, write, write_bytes
from oomsel.errors import OomselError

if TYPE_CHECKING:
    from oomsel.klog.clock import Moment
    from oomsel.klog.event import OomEvent


@click.command("events", epilog="\b\nExample:\n  oomsel events --killed mysqld /var/log/kern.log*")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option("--killed", metavar="NAME", help="Only reports that killed a process called NAME, or with that pid.")
@click.option("--cgroup", metavar="PATH", help="Only reports about the cgroup PATH or one below it.")
@click.option("--since", metavar="TIME", help="Only from TIME on: seconds since boot, or a date like 2026-08-12 03:54.")
@click.option("--until", metavar="TIME", help="Only up to TIME.")
@click.option("--split", metavar="DIR", help="Write each report's own lines to a file in DIR.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines, or objects for programs.",
)
@OUTPUT
def command(
    logs: tuple[str, ...],
    killed: str | None,
    cgroup: str | None,
    since: str | None,
    until: str | None,
    split: str | None,
    form: str,
    output: str | None,
) -> int:
    """List the OOM reports in each LOG, a line each.

    A LOG has any form that dmesg, journalctl or syslog gives it, compressed or not; - is
    standard input.  Exits with 1 where there is none.
    """
    from oomsel.outputs.log_events import Entry, entry_object, entry_of, event_lines

    wanted = _Wanted(killed, cgroup, _moment("--since", since), _moment("--until", until))
    entries: list[Entry] = []
    stems = _stems(logs)
    for name in logs:
        for event in _events(name, keep_source=split is not None):
            if wanted.has(name, event):
                entries.append(entry_of(name, event))
                if split is not None:
                    _write_report(split, stems[name], event)
    if form == "json":
        import json

        write(json.dumps([entry_object(entry) for entry in entries], indent=2, ensure_ascii=False) + "\n", output)
    elif entries:
        write("".join(f"{line}\n" for line in event_lines(entries, with_source=len(logs) > 1)), output)
    if not entries:
        say("oomsel: no OOM report found")
    return 0 if entries else 1


def _events(name: str, *, keep_source: bool) -> Iterator[OomEvent]:
    from oomsel.cli.progress import watching
    from oomsel.inputs.identify import Kind, identify_as
    from oomsel.inputs.source import open_source
    from oomsel.klog.reader import LogReader

    with watching(name) as progress, open_source(name) as stream:
        identify_as(Kind.LOG, name, stream)
        yield from LogReader(stream, keep_source=keep_source, progress=progress).events()


def _moment(option: str, text: str | None) -> Moment | None:
    from oomsel.klog.clock import Moment, moment_of

    if text is None:
        return None
    moment = moment_of(text)
    if moment == Moment():
        raise click.UsageError(
            f"{option} {text}: no time; use seconds since boot, or a date like 2026-08-12 03:54, by the log's clock,"
            " or 2026-08-12 03:54+02:00"
        )
    return moment


class _Wanted:
    """The filters; a report whose time cannot be compared ends the command."""

    def __init__(self, killed: str | None, cgroup: str | None, since: Moment | None, until: Moment | None) -> None:
        self.killed, self.cgroup, self.since, self.until = killed, cgroup, since, until

    def has(self, name: str, event: OomEvent) -> bool:
        from oomsel.text import comm_from_text

        if self.killed is not None:
            names = {kill.comm for kill in event.kills} | {str(kill.pid).encode() for kill in event.kills}
            if event.victim is not None:
                names.add(event.victim[1])
            if comm_from_text(self.killed) not in names:
                return False
        if self.cgroup is not None and not any(self._below(path) for path in _cgroups(event)):
            return False
        return _order(name, event, "--since", self.since) != -1 and _order(name, event, "--until", self.until) != 1

    def _below(self, path: str) -> bool:
        top = (self.cgroup or "").rstrip("/")
        return path == top or path.startswith(f"{top}/")


def _order(name: str, event: OomEvent, option: str, limit: Moment | None) -> int:
    """-1, 0 or 1 for a report before, at or after `limit`."""
    from oomsel.klog.clock import moment_of
    from oomsel.text import printable

    if limit is None:
        return 0
    when = moment_of(event.stamp)
    order = when.compare(limit)
    if order is None:
        time = f"the time of report {event.index}, {printable(event.stamp)}, {when.why_not(limit)}"
        what = time if event.stamp else f"report {event.index} has no time"
        raise OomselError(f"{name}: line {event.first_line}: {what}: it cannot be compared with that of {option}")
    return order


def _cgroups(event: OomEvent) -> list[str]:
    summary, memcg = event.summary, event.memcg
    paths = [summary.oom_memcg, summary.task_memcg] if summary else [memcg.path, memcg.task_path]
    return [path for path in paths if path]


def _stems(logs: tuple[str, ...]) -> dict[str, str]:
    """What the files of each log's reports are called; logs of one name in several folders are numbered."""
    import os

    stems: dict[str, str] = {}
    for name in dict.fromkeys(logs):
        stem = os.path.basename(name).strip("-") or "stdin"
        numbered = (stem, *(f"{stem}-{number}" for number in range(2, len(logs) + 1)))
        stems[name] = next(each for each in numbered if each not in stems.values())
    return stems


def _write_report(directory: str, stem: str, event: OomEvent) -> None:
    import os

    target = os.path.join(directory, f"{stem}.{event.index}.log")
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise OomselError(f"{directory}: {error.strerror or error}") from None
    write_bytes(b"".join(line + b"\n" for line in event.source_lines), target)
