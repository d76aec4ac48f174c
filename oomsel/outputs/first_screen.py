"""The first screen of an explanation: what a person on call asks first, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from oomsel.klog.cgroup_names import CgroupNames
from oomsel.outputs.account import Account, Death, Scope
from oomsel.outputs.sizes import size_words
from oomsel.outputs.usage import Kind, NameUse
from oomsel.text import printable

WIDTH = 80
#: Words in front of a line; what follows is indented below them.
_INDENT = " " * 9
#: Names and cgroups that are listed, and from which part of all on.
_MOST, _LEAST = 6, 0.01
_BAR = 20

_WHERE = {
    "global": "the machine ran out of memory",
    "cpuset": "node {nodes}, to which a cpuset confined the allocation, ran out of memory",
    "mempolicy": "node {nodes}, to which a memory policy confined the allocation, ran out of memory",
    "sysrq": "a kill asked for by hand (sysrq f)",
    "?": "memory ran out; whether a cgroup's or the machine's is not in the log",
}


def first_screen(account: Account, *, every_note: bool = False) -> list[str]:
    """The screen's lines."""
    lines = [*_wrapped(head_words(account), ""), *_ending(account)]
    lines += _labelled("WHY", account.why)
    asked = account.asked
    comm = "" if asked.comm is None else printable(asked.comm)
    who = comm if not asked.pid else f"{comm} (pid {asked.pid})"
    if (words := asked.sentence(who)) is not None:
        lines += _labelled("ASKED", [words])
    lines += _usage(account)
    lines += _what_now(account)
    notes = (*account.notes, *(account.more_notes if every_note else ()))
    if notes:
        lines += ["NOTES", *(line for text in notes for line in _bullet(_sentence(printable(text))))]
    return lines


def head_words(account: Account) -> str:
    """When, what ran out and the release, on a line."""
    parts = [printable(account.when)] if account.when else []
    # What a scenario or a what-if comes to has not happened.
    claim = "simulated: " if account.reading is None else "what if: " if account.reading.changed else ""
    parts.append(f"{claim}{scope_words(account.scope)}")
    parts.append(f"Linux {printable(account.release)}" if account.release else "")
    return "   ".join(part for part in parts if part)


def scope_words(scope: Scope) -> str:
    """What ran out."""
    if scope.kind != "memcg":
        words = _WHERE.get(scope.kind, scope.kind).format(nodes=scope.nodes)
        if scope.ram is None:
            return words
        swap = "" if scope.swap is None else f" and {size_words(scope.swap)} of swap" if scope.swap else ", no swap"
        return f"{words} ({size_words(scope.ram)} of RAM{swap})"
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
    owner = names_words(account.victim_names)
    if owner and account.victim_cgroup != account.scope.path and account.victim_names != account.scope.names:
        yield from _wrapped(f"in {owner}", _INDENT)
    elif account.victim_cgroup not in (None, "/", account.scope.path):
        yield from _wrapped(f"in cgroup {short_path(account.victim_cgroup or '', 60)}", _INDENT)
    if more := deaths[1:]:
        names = ", ".join(f"{printable(death.comm)} ({death.pid})" for death in more[:5])
        rest = f" and {len(more) - 5} more" if len(more) > 5 else ""
        event = account.log_event
        cause = " (memory.oom.group)" if event is not None and event.group is not None else ""
        yield from _wrapped(f"and {len(more)} more with it{cause}: {names}{rest}", _INDENT)


def death_words(death: Death) -> str:
    """A process that was killed, its size and its oom_score_adj."""
    parts = [f"{printable(death.comm)} (pid {death.pid})"]
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
        total = f"RSS of {count} process{'es' * (count != 1)}{where}: {sizes(usage.rss)}"
        yield from _wrapped(f"{total}; shared pages count once a process", "  ")
        yield from _table(usage.names, account)
    if usage.cgroups:
        yield "  by cgroup:"
        yield from _table(usage.cgroups, account, are_paths=True)
    if usage.kinds:
        yield from _kinds(account)


def _table(uses: tuple[NameUse, ...], account: Account, *, are_paths: bool = False) -> Iterator[str]:
    shown = [use for use in uses[:_MOST] if use.share >= _LEAST] or list(uses[:1])
    names = [short_path(use.name.decode(), 30) if are_paths else printable(use.name) for use in shown]
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
    of = "its limit" if account.scope.kind == "memcg" else "RAM"
    known = f" of {account.sizes(usage.capacity)}, {of}" if usage.capacity else ""
    yield f"  by kind{known}:"
    shown = sorted((kind for kind in usage.kinds if kind.size >= _LEAST * whole), key=lambda kind: -kind.size)
    width = max((len(kind.words) for kind in shown), default=0)
    yield from (_kind(kind, whole, width, account) for kind in shown)
    inner = [kind for kind in usage.parts if kind.size >= _LEAST * whole]
    if inner:
        said = ", ".join(f"{kind.words} {account.sizes(kind.size)}" for kind in inner)
        yield from _wrapped(f"of these {said}", "  ")
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
            yield f"      {advice.line}"
    if account.open:
        yield from _bullet(f"Open: {'; '.join(account.open)}.")


def _bullet(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _labelled(label: str, sentences: Iterable[str]) -> list[str]:
    text = " ".join(printable(sentence) for sentence in sentences)
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{label:<9}", subsequent_indent=_INDENT, break_long_words=False,
        break_on_hyphens=False,
    ) if text else []  # fmt: skip


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent or _INDENT, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _sentence(text: str) -> str:
    first = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]
    return f"{first}{text[1:]}{'' if text.endswith('.') else '.'}"
