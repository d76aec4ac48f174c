"""What a log adds to an explanation: what the kernel said, its memory, what may be claimed of scores and counters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from oomsel.layout import aligned
from oomsel.text import printable, process_name

if TYPE_CHECKING:
    from oomsel.inputs.log.reading import LogReading
    from oomsel.inputs.log.rescore import Candidate
    from oomsel.kernel.event import OomReport
    from oomsel.outputs.log_choice import LogChoice
    from oomsel.outputs.log_verdict import LogVerdict

_SCOPES = {
    "CONSTRAINT_NONE": "every process is looked at",
    "CONSTRAINT_MEMCG": "only processes in the cgroup and below are looked at",
    "CONSTRAINT_CPUSET": "only processes that may use the nodes of the allocating one's cpuset are looked at",
    "CONSTRAINT_MEMORY_POLICY": "only processes without a memory policy, or with one that meets it, are looked at",
}


class LogEvidence(NamedTuple):
    """Sentences, each a paragraph; what is None is said as of any other scenario."""

    who: tuple[str, ...]  #: kernel says, oomsel says, and what stands between them
    memory: tuple[str, ...]
    how_wrong: tuple[str, ...]  #: how far the counters may be off, or why nobody can say
    knows_total: bool = True  #: whether totalpages is known, be it as a guess
    measure: str | None = None  #: what the scores are set against, where not all of it is known
    why: tuple[str, ...] | None = None  #: the choice, where badness cannot be computed
    candidates: tuple[str, ...] | None = None  #: lines of a table, where badness cannot be computed
    has_rows: bool = True  #: whether a row of the task table can be read
    gives_advice: bool = True  #: whether an oom_score_adj that saves the victim can be worked out
    guessed_total: int | None = None  #: the totalpages in pages by which it is, where that is a guess
    assumed_pids: frozenset[int] = frozenset()  #: pids that no line shows and nobody is to be told of


def log_evidence(reading: LogReading, report: OomReport) -> LogEvidence:
    """What the log behind `report`, the run in the mode of its release, has to say."""
    from oomsel.outputs.log_choice import LogChoice
    from oomsel.outputs.log_memory import memory_summary
    from oomsel.outputs.log_verdict import log_verdict

    choice = LogChoice(reading, report)
    verdict = log_verdict(choice)
    has_table = bool(reading.event.rows) or reading.event.no_killable is not None or reading.changed
    has_scores = has_table and (choice.knows_total or not choice.needs_total)
    return LogEvidence(
        tuple(map(sentence, (*reading.notes, *verdict.sentences))),
        tuple(map(sentence, memory_summary(reading.event, reading.facts))),
        tuple(map(sentence, verdict.counters or (_why_nothing(reading, verdict, choice),))),
        knows_total=choice.knows_total,
        measure=_measure(choice),
        why=None if has_scores else tuple(_why(choice)),
        candidates=None if has_scores else tuple(_candidates(choice, report)),
        has_rows=bool(reading.event.rows),
        gives_advice=choice.knows_total
        and bool(reading.event.rows)
        and choice.undecided is None
        and (reading.changed or (_is_told(choice) and not choice.lacks_rows)),
        guessed_total=None if choice.is_sure_of_total else choice.total,
        assumed_pids=reading.assumed_pids,
    )


def _is_told(choice: LogChoice) -> bool:
    """Whether the log says whom the kernel chose, or that it was to choose nobody, and by which release's rules."""
    event = choice.event
    if choice.facts.release is None and not choice.facts.is_simulated and "nr_pmds" not in event.columns:
        return False  # other columns than 4.0's are those of several formulas
    return choice.kernel is not None or (event.panic is not None and event.no_killable is None)


def _measure(choice: LogChoice) -> str | None:
    """The constraint and the total, as far as lines say them; None where they say all."""
    event = choice.event
    if (event.constraint is not None and choice.is_sure_of_total) or choice.reading.changed:
        return None
    if event.constraint is not None:
        name, scope = event.constraint, _SCOPES.get(event.constraint, "who is looked at is not known")
    elif event.is_memcg is False:
        name, scope = (
            "No cgroup ran out",
            "whether a cpuset or a memory policy confined the allocation is not in the log",
        )
    else:
        name, scope = "The constraint is not in the log", "nor then who was looked at"
    because = choice.facts.totalpages_because
    if not choice.knows_total:
        return f"{name}: {scope}; what badness is set against, totalpages, is not known: {because}."
    kind = "" if choice.is_sure_of_total else ", which is a guess"
    return f"{name}: {scope}; badness is set against {choice.total} pages{kind}: {because}."


def _why(choice: LogChoice) -> Iterator[str]:
    if choice.allocating:
        yield "vm.oom_kill_allocating_task is set: the allocating task is killed whatever its badness."
    elif not choice.event.rows:
        yield "Without a task table nobody's badness can be compared."
    elif choice.undecided is not None:
        yield "Who has the highest badness depends on how much memory there is in all, which the log no longer says."
    else:
        yield "oom_score_adj counts in thousandths of all memory, and how much that is the log no longer says."
        if (winner := choice.result.winner) is not None:
            whose = ", of the rows that are left," if choice.lacks_rows else ","
            yield f"However much that is{whose} {process_name(*winner.label)} has the most."


def _candidates(choice: LogChoice, report: OomReport) -> Iterator[str]:
    """Pages and oom_score_adj of who may be killed, the most pages first: of badness what the log does hold."""
    if not choice.event.rows:
        return
    killed = {int(report.system.tasks.live_pid[task]) for task in report.killed} if choice.undecided is None else set()
    most = sorted(choice.result.candidates, key=lambda found: -found.pages)[:_CLOSEST]
    rows = [("", "pid", "name", "pages", "oom_score_adj"), *(_row(found, killed) for found in most)]
    yield from (f"  {line}".rstrip() for line in aligned(rows, "<><>>"))
    if (more := len(choice.result.candidates) - _CLOSEST) > 0:
        yield f"  and {more} more"


_CLOSEST = 5


def _row(found: Candidate, killed: set[int]) -> tuple[str, ...]:
    mark = "killed" if found.row.pid in killed else ""
    return mark, str(found.row.pid), printable(found.label[1]), str(found.pages), str(found.adj)


def _why_nothing(reading: LogReading, verdict: LogVerdict, choice: LogChoice) -> str:
    """Why nothing is said of the counters."""
    if reading.changed:
        return "this is not the report any more but a what-if, and what its counters hid does not tell about it"
    if verdict.kernel is None:
        return "whom the kernel chose is not in the log" if not reading.event.ends else "the kernel chose nobody"
    if choice.allocating:
        return "the allocating task was killed without comparing badness"
    if not reading.event.rows:
        return "without a task table it cannot be said who else came near"
    if verdict.undecided is not None:
        return "who else came near cannot be said either"
    return "the kernel's choice does not lead the table, so that it cannot be said how far ahead it was"


def sentence(text: str) -> str:
    """`text` with a capital at its beginning, where that is a word, and a full stop at its end.

    >>> sentence("no swap")
    'No swap.'
    """
    first = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]
    return f"{first}{text[1:]}{'' if text.endswith('.') else '.'}"
