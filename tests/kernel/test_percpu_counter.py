"""The simulated percpu_counter: worked numbers of lib/percpu_counter.c, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.kernel.percpu_counter import (
    MM_ANONPAGES,
    MM_FILEPAGES,
    RssStat,
    percpu_counter_add_batch,
    percpu_counter_cpu_dead,
    percpu_counter_cpu_online,
    percpu_counter_read_positive,
    percpu_counter_sum_positive,
)


def counters(cpus: int, *, online: int | None = None, dying: int = 0, batch: int | None = None) -> RssStat:
    """One mm on a machine whose first CPUs are online and whose next ones are dying."""
    there = cpus - dying if online is None else online
    size = compute_batch_value(there) if batch is None else batch
    return RssStat.zeros(1, range(cpus), range(there), range(there, there + dying), size)


def add(stat: RssStat, cpu: int, amount: int, repeat: int = 1) -> None:
    percpu_counter_add_batch(stat, 0, MM_ANONPAGES, cpu, amount, repeat=repeat)


def state(stat: RssStat) -> tuple[int, int]:
    """What the two reads say about anon: (approximate, precise)."""
    reads = percpu_counter_read_positive(stat), percpu_counter_sum_positive(stat)
    return int(reads[0][0, MM_ANONPAGES]), int(reads[1][0, MM_ANONPAGES])


def slot(stat: RssStat, cpu: int) -> int:
    return int(stat.percpu[0, MM_ANONPAGES, stat.slots[cpu]])


@pytest.mark.parametrize(
    ("online", "batch"), [(1, 32), (15, 32), (16, 32), (17, 34), (32, 64), (250, 500), (1024, 2048)]
)
def test_the_batch(online: int, batch: int) -> None:
    assert compute_batch_value(online) == batch


def test_four_cpus() -> None:
    stat = counters(4)
    add(stat, 0, 1, 31)
    assert state(stat) == (0, 31)
    add(stat, 0, 1)
    assert (state(stat), slot(stat, 0)) == ((32, 32), 0)
    add(stat, 1, -5)
    assert state(stat) == (32, 27)
    add(stat, 1, 512)  # a huge page: it folds at once, and -5 rides along
    assert (state(stat), slot(stat, 1)) == ((539, 539), 0)


def test_an_over_report_of_five_times() -> None:
    stat = counters(256)
    add(stat, 0, 1000)
    for cpu in range(1, 5):
        add(stat, cpu, -200)
    assert state(stat) == (1000, 200)


def test_reads_are_clamped_at_zero() -> None:
    stat = counters(2)
    add(stat, 0, 20)
    add(stat, 1, -32)
    assert int(stat.count[0, MM_ANONPAGES]) == -32
    assert state(stat) == (0, 0)


def test_clamping_is_per_counter() -> None:
    stat = counters(2)
    add(stat, 0, 50)
    percpu_counter_add_batch(stat, 0, MM_FILEPAGES, 0, -50)
    assert percpu_counter_read_positive(stat)[0].tolist() == [0, 50, 0, 0]
    assert percpu_counter_sum_positive(stat)[0].tolist() == [0, 50, 0, 0]


@pytest.mark.parametrize(
    ("cpus", "bound"),
    [
        (2, 62),
        (4, 124),
        (16, 496),
        (32, 2016),
        (64, 8128),
        (128, 32640),
        (192, 73536),
        (250, 124750),
        (256, 130816),
        (384, 294528),
        (512, 523776),
        (1024, 2096128),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_what_the_approximate_read_can_hide(cpus: int, bound: int, sign: int) -> None:
    stat = counters(cpus)
    add(stat, 0, 10_000_000)
    for cpu in range(cpus):
        add(stat, cpu, sign, stat.batch - 1)
    approximate, precise = state(stat)
    assert (precise - approximate) * sign == bound
    add(stat, 0, sign)  # one more, and a CPU's share is known
    assert abs(precise + sign - state(stat)[0]) == bound - (stat.batch - 1)


@pytest.mark.parametrize(
    ("start", "amount", "count", "left"),
    [
        (0, 31, 0, 31),
        (0, 32, 32, 0),
        (0, -31, 0, -31),
        (0, -32, -32, 0),
        (31, 1, 32, 0),
        (-31, -1, -32, 0),
        (31, -62, 0, -31),
        (31, -63, -32, 0),
        (-5, 512, 507, 0),
        (5, 0, 0, 5),
    ],
)
def test_the_fold_is_at_the_batch_itself(start: int, amount: int, count: int, left: int) -> None:
    stat = counters(1)
    add(stat, 0, start)
    add(stat, 0, amount)
    assert (int(stat.count[0, MM_ANONPAGES]), slot(stat, 0)) == (count, left)


def test_a_dying_cpu_is_summed_and_one_that_is_offline_is_not() -> None:
    stat = counters(4, online=2, dying=1)
    stat.percpu[0, MM_ANONPAGES] = [1, 10, 100, 1000]
    assert state(stat) == (0, 111)


def test_a_dead_cpu_is_folded_and_no_other() -> None:
    stat = counters(20)
    assert stat.batch == 40
    for cpu in (0, 19):
        add(stat, cpu, 39)
    for cpu in (19, 18, 17, 16):
        percpu_counter_cpu_dead(stat, cpu)
    assert stat.batch == 32
    # CPU 0 keeps more than the new batch until it counts again.
    assert (state(stat), slot(stat, 0), slot(stat, 19)) == ((39, 78), 39, 0)
    add(stat, 0, -1)
    assert (state(stat), slot(stat, 0)) == ((77, 77), 0)
    percpu_counter_cpu_online(stat, 16)
    assert stat.batch == 34
    add(stat, 16, 33)
    assert state(stat) == (77, 110)


def test_a_dying_cpu_that_dies_is_folded() -> None:
    stat = counters(3, online=2, dying=1)
    stat.percpu[0, MM_ANONPAGES, 2] = 7
    percpu_counter_cpu_dead(stat, 2)
    assert (state(stat), stat.dying) == ((7, 7), set())


def test_sums_do_not_overflow_the_slots_32_bits() -> None:
    stat = counters(4, batch=1 << 30)
    for cpu in range(4):
        add(stat, cpu, (1 << 30) - 1)
    assert state(stat) == (0, 4 * ((1 << 30) - 1))


def test_slots_are_found_by_cpu_number() -> None:
    stat = RssStat.zeros(1, [3, 9], [3, 9], [], 32)
    add(stat, 9, 5)
    assert stat.percpu[0, MM_ANONPAGES].tolist() == [0, 5]


def test_one_mm_is_a_copy() -> None:
    stat = RssStat.zeros(2, range(2), range(2), [], 32)
    percpu_counter_add_batch(stat, 1, MM_ANONPAGES, 0, 40)
    alone = stat.of([1])
    add(alone, 0, 500)
    add(alone, 1, 3)
    assert state(alone) == (540, 543)
    assert int(stat.count[1, MM_ANONPAGES]) == 40
    assert not stat.percpu.any()


def test_exact_counters_have_no_error() -> None:
    stat = counters(4)
    add(stat, 0, 20)
    add(stat, 1, -3)
    stat.make_exact()
    assert state(stat) == (17, 17)
    add(stat, 2, 1)
    assert state(stat) == (18, 18)


amounts = st.integers(-600, 600)
ADDS = st.lists(st.tuples(st.integers(0, 15), amounts), max_size=60)


@given(cpus=st.integers(1, 16), batch=st.none() | st.integers(1, 100), adds=ADDS)
def test_the_precise_sum_is_the_truth_and_the_approximate_read_is_near(
    cpus: int, batch: int | None, adds: list[tuple[int, int]]
) -> None:
    stat = counters(cpus, batch=batch)
    total = 0
    for cpu, amount in adds:
        add(stat, cpu % cpus, amount)
        total += amount
        approximate, precise = state(stat)
        assert precise == max(0, total)
        assert abs(int(stat.count[0, MM_ANONPAGES]) - total) <= cpus * (stat.batch - 1)
        assert abs(approximate - precise) <= cpus * (stat.batch - 1)


@given(start=st.integers(-99, 99), amount=amounts, repeat=st.integers(1, 300), batch=st.integers(1, 100))
def test_repeat_is_the_same_as_adding_again_and_again(start: int, amount: int, repeat: int, batch: int) -> None:
    at_once, one_by_one = counters(1, batch=100), counters(1, batch=100)
    for stat in (at_once, one_by_one):
        add(stat, 0, start)
        stat.batch = batch  # smaller than what the slot may hold, as after a CPU went down
    add(at_once, 0, amount, repeat)
    for _ in range(repeat):
        add(one_by_one, 0, amount)
    assert np.array_equal(at_once.count, one_by_one.count)
    assert np.array_equal(at_once.percpu, one_by_one.percpu)


def test_a_billion_repeats_take_no_time() -> None:
    stat = counters(1)
    add(stat, 0, 3, 10**9)
    assert state(stat) == (3 * 10**9 - 3 * (10**9 % 11), 3 * 10**9)


@given(adds=ADDS, down=st.lists(st.integers(1, 15), unique=True))
def test_hotplug_loses_no_page(adds: list[tuple[int, int]], down: list[int]) -> None:
    stat = counters(16)
    for cpu, amount in adds:
        add(stat, cpu, amount)
    before = int(stat.summed()[0, MM_ANONPAGES])
    for cpu in down:
        percpu_counter_cpu_dead(stat, cpu)
    assert int(stat.summed()[0, MM_ANONPAGES]) == before
    assert stat.batch == max(32, 2 * (16 - len(down)))
