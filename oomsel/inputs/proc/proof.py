"""What the oom_score of every process proves: who is eligible, how the kernel reads, whether MemTotal is its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oomsel.inputs.proc.machine import Machine
from oomsel.inputs.proc.process import Process
from oomsel.kernel.oom_score import scaled, totalpages_from
from oomsel.kernel.percpu_counter import Int64s
from oomsel.kernel.release import Release
from oomsel.kernel.system import OOM_SCORE_ADJ_MIN

Bools = npt.NDArray[np.bool_]


class Proof(NamedTuple):
    """Predicted oom_scores beside those that /proc said; processes are indices into those that were read."""

    compared: int  #: processes that are eligible
    predicted: int  #: those of them whose oom_score is as predicted, the counters read as the kernel reads them
    mode: str | None  #: approximate or precise; None where no process tells
    not_eligible: dict[str, list[int]]  #: why, and which
    total_is_own: bool | None  #: whether MemTotal and SwapTotal are the kernel's; None where no process tells
    total_least: int  #: pages of RAM and swap that oom_score divides by, at least
    total_most: int | None  #: and at most
    differing: int  #: processes whose RSS is another in `status` than in `stat`


def prove(processes: Sequence[Process], machine: Machine, release: Release) -> Proof:
    """Compare every process's oom_score with what its figures come to."""
    rules, total = release.rules, machine.totalpages
    indices = [index for index, process in enumerate(processes) if process.has_mm]
    having = [processes[index] for index in indices]
    unit = machine.page_size >> 10

    def column(values: list[int]) -> Int64s:
        return np.array(values, np.int64)

    adj = column([process.adj for process in having])
    score = column([process.score for process in having])
    beside_rss = column([process.swap // unit + process.pgtables // unit for process in having])
    held = {
        "approximate": beside_rss + column([process.stat.rss for process in having]),
        "precise": beside_rss + column([precise_rss(process, unit) for process in having]),
    }
    predicted: dict[str, Int64s] = {}
    for reading, pages in held.items():
        points = pages + adj * (total // 1000)
        predicted[reading] = scaled(points if rules.signed_badness else np.maximum(points, 1), total, rules)
    # A score of 0 where the figures come to more is of a process that is not eligible.
    refused = (score == 0) & (np.maximum(predicted["approximate"], predicted["precise"]) > 0)
    refused |= adj == OOM_SCORE_ADJ_MIN
    mode = _mode(predicted, score, ~refused)
    read = mode or ("precise" if rules.precise_oom else "approximate")
    is_own, least, most = _total(held, score, ~refused & (adj == 0), machine, release)
    return Proof(
        compared=int((~refused).sum()),
        predicted=int((~refused & (predicted[read] == score)).sum()),
        mode=mode,
        not_eligible=_reasons(processes, [index for index, is_out in zip(indices, refused, strict=True) if is_out]),
        total_is_own=is_own,
        total_least=least,
        total_most=most,
        differing=int((held["approximate"] != held["precise"]).sum()),
    )


def precise_rss(process: Process, kb_per_page: int) -> int:
    """Pages of anon, file and shmem as `status` has them."""
    return process.anon // kb_per_page + process.file // kb_per_page + process.shmem // kb_per_page


def _mode(predicted: dict[str, Int64s], score: Int64s, eligible: Bools) -> str | None:
    """The reading that the scores follow, of the processes whose scores differ by it; None where they are at odds."""
    telling = eligible & (predicted["approximate"] != predicted["precise"])
    right = {mode: int((telling & (scores == score)).sum()) for mode, scores in predicted.items()}
    best = max(right, key=lambda mode: right[mode])
    return best if right[best] > 0 and right[best] > 9 * (sum(right.values()) - right[best]) else None


def _total(
    held: dict[str, Int64s], score: Int64s, asked: Bools, machine: Machine, release: Release
) -> tuple[bool | None, int, int | None]:
    """Whether the scores fit MemTotal and SwapTotal, and the range that those that do, or that do not, leave."""
    total = machine.totalpages
    ranges: dict[bool, list[tuple[int, int | None]]] = {True: [], False: []}
    for low, high, own in zip(
        np.minimum(*held.values())[asked].tolist(),
        np.maximum(*held.values())[asked].tolist(),
        score[asked].tolist(),
        strict=True,
    ):
        if own < (666 if release.rules.signed_badness else 0):
            continue  # no score of oom_score_adj 0
        from_low, from_high = totalpages_from(low, own, release.rules), totalpages_from(high, own, release.rules)
        if from_low.most is None and high * 1000 < 3 * total:
            continue  # so little memory fits any total
        fits = from_low.least <= total and (from_high.most is None or total <= from_high.most)
        ranges[fits].append((from_low.least, from_high.most))
    # One that changed while it was read does not make a liar of MemTotal.
    is_own = len(ranges[True]) >= len(ranges[False])
    told = ranges[is_own]
    least = max((low for low, _ in told), default=1)
    most = min((high for _, high in told if high is not None), default=None)
    return (is_own if told else None), least, most


def _reasons(processes: Sequence[Process], refused: list[int]) -> dict[str, list[int]]:
    """Why each of the refused is not eligible, as far as /proc shows it."""
    score_of_mm: dict[str, int] = {}
    for process in processes:
        if process.mm is not None:
            score_of_mm[process.mm] = max(score_of_mm.get(process.mm, 0), process.score)
    reasons: dict[str, list[int]] = {}
    for index in refused:
        process = processes[index]
        if process.adj == OOM_SCORE_ADJ_MIN:
            why = "oom_score_adj -1000"
        elif process.pid == 1:
            why = "init"
        elif process.mm is not None and score_of_mm[process.mm] > 0:
            why = "vfork"
        else:
            why = "oom_skip"
        reasons.setdefault(why, []).append(index)
    return reasons
