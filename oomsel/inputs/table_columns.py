"""A long task table straight into columns; one with any row of another form is left to `inputs.table`, row by row."""

from __future__ import annotations

import re
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt

from oomsel.inputs.table import without_prefix
from oomsel.kernel.percpu_counter import MEMBERS, NR_MM_COUNTERS, Int64s
from oomsel.kernel.system import Indices
from oomsel.klog.formats import TABLE_6_8, TASKS_STATE
from oomsel.scenario.columns import COUNTERS, NUMBERS, PGTABLES, TaskColumns, in_range
from oomsel.text import TASK_COMM_LEN, unsigned_uid

_NAMES = [column.name for column in TABLE_6_8.columns]
#: Numbers of at most 15 digits, a name of at most 15 bytes in which a backslash begins no escape.
_NUMBERS = 1 + len(_NAMES)
_NAME, _DIGITS = TASK_COMM_LEN - 1, 15
_ROW = re.compile(
    rb" *\[( *[0-9]{1,7})\]" + rb"( +-?[0-9]{1,%d})" % _DIGITS * len(_NAMES) + rb" [ -\[\]-~]{0,%d}" % _NAME
)
Chars: TypeAlias = npt.NDArray[np.uint8]
#: A row that has none of the first so many shapes is read by itself.
_MAX_SHAPES = 16


def columns_of_table(text: str, cpus: tuple[int, ...]) -> tuple[TaskColumns, list[int]] | None:
    """The rows of a table since 6.8 in `text`, and which of its lines, 0-based, are nothing of a table.

    None where a row is no process by its leader, out of range or damaged, and where any other line has brackets.
    """
    before, header, rest = text.partition(TABLE_6_8.header + "\n")
    if not header or before[-1:] not in ("", "\n") or not text.isascii() or "\0" in text:
        return None
    brackets = rest.count("[")
    end = rest.find("\n", rest.rfind("["))  # of the last row
    rows = rest[: end if end >= 0 else None].encode().split(b"\n")
    others = len(rows) - brackets  # lines between the rows
    if others:
        rows = [line for line in rows if b"[" in line]
    if not brackets or "[" in before or not len(rows) == brackets == rest.count("]"):
        return None
    read = _read(rows)
    if read is None:
        return None
    (pid, *cells), names = read
    by_name = dict(zip(_NAMES, cells, strict=True))
    parts = by_name["rss_anon"] + by_name["rss_file"] + by_name["rss_shmem"]
    if (pid != by_name["tgid"]).any() or not np.diff(np.sort(pid)).all() or (by_name["rss"] != parts).any():
        return None
    by_name["uid"] = unsigned_uid(by_name["uid"])
    counts = np.zeros((len(rows), NR_MM_COUNTERS), np.int64, order="F")
    for name, member in MEMBERS.items():
        counts[:, member] = by_name["swapents" if name == "swap" else f"rss_{name}"]
    numbers = {name: by_name[name] for name in NUMBERS if name != "pid"} | {"pid": pid}
    fits = all(in_range(name, column) for name, column in (*numbers.items(), ("counts", counts)))
    if not fits or int(numbers["total_vm"].min()) < 0:
        return None
    percpu = np.zeros((len(rows), NR_MM_COUNTERS, len(cpus)), np.int32)
    stated = np.full(len(rows), COUNTERS | PGTABLES)
    above = before.split("\n")[:-1]
    below = (rest if others else rest[end + 1 :] if end >= 0 else "").split("\n")
    first_below = len(above) + 1 + (0 if others else len(rows))
    strays = [number for number, line in enumerate(above) if _is_stray(line)]
    strays += [number for number, line in enumerate(below, first_below) if _is_stray(line)]
    return TaskColumns(cpus, names, **numbers, counts=counts, percpu=percpu, stated=stated), strays


def _is_stray(line: str) -> bool:
    return bool(line) and "[" not in line and without_prefix(line) not in ("", TASKS_STATE)


def _read(rows: list[bytes]) -> tuple[Int64s, npt.NDArray[np.bytes_]] | None:
    """The numbers, int64[pid and columns, row], and the names; None where a line is no row.

    Rows whose numbers end in the same places, as nearly all of a table do, are read together.
    """
    numbers = np.zeros((_NUMBERS, len(rows)), np.int64)
    names = np.zeros(len(rows), f"S{_NAME}")
    left: slice | Indices = slice(None)  # places of those that are still to be read
    for _ in range(_MAX_SHAPES):
        match = _ROW.fullmatch(rows[0])
        if match is None:
            return None
        spans = [match.span(group) for group in range(1, 1 + _NUMBERS)]
        name = spans[-1][1] + 1
        text = np.array(rows, f"S{name + _NAME + 1}")
        chars = np.ascontiguousarray(text.view(np.uint8).reshape(len(rows), -1).T)
        same = _have_shape(chars, spans)
        these, rows = left, [row for row, read in zip(rows, same.tolist(), strict=True) if not read]
        if rows:
            places = np.arange(len(names))[left]
            these, left, chars = places[same], places[~same], chars[:, same]
        numbers[:, these] = _numbers(chars, spans)
        names[these] = np.ascontiguousarray(chars[name : name + _NAME].T).view(f"S{_NAME}")[:, 0]
        if not rows:
            return numbers, names
    alone = [match for row in rows if (match := _ROW.fullmatch(row))]
    if len(alone) < len(rows):
        return None
    numbers[:, left] = np.transpose([list(map(int, match.groups())) for match in alone])
    names[left] = [match.string[match.end(_NUMBERS) + 1 :] for match in alone]
    return numbers, names


def _have_shape(chars: Chars, spans: list[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    """Which rows have blanks and then a number in each of the spans, and a name after them; bool[row].

    `chars` is uint8[place, row], 0 after the end of a row.
    """
    digit: npt.NDArray[np.bool_] = chars - ord("0") < 10
    blank: npt.NDArray[np.bool_] = chars == ord(" ")
    fits = digit.copy()
    fits[1:] |= (blank[1:] | (chars[1:] == ord("-"))) & blank[:-1]
    (pid, pid_end), last = spans[0], spans[-1][1]
    fits[: pid - 1] = blank[: pid - 1]
    fits[pid - 1] = chars[pid - 1] == ord("[")
    fits[pid] |= blank[pid]
    fits[pid_end] = chars[pid_end] == ord("]")
    for start, end in spans[1:]:
        blanks = slice(start, max(start + 1, end - _DIGITS - 1))
        fits[blanks] = blank[blanks]
    for _, end in spans:
        fits[end - 1] = digit[end - 1]
    fits[last] = blank[last]
    name = chars[last + 1 : -1]
    fits[last + 1 : -1] = (name == 0) | ((name >= ord(" ")) & (name <= ord("~")) & (name != ord("\\")))
    fits[-1] = chars[-1] == 0
    return cast("npt.NDArray[np.bool_]", fits.all(axis=0))


def _numbers(chars: Chars, spans: list[tuple[int, int]]) -> Int64s:
    """The number that ends each of the spans; int64[span, row] from uint8[place, row]."""
    digits = chars - np.uint8(ord("0"))
    digits *= (digits < 10).view(np.uint8)
    places = np.zeros((len(spans), 16, chars.shape[1]), np.uint8)
    for span, (start, end) in enumerate(spans):
        places[span, -(end - start) :] = digits[max(start, end - 16) : end]
    # Two by two, in types as narrow as the pairs: a digit at a time takes five times as long.  Each is stated, for
    # what NumPy makes of a narrow array and a wider scalar has changed, and a narrow product overflows in silence.
    twos = np.multiply(places[:, ::2], 10, dtype=np.uint8) + places[:, 1::2]
    fours = np.multiply(twos[:, ::2], 100, dtype=np.uint16) + twos[:, 1::2]
    eights = np.multiply(fours[:, ::2], 10_000, dtype=np.uint32) + fours[:, 1::2]
    numbers = np.multiply(eights[:, 0], 10**8, dtype=np.int64) + eights[:, 1].astype(np.int64)
    minus = chars == ord("-")
    for number, (start, end) in zip(numbers, spans, strict=True):
        if minus[start:end].any():
            np.negative(number, out=number, where=minus[start:end].any(axis=0))
    return numbers
