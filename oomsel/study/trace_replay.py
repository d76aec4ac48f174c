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
from oomsel.inputs.trace.reader import Piece
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, NR_MM_COUNTERS
from oomsel.study.traced_mm import Batch, TracedMm
from oomsel.text import number_of

Ints = npt.NDArray[np.int64]

#: What a size is where the RSS counters are no percpu_counters.
BEFORE_6_2 = "before 6.2 a size is the mm's count, which is what is read; what threads hold back is not in the trace"


class Columns(NamedTuple):
    """The updates of a piece; an entry each."""

    mm: Ints  #: which of the piece's mms
    member: Ints
    cpu: Ints
    pages: Ints  #: the size
    curr: Ints
    pid: Ints


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
        stems = np.flatnonzero(np.bincount(piece.stem, minlength=len(piece.stems)))
        cpu, mm_id, curr, member, pid = piece.stems.columns
        self._check(int(cpu[stems].max()), piece.size)
        pages = piece.size // self.page_size
        self.updates += len(pages)
        # All that there is to know of an mm is known of its stems, of which there are few.
        ids, id_of = np.unique(mm_id[stems], return_inverse=True)
        mm_of_stem = np.zeros(len(piece.stems), np.int64)
        mm_of_stem[stems] = id_of
        columns = Columns(
            mm_of_stem[piece.stem], member[piece.stem], cpu[piece.stem], pages, curr[piece.stem], pid[piece.stem]
        )
        mms = self._mms_of(ids, columns)
        self._replay(mms, columns)
        self._name(mms, columns, piece, stems)

    def _check(self, cpu: int, size: Ints) -> None:
        """Raises InputError for what cannot be of this machine; `cpu` is the highest one."""
        if cpu >= self.cpus:
            message = f"CPU {cpu} in a trace of {number_of(self.cpus, 'CPU')}; state with --cpus how many were online"
            if not self.cpus:
                message = "the trace does not say how many CPUs were online; state it with --cpus"
            raise InputError(self.name, [Problem(message)])
        rest = size & (self.page_size - 1)
        if rest.any():
            odd = int(size[rest != 0][0])
            message = f"a size of {odd} bytes is no whole number of pages of {self.page_size}; use --page-size"
            raise InputError(self.name, [Problem(message)])

    def _mms_of(self, ids: Ints, columns: Columns) -> list[TracedMm]:
        """The mm of each id in `ids`; one that is torn down within the piece gets a successor at the end of the list.

        `columns.mm` is changed to name it.
        """
        mms = []
        first_of = np.full(len(ids), len(columns.mm))
        first_of[columns.mm[::-1]] = np.arange(len(columns.mm))[::-1]
        for mm_id, first in zip(ids.tolist(), first_of.tolist(), strict=True):
            mm = self.mms.get(mm_id)
            if mm is None or mm.is_over:
                # exec() begins a new mm with the page of its stack that holds the arguments.
                is_exec = (
                    not columns.curr[first] and columns.member[first] == MM_ANONPAGES and columns.pages[first] == 1
                )
                mm = self.mms[mm_id] = TracedMm(mm_id, is_new=mm is not None or bool(is_exec))
            mms.append(mm)
        empty = np.flatnonzero(columns.pages == 0)
        if len(empty):
            self._succeed(mms, columns, empty)
        return mms

    def _succeed(self, mms: list[TracedMm], columns: Columns, empty: Ints) -> None:
        """Give every mm a successor whose last page goes in this piece and whose id has events after it.

        `empty` are the events with a size of 0.
        """
        count = len(columns.mm)
        key = columns.mm * NR_MM_COUNTERS + columns.member
        order = _order(key)
        place = key[order] * count + order  # ascending
        # Each member's size right after each of these events: its last one here, or what it was before; -1: not known.
        before = np.array([-1 if c.size is None else c.size for mm in mms for c in mm.counters], np.int64)
        keys = columns.mm[empty, np.newaxis] * NR_MM_COUNTERS + np.arange(NR_MM_COUNTERS)
        at = np.searchsorted(place, keys * count + empty[:, np.newaxis], side="right") - 1
        found = order[at]
        sizes = np.where((at >= 0) & (key[found] == keys), columns.pages[found], before[keys])
        is_over = (sizes <= 0).all(axis=1) & (sizes[:, [MM_ANONPAGES, MM_FILEPAGES]] == 0).all(axis=1)
        for last in empty[is_over].tolist():
            index = int(columns.mm[last])
            after = columns.mm[last + 1 :]
            later = np.flatnonzero(after == index)
            if len(later):
                successor = TracedMm(mms[index].mm_id, is_new=True)
                after[later] = len(mms)
                mms.append(successor)
                self.mms[successor.mm_id] = successor

    def _replay(self, mms: list[TracedMm], columns: Columns) -> None:
        key = columns.mm * NR_MM_COUNTERS + columns.member
        order = _order(key)
        sorted_key, size = key[order], columns.pages[order]
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
            self._tell(mms, columns, order, amount, size, unknown)
        slot = sorted_key * self.cpus + cpu
        by_slot = _order(slot)
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
        self, mms: list[TracedMm], columns: Columns, order: Ints, amount: Ints, size: Ints, unknown: list[int]
    ) -> None:
        """Tell the listener each mm's adds, as other designs count them."""
        assert self._listener is not None
        in_time = np.empty_like(amount)
        in_time[order] = amount
        is_first = np.zeros(len(order), np.bool_)
        is_first[order[unknown]] = True
        in_time[order[unknown]] = size[unknown]
        by_mm = _order(columns.mm)
        borders = np.searchsorted(columns.mm[by_mm], np.arange(len(mms) + 1))
        for index, mm in enumerate(mms):
            rows = by_mm[borders[index] : borders[index + 1]]
            if len(rows):
                member, cpu, pid, curr = (
                    column[rows] for column in (columns.member, columns.cpu, columns.pid, columns.curr)
                )
                self._listener(mm, Adds(member, cpu, in_time[rows], is_first[rows], pid, curr))

    def _name(self, mms: list[TracedMm], columns: Columns, piece: Piece, stems: Ints) -> None:
        """Whose mm each is: the lowest pid of the tasks that made updates of their own."""
        time = piece.time(len(piece.stem) - 1)
        for mm in mms:
            mm.seen = time
        last_of = np.zeros(len(piece.stems), np.int64)
        last_of[piece.stem] = np.arange(len(piece.stem))
        # An id may have had several mms here: a stem is the last one's.
        own = sorted((int(last_of[number]), piece.stems.stems[number]) for number in stems.tolist())
        for at, stem in own:
            mm = mms[int(columns.mm[at])]
            if stem.curr and stem.pid and (mm.pid is None or stem.pid <= mm.pid):
                mm.pid, mm.comm = stem.pid, stem.comm
                self.owner[mm.pid] = mm


def _order(keys: Ints) -> Ints:
    """The order that sorts keys of 0 or more, equal ones as they are; small numbers sort several times faster."""
    return np.argsort(keys.astype(np.uint16) if int(keys.max()) < 1 << 16 else keys, kind="stable")
