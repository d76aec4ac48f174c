"""What each task holds, by kind, as the page's bars stack it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from oomsel.outputs.account import Account
from oomsel.outputs.explain import Explanation
from oomsel.outputs.tasks import FIRST, TaskView

#: The kinds that a bar may have, in order, with their words.
KIND_WORDS = {
    "anon": "anonymous memory",
    "file": "file pages",
    "shmem": "shared memory",
    "rss": "RSS",
    "swap": "swap",
    "pt": "page tables",
    "adj": "added by oom_score_adj",
    "less": "taken off by oom_score_adj",
}


class Holding(NamedTuple):
    """A task; memory in pages, None for one without an mm."""

    task: int
    pid: int
    comm: bytes
    uid: int
    adj: int
    badness: int | str | None  #: in points; `FIRST`; None where it may not be killed or nobody knows
    other: int | str | None  #: as the other mode reads it
    skip_reason: str
    killed: bool
    parts: tuple[tuple[str, int], ...]  #: (kind, pages)
    rss: int | None
    total_vm: int | None
    cgroup: str
    oom_score: int | None

    @property
    def held(self) -> int:
        """Pages that its badness counts besides oom_score_adj."""
        return sum(pages for _, pages in self.parts)

    def part(self, kind: str) -> int | None:
        """Pages of a kind; None where the input does not tell it apart."""
        return dict(self.parts).get(kind)


def explained(account: Account) -> Explanation:
    """The event as it was worked out; only for what shows somebody to choose from."""
    assert account.explanation is not None
    return account.explanation


def knows_badness(account: Account) -> bool:
    """Whether anybody's badness can be computed."""
    if account.explanation is None:
        return False
    return account.evidence is None or account.evidence.candidates is None


def holdings(account: Account, tasks: Sequence[int]) -> list[Holding]:
    """The tasks at these indices."""
    explanation, knows = explained(account), knows_badness(account)
    report = explanation.report
    view, other = TaskView(report, tasks), TaskView(explanation.other, tasks)
    counters = view.counters()
    precise = TaskView(explanation.precise if report.system.rules.precise_oom else explanation.approximate, tasks)
    dead = {death.pid for death in account.deaths}
    names = ("pid", "comm", "uid", "oom_score_adj", "badness", "skip_reason", "pgtables_bytes", "total_vm", "memcg")
    columns: list[list[Any]] = [view[name] for name in names]
    columns += [counters[name] for name in ("rss", "anon", "file", "shmem", "swap")]
    columns += [other["badness"], precise["oom_score"]]
    page, found = report.system.page_size, []
    for (
        task, pid, comm, uid, adj, badness, skipped, tables, total_vm, path,
        rss, anon, file, shmem, swap, other_badness, score,
    ) in zip(tasks, *columns, strict=True):  # fmt: skip
        split = (("anon", anon), ("file", file), ("shmem", shmem)) if anon is not None else (("rss", rss),)
        parts = () if rss is None else (*split, ("swap", swap or 0), ("pt", (tables or 0) // page))
        found.append(
            Holding(
                task,
                pid,
                comm,
                uid,
                adj,
                badness if knows else None,
                other_badness if knows else None,
                skipped,
                pid in dead,
                parts,
                rss,
                total_vm,
                path,
                score if knows else None,
            )
        )
    return found


def shown_tasks(account: Account) -> list[int]:
    """All tasks that the input shows, the worst candidates first, then who may not be killed."""
    report, unseen = explained(account).report, account.usage.unseen
    candidates = explained(account).candidates
    skipped = [task for tasks in explained(account).skipped.values() for task in tasks]
    pids = report.system.tasks.pid
    return [task for task in (*candidates, *sorted(skipped)) if int(pids[task]) not in unseen]


def fate(holding: Holding, account: Account, could_be: frozenset[int]) -> str:
    """What became of a task, in a word or two; why it may not be killed; empty for nothing."""
    explanation = explained(account)
    if holding.killed:
        return "killed"
    if account.reading is None and explanation.deltas_known and holding.task == explanation.precise.chosen:
        return "precise choice"
    if holding.task in could_be:
        return "could be"
    return "first to be killed" if holding.badness == FIRST else holding.skip_reason
