"""A trace of every counter update, replayed: what each process's counters read at any moment.

Since f1a7941243c1 (v6.2) kmem:rss_stat has the precise sum after each add, so the difference of
two sizes is what was added, by the CPU of the event; put through percpu_counter_add_batch() the
adds leave in every CPU's slot what the kernel has there.  Before, a size is the mm's own atomic
count, which is what that kernel reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oomsel.errors import InputError, Problem
from oomsel.inputs.trace.layout import Columns
from oomsel.inputs.trace.reader import Piece
from oomsel.kernel.percpu_counter import MM_ANONPAGES, NR_MM_COUNTERS
from oomsel.study.traced_mm import Batch, TracedMm

Ints = npt.NDArray[np.int64]


class Adds(NamedTuple):
    """The updates of one mm in a piece of a trace, in their order; an entry each."""

    member: Ints
    cpu: Ints
    amount: Ints  #: pages; the whole size where `is_first`
    is_first: npt.NDArray[np.bool_]  #: the amount is not known: the first of its counter, or the first after a loss
    pid: Ints
    curr: Ints


class TraceReplay:
    """The counters of every mm in a trace, up to the last piece that was fed."""

    def __init__(
        self,
        name: str,
        cpus: int,
        batch: int,
        page_size: int,
        *,
        listener: Callable[[TracedMm, Adds], None] | None = None,
    ) -> None:
        self.name, self.batch, self.page_size = name, Batch(batch), page_size
        self.cpus = cpus  #: online; 0 where nobody says it, which an update needs
        self.mms: dict[int, TracedMm] = {}  #: by mm_id
        self.owner: dict[int, TracedMm] = {}  #: by pid, the mm it was seen with last
        self.updates = 0
        self.simultaneous = 0  #: adds whose size does not differ: two CPUs added at once, so amounts may be swapped
        self._listener = listener

    def living(self) -> Iterator[TracedMm]:
        """The mms that still have pages and whose process has not gone on to another."""
        for mm in self.mms.values():
            if not mm.is_over and (mm.pid is None or self.owner.get(mm.pid) is mm):
                yield mm

    def lose(self, cpu: int | None) -> None:
        """Events are lost here."""
        for mm in self.mms.values():
            mm.lose(self.batch, cpu)

    def feed(self, piece: Piece) -> None:
        """Replay some updates, in their order."""
        columns = piece.columns
        if int(columns.cpu.max()) >= self.cpus:
            cpu = int(columns.cpu.max())
            message = f"CPU {cpu} in a trace of {self.cpus} CPUs; state with --cpus how many were online"
            if not self.cpus:
                message = "the trace does not say how many CPUs were online; state it with --cpus"
            raise InputError(self.name, [Problem(message)])
        pages, rest = np.divmod(columns.size, self.page_size)
        if rest.any():
            size = int(columns.size[rest != 0][0])
            message = f"a size of {size} bytes is no whole number of pages of {self.page_size}; use --page-size"
            raise InputError(self.name, [Problem(message)])
        self.updates += len(pages)
        ids, mm_of = np.unique(columns.mm_id, return_inverse=True)
        mms = self._mms_of(ids, mm_of, columns, pages)
        self._replay(mms, mm_of, columns, pages)
        self._name(mms, mm_of, piece)

    def _mms_of(self, ids: Ints, mm_of: Ints, columns: Columns, pages: Ints) -> list[TracedMm]:
        """The mm of each id in `ids`; one that is torn down within the piece gets a successor at the end of the list.

        `mm_of` is changed to name it.
        """
        mms = []
        first_of = np.full(len(ids), len(mm_of))
        np.minimum.at(first_of, mm_of, np.arange(len(mm_of)))
        for mm_id, first in zip(ids.tolist(), first_of.tolist(), strict=True):
            mm = self.mms.get(mm_id)
            if mm is None or mm.is_over:
                # exec() begins a new mm with the page of its stack that holds the arguments.
                is_exec = not columns.curr[first] and columns.member[first] == MM_ANONPAGES and pages[first] == 1
                mm = self.mms[mm_id] = TracedMm(mm_id, is_new=mm is not None or bool(is_exec))
            mms.append(mm)
        empty = np.flatnonzero(pages == 0)
        if len(empty):
            self._succeed(mms, mm_of, columns, pages, empty)
        return mms

    def _succeed(self, mms: list[TracedMm], mm_of: Ints, columns: Columns, pages: Ints, empty: Ints) -> None:
        """Give every mm a successor whose last page goes in this piece and whose id has events after it."""
        for index in sorted(set(mm_of[empty].tolist())):
            here = np.flatnonzero(mm_of == index)
            sizes: list[int | None] = [counter.size for counter in mms[index].counters]
            current = index
            members, amounts = columns.member[here].tolist(), pages[here].tolist()
            for at, (member, size) in enumerate(zip(members, amounts, strict=True)):
                sizes[member] = size
                is_last = not size and not any(sizes) and sizes[0] is not None and sizes[1] is not None
                if is_last and at + 1 < len(here):
                    successor = TracedMm(mms[index].mm_id, is_new=True)
                    mms.append(successor)
                    self.mms[successor.mm_id] = successor
                    current = len(mms) - 1
                    mm_of[here[at + 1 :]] = current
                    sizes = [0] * NR_MM_COUNTERS

    def _replay(self, mms: list[TracedMm], mm_of: Ints, columns: Columns, pages: Ints) -> None:
        key = mm_of * NR_MM_COUNTERS + columns.member
        order = np.argsort(key, kind="stable")
        sorted_key, size = key[order], pages[order]
        begins = np.flatnonzero(np.concatenate(([True], sorted_key[1:] != sorted_key[:-1])))
        amount = np.empty_like(size)
        amount[0], amount[1:] = 0, size[1:] - size[:-1]
        cpu = columns.cpu[order]
        unknown = self._carry_over(mms, sorted_key, size, cpu, amount, begins)
        still = amount == 0
        still[unknown] = False
        if still.any():
            self.simultaneous += int(np.count_nonzero(still))
            self._forget_clamped(mms, sorted_key, size, cpu, still)
        if self._listener is not None:
            self._tell(mms, mm_of, columns, order, amount, size, unknown)
        slot = sorted_key * self.cpus + cpu
        by_slot = np.argsort(slot, kind="stable")
        slot = slot[by_slot]
        ends = np.flatnonzero(np.concatenate((slot[1:] != slot[:-1], [True]))) + 1
        amounts = amount[by_slot].tolist()
        begin = 0
        for end, which in zip(ends.tolist(), slot[ends - 1].tolist(), strict=True):
            counter, on = divmod(which, self.cpus)
            mm, member = divmod(counter, NR_MM_COUNTERS)
            mms[mm].counters[member].add(self.batch, on, amounts[begin:end])
            begin = end

    def _carry_over(
        self, mms: list[TracedMm], key: Ints, size: Ints, cpu: Ints, amount: Ints, begins: Ints
    ) -> list[int]:
        """Each counter's first amount here, from the size it had; where it had none, the slot may hold anything.

        Returns where that is.
        """
        unknown = []
        lasts = np.concatenate((begins[1:], [len(key)])) - 1
        rows = zip(begins.tolist(), key[begins].tolist(), size[begins].tolist(), size[lasts].tolist(), strict=True)
        for begin, which, first, last in rows:
            mm, member = divmod(which, NR_MM_COUNTERS)
            counter = mms[mm].counters[member]
            if counter.size is None:
                unknown.append(begin)
                amount[begin] = 0
                counter.forget(self.batch, int(cpu[begin]))
            else:
                amount[begin] = first - counter.size
            counter.size = last
        return unknown

    def _forget_clamped(
        self, mms: list[TracedMm], key: Ints, size: Ints, cpu: Ints, still: npt.NDArray[np.bool_]
    ) -> None:
        """A size that stays 0 hides what was taken: percpu_counter_sum_positive() gives 0 for less."""
        for at in np.flatnonzero(still & (size == 0)).tolist():
            mm, member = divmod(int(key[at]), NR_MM_COUNTERS)
            mms[mm].counters[member].forget(self.batch, int(cpu[at]))

    def _tell(
        self,
        mms: list[TracedMm],
        mm_of: Ints,
        columns: Columns,
        order: Ints,
        amount: Ints,
        size: Ints,
        unknown: list[int],
    ) -> None:
        """Tell the listener each mm's adds, as other designs count them."""
        assert self._listener is not None
        in_time = np.empty_like(amount)
        in_time[order] = amount
        is_first = np.zeros(len(order), np.bool_)
        is_first[order[unknown]] = True
        in_time[order[unknown]] = size[unknown]
        by_mm = np.argsort(mm_of, kind="stable")
        borders = np.searchsorted(mm_of[by_mm], np.arange(len(mms) + 1))
        for index, mm in enumerate(mms):
            rows = by_mm[borders[index] : borders[index + 1]]
            if len(rows):
                mine = columns.of(rows)
                self._listener(mm, Adds(mine.member, mine.cpu, in_time[rows], is_first[rows], mine.pid, mine.curr))

    def _name(self, mms: list[TracedMm], mm_of: Ints, piece: Piece) -> None:
        """Whose mm each is: the tasks that made updates of their own."""
        columns = piece.columns
        last = np.zeros(len(mms), np.int64)
        np.maximum.at(last, mm_of, columns.time)
        own = np.flatnonzero((columns.curr == 1) & (columns.pid > 0))
        # The lowest pid of each mm: the process's, where threads have their own.
        ranked = own[np.lexsort((own, columns.pid[own], mm_of[own]))]
        firsts = ranked[np.concatenate(([True], mm_of[ranked][1:] != mm_of[ranked][:-1]))] if len(ranked) else ranked
        for mm, time in zip(mms, last.tolist(), strict=True):
            mm.seen = max(mm.seen, time)
        for index in sorted(firsts.tolist()):
            mm, pid = mms[int(mm_of[index])], int(columns.pid[index])
            if mm.pid is None or pid <= mm.pid:
                task = piece.task(index)
                if task is not None:
                    mm.pid, mm.comm = task
                    self.owner[mm.pid] = mm
