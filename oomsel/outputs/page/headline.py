"""The top of a page: what happened, whether the victim is the right one, and the key figures."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.kernel.badness import LONG_MAX, LONG_MIN
from oomsel.kernel.event import Outcome
from oomsel.outputs.account import Account
from oomsel.outputs.first_screen import names_words, nobody_words, scope_words
from oomsel.outputs.log_evidence import sentence
from oomsel.outputs.sizes import size_words
from oomsel.outputs.summary import compare, freed_pages, pages_and_mebibytes
from oomsel.text import printable


class Verdict(NamedTuple):
    """Whether the victim is the right one."""

    kind: str  #: right, wrong, open, or plain where the question does not arise
    sign: str
    sentences: tuple[str, ...]


class Card(NamedTuple):
    """A key figure."""

    label: str
    value: str
    below: str
    is_bad: bool = False


def headline(account: Account) -> str:
    """What happened, in a few words; of a simulation what would."""
    happened = account.reading is not None and not account.reading.changed
    if account.ending == "panic":
        return "The machine panicked" if happened else "The machine would panic"
    if account.deaths:
        victim = account.deaths[0]
        more = f" and {len(account.deaths) - 1} more" if len(account.deaths) > 1 else ""
        did = ("were" if more else "was") if happened else "would be"
        return f"{printable(victim.comm)} (pid {victim.pid}){more} {did} killed"
    words = nobody_words(account.ending)
    if words.startswith("not in the log"):
        return "Who was killed is not in the log"
    return words[:1].upper() + words[1:]


def kicker(account: Account) -> str:
    """What ran out, above the headline."""
    claim = "Simulated: " if account.reading is None else "What if: " if account.reading.changed else ""
    words = scope_words(account.scope)
    return claim + words if claim else words[:1].upper() + words[1:]


def verdict(account: Account) -> Verdict:
    """Whether the kernel's choice is the right one, as far as the evidence goes."""
    if account.reading is not None and account.verdict is not None:
        return _of_log(account)
    return _of_scenario(account)


def _of_log(account: Account) -> Verdict:
    made, reading = account.verdict, account.reading
    assert made is not None
    assert reading is not None
    assert account.evidence is not None
    if reading.changed:
        return Verdict("plain", "i", (sentence(made.sentences[0]), "A what-if: nothing of it has happened."))
    if made.agrees is not True:
        return Verdict("open", "?", tuple(sentence(text) for text in (made.sentences[0], *made.why)))
    said = ("The kernel's choice is confirmed from its table.", *map(sentence, made.why))
    is_exact = account.explanation.report.system.rules.precise_oom and reading.facts.is_simulated
    is_decided = made.interval is not None and not made.interval.rivals
    if is_exact or is_decided:
        return Verdict("right", "\N{CHECK MARK}", (*said, *account.evidence.how_wrong[:1]))
    return Verdict("open" if made.interval is not None else "plain", "?" if made.interval else "i",
                   (*said, *account.evidence.how_wrong[:1]))  # fmt: skip


def _of_scenario(account: Account) -> Verdict:
    explanation = account.explanation
    report = explanation.report
    if report.outcome not in (Outcome.KILLED, Outcome.CHOSEN_DYING) or report.allocating_task:
        return Verdict("plain", "i", account.why)
    if not report.system.rules.percpu_rss:
        return Verdict("plain", "i", ("Before 6.2 the simulated counters are exact: both readings choose the same.",))
    if not compare(explanation.approximate, explanation.precise).agree:
        return _of_two_victims(account)
    count = len(explanation.possible_victims)
    if explanation.deltas_known:
        text = "The right victim: counted precisely, the same one is chosen."
    elif report.mode == "precise":
        text = "The right victim: this kernel sums every CPU."
    elif count > 1:
        text = f"The scenario does not say what each CPU holds: any of {count} tasks could rightfully be chosen."
        return Verdict("open", "?", (text,))
    else:
        text = "Whatever the CPUs hold, the same one is the right choice."
    return Verdict("right", "\N{CHECK MARK}", (text,))


def _of_two_victims(account: Account) -> Verdict:
    """The two readings of a scenario choose differently."""
    report, other = account.explanation.report, account.explanation.other
    instead = "nobody" if other.victim is None else other.victim
    if report.mode == "precise":
        text = f"The right victim: this kernel sums every CPU. Read approximately, {instead} would be chosen."
        return Verdict("right", "\N{CHECK MARK}", (text,))
    text = f"The wrong victim: counted precisely, {instead} would be chosen"
    cost = compare(report, other).cost
    more = f", which truly frees {pages_and_mebibytes(report, cost)} more" if cost > 0 else ""
    return Verdict("wrong", "\N{BALLOT X}", (f"{text}{more}.",))


def details(account: Account) -> list[tuple[str, str]]:
    """Terms and what stands for them: when, where, whose, who asked."""
    explanation, asked = account.explanation, account.asked
    found = [("When", account.when), ("UTC", account.utc if account.utc != account.when else None)]
    found.append(("Kernel", account.release and f"Linux {account.release}"))
    if account.reading is None and explanation.report.system.rules.percpu_rss:
        precise = explanation.report.mode == "precise"
        found.append(("Counters read", "by summing every CPU" if precise else "approximately"))
    owner = names_words(account.victim_names)
    path = None if account.victim_cgroup == "/" else account.victim_cgroup
    found.append(("Victim's cgroup", path and f"{path}{f' ({owner})' * bool(owner)}"))
    comm = "" if asked.comm is None else printable(asked.comm)
    found.append(("Asked", asked.sentence(f"{comm} (pid {asked.pid})" if asked.pid else comm)))
    return [(term, printable(words)) for term, words in found if words]


def cards(account: Account) -> list[Card]:
    """The key figures."""
    explanation = account.explanation
    report = explanation.report
    is_mine = account.log_event is None
    found: list[Card] = []
    knows = account.evidence is None or account.evidence.candidates is None
    if report.chosen is not None and knows and (is_mine or (account.verdict and account.verdict.agrees)):
        points = int(report.points[report.chosen])
        if points not in (LONG_MIN, LONG_MAX) and not report.allocating_task:
            found.append(_score_card(account, points))
    freed = [death.rss for death in account.deaths if death.rss is not None]
    if freed and not is_mine:
        count = "" if len(freed) == 1 else f", of {len(freed)} processes"
        found.append(Card("Freed, as the kernel reports", size_words(sum(freed)), f"RSS of the kill lines{count}"))
    elif report.killed:
        found += _freed_cards(account)
    if account.next is not None and account.next[1]:
        task, gap = account.next
        in_pages = report.system.scores_in_pages
        ahead = size_words(gap * report.system.page_size) if in_pages else f"{gap:,} points"
        found.append(Card("Ahead of the next", ahead, f"which is {report.name_of(task)}"))
    off = _counter_error(account)
    if off is not None:
        pages, why = off
        found.append(Card("A counter may be off by", f"±{size_words(pages * report.system.page_size)}", why))
    if account.scope.limit is not None:
        found.append(Card("Limit of the cgroup", size_words(account.scope.limit), "of memory and swap" if
                          account.scope.with_swap else "of memory"))  # fmt: skip
    elif account.scope.ram is not None:
        swap = f"and {size_words(account.scope.swap)} of swap" if account.scope.swap else "and no swap"
        found.append(Card("RAM", size_words(account.scope.ram), swap if account.scope.swap is not None else ""))
    return found


def _score_card(account: Account, points: int) -> Card:
    report = account.explanation.report
    if not report.system.scores_in_pages:
        return Card("Score of the victim", f"{points:,}", "points")
    return Card("Badness of the victim", f"{points:,}", f"pages, {size_words(points * report.system.page_size)}")


def _freed_cards(account: Account) -> list[Card]:
    report, size = account.explanation.report, account.explanation.report.system.page_size
    claimed, held = (freed_pages(report, counters) for counters in (report.counters, report.precise))
    found = [Card("Freed, as the kernel reports", size_words(claimed * size), f"{claimed:,} pages of RSS")]
    if account.explanation.deltas_known and account.reading is None:
        apart = held - claimed
        below = f"{apart:+,} pages" if apart else "as reported"
        found.append(Card("Freed, in truth", size_words(held * size), below, is_bad=-apart * 100 > claimed))
    return found


def _counter_error(account: Account) -> tuple[int, str] | None:
    """Pages by which a counter may be off, and why."""
    if account.verdict is not None:
        interval = account.verdict.interval
        return None if interval is None else (interval.per_counter, f"with {interval.cpus} CPUs")
    explanation = account.explanation
    if not explanation.report.system.rules.percpu_rss or explanation.report.mode == "precise":
        return None
    bound = explanation.bound
    return bound.worst, f"{bound.per_cpu:,} pages on each of {bound.cpus} CPU{'s' * (bound.cpus != 1)}"
