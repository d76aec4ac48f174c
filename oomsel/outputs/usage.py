"""Who used the memory: by name, by cgroup, and by kind, as far as a report or a scenario tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from oomsel.inputs.log.facts import Facts
from oomsel.kernel.event import OomReport
from oomsel.klog.event import OomEvent
from oomsel.outputs.tasks import TaskView
from oomsel.text import UNLIMITED_KB


class Process(NamedTuple):
    """A process of the event; bytes."""

    task: int  #: its index in the report
    pid: int
    comm: bytes
    rss: int
    swap: int
    pgtables: int
    adj: int
    cgroup: str

    @property
    def held(self) -> int:
        """RSS and swap."""
        return self.rss + self.swap

    @property
    def total(self) -> int:
        """What its badness counts besides oom_score_adj."""
        return self.rss + self.swap + self.pgtables


class NameUse(NamedTuple):
    """All processes of one name, or of one cgroup; bytes."""

    name: bytes
    processes: int  #: 0 where only memory.stat tells of a cgroup
    rss: int  #: or what memory.stat shows of a cgroup: its anonymous memory and page cache
    swap: int
    share: float  #: of the RSS of all processes; 0 to 1


class Kind(NamedTuple):
    """Memory of one kind."""

    key: str  #: as the data names it
    words: str
    size: int  #: bytes
    line: int | None  #: of the log


class Usage(NamedTuple):
    """Who and what held the memory; of a cgroup's event the processes and kinds of it."""

    processes: tuple[Process, ...]  #: the largest first
    names: tuple[NameUse, ...]  #: the largest first
    cgroups: tuple[NameUse, ...]  #: the largest first; of a log those of which lines tell; empty where none are known
    kinds: tuple[Kind, ...]  #: each page in one of them, as far as the lines go
    parts: tuple[Kind, ...]  #: that are counted in one of `kinds` already
    capacity: int | None  #: bytes of RAM, or of the cgroup's limit
    slabs: tuple[tuple[str, int], ...]  #: the largest unreclaimable caches, bytes
    swap_total: int | None  #: bytes
    swap_used: int | None
    unseen: frozenset[int] = frozenset()  #: pids of tasks that no line of the log shows
    cgroups_line: int | None = None  #: of the log, from which `cgroups` are
    lacks_rows: bool = False  #: whether the log has lost rows, so that there are more processes

    @property
    def rss(self) -> int:
        """Bytes of all processes' RSS; shared pages count once a process."""
        return sum(use.rss for use in self.names)

    def size_of(self, *keys: str) -> int:
        """Bytes of these kinds or parts together; 0 for what is not known."""
        return sum(kind.size for kind in (*self.kinds, *self.parts) if kind.key in keys)


def usage_of(report: OomReport, event: OomEvent | None, facts: Facts | None, unseen: frozenset[int]) -> Usage:
    """The usage at an event; `unseen` are pids of tasks that no line shows."""
    processes = sorted(_processes(report, unseen), key=lambda process: -process.rss)
    if event is not None and facts is not None:
        # Of who has no row only a kill line may tell: no share can be made of that.
        shown = {row.pid for row in event.rows} | {row.numbers.get("tgid") for row in event.rows}
        return _of_event(event, facts, [process for process in processes if process.pid in shown], unseen)
    cgroups = _grouped((process.cgroup.encode(), process) for process in processes)
    system, page = report.system, report.system.page_size
    swap = system.total_swap_pages * page
    limit = None if report.oc.memcg is None else system.memcgs[report.oc.memcg].max
    return Usage(
        tuple(processes),
        _by_name(processes),
        cgroups if len(cgroups) > 1 else (),
        (),
        (),
        report.totalpages * page - swap if limit is None else limit * page,
        (),
        swap,
        None,
        unseen,
    )


def usage_of_bare(event: OomEvent, facts: Facts) -> Usage:
    """The usage at an event without a table."""
    return _of_event(event, facts, [], frozenset())


def _of_event(event: OomEvent, facts: Facts, processes: list[Process], unseen: frozenset[int]) -> Usage:
    kinds, parts = memcg_kinds(event) if event.is_memcg else machine_kinds(event, facts)
    largest = sorted(event.slabs.items(), key=lambda item: -item[1])
    cgroups, cgroups_line = _cgroups(event, processes)
    capacity = None
    if event.is_memcg:
        limit = event.memcg.memory
        capacity = None if limit is None or limit >= UNLIMITED_KB else limit << 10
    elif facts.ram is not None:
        capacity = facts.ram * facts.page_size
    return Usage(
        tuple(processes),
        _by_name(processes),
        cgroups,
        kinds,
        parts,
        capacity,
        tuple((name, kb << 10) for name, kb in largest[:3]),
        *_swap(event),
        unseen,
        cgroups_line,
        event.lacks_rows,
    )


def _by_name(processes: list[Process]) -> tuple[NameUse, ...]:
    return _grouped((process.comm, process) for process in processes)


def _processes(report: OomReport, unseen: frozenset[int]) -> Iterator[Process]:
    """Each process that has memory once, in the cgroup if one ran out; an mm that several share is the first one's."""
    system, page = report.system, report.system.page_size
    view = TaskView(report)
    counters = view.counters()
    inside = None if report.oc.memcg is None else system.memcgs[report.oc.memcg].path.rstrip("/")
    met: set[int] = set()
    columns = (view["pid"], view["comm"], counters["rss"], counters["swap"], view["pgtables_bytes"])
    rows = zip(*columns, view["oom_score_adj"], view["memcg"], system.tasks.mm.tolist(), strict=True)
    for task, (pid, comm, rss, swap, tables, adj, path, mm) in enumerate(rows):
        if rss is None or pid in unseen or mm in met:
            continue
        if inside is not None and path != inside and not path.startswith(f"{inside}/"):
            continue
        met.add(mm)
        yield Process(task, pid, comm, rss * page, (swap or 0) * page, tables or 0, adj, path)


def _grouped(named: Iterable[tuple[bytes, Process]]) -> tuple[NameUse, ...]:
    found: dict[bytes, list[Process]] = {}
    for name, process in named:
        found.setdefault(name, []).append(process)
    whole = max(sum(process.rss for group in found.values() for process in group), 1)
    uses = [
        NameUse(name, len(group), rss, sum(process.swap for process in group), rss / whole)
        for name, group in found.items()
        for rss in (sum(process.rss for process in group),)
    ]
    return tuple(sorted(uses, key=lambda use: -use.rss))


def _cgroups(event: OomEvent, processes: list[Process]) -> tuple[tuple[NameUse, ...], int | None]:
    """What lines tell of single cgroups, and which: v1's memory.stat of those below, or a group that was killed.

    The rows of a table name none.
    """
    memcg = event.memcg
    if memcg.below and memcg.path is not None:
        each = {memcg.path: memcg.stats, **memcg.below}
        sizes = {path: stats.get("rss", 0) + stats.get("cache", 0) for path, stats in each.items()}
        whole = max(sum(sizes.values()), 1)
        uses = [
            NameUse(path.encode(errors="surrogateescape"), 0, size, each[path].get("swap", 0), size / whole)
            for path, size in sizes.items()
        ]
        return tuple(sorted(uses, key=lambda use: -use.rss)), memcg.stats_line
    if event.group is None:
        return (), None
    killed = {kill.pid for kill in event.killed}
    inside = [process for process in processes if process.pid in killed]
    if not inside:
        return (), None
    rss, whole = sum(process.rss for process in inside), max(sum(process.rss for process in processes), 1)
    name = event.group[1].encode(errors="surrogateescape")
    swap = sum(process.swap for process in inside)
    return (NameUse(name, len(inside), rss, swap, rss / whole),), event.group[0]


def _swap(event: OomEvent) -> tuple[int | None, int | None]:
    """Bytes of swap that the cgroup may use or the machine has, and how much of it is used."""
    info, memcg = event.meminfo, event.memcg
    if event.is_memcg:
        total = None if memcg.swap is None or memcg.swap >= UNLIMITED_KB else memcg.swap << 10
        used = memcg.all_stats.get("swap") if memcg.swap_usage is None else memcg.swap_usage << 10
        return total, used
    if info.total_swap_kb is None or info.free_swap_kb is None or info.total_swap_kb < info.free_swap_kb:
        return (None if info.total_swap_kb is None else max(info.total_swap_kb, 0) << 10), None
    return info.total_swap_kb << 10, (info.total_swap_kb - info.free_swap_kb) << 10


#: Kinds of memory.stat: key, words, and the counters of v2 and v1, the first that is there.
_MEMCG_KINDS = (
    ("anon", "anonymous memory", ("anon", "rss")),
    ("file", "page cache of files", ("file", "cache")),
    ("kernel", "the kernel for it", ("kernel",)),
    ("sock", "socket buffers", ("sock",)),
    ("zswap", "zswap", ("zswap",)),
)
#: What `kernel` is made of, or stands alone where the release has no `kernel`.
_KERNEL_PARTS = (
    ("slab", "slab", ("slab",)),
    ("kernel_stack", "kernel stacks", ("kernel_stack",)),
    ("pagetables", "page tables", ("pagetables",)),
    ("percpu", "per-CPU memory", ("percpu",)),
    ("vmalloc", "vmalloc", ("vmalloc",)),
)
_FILE_PARTS = (
    ("dirty", "dirty page cache", ("file_dirty", "dirty")),
    ("writeback", "page cache being written", ("file_writeback", "writeback")),
)


def memcg_kinds(event: OomEvent) -> tuple[tuple[Kind, ...], tuple[Kind, ...]]:
    """What memory.stat shows, apart and, of it, what is counted in another; shmem is taken out of the page cache."""
    stats, line = event.memcg.all_stats, event.memcg.stats_line
    if not stats:
        return (), ()

    def found(table: Iterable[tuple[str, str, tuple[str, ...]]]) -> list[Kind]:
        return [
            Kind(key, words, size, line)
            for key, words, names in table
            for size in [next((stats[name] for name in names if name in stats), None)]
            if size is not None
        ]

    kinds, inner = found(_MEMCG_KINDS), found(_KERNEL_PARTS)
    shmem = stats.get("shmem")
    if shmem is not None:
        kinds = [kind._replace(size=max(kind.size - shmem, 0)) if kind.key == "file" else kind for kind in kinds]
        kinds.insert(2, Kind("shmem", "shmem and tmpfs", shmem, line))
    else:
        kinds = [kind._replace(words="page cache and tmpfs") if kind.key == "file" else kind for kind in kinds]
    if "kernel" not in stats and event.memcg.kmem_usage is not None:
        kinds.append(
            Kind("kernel", "the kernel for it (kmem)", event.memcg.kmem_usage << 10, event.memcg.lines.get("kmem"))
        )
    elif "kernel" not in stats:
        kinds, inner = kinds + inner, []
    if event.memcg.usage is not None and {"anon", "file"} <= {kind.key for kind in kinds}:
        rest = (event.memcg.usage << 10) - sum(kind.size for kind in kinds)
        if rest > 0:
            kinds.append(Kind("unaccounted", "in no counter", rest, event.memcg.line))
    return tuple(kinds), tuple(inner + found(_FILE_PARTS))


#: Kinds of a Mem-Info block's counts of pages.
_COUNTS = (
    ("file", "page cache of files", ("active_file", "inactive_file", "isolated_file", "isolated(file)")),
    ("unevictable", "unevictable (locked)", ("unevictable",)),
    ("slab_unreclaimable", "slab, unreclaimable", ("slab_unreclaimable",)),
    ("slab_reclaimable", "slab, reclaimable", ("slab_reclaimable",)),
    ("kernel_misc", "kernel, reclaimable", ("kernel_misc_reclaimable",)),
    ("pagetables", "page tables", ("pagetables", "sec_pagetables")),
    ("free", "free", ("free", "free_pcp")),
)
_ANON = ("active_anon", "inactive_anon", "isolated_anon", "isolated(anon)")
#: Without one of these what nothing accounts for cannot be worked out.
_NEEDED = ("active_anon", "inactive_anon", "active_file", "inactive_file", "slab_unreclaimable", "pagetables", "free")


def machine_kinds(event: OomEvent, facts: Facts) -> tuple[tuple[Kind, ...], tuple[Kind, ...]]:
    """What the Mem-Info block shows: each page once, and what is part of another kind.

    Anonymous memory is what stands on the lists of anonymous pages, less shmem, which is on them, too.
    """
    info, page = event.meminfo, facts.page_size
    counts, line = info.counts, info.counts_line
    kinds = []
    shmem = counts.get("shmem", 0) * page
    if "active_anon" in counts and "inactive_anon" in counts:
        lists = sum(counts.get(name, 0) for name in _ANON) * page
        kinds.append(Kind("anon", "anonymous memory", max(lists - shmem, 0), line))
        shmem = min(shmem, lists)  # what is locked stands among the unevictable
    if "shmem" in counts:
        kinds.append(Kind("shmem", "shmem and tmpfs", shmem, line))
    for key, words, names in _COUNTS:
        if names[0] in counts:
            kinds.append(Kind(key, words, sum(counts.get(name, 0) for name in names) * page, line))
    if info.stacks_kb is not None:
        kinds.append(Kind("kernel_stack", "kernel stacks", info.stacks_kb << 10, line))
    if info.huge_line is not None:
        kinds.append(Kind("huge_pages", "set aside as huge pages", info.huge_kb << 10, info.huge_line))
    if facts.ram is not None and all(name in counts for name in _NEEDED):
        rest = facts.ram * page - sum(kind.size for kind in kinds)
        if rest > 0:
            kinds.append(Kind("unaccounted", "in no counter of the report", rest, info.ram_line))
    parts = []
    if counts.get("free_cma"):
        parts.append(Kind("free_cma", "free CMA", counts["free_cma"] * page, line))
    if info.huge_line is not None and info.huge_free_kb:
        parts.append(Kind("huge_pages_free", "free huge pages", info.huge_free_kb << 10, info.huge_line))
    if counts.get("dirty"):
        parts.append(Kind("dirty", "dirty page cache", counts["dirty"] * page, line))
    return tuple(kinds), tuple(parts)
