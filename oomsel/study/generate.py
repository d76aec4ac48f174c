"""Synthetic scenarios: any number of tasks and CPUs, the same bytes from the same seed on every platform.

Every number comes from PCG64's raw 64-bit output, which NumPy keeps the same for good (its
distributions it may change), through whole-number arithmetic alone.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.kernel.percpu_counter import (
    MM_ANONPAGES,
    MM_FILEPAGES,
    MM_SHMEMPAGES,
    MM_SWAPENTS,
    NR_MM_COUNTERS,
    Int64s,
)
from oomsel.scenario.columns import COUNTERS, PGTABLES, TaskColumns
from oomsel.scenario.models import Machine, Node, Scenario
from oomsel.text import number_of

Words: TypeAlias = npt.NDArray[np.uint32]

PAGE_SIZE = 4096
FIRST_PID = 1000
#: Tasks drawn at a time, so that the random words never take more room than the state they become.
_BLOCK = 1024
_NAMES = b"web db cache worker batch cron proxy queue sshd java python nginx".split()


class Recipe(NamedTuple):
    """What a synthetic scenario is made from."""

    tasks: int = 40
    cpus: int = 256
    nodes: int = 1
    seed: int = 0
    sizes: str = "heavy"  #: a key of `SIZES`
    leftovers: str = "uniform"  #: a key of `LEFTOVERS`
    contest: bool = False  #: two tasks between which approximate and precise choose differently


class _Draw:
    """Uniform whole numbers, in the order in which they are asked for."""

    def __init__(self, seed: int) -> None:
        self._raw = np.random.PCG64(seed)

    def below(self, bound: int, *shape: int) -> Int64s:
        """Numbers from 0 to bound - 1, with bound at most 2^32; int64[shape]."""
        size = int(np.prod(shape))
        words: Words = self._raw.random_raw((size + 1) // 2).astype("<u8").view("<u4")[:size]
        return ((words.astype(np.uint64) * np.uint64(bound)) >> np.uint64(32)).astype(np.int64).reshape(shape)


def _equal(draw: _Draw, tasks: int) -> Int64s:
    """100 MiB and a bit each, so that leftovers decide."""
    return 25600 + draw.below(512, tasks)


def _spread(draw: _Draw, tasks: int) -> Int64s:
    """Anything up to 1 GiB."""
    return draw.below(1 << 18, tasks)


def _heavy(draw: _Draw, tasks: int) -> Int64s:
    """Many small and a few big: each doubling half as frequent, from 1 MiB."""
    ones = draw.below(1 << 12, tasks)
    pages = np.full(tasks, 256, np.int64)
    for bit in range(1, 13):
        pages <<= ones % (1 << bit) == 0
    return pages + draw.below(256, tasks)


#: How big tasks are, in pages, by name.
SIZES: dict[str, Callable[[_Draw, int], Int64s]] = {"equal": _equal, "uniform": _spread, "heavy": _heavy}


def _uniform(draw: _Draw, tasks: int, cpus: int, most: int) -> Int64s:
    """Anything that a CPU can hold back."""
    return draw.below(2 * most + 1, tasks, NR_MM_COUNTERS, cpus) - most


def _worst(draw: _Draw, tasks: int, cpus: int, most: int) -> Int64s:
    """As much as every CPU can hold back, all of a task's in one direction."""
    sign = 2 * draw.below(2, tasks, 1, 1) - 1
    return np.broadcast_to(sign * most, (tasks, NR_MM_COUNTERS, cpus))


def _hopping(draw: _Draw, tasks: int, cpus: int, most: int) -> Int64s:
    """What a few threads leave behind that the scheduler moves about: something on every second CPU, never below 0."""
    return draw.below(most + 1, tasks, NR_MM_COUNTERS, cpus) * draw.below(2, tasks, 1, cpus)


def _settled(draw: _Draw, tasks: int, cpus: int, most: int) -> Int64s:
    """A task that stayed on a CPU and its three neighbours."""
    home = (np.arange(cpus, dtype=np.int64) - draw.below(cpus, tasks, 1, 1)) % cpus < 4
    return (draw.below(2 * most + 1, tasks, NR_MM_COUNTERS, cpus) - most) * home


#: What CPUs have not folded in, in pages below the batch, by name.
LEFTOVERS: dict[str, Callable[[_Draw, int, int, int], Int64s]] = {
    "uniform": _uniform,
    "worst": _worst,
    "hopping": _hopping,
    "settled": _settled,
}


def generate(recipe: Recipe) -> Scenario:
    """The scenario that `recipe` describes, its tasks in columns; the same recipe always gives the same."""
    draw, tasks = _Draw(recipe.seed), recipe.tasks
    rss = SIZES[recipe.sizes](draw, tasks)
    counts = np.zeros((tasks, NR_MM_COUNTERS), np.int64, order="F")
    counts[:, MM_FILEPAGES] = rss * draw.below(64, tasks) >> 8
    counts[:, MM_SHMEMPAGES] = rss * draw.below(16, tasks) >> 8
    counts[:, MM_ANONPAGES] = rss - counts[:, MM_FILEPAGES] - counts[:, MM_SHMEMPAGES]
    counts[:, MM_SWAPENTS] = rss * draw.below(8, tasks) >> 8
    adj = np.array([0, 0, 0, 0, 0, 0, -100, -500, 200, -1000], np.int64)[draw.below(10, tasks)]
    kinds = draw.below(len(_NAMES), tasks).tolist()
    percpu = np.zeros((tasks, NR_MM_COUNTERS, recipe.cpus), np.int32)
    most = compute_batch_value(recipe.cpus) - 1
    for first in range(0, tasks, _BLOCK):
        block = percpu[first : first + _BLOCK]
        block[:] = LEFTOVERS[recipe.leftovers](draw, len(block), recipe.cpus, most)
    made = TaskColumns(
        cpus=tuple(range(recipe.cpus)),
        pid=np.arange(FIRST_PID, FIRST_PID + tasks, dtype=np.int64),
        comm=np.array([b"%s-%d" % (_NAMES[kind], index) for index, kind in enumerate(kinds)], "S15"),
        uid=draw.below(200, tasks) + 1000,
        oom_score_adj=adj,
        total_vm=rss * 2 + 4096,
        pgtables_bytes=(rss // 512 + 8) * PAGE_SIZE,
        counts=counts,
        percpu=percpu,
        stated=np.full(tasks, COUNTERS | PGTABLES),
    )
    if recipe.contest:
        _add_contest(made, draw)
    made_of = f"{recipe.sizes} sizes, {recipe.leftovers} leftovers"
    title = f"{number_of(recipe.tasks, 'task')} on {number_of(recipe.cpus, 'CPU')}, seed {recipe.seed}: {made_of}"
    return Scenario(oomsel=1, title=title + ", a contest" * recipe.contest, machine=_machine(recipe, made), tasks=made)


def _add_contest(made: TaskColumns, draw: _Draw) -> None:
    """Make one task look bigger than all others, and another one truly bigger.

    Both have more than any other task in either mode, and differ in counted pages by less than
    their CPUs hold back: "over" has counted too many, "under" too few.
    """
    tasks, _, cpus = made.percpu.shape
    made.oom_score_adj[made.oom_score_adj > 0] = 0  # nobody's score is raised above theirs
    hidden = compute_batch_value(cpus) // 2
    top = int(made.total_vm.max()) + 8 * NR_MM_COUNTERS * cpus * hidden
    over = int(draw.below(tasks, 1)[0])
    under = (over + 1 + int(draw.below(tasks - 1, 1)[0])) % tasks
    for task, name, more, sign in ((over, b"over", 1, -1), (under, b"under", 0, 1)):
        made.comm[task] = name
        made.oom_score_adj[task] = 0
        made.pgtables_bytes[task] = (top // 512 + 8) * PAGE_SIZE
        made.total_vm[task] = 2 * top
        made.counts[task], made.percpu[task] = 0, 0
        made.counts[task, MM_ANONPAGES] = top + more
        made.percpu[task, MM_ANONPAGES] = sign * hidden


def _machine(recipe: Recipe, made: TaskColumns) -> Machine:
    """RAM that holds every task, a quarter to spare, in equal nodes of whole MiB."""
    resident = int(made.counts.sum()) - int(made.counts[:, MM_SWAPENTS].sum())
    share = -(-(resident * 5 // 4 + (1 << 18)) // (256 * recipe.nodes)) * 256
    edges = [recipe.cpus * node // recipe.nodes for node in range(recipe.nodes + 1)]
    nodes = {node: Node(ram=share, cpus=tuple(range(*between))) for node, between in enumerate(pairwise(edges))}
    return Machine(
        cpus=made.cpus,
        ram=share * recipe.nodes,
        swap=int(made.counts[:, MM_SWAPENTS].sum()),
        nodes=nodes if recipe.nodes > 1 else None,
    )
