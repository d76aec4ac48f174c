"""A log's task table, printed again in the columns that it has there, whatever its release says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oomsel.inputs.log.reading import LogReading
from oomsel.kernel.event import OomReport
from oomsel.klog import formats
from oomsel.klog.table import Row
from oomsel.outputs.kernel_text import Table, dump_task
from oomsel.outputs.tasks import TABLE_COLUMNS, TaskView

#: What a run has of a row, by the table's names.
_OF_RUN = frozenset((*TABLE_COLUMNS.values(), "uid", "tgid"))


def logged_table(reading: LogReading) -> Table | None:
    """What prints the table of a run of `reading`; None where a release's own layout is to be taken."""
    event = reading.event
    if not event.rows or reading.names_kernel:
        return None
    layout = formats.layout_of(event.columns, event.pid_header)
    # A what-if changes what the run has; the rest of a row is as it was.
    as_logged = [name for name in event.columns if not (reading.changed and name in _OF_RUN)]

    def table(report: OomReport) -> list[str]:
        """The lines from the heading, where the layout has one, to the last row."""
        rows = [event.row_of(pid) for pid in TaskView(report, report.shown)["live_pid"]]
        cells = {name: _cells(rows, name) for name in as_logged}
        heading = [formats.TASKS_STATE] if layout.has_heading else []
        return [*heading, layout.header, *dump_task(report, layout, cells)]

    return table


def _cells(rows: Sequence[Row | None], name: str) -> list[Any]:
    """A column as the log has it."""
    numbers = (None if row is None else row.numbers[name] for row in rows)
    return [formats.UNKNOWN if number is None else number for number in numbers]
