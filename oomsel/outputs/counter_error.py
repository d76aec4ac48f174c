"""How far off each process's approximate RSS is, where a scenario says what the CPUs hold, and what that can change."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oomsel.kernel.badness import LONG_MAX, LONG_MIN, get_mm_rss
from oomsel.kernel.system import NO_MM
from oomsel.layout import aligned
from oomsel.outputs.explain import Explanation
from oomsel.outputs.summary import is_same_choice, outcome_phrase, pages_and_mebibytes
from oomsel.text import printable


def counter_error_lines(explanation: Explanation, most: int | None) -> Iterator[str]:
    """The `most` processes whose approximate RSS is furthest off, and whether that changes the victim or could."""
    report, system = explanation.approximate, explanation.approximate.system
    approximate, precise = get_mm_rss(report.counters), get_mm_rss(report.precise)
    error = approximate - precise
    _, first = np.unique(system.tasks.mm, return_index=True)  # a shared mm is its first process's
    owners = [task for task in sorted(first.tolist()) if system.tasks.mm[task] != NO_MM]
    off = [task for task in owners if error[system.tasks.mm[task]]]
    off.sort(key=lambda task: -abs(int(error[system.tasks.mm[task]])))
    if not off:
        yield "Every process's approximate RSS is what it truly is: only counts of swap differ."
    else:
        worst = abs(int(error[system.tasks.mm[off[0]]]))
        up_to = pages_and_mebibytes(report, worst)
        yield f"The approximate RSS of {len(off)} of {len(owners)} processes is off, by up to {up_to}:"
        rows = [("pid", "name", "approximate", "precise", "error", "MiB")]
        for task in off[:most]:
            mm = int(system.tasks.mm[task])
            name, pages = printable(system.tasks.comm[task]), int(error[mm])
            mib = f"{pages * system.page_size / (1 << 20):+.1f}"
            rows.append((str(system.tasks.pid[task]), name, str(approximate[mm]), str(precise[mm]), f"{pages:+d}", mib))
        yield from (f"  {line}".rstrip() for line in aligned(rows, "><>>>>"))
        if most is not None and len(off) > most:
            yield f"  and {len(off) - most} more (--all shows all)"
    yield from _what_it_changes(explanation)


def _what_it_changes(explanation: Explanation) -> Iterator[str]:
    """Errors change the victim where two tasks' errors differ by more than the true leader's lead."""
    approximate, precise = explanation.approximate, explanation.precise
    if not is_same_choice(approximate, precise):
        yield (
            f"That changes the victim: an approximate read {outcome_phrase(approximate)},"
            f" a precise one {outcome_phrase(precise)}."
        )
        return
    compared = [task for task in explanation.candidates if precise.points[task] not in (LONG_MIN, LONG_MAX)]
    if not precise.killed or precise.allocating_task or len(compared) < 2 or precise.chosen not in compared:
        yield "That does not change the outcome."
        return
    errors = approximate.points[compared] - precise.points[compared]
    apart = int(errors.max() - errors.min())
    second = max(int(precise.points[task]) for task in compared if task != precise.chosen)
    lead = int(precise.points[precise.chosen]) - second
    leads = f"{precise.name_of(precise.chosen)} leads by {pages_and_mebibytes(precise, lead)}"
    could = "so they cannot change" if apart < lead else "so errors of this size can change"
    yield (
        f"That does not change the victim now: {leads}, and no two errors are more than"
        f" {pages_and_mebibytes(precise, apart)} of badness apart, {could} it."
    )
