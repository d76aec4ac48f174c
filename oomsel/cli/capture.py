"""`oomsel capture`: the running machine as a scenario."""

from __future__ import annotations

from typing import NamedTuple

import click

from oomsel.cli import values
from oomsel.cli.common import FILE, FORM, OUTPUT, form_of, note, verbosity, write, write_scenario


class _Kernel(NamedTuple):
    """The options that say whose memory to read, and how."""

    vmcore: str | None = None
    kcore: bool = False
    qemu: str | None = None
    vmlinux: str | None = None
    oom_control: str | None = None


@click.command(
    "capture",
    short_help="Write this machine, or a kernel's memory, as a scenario.",
    epilog="\b\nExample:\n  oomsel capture | oomsel explain -",
)
@click.option(
    "--root",
    metavar="DIR",
    shell_complete=values.directories,
    help="Read a copy of /proc, /sys and the cgroup files below DIR instead of this machine.",
)
@click.option(
    "--kcmp",
    metavar="FILE",
    type=FILE,
    help="With --root: who shares an mm, an mm a line, the pids of the threads that have it.",
)
@click.option("--mempolicies", is_flag=True, help="Ask numa_maps for memory policies: slow, and for root.")
@click.option("--vmcore", metavar="FILE", type=FILE, help="Read a core dump of a kernel instead; needs drgn.")
@click.option("--kcore", is_flag=True, help="Read this kernel's memory instead of /proc; for root, needs drgn.")
@click.option(
    "--qemu", metavar="SOCKET", type=FILE, help="Read a QEMU guest's memory by its QMP socket instead; needs drgn."
)
@click.option(
    "--vmlinux", metavar="FILE", type=FILE, help="That kernel with its debugging symbols; default: where drgn looks."
)
@click.option(
    "--oom-control",
    metavar="ADDRESS:CPU",
    help="Of a dump taken inside the OOM killer: its struct oom_control, and the CPU it ran on.",
)
@FORM
@verbosity
@OUTPUT
def command(
    root: str | None,
    kcmp: str | None,
    mempolicies: bool,
    vmcore: str | None,
    kcore: bool,
    qemu: str | None,
    vmlinux: str | None,
    oom_control: str | None,
    form: str | None,
    output: str | None,
) -> None:
    """Write this machine as a scenario: whom would the OOM killer choose here, now?

    Reads what /proc, /sys and the cgroup files say of memory, never a command line or an
    environment.  Root sees everything, anybody else what may be read; a note says what could not
    be. Each process's oom_score is predicted from what was read and compared.

    A kernel's memory (--vmcore, --kcore, --qemu) holds every CPU's part of every counter: what is
    read from it has no bounds, only values.
    """
    form_of(form, output)
    kernel = _Kernel(vmcore, kcore, qemu, vmlinux, oom_control)
    if kernel != _Kernel():
        if root is not None or kcmp is not None or mempolicies:
            raise click.UsageError("--root, --kcmp and --mempolicies are for /proc, not for a kernel's memory")
        _capture_memory(kernel, form, output)
        return
    if kcmp is not None and root is None:
        raise click.UsageError("--kcmp is for a copy; use it with --root", click.get_current_context())
    from oomsel.inputs.proc.counters import ASSUMED
    from oomsel.inputs.proc.scenario import capture
    from oomsel.inputs.proc.tree import LIVE

    scenario = capture(root, kcmp=kcmp, mempolicies=mempolicies)
    for message in scenario.notes:
        note(root or LIVE, message)
    if form_of(form, output) in ("json", "npz"):
        write_scenario(scenario, form, output)
        return
    from oomsel.outputs.yaml import to_yaml

    assumed = ASSUMED in (scenario.description or "").split("\n")
    write(to_yaml(scenario, (f"{ASSUMED[0].upper()}{ASSUMED[1:]}.",) if assumed else ()), output)


def _capture_memory(kernel: _Kernel, form: str | None, output: str | None) -> None:
    """Write the scenario that a kernel's memory holds."""
    from oomsel.inputs.vmcore.capture import capture_kernel
    from oomsel.inputs.vmcore.source import KCORE, KernelSource, Kind, parse_oom_control

    named = {Kind.VMCORE: kernel.vmcore, Kind.KCORE: KCORE if kernel.kcore else None, Kind.QEMU: kernel.qemu}
    sources = [KernelSource(kind, name, kernel.vmlinux) for kind, name in named.items() if name is not None]
    if len(sources) != 1:
        raise click.UsageError("one kernel at a time; use one of --vmcore, --kcore and --qemu")
    oom = None
    if kernel.oom_control is not None:
        try:
            oom = parse_oom_control(kernel.oom_control)
        except ValueError as error:
            raise click.UsageError(f"--oom-control: {kernel.oom_control} is {error}") from None
    scenario = capture_kernel(sources[0], oom)
    for message in scenario.notes:
        note(sources[0].name, message)
    write_scenario(scenario, form, output)
