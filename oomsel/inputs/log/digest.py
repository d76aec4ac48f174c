"""What is kept of a log's other reports, to tell what else died and what grew from one to the next."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.klog.event import OomEvent
from oomsel.klog.report_lines import row_name
from oomsel.klog.table import rss_parts

#: Names that are kept of a report, the largest.
_NAMES = 8


class Digest(NamedTuple):
    """A report in a few numbers."""

    event: int  #: its number in the log, from 1
    line: int
    stamp: str
    date: str
    host: str | None
    boots: int  #: how many boots the log has had before it
    domain: str | None  #: the cgroup that ran out; None for the machine's memory, or where no line says it
    killed: tuple[tuple[int, bytes, int | None], ...]  #: pid, name and kB of RSS, of each process once
    names: dict[bytes, tuple[int, int]]  #: processes and pages of RSS, of the names with the most
    ends: bool = True  #: whether its end is in the log, where the kernel says whom it killed

    @property
    def when(self) -> str:
        """As the log has it; a stamp alone is in seconds since the boot."""
        return self.date or (f"{self.stamp} s" if self.stamp[:1].isdigit() and ":" not in self.stamp else self.stamp)


def digest_of(event: OomEvent, boots: int) -> Digest:
    """An event in short; `boots` is how many boots the log has had before it."""
    sums: dict[bytes, list[int]] = {}
    for row in event.rows:
        found = sums.setdefault(row_name(row), [0, 0])
        found[0] += 1
        found[1] += sum(rss_parts(row).values())
    largest = sorted(sums.items(), key=lambda item: -item[1][1])[:_NAMES]
    killed = tuple((kill.pid, kill.comm, kill.rss) for kill in event.killed)
    domain = (event.summary.oom_memcg if event.summary else None) or event.memcg.path
    return Digest(
        event.index, event.first_line, event.stamp, event.date, event.host, boots, domain, killed,
        {name: (count, pages) for name, (count, pages) in largest}, event.ends,
    )  # fmt: skip
