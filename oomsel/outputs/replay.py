"""A replayed trace for a person, a spreadsheet or a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from oomsel.layout import aligned, folded, wrapped
from oomsel.outputs.cells import csv_line
from oomsel.text import comm_to_text, json_escaped, number_of, printable

#: The smallest and the largest that something may be, pages.
Range = tuple[int, int]

TOP = 10


class ReplayRow(NamedTuple):
    """What one design reads of one process at one moment; pages of RSS."""

    time: int  #: nanoseconds of the trace's clock
    pid: int | None  #: None where no event is its own
    comm: bytes
    mm_id: int
    design: str
    read: Range | None  #: None where nothing is known since events were lost
    truth: int | None  #: None where the trace does not hold it
    bound: Range | None  #: how much less and how much more than the truth the design may read; None for no bound
    known: str  #: `exact`, `range` or `lost`, and why
    missing: tuple[str, ...]  #: counters that no event has said yet; they are in neither number

    @property
    def error(self) -> Range | None:
        """What is read minus the truth."""
        if self.read is None or self.truth is None:
            return None
        return self.read[0] - self.truth, self.read[1] - self.truth

    @property
    def certain(self) -> int:
        """The error's magnitude, at least."""
        low, high = self.error or (0, 0)
        return max(low, -high, 0)

    @property
    def worst(self) -> int:
        """The error's magnitude, at most."""
        return max(map(abs, self.error or (0,)))


class VictimEvidence(NamedTuple):
    """oom:mark_victim beside what the updates up to there come to; pages of RSS."""

    time: int
    pid: int
    comm: bytes
    told: int | None  #: what the event read; None before 6.8, which tells no sizes
    truth: int | None
    replayed: Range | None

    @property
    def error(self) -> int | None:
        """What the event read minus the truth."""
        return None if self.told is None or self.truth is None else self.told - self.truth


COLUMNS = (
    "seconds",
    "pid",
    "name",
    "design",
    "read_low",
    "read_high",
    "truth",
    "error_low",
    "error_high",
    "bound_under",
    "bound_over",
    "known",
    "missing",
)
_HEADINGS = ("seconds", "pid", "name", "design", "reads", "truth", "error", "bound", "known")
#: Columns that stand above the table where every row has the same: seconds and design.
_SAID_ONCE = (0, 3)
_TITLE = "RSS in pages (anon + file + shmem) as each design reads it; error is what it\nreads minus the truth."


def seconds(time: int) -> str:
    """A time of the trace's clock as the trace writes it.

    >>> seconds(1676431061000)
    '1676.431061'
    """
    whole, rest = divmod(time, 10**9)
    fraction = f"{rest:09}"
    return f"{whole}.{fraction[:6] if fraction.endswith('000') else fraction}"


def _name(comm: bytes) -> str:
    return comm_to_text(comm) if comm else "?"


def row_object(row: ReplayRow) -> dict[str, Any]:
    """A row by `COLUMNS`; None where a number is not known."""
    read, error, bound = (pair or (None, None) for pair in (row.read, row.error, row.bound))
    values = (
        seconds(row.time),
        row.pid,
        _name(row.comm),
        row.design,
        *read,
        row.truth,
        *error,
        *bound,
        row.known,
        " ".join(row.missing),
    )
    return dict(zip(COLUMNS, values, strict=True))


def csv_pieces(rows: Iterable[ReplayRow]) -> Iterator[str]:
    """The rows as CSV, a line each; what is not known is an empty cell."""
    yield csv_line(COLUMNS)
    for row in rows:
        yield csv_line(row_object(row).values())


def json_text(rows: Iterable[ReplayRow], victims: Sequence[VictimEvidence], about: dict[str, Any]) -> str:
    """One object: what is known of the trace, its rows and its victims."""
    import json

    said = [
        {
            "seconds": seconds(victim.time),
            "pid": victim.pid,
            "name": _name(victim.comm),
            "told": victim.told,
            "truth": victim.truth,
            "error": victim.error,
            "replayed_low": victim.replayed[0] if victim.replayed else None,
            "replayed_high": victim.replayed[1] if victim.replayed else None,
        }
        for victim in victims
    ]
    found = {**about, "victims": said, "rows": list(map(row_object, rows))}
    return json_escaped(json.dumps(found, indent=2, ensure_ascii=False)) + "\n"


def victim_sentence(victim: VictimEvidence) -> str:
    """What oom:mark_victim and the updates together say."""
    who = f"{seconds(victim.time)}: oom:mark_victim: pid {victim.pid} ({printable(victim.comm) or '?'})"
    read = "tells no sizes, as before 6.8" if victim.told is None else f"read {number_of(victim.told, 'page')}"
    if victim.truth is None:
        return f"{who} {read}; the trace does not say how many it had. From 7.0 on the kill line does, precisely."
    if victim.told is None or victim.error is None:
        return f"{who} {read}; by the updates it had {victim.truth}."
    off = f"{abs(victim.error)} too {'many' if victim.error > 0 else 'few'}" if victim.error else "no more and no less"
    agreement = ""
    if victim.replayed is not None and not victim.replayed[0] <= victim.told <= victim.replayed[1]:
        agreement = f" Replayed, the counters read {_range(victim.replayed)}: not the same."
    return (
        f"{who} {read}, {off}: by the updates it had {victim.truth}. From 7.0 on the event still reads"
        f" approximately while the kernel's report is precise.{agreement}"
    )


def table_lines(rows: Iterable[ReplayRow], victims: Sequence[VictimEvidence], *, show_all: bool) -> list[str]:
    """The processes that are the furthest off, each over time, and the victims."""
    by_mm: dict[tuple[int, int | None], list[ReplayRow]] = {}
    for row in rows:
        by_mm.setdefault((row.mm_id, row.pid), []).append(row)
    order = sorted(by_mm.values(), key=_least_off_last)
    shown = order if show_all else order[:TOP]
    lines = [*_TITLE.split("\n"), *folded(map(victim_sentence, victims))]
    cells: list[tuple[str, ...]] = [_HEADINGS]
    notes: dict[str, str] = {}  #: how much is known of a process, each with its letter
    for each in shown:
        cells += [_cells(row, notes) for row in sorted(each, key=lambda row: row.time)]
    if shown:
        # A moment or a design that is every row's is said once.
        same = [at for at in _SAID_ONCE if len({row[at] for row in cells[1:]}) == 1]
        lines += [f"{_HEADINGS[at]}: {cells[1][at]}" for at in same]
        kept = [at for at in range(len(_HEADINGS)) if at not in same]
        sides = "".join(">><<>>>><"[at] for at in kept)
        lines += aligned([tuple(row[at] for at in kept) for row in cells], sides, gap=1)
        lines += [line for note, letter in notes.items() for line in wrapped(note, f"{letter}: ", "   ")]
    if len(order) > len(shown):
        lines.append(f"Not shown: {len(order) - len(shown)} processes that are less far off; --all shows all.")
    return lines


def _least_off_last(rows: list[ReplayRow]) -> tuple[int, int, int]:
    return -max(row.certain for row in rows), -max(row.worst for row in rows), rows[0].pid or 0


def _cells(row: ReplayRow, notes: dict[str, str]) -> tuple[str, ...]:
    bound = "none"
    if row.bound is not None:
        less, more = row.bound
        bound = f"±{less}" if less == more else f"-{less}..+{more}"
    missing = f"; no {', '.join(row.missing)} yet" if row.missing else ""
    return (
        seconds(row.time),
        "?" if row.pid is None else str(row.pid),
        printable(row.comm) or "?",
        row.design,
        _range(row.read),
        "?" if row.truth is None else str(row.truth),
        _range(row.error, "+d"),
        bound,
        notes.setdefault(f"{row.known}{missing}", f"({len(notes) + 1})"),
    )


def _range(pair: Range | None, form: str = "d") -> str:
    if pair is None:
        return "?"
    low, high = (format(end, form) if end else "0" for end in pair)
    return low if low == high else f"{low}..{high}"
