"""What is no kernel's memory, or lacks something, gives one line that says what is missing."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oomsel.errors import InputError
from oomsel.inputs.vmcore import capture as opening
from oomsel.inputs.vmcore.capture import capture_kernel
from oomsel.inputs.vmcore.scenario import scenario_of
from oomsel.inputs.vmcore.source import KernelSource, Kind
from tests.inputs.vmcore.recorded import Recorded

CASE = "7.3.4-02-0"
VMCORE = KernelSource(Kind.VMCORE, "vmcore")


def error_of(source: KernelSource) -> str:
    with pytest.raises(InputError) as raised:
        capture_kernel(source)
    lines = str(raised.value).split("\n")
    assert len(lines) == 1
    return lines[0]


def captured_from(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(opening, "open_program", lambda _: recorded.program())
    return error_of(VMCORE)


def elf_core(notes: bytes = b"", sections: int = 0) -> bytes:
    """A core dump without memory, as a program leaves it."""
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, sections, 0)
    segment = struct.pack("<IIQQQQQQ", 4, 0, 120, 0, 0, len(notes), 0, 4)
    return identity + header + segment + notes


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "no core dump of a kernel", id="empty"),
        pytest.param(b"root:x:0:0:root:/root:/bin/bash\n", "no core dump of a kernel", id="text"),
        pytest.param(elf_core()[:60], "ELF", id="cut header"),
        pytest.param(elf_core(), "a core dump of a program, not of a Linux kernel", id="a program's core"),
        pytest.param(b"KDUMP   " + bytes(5000), "KDUMP|kdump|diskdump", id="cut makedumpfile"),
    ],
)
def test_no_vmcore(content: bytes, says: str, tmp_path: Path) -> None:
    file = tmp_path / "core"
    file.write_bytes(content)
    line = error_of(KernelSource(Kind.VMCORE, str(file)))
    assert line.startswith(f"{file}: ")
    assert any(each in line for each in says.split("|")), line


def test_no_such_file(tmp_path: Path) -> None:
    missing = str(tmp_path / "core")
    assert error_of(KernelSource(Kind.VMCORE, missing)) == f"{missing}: No such file or directory"
    core = tmp_path / "there"
    core.write_bytes(elf_core())
    vmlinux = str(tmp_path / "vmlinux")
    assert error_of(KernelSource(Kind.VMCORE, str(core), vmlinux)) == f"{vmlinux}: No such file or directory"
    socket = str(tmp_path / "socket")
    assert error_of(KernelSource(Kind.QEMU, socket)) == f"{socket}: No such file or directory"


def test_a_file_is_no_socket(tmp_path: Path) -> None:
    file = tmp_path / "socket"
    file.write_bytes(b"")
    assert error_of(KernelSource(Kind.QEMU, str(file))) == f"{file}: Connection refused"


def test_without_drgn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "drgn", None)
    expected = "reading a core dump needs drgn, which is not installed; pip install drgn"
    assert error_of(VMCORE) == f"vmcore: {expected}"


@pytest.mark.parametrize(
    ("vmlinux", "says"),
    [
        (
            None,
            (
                "vmcore: no debugging symbols for that kernel; name its vmlinux with --vmlinux (from the package"
                " linux-image-...-dbg or kernel-debuginfo), or set DEBUGINFOD_URLS"
            ),
        ),
        (__file__, f"{__file__}: not the vmlinux of that kernel, or one without DWARF symbols"),
    ],
)
def test_without_symbols(vmlinux: str | None, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import drgn

    class Kernel:
        """A dump of a kernel that nobody has symbols for."""

        flags = drgn.ProgramFlags.IS_LINUX_KERNEL

        def set_core_dump(self, name: str) -> None:
            """Opened."""

        def load_debug_info(self, paths: list[str], *, main: bool) -> None:
            assert main == (not paths)
            if main:
                raise drgn.MissingDebugInfoError("could not get debugging information for: kernel")

        def type(self, name: str) -> None:
            raise LookupError(name)

        def __getitem__(self, name: str) -> None:
            raise KeyError(name)

    monkeypatch.setattr(drgn, "Program", Kernel)
    assert error_of(KernelSource(Kind.VMCORE, "vmcore", vmlinux)) == says


def test_without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: KernelSource) -> None:
        raise PermissionError(13, "Permission denied", "/proc/kcore")

    monkeypatch.setattr(opening, "open_program", refused)
    line = error_of(KernelSource(Kind.KCORE, "/proc/kcore"))
    assert line == "/proc/kcore: Permission denied; run as root"


@pytest.mark.parametrize("share", range(0, 100, 7))
def test_a_byte_is_missing(share: int, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded(CASE)
    scenario_of(recorded.program(), VMCORE)
    address, size = recorded.read[len(recorded.read) * share // 100]
    start = max(each for each in recorded.memory if each <= address)
    recorded.memory[start] = recorded.memory[start][: address - start + size - 1]
    line = captured_from(recorded, monkeypatch)
    assert line == f"vmcore: the memory at {address:#x} is not there; the dump is cut, damaged or filtered too hard"


def test_a_list_that_runs_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded(CASE)
    program = recorded.program()
    second = program["init_task"].tasks.next
    address = second.value_()
    recorded.poke(address, address.to_bytes(8, "little"))
    assert "a list of struct task_struct runs in a circle" in captured_from(recorded, monkeypatch)


def _without(symbol: str) -> Callable[[Recorded], None]:
    def take_out(recorded: Recorded) -> None:
        addresses = {name: at for name, at in recorded.types["addresses"].items() if name != symbol}
        recorded.types = recorded.types | {"addresses": addresses}

    return take_out


@pytest.mark.parametrize("symbol", ["init_task", "total_swap_pages", "sysctl_panic_on_oom"])
def test_a_symbol_is_missing(symbol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded(CASE)
    _without(symbol)(recorded)
    line = captured_from(recorded, monkeypatch)
    assert line.startswith("vmcore: the kernel's symbols lack something that is needed: ")
    assert symbol in line


def test_numbers_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged value is held to the rules of the format, like any input."""
    recorded = Recorded(CASE)
    address = recorded.types["addresses"]["_totalram_pages"]
    recorded.memory[address] = (-1).to_bytes(8, "little", signed=True)
    line = captured_from(recorded, monkeypatch)
    assert line.startswith("vmcore: machine.ram: -1 is ")
