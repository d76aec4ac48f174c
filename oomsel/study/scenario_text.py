"""A synthetic scenario as YAML or JSON, one task a line, made piece by piece: a large one is never whole in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS
from oomsel.study.generate import Synthetic, sections

_MEMBERS = {"anon": MM_ANONPAGES, "file": MM_FILEPAGES, "shmem": MM_SHMEMPAGES, "swap": MM_SWAPENTS}


def yaml_pieces(made: Synthetic) -> Iterator[str]:
    """The scenario as YAML; joined they are the file."""
    head = (f"{key}: {_flow(value)}\n" for key, value in sections(made).items())
    return chain(head, ["tasks:\n"], (f"- {task}\n" for task in _tasks(made, "")))


def json_pieces(made: Synthetic) -> Iterator[str]:
    """The scenario as JSON; joined they are the file."""
    head = json.dumps(sections(made)).removesuffix("}")
    tasks = _tasks(made, '"')
    return chain([head, ', "tasks": [\n', next(tasks)], (f",\n{task}" for task in tasks), ["\n]}\n"])


def _flow(value: Any) -> str:
    """A value as YAML on one line: JSON with its keys bare."""
    return re.sub(r'"(\w+)": ', r"\1: ", json.dumps(value))


def _tasks(made: Synthetic, quote: str) -> Iterator[str]:
    """Every task as a mapping on one line, its keys and its name between quotes of that kind."""
    keys = [f"{quote}{key}{quote}: " for key in ("pid", "comm", "uid", "oom_score_adj", "total_vm", "pgtables_bytes")]
    scalars = zip(
        made.pid.tolist(),
        (f"{quote}{comm.decode()}{quote}" for comm in made.comm),
        made.uid.tolist(),
        made.oom_score_adj.tolist(),
        made.total_vm.tolist(),
        made.pgtables_bytes.tolist(),
        strict=True,
    )
    form = "{" + ", ".join(f"{key}%s" for key in keys) + f", {quote}rss{quote}: {{%s}}}}"
    cpus = [f"{quote}{cpu}{quote}: " for cpu in range(made.recipe.cpus)]
    for task, cells in enumerate(scalars):
        counters = (
            f"{quote}{name}{quote}: {_counter(made, task, member, cpus, quote)}" for name, member in _MEMBERS.items()
        )
        yield form % (*cells, ", ".join(counters))


def _counter(made: Synthetic, task: int, member: int, cpus: list[str], quote: str) -> str:
    slots = made.percpu[task, member]
    held = np.flatnonzero(slots)
    count = int(made.counts[task, member])
    if not len(held):
        return str(count)
    deltas = [f"{cpus[cpu]}{pages}" for cpu, pages in zip(held.tolist(), slots[held].tolist(), strict=True)]
    return f"{{{quote}count{quote}: {count}, {quote}deltas{quote}: {{{', '.join(deltas)}}}}}"
