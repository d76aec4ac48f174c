"""What would help, and what it would bring about: a limit to write, an oom_score_adj with who dies instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from oomsel.kernel.event import OomReport, Outcome
from oomsel.kernel.oom_kill import out_of_memory
from oomsel.klog.cgroup_names import CgroupNames
from oomsel.klog.event import OomEvent
from oomsel.outputs.commands import adj_line, limit_line
from oomsel.outputs.diagnosis import Finding
from oomsel.outputs.explain import Explanation, Rescue
from oomsel.outputs.scope import Scope
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
    usage: Usage,
    event: OomEvent | None,
    scope: Scope,
    findings: tuple[Finding, ...],
    sizes: Sizes,
    *,
    explanation: Explanation | None = None,
    victim: CgroupNames | None = None,
    is_part: bool = False,
    guessed_total: int | None = None,
) -> tuple[Advice, ...]:
    """What would help in this event, in which `victim` names the cgroup of who died.

    Without an `explanation` nobody can say what a changed oom_score_adj brings about.

    With `is_part` that is of a part of the machine; `guessed_total` is a totalpages that the log does not say.
    """
    kinds = {finding.kind: finding for finding in findings}
    found = list(_limit(event, scope, usage, sizes)) if event is not None else []
    found += _by_kind(kinds, sizes)
    if explanation is not None and "sysrq" not in kinds:
        found += _instead_of_panic(explanation.report)
        if explanation.rescues:
            rescue, dead = explanation.rescues[0], None if event is None else victim
            found += _protect(explanation.report, rescue, dead, guessed_total, is_part=is_part)
    return tuple(found)


def _limit(event: OomEvent, scope: Scope, usage: Usage, sizes: Sizes) -> Iterator[Advice]:
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
        "raise-limit", sentence, limit_line(event, scope, mib), None,
        {"held": held, "limit": limit, "proposed": mib << 20, "is_guess": True},
    )  # fmt: skip


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


def _instead_of_panic(report: OomReport) -> Iterator[Advice]:
    """Who would have been killed by a machine that does not panic instead."""
    if report.outcome is not Outcome.PANIC_ON_OOM:
        return
    sysctl = report.system.sysctl._replace(panic_on_oom=0)
    instead = out_of_memory(replace(report.system, sysctl=sysctl), report.oc, report.mode)
    said = f"Without vm.panic_on_oom the OOM killer {outcome_phrase(instead)}."
    yield Advice(
        "no-panic", said, "sysctl vm.panic_on_oom=0", None, {"panic_on_oom": report.system.sysctl.panic_on_oom}
    )


def _protect(
    report: OomReport, rescue: Rescue, dead: CgroupNames | None, guessed_total: int | None, *, is_part: bool
) -> Iterator[Advice]:
    """The oom_score_adj that saves the victim, and who dies then."""
    name, instead = report.name_of(rescue.victim), rescue.instead
    own = int(report.system.tasks.oom_score_adj[rescue.victim])
    figures: dict[str, Any] = {"pid": int(report.system.tasks.pid[rescue.victim]), "oom_score_adj": own}
    if rescue.adj is None:
        yield Advice("protect", f"No oom_score_adj saves {name}, not even -1000.", None, None, figures)
        return
    figures |= {"proposed": rescue.adj, "instead": None, "guessed_totalpages": guessed_total}
    guess = "" if guessed_total is None else f"If totalpages is {guessed_total} pages, which is a guess: "
    sentence = f"{guess}{'an' if guess else 'An'} oom_score_adj of {rescue.adj} instead of {own} saves {name}"
    line = adj_line(rescue.adj, figures["pid"], dead)
    if is_part and not instead.killed:
        said = f"{sentence} from being chosen before the others that are seen; who dies instead is not seen."
        yield Advice("protect", said, None, None, figures)
        return
    then = "the machine panics" if instead.panics else f"the OOM killer {outcome_phrase(instead)}"
    sentence += f": then, of those seen, {then}." if is_part else f": then {then}."
    warning = None
    if instead.panics:
        warning = f"-1000 for {name} leaves nobody to kill"
    elif not instead.killed:
        warning = "then nobody can be killed, and the allocation fails or waits for ever"
    elif instead.chosen is not None:
        tasks = instead.system.tasks
        comm = printable(tasks.comm[instead.chosen])
        figures["instead"] = {"pid": int(tasks.pid[instead.chosen]), "comm": comm}
        if comm in SYSTEM_NAMES or int(tasks.pid[instead.chosen]) == 1:
            warning = f"{comm} is a process of the system, by its name"
    yield Advice("protect", sentence, line if instead.killed and not instead.panics else None, warning, figures)
