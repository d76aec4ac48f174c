"""Replayed traces against the counters that made them, and against what a real kernel's /proc said."""

from __future__ import annotations

import lzma
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.errors import InputError
from oomsel.inputs.source import source_of
from oomsel.inputs.trace.line import Lost
from oomsel.inputs.trace.reader import Piece, TraceReader
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS
from oomsel.study.trace_replay import TraceReplay
from oomsel.study.traced_mm import Batch, TracedMm
from tests.support import DATA
from tests.traces import FORMS, NAMES, Kernel

RSS = (MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES)


def feed(replay: TraceReplay, text: bytes) -> TraceReplay:
    for item in TraceReader(source_of(text), "trace.txt"):
        if isinstance(item, Piece):
            replay.feed(item)
        elif isinstance(item, Lost):
            replay.lose(item.cpu)
    return replay


def replayed(kernel: Kernel) -> TraceReplay:
    return feed(TraceReplay("trace.txt", kernel.cpus, kernel.batch, 4096), kernel.text())


def reads(replay: TraceReplay, mm: TracedMm) -> tuple[int, int]:
    """The approximate RSS, from and to."""
    ranges = [mm.counters[member].read(replay.batch, replay.cpus) or (0, 0) for member in RSS]
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def test_the_recorded_run_reads_what_proc_said() -> None:
    """401 times the program asked /proc/PID/stat for its rss and wrote it into the trace.

    The first time, line 327, it touched pages of its C library in between: what it had read is
    what the counters read six page faults before the marker.
    """
    lines = lzma.decompress((DATA / "trace" / "walk.txt.xz").read_bytes()).split(b"\n")
    replay = TraceReplay("walk", 2, 32, 4096)
    differ, begin, markers = [], 0, 0
    for number, line in enumerate(lines, 1):
        marker = re.search(rb"WALK rss=(\d+)", line)
        if marker is None:
            continue
        feed(replay, b"\n".join(lines[begin : number - 1]) + b"\n")
        begin, markers = number, markers + 1
        mm = replay.owner[24192]
        assert mm.comm == b"walk2"
        assert mm.is_new
        assert mm.is_exact(2)
        low, high = reads(replay, mm)
        assert low == high
        if low != int(marker[1]):
            differ.append((number, low, int(marker[1])))
    assert markers == 401
    assert differ == [(327, 311, 245)]
    before = feed(TraceReplay("walk", 2, 32, 4096), b"\n".join(lines[:320]) + b"\n")
    assert reads(before, before.owner[24192]) == (245, 245)


def test_the_recorded_run_from_its_middle_has_the_truth_in_its_range() -> None:
    lines = lzma.decompress((DATA / "trace" / "walk.txt.xz").read_bytes()).split(b"\n")
    for share in (3, 5, 8):
        start = len(lines) * share // 10
        replay = TraceReplay("walk", 2, 32, 4096)
        begin, widths, inside = start, [], 0
        for number in range(start, len(lines)):
            marker = re.search(rb"WALK rss=(\d+)", lines[number])
            if marker is None:
                continue
            feed(replay, b"\n".join(lines[begin:number]) + b"\n")
            begin = number + 1
            mm = replay.owner.get(24192)
            if mm is None or mm.counters[MM_FILEPAGES].size is None:
                continue
            low, high = reads(replay, mm)
            assert not mm.is_new
            widths.append(high - low)
            inside += low <= int(marker[1]) <= high
        assert inside >= len(widths) - 1
        assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("form", FORMS)
def test_processes_from_their_beginning_are_exact(form: str) -> None:
    kernel, chance = Kernel(cpus=5, form=form), random.Random(3)  # noqa: S311
    for mm in (11, 12):
        kernel.exec(mm, pid=mm, comm="x")
    for _ in range(3000):
        mm, amount = chance.choice([11, 12]), chance.choice([1, 1, 1, 16, 512, -1, -7, -40])
        kernel.add(mm, chance.choice(list(NAMES)), amount, cpu=chance.randrange(5), pid=mm, comm="x")
    replay = replayed(kernel)
    for mm in (11, 12):
        traced = replay.mms[mm]
        assert (traced.pid, traced.comm, traced.is_new) == (mm, b"x", True)
        for member in NAMES:
            counter = traced.counters[member]
            assert counter.size == max(kernel.size[mm, member], 0)
            if kernel.size[mm, member] >= 0 and traced.is_exact(5):
                assert counter.read(replay.batch, 5) == (kernel.read(mm, member),) * 2


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(list(NAMES)), st.sampled_from([1, 1, 2, 16, 40, 512, -1, -3, -33])),
    min_size=1,
    max_size=120,
)


@given(before=STEPS, after=STEPS, is_seen=st.booleans(), batch=st.sampled_from([2, 7, 32]))
def test_the_truth_is_in_the_range(
    before: list[tuple[int, int, int]], after: list[tuple[int, int, int]], is_seen: bool, batch: int
) -> None:
    """Whatever happened before the trace began, and whatever is lost from it."""
    kernel = Kernel(cpus=4, batch=batch)
    for member in NAMES:  # no sum falls below 0, where the event says 0
        kernel.add(1, member, 100_000)
    for cpu, member, amount in before:
        kernel.add(1, member, amount, cpu=cpu)
    if not is_seen:
        del kernel.lines[1:]
    for cpu, member, amount in after:
        kernel.add(1, member, amount, cpu=cpu)
    replay = replayed(kernel)
    for member in NAMES:
        counter = replay.mms[1].counters[member]
        if counter.size is None:
            continue
        low, high = counter.read(replay.batch, 4) or (0, 0)
        assert low <= kernel.read(1, member) <= high
        held_low, held_high = counter.held(replay.batch, 4)
        assert held_low <= sum(kernel.slot[1, member, cpu] for cpu in range(4)) <= held_high


@given(
    values=st.sets(st.integers(-6, 6), min_size=1),
    amounts=st.lists(st.integers(-20, 20)),
)
def test_a_set_of_values_is_that_of_each(values: set[int], amounts: list[int]) -> None:
    batch = Batch(7)

    def folded(value: int) -> int:
        for amount in amounts:
            value += amount
            if abs(value) >= 7:
                value = 0
        return value

    def bits(those: set[int]) -> int:
        return sum(1 << (value + 6) for value in those)

    expected = {folded(value) for value in values}
    assert batch.add(bits(values), amounts) == bits(expected)
    assert batch.range_of(bits(expected)) == (min(expected), max(expected))


def test_a_range_narrows_as_slots_fold() -> None:
    kernel = Kernel(cpus=2)
    kernel.add(1, MM_ANONPAGES, 5000)
    del kernel.lines[1:]
    widths = []
    for cpu, amount in ((0, 1), (0, 40), (0, 100), (1, -63), (1, 3)):
        kernel.add(1, MM_ANONPAGES, amount, cpu=cpu)
        low, high = replayed(kernel).mms[1].counters[MM_ANONPAGES].held(Batch(32), 2)
        widths.append(high - low)
    assert widths == [124, 93, 62, 0, 0]


def test_lost_events_void_what_they_touch() -> None:
    kernel = Kernel(cpus=3)
    kernel.exec(1)
    kernel.exec(2)
    for cpu in range(3):
        kernel.add(1, MM_FILEPAGES, 20, cpu=cpu)
        kernel.add(2, MM_FILEPAGES, 20, cpu=cpu)
    kernel.say("CPU:1 [LOST 5 EVENTS]")
    replay = replayed(kernel)
    counter = replay.mms[1].counters[MM_FILEPAGES]
    assert counter.size is None
    assert counter.read(replay.batch, 3) is None
    assert counter.slots == {0: 20, 2: 20}
    kernel.add(1, MM_FILEPAGES, 3, cpu=2)
    replay = replayed(kernel)
    counter = replay.mms[1].counters[MM_FILEPAGES]
    # CPU 1 may hold anything, and CPU 2, as its own add cannot be told from what was lost.
    assert counter.size == 63
    assert counter.held(replay.batch, 3) == (20 - 62, 20 + 62)
    assert not replay.mms[1].is_exact(3)
    assert replay.mms[2].counters[MM_FILEPAGES].size is None


def test_lost_by_nobody_knows_whom() -> None:
    kernel = Kernel()
    kernel.exec(1)
    kernel.add(1, MM_ANONPAGES, 20)
    kernel.say("x 1 [000] 1.000001: PERF_RECORD_LOST lost 3")
    kernel.add(1, MM_ANONPAGES, 1)
    counter = replayed(kernel).mms[1].counters[MM_ANONPAGES]
    assert counter.held(Batch(32), 2) == (-62, 62)


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_id_that_is_used_again_is_another_mm(is_whole: bool) -> None:
    """A struct mm_struct is freed with something in its slots, and the next one at its address begins with none."""
    kernel = Kernel()
    kernel.exec(1, pid=10, comm="first")
    kernel.add(1, MM_FILEPAGES, 20, pid=10, comm="first")
    kernel.add(1, MM_ANONPAGES, 90, pid=10, comm="first", cpu=1)
    kernel.exit(1, pid=10, comm="first")
    if not is_whole:
        before = kernel.text()
        kernel.lines = []
    kernel.add(1, MM_ANONPAGES, 8, pid=10, comm="parent", curr=0)
    kernel.add(1, MM_ANONPAGES, 9, pid=11, comm="second")
    replay = replayed(kernel) if is_whole else feed(feed(TraceReplay("x", 2, 32, 4096), before), kernel.text())
    mm = replay.mms[1]
    assert (mm.pid, mm.comm, mm.is_new, mm.is_exact(2)) == (11, b"second", True, True)
    assert mm.counters[MM_ANONPAGES].slots == {0: 17}
    assert list(replay.living()) == [mm]


def test_a_process_that_goes_on_to_another_mm_is_listed_once() -> None:
    kernel = Kernel()
    kernel.add(1, MM_ANONPAGES, 5000, pid=10)
    kernel.exec(2, pid=10)
    kernel.add(2, MM_ANONPAGES, 1, pid=10, comm="new")
    assert [(mm.mm_id, mm.comm) for mm in replayed(kernel).living()] == [(2, b"new")]


def test_the_lowest_of_threads_names_the_process() -> None:
    kernel = Kernel()
    kernel.exec(1, pid=50, comm="main")
    for pid, comm in ((52, "worker"), (50, "main"), (51, "worker")):
        kernel.add(1, MM_ANONPAGES, 1, pid=pid, comm=comm)
    kernel.add(1, MM_ANONPAGES, 1, pid=3, comm="kswapd0", curr=0)
    mm = replayed(kernel).mms[1]
    assert (mm.pid, mm.comm) == (50, b"main")


def test_a_sum_below_0_is_shown_as_0_and_hides_what_was_taken() -> None:
    kernel = Kernel()
    kernel.exec(1)
    kernel.add(1, MM_SWAPENTS, 2)
    kernel.add(1, MM_SWAPENTS, -4, cpu=1)
    kernel.add(1, MM_SWAPENTS, -1, cpu=1)
    replay = replayed(kernel)
    assert replay.simultaneous == 1
    assert 1 in replay.mms[1].counters[MM_SWAPENTS].sets


@pytest.mark.parametrize(
    ("cpus", "page_size", "says"),
    [
        (1, 4096, "CPU 1 in a trace of 1 CPU; state with --cpus how many were online"),
        (2, 65536, "a size of 4096 bytes is no whole number of pages of 65536; use --page-size"),
    ],
)
def test_refused(cpus: int, page_size: int, says: str) -> None:
    kernel = Kernel()
    kernel.exec(1, cpu=1)
    with pytest.raises(InputError) as raised:
        feed(TraceReplay("trace.txt", cpus, 32, page_size), kernel.text())
    assert str(raised.value) == f"trace.txt: {says}"
