"""The scenario, format 1: every key with what it may hold, what it means and its default, declared once.

The annotations are evaluated when the module is imported, as `declaration` makes the reading of them.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from oomsel.scenario.declaration import ListOf, MappingOf, Model, OrMapping
from oomsel.scenario.field_types import (
    BOOL,
    BYTES,
    COMM,
    CPU,
    CPULIST,
    CPUS,
    CPUSET_NAME,
    DELTAS,
    FLAG,
    FLAG01,
    GFP_MASK,
    GOLDEN,
    LABEL,
    LIMIT,
    MEMCG_PATH,
    NODE_KEY,
    NODELIST,
    OOM_SCORE_ADJ,
    PAGE_SIZE,
    PID,
    PID_OR_COMM,
    PID_OR_NONE,
    QUANTITY,
    RELEASE,
    SIZE,
    SWAPPINESS,
    TEXT,
    UID,
    VERSION,
    one_of,
    whole,
)
from oomsel.text import number_of

NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Counter(Model):
    """A percpu_counter; a plain quantity is short for its count."""

    short_for = "count"

    count: Annotated[int, QUANTITY, "The global count, in pages; may be negative."] = 0
    deltas: Annotated[
        Mapping[int, int],
        DELTAS,
        "CPU or cpulist -> the pages that each of these CPUs holds and has not folded in yet.",
    ] = NOTHING


class Rss(Model):
    """The resident set, mm->rss_stat, in pages."""

    anon: Annotated[Counter | None, "MM_ANONPAGES; default 0."] = None
    file: Annotated[Counter | None, "MM_FILEPAGES; default 0."] = None
    shmem: Annotated[Counter | None, "MM_SHMEMPAGES; default 0."] = None
    swap: Annotated[Counter | None, "MM_SWAPENTS; default 0."] = None
    total: Annotated[Counter | None, "In place of anon, file and shmem, where only their sum is known."] = None


class Thread(Model):
    """The thread that still has the mm of a process whose leader has exited."""

    pid: Annotated[int, PID, "The thread's pid."]
    comm: Annotated[bytes | None, COMM, "The thread's name; default: the task's."] = None


class Cpuset(Model):
    """A task's cpuset."""

    name: Annotated[str, CPUSET_NAME, "The last part of its path, as the kernel prints it."] = "/"
    mems_allowed: Annotated[tuple[int, ...] | None, NODELIST, "Nodes it may use; default: all with memory."] = None


class Interleave(Model):
    """A memory policy that spreads pages (MPOL_INTERLEAVE)."""

    interleave: Annotated[tuple[int, ...], NODELIST, "Its nodes; before Linux 5.14 they count as a bound policy's do."]


class ReaperLeaves(Model):
    """What the oom_reaper cannot unmap of an mm: its shared mappings.  Of anon and swap nothing is left."""

    file: Annotated[int, SIZE, "Pages of shared file mappings."] = 0
    shmem: Annotated[int | None, SIZE, "Pages of shared memory; default: all of it."] = None


class Task(Model):
    """A process, in tasklist order (oldest first)."""

    pid: Annotated[int, PID, "The process's pid; unique."]
    tgid: Annotated[int | None, PID, "The same as `pid`; may be stated for readers."] = None
    comm: Annotated[bytes, COMM, "Its name: at most 15 bytes; \\xNN stands for one byte."]
    uid: Annotated[int, UID, "Its user."] = 0
    oom_score_adj: Annotated[int, OOM_SCORE_ADJ, "-1000 (never chosen) to 1000."] = 0
    total_vm: Annotated[int | None, SIZE, "Size of its address space, in pages; default: the precise RSS."] = None
    pgtables_bytes: Annotated[int | None, BYTES, "Bytes of page tables; default 0."] = None
    rss: Annotated[Rss | None, "Its RSS counters; default 0."] = None
    flags: Annotated[tuple[str, ...], ListOf(FLAG), "What it is or is in the middle of."] = ()
    reaper_leaves: Annotated[
        ReaperLeaves | None, "What the oom_reaper leaves of its mm; default: all of shmem and nothing else."
    ] = None
    mm: Annotated[
        str | None, LABEL, "A label; processes with one label share one mm, which the first of them describes."
    ] = None
    thread: Annotated[Thread | None, "The leader has exited; this thread still has the mm."] = None
    memcg: Annotated[str, MEMCG_PATH, "Its memory cgroup, declared under memcgs."] = "/"
    cpuset: Annotated[Cpuset | None, "Its cpuset; default: the root, with all nodes."] = None
    mempolicy: Annotated[
        tuple[int, ...] | Interleave | None,
        OrMapping(NODELIST, Interleave),
        "Nodes of a bound (MPOL_BIND) policy, or {interleave: NODES}; default: none.",
    ] = None


class Node(Model):
    """A NUMA node."""

    ram: Annotated[int, SIZE, "node_present_pages; 0 for a node without memory."]
    cpus: Annotated[tuple[int, ...], CPULIST, "Its CPUs, possible ones; none is on two nodes."] = ()


class Machine(Model):
    """CPUs and memory."""

    cpus: Annotated[tuple[int, ...], CPUS, "Possible CPUs: a cpulist; a plain number is a count."]
    online: Annotated[
        tuple[int, ...] | None, CPULIST, "CPUs online; default: all possible ones that are not dying."
    ] = None
    dying: Annotated[
        tuple[int, ...], CPULIST, "CPUs going offline: not online, but still in the precise sum; default: none."
    ] = ()
    page_size: Annotated[int, PAGE_SIZE, "Bytes."] = 4096
    ram: Annotated[int | None, SIZE, "Usable RAM, totalram_pages(), as MemTotal says it; default: the nodes' sum."] = (
        None
    )
    swap: Annotated[int, SIZE, "total_swap_pages."] = 0
    init: Annotated[
        int | str | None,
        PID_OR_NONE,
        "pid of the global init; none: no task is; default: the task with the flag init, or 1.",
    ] = None
    batch: Annotated[
        int | None, whole(1, (1 << 31) - 1, "batch"), "percpu_counter_batch; default: max(32, 2 * online CPUs)."
    ] = None
    nodes: Annotated[
        Mapping[int, Node] | None, MappingOf(NODE_KEY, Node), "NUMA nodes by number; default: node 0 with everything."
    ] = None


class MemcgLimits(Model):
    """A memory cgroup."""

    max: Annotated[int | None, LIMIT, "memory.max; default: max (unlimited)."] = None
    swap_max: Annotated[int | None, LIMIT, "memory.swap.max; default: max (unlimited)."] = None
    oom_group: Annotated[bool, BOOL, "memory.oom.group: killed as a whole."] = False
    swappiness: Annotated[int | None, SWAPPINESS, "A cgroup v1's own memory.swappiness; default: vm.swappiness."] = None
    order: Annotated[
        tuple[int, ...] | None,
        ListOf(PID),
        "pids of its processes, all of them, as they entered it (cgroup.procs); default: their order in tasks.",
    ] = None


class Oom(Model):
    """The failed allocation: struct oom_control."""

    current: Annotated[
        int | None,
        PID,
        "pid of the allocating task; default: the first with memory that is no init and no kernel thread,"
        " for sysrq f a kworker in no list.",
    ] = None
    current_thread: Annotated[
        int | None, PID, "The allocating thread's own pid, where it is not its process's leader."
    ] = None
    comm: Annotated[bytes | None, COMM, "The allocating thread's own name, where it is not its process's."] = None
    gfp_mask: Annotated[int | str | None, GFP_MASK, "Flag names like GFP_KERNEL|__GFP_ZERO, or the number."] = None
    order: Annotated[int, whole(-1, 10, "order"), "Order of the allocation; -1 for sysrq f."] = 0
    memcg: Annotated[str | None, MEMCG_PATH, "The cgroup that is out of memory: CONSTRAINT_MEMCG."] = None
    nodemask: Annotated[
        tuple[int, ...] | None, NODELIST, "Nodes the allocation was bound to: CONSTRAINT_MEMORY_POLICY."
    ] = None
    cpuset_limited: Annotated[bool, BOOL, "Nodes outside current's mems_allowed were refused: CONSTRAINT_CPUSET."] = (
        False
    )
    group_victim_again: Annotated[
        str | None,
        one_of(("killed", "exiting", "unseen"), "outcome"),
        "What a memory.oom.group's first victim gets when it is met again, which timing decides: a second kill line,"
        " the line that it is exiting already, or nothing; default: killed from 6.19, exiting from 5.9, unseen before.",
    ] = None
    totalpages: Annotated[int | None, SIZE, "In place of what constrained_alloc() works out, in pages."] = None


class Sysctls(Model):
    """vm.* settings."""

    oom_kill_allocating_task: Annotated[int, FLAG01, "1: kill the allocating task, whatever its badness."] = 0
    oom_dump_tasks: Annotated[int, FLAG01, "0: the report has no task table."] = 1
    panic_on_oom: Annotated[
        int, whole(0, 2, "setting", "0, 1 or 2"), "1: panic unless the allocation is constrained; 2: always."
    ] = 0
    swappiness: Annotated[int, SWAPPINESS, "At 0 the totalpages of a cgroup's OOM leave swap out."] = 60


class Update(Model):
    """A counter update through percpu_counter_add_batch(), or CPUs going offline or online."""

    cpu: Annotated[int | None, CPU, "The CPU that counts."] = None
    pid: Annotated[int | None, PID, "Whose counters; a process or a thread."] = None
    anon: Annotated[int | None, QUANTITY, "Pages to add, signed."] = None
    file: Annotated[int | None, QUANTITY, "Pages to add, signed."] = None
    shmem: Annotated[int | None, QUANTITY, "Pages to add, signed."] = None
    swap: Annotated[int | None, QUANTITY, "Pages to add, signed."] = None
    total: Annotated[int | None, QUANTITY, "Pages to add, signed, where the task's rss states a total."] = None
    repeat: Annotated[int, whole(1, 10**9, "number of times"), "How often."] = 1
    offline: Annotated[tuple[int, ...] | None, CPULIST, "CPUs that go down: their values are folded in."] = None
    online: Annotated[tuple[int, ...] | None, CPULIST, "CPUs that come up."] = None


class Verdict(Model):
    """What a mode is expected to come to."""

    victim: Annotated[int | bytes | None, PID_OR_COMM, "pid or comm of the process that is chosen."] = None
    nobody: Annotated[bool | None, BOOL, "true: nobody is killed."] = None
    panic: Annotated[bool | None, BOOL, "true: the machine panics."] = None
    kills: Annotated[
        tuple[int | bytes, ...] | None,
        ListOf(PID_OR_COMM),
        "pids or comms of all that are killed with a line in the log, in any order: a whole memory.oom.group, say.",
    ] = None
    output: Annotated[
        str | None,
        GOLDEN,
        "A file beside the scenario that holds, to the byte, this mode's event as `oomsel select` prints it; directly"
        " under expect both modes' if it begins with \"# \", else the release's. `check --update` writes it.",
    ] = None


class Expect(Verdict):
    """What `oomsel check` holds the outcome to; victim, nobody, panic and kills here are for both modes."""

    approximate: Annotated[Verdict | None, "For the approximate mode."] = None
    precise: Annotated[Verdict | None, "For the precise mode."] = None
    never: Annotated[
        tuple[int | bytes, ...],
        ListOf(PID_OR_COMM),
        "pids or comms that no mode may choose, or kill with the chosen one.",
    ] = ()
    robust: Annotated[
        bool | None,
        BOOL,
        "true: the victim stays the same whatever the CPUs hold that is not folded into the global counts yet.",
    ] = None
    tolerance: Annotated[
        int,
        SIZE,
        "Pages by which each number of memory in `output` may be off: a real log's table and kill line"
        " are read at two moments.",
    ] = 0


class Scenario(Model):
    """Everything the OOM killer looks at in the moment it chooses."""

    oomsel: Annotated[int, VERSION, "Version of the format: 1."]
    title: Annotated[str | None, TEXT, "A line for people."] = None
    description: Annotated[str | None, TEXT, "A text for people."] = None
    kernel: Annotated[
        str | None, RELEASE, "Whose rules and log format, like 6.18; 5.4 or later; default: the newest known."
    ] = None
    machine: Annotated[Machine, "CPUs and memory."]
    memcgs: Annotated[
        Mapping[str, MemcgLimits],
        MappingOf(MEMCG_PATH, MemcgLimits),
        "Memory cgroups by path, parents before children.",
    ] = NOTHING
    oom: Annotated[Oom, "The failed allocation."] = Oom()
    sysctl: Annotated[Sysctls, "vm.* settings that the OOM killer reads."] = Sysctls()
    tasks: Annotated[
        Sequence[Task],
        ListOf(Task, empty="an empty list; a scenario has at least one task"),
        "Processes in tasklist order, or a task table as pasted from a kernel log.",
    ]
    updates: Annotated[
        tuple[Update, ...], ListOf(Update), "Counter updates and CPU hotplug, replayed in order before the OOM."
    ] = ()
    expect: Annotated[Expect | None, "What `oomsel check` holds the outcome to."] = None
    #: What the reader noticed and a person should know; not a key.
    notes: tuple[str, ...] = ()
    #: The report in a kernel log that it was read from, an oomsel.inputs.log.reading.LogReading; not a key.
    log: Any = None

    def __repr__(self) -> str:
        kernel = f"Linux {self.kernel}, " if self.kernel else ""
        return f"<Scenario: {kernel}{number_of(len(self.tasks), 'task')}, {number_of(len(self.machine.cpus), 'CPU')}>"
