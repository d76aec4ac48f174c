"""What a log adds to an explanation: what the kernel said, its memory, and what may be claimed of counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from oomsel.inputs.log.reading import LogReading
    from oomsel.kernel.event import OomReport
    from oomsel.outputs.log_verdict import LogVerdict


class LogEvidence(NamedTuple):
    """Sentences, each a paragraph."""

    who: tuple[str, ...]  #: kernel says, oomsel says, and what stands between them
    memory: tuple[str, ...]
    how_wrong: tuple[str, ...]  #: how far the counters may be off, or why nobody can say


def log_evidence(reading: LogReading, report: OomReport) -> LogEvidence:
    """What the log behind `report`, the run in the mode of its release, has to say."""
    from oomsel.outputs.log_memory import memory_summary
    from oomsel.outputs.log_verdict import log_verdict

    verdict = log_verdict(reading, report)
    return LogEvidence(
        tuple(map(sentence, (*reading.notes, *verdict.sentences))),
        tuple(map(sentence, memory_summary(reading.event, reading.facts))),
        tuple(map(sentence, verdict.counters or (_why_nothing(reading, verdict),))),
    )


def _why_nothing(reading: LogReading, verdict: LogVerdict) -> str:
    """Why nothing is said of the counters."""
    if reading.changed:
        return "this is not the report any more but a what-if, and what its counters hid does not tell about it"
    if verdict.kernel is None:
        return "whom the kernel chose is not in the log"
    kill = reading.event.kills[0] if reading.event.kills else None
    if kill is not None and "allocating" in kill.prefix:
        return "the allocating task was killed without a look at badness"
    if not reading.event.rows:
        return "without a task table it cannot be said who else came near"
    return "the kernel's choice does not lead the table, so that it cannot be said how far ahead it was"


def sentence(text: str) -> str:
    """`text` with a capital at its beginning, where that is a word, and a full stop at its end.

    >>> sentence("no swap")
    'No swap.'
    """
    first = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]
    return f"{first}{text[1:]}{'' if text.endswith('.') else '.'}"
