"""Where a kernel's memory is read from; nothing here needs drgn."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

KCORE = "/proc/kcore"


class Kind(Enum):
    """What kind of source a kernel's memory comes from."""

    VMCORE = "a core dump"
    KCORE = "the running kernel"
    QEMU = "a QEMU guest"


class KernelSource(NamedTuple):
    """A kernel whose memory can be read."""

    kind: Kind
    name: str  #: the file or the socket, as given
    vmlinux: str | None = None  #: the file with its debugging symbols; None to look where drgn looks


class OomControl(NamedTuple):
    """A moment inside the OOM killer."""

    address: int  #: of the struct oom_control
    cpu: int  #: that runs the OOM killer


def parse_oom_control(text: str) -> OomControl:
    """ADDRESS:CPU as a person writes it; raises ValueError that says what would be right."""
    address, _, cpu = text.partition(":")
    try:
        return OomControl(int(address, 16), int(cpu))
    except ValueError:
        raise ValueError("no address with a CPU; use a form like ffffc90000b1fd70:3") from None
