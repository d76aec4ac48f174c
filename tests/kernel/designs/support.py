"""What tests ask of a design besides what a simulation does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oomsel.kernel.designs import Design, How, Tree, Updates
from oomsel.kernel.percpu_counter import NR_MM_COUNTERS, Int64s


def updates_of(rows: Sequence[tuple[int, ...]]) -> Updates:
    """Updates from rows in the order of the fields but `lockstep`, each row by itself."""
    columns = np.array([(*row, 1) for row in rows], np.int64).reshape(-1, len(Updates._fields)).T
    return Updates(*(np.ascontiguousarray(column) for column in columns))


def add(
    design: Design,
    mm: int,
    member: int,
    amount: int,
    *,
    cpu: int = 0,
    thread: int = 0,
    how: How = How.FAULT,
    repeat: int = 1,
) -> None:
    """Add `amount` pages `repeat` times."""
    design.replay(updates_of([(mm, member, cpu, thread, amount, repeat, how)]))


def items_of(tree: Tree, mm: int, member: int, level: int) -> Int64s:
    """What the items of a level below the root hold, 1 being next to the leaves; int64[item], pages."""
    counters = tree.items.reshape(tree.mms, NR_MM_COUNTERS, -1)
    first = sum(items for items, _ in tree.levels[1:level])
    found: Int64s = counters[mm, member, first : first + tree.levels[level][0]]
    return found


def most_lacking(tree: Tree) -> int:
    """The most pages that one settled counter can lack: every remainder at its largest."""
    below = [1, *(unit for _, unit in tree.levels)]
    return sum(items * (unit - low) for (items, unit), low in zip(tree.levels, below, strict=False))
