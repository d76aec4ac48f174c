"""The tree of memory cgroups: what each holds against its limit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oomsel.kernel.badness import get_mm_rss
from oomsel.kernel.percpu_counter import MM_SWAPENTS
from oomsel.kernel.system import NO_MM
from oomsel.outputs.account import Account
from oomsel.outputs.page.holdings import explained
from oomsel.outputs.page.scale import Scale, Segment
from oomsel.outputs.sizes import size_words
from oomsel.text import UNLIMITED_KB, is_below, printable

#: Cgroups that are shown; the largest, and those above them.
MOST = 60


class Node(NamedTuple):
    """A cgroup."""

    name: str
    tags: tuple[str, ...]
    segments: tuple[Segment, ...]
    words: str
    children: tuple[Node, ...]


class Tree(NamedTuple):
    """The tree."""

    caption: str
    root: Node
    left_out: int


def tree(account: Account) -> Tree | None:
    """The tree; None where the evidence has none."""
    return _of_scenario(account) if account.event is None else _of_event(account)


def _of_scenario(account: Account) -> Tree | None:
    report = explained(account).report
    system, page = report.system, report.system.page_size
    if len(system.memcgs) < 2:
        return None
    pages = get_mm_rss(report.counters) + report.counters[:, MM_SWAPENTS]
    held = [0] * len(system.memcgs)
    mms, first = np.unique(system.tasks.mm, return_index=True)
    for mm, task in zip(mms.tolist(), first.tolist(), strict=True):  # a shared mm counts where its first process is
        memcg = int(system.tasks.memcg[task])
        while mm != NO_MM and memcg >= 0:
            held[memcg] += int(pages[mm]) * page
            memcg = system.memcgs[memcg].parent
    kept: set[int] = set()
    must = [report.oc.memcg, None if report.chosen is None else int(system.tasks.memcg[report.chosen])]
    for index in [*(each for each in must if each is not None), *sorted(range(len(held)), key=lambda at: -held[at])]:
        if len(kept) >= MOST:
            break
        while index >= 0 and index not in kept:
            kept.add(index)
            index = system.memcgs[index].parent  # noqa: PLW2901, up to the root
    children: dict[int, list[int]] = {}
    for index in sorted(kept):
        children.setdefault(system.memcgs[index].parent, []).append(index)
    whole = account.scope.ram or max(held[0], 1)
    victim = None if report.chosen is None else int(system.tasks.memcg[report.chosen])

    def node(index: int) -> Node:
        memcg = system.memcgs[index]
        limit = memcg.max * page if memcg.max * page < UNLIMITED_KB << 10 else None
        tags = ["ran out"] * (report.oc.memcg == index) + ["victim's"] * (victim == index)
        tags += ["memory.oom.group"] * memcg.oom_group
        inner = tuple(node(child) for child in children.get(index, ()))
        name = memcg.path if index == 0 else memcg.path[len(system.memcgs[memcg.parent].path.rstrip("/")) :]
        return Node(printable(name), tuple(tags), *_bar(held[index], limit, whole), inner)

    caption = "RSS and swap of each cgroup's processes and of those below it, against its limit; without one, "
    caption += "against RAM." if account.scope.ram else "against all of them."
    return Tree(caption, node(0), len(held) - len(kept))


def _bar(held: int | None, limit: int | None, whole: int) -> tuple[tuple[Segment, ...], str]:
    if held is None:
        return (), "" if limit is None else f"limit {size_words(limit)}"
    of = whole if limit is None else limit
    kind = "full" if limit is not None and held >= 0.95 * limit else "held"
    words = f"{size_words(held)} of {size_words(limit)}" if limit is not None else f"{size_words(held)}, no limit"
    return (Scale(0, max(of, 1)).segment(kind, 0, held, words),), words


def _of_event(account: Account) -> Tree | None:
    """A log's: the cgroup that ran out with its usage, the victim's, and those above them, of which no line tells."""
    event, scope = account.event, account.scope
    assert event is not None
    out = scope.path if scope.kind == "memcg" else None
    paths = [path for path in (out, account.victim_cgroup) if path not in (None, "/")]
    if not paths:
        return None
    known = {"/"}
    for path in paths:
        parts = (path or "").strip("/").split("/")
        known |= {"/" + "/".join(parts[: depth + 1]) for depth in range(min(len(parts), MOST))}
    usage = None if event.memcg.usage is None else event.memcg.usage << 10

    def node(path: str) -> Node:
        tags = ["ran out"] * (path == out) + ["victim's"] * (path == account.victim_cgroup)
        tags += ["memory.oom.group"] * (event.group is not None and event.group[1] == path)
        bar = _bar(usage, scope.limit, max(usage or 1, 1)) if path == out else ((), "")
        below = sorted(each for each in known if each not in ("/", path) and is_below(each, path))
        inner = [each for each in below if each.rpartition("/")[0] == path.rstrip("/")]
        name = path if path == "/" else path[path.rindex("/") :]
        return Node(printable(name), tuple(tags), *bar, tuple(map(node, inner)))

    caption = "The cgroups that the report names. It shows what the one that ran out uses, and nothing of the others."
    return Tree(caption if out else "The victim's cgroup. The report shows nothing of what it uses.", node("/"), 0)
