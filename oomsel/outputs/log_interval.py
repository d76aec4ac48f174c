"""Whether the counters' inaccuracy could have changed a logged choice: what every CPU may hold back, as bounds."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.inputs.log.facts import Facts
from oomsel.inputs.log.rescore import Candidate, Rescore, version_of
from oomsel.kernel.percpu_counter import compute_batch_value
from oomsel.kernel.release import parse_release
from oomsel.klog.table import rss_parts
from oomsel.outputs.log_choice import LogChoice
from oomsel.text import printable


class Rival(NamedTuple):
    """Somebody who could have been worse than the victim."""

    pid: int
    name: bytes
    margin: int  #: pages by which it may truly exceed the victim, at most


class Interval(NamedTuple):
    """Bounds on a choice; `rivals` the likeliest first."""

    per_counter: int  #: pages by which a counter may be off
    cpus: int
    rivals: tuple[Rival, ...]
    nearest: Rival | None  #: of those that could not, the one that comes closest; its margin is negative


def bounds(candidate: Candidate, per_counter: int, *, has_swap: bool) -> tuple[int, int]:
    """The least and the most that a task's score may truly be, if each counter is off by `per_counter` pages at most.

    What reads 0 may be anything from 0 up: reads are clamped there, and no true count is negative.
    """
    parts = rss_parts(candidate.row)
    counters = [(pages, 3 * per_counter if name == "total" else per_counter) for name, pages in parts.items()]
    if has_swap:
        counters.append((candidate.row.numbers.get("swapents") or 0, per_counter))
    least = candidate.score - sum(min(pages, off) for pages, off in counters)
    return least, candidate.score + sum(off for _, off in counters)


def interval_of(facts: Facts, result: Rescore, victim: Candidate) -> Interval | None:
    """The bounds, for the releases that count so and where the number of CPUs is known; else None.

    |approximate - precise| <= online CPUs * (batch - 1), for each counter of each mm.
    """
    if facts.cpus is None or not counts_per_cpu(facts):
        return None
    per_counter = facts.cpus * (compute_batch_value(facts.cpus) - 1)
    has_swap = facts.swap != 0
    least, _ = bounds(victim, per_counter, has_swap=has_swap)
    others = []
    for candidate in result.candidates:
        if candidate.row is not victim.row:
            most = bounds(candidate, per_counter, has_swap=has_swap)[1]
            others.append(Rival(*candidate.label, most - least))
    others.sort(key=lambda rival: -rival.margin)
    rivals = tuple(rival for rival in others if rival.margin >= 0)
    rest = others[len(rivals) :]
    return Interval(per_counter, facts.cpus, rivals, rest[0] if rest else None)


def counts_per_cpu(facts: Facts) -> bool:
    """Whether the release reads percpu_counters approximately: 6.2 to 6.19."""
    if not facts.is_simulated:
        return False
    rules = parse_release(facts.kernel).rules
    return rules.percpu_rss and not rules.precise_oom


def why_no_interval(facts: Facts) -> str:
    """What stands in the way of bounds, in a sentence."""
    if facts.release is None:
        return "the log does not show the kernel's release, so how exact its counters are cannot be said"
    if facts.is_simulated and parse_release(facts.kernel).rules.precise_oom:
        return f"Linux {facts.release} adds every CPU's share to its counters, so they are exact"
    if (version_of(facts.release) or facts.version) < (2, 6, 34):
        return f"Linux {facts.release} comes before counters that hold something back, as far as its number tells"
    if not counts_per_cpu(facts):
        return (
            f"Linux {facts.release} counts up to 64 faults of each thread apart, and a report does not show threads,"
            " so how far its counters are off cannot be said"
        )
    return f"{facts.cpus_because}; without it, whether the counters' inaccuracy mattered cannot be said"


def about_counters(choice: LogChoice) -> tuple[Interval | None, list[str]]:
    """The bounds, and sentences on whether the counters' inaccuracy could have mattered, or why nobody can say."""
    victim, winner, facts = choice.victim, choice.result.winner, choice.facts
    if choice.reading.changed or choice.allocating or victim is None or winner is None or winner.row is not victim.row:
        return None, []
    interval = interval_of(facts, choice.result, victim)
    if interval is not None and not choice.knows_total and choice.weighs_by_total:
        return None, ["as totalpages is not known, neither is whether the counters' inaccuracy mattered"]
    if interval is None:
        lines = [why_no_interval(facts)]
        if counts_per_cpu(facts):
            lines.append("a log does not hold what CPUs have not folded in: both modes read what the table shows")
        return None, lines
    is_guess = not choice.is_sure_of_total and choice.weighs_by_total
    premise = f"if totalpages is {choice.total}: " if is_guess else ""
    return interval, [premise + _interval_sentence(facts, interval)]


def _interval_sentence(facts: Facts, interval: Interval) -> str:
    size = facts.page_size >> 10
    cpus = f"{interval.cpus} CPU{'s' * (interval.cpus > 1)} ({facts.cpus_because})"
    off = f"with {cpus} each counter may be off by {interval.per_counter} pages ({interval.per_counter * size} kB)"
    if not interval.rivals:
        nearest = interval.nearest
        if nearest is None:
            return f"{off}; there was nobody else to choose"
        who = f"{nearest.pid} ({printable(nearest.name)})"
        return f"{off}, which cannot have changed the victim: the nearest, {who}, is {-nearest.margin} pages short"
    shown = ", ".join(f"{pid} ({printable(name)}) by up to {margin} pages" for pid, name, margin in interval.rivals[:3])
    more = f" and {len(interval.rivals) - 3} more" if len(interval.rivals) > 3 else ""
    return f"{off}: others may truly have been larger than the victim: {shown}{more}"
