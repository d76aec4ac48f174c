"""An explanation as data, for programs; its keys stay, and `oomsel_explanation` counts their versions."""

from __future__ import annotations

from typing import Any

from oomsel.inputs.log.digest import Digest
from oomsel.klog.cgroup_names import CgroupNames
from oomsel.outputs.account import Account
from oomsel.outputs.deaths import Death
from oomsel.outputs.explain import Explanation
from oomsel.outputs.summary import outcome_phrase
from oomsel.outputs.tasks import TaskView
from oomsel.outputs.usage import Kind, NameUse
from oomsel.text import comm_to_text, printable, process_object

EXPLANATION_VERSION = 1


def explanation_object(account: Account) -> dict[str, Any]:
    """All of it; sizes in bytes, badness in points, None for what the input does not hold."""
    explanation, scope, asked = account.explanation, account.scope, account.asked
    return {
        "oomsel_explanation": EXPLANATION_VERSION,
        "when": _text(account.when),
        "utc": account.utc,
        "release": _text(account.release),
        "mode": None if explanation is None else explanation.report.mode,
        "scope": {
            "kind": scope.kind,
            "cgroup": _text(scope.path),
            **_names(scope.names),
            "limit": scope.limit,
            "limit_is_with_swap": scope.with_swap,
            "nodes": scope.nodes,
            "nodes_ram": scope.nodes_ram,
            "ram": scope.ram,
            "swap": scope.swap,
        },
        "ending": account.ending,
        "seen_in_part": list(account.partial),
        "panic": None if account.ending != "panic" else _text(account.panic) or "by the rules of the release",
        "killed": [_death(death) for death in account.deaths],
        "victim_cgroup": {"cgroup": _text(account.victim_cgroup), **_names(account.victim_names)},
        "why": [printable(text) for text in account.why],
        "next": _next(account),
        "also": {"before": _others(account.others.before), "after": _others(account.others.after)},
        "asked": {
            "comm": None if asked.comm is None else comm_to_text(asked.comm),
            "pid": asked.pid,
            "oom_score_adj": asked.adj,
            "gfp": _text(asked.gfp or None),
            "purpose": asked.purpose,
            "order": asked.order,
            "size": asked.size,
            "way": asked.way,
            "call": _text(asked.call),
            "line": asked.line,
        },
        "totalpages": _totalpages(account),
        "usage": _usage(account),
        "diagnosis": [
            {"kind": found.kind, "sentence": printable(found.sentence), "figures": found.figures}
            for found in account.findings
        ],
        "advice": [
            {
                "kind": advice.kind,
                "sentence": printable(advice.sentence),
                "line": advice.line,
                "warning": advice.warning,
                "figures": advice.figures,
            }
            for advice in account.advice
        ],
        "open": list(account.open),
        "missing": list(account.missing),
        "notes": [printable(text) for text in (*account.notes, *account.more_notes)],
        "verdict": _verdict(account),
        "counters": None if explanation is None else _counters(account, explanation),
        "rescues": [] if explanation is None else _rescues(account, explanation),
        "tasks": [] if explanation is None else _tasks(account, explanation),
    }


def _text(text: str | None) -> str | None:
    return None if text is None else printable(text)


def _names(names: CgroupNames) -> dict[str, str | None]:
    return {
        "pod": names.pod,
        "container": names.container,
        "runtime": names.runtime,
        "unit": _text(names.unit),
        "guest": _text(names.guest),
    }


def _others(digests: tuple[Digest, ...]) -> list[dict[str, Any]]:
    """Other reports shortly before or after, in short."""
    return [
        {
            "event": digest.event,
            "line": digest.line,
            "when": _text(digest.when),
            "killed": [
                {**process_object(pid, comm), "rss": None if rss is None else rss << 10}
                for pid, comm, rss in digest.killed
            ],
        }
        for digest in digests
    ]


def _death(death: Death) -> dict[str, Any]:
    return {
        "pid": death.pid,
        "comm": comm_to_text(death.comm),
        "rss": death.rss,
        "swap": death.swap,
        "oom_score_adj": death.adj,
        "line": death.line,
    }


def _next(account: Account) -> dict[str, Any] | None:
    if account.next is None or account.explanation is None:
        return None
    (task, behind), tasks = account.next, account.explanation.report.system.tasks
    return {"pid": int(tasks.pid[task]), "comm": comm_to_text(tasks.comm[task]), "behind": behind}


def _totalpages(account: Account) -> dict[str, Any]:
    """Pages that oom_score_adj weighs by; of a log with where it comes from."""
    facts, explanation = account.facts, account.explanation
    if facts is None:
        own = None if explanation is None else explanation.report.totalpages
        return {"pages": own, "is_guess": False, "because": None}
    return {
        "pages": facts.totalpages,
        "is_guess": facts.totalpages_guessed,
        "because": printable(facts.totalpages_because),
    }


def _usage(account: Account) -> dict[str, Any]:
    usage = account.usage
    return {
        "processes": len(usage.processes),
        "rss": usage.rss,
        "capacity": usage.capacity,
        "by_name": [{"comm": comm_to_text(use.name), **_use(use)} for use in usage.names],
        "by_cgroup": [{"cgroup": _path(use.name), **_use(use)} for use in usage.cgroups],
        "by_kind": [_kind(kind) for kind in usage.kinds],
        "parts": [_kind(kind) for kind in usage.parts],
        "slab_caches": [{"name": printable(name), "size": size} for name, size in usage.slabs],
        "swap_total": usage.swap_total,
        "swap_used": usage.swap_used,
    }


def _path(name: bytes) -> str:
    return printable(name.decode(errors="surrogateescape"))


def _use(use: NameUse) -> dict[str, Any]:
    return {"processes": use.processes or None, "rss": use.rss, "swap": use.swap, "share": round(use.share, 4)}


def _kind(kind: Kind) -> dict[str, Any]:
    return {"kind": kind.key, "words": kind.words, "size": kind.size, "line": kind.line}


def _verdict(account: Account) -> dict[str, Any] | None:
    if account.verdict is None or account.reading is None:
        return None
    from oomsel.outputs.log_verdict import verdict_object

    return verdict_object(account.reading, account.verdict)


def _counters(account: Account, explanation: Explanation) -> dict[str, Any]:
    """How far off the approximate counters can be; pages, None where a log does not show how many CPUs there are."""
    is_known = account.reading is None or account.reading.changed or account.reading.facts.cpus is not None
    bound, tasks = explanation.bound, explanation.report.system.tasks
    return {
        "cpus": bound.cpus if is_known else None,
        "per_cpu": bound.per_cpu if is_known else None,
        "worst": bound.worst if is_known else None,
        "likely": round(bound.deviation, 1) if is_known else None,
        "deltas_known": explanation.deltas_known,
        "possible_victims": [
            {"pid": int(tasks.pid[task]), "comm": comm_to_text(tasks.comm[task])}
            for task in explanation.possible_victims
        ],
        "other_mode": {
            "mode": explanation.other.mode,
            "outcome": explanation.other.outcome.value,
            "does": outcome_phrase(explanation.other),
        },
    }


def _rescues(account: Account, explanation: Explanation) -> list[dict[str, Any]]:
    """None where what oom_score_adj weighs by, or a row, is not in the log."""
    evidence = account.evidence
    if evidence is not None and not evidence.gives_advice:
        return []
    guessed = None if evidence is None else evidence.guessed_total
    return [_rescue(explanation, index, guessed) for index in range(len(explanation.rescues))]


def _rescue(explanation: Explanation, index: int, guessed_total: int | None) -> dict[str, Any]:
    rescue, tasks = explanation.rescues[index], explanation.report.system.tasks
    return {
        "pid": int(tasks.pid[rescue.victim]),
        "comm": comm_to_text(tasks.comm[rescue.victim]),
        "oom_score_adj": rescue.adj,
        "mode": rescue.instead.mode,
        "then": outcome_phrase(rescue.instead),
        "then_panics": rescue.instead.panics,
        "guessed_totalpages": guessed_total,
    }


def _tasks(account: Account, explanation: Explanation) -> list[dict[str, Any]]:
    """Every task with its badness; of a log only those of its table, and no badness that hangs on an unknown total."""
    report = explanation.report
    view = TaskView(report)
    unseen = frozenset() if account.reading is None else account.reading.assumed_pids
    knows = account.evidence is None or account.evidence.candidates is None
    scores = TaskView(explanation.precise if report.system.rules.precise_oom else explanation.approximate)["oom_score"]
    low, high = explanation.interval.low.tolist(), explanation.interval.high.tolist()
    rows = []
    columns = (view["pid"], view["comm"], view["badness"], view["skip_reason"], view["killed"], view["oom_score_adj"])
    counters = view.counters()
    for task, (pid, comm, badness, skipped, killed, adj) in enumerate(zip(*columns, strict=True)):
        if pid in unseen:
            continue
        has_interval = account.reading is None and isinstance(badness, int)
        rows.append(
            {
                "pid": pid,
                "comm": comm_to_text(comm),
                "rss_pages": counters["rss"][task],
                "swap_pages": counters["swap"][task],
                "oom_score_adj": adj,
                "badness": badness if knows else None,
                "true_badness": [low[task], high[task]] if has_interval else None,
                "oom_score": scores[task] if knows else None,
                "skip_reason": skipped or None,
                "killed": killed,
            }
        )
    return rows
