"""What would help, and what it would bring about: a limit to write, an oom_score_adj with who dies instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from oomsel.kernel.event import OomReport
from oomsel.klog.cgroup_names import CgroupNames
from oomsel.klog.event import OomEvent
from oomsel.outputs.diagnosis import Finding
from oomsel.outputs.explain import Explanation, Rescue
from oomsel.outputs.sizes import Sizes
from oomsel.outputs.summary import outcome_phrase
from oomsel.outputs.usage import Usage
from oomsel.text import UNLIMITED_KB, printable

#: Names of processes without which a machine or a node does not work as one.
SYSTEM_NAMES = frozenset(
    "systemd init systemd-journal systemd-udevd systemd-logind systemd-network systemd-resolve sshd dbus-daemon"
    " dbus-broker NetworkManager containerd dockerd kubelet crio cri-dockerd containerd-shim conmon runc crond cron"
    " rsyslogd syslog-ng agetty polkitd auditd chronyd udevd multipathd iscsid qemu-ga libvirtd pacemakerd"
    " corosync firewalld".split()
)
#: By how much more than what was used a limit is proposed; a guess.
_MORE = 4


class Advice(NamedTuple):
    """Something to do."""

    kind: str  #: a word that stays
    sentence: str
    line: str | None  #: to write or run
    warning: str | None
    figures: dict[str, Any]


def advise(
    explanation: Explanation,
    usage: Usage,
    event: OomEvent | None,
    names: CgroupNames,
    path: str | None,
    findings: tuple[Finding, ...],
    sizes: Sizes,
    *,
    can_rescue: bool,
) -> tuple[Advice, ...]:
    """What would help in this event."""
    kinds = {finding.kind: finding for finding in findings}
    found = list(_limit(event, names, path, usage, sizes)) if event is not None else []
    found += _by_kind(kinds, sizes)
    if can_rescue and explanation.rescues and "sysrq" not in kinds:
        found += _protect(explanation.report, explanation.rescues[0])
    return tuple(found)


def _limit(event: OomEvent, names: CgroupNames, path: str | None, usage: Usage, sizes: Sizes) -> Iterator[Advice]:
    memcg = event.memcg
    if not event.is_memcg or memcg.memory is None or memcg.usage is None or memcg.memory >= UNLIMITED_KB:
        return
    held = (memcg.usage << 10) + (usage.swap_used or 0)
    mib = -(-held * (_MORE + 1) // _MORE // (1 << 20))
    limit = memcg.memory << 10
    if mib << 20 <= limit:
        return
    swap = f", {sizes(usage.swap_used)} of it in swap" if usage.swap_used else ""
    sentence = (
        f"A limit above {sizes(held)} would have held what was there{swap}; how much more it would have taken is not in"
        f" the log. A quarter more, which is a guess: {sizes(mib << 20)}."
    )
    yield Advice(
        "raise-limit", sentence, _limit_line(event, names, path, mib), None,
        {"held": held, "limit": limit, "proposed": mib << 20, "is_guess": True},
    )  # fmt: skip


def _limit_line(event: OomEvent, names: CgroupNames, path: str | None, mib: int) -> str:
    """What to write for a limit, in the words of whoever owns the cgroup."""
    if names.pod is not None:
        return f"resources: {{limits: {{memory: {mib}Mi}}}}  # in the pod's container"
    if names.container is not None:
        return f"docker update --memory {mib}m {names.container[:12]}"
    if names.guest is not None:
        is_proxmox = event.current is not None and (event.current.release or "").endswith("-pve")
        guest = printable(names.guest)
        return f"pct set {guest} --memory {mib}" if is_proxmox else f"lxc config set {guest} limits.memory {mib}MiB"
    if names.unit is not None:
        return f"systemctl set-property {printable(names.unit)} MemoryMax={mib}M"
    shown = "" if path is None else printable(path).rstrip("/")
    file = f"memory{shown}/memory.limit_in_bytes" if event.memcg.memsw is not None else f"{shown[1:]}/memory.max"
    return f"echo {mib}M > /sys/fs/cgroup/{file.lstrip('/')}"


def _by_kind(kinds: dict[str, Finding], sizes: Sizes) -> Iterator[Advice]:
    """What goes with a kind of trouble."""
    for kind, sentence, line in (
        ("many-of-one-name", "Cap how many {name} run at once ({count} did).", None),
        ("tmpfs", "Look for large files on tmpfs and for shared memory segments.", "df -t tmpfs; ipcs -m"),
        ("slab", "See which slab caches grow.", "slabtop -o -s c"),
        ("sockets", "See which sockets hold buffers.", "ss -tmnp"),
        ("fragmentation", "Order {order} was asked for: compaction may help where something is movable.",
         "echo 1 > /proc/sys/vm/compact_memory"),
        ("huge-pages", "Set aside fewer huge pages: {free} of them are free.", "sysctl vm.nr_hugepages"),
        ("dirty", "Let writeback begin earlier: {size} were dirty or being written.", "sysctl vm.dirty_bytes"),
    ):  # fmt: skip
        if kind not in kinds:
            continue
        figures = kinds[kind].figures
        shown = {key: sizes(value) if key in ("free", "size") else value for key, value in figures.items()}
        yield Advice(kind, sentence.format(**shown), line, None, figures)


def _protect(report: OomReport, rescue: Rescue) -> Iterator[Advice]:
    """The oom_score_adj that saves the victim, and who dies then."""
    name, instead = report.name_of(rescue.victim), rescue.instead
    own = int(report.system.tasks.oom_score_adj[rescue.victim])
    figures: dict[str, Any] = {"pid": int(report.system.tasks.pid[rescue.victim]), "oom_score_adj": own}
    if rescue.adj is None:
        yield Advice("protect", f"No oom_score_adj saves {name}, not even -1000.", None, None, figures)
        return
    then = outcome_phrase(instead)
    figures |= {"proposed": rescue.adj, "instead": None}
    sentence = f"An oom_score_adj of {rescue.adj} instead of {own} saves {name}: then the OOM killer {then}."
    warning = None
    if instead.panics:
        warning = "then the machine panics"
    elif not instead.killed:
        warning = "then nobody can be killed, and the allocation fails or waits for ever"
    elif instead.chosen is not None:
        tasks = instead.system.tasks
        comm = printable(tasks.comm[instead.chosen])
        figures["instead"] = {"pid": int(tasks.pid[instead.chosen]), "comm": comm}
        if comm in SYSTEM_NAMES or int(tasks.pid[instead.chosen]) == 1:
            warning = f"{comm} is a process of the system, by its name"
    line = None if instead.panics or not instead.killed else f"echo {rescue.adj} > /proc/{figures['pid']}/oom_score_adj"
    yield Advice("protect", sentence, line, warning, figures)
