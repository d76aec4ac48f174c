"""What drgn leaves to do: per-CPU values, bitmaps, lists that may be damaged, members that not every release has."""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object, Program
from drgn.helpers.linux.cpumask import for_each_cpu
from drgn.helpers.linux.list import list_for_each_entry

_64_BITS = (1 << 64) - 1


class DamagedError(ValueError):
    """A structure in memory that cannot be: the dump is damaged, or the kernel ran on while it was read."""


class Memory:
    """A kernel's memory and the types in it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        offsets = program["__per_cpu_offset"]
        self.cpus = cpus_in(program["__cpu_possible_mask"])
        self._offset = {cpu: int(offsets[cpu]) for cpu in self.cpus}

    def __getitem__(self, symbol: str) -> Object:
        return self.program[symbol]

    def get(self, symbol: str) -> Object | None:
        """The object of that name; None where this kernel has none."""
        try:
            return self.program[symbol]
        except KeyError:
            return None

    def percpu(self, address: int, cpu: int, size: int) -> bytes:
        """`size` bytes of the CPU's own copy of what is at the per-CPU `address`; the sum may pass 2^64."""
        read: bytes = self.program.read((address + self._offset[cpu]) & _64_BITS, size)
        return read

    def enum(self, tag: str) -> dict[str, int]:
        """The values of an enum by their names."""
        return dict(self.program.type(f"enum {tag}").enumerators or ())

    def pointer(self, type_name: str, address: int) -> Object:
        """A pointer to the `type_name` at `address`."""
        return Object(self.program, self.program.pointer_type(self.program.type(type_name)), value=address)


def list_entries(type_name: str, head: Object, member: str) -> Iterator[Object]:
    """The entries of a struct list_head; raises DamagedError where the list does not come back to its head."""
    seen: set[int] = set()
    for entry in list_for_each_entry(type_name, head.address_of_(), member):
        address = entry.value_()
        if address in seen:
            raise DamagedError(f"a list of {type_name} runs in a circle; the dump is damaged, or the kernel ran on")
        seen.add(address)
        yield entry


def has_member(value: Object, name: str) -> bool:
    """Whether a struct, or what a pointer points to, has the member in this release."""
    try:
        value.member_(name)
    except LookupError:
        return False
    return True


def cpus_in(mask: Object) -> tuple[int, ...]:
    """The CPUs in a cpumask, or in a cpumask_var_t, which is a pointer to one or an array of one."""
    return tuple(for_each_cpu(mask if has_member(mask, "bits") else mask[0]))


def nodes_in(mask: Object) -> list[int]:
    """The nodes in a nodemask, or in the one that a pointer points to."""
    words = enumerate(int(word) for word in mask.bits)
    return [word * 64 + bit for word, bits in words for bit in range(bits.bit_length()) if bits >> bit & 1]
