"""The sum that a badness is, term by term, for releases that score in pages."""

from __future__ import annotations

from oomsel.kernel.event import OomReport
from oomsel.outputs.tasks import TaskView


def score_terms(report: OomReport, task: int, *, knows_total: bool) -> list[tuple[int, str]]:
    """(pages, what they are) of RSS, swap, page tables and oom_score_adj, as the report's mode reads them."""
    system = report.system
    mm = int(system.tasks.mm[task])
    counters = {name: column[0] for name, column in TaskView(report, [task]).counters().items()}
    parts = f"anon {counters['anon']}, file {counters['file']}, shmem {counters['shmem']}"
    if system.rss_is_one_number[mm]:
        parts = "anon, file and shmem together"
    pgtables = int(system.pgtables_bytes[mm])
    adj, unit = int(system.tasks.oom_score_adj[task]), report.totalpages // 1000
    return [
        (counters["rss"] or 0, f"rss: {parts}"),
        (counters["swap"] or 0, "swap"),
        (pgtables // system.page_size, f"page tables: {pgtables} bytes"),
        (adj * unit, f"oom_score_adj {adj}" + (f" x {unit} (totalpages / 1000)" if knows_total else "")),
    ]
