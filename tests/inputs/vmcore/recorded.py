"""Recorded core dumps: the bytes and the types that are read of a real one, on which drgn runs without core or vmlinux.

A case in tests/data/vmcore has `memory.json.xz`, bytes in hex by their address in hex, and
`report.log`, what the kernel printed at that moment; `case.json` says where the struct oom_control is
and which CPU runs.  `RELEASE.types.json.xz` describes a kernel's types and where its variables are.
"""

from __future__ import annotations

import bisect
import json
import lzma
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from drgn import (
    Architecture,
    FaultError,
    Object,
    Platform,
    Program,
    Type,
    TypeEnumerator,
    TypeKind,
    TypeKindSet,
    TypeMember,
)

from oomsel.inputs.vmcore.source import OomControl
from tests.support import DATA

FOLDER = DATA / "vmcore"
CASES = sorted(path.parent.name for path in FOLDER.glob("*/case.json"))


@cache
def _unpacked(path: Path) -> Any:
    return json.loads(lzma.decompress(path.read_bytes()))


class Recorded:
    """A recorded dump; what is in `memory` may be changed before `program` is asked for."""

    def __init__(self, case: str) -> None:
        self.case = json.loads((FOLDER / case / "case.json").read_text())
        self.types: dict[str, Any] = _unpacked(FOLDER / f"{self.case['types']}.types.json.xz")
        self.memory = {
            int(address, 16): bytes.fromhex(held)
            for address, held in _unpacked(FOLDER / case / "memory.json.xz").items()
        }
        self.oom = OomControl(*self.case["oom"])
        self.read: list[tuple[int, int]] = []  #: address and size of whatever was read
        self.report = (FOLDER / case / "report.log").read_text()

    def poke(self, address: int, value: bytes) -> None:
        """Change what is in memory; all of it was recorded."""
        start = max(each for each in self.memory if each <= address)
        held = bytearray(self.memory[start])
        assert len(held) >= address - start + len(value)
        held[address - start : address - start + len(value)] = value
        self.memory[start] = bytes(held)

    def program(self) -> Program:
        """drgn's view of it."""
        return _Builder(self).program


class _Builder:
    """Gives drgn a recording's types and objects when it asks for them."""

    def __init__(self, recorded: Recorded) -> None:
        self._types: Mapping[str, Any] = recorded.types
        self._addresses: Mapping[str, int] = self._types["addresses"]
        self._memory, self._read_of = recorded.memory, recorded.read
        self._starts = sorted(self._memory)
        self._made: dict[str, Type] = {}
        self.program = Program(Platform(Architecture.X86_64))
        make = self.program
        self._make: dict[str, Callable[..., Type]] = {
            "void": make.void_type,
            "int": make.int_type,
            "bool": make.bool_type,
            "ptr": lambda to: make.pointer_type(self._type(to), 8),
            "arr": lambda of, length: make.array_type(self._type(of), length),
            "typedef": lambda name, of: make.typedef_type(name, self._type(of)),
            "enum": lambda tag: self._enum(tag) if self._types["enums"].get(tag) else make.int_type("int", 4, True),
            "tag": lambda _, tag: self._tagged(tag),
            "anon": lambda kind, size, members: self._struct(kind, None, size, members),
        }
        self.program.add_memory_segment(0, 2**64 - 1, self._read, False)
        self.program.register_type_finder("recorded", self._find_type, enable_index=0)
        self.program.register_object_finder("recorded", self._find_object, enable_index=0)

    def _read(self, address: int, count: int, _offset: int, _physical: bool) -> bytes:
        self._read_of.append((address, count))
        index = bisect.bisect_right(self._starts, address) - 1
        start = self._starts[index] if index >= 0 else 0
        held = self._memory[start][address - start : address - start + count] if index >= 0 else b""
        if len(held) < count:
            raise FaultError("not recorded", address)
        return held

    def _find_type(self, _program: Program, kinds: TypeKindSet, name: str, _file: str | None) -> Type | None:
        if (TypeKind.STRUCT in kinds or TypeKind.UNION in kinds) and self._types["structs"].get(name):
            return self._tagged(name)
        if TypeKind.ENUM in kinds and self._types["enums"].get(name):
            return self._enum(name)
        return None

    def _find_object(self, program: Program, name: str, _flags: Any, _file: str | None) -> Object | None:
        if name not in self._addresses:
            return None
        return Object(program, self._type(self._types["objects"][name]), address=self._addresses[name])

    def _type(self, form: list[Any]) -> Type:
        """The type that a form describes, like ["ptr", ["tag", "struct", "mm_struct"]]."""
        kind, *rest = form
        made: Type = self._make[kind](*rest)
        return made

    def _tagged(self, tag: str) -> Type:
        if tag not in self._made:
            kind, *rest = self._types["structs"][tag]
            self._made[tag] = self.program.struct_type(tag) if kind == "incomplete" else self._struct(kind, tag, *rest)
        return self._made[tag]

    def _struct(self, kind: str, tag: str | None, size: int, members: list[Any]) -> Type:
        make = self.program.struct_type if kind == "struct" else self.program.union_type
        return make(tag, size, self._members(members))

    def _members(self, forms: list[Any]) -> list[TypeMember]:
        return [self._member(*form) for form in forms]

    def _member(self, name: str | None, offset: int, form: list[Any], bits: int | None = None) -> TypeMember:
        if bits is None:
            return TypeMember(lambda: self._type(form), name, offset)
        return TypeMember(lambda: Object(self.program, self._type(form), bit_field_size=bits), name, offset)

    def _enum(self, tag: str) -> Type:
        base, values = self._types["enums"][tag]
        return self.program.enum_type(tag, self._type(base), [TypeEnumerator(*each) for each in values])
