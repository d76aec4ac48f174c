"""The top of a page: what happened, whether the victim is the right one, and the key figures."""

from __future__ import annotations

from typing import NamedTuple

from oomsel.kernel.badness import LONG_MAX, LONG_MIN
from oomsel.kernel.event import Outcome
from oomsel.outputs.account import Account
from oomsel.outputs.first_screen import name_words, names_words, nobody_words, others_words, scope_words
from oomsel.outputs.log_evidence import sentence
from oomsel.outputs.page.holdings import explained, knows_badness
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
    happened = account.event is not None
    if account.ending == "panic":
        return "The machine panicked" if happened else "The machine would panic"
    if account.deaths:
        victim = account.deaths[0]
        more = f" and {len(account.deaths) - 1} more" if len(account.deaths) > 1 else ""
        did = ("were" if more else "was") if happened else "would be"
        return f"{name_words(victim.comm)} (pid {victim.pid}){more} {did} killed"
    words = nobody_words(account.ending)
    if words.startswith("not in the log"):
        return "Who was killed is not in the log"
    return words[:1].upper() + words[1:]


def kicker(account: Account) -> str:
    """What ran out, above the headline."""
    claim = "" if account.event is not None else "Simulated: " if account.reading is None else "What if: "
    words = scope_words(account.scope)
    return claim + words if claim else words[:1].upper() + words[1:]


def verdict(account: Account) -> Verdict:
    """Whether the kernel's choice is the right one, as far as the evidence goes."""
    if account.explanation is None:
        return Verdict("open", "?", account.why)
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
    confirmed = "The kernel's choice is confirmed from its table."
    if account.usage.lacks_rows:
        confirmed = "The kernel chose the one that the rows that are left give."
    said = (confirmed, *map(sentence, made.why))
    is_exact = explained(account).report.system.rules.precise_oom and reading.facts.is_simulated
    is_decided = made.interval is not None and not made.interval.rivals
    if is_exact or is_decided:
        return Verdict("right", "\N{CHECK MARK}", (*said, *account.evidence.how_wrong[:1]))
    return Verdict("open" if made.interval is not None else "plain", "?" if made.interval else "i",
                   (*said, *account.evidence.how_wrong[:1]))  # fmt: skip


def _of_scenario(account: Account) -> Verdict:
    explanation = explained(account)
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
    report, other = explained(account).report, explained(account).other
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
    asked, event = account.asked, account.event
    found = [("Seen", "; ".join(account.partial)), ("When", _when(account))]
    found.append(("UTC", account.utc if account.utc != account.when else None))
    found.append(("Kernel", account.release and f"Linux {account.release}"))
    if event is None and account.reading is None and explained(account).report.system.rules.percpu_rss:
        precise = explained(account).report.mode == "precise"
        found.append(("Counters read", "by summing every CPU" if precise else "approximately"))
    owner = names_words(account.victim_names)
    path = None if account.victim_cgroup == "/" else account.victim_cgroup
    found.append(("Victim's cgroup", path and f"{path}{f' ({owner})' * bool(owner)}"))
    for pinned in () if event is None else event.pinned:
        pinner = f"{name_words(pinned.pinner_comm)} (pid {pinned.pinner})"
        found.append(("Not freed", f"the victim's memory: {pinner} shares it, line {pinned.line}"))
    comm = "" if asked.comm is None else name_words(asked.comm)
    found.append(("Asked", asked.sentence(f"{comm} (pid {asked.pid})" if asked.pid else comm)))
    found.append(("Also", others_words(account.others)))
    return [(term, printable(words)) for term, words in found if words]


def _when(account: Account) -> str | None:
    is_stamp = account.event is not None and not account.event.date
    return (
        f"{account.when} s after boot" if is_stamp and (account.when or "").replace(".", "").isdigit() else account.when
    )


def cards(account: Account) -> list[Card]:
    """The key figures."""
    found: list[Card] = []
    if account.explanation is not None:
        found += _score_cards(account)
    freed = [death.rss for death in account.deaths if death.rss is not None]
    if freed and account.event is not None:
        count = "" if len(freed) == 1 else f", of {len(freed)} processes"
        found.append(Card("Freed, as the kernel reports", size_words(sum(freed)), f"RSS of the kill lines{count}"))
    elif account.explanation is not None and account.explanation.report.killed:
        found += _freed_cards(account)
    if account.explanation is not None:
        found += _margin_cards(account)
    scope = account.scope
    if scope.limit is not None:
        below = "of memory and swap" if scope.with_swap else "of memory"
        found.append(Card("Limit of the cgroup", size_words(scope.limit), below))
    elif scope.ram is not None:
        swap = f"and {size_words(scope.swap)} of swap" if scope.swap else "and no swap"
        found.append(Card("RAM", size_words(scope.ram), swap if scope.swap is not None else ""))
    return found


def _score_cards(account: Account) -> list[Card]:
    report = explained(account).report
    is_known = account.event is None or (account.verdict is not None and account.verdict.agrees is True)
    if report.chosen is None or report.allocating_task or not is_known or not knows_badness(account):
        return []
    points = int(report.points[report.chosen])
    return [] if points in (LONG_MIN, LONG_MAX) else [_score_card(account, points)]


def _margin_cards(account: Account) -> list[Card]:
    """How far the victim is ahead, and by how much a counter may be off."""
    report, found = explained(account).report, []
    if account.next is not None and account.next[1]:
        task, gap = account.next
        in_pages = report.system.scores_in_pages
        ahead = size_words(gap * report.system.page_size) if in_pages else f"{gap:,} points"
        found.append(Card("Ahead of the next", ahead, f"which is {report.name_of(task)}"))
    off = _counter_error(account)
    if off is not None:
        pages, why = off
        found.append(Card("A counter may be off by", f"±{size_words(pages * report.system.page_size)}", why))
    return found


def _score_card(account: Account, points: int) -> Card:
    report = explained(account).report
    if not report.system.scores_in_pages:
        return Card("Score of the victim", f"{points:,}", "points")
    return Card("Badness of the victim", f"{points:,}", f"pages, {size_words(points * report.system.page_size)}")


def _freed_cards(account: Account) -> list[Card]:
    report, size = explained(account).report, explained(account).report.system.page_size
    claimed, held = (freed_pages(report, counters) for counters in (report.counters, report.precise))
    found = [Card("Freed, as the kernel reports", size_words(claimed * size), f"{claimed:,} pages of RSS")]
    if explained(account).deltas_known and account.reading is None:
        apart = held - claimed
        below = f"{apart:+,} pages" if apart else "as reported"
        found.append(Card("Freed, in truth", size_words(held * size), below, is_bad=-apart * 100 > claimed))
    return found


def _counter_error(account: Account) -> tuple[int, str] | None:
    """Pages by which a counter may be off, and why."""
    if account.verdict is not None:
        interval = account.verdict.interval
        return None if interval is None else (interval.per_counter, f"with {interval.cpus} CPUs")
    explanation = explained(account)
    if not explanation.report.system.rules.percpu_rss or explanation.report.mode == "precise":
        return None
    bound = explanation.bound
    return bound.worst, f"{bound.per_cpu:,} pages on each of {bound.cpus} CPU{'s' * (bound.cpus != 1)}"
