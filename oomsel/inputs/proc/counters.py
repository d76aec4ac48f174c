"""What a process's two readings of its RSS come to as counters: counts, and what the CPUs hold beside them."""

from __future__ import annotations

from typing import Any

from oomsel.inputs.proc.machine import Machine
from oomsel.inputs.proc.process import Process
from oomsel.kernel.percpu_batch import compute_batch_value

#: Said wherever deltas are stated.
ASSUMED = (
    "where the approximate RSS (stat) and the precise one (status) differ, deltas make both totals what the kernel "
    "said; how the difference is split among anon, file and shmem, and among CPUs, is assumed"
)


def counters_of(process: Process, machine: Machine, *, percpu: bool) -> dict[str, Any]:
    """The scenario's `rss` of a process.

    The precise count of each part is what `status` says.  What their sum differs by from the
    approximate total in `stat` goes into the deltas of the largest part, and into the next where
    its CPUs cannot hold as much; before 6.2 (`percpu` is false) there are no such counters.
    """
    unit = machine.page_size >> 10
    precise = {"anon": process.anon // unit, "file": process.file // unit, "shmem": process.shmem // unit}
    missing = sum(precise.values()) - process.stat.rss if percpu else 0
    most = len(machine.online) * (compute_batch_value(len(machine.online)) - 1)
    held: dict[str, int] = {}
    for name in sorted(precise, key=lambda name: precise[name], reverse=True):
        # A count below 0 would be read as 0, so that the total would not be what it is to be.
        held[name] = max(-most, min(most, missing, precise[name]))
        missing -= held[name]
    counters: dict[str, Any] = {}
    for name, pages in precise.items():
        count = pages - held[name]
        if held[name]:
            counters[name] = {"count": count, "deltas": _deltas(held[name], machine.online)}
        elif count:
            counters[name] = count
    if process.swap:
        counters["swap"] = process.swap // unit
    return counters


def _deltas(pages: int, cpus: list[int]) -> dict[int, int]:
    """`pages` on as few CPUs as can hold them: none holds the batch or more."""
    most = compute_batch_value(len(cpus)) - 1
    deltas = {}
    for cpu in cpus:
        deltas[cpu] = max(-most, min(most, pages))
        pages -= deltas[cpu]
        if not pages:
            break
    return deltas
