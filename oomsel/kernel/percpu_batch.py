"""How much a CPU's part of a percpu_counter may grow before it is folded in; after lib/percpu_counter.c."""

from __future__ import annotations


def compute_batch_value(online_cpus: int) -> int:
    """percpu_counter_batch on a machine with so many CPUs online; compute_batch_value().

    >>> compute_batch_value(1), compute_batch_value(250)
    (32, 500)
    """
    return max(32, 2 * online_cpus)
