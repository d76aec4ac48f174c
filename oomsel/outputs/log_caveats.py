"""What else a person must know of a logged choice: what is missing, guessed, or does not add up, with its lines."""

from __future__ import annotations

from collections.abc import Iterator

from oomsel.inputs.log.facts import Facts, release_note
from oomsel.kernel.historic import historic_badness
from oomsel.klog.table import rss_parts
from oomsel.outputs.log_choice import LogChoice, thread_chosen
from oomsel.text import pages_of, printable, process_name

#: A table is printed after the choice, line by line; by so many pages a row may have moved since.
DRIFT = 1000


def caveats(choice: LogChoice) -> Iterator[str]:
    """Sentences, the gravest first."""
    facts, result = choice.facts, choice.result
    yield from _about_rows(choice)
    yield from _about_release(choice)
    yield from _about_totalpages(choice)
    yield from _about_group(choice)
    if not choice.reading.changed:
        yield from _about_snapshots(choice)
        yield from _about_parts(choice)
        yield from _about_score(choice)
    if not facts.is_simulated:
        printed = ""
        if not choice.reading.changed:
            printed = f", and but for its table printed in the form of {facts.kernel}"
        if facts.release is None:
            what = "the log does not show the kernel's release: by its table it is scored"
            yield f"{what} by {result.formula.name} formula, which is a guess{printed}"
        else:
            yield f"{release_name(facts)} is not simulated: it is scored by {result.formula.name} formula{printed}"


def grave_caveats(choice: LogChoice) -> Iterator[str]:
    """Of these, what could make the answer another."""
    yield from _about_rows(choice)
    yield from _about_release(choice)
    if choice.weighs_by_total:
        yield from _about_totalpages(choice)


def _about_rows(choice: LogChoice) -> Iterator[str]:
    """What is missing of the report, or counts and is not there."""
    event, facts, result = choice.event, choice.facts, choice.result
    missing = list(event.missing())
    if missing:
        what = "a row that is missing may be the true answer" if event.rows else "nobody but the victim is known"
        yield f"the report is incomplete: {'; '.join((*missing, *[what] * choice.lacks_rows))}"
    if result.unknown_columns:
        yield f"columns that no release has are not counted: {', '.join(result.unknown_columns)}"
    if result.missing_columns and facts.is_simulated and event.rows:
        yield f"columns that count are not in the table: {', '.join(result.missing_columns)}"


def _about_release(choice: LogChoice) -> Iterator[str]:
    note = release_note(choice.event, choice.reading.context)
    if note is not None:
        yield note


def _about_totalpages(choice: LogChoice) -> Iterator[str]:
    if choice.is_sure_of_total or not choice.event.rows:
        return
    what = f"totalpages: {choice.facts.totalpages_because}"
    if not choice.weighs_by_total:
        yield f"{what}; every oom_score_adj is the same, so that it changes nobody's place"
    elif choice.knows_total:
        yield f"{what}; oom_score_adj weighs by it, so another total may give another answer{_holds_for(choice)}"
    elif choice.undecided is not None:
        yield f"{what}; oom_score_adj weighs by it, and another total gives another answer{_holds_for(choice)}"
    else:
        yield f"{what}; oom_score_adj weighs by it, but whatever it is the same process leads the table"


def _holds_for(choice: LogChoice) -> str:
    """For which totalpages the kernel's victim leads the table, ahead of all and not only level."""
    victim = choice.victim
    if victim is None or choice.result.formula.scale != "pages":
        return ""
    low, high = 0, 1 << 51
    for other in choice.result.candidates:
        if other.row is victim.row:
            continue
        ahead, weight = victim.pages - other.pages, victim.adj - other.adj
        if weight > 0:
            low = max(low, -ahead // weight + 1 if ahead <= 0 else 0)
        elif weight < 0:
            high = min(high, (ahead - 1) // -weight if ahead > 0 else -1)
        elif ahead <= 0:
            high = -1
    if low > high:
        return "; with none does the kernel's choice lead the table"
    if high == 1 << 51:
        return f"; the kernel's choice leads from {low * 1000} pages on" if low else ""
    span = f"from {low * 1000} to" if low else "up to"
    return f"; the kernel's choice leads {span} {high * 1000 + 999} pages"


def _about_group(choice: LogChoice) -> Iterator[str]:
    event = choice.event
    if event.group is not None and len(event.killed) > 1:
        group = f"memory.oom.group of {printable(event.group[1])}, line {event.group[0]}"
        yield f"{len(event.killed) - 1} more died with the victim: {group}"
    if event.exiting is not None and not event.kills:
        yield f"it was exiting already when it was to be killed, line {event.exiting[0]}: nobody was"
    for pinned in event.pinned:
        yield (
            f"pid {process_name(pinned.pinner, pinned.pinner_comm)} shares the memory of pid {pinned.pid},"
            f" line {pinned.line}: nothing of it comes free"
        )
    if (thread := thread_chosen(event)) is not None and event.chosen is not None:
        yield f"pid {thread}, which line {event.chosen.line} names, is a thread of pid {event.kills[0].pid}"


def _about_snapshots(choice: LogChoice) -> Iterator[str]:
    kill = choice.event.kills[0] if choice.event.kills else None
    row = choice.event.row_of(kill.pid) if kill else None
    if kill is None or row is None or kill.rss is None:
        return
    now, before = pages_of(kill.rss, choice.facts.page_size), sum(rss_parts(row).values())
    off = abs(now - before)
    if off:
        way = "more" if now > before else "fewer"
        much = off > max(DRIFT, max(now, before) // 4)
        why = "more than a moment explains, one of the two may be damaged" if much else "two snapshots"
        pages = "page" if off == 1 else "pages"
        yield f"the kill line, line {kill.line}, has {off} {pages} {way} of RSS than the row, line {row.line}: {why}"


def _about_parts(choice: LogChoice) -> Iterator[str]:
    off = {row.line: abs((row.numbers["rss"] or 0) - sum(rss_parts(row).values())) for row in choice.event.rows}
    line = max(off, key=off.__getitem__, default=0)
    if off and off[line]:
        where = f"by up to {off[line]} pages, line {line}"
        yield f"rss is not the sum of its parts in every row, {where}: the parts are what counts here"


def _about_score(choice: LogChoice) -> Iterator[str]:
    """Where the old kernels printed a score, the same from the table."""
    chosen, total, formula = choice.event.chosen, choice.facts.totalpages, choice.result.formula
    candidate = choice.result.of(chosen.pid) if chosen else None
    if chosen is None or candidate is None or total is None or formula.scale == "raw":
        return
    points = candidate.score
    score = points if formula.scale == "permille" else max(points, 0) * 1000 // max(total, 1)
    plain = int(historic_badness(formula, candidate.pages, candidate.adj, total, is_root=False))
    if score == chosen.score:
        yield f"score {chosen.score}, line {chosen.line}, is what the table gives"
    elif candidate.is_root and plain * 1000 // max(total, 1) == chosen.score:
        what = f"score {chosen.score}, line {chosen.line}, is what the table gives without root's bonus"
        yield f"{what}: the task had no CAP_SYS_ADMIN"
    else:
        yield f"the kernel printed score {chosen.score}, line {chosen.line}; the table gives {score}"


def release_name(facts: Facts) -> str:
    """The release in a sentence."""
    return f"Linux {facts.release}" if facts.release else "the kernel, whose release the log does not show,"
