"""From a core dump, the running kernel or a guest to a Scenario, and what can be wrong with each: drgn's doors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from oomsel.errors import InputError, Problem
from oomsel.inputs.vmcore.source import KernelSource, Kind, OomControl

if TYPE_CHECKING:
    from drgn import Program

    from oomsel.scenario.models import Scenario

_DRGN = "needs drgn, which is not installed; pip install drgn"


def capture_kernel(source: KernelSource, oom: OomControl | None = None) -> Scenario:
    """The scenario that a kernel's memory holds, with every CPU's part of every counter.

    `oom` is given for a dump that was taken inside the OOM killer; without it nobody allocates
    yet, and the scenario's default does.  Raises InputError: without drgn, rights or symbols, for
    what is no kernel's memory, and where the memory lacks something or is damaged.
    """
    for name in (source.name if source.kind is Kind.VMCORE else None, source.vmlinux):
        if name is not None and os.path.exists(name) and not os.path.isfile(name):  # a pipe would be waited for
            raise InputError(name, [Problem("no regular file, which is read here and there; save it in one first")])
    try:
        import drgn  # noqa: F401
    except ImportError:
        raise InputError(source.name, [Problem(f"reading {source.kind.value} {_DRGN}")]) from None
    from oomsel.inputs.vmcore.scenario import scenario_of

    with failures_of(source):
        return scenario_of(open_program(source), source, oom)


def open_program(source: KernelSource) -> Program:
    """drgn's view of the kernel, with its debugging symbols loaded.  Raises InputError, or what `failures_of` tells."""
    from drgn import MissingDebugInfoError, Program, ProgramFlags

    if source.vmlinux is not None and not os.access(source.vmlinux, os.R_OK):
        what = "Permission denied" if os.path.exists(source.vmlinux) else "No such file or directory"
        raise InputError(source.vmlinux, [Problem(what)])
    program = Program()
    if source.kind is Kind.VMCORE:
        program.set_core_dump(source.name)
    elif source.kind is Kind.KCORE:
        program.set_kernel()
    else:
        program.set_qemu_qmp(source.name)
    if not program.flags & ProgramFlags.IS_LINUX_KERNEL:
        _refuse_foreign(source)
    try:
        program.load_debug_info([source.vmlinux] if source.vmlinux is not None else [], main=source.vmlinux is None)
        program.type("struct task_struct")
    except (MissingDebugInfoError, LookupError):
        _refuse_without_symbols(source, program)
    return program


def _refuse_foreign(source: KernelSource) -> NoReturn:
    message = "a core dump of a program, not of a Linux kernel; name a vmcore"
    if source.kind is Kind.QEMU:
        message = "the guest is not told to be a Linux kernel; run QEMU with -device vmcoreinfo"
    raise InputError(source.name, [Problem(message)])


def _refuse_without_symbols(source: KernelSource, program: Program) -> NoReturn:
    try:
        release = program["UTS_RELEASE"].string_().decode("ascii", "replace")
    except LookupError:
        release = "that kernel"
    if source.vmlinux is not None:
        raise InputError(source.vmlinux, [Problem(f"not the vmlinux of {release}, or one without DWARF symbols")])
    raise InputError(
        source.name,
        [
            Problem(
                f"no debugging symbols for {release}; name its vmlinux with --vmlinux (from the package"
                " linux-image-...-dbg or kernel-debuginfo), or set DEBUGINFOD_URLS"
            )
        ],
    )


@contextmanager
def failures_of(source: KernelSource) -> Iterator[None]:
    """What goes wrong inside is said of the source, in a line."""
    from drgn import FaultError, ObjectAbsentError

    try:
        yield
    except FaultError as error:
        message = f"the memory at {error.address:#x} is not there; the dump is cut, damaged or filtered too hard"
        raise InputError(source.name, [Problem(message)]) from None
    except PermissionError as error:
        raise InputError(source.name, [Problem(f"{error.strerror}; run as root")]) from None
    except OSError as error:
        raise InputError(source.name, [Problem(error.strerror or str(error))]) from None
    except (LookupError, ObjectAbsentError, AttributeError) as error:
        message = f"the kernel's symbols lack something that is needed: {_first_line(error)}"
        raise InputError(source.name, [Problem(message)]) from None
    except ValueError as error:
        what = _first_line(error)
        if what == "not an ELF core file":
            what = "no core dump of a kernel: neither an ELF core file nor one of makedumpfile's"
        raise InputError(source.name, [Problem(what)]) from None


def _first_line(error: Exception) -> str:
    return str(error.args[0] if error.args else error).strip().partition("\n")[0]
