"""How fast counter updates are replayed: beside a plain C loop that does the same, built by the system's cc."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from oomsel.kernel.designs import How, Percpu, Topology, Updates
from oomsel.kernel.designs.compiled import has_numba

CPUS, MMS = 256, 16

#: The same as our loop: percpu_counter_add_batch(), updates and folds counted, the largest error kept.
_C = """
#include <stdint.h>
#include <stdlib.h>
void replay(int64_t n, const int64_t *mms, const int64_t *member, const int64_t *cpu, const int64_t *amount,
            int64_t *count, int64_t *local, int64_t *updates, int64_t *folds, int64_t *lacks,
            int64_t *under, int64_t *over, int64_t cpus, int64_t batch)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t mm = mms[i], counter = 4 * mm + member[i];
        int64_t *slot = &local[counter * cpus + cpu[i]];
        int64_t before = *slot, sum = before + amount[i];
        if (llabs(sum) >= batch) {
            count[counter] += sum;
            folds[mm]++;
            sum = 0;
        }
        *slot = sum;
        updates[mm]++;
        lacks[mm] += sum - before;
        if (lacks[mm] > under[mm])
            under[mm] = lacks[mm];
        if (-lacks[mm] > over[mm])
            over[mm] = -lacks[mm];
    }
}
"""


class ReplayRatio(NamedTuple):
    """Two ways to replay the same updates; each returns counts, folds and worst errors, which are equal."""

    name: str
    target: float  #: ours is to take no more than so many times the other's
    ours: Callable[[], Any]
    other: Callable[[], Any]


def random_updates(number: int, seed: int = 1) -> Updates:
    """`number` updates of 16 processes on 256 CPUs: faults, a few huge ones, and what is unmapped."""
    random = np.random.default_rng(seed)
    amount = random.choice(np.array([1] * 13 + [16, 512, -64], np.int64), number)
    mm, cpu = (random.integers(0, limit, number, np.int64) for limit in (MMS, CPUS))
    member = random.integers(0, 2, number, np.int64)
    same = np.zeros(number, np.int64)
    return Updates(mm, member, cpu, same, amount, same + 1, same + How.BULK, same + 1)


def replay_ratio(number: int = 1_000_000) -> ReplayRatio | None:
    """What to measure; None where there is no C compiler."""
    loop = _c_loop()
    if loop is None:
        return None
    updates = random_updates(number)

    def ours() -> Any:
        percpu = Percpu(Topology.even(CPUS), MMS)
        percpu.replay(updates)
        return percpu.count, percpu.folds, percpu.most_under, percpu.most_over

    def other() -> Any:
        count, local = np.zeros(MMS * 4, np.int64), np.zeros(MMS * 4 * CPUS, np.int64)
        done, folds, lacks, under, over = np.zeros((5, MMS), np.int64)
        columns = (updates.mm, updates.member, updates.cpu, updates.amount)
        loop(number, *columns, count, local, done, folds, lacks, under, over, CPUS, 2 * CPUS)
        return count, folds, under, over

    ours()  # compiled, or loaded from the cache, outside of what is measured
    how = "numba" if has_numba() else "no numba"
    return ReplayRatio(f"replay {number} updates ({how}) / a plain C loop", 3.0, ours, other)


def _c_loop() -> Callable[..., None] | None:
    cc = shutil.which("cc") or shutil.which("gcc")
    if cc is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, built = os.path.join(folder, "replay.c"), os.path.join(folder, "replay.so")
        with open(source, "w", encoding="ascii") as file:
            file.write(_C)
        subprocess.run([cc, "-O2", "-shared", "-fPIC", "-o", built, source], check=True)
        function = ctypes.CDLL(built).replay
    function.restype = None
    array, number = np.ctypeslib.ndpointer(np.int64, flags="C_CONTIGUOUS"), ctypes.c_int64
    function.argtypes = [number, *[array] * 11, number, number]
    return function
