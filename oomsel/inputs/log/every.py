"""Every report of a log as a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oomsel.errors import InputError, Problem
from oomsel.inputs.identify import Kind, identify
from oomsel.inputs.log.options import LogOptions
from oomsel.inputs.log.pick import Picked
from oomsel.inputs.log.reading import scenario_of
from oomsel.inputs.source import open_source
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogReader
from oomsel.scenario.models import Scenario


def every_event(
    name: str, overrides: Sequence[str], kernel: str | None, options: LogOptions, *, keep_source: bool = False
) -> Iterator[tuple[OomEvent, Scenario | None]]:
    """Each report with its scenario, None for one that holds too little; raises InputError for what is no log."""
    found = False
    with open_source(name) as stream:
        if identify(stream) not in (Kind.LOG, Kind.KERNEL_TEXT):
            raise InputError(name, [Problem("no kernel log; --all-events is for those")])
        reader = LogReader(stream, keep_source=keep_source)
        for event in reader.events():
            found = True
            picked = Picked(event, reader.context.copy(), None)
            try:
                scenario = scenario_of(picked, name, overrides, kernel, options) if event.rows else None
            except InputError:
                scenario = None
            yield event, scenario
    if not found:
        raise InputError(name, [Problem("no OOM report in this log")])
