"""RSS counters as percpu_counters, in columns; after lib/percpu_counter.c and struct mm_struct (Linux 6.2 to 7.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from oomsel.kernel.percpu_batch import compute_batch_value

Int64s: TypeAlias = npt.NDArray[np.int64]
Int32s: TypeAlias = npt.NDArray[np.int32]

#: The members of mm->rss_stat, as include/linux/mm_types_task.h numbers them.
MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES = range(4)
NR_MM_COUNTERS = 4
#: The members that make up the RSS, by the names that scenarios, logs and reports have for them, in their order there.
RSS_MEMBERS = {"anon": MM_ANONPAGES, "file": MM_FILEPAGES, "shmem": MM_SHMEMPAGES}
#: Every member by its name.
MEMBERS = {**RSS_MEMBERS, "swap": MM_SWAPENTS}


class Accuracy(NamedTuple):
    """What a settled counter guarantees: precise - under <= approximate <= precise + over; int64[mm], pages."""

    under: Int64s
    over: Int64s


@dataclass(slots=True, eq=False, repr=False)
class RssStat:
    """The counters of every mm: mm->rss_stat[NR_MM_COUNTERS], as columns.

    Shapes: `count` int64[mm, member], pages; `percpu` int32[mm, member, cpu], pages, a slot for
    each possible CPU; `slots`: CPU -> index on the last axis; `bound`: pages that no slot exceeds in magnitude.
    """

    count: Int64s
    percpu: Int32s
    slots: dict[int, int]
    online: set[int]
    dying: set[int]
    batch: int
    bound: int = 0
    guarantee: Accuracy | None = None  #: of another design, whose reads stand in these columns

    @classmethod
    def zeros(cls, mms: int, cpus: Iterable[int], online: Iterable[int], dying: Iterable[int], batch: int) -> RssStat:
        """Counters of `mms` fresh processes, all 0."""
        possible = sorted(cpus)
        return cls(
            np.zeros((mms, NR_MM_COUNTERS), np.int64, order="F"),  # a member's counts are read together
            np.zeros((mms, NR_MM_COUNTERS, len(possible)), np.int32),
            {cpu: slot for slot, cpu in enumerate(possible)},
            set(online),
            set(dying),
            batch,
        )

    def summed(self) -> Int64s:
        """count plus the slots of online and dying CPUs, not clamped; int64[mm, member]."""
        # int32 sums run three times faster, where they cannot overflow.
        wide_enough = np.int32 if self.bound * len(self.slots) < 1 << 31 else np.int64
        summed: Int64s = self.count + self.percpu.sum(axis=-1, dtype=wide_enough)
        if len(self.online) + len(self.dying) < len(self.slots):
            for cpu in self.slots.keys() - self.online - self.dying:  # selecting the others would copy nearly all
                summed -= self.percpu[:, :, self.slots[cpu]]
        return summed

    def of(self, mms: Sequence[int] | npt.NDArray[np.intp]) -> RssStat:
        """A copy of some mms' counters, numbered as listed."""
        return RssStat(self.count[mms], self.percpu[mms], self.slots, self.online, self.dying, self.batch, self.bound)

    def make_writable(self) -> None:
        """Before a write: a read-only array is a scenario's, and copied only where a run changes it."""
        if not self.percpu.flags.writeable:
            self.percpu = self.percpu.copy()

    def make_exact(self) -> None:
        """Fold what the precise sum sees and let every later add go straight to the count, as before 6.2."""
        self.count = self.summed()
        self.percpu = np.zeros_like(self.percpu)
        self.batch, self.bound = 1, 0


def percpu_counter_add_batch(stat: RssStat, mm: int, member: int, cpu: int, amount: int, *, repeat: int = 1) -> None:
    """Add `amount` pages `repeat` times on `cpu`, as percpu_counter_add_batch() does since 6.2.

    Below the batch an add stays in the CPU's slot; one that reaches it takes the whole slot
    along into the count.  Repeats are worked out, not walked through.
    """
    stat.make_writable()
    slot = stat.slots[cpu]
    local = int(stat.percpu[mm, member, slot])
    folded = 0
    while repeat > 0:
        adds = _adds_until_fold(local, amount, stat.batch)
        if adds is None or adds > repeat:
            local += amount * repeat
            break
        if local == 0:  # from here on every round is the same
            rounds, repeat = divmod(repeat, adds)
            folded += rounds * adds * amount
        else:
            folded += local + adds * amount
            local = 0
            repeat -= adds
    stat.percpu[mm, member, slot] = local
    stat.count[mm, member : member + 1] += folded  # a slice wraps like the kernel's s64, without a warning
    stat.bound = max(stat.bound, stat.batch - 1)


def _adds_until_fold(local: int, amount: int, batch: int) -> int | None:
    """How many adds of `amount` it takes from `local` to the fold, or None for never."""
    if abs(local + amount) >= batch:
        return 1
    if amount == 0:
        return None
    distance = batch - local if amount > 0 else batch + local
    return -(-distance // abs(amount))


def percpu_counter_read_positive(stat: RssStat) -> Int64s:
    """Every counter's global count alone, clamped at 0; int64[mm, member], pages."""
    return np.maximum(stat.count, 0)


def percpu_counter_sum_positive(stat: RssStat) -> Int64s:
    """Every counter's count and the slots of all online and dying CPUs, clamped at 0; int64[mm, member], pages."""
    summed = stat.summed()
    return np.maximum(summed, 0, out=summed)


def percpu_counter_cpu_dead(stat: RssStat, cpu: int) -> None:
    """`cpu` went down: its slots are folded into the counts, the batch recomputed, no other slot touched."""
    stat.make_writable()
    slot = stat.slots[cpu]
    stat.count += stat.percpu[:, :, slot]
    stat.percpu[:, :, slot] = 0
    stat.online.discard(cpu)
    stat.dying.discard(cpu)
    stat.batch = compute_batch_value(len(stat.online))


def percpu_counter_cpu_online(stat: RssStat, cpu: int) -> None:
    """`cpu` came up: the batch is recomputed."""
    stat.online.add(cpu)
    stat.batch = compute_batch_value(len(stat.online))
