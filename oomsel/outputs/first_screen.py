"""The first screen of an explanation: what a person on call asks first, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from oomsel.klog.cgroup_names import CgroupNames
from oomsel.layout import WIDTH, wrapped
from oomsel.outputs.account import Account
from oomsel.outputs.deaths import Death
from oomsel.outputs.growth import Others
from oomsel.outputs.scope import Scope
from oomsel.outputs.sizes import size_words
from oomsel.outputs.usage import Kind, NameUse, Usage
from oomsel.text import printable

#: Words in front of a line; what follows is indented below them.
_INDENT = " " * 9
#: Names and cgroups that are listed, and from which part of all on.
_MOST, _LEAST = 6, 0.01
#: Names of others that died shortly before or after.
_OTHERS = 5
_BAR = 20

_WHERE = {
    "global": "the machine ran out of memory",
    "cpuset": "node {nodes}{size}, to which a cpuset confined the allocation, ran out of memory",
    "mempolicy": "node {nodes}{size}, to which a memory policy confined the allocation, ran out of memory",
    "sysrq": "a kill asked for by hand (sysrq f)",
    "not-memcg": "memory ran out; whether the machine's, or that of the nodes to which a cpuset or a memory policy"
    " confined the allocation, is not in the log",
    "?": "memory ran out; whether a cgroup's or the machine's is not in the log",
}


def first_screen(account: Account, *, every_note: bool = False) -> list[str]:
    """The screen's lines."""
    lines = [*_wrapped(head_words(account), ""), *_labelled("SEEN", _seen(account)), *_ending(account)]
    lines += _labelled("WHY", account.why)
    asked = account.asked
    comm = "" if asked.comm is None else name_words(asked.comm)
    who = comm if not asked.pid else f"{comm} (pid {asked.pid})"
    if (words := asked.sentence(who)) is not None:
        lines += _labelled("ASKED", [words])
    if (also := others_words(account.others)) is not None:
        lines += _labelled("ALSO", [f"{also}. explain --all-events tells of each."])
    lines += _usage(account)
    lines += _what_now(account)
    notes = (*account.notes, *(account.more_notes if every_note else ()))
    if notes:
        lines += ["NOTES", *(line for text in notes for line in _bullet(_sentence(printable(text))))]
    return lines


def _seen(account: Account) -> list[str]:
    return [f"{text[:1].upper()}{text[1:]}." for text in account.partial]


def name_words(comm: bytes) -> str:
    """A process's name; some have none."""
    return printable(comm) or "(no name)"


def head_words(account: Account) -> str:
    """When, what ran out and the release, on a line."""
    parts = []
    if account.when:
        is_stamp = account.event is not None and not account.event.date and account.when.replace(".", "").isdigit()
        parts.append(f"{printable(account.when)}{' s after boot' * is_stamp}")
    # What a scenario or a what-if comes to has not happened.
    claim = ""
    if account.event is None:
        claim = "simulated: " if account.reading is None else "what if: "
    parts.append(f"{claim}{scope_words(account.scope)}")
    parts.append(f"Linux {printable(account.release)}" if account.release else "")
    return "   ".join(part for part in parts if part)


def scope_words(scope: Scope) -> str:
    """What ran out."""
    if scope.kind != "memcg":
        size = "" if scope.nodes_ram is None else f" ({size_words(scope.nodes_ram)})"
        words = _WHERE.get(scope.kind, scope.kind).format(nodes=scope.nodes, size=size)
        if scope.ram is None:
            return words
        swap = "" if scope.swap is None else f" and {size_words(scope.swap)} of swap" if scope.swap else ", no swap"
        whole = "the whole machine has " if scope.kind in ("cpuset", "mempolicy", "not-memcg") else ""
        return f"{words} ({whole}{size_words(scope.ram)} of RAM{swap})"
    name = "a cgroup whose name is not in the log" if scope.path is None else f"cgroup {short_path(scope.path)}"
    owner = names_words(scope.names)
    name += f" ({owner})" if owner else ""
    if scope.limit is None:
        return f"{name} ran out of memory"
    return f"{name} hit its limit of {size_words(scope.limit)}{' of memory and swap' if scope.with_swap else ''}"


def names_words(names: CgroupNames) -> str:
    """Whose a cgroup is."""
    said = [
        ("pod", names.pod),
        ("container", names.container and names.container[:12]),
        ("guest", names.guest),
        ("unit", names.unit if names.pod is None and names.container is None else None),
    ]
    return ", ".join(f"{what} {printable(name)}" for what, name in said if name)


def short_path(path: str, most: int = 40) -> str:
    """A cgroup's path, of a long one its ends: `/kubepods/.../cri-containerd-0123456789ab...`."""
    shown = printable(path)
    if len(shown) <= most:
        return shown
    parts = shown.split("/")
    head, tail = "/".join(parts[:2]), parts[-1]
    if len(tail) > most - 20:
        tail = tail[: most - 23] + "..."
    return f"{head[:16]}/.../{tail}" if len(parts) > 3 else f"{head[:16]}/{tail}"


_NOBODY = {
    "nobody": "nobody was killed: no process may be",
    "nobody-seen": "nobody of those seen may be killed; who else the machine has is not seen",
    "exiting": "nobody was killed: the victim was exiting already",
    "unknown": "not in the log: the end of the report is missing",
    "current-dying": "nobody: the allocating process is dying already",
    "no-fs": "nobody: the allocation may not enter the filesystem",
    "victim-in-flight": "nobody: an earlier victim is still exiting",
    "chosen-dying": "nobody: the one chosen is dying already",
}


def nobody_words(ending: str) -> str:
    """That nobody was killed, and why."""
    return _NOBODY.get(ending, "nobody")


def _ending(account: Account) -> Iterator[str]:
    """Who was killed, that the machine panicked, or that nobody was."""
    deaths = account.deaths
    if account.ending == "panic":
        said = f": {printable(account.panic)}" if account.panic else ""
        yield from _labelled("PANIC", [f"the machine panicked{said}"])
    if not deaths:
        if account.ending != "panic":
            yield from _labelled("KILLED", [nobody_words(account.ending)])
        return
    victim = deaths[0]
    yield from _labelled("KILLED", [death_words(victim)])
    event = account.event
    for pinned in () if event is None else event.pinned:
        pinner = f"{name_words(pinned.pinner_comm)} (pid {pinned.pinner})"
        yield from _wrapped(f"its memory stays: {pinner} shares it, line {pinned.line}", _INDENT)
    owner = names_words(account.victim_names)
    if owner and account.victim_cgroup != account.scope.path and account.victim_names != account.scope.names:
        yield from _wrapped(f"in {owner}", _INDENT)
    elif account.victim_cgroup not in (None, "/", account.scope.path):
        yield from _wrapped(f"in cgroup {short_path(account.victim_cgroup or '', 60)}", _INDENT)
    if more := deaths[1:]:
        names = ", ".join(f"{name_words(death.comm)} ({death.pid})" for death in more[:5])
        rest = f" and {len(more) - 5} more" if len(more) > 5 else ""
        cause = " (memory.oom.group)" if event is not None and event.group is not None else ""
        yield from _wrapped(f"and {len(more)} more with it{cause}: {names}{rest}", _INDENT)


def others_words(others: Others) -> str | None:
    """What else died shortly before and after; None for nothing."""
    said = []
    for digests, when in ((others.before, "before it"), (others.after, "after it")):
        killed = [(pid, comm) for digest in digests for pid, comm, _ in digest.killed]
        if not digests:
            continue
        names = ", ".join(f"{name_words(comm)} ({pid})" for pid, comm in killed[:_OTHERS])
        rest = f" and {len(killed) - _OTHERS} more" if len(killed) > _OTHERS else ""
        count = f"{len(digests)} report{'s' * (len(digests) != 1)} {when}, "
        span = f"until {digests[-1].when}" if digests is others.after else f"from {digests[0].when}"
        fate = f"killed {names}{rest}" if killed else ""
        if cut := sum(not digest.ends for digest in digests):
            of_them = f" of {cut} of them" if len(digests) > 1 else ""
            fate += f"{', and ' if killed else ''}the end{of_them} is not in the log"
        fate = fate or "nobody was killed"
        said.append(f"{count}{span}: {fate}")
    return "; ".join(said) if said else None


def death_words(death: Death) -> str:
    """A process that was killed, its size and its oom_score_adj."""
    parts = [f"{name_words(death.comm)} (pid {death.pid})"]
    if death.rss is not None:
        parts.append(size_words(death.rss) + (f" and {size_words(death.swap)} in swap" if death.swap else ""))
    if death.adj is not None:
        parts.append(f"oom_score_adj {death.adj}")
    return "   ".join(parts)


def _usage(account: Account) -> Iterator[str]:
    usage, sizes = account.usage, account.sizes
    if not usage.names and not usage.kinds:
        return
    yield "WHO USED THE MEMORY"
    if usage.names:
        count = len(usage.processes)
        where = " in the cgroup" if account.scope.kind == "memcg" else ""
        who = f"{count} process{'es' * (count != 1)}"
        who = f"the {who} whose row{'s are' if count != 1 else ' is'} left" if usage.lacks_rows else f"{who}{where}"
        total = f"RSS of {who}: {sizes(usage.rss)}"
        yield from _wrapped(f"{total}; shared pages count once a process", "  ")
        yield from _table(usage.names, account)
    if usage.cgroups:
        yield f"  {cgroups_title(usage)}:"
        yield from _table(usage.cgroups, account, are_paths=True)
    if usage.kinds:
        yield from _kinds(account)


def cgroups_title(usage: Usage) -> str:
    """What the table of cgroups is of."""
    if usage.cgroups_line is None:
        return "by cgroup"
    if not usage.cgroups[0].processes:
        return f"by cgroup, anonymous memory and page cache (from line {usage.cgroups_line} on)"
    return f"by cgroup, as far as the log says (line {usage.cgroups_line})"


def _table(uses: tuple[NameUse, ...], account: Account, *, are_paths: bool = False) -> Iterator[str]:
    shown = [use for use in uses[:_MOST] if use.share >= _LEAST] or list(uses[:1])
    names = [
        short_path(use.name.decode(errors="surrogateescape"), 30) if are_paths else name_words(use.name)
        for use in shown
    ]
    width = max(15, *map(len, names))
    for use, name in zip(shown, names, strict=True):
        count = f"x{use.processes}" if use.processes > 1 else ""
        bar = "#" * round(_BAR * use.share)
        swap = f"  +{size_words(use.swap)} swap" if use.swap else ""
        row = f"  {name:<{width}} {count:>6} {account.sizes(use.rss):>9}  {100 * use.share:3.0f} %  {bar}{swap}"
        yield row.rstrip() if len(row) <= WIDTH else row[: row.rindex("%") + 1] + swap
    if rest := uses[len(shown) :]:
        size = account.sizes(sum(use.rss for use in rest))
        yield f"  {f'{len(rest)} more':<{width}} {'':>6} {size:>9}"


def _kinds(account: Account) -> Iterator[str]:
    usage = account.usage
    whole = usage.capacity or sum(kind.size for kind in usage.kinds) or 1  # byte
    of = "RAM of the whole machine" if account.scope.kind in ("cpuset", "mempolicy", "not-memcg") else "RAM"
    of = "its limit" if account.scope.kind == "memcg" else of
    known = f" of {account.sizes(usage.capacity)}, {of}" if usage.capacity else ""
    shown = sorted((kind for kind in usage.kinds if kind.size >= _LEAST * whole), key=lambda kind: -kind.size)
    width = max((len(kind.words) for kind in shown), default=0)
    if shown:
        yield f"  by kind{known}:"
    yield from (_kind(kind, whole, width, account) for kind in shown)
    inner = [kind for kind in usage.parts if kind.size >= _LEAST * whole]
    if inner:
        said = ", ".join(f"{kind.words} {account.sizes(kind.size)}" for kind in inner)
        yield from _wrapped(f"part of these: {said}", "  ")
    if usage.slabs:
        said = ", ".join(f"{printable(name)} {account.sizes(size)}" for name, size in usage.slabs)
        yield from _wrapped(f"largest slab caches: {said}", "  ")
    if usage.swap_total and usage.swap_used is not None and account.scope.kind != "memcg":
        yield f"  swap: {account.sizes(usage.swap_used)} of {account.sizes(usage.swap_total)} used"
    elif usage.swap_used and account.scope.kind == "memcg":
        yield f"  and {account.sizes(usage.swap_used)} in swap"


def _kind(kind: Kind, whole: int, width: int, account: Account) -> str:
    share = kind.size / whole
    bar = "#" * round(_BAR * min(share, 1))
    row = f"  {kind.words:<{max(width, 22)}} {account.sizes(kind.size):>9}  {100 * share:3.0f} %  {bar}"
    return row.rstrip()


def _what_now(account: Account) -> Iterator[str]:
    if not (account.findings or account.advice or account.open):
        return
    yield "WHAT NOW"
    for finding in account.findings:
        yield from _bullet(printable(finding.sentence))
    for advice in account.advice:
        yield from _bullet(printable(advice.sentence))
        if advice.warning is not None:
            yield from _wrapped(f"WARNING: {printable(advice.warning)}.", "    ")
        if advice.line is not None:
            yield from (f"      {part}" for part in advice.line.replace(" && ", " &&\n").split("\n"))
    if account.open:
        yield from _bullet(f"Open: {'; '.join(account.open)}.")


def _bullet(text: str) -> list[str]:
    return wrapped(text, "  - ", "    ")


def _labelled(label: str, sentences: Iterable[str]) -> list[str]:
    text = " ".join(printable(sentence) for sentence in sentences)
    return wrapped(text, f"{label:<9}", _INDENT) if text else []


def _wrapped(text: str, indent: str) -> list[str]:
    return wrapped(text, indent, indent or _INDENT)


def _sentence(text: str) -> str:
    first = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]
    return f"{first}{text[1:]}{'' if text.endswith('.') else '.'}"
