"""Tasks in columns: whatever a task states can be asked for again, and put into another's row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.scenario.columns import TaskColumns
from oomsel.scenario.models import NOTHING, Counter, Cpuset, Interleave, ReaperLeaves, Rss, Task, Thread
from oomsel.scenario.plain import plain

CPUS = (0, 1, 2, 8)
deltas = st.dictionaries(st.sampled_from(CPUS), st.integers(-31, 31))
counters = st.none() | st.builds(Counter, count=st.integers(-2, 2), deltas=deltas | st.just(NOTHING))
parts = st.builds(Rss, anon=counters, file=counters, shmem=counters, swap=counters)
totals = st.builds(Rss, total=st.builds(Counter, count=st.integers(0, 2), deltas=deltas), swap=counters)
others = st.fixed_dictionaries(
    {},
    optional={
        "tgid": st.just(5),
        "uid": st.integers(0, (1 << 32) - 1),
        "oom_score_adj": st.integers(-1000, 1000),
        "total_vm": st.integers(0, 2),
        "pgtables_bytes": st.integers(0, 2),
        "rss": parts | totals,
        "flags": st.sampled_from([(), ("vfork",), ("init", "exiting"), ("exiting", "init")]),
        "mm": st.sampled_from("ab"),
        "thread": st.builds(Thread, pid=st.integers(50, 60), comm=st.sampled_from([None, b"", b"live"])),
        "memcg": st.sampled_from(["/", "/web"]),
        "cpuset": st.builds(Cpuset, name=st.sampled_from("/ab"), mems_allowed=st.sampled_from([None, (0,), (0, 4)])),
        "mempolicy": st.sampled_from([(0,), (4,), Interleave(interleave=(0,)), Interleave(interleave=(0, 4))]),
        "reaper_leaves": st.builds(ReaperLeaves, file=st.integers(0, 2), shmem=st.none() | st.integers(0, 2)),
    },
)
names = st.binary(max_size=15).filter(lambda name: 0 not in name)
tasks = st.builds(lambda pid, comm, other: Task(pid=pid, comm=comm, **other), st.integers(1, 1 << 22), names, others)


@given(st.lists(tasks, min_size=1, max_size=6))
def test_columns_state_what_the_tasks_stated(stated: list[Task]) -> None:
    columns = TaskColumns.of_tasks(stated, CPUS)
    assert list(map(vars, columns)) == list(map(vars, stated))
    assert list(map(repr, map(plain, columns))) == list(map(repr, map(plain, stated)))  # in the order of its CPUs, too
    assert (len(columns), columns[-1], columns[1:]) == (len(stated), stated[-1], tuple(stated[1:]))
    assert columns == stated
    assert TaskColumns.of_tasks(columns, CPUS) is columns


@given(st.lists(tasks, min_size=2, max_size=6), st.data())
def test_rows_can_be_put_into_others(stated: list[Task], data: st.DataObject) -> None:
    rows = sorted(data.draw(st.sets(st.sampled_from(range(len(stated))), min_size=1)))
    columns = TaskColumns.of_tasks([Task(pid=7, comm=b"") for _ in stated], CPUS)
    columns.put(rows, TaskColumns.of_tasks([stated[row] for row in rows], CPUS))
    wanted = [stated[row] if row in rows else Task(pid=7, comm=b"") for row in range(len(stated))]
    assert list(map(vars, columns)) == list(map(vars, wanted))


def test_explicit_zeros_make_no_difference() -> None:
    bare = Task(pid=7, comm=b"a")
    zeros = Task(pid=7, comm=b"a", pgtables_bytes=0, rss=Rss(anon=Counter()))
    assert bare != zeros
    assert TaskColumns.of_tasks([bare], CPUS) == [zeros]
    assert TaskColumns.of_tasks([bare], CPUS) != [Task(pid=7, comm=b"a", total_vm=0)]


def test_there_is_no_task_after_the_last() -> None:
    with pytest.raises(IndexError):
        TaskColumns.of_tasks([Task(pid=7, comm=b"a")], CPUS)[1]
