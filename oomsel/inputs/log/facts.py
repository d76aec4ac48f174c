"""What follows from a report and its log: page size, CPUs, release, totalpages; each with its evidence in words."""

from __future__ import annotations

from dataclasses import dataclass

from oomsel.inputs.log.rescore import effective_version, version_of
from oomsel.kernel.release import Version, parse_release
from oomsel.klog.event import OomEvent
from oomsel.klog.reader import LogContext
from oomsel.text import PAGE_SIZES, UNLIMITED_KB, pages_of, parse_list


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

    @property
    def is_simulated(self) -> bool:
        """Whether the release is one that `select` simulates."""
        return self.version >= (5, 4)


def facts_of(event: OomEvent, context: LogContext, *, page_size: int | None = None, cpus: int | None = None) -> Facts:
    """The facts behind a report; options go before what the log says."""
    size, size_because = page_size_of(event) if page_size is None else (page_size, "--page-size")
    online, cpus_because = _cpus(context) if cpus is None else (cpus, "--cpus")
    release = _release(event, context)
    version = effective_version(event, version_of(release))
    kernel = _simulated(event, release, version)
    swap, swap_because = _swap(event, context, size)
    info = event.meminfo
    ram = None
    if info.ram is not None and info.reserved is not None and info.ram >= info.reserved:
        ram = info.ram - info.reserved
    constraint = event.summary.constraint if event.summary else ""
    limit = swap_limit = None
    total: int | None = None
    because, guessed = "", False
    if constraint == "CONSTRAINT_MEMCG" or event.memcg.memory is not None:
        limit, swap_limit, total, because = _memcg_total(event, size, swap, swap_because)
        guessed = swap is None and total is not None and swap_limit != 0
    elif constraint in ("CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY"):
        total, because = _nodes_total(event, size, swap)
    elif ram is not None:
        total = ram + (swap or 0)
        because = f"{info.ram} pages RAM less {info.reserved} reserved, and Total swap, line {info.ram_line}"
        if swap is None:
            because = f"{info.ram} pages RAM less {info.reserved} reserved, line {info.ram_line}; no swap is printed"
    if total is None:
        because = because or "the report's Mem-Info block, which has RAM and swap, is not in the log"
    return Facts(
        size, size_because, online, cpus_because, release, version, kernel, total, because, ram, swap,
        limit, swap_limit, guessed,
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
        return context.online_cpus[0], f"brought up at boot, line {context.online_cpus[1]}"
    if context.possible_cpus is not None:
        return context.possible_cpus[0], f"nr_cpu_ids, line {context.possible_cpus[1]}"
    return None, "the log does not say how many CPUs there are; --cpus N does"


def _release(event: OomEvent, context: LogContext) -> str | None:
    if event.current is not None:
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


def _swap(event: OomEvent, context: LogContext, size: int) -> tuple[int | None, str]:
    info = event.meminfo
    if info.total_swap_kb is not None:
        return pages_of(info.total_swap_kb, size), f"Total swap, line {info.swap_line}"
    if context.total_swap_kb is not None:
        kb, line = context.total_swap_kb
        return pages_of(kb, size), f"swap by line {line}"
    if context.release is not None:  # swapon() has its own line
        return 0, f"none was added since the boot, line {context.release[1]}"
    return None, ""


def _memcg_total(
    event: OomEvent, size: int, swap: int | None, swap_because: str
) -> tuple[int | None, int | None, int | None, str]:
    """memory.max, swap.max and totalpages of a memory cgroup's OOM, in pages."""
    memcg = event.memcg
    if memcg.memory is None:
        return None, None, None, "the cgroup's limits are not in the log"
    if memcg.memory >= UNLIMITED_KB:
        return None, None, None, f"the cgroup itself has no limit, line {memcg.line}; the one above it ran out"
    limit = pages_of(memcg.memory, size)
    if memcg.memsw is not None:
        if memcg.memsw >= UNLIMITED_KB:
            extra, what = None, "its memory+swap has no limit"
        else:
            extra, what = pages_of(max(memcg.memsw - memcg.memory, 0), size), "with swap as memory+swap allows"
    elif memcg.swap is not None:
        extra = None if memcg.swap >= UNLIMITED_KB else pages_of(memcg.swap, size)
        what = "its swap has no limit" if extra is None else "with its swap limit"
    else:
        extra, what = 0, "no swap limit is printed"
    where = f"the cgroup's limit, line {memcg.line}"
    if extra is None:
        total = limit + (swap or 0)
        if swap is None:
            return limit, None, total, f"{where}; {what}, and the machine's swap is not printed: 0 is taken for it"
        return limit, None, total, f"{where}; {what}, the machine has {swap} pages ({swap_because})"
    usable = extra if swap is None else min(extra, swap)
    if swap is None and extra:
        what += ", and the machine's swap is not printed: as much is taken for it"
    return limit, extra, limit + usable, f"{where}, {what}"


def _nodes_total(event: OomEvent, size: int, swap: int | None) -> tuple[int | None, str]:
    assert event.summary is not None
    is_policy = event.summary.constraint == "CONSTRAINT_MEMORY_POLICY"
    text = event.summary.nodemask if is_policy else event.summary.mems_allowed
    try:
        nodes = parse_list(text)
    except ValueError:
        return None, "the nodes that the allocation was bound to are not in the log"
    present = event.meminfo.present_by_node()
    if not set(nodes) <= set(present):
        return None, f"how much RAM the nodes {text} have is not in the log"
    pages = sum(pages_of(present[node], size) for node in nodes) + (swap or 0)
    return pages, f"what is present on node{'s' * (len(nodes) > 1)} {text}, and Total swap"
