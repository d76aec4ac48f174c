"""Who asked for the memory that was not there, for what, and on which way through the kernel."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.kernel.event import OomReport
from oomsel.kernel.gfp import format_gfp
from oomsel.klog.event import OomEvent
from oomsel.outputs.sizes import size_words

#: What a mask is for, by the first of these names in it.
_PURPOSES = (
    ("GFP_TRANSHUGE", "a transparent huge page"),
    ("GFP_HIGHUSER_MOVABLE", "a process's memory or page cache"),
    ("GFP_HIGHUSER", "a process's memory"),
    ("GFP_USER", "memory shared with a process"),
    ("GFP_KERNEL_ACCOUNT", "kernel memory charged to the cgroup"),
    ("GFP_KERNEL", "kernel memory"),
    ("GFP_NOFS", "kernel memory, from inside a filesystem"),
    ("GFP_NOIO", "kernel memory, from inside block I/O"),
    ("GFP_DMA", "memory that a device can reach"),
)
#: It reclaims what is above the new memory.max, and calls the OOM killer where that does not do.
_LOWERING = "memory_max_write"
#: What a trace is of: the first of these of which a call is there; * stands for any beginning or end of a name.
_WAYS = (
    ("lowering a cgroup's limit", (_LOWERING,)),
    ("sysrq, by hand", ("moom_callback", "sysrq_handle_moom", "__handle_sysrq")),
    ("swapoff", ("*sys_swapoff", "try_to_unuse")),
    ("fork or clone", ("copy_process*", "dup_mm*", "copy_page_range", "kernel_clone", "_do_fork", "do_fork")),
    ("exec", ("do_execve*", "bprm_execve*", "load_elf_binary", "*sys_execve")),
    ("a page fault that swaps in", ("do_swap_page",)),
    ("a page fault that copies on write", ("do_wp_page", "wp_page_copy", "do_cow_fault")),
    ("a page fault on shared memory", ("shmem_fault",)),
    ("a page fault that reads a mapped file", ("filemap_fault", "*_filemap_fault")),
    ("a page fault on a huge page", ("do_huge_pmd_anonymous_page", "hugetlb_fault*")),
    ("a page fault on new anonymous memory", ("do_anonymous_page", "alloc_anon_folio")),
    ("a write to tmpfs or shared memory", ("shmem_file_write_iter", "shmem_write_begin", "shmem_fallocate")),
    ("a write to a pipe", ("pipe_write", "anon_pipe_write")),
    ("network", ("tcp_*", "udp_*", "unix_stream_*", "unix_dgram_*", "sock_sendmsg", "__sys_sendto", "__netif_*")),
    ("locking or populating memory", ("populate_vma_page_range", "__mm_populate", "do_mlock")),
    ("io_uring", ("io_uring_*", "io_submit_sqes")),
    ("BPF", ("*sys_bpf",)),
    ("loading a module", ("load_module", "*sys_finit_module", "*sys_init_module")),
    ("a file's write", ("vfs_write", "ksys_write", "generic_perform_write", "do_writev")),
    ("a file's read", ("vfs_read", "ksys_read", "filemap_read", "generic_file_read_iter")),
    ("mmap", ("do_mmap", "vm_mmap_pgoff", "mmap_region", "do_brk_flags")),
    ("poll or select", ("do_sys_poll", "core_sys_select", "do_select")),
    ("opening a file", ("do_sys_openat2", "do_sys_open", "do_filp_open")),
    ("reading a directory", ("iterate_dir",)),
    ("ioctl", ("*sys_ioctl",)),
    ("a page fault", ("handle_mm_fault", "exc_page_fault", "do_page_fault", "do_user_addr_fault", "page_fault")),
    ("a kernel thread", ("kthread", "worker_thread")),
)


class Asked(NamedTuple):
    """The allocation that failed."""

    comm: bytes | None
    pid: int | None
    adj: int | None
    gfp: str  #: as the kernel prints it; empty where no line says it
    purpose: str | None  #: in words
    order: int | None
    size: int | None  #: bytes
    way: str | None  #: what it was doing, by the call path
    call: str | None  #: the call that says so
    line: int | None  #: of the log

    def sentence(self, name: str) -> str | None:
        """Who asked for what; `name` is the process as text.  None where no line says it."""
        if self.order == -1:
            return "sysrq f: somebody asked for a kill by hand."
        if self.comm is None or self.size is None:
            return None
        if self.call == _LOWERING:
            return f"{name} was {self.way} ({self.call}), and wanted no memory itself."
        pages = "" if not self.order else f" in one piece, order {self.order}"
        what = f" for {self.purpose}" if self.purpose else ""
        way = f", in {self.way} ({self.call})" if self.way else ""
        return f"{name} wanted {size_words(self.size)}{pages}{what}{way}; {self.gfp}."


def asked_by_event(event: OomEvent, page_size: int) -> Asked:
    """Who asked, by a log's lines."""
    way, call = way_of(event.calls)
    invoked, current = event.invoked, event.current
    pid = None if current is None else current.pid
    if invoked is None:
        return Asked(None, pid, None, "", None, -1 if event.is_sysrq else None, None, way, call, None)
    gfp = f"gfp_mask={invoked.gfp_mask:#x}" + (f"({invoked.gfp_names})" if invoked.gfp_names else "")
    purpose, order = purpose_of(invoked.gfp_names), invoked.order
    size = page_size << order if order >= 0 else None
    return Asked(invoked.comm, pid, invoked.oom_score_adj, gfp, purpose, order, size, way, call, invoked.line)


def asked_in_scenario(report: OomReport) -> Asked:
    """Who asks, in a scenario."""
    oc, system = report.oc, report.system
    gfp = format_gfp(oc.gfp_mask, system.rules)
    size = system.page_size << oc.order if oc.order >= 0 else None
    adj = None if oc.current is None else int(system.tasks.oom_score_adj[oc.current])
    purpose = purpose_of(gfp.partition("(")[2].rstrip(")"))
    return Asked(oc.current_comm, oc.current_pid, adj, f"gfp_mask={gfp}", purpose, oc.order, size, None, None, None)


def purpose_of(names: str) -> str | None:
    """What a mask of these names is for."""
    have = {name.strip() for name in names.split("|")}
    return next((words for name, words in _PURPOSES if name in have or f"{name}_LIGHT" in have), None)


def way_of(calls: list[str]) -> tuple[str | None, str | None]:
    """What the calls of a stack dump are part of, and the call that tells; (None, None) where none does.

    >>> way_of(["dump_stack", "out_of_memory", "filemap_fault", "do_page_fault"])
    ('a page fault that reads a mapped file', 'filemap_fault')
    """
    for words, names in _WAYS:
        for call in calls:
            if any(_is(call.partition(".")[0], name) for name in names):
                return words, call
    return None, None


def _is(call: str, name: str) -> bool:
    if name.startswith("*"):
        return call.endswith(name[1:])
    return call.startswith(name[:-1]) if name.endswith("*") else call == name
