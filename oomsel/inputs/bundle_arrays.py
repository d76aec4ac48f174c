"""The arrays of a bundle: read without pickle, each checked whole."""

from __future__ import annotations

import warnings
import zipfile
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from oomsel.errors import InputError, Problem
from oomsel.kernel.percpu_counter import NR_MM_COUNTERS
from oomsel.scenario.columns import RANGES, in_range
from oomsel.text import TASK_COMM_LEN

Array = npt.NDArray[Any]


def read_arrays(source: str, file: IO[bytes]) -> dict[str, Any]:
    """The members of a bundle, each of its right type and length, with values that are possible; else InputError."""
    if not zipfile.is_zipfile(file):
        raise damaged(source, "it is no zip file, or its end is missing")
    file.seek(0)
    try:
        arrays = _members(source, file)
    except InputError:
        raise
    except Exception as error:  # numpy parses a header as Python, and lets out whatever its tokenizer and eval raise
        raise damaged(source, " ".join(str(error).split()) or type(error).__name__) from None
    if arrays["scenario"].dtype != np.uint8:
        raise damaged(source, "scenario is no array of bytes")
    tasks, cpus = len(arrays["pid"]) if arrays["pid"].ndim else 0, arrays["percpu"].shape[-1:]
    shapes = {"counts": (tasks, NR_MM_COUNTERS), "percpu": (tasks, NR_MM_COUNTERS, *cpus)}
    for name, span in RANGES.items():
        array, shape = arrays[name], shapes.get(name, (tasks,))
        if array.shape != shape or not array.size:
            raise damaged(source, f"{name} has the shape {array.shape}, not {shape} with a task at least")
        if span is None:
            arrays[name] = _comms(source, array)
            continue
        if array.dtype.kind not in "iu":
            raise damaged(source, f"{name} has the type {array.dtype}; use whole numbers")
        if not in_range(name, array):
            low, high = span
            row = int(np.argwhere((array < low) | (array > high))[0][0])
            raise InputError(source, [Problem(f"row {row} is out of range; use {low} to {high}", path=name)])
        arrays[name] = np.ascontiguousarray(array, np.int32 if name == "percpu" else np.int64)
    pids, firsts, times = np.unique(arrays["pid"], return_index=True, return_counts=True)
    if len(pids) < tasks:
        row = int(firsts[times > 1][0])
        message = f"pid {arrays['pid'][row]} is there twice, first in row {row}; pids are unique"
        raise InputError(source, [Problem(message, path="pid")])
    return arrays


def _members(source: str, file: IO[bytes]) -> dict[str, Any]:
    # np.load warns about Python 2 headers; ignore.
    with warnings.catch_warnings(action="ignore"), np.load(file, allow_pickle=False) as members:
        wanted = ["scenario", *RANGES]
        if sorted(members.files) != sorted(wanted):
            has = ", ".join(members.files) or "none"
            raise damaged(source, f"it has the members {has}, not {', '.join(wanted)}")
        if any(info.compress_type != zipfile.ZIP_STORED for info in members.zip.infolist()):
            raise damaged(source, "a member is compressed; numpy.savez() stores them as they are")
        arrays = {name: members[name] for name in wanted}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise damaged(source, f"{name} is no array")
    return arrays


def _comms(source: str, array: Array) -> Array:
    if array.dtype.kind != "S" or array.dtype.itemsize > TASK_COMM_LEN - 1:
        raise damaged(source, f"comm has the type {array.dtype}; use bytes, at most {TASK_COMM_LEN - 1}")
    comms = np.ascontiguousarray(array, "S15")
    chars = comms.view(np.uint8).reshape(len(comms), -1)
    if ((chars[:, :-1] == 0) & (chars[:, 1:] != 0)).any():
        raise damaged(source, "a comm holds the byte 0, where a name ends")
    return comms


def damaged(source: str, what: str) -> InputError:
    """The error of a bundle that is not what outputs/bundle.py writes."""
    return InputError(source, [Problem(f"a damaged bundle: {what}; make it again with oomsel convert")])
