"""Columns against the plain way to work the same out, one value at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oomsel
from oomsel.kernel.oom_kill import out_of_memory
from oomsel.kernel.percpu_counter import RssStat, percpu_counter_add_batch
from oomsel.kernel.system import Coded


@given(st.data())
def test_the_precise_sum_sees_online_and_dying_cpus(data: st.DataObject) -> None:
    cpus = data.draw(st.sets(st.integers(0, 40), min_size=1, max_size=9))
    online = data.draw(st.sets(st.sampled_from(sorted(cpus)), min_size=1))
    dying = data.draw(st.sets(st.sampled_from(sorted(cpus)))) - online
    bound = data.draw(st.sampled_from([10, (1 << 31) - 1]))  # int32 sums, and those that would overflow
    stat = RssStat.zeros(3, cpus, online, dying, batch=32)
    stat.bound = bound
    for slot in np.ndindex(stat.percpu.shape):
        stat.percpu[slot] = data.draw(st.integers(-bound, bound))
    for mm, member in np.ndindex(stat.count.shape):
        slots = [int(stat.percpu[mm, member, slot]) for cpu, slot in stat.slots.items() if cpu in online | dying]
        assert stat.summed()[mm, member] == stat.count[mm, member] + sum(slots)


@given(st.lists(st.sampled_from("abc"), max_size=9), st.sets(st.sampled_from("abc")))
def test_a_coded_column_is_its_list(column: list[str], wanted: set[str]) -> None:
    coded = Coded(column)
    assert coded == column
    assert [coded[task] for task in range(len(column))] == list(coded) == column
    assert coded.where(lambda value: value in wanted).tolist() == [value in wanted for value in column]


def test_a_column_of_one_value() -> None:
    column = Coded.same("a", 3)
    assert column == ["a"] * 3
    assert column != ["a"] * 4
    assert column.where(lambda value: value == "b").tolist() == [False] * 3


@pytest.mark.parametrize("mode", ["approximate", "precise"])
def test_a_report_knows_the_truth_whatever_it_read(mode: str) -> None:
    text = (
        "oomsel: 1\nmachine: {cpus: 2, ram: 1GiB}\ntasks: [{pid: 7, comm: a, rss: {anon: {count: 5, deltas: {1: 9}}}}]"
    )
    booted = oomsel.boot(oomsel.loads(text))
    percpu_counter_add_batch(booted.system.rss, 0, 1, 0, 3)
    assert out_of_memory(booted.system, booted.oc, mode).precise[0].tolist() == [0, 17, 0, 0]
