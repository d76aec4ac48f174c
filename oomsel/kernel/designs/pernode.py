"""Per-NUMA-node atomics, proposed on 31 March 2025 by Sweet Tea Dorminy (RFC v2) and not merged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oomsel.kernel.designs.base import NR_MM_COUNTERS, Accuracy, Costs, Design, Topology, Updates
from oomsel.kernel.designs.batched import replay_batched
from oomsel.kernel.percpu_counter import Int64s

#: At most so many nodes have a counter of their own; node N uses that of N modulo it.
MAX_COUNTERS = 32
#: log2 of MAX_NUMNODES, as distributions configure it.
NODES_SHIFT = 6


class Pernode(Design):
    """The CPUs of a node share one atomic; at the batch what it holds moves to the global one.

    Every add is an atomic operation, a fold two more.  What concurrent folds add to the error
    for a moment is not simulated.
    """

    name = "pernode"
    since = "proposed in 2025"

    def __init__(
        self, topology: Topology, mms: int = 1, thread_mm: Sequence[int] = (0,), *, nodes_shift: int = NODES_SHIFT
    ) -> None:
        super().__init__(topology, mms, thread_mm)
        self.batch = max(32, 2 * (topology.cpus >> nodes_shift))
        self.places = min(topology.nodes, MAX_COUNTERS)
        self.place_of = np.array(topology.node_of, np.int64) % self.places
        self.node = np.zeros(mms * NR_MM_COUNTERS * self.places, np.int64)

    def replay(self, updates: Updates) -> None:
        replay_batched(
            *updates.at(self.place_of[updates.cpu]),
            self.count,
            self.node,
            np.zeros(self.places, np.int64),
            self.places,
            self.batch,
            self.folds,
            *self._tallies(),
        )

    def held(self) -> Int64s:
        total: Int64s = self.node.reshape(self.mms, NR_MM_COUNTERS, self.places).sum(axis=-1)
        return total

    def accuracy(self) -> Accuracy:
        bound = np.full(self.mms, self.places * (self.batch - 1), np.int64)
        return Accuracy(bound, bound)

    def costs(self, mm: int) -> Costs:
        return Costs(atomics=int(self.updates[mm] + 2 * self.folds[mm]))

    def sum_costs(self) -> Costs:
        return Costs(remote_lines=self.places)
