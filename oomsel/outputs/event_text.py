"""One or both modes' events as the text that `select` prints, and how far a golden file may be from it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from oomsel.files import lines_of
from oomsel.kernel.event import OomReport
from oomsel.klog.table import NoHeader, parse_table
from oomsel.outputs.kernel_text import kernel_lines
from oomsel.outputs.summary import compare

HEADINGS = {
    "approximate": "# approximate: every counter's global count alone",
    "precise": "# precise: what every CPU holds added in",
}
#: What begins a line that is no line of the kernel's.
REMARK = "# "

_REAPER = "oom_reaper: reaped process "
_KB = re.compile(r"(?<=:)([0-9]+|\?)(?=kB)")
_PAGES_PER_COLUMN = ("total_vm", "rss", "rss_anon", "rss_file", "rss_shmem", "swapents")


def event_text(
    reports: Sequence[OomReport], *, reaper: bool = False, prefix: str = "", closing: str | None = None
) -> str:
    """The events' lines, each with a line end; two are headed by their modes, and followed by how they compare.

    `closing` stands in the place of that where it cannot be known.
    """
    lines = []
    for report in reports:
        if len(reports) > 1:
            lines.append(HEADINGS[report.mode])
        lines += [prefix + line for line in kernel_lines(report, reaper=reaper)]
    if len(reports) > 1:
        lines.append(REMARK + (closing or compare(*reports).sentence))
    return "".join(f"{line}\n" for line in lines)


def golden_text(golden: str | None, mode: str | None, approximate: OomReport, precise: OomReport) -> str:
    """What a golden file must hold to hold `mode`'s event, the lines of the oom_reaper if it has such lines.

    Without a mode, the file itself says what it holds: both modes' events where it begins with
    "# ", or is not there yet, and else the event that the release's kernel prints.
    """
    if mode is None and (golden is None or golden.startswith(REMARK)):
        reports = [approximate, precise]
    elif mode is None:
        reports = [precise if precise.system.rules.precise_oom else approximate]
    else:
        reports = [precise if mode == "precise" else approximate]
    return event_text(reports, reaper=golden is not None and _REAPER in golden)


def within_tolerance(expected: str, actual: str, pages: int, page_size: int) -> str:
    """`actual` with each line replaced by `expected`'s whose numbers of memory are at most `pages` away.

    A number that is `?` on either side is as near as any.
    """
    ours, theirs = lines_of(actual), lines_of(expected)
    if len(ours) != len(theirs):
        return actual
    rows, their_rows = _rows(actual), _rows(expected)
    for index, (line, other) in enumerate(zip(ours, theirs, strict=True)):
        row, their_row = rows.get(index), their_rows.get(index)
        if row is not None and their_row is not None:
            near = row.keys() == their_row.keys() and all(
                _near(row[name], their_row[name], _slack(name, pages, page_size)) for name in row
            )
        else:
            values, their_values = _KB.findall(line), _KB.findall(other)
            near = _KB.sub("", line) == _KB.sub("", other) and all(
                _near(value, their, pages * page_size >> 10) for value, their in zip(values, their_values, strict=True)
            )
        if near:
            ours[index] = other
    return "".join(ours)


def _rows(text: str) -> dict[int, dict[str, object]]:
    """The rows of a text's task tables by line: every column, the pid and the name."""
    try:
        return {row.line: {**row.numbers, "pid": row.pid, "name": row.name} for row in parse_table(text)}
    except NoHeader:
        return {}


def _slack(column: str, pages: int, page_size: int) -> int:
    if column == "pgtables_bytes":
        return pages * page_size
    return pages if column in _PAGES_PER_COLUMN else 0


def _near(value: object, other: object, slack: int) -> bool:
    if None in (value, other) or "?" in (value, other):
        return True
    if slack == 0:
        return value == other
    return abs(int(str(value)) - int(str(other))) <= slack
