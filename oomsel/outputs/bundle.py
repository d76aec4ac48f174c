"""A Scenario as a bundle: a NumPy .npz, its tasks in arrays and everything else as the JSON of format 1.

Members: `scenario`, UTF-8 bytes of a JSON object like a scenario file whose tasks are a table
(the keys that have no array stand under `more`, by pid), and the arrays of `TaskColumns`, an
entry a task.  Nothing in it is pickled.
"""

from __future__ import annotations

import json
import zipfile
from functools import partial
from operator import ne
from typing import IO, Any

import numpy as np

from oomsel.scenario.columns import RANGES, TOTAL, TaskColumns
from oomsel.scenario.models import Scenario, Task
from oomsel.scenario.plain import plain


def save(scenario: Scenario, file: IO[bytes]) -> None:
    """Write `scenario` as a bundle; the same one always makes the same bytes."""
    tasks = TaskColumns.of_tasks(scenario.tasks, scenario.machine.cpus)
    more = _more(tasks)
    head = json.dumps(plain(scenario) | ({"more": more} if more else {}), ensure_ascii=False)
    arrays = {"scenario": np.frombuffer(head.encode(), np.uint8)} | {name: getattr(tasks, name) for name in RANGES}
    with zipfile.ZipFile(file, "w") as members:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy")  # numpy.savez() would put in the time of day
            info.create_system = 3
            with members.open(info, "w", force_zip64=True) as member:
                stored = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
                np.lib.format.write_array(member, stored, version=(1, 0), allow_pickle=False)


def _more(tasks: TaskColumns) -> dict[str, dict[str, Any]]:
    """What tasks state that has no array, by pid."""
    stated = (tasks.stated & TOTAL) != 0
    for name, column in tasks.coded.items():
        stated |= column.where(partial(ne, getattr(Task, name)))
    return {str(task.pid): _without_arrays(task) for task in (tasks[row] for row in np.flatnonzero(stated).tolist())}


def _without_arrays(task: Task) -> dict[str, Any]:
    said = plain(task, without=(*RANGES, "rss"))
    if task.rss is not None and task.rss.total is not None:
        said["rss"] = {"total": plain(task.rss)["total"]}  # swap has its array
    return said
