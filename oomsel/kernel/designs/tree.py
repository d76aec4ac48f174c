"""The hierarchical per-CPU counter tree of Mathieu Desnoyers (lib/percpu_counter_tree.c), v16; not merged."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from oomsel.kernel.designs.base import NR_MM_COUNTERS, Accuracy, Costs, Design, Topology, Updates
from oomsel.kernel.designs.compiled import Loop
from oomsel.kernel.percpu_counter import Int64s

#: RSS_STAT_BATCH_SIZE
BATCH = 32

#: Children of an item on each level, leaves first, by the order of the CPU count rounded up to a power of two.
FANOUTS: tuple[tuple[int, ...], ...] = (
    (),
    (2,),
    (2, 2),
    (2, 2, 2),
    (4, 2, 2),
    (4, 4, 2),
    (4, 4, 4),
    (8, 4, 4),
    (8, 8, 4),
    (8, 8, 8),
    (8, 8, 4, 4),
    (8, 8, 8, 4),
    (8, 8, 8, 8),
    (8, 8, 8, 4, 4),
    (8, 8, 8, 8, 4),
    (8, 8, 8, 8, 8),
    (16, 8, 8, 8, 8),
    (16, 16, 8, 8, 8),
    (16, 16, 16, 8, 8),
    (16, 16, 16, 16, 8),
    (16, 16, 16, 16, 16),
)


def _replay(  # noqa: C901, PLR0915 - one compiled loop
    mms,
    member,
    cpu,
    amount,
    repeat,
    how,
    lockstep,
    count,
    leaf,
    item,
    crowd,
    shape,
    cpus,
    folds,
    atomics,
    updates,
    lacks,
    under,
    over,
):
    levels = len(shape) // 3  # items, first item and unit of each level, the leaves' own unit before
    per_counter = 0
    for level in range(1, levels):
        per_counter += shape[3 * level]

    def add(i, left):
        mm = mms[i]
        c = 4 * mm + member[i]
        updates[mm] += left
        if how[i] == 4:  # How.FRESH
            for j in range(4 * mm, 4 * mm + 4):
                count[j] = 0
            for j in range(4 * mm * cpus, (4 * mm + 4) * cpus):
                leaf[j] = 0
            for j in range(4 * mm * per_counter, (4 * mm + 4) * per_counter):
                item[j] = 0
            lacks[mm] = 0
        at = c * cpus + cpu[i]
        rss = 0 if c & 3 == 2 else 1  # MM_SWAPENTS is no part of it
        step = amount[i]
        unit = shape[2]
        while left > 0 and step != 0:
            value = leaf[at]
            floor = value & -unit
            # How many adds until the one that carries.
            adds = -((value - floor - unit) // step) if step > 0 else (value - floor) // -step + 1
            quiet = min(adds - 1, left)
            lacks[mm] += rss * quiet * step
            under[mm] = max(under[mm], lacks[mm])
            over[mm] = max(over[mm], -lacks[mm])
            left -= quiet
            value += quiet * step
            if left > 0:
                left -= 1
                value += step
                carry = (value & -unit) - floor
                lacks[mm] += rss * step
                folds[mm] += 1
                for level in range(1, levels):
                    where = c * per_counter + shape[3 * level + 1] + (cpu[i] & (shape[3 * level] - 1))
                    old = item[where]
                    item[where] = old + carry
                    atomics[mm] += 1
                    carry = ((old + carry) & -shape[3 * level + 2]) - (old & -shape[3 * level + 2])
                    if carry == 0:
                        break
                if carry != 0:
                    count[c] += carry
                    atomics[mm] += 1
                    lacks[mm] -= rss * carry
                under[mm] = max(under[mm], lacks[mm])
                over[mm] = max(over[mm], -lacks[mm])
            leaf[at] = value

    def quiet(first, after, most):
        """So many rounds until one in which a leaf carries: till then their order does not matter."""
        step = abs(amount[first])
        if most == 1 or step == 0:
            return most
        for i in range(first, after):
            crowd[cpu[i]] += 1
        for i in range(first, after):
            rest = leaf[(4 * mms[i] + member[i]) * cpus + cpu[i]] & (shape[2] - 1)
            most = min(most, (rest if amount[i] < 0 else shape[2] - 1 - rest) // (step * crowd[cpu[i]]))
        for i in range(first, after):
            crowd[cpu[i]] = 0
        return most

    after = 0
    for i in range(len(mms)):
        if lockstep[i] == 1:
            add(i, repeat[i])
        elif i >= after:
            after = i + lockstep[i]
            todo = repeat[i]
            while todo > 0:
                rounds = max(1, quiet(i, after, todo))
                for j in range(i, after):
                    add(j, rounds)
                todo -= rounds


_replay_tree = Loop(_replay)


def order_of(cpus: int) -> int:
    """log2 of the CPU count rounded up to a power of two."""
    return (cpus - 1).bit_length()


class Tree(Design):
    """Each CPU's leaf holds all that was ever added there; whole units carry towards the root, which is what is read.

    A settled tree reads too little, never too much: what stays below is a remainder of floors.
    Raises ValueError where the topology's arity does not fit its CPUs.
    """

    name = "tree"
    since = "proposed in 2025 and 2026"

    def __init__(
        self, topology: Topology, mms: int = 1, thread_mm: Sequence[int] = (0,), *, batch: int = BATCH
    ) -> None:
        super().__init__(topology, mms, thread_mm)
        order = order_of(topology.cpus)
        self.leaves = 1 << order
        self.fanouts = FANOUTS[order] if topology.arity is None else topology.arity
        if any(number < 2 or number & (number - 1) for number in self.fanouts) or prod(self.fanouts) != self.leaves:
            raise ValueError(f"{topology.cpus} CPUs need fan-outs that are powers of two and multiply to {self.leaves}")
        self.batch = batch
        #: Of the leaves and each level of items below the root: how many, and in what unit they carry.
        self.levels = [
            (self.leaves // prod(self.fanouts[:n]), batch * prod(self.fanouts[:n])) for n in range(len(self.fanouts))
        ]
        # One CPU alone has nothing to carry through: every add goes to the root.
        self.levels = self.levels or [(1, 1)]
        first = [sum(items for items, _ in self.levels[1:n]) for n in range(len(self.levels))]
        rows = [(items, at, unit) for (items, unit), at in zip(self.levels, first, strict=True)]
        self._shape = np.array(rows, np.int64).reshape(-1)
        self.items = np.zeros(mms * NR_MM_COUNTERS * sum(items for items, _ in self.levels[1:]), np.int64)
        self.leaf = np.zeros(mms * NR_MM_COUNTERS * topology.cpus, np.int64)

    def replay(self, updates: Updates) -> None:
        _replay_tree(
            *updates.at(updates.cpu),
            self.count,
            self.leaf,
            self.items,
            np.zeros(self.topology.cpus, np.int64),
            self._shape,
            self.topology.cpus,
            self.folds,
            self.atomics,
            *self._tallies(),
        )

    def held(self) -> Int64s:
        leaves = self.leaf.reshape(self.mms, NR_MM_COUNTERS, self.topology.cpus)
        total: Int64s = leaves.sum(axis=-1) - self.count.reshape(self.mms, NR_MM_COUNTERS)
        return total

    @property
    def multiplier(self) -> int:
        """What the documented bounds multiply the batch with."""
        return self.leaves * len(self.fanouts)

    def accuracy(self) -> Accuracy:
        under = np.full(self.mms, self.batch * self.multiplier, np.int64)
        return Accuracy(under, np.full(self.mms, (self.batch - 1) * self.multiplier, np.int64))

    def costs(self, mm: int) -> Costs:
        return Costs(atomics=int(self.atomics[mm]))

    def sum_costs(self) -> Costs:
        return Costs(remote_lines=self.topology.cpus)
