"""What a log adds to an explanation: what the kernel said, its memory, and what may be claimed of counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from oomsel.report.oom_report import OomReport
    from oomsel.scenario.log_reader import LogReading


class LogEvidence(NamedTuple):
    """Sentences, each a paragraph."""

    who: tuple[str, ...]  #: kernel says, oomsel says, and what stands between them
    memory: tuple[str, ...]
    how_wrong: tuple[str, ...]  #: how far the counters may be off, or why nobody can say


def log_evidence(reading: LogReading, report: OomReport) -> LogEvidence:
    """What the log behind `report`, the run in the mode of its release, has to say."""
    from oomsel.report.log_memory import memory_summary
    from oomsel.report.log_verdict import log_verdict

    verdict = log_verdict(reading, report)
    nothing = ("the outcome does not come from comparing badness, or the kernel's choice is not known",)
    return LogEvidence(
        tuple(map(sentence, (*reading.notes, *verdict.sentences))),
        tuple(map(sentence, memory_summary(reading.event, reading.facts))),
        tuple(map(sentence, verdict.counters or nothing)),
    )


def sentence(text: str) -> str:
    """`text` with a capital at its beginning, where that is a word, and a full stop at its end.

    >>> sentence("no swap")
    'No swap.'
    """
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
