"""A trace's updates put through other designs of an RSS counter, each mm's by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from oomsel.kernel.designs import DESIGNS, Design, How, Split, Topology, Updates
from oomsel.kernel.percpu_counter import RSS_MEMBERS
from oomsel.outputs.replay import Range
from oomsel.study.trace_replay import Adds
from oomsel.study.traced_mm import TracedMm

_HUGE = 512  #: pages that a huge page's fault counts at once, of 4 KiB on x86


@dataclass
class _Counted:
    """One mm as a design counts it."""

    design: Design
    threads: dict[int, int] = field(default_factory=dict)  #: by pid


class TraceDesigns:
    """What designs read of each mm.

    A trace does not say by what path of the kernel an update came, which matters to `split` alone:
    a task's own adds of less than a huge page are taken for page faults, all others for bulk
    updates.  What an mm had when the trace began is counted exactly.
    """

    def __init__(self, names: tuple[str, ...], cpus: int) -> None:
        self.names = names
        self._topology = Topology.even(cpus)
        self._counted: dict[TracedMm, dict[str, _Counted]] = {}

    def add(self, mm: TracedMm, adds: Adds) -> None:
        """Count an mm's adds."""
        designs = self._counted.get(mm)
        if designs is None:
            designs = self._counted[mm] = {name: _Counted(DESIGNS[name](self._topology)) for name in self.names}
        for name, counted in designs.items():
            if name == Split.name:
                self._make_room(counted, adds)
            design = counted.design
            for at in np.flatnonzero(adds.is_first).tolist():
                member = int(adds.member[at])
                design.start[0, member] += int(adds.amount[at]) - int(design.summed()[0, member])
            design.replay(_updates(adds, counted.threads))

    def keep(self, mms: list[TracedMm]) -> None:
        """Forget the others."""
        self._counted = {mm: self._counted[mm] for mm in mms if mm in self._counted}

    def read(self, mm: TracedMm, name: str) -> tuple[Range, Range | None] | None:
        """What a design reads of an mm's RSS, and how much less or more than the truth it may; None before any add."""
        if mm not in self._counted:
            return None
        design = self._counted[mm][name].design
        members = list(RSS_MEMBERS.values())
        read = int(np.maximum(design.read()[0, members], 0).sum())
        used = np.zeros((1, 4), np.bool_)
        used[0, members] = [mm.counters[member].size is not None for member in members]
        bound = design.bound(used)
        return (read, read), None if bound is None else (int(bound.under[0]), int(bound.over[0]))

    def _make_room(self, counted: _Counted, adds: Adds) -> None:
        """A place for each thread's cache."""
        new = [pid for pid in np.unique(adds.pid).tolist() if pid not in counted.threads]
        counted.threads.update({pid: len(counted.threads) + place for place, pid in enumerate(new)})
        before = counted.design
        if len(counted.threads) <= len(before.thread_mm):
            return
        wider = Split(self._topology, 1, (0,) * (2 * len(counted.threads)))
        for name, value in vars(before).items():
            ours = getattr(wider, name)
            if isinstance(value, np.ndarray) and len(value) < len(ours):
                ours[: len(value)] = value
            elif name != "thread_mm":
                setattr(wider, name, value)
        counted.design = wider


def _updates(adds: Adds, threads: dict[int, int]) -> Updates:
    known = ~adds.is_first
    amount = adds.amount[known]
    is_fault = (adds.curr[known] == 1) & (amount > 0)
    how = np.where(is_fault & (amount < _HUGE), How.FAULT, np.where(is_fault, How.HUGE, How.BULK)).astype(np.int64)
    none, one = np.zeros(len(amount), np.int64), np.ones(len(amount), np.int64)
    thread = np.array([threads.get(pid, 0) for pid in adds.pid[known].tolist()], np.int64)
    return Updates(none, adds.member[known], adds.cpu[known], thread, amount, one, how, one)
