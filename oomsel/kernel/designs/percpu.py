"""Per-CPU counters with a batch, Linux 6.2 on: percpu_counter (lib/percpu_counter.c), f1a7941243c1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oomsel.kernel.designs.base import NR_MM_COUNTERS, Accuracy, Costs, Design, Topology, Updates
from oomsel.kernel.designs.batched import replay_batched
from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.kernel.percpu_counter import Int64s


class Percpu(Design):
    """Each CPU holds what is below the batch; one that reaches it takes the lock and folds all it holds.

    The batch grows with the CPUs, so that the bound of a counter grows with their square.
    """

    name = "percpu"
    since = "Linux 6.2"

    def __init__(
        self, topology: Topology, mms: int = 1, thread_mm: Sequence[int] = (0,), *, batch: int | None = None
    ) -> None:
        super().__init__(topology, mms, thread_mm)
        self.batch = compute_batch_value(topology.cpus) if batch is None else batch
        self.local = np.zeros(mms * NR_MM_COUNTERS * topology.cpus, np.int64)

    def replay(self, updates: Updates) -> None:
        replay_batched(
            *updates.at(updates.cpu),
            self.count,
            self.local,
            np.zeros(self.topology.cpus, np.int64),
            self.topology.cpus,
            self.batch,
            self.folds,
            *self._tallies(),
        )

    @property
    def slots(self) -> Int64s:
        """What every CPU holds; int64[mm, member, cpu], pages."""
        return self.local.reshape(self.mms, NR_MM_COUNTERS, self.topology.cpus)

    def held(self) -> Int64s:
        total: Int64s = self.slots.sum(axis=-1)
        return total

    def as_percpu(self) -> tuple[Int64s, int]:
        return self.slots, self.batch

    def accuracy(self) -> Accuracy:
        bound = np.full(self.mms, self.topology.cpus * (self.batch - 1), np.int64)
        return Accuracy(bound, bound)

    def costs(self, mm: int) -> Costs:
        return Costs(locks=int(self.folds[mm]))

    def sum_costs(self) -> Costs:
        return Costs(locks=1, remote_lines=self.topology.cpus)
