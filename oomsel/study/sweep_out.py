"""A sweep's rows as CSV, as Parquet, as a picture, and as a summary for a person."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from oomsel.errors import UsageError
from oomsel.outputs.cells import csv_line
from oomsel.study.grid import SweepRow

_MIB = 256  # pages of 4 KiB
_QUANTILES = (0.5, 0.95)


def csv_text(rows: Iterable[SweepRow]) -> str:
    """The table as CSV."""
    return "".join(map(csv_line, (SweepRow._fields, *rows)))


def _extra(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        name = module.partition(".")[0]
        raise UsageError(f"{name} is not installed; pip install {name}") from None


def check_extras(forms: Iterable[str]) -> None:
    """Raises UsageError if something is not installed that one of these forms needs."""
    for form in forms:
        if form != "csv":
            _extra("pyarrow" if form == "parquet" else "matplotlib")


def parquet_bytes(rows: Sequence[SweepRow]) -> bytes:
    """The table as Parquet.  Raises UsageError without pyarrow."""
    arrow, parquet = _extra("pyarrow"), _extra("pyarrow.parquet")
    columns = zip(*rows, strict=True)
    table = arrow.table({name: list(column) for name, column in zip(SweepRow._fields, columns, strict=True)})
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


class Point:
    """All seeds of one combination of the grid and one design."""

    def __init__(self, rows: Sequence[SweepRow]) -> None:
        self.row = rows[0]
        self.bound = self.row.bound
        self.worst = [int(np.quantile([row.worst for row in rows], q, method="higher")) for q in _QUANTILES]
        self.wrong = sum(row.wrong_victim for row in rows) / len(rows)


def points_of(rows: Iterable[SweepRow]) -> list[Point]:
    """The points, in the order of the rows."""
    groups: dict[tuple[Any, ...], list[SweepRow]] = {}
    for row in rows:
        groups.setdefault((*row[:4], row.design), []).append(row)
    return [Point(group) for group in groups.values()]


def summary_lines(rows: Iterable[SweepRow]) -> list[str]:
    """A line for each combination and design, over all seeds; MiB."""
    form = "{:>5} {:>7} {:>9} {:>6}  {:8}{:>9} {:>9} {:>9} {:>7}"
    lines = [form.format("cpus", "threads", "processes", "hop", "design", "median", "95%", "bound", "wrong")]
    for point in points_of(rows):
        row = point.row
        sizes = [f"{pages / _MIB:.1f}" for pages in (*point.worst, point.bound)]
        lines.append(form.format(*row[:4], row.design, *sizes, f"{point.wrong:.0%}"))
    lines.append("median, 95%: worst error of a process's RSS over the seeds, and its bound, in MiB; wrong: victims.")
    return lines


def picture(rows: Sequence[SweepRow], form: str) -> bytes:
    """Error against CPUs with quantiles and bounds, and how often the victim is wrong; `form` is png or svg.

    Raises UsageError without matplotlib.
    """
    matplotlib = _extra("matplotlib")
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "oomsel"  # the same picture for the same table
    matplotlib.rcParams["text.parse_math"] = False  # a dollar in a label is a dollar
    figure_module = _extra("matplotlib.figure")
    figure = figure_module.Figure(figsize=(9, 7), layout="constrained")
    error, wrong = figure.subplots(2, 1, sharex=True)
    for number, (label, points) in enumerate(_lines(rows).items()):
        cpus = [point.row.cpus for point in points]
        colour = f"C{number % 10}"
        medians, high = ([point.worst[q] / _MIB for point in points] for q in (0, 1))
        error.plot(cpus, medians, "o-", color=colour, label=label)
        error.fill_between(cpus, medians, high, color=colour, alpha=0.2)
        error.plot(cpus, [point.bound / _MIB for point in points], ":", color=colour)
        wrong.plot(cpus, [point.wrong for point in points], "o-", color=colour, label=label)
    error.set(xscale="log", yscale="symlog", ylabel="MiB", title="Worst error: median, 95 % and bound (dotted)")
    error.set_ylim(bottom=0)
    ticks = sorted({row.cpus for row in rows})
    error.set_xticks(ticks, [str(cpus) for cpus in ticks])
    error.minorticks_off()
    wrong.set(xlabel="CPUs", ylim=(-0.05, 1.05), title="Probability of the wrong victim")
    error.legend(fontsize="small")
    sink = io.BytesIO()
    # Without a date two pictures of one table are equal byte for byte.
    figure.savefig(sink, format=form, metadata={"Date": None} if form == "svg" else None)
    return sink.getvalue()


def _lines(rows: Iterable[SweepRow]) -> dict[str, list[Point]]:
    """The lines of the picture: points that differ only in their CPUs, by a label of what they have in common."""
    points = points_of(rows)
    varied = [at for at in (1, 2, 3) if len({point.row[at] for point in points}) > 1]
    lines: dict[str, list[Point]] = {}
    for point in points:
        label = ", ".join([point.row.design, *(f"{SweepRow._fields[at]} {point.row[at]}" for at in varied)])
        lines.setdefault(label, []).append(point)
    return {label: sorted(found, key=lambda point: point.row.cpus) for label, found in lines.items()}
