"""What follows from a report and its log: page size, CPUs, release, totalpages; each with its evidence in words."""

from __future__ import annotations

from dataclasses import dataclass

from oomsel.inputs.log.rescore import effective_version, version_of
from oomsel.inputs.log.totals import Swap, ram_of, total_of
from oomsel.kernel.release import Version, parse_release
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogContext
from oomsel.text import PAGE_SIZES, pages_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report's numbers are to be read with; the sentences say where each comes from."""

    page_size: int  #: bytes
    page_size_because: str
    cpus: int | None  #: online ones; None where nobody says
    cpus_because: str
    release: str | None  #: as printed
    version: Version  #: whose rules go with what is printed
    kernel: str  #: the release under which it is simulated
    totalpages: int | None  #: None where it cannot be worked out
    totalpages_because: str
    ram: int | None  #: pages, of the machine
    swap: int | None  #: pages, of the machine; None where the report does not print it
    memcg_max: int | None = None  #: pages
    memcg_swap_max: int | None = None
    totalpages_guessed: bool = False  #: `totalpages` rests on something that the log does not say
    totalpages_without_swap: int | None = None  #: at swappiness 0, which no log says, where that makes another

    @property
    def is_simulated(self) -> bool:
        """Whether the release is one that `select` simulates."""
        return self.version >= (5, 4)


def facts_of(event: OomEvent, context: LogContext, *, page_size: int | None = None, cpus: int | None = None) -> Facts:
    """The facts behind a report; options go before what the log says."""
    size, size_because = page_size_of(event) if page_size is None else (page_size, "--page-size")
    online, cpus_because = _cpus(context) if cpus is None else (cpus, "--cpus")
    release = release_of(event, context)
    version = effective_version(event, version_of(release))
    kernel = _simulated(event, release, version)
    swap = _swap(event, context, size)
    total = total_of(event, size, swap)
    return Facts(
        size, size_because, online, cpus_because, release, version, kernel, total.pages, total.because,
        ram_of(event), swap.pages, total.memcg_max, total.memcg_swap_max, total.is_guess, total.without_swap,
    )  # fmt: skip


def page_size_of(event: OomEvent) -> tuple[int, str]:
    """Bytes, and what in the report shows it."""
    block = event.meminfo.block_kb
    if block is not None and block << 10 in PAGE_SIZES:
        return block << 10, f"the smallest free block is {block} kB"
    for kill in event.kills:
        row = event.row_of(kill.pid)
        if row is None:
            continue
        for kb, pages, what in (
            (kill.total_vm, row.numbers["total_vm"], "total-vm"),
            (kill.rss, row.numbers["rss"], "rss"),
        ):
            if kb and pages and kb % pages == 0 and (kb // pages) << 10 in PAGE_SIZES:
                return (
                    kb // pages
                ) << 10, f"{what} of pid {kill.pid} is {kb} kB in line {kill.line}, {pages} pages in line {row.line}"
        if kill.total_vm and row.numbers["total_vm"]:
            ratio = kill.total_vm / row.numbers["total_vm"]
            nearest = min(PAGE_SIZES, key=lambda size: abs(size / 1024 - ratio))
            if abs(nearest / 1024 / ratio - 1) < 0.05:
                return (
                    nearest,
                    f"total-vm in kB of pid {kill.pid}, line {kill.line}, is about {nearest >> 10} times its row's",
                )
    return 4096, "assumed, as nothing in the report shows it; --page-size states another"


def _cpus(context: LogContext) -> tuple[int | None, str]:
    if context.online_cpus is not None:
        return context.online_cpus[0], f"brought up at boot, {_line(context, context.online_cpus[1])}"
    if context.possible_cpus is not None:
        return context.possible_cpus[0], f"nr_cpu_ids, {_line(context, context.possible_cpus[1])}"
    return None, "the log does not say how many CPUs there are; --cpus N does"


def _line(context: LogContext, number: int) -> str:
    """The line that says something of the machine, and whether that is certain."""
    return f"line {number}{', unverified: any program may log as kernel' if number in context.forgeable else ''}"


def release_note(event: OomEvent, context: LogContext) -> str | None:
    """That the release, by which the table is read, is of a line that any program may have logged."""
    release = context.release
    if release is None or release[1] not in context.forgeable or release_of(event, context) != release[0]:
        return None
    if event.current is not None and event.current.release is not None:
        return None
    version, unknown = effective_version(event, version_of(release[0])), effective_version(event, None)
    if version == unknown and _simulated(event, *release[:1], version) == _simulated(event, None, unknown):
        return None
    return f"its kernel is taken for Linux {release[0]}, by {_line(context, release[1])}"


def release_of(event: OomEvent, context: LogContext) -> str | None:
    """The release as the report or its log prints it."""
    if event.current is not None and event.current.release is not None:
        return event.current.release
    return context.release[0] if context.release is not None else None


def _simulated(event: OomEvent, release: str | None, version: Version) -> str:
    """The release that `select` runs the report under."""
    if release is not None and (version_of(release) or (0,)) >= (5, 4):
        try:
            parse_release(release)
        except ValueError:
            return "6.8" if "rss_anon" in event.columns else "5.4"
        kill = event.kills[0] if event.kills else None
        row = event.row_of(kill.pid) if kill else None
        if release.startswith("5.4.0-") and kill and row and kill.pgtables != row.numbers.get("pgtables_bytes"):
            return "5.4"  # a distribution's number, which stays while its stable updates go on
        return release
    if "rss_anon" in event.columns:
        return "6.8"
    return "5.15" if version >= (5, 9) else "5.4"


def _swap(event: OomEvent, context: LogContext, size: int) -> Swap:
    info = event.meminfo
    if info.total_swap_kb is not None:
        return Swap(pages_of(max(info.total_swap_kb, 0), size), f"Total swap, line {info.swap_line}")
    if context.total_swap_kb is not None:
        kb, line = context.total_swap_kb
        return Swap(pages_of(max(kb, 0), size), f"swap by {_line(context, line)}")
    if context.release is not None:  # swapon() has its own line
        return Swap(0, f"none was added since the boot, {_line(context, context.release[1])}")
    return Swap(None, "")
