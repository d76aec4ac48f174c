"""A long task table straight into columns; what is odd about one is left to `table_form`, row by row."""

from __future__ import annotations

import re
from itertools import chain

import numpy as np

from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, NR_MM_COUNTERS
from oomsel.klog.formats import TABLE_6_8
from oomsel.scenario.bundle_arrays import in_range
from oomsel.scenario.columns import TaskColumns

_NAMES = [column.name for column in TABLE_6_8.columns]
#: Numbers of at most 15 digits, a name of at most 15 bytes in which a backslash begins no escape.
_ROW = re.compile(r"^ *\[ *([0-9]{1,7})\](" + r" +-?[0-9]{1,15}" * len(_NAMES) + r") ([ -\[\]-~]{0,15})$", re.MULTILINE)


def columns_of_table(text: str, cpus: tuple[int, ...]) -> TaskColumns | None:
    """The rows of a table since 6.8 in `text`, if it has nothing but its header, such rows and lines without brackets.

    None where a row is anything else: not a process by its leader, out of range, damaged.
    """
    before, header, rest = text.partition(TABLE_6_8.header + "\n")
    if not header or "[" in before:
        return None
    rows = _ROW.findall(rest)
    if len(rows) * 2 != rest.count("[") + rest.count("]") or not rows:
        return None
    pids, numbers, names = zip(*rows, strict=True)
    flat = np.fromstring(" ".join(chain.from_iterable(zip(pids, numbers, strict=True))), np.int64, sep=" ")
    pid, *cells = np.ascontiguousarray(flat.reshape(len(rows), -1).T)
    by_name = dict(zip(_NAMES, cells, strict=True))
    if (pid != by_name["tgid"]).any() or len(np.unique(pid)) < len(pid):
        return None
    counts = np.zeros((len(rows), NR_MM_COUNTERS), np.int64, order="F")
    for name, member in (
        ("rss_anon", MM_ANONPAGES),
        ("rss_file", MM_FILEPAGES),
        ("rss_shmem", MM_SHMEMPAGES),
        ("swapents", MM_SWAPENTS),
    ):
        counts[:, member] = by_name[name]
    columns = TaskColumns(
        cpus,
        pid=pid,
        comm=np.array(names, "S15"),
        uid=np.where(by_name["uid"] < 0, by_name["uid"] + (1 << 32), by_name["uid"]),
        oom_score_adj=by_name["oom_score_adj"],
        total_vm=by_name["total_vm"],
        pgtables_bytes=by_name["pgtables_bytes"],
        counts=counts,
        percpu=np.zeros((len(rows), NR_MM_COUNTERS, len(cpus)), np.int32),
    )
    fits = all(in_range(name, getattr(columns, name)) for name in ("pid", "uid", "oom_score_adj", "pgtables_bytes"))
    return columns if fits and in_range("counts", counts) and int(columns.total_vm.min()) >= 0 else None
