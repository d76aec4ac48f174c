"""mm->rss_stat: the count of every counter and every CPU's part of it, or before 6.2 what each thread holds back."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from drgn import Object, TypeKind

from oomsel.inputs.vmcore.memory import Memory
from oomsel.kernel.percpu_counter import MEMBERS, NR_MM_COUNTERS
from oomsel.scenario.models import Counter, Rss

_MMF_OOM_SKIP = 21
_S32 = 4
#: Processes that the note names.
_NAMED = 12
_NAMES = sorted(MEMBERS, key=lambda name: MEMBERS[name])


def has_percpu_rss(memory: Memory) -> bool:
    """Whether rss_stat is an array of percpu_counters, since f1a7941243c1 (v6.2); before, a struct with counts."""
    return memory.program.type("struct mm_struct").member("rss_stat").type.unaliased_kind() is TypeKind.ARRAY


class Counters:
    """Reads the counters of any mm of one kernel."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.are_percpu = has_percpu_rss(memory)

    def of(self, mm: Object) -> Rss:
        """The four counters, in pages."""
        if not self.are_percpu:
            counts = [int(mm.rss_stat.count[member].counter) for member in range(NR_MM_COUNTERS)]
            return Rss(**{name: Counter(count=count) for name, count in zip(_NAMES, counts, strict=True) if count})
        counters = [mm.rss_stat[member] for member in range(NR_MM_COUNTERS)]
        addresses = [counter.counters.value_() for counter in counters]
        slots = self.slots(addresses)
        rss = {}
        for name, member in zip(_NAMES, range(NR_MM_COUNTERS), strict=True):
            count = int(counters[member].count) if addresses[member] else 0
            deltas = {cpu: held[member] for cpu, held in slots.items() if held[member]}
            if count or deltas:
                rss[name] = Counter(count=count, deltas=deltas)
        return Rss(**rss)

    def slots(self, addresses: list[int]) -> dict[int, tuple[int, ...]]:
        """What every possible CPU holds of the four counters."""
        first = addresses[0]
        if not any(addresses):  # an mm that is being made
            return {}
        # Since 14ef95be6f55 (v6.6) the four are allocated side by side.
        if addresses == [first + _S32 * member for member in range(NR_MM_COUNTERS)]:
            return {cpu: struct.unpack("=4i", self._memory.percpu(first, cpu, 4 * _S32)) for cpu in self._memory.cpus}
        return {
            cpu: tuple(
                struct.unpack("=i", self._memory.percpu(address, cpu, _S32))[0] if address else 0
                for address in addresses
            )
            for cpu in self._memory.cpus
        }

    def held_back(self, threads: Iterable[Object]) -> list[int]:
        """Pages by member that threads have counted and nobody else can read, task->rss_stat; before 6.2 only."""
        held = [0] * NR_MM_COUNTERS
        for thread in threads:
            counts = [int(thread.rss_stat.count[member]) for member in range(NR_MM_COUNTERS)]
            if any(counts) and thread.mm:
                held = [one + another for one, another in zip(held, counts, strict=True)]
        return held


def held_back_note(held: dict[int, list[int]]) -> str | None:
    """What a person should know of what threads hold back; `held` has pages by member, by pid."""
    if not held:
        return None
    most = sorted(held, key=lambda pid: -sum(map(abs, held[pid])))
    said = [f"pid {pid} {_pages(held[pid])}" for pid in most[:_NAMED]]
    if len(most) > _NAMED:
        rest = [sum(held[pid][member] for pid in most[_NAMED:]) for member in range(NR_MM_COUNTERS)]
        said.append(f"{len(most) - _NAMED} others together {_pages(rest)}")
    return (
        "before 6.2 each thread holds back what it counted in up to 64 page faults, in pages; no counter has it, and"
        f" no read of this kernel: {'; '.join(said)}"
    )


def _pages(by_member: list[int]) -> str:
    return ", ".join(f"{name} {pages}" for name, pages in zip(_NAMES, by_member, strict=True) if pages) or "none"


def is_oom_skip(mm: Object) -> bool:
    """MMF_OOM_SKIP; mm->flags is a long, on newer kernels a bitmap in a struct (mm_flags_t)."""
    flags = mm.flags
    if flags.type_.unaliased_kind() in (TypeKind.STRUCT, TypeKind.UNION):
        flags = flags.member_("__mm_flags")[0]
    return bool(int(flags) >> _MMF_OOM_SKIP & 1)
