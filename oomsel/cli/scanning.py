"""Reading the reports of one log after the other, or of several at once, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from oomsel.cli.common import write_bytes
from oomsel.errors import OomselError
from oomsel.text import comm_from_text, is_below, printable

if TYPE_CHECKING:
    from oomsel.klog.clock import Moment
    from oomsel.klog.event import OomEvent


class Wanted(NamedTuple):
    """The filters."""

    killed: str | None = None  #: a name or a pid
    cgroup: str | None = None
    since: Moment | None = None
    until: Moment | None = None

    @property
    def words(self) -> str:
        """What is said where no report passes."""
        return "in that time" if self.killed is None and self.cgroup is None else "that fits"


class Job(NamedTuple):
    """What is to be done with each log; it can be sent to another process."""

    wanted: Wanted
    form: str  #: text, json, or one of the fleet's
    split: str | None = None  #: a folder


class Tally:
    """What was met besides the rows."""

    def __init__(self) -> None:
        self.seen = 0  #: reports, wanted or not
        self.problems: list[str] = []


class Found(NamedTuple):
    """A log to read."""

    name: str
    stem: str  #: what the files of its reports are called
    is_named: bool = True  #: by a person; what is found in a folder may be something else


def find_logs(paths: Iterable[str]) -> list[Found]:
    """Every file named, and every one in the folders named and below them, in order, each once.

    Files and folders whose name begins with a dot, links to folders, and what is no file but
    a pipe, a socket or a device, for which one would wait, are left alone in a folder.
    """
    names: dict[str, bool] = {}
    for path in paths:
        if not os.path.isdir(path):
            names[path] = True
            continue
        for folder, inner, files in os.walk(path):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(name for name in files if not name.startswith(".")):
                path_of_it = os.path.join(folder, name)
                if os.path.isfile(path_of_it) or not os.path.exists(path_of_it):  # that one is gone is told
                    names.setdefault(path_of_it, False)
    taken: dict[str, int] = {}
    found = []
    for name, is_named in names.items():
        stem = os.path.basename(name).strip("-") or "stdin"
        taken[stem] = taken.get(stem, 0) + 1
        found.append(Found(name, stem if taken[stem] == 1 else f"{stem}-{taken[stem]}", is_named))
    return found


def scan(found: list[Found], job: Job, workers: int, tally: Tally) -> Iterator[Any]:
    """The rows of all logs, in the logs' order; `workers` processes read them."""
    if workers <= 1 or len(found) <= 1:
        for log in found:
            yield from _scan_one(log, job, tally)
        return
    from concurrent.futures import Future
    from concurrent.futures.process import BrokenProcessPool

    from oomsel.workers import Pool

    waiting: deque[Future[tuple[list[Any], int, list[str]]]] = deque()
    left = iter(found)
    with Pool(min(workers, len(found))) as pool:
        try:
            while True:
                waiting.extend(pool.submit(_whole, log, job) for log in islice(left, 3 * workers - len(waiting)))
                if not waiting:
                    return
                rows, seen, problems = waiting.popleft().result()
                tally.seen += seen
                tally.problems += problems
                yield from rows
        except BrokenProcessPool:
            what = "a process that read logs was killed, perhaps for want of memory; use fewer of them, with -j"
            raise OomselError(what) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _whole(log: Found, job: Job) -> tuple[list[Any], int, list[str]]:
    tally = Tally()
    rows = list(_scan_one(log, job, tally))
    return rows, tally.seen, tally.problems


def _scan_one(log: Found, job: Job, tally: Tally) -> Iterator[Any]:
    from oomsel.cli.progress import watching
    from oomsel.inputs.identify import Kind, identify, identify_as
    from oomsel.inputs.source import open_source
    from oomsel.klog.reader import LogReader

    name = log.name
    try:
        with watching(name) as progress, open_source(name) as stream:
            if log.is_named:
                identify_as(Kind.LOG, name, stream)
            elif identify(stream) not in (Kind.LOG, Kind.KERNEL_TEXT, Kind.OTHER):
                return
            reader = LogReader(stream, keep_source=job.split is not None, progress=progress)
            for event in reader.events():
                tally.seen += 1
                if not _has(job.wanted, name, event):
                    continue
                if job.split is not None:
                    _write_report(job.split, log.stem, event)
                yield _row(name, job.form, event, reader)
    except OomselError as error:
        tally.problems += str(error).split("\n")


def _row(name: str, form: str, event: OomEvent, reader: Any) -> Any:
    if form in ("text", "json"):
        from oomsel.outputs.log_events import entry_object, entry_of

        entry = entry_of(name, event)
        return entry if form == "text" else entry_object(entry)
    from oomsel.outputs.fleet import fleet_row

    return fleet_row(name, event, reader.context)


def _has(wanted: Wanted, name: str, event: OomEvent) -> bool:
    if wanted.killed is not None:
        names = {kill.comm for kill in event.kills} | {str(kill.pid).encode() for kill in event.kills}
        if event.victim is not None:
            names |= {event.victim[1], str(event.victim[0]).encode()}
        if comm_from_text(wanted.killed) not in names:
            return False
    if wanted.cgroup is not None and not any(is_below(path, wanted.cgroup) for path in _cgroups(event)):
        return False
    return _order(name, event, "--since", wanted.since) != -1 and _order(name, event, "--until", wanted.until) != 1


def _cgroups(event: OomEvent) -> list[str]:
    summary, memcg = event.summary, event.memcg
    paths = [summary.oom_memcg, summary.task_memcg] if summary else [memcg.path, memcg.task_path]
    return [path for path in paths if path]


def _order(name: str, event: OomEvent, option: str, limit: Moment | None) -> int:
    """-1, 0 or 1 for a report before, at or after `limit`."""
    from oomsel.klog.clock import moment_of

    if limit is None:
        return 0
    when = moment_of(event.stamp)
    if when.why_not(limit) is not None and event.date:
        when = moment_of(event.date)
    order = when.compare(limit)
    if order is None:
        time = f"the time of report {event.index}, {printable(event.stamp)}, {when.why_not(limit)}"
        what = time if event.stamp else f"report {event.index} has no time"
        raise OomselError(
            f"{printable(name)}: line {event.first_line}: {what}: it cannot be compared with that of {option}"
        )
    return order


def _write_report(directory: str, stem: str, event: OomEvent) -> None:
    target = os.path.join(directory, f"{stem}.{event.index}.log")
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise OomselError(f"{directory}: {error.strerror or error}") from None
    write_bytes(b"".join(line + b"\n" for line in event.source_lines), target)
