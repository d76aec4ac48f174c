"""Every report of a log as a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oomsel.errors import InputError, Problem
from oomsel.inputs.identify import Kind, identify
from oomsel.inputs.log.convert import BareReading, NothingToChoose
from oomsel.inputs.log.options import LogOptions
from oomsel.inputs.log.pick import Picked
from oomsel.inputs.log.reading import scenario_of
from oomsel.inputs.source import open_source
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogReader
from oomsel.scenario.models import Scenario


def every_event(
    name: str, overrides: Sequence[str], kernel: str | None, options: LogOptions, *, keep_source: bool = False
) -> Iterator[tuple[OomEvent, Scenario | BareReading | str]]:
    """Each report with its scenario, what is known of one without a table, or why it cannot be explained.

    Raises InputError for what is no log, and for `overrides` with which no report can be explained.
    """
    found, refused = False, ""
    with open_source(name) as stream:
        if identify(stream) not in (Kind.LOG, Kind.KERNEL_TEXT):
            raise InputError(name, [Problem("no kernel log; --all-events is for those")])
        reader = LogReader(stream, keep_source=keep_source)
        for event in reader.events():
            is_first, found = not found, True
            picked = Picked(event, reader.context.copy(), None)
            known: Scenario | BareReading | str
            try:
                known = scenario_of(picked, name, overrides, kernel, options)
            except NothingToChoose as nothing:
                known = nothing.bare
            except InputError as error:
                known = "; ".join(problem.message for problem in error.problems)
            refused = known if isinstance(known, str) and (is_first or known == refused) else ""
            yield event, known
    if not found:
        raise InputError(name, [Problem("no OOM report in this log")])
    if refused and overrides:  # each for the same reason
        raise InputError(name, [Problem(refused)])
