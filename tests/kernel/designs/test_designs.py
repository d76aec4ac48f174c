"""Every design against worked numbers, and the laws that all of them keep."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oomsel.kernel.designs import DESIGNS, Costs, Design, How, Percpu, Pernode, Split, Topology, Tree
from oomsel.kernel.designs.compiled import Loop, has_numba
from oomsel.kernel.designs.tree import FANOUTS
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SWAPENTS, RssStat, percpu_counter_add_batch
from oomsel.kernel.two_pass import accuracy_of
from tests.kernel.designs.support import add, items_of, most_lacking, updates_of

ANON = MM_ANONPAGES


@pytest.fixture(autouse=True, params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["plain", "numba"])
def _loops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param and not has_numba():
        pytest.skip("numba is not installed")
    monkeypatch.setattr(Loop, "compiled", request.param)


def reads(design: Design, member: int = ANON) -> tuple[int, int]:
    return int(design.read()[0, member]), int(design.summed()[0, member])


# Per-thread caches, Linux 6.1.


def test_split_folds_at_the_start_of_every_66th_fault() -> None:
    split = Split(Topology.even(4))
    seen = []
    for fault in range(1, 201):
        before = reads(split)[0]
        add(split, 0, ANON, 1)
        if reads(split)[0] != before:
            seen.append((fault, reads(split)[0]))
    assert seen == [(66, 65), (132, 131), (198, 197)]
    assert int(split.most_under[0]) == 66
    assert split.costs(0) == Costs(atomics=3)


def test_split_reads_0_after_65_faults() -> None:
    split = Split(Topology.even(4))
    add(split, 0, ANON, 1, repeat=65)
    assert reads(split) == (0, 65)


def test_split_hides_5900_pages_of_100_threads() -> None:
    split = Split(Topology.even(4), 1, [0] * 100)
    for thread in range(100):
        add(split, 0, ANON, 1, thread=thread, repeat=256)
    assert reads(split) == (19700, 25600)
    assert int(split.lacks[0]) == 5900


def test_split_counts_faults_not_pages() -> None:
    split = Split(Topology.even(4))
    add(split, 0, MM_FILEPAGES, 16, repeat=65)
    assert reads(split, MM_FILEPAGES) == (0, 1040)
    add(split, 0, MM_FILEPAGES, 16)
    assert reads(split, MM_FILEPAGES) == (1040, 1056)
    assert split.accuracy() is not None
    assert split.accuracy().under.tolist() == [1056]  # type: ignore[union-attr]


def test_split_huge_faults_and_bulk_go_straight_to_the_mm() -> None:
    split = Split(Topology.even(4))
    add(split, 0, ANON, 1, repeat=10)
    add(split, 0, ANON, 512, how=How.HUGE)
    assert reads(split) == (512, 522)
    add(split, 0, ANON, -100, how=How.BULK)  # folds first
    assert reads(split) == (422, 422)
    add(split, 0, ANON, 1, repeat=65)  # the count of faults began anew
    assert reads(split) == (422, 487)


def test_split_has_no_bound_once_pages_are_inserted_without_faults() -> None:
    split = Split(Topology.even(4))
    add(split, 0, ANON, 1, how=How.INSERT, repeat=100_000)
    assert reads(split) == (0, 100_000)
    assert split.accuracy() is None


def test_split_bound_is_66_pages_a_thread() -> None:
    split = Split(Topology.even(4), 2, [0] * 5 + [1])
    assert split.accuracy().under.tolist() == [330, 66]  # type: ignore[union-attr]


# Per-CPU counters, Linux 6.2.


def test_percpu_folds_at_the_batch_and_takes_the_residue_along() -> None:
    percpu = Percpu(Topology.even(4))
    add(percpu, 0, ANON, 1, cpu=0, repeat=31)
    assert reads(percpu) == (0, 31)
    add(percpu, 0, ANON, 1, cpu=0)
    assert reads(percpu) == (32, 32)
    assert not percpu.slots.any()
    add(percpu, 0, ANON, -5, cpu=1)
    assert reads(percpu) == (32, 27)
    add(percpu, 0, ANON, 512, cpu=1)
    assert reads(percpu) == (539, 539)
    assert percpu.costs(0) == Costs(locks=2)


def test_percpu_may_read_five_times_too_much() -> None:
    percpu = Percpu(Topology.even(256))
    add(percpu, 0, ANON, 1000, cpu=0)
    for cpu in range(1, 5):
        add(percpu, 0, ANON, -200, cpu=cpu)
    assert reads(percpu) == (1000, 200)
    assert int(percpu.most_over[0]) == 800


def test_percpu_may_be_negative_before_it_is_clamped() -> None:
    percpu = Percpu(Topology.even(2))
    add(percpu, 0, ANON, 20, cpu=0)
    add(percpu, 0, ANON, -32, cpu=1)
    assert reads(percpu) == (-32, -12)


def test_percpu_hides_511_pages_on_each_of_256_cpus() -> None:
    percpu = Percpu(Topology.even(256))
    for cpu in range(256):
        add(percpu, 0, ANON, 511, cpu=cpu)
    assert reads(percpu) == (0, 130816)
    assert percpu.sum_costs() == Costs(locks=1, remote_lines=256)


PERCPU_BOUNDS = {2: 62, 4: 124, 16: 496, 32: 2016, 64: 8128, 128: 32640, 192: 73536, 250: 124750, 256: 130816}
PERCPU_BOUNDS |= {384: 294528, 512: 523776, 1024: 2096128}


@pytest.mark.parametrize(("cpus", "bound"), PERCPU_BOUNDS.items())
def test_percpu_bound_grows_with_the_square_of_the_cpus(cpus: int, bound: int) -> None:
    assert Percpu(Topology.even(cpus)).accuracy().under.tolist() == [bound]
    if cpus >= 16:
        assert bound == cpus * (2 * cpus - 1)


# Per-node atomics.


def test_pernode_folds_at_32() -> None:
    pernode = Pernode(Topology.even(4, 2))
    add(pernode, 0, ANON, 1, cpu=0, repeat=31)
    add(pernode, 0, ANON, 1, cpu=3, repeat=31)
    assert reads(pernode) == (0, 62)
    add(pernode, 0, ANON, 1, cpu=1)  # of the same node as CPU 0
    assert reads(pernode) == (32, 63)
    assert pernode.costs(0) == Costs(atomics=63 + 2)
    assert pernode.sum_costs() == Costs(remote_lines=2)


@pytest.mark.parametrize(("nodes", "bound"), [(2, 62), (8, 248), (32, 992), (64, 992)])
def test_pernode_bound_is_31_pages_a_node(nodes: int, bound: int) -> None:
    assert Pernode(Topology.even(64, nodes)).accuracy().over.tolist() == [bound]


@pytest.mark.parametrize(("cpus", "shift", "batch"), [(256, 6, 32), (4096, 6, 128), (4096, 10, 32)])
def test_pernode_batch(cpus: int, shift: int, batch: int) -> None:
    assert Pernode(Topology.even(cpus, 2), nodes_shift=shift).batch == batch


# The tree.


def tree_of_8() -> Tree:
    return Tree(Topology.even(8))


def test_tree_carries_in_units() -> None:
    tree = tree_of_8()
    add(tree, 0, ANON, 1, repeat=100)
    assert reads(tree) == (0, 100)
    assert (items_of(tree, 0, ANON, 1)[0], items_of(tree, 0, ANON, 2)[0]) == (96, 64)
    add(tree, 0, ANON, 1, repeat=28)
    assert reads(tree) == (128, 128)


def test_tree_of_full_leaves() -> None:
    tree = tree_of_8()
    for cpu in range(8):
        add(tree, 0, ANON, 1, cpu=cpu, repeat=31)
    assert reads(tree) == (0, 248)
    for cpu in range(8):
        add(tree, 0, ANON, 1, cpu=cpu)
    assert reads(tree) == (256, 256)
    assert items_of(tree, 0, ANON, 1).tolist() == [64] * 4
    assert items_of(tree, 0, ANON, 2).tolist() == [128] * 2


@pytest.mark.parametrize(
    ("amount", "cpu", "root", "one", "two"),
    [(-1, 3, -128, (3, -32), (1, -64)), (1000, 5, 896, (1, 992), (1, 960))],
)
def test_tree_of_one_add(amount: int, cpu: int, root: int, one: tuple[int, int], two: tuple[int, int]) -> None:
    tree = tree_of_8()
    add(tree, 0, ANON, amount, cpu=cpu)
    assert reads(tree) == (root, amount)
    for level, (item, value) in ((1, one), (2, two)):
        assert items_of(tree, 0, ANON, level)[item] == value


#: CPUs: fan-outs, items, documented under and over, and what a settled tree can reach; pages.
TREES = {
    1: ((), 0, 0, 0, 0),
    2: ((2,), 1, 64, 62, 62),
    4: ((2, 2), 3, 256, 248, 188),
    8: ((2, 2, 2), 7, 768, 744, 504),
    16: ((4, 2, 2), 7, 1536, 1488, 1136),
    32: ((4, 4, 2), 11, 3072, 2976, 2528),
    64: ((4, 4, 4), 21, 6144, 5952, 5056),
    128: ((8, 4, 4), 21, 12288, 11904, 10624),
    192: ((8, 8, 4), 37, 24576, 23808, 22272),
    250: ((8, 8, 4), 37, 24576, 23808, 22272),
    256: ((8, 8, 4), 37, 24576, 23808, 22272),
    384: ((8, 8, 8), 73, 49152, 47616, 44544),
    512: ((8, 8, 8), 73, 49152, 47616, 44544),
}


@pytest.mark.parametrize("cpus", TREES)
def test_tree_shapes_and_bounds(cpus: int) -> None:
    fanouts, items, under, over, reachable = TREES[cpus]
    tree = Tree(Topology.even(cpus))
    accuracy = tree.accuracy()
    assert tree.fanouts == fanouts
    assert sum(number for number, _ in tree.levels[1:]) + bool(fanouts) == items
    assert (accuracy.under[0], accuracy.over[0], most_lacking(tree)) == (under, over, reachable)


@pytest.mark.parametrize(
    ("cpus", "multiplier"),
    [(8, 24), (16, 48), (32, 96), (64, 192), (128, 384), (256, 768), (512, 1536), (1024, 4096), (4096, 16384)],
)
def test_tree_multiplier(cpus: int, multiplier: int) -> None:
    assert Tree(Topology.even(cpus)).multiplier == multiplier


def test_tree_is_exact_on_one_cpu() -> None:
    tree = Tree(Topology.even(1))
    add(tree, 0, ANON, 5)
    assert reads(tree) == (5, 5)


@pytest.mark.parametrize("cpus", [8, 16, 64, 256])
def test_a_tree_full_of_remainders_lacks_exactly_what_is_reachable(cpus: int) -> None:
    tree = Tree(Topology.even(cpus))
    for level in reversed(range(1, len(tree.levels))):
        items, unit = tree.levels[level]
        for item in range(items):
            add(tree, 0, ANON, unit - tree.levels[level - 1][1], cpu=item)
    for cpu in range(cpus):
        add(tree, 0, ANON, tree.batch - 1, cpu=cpu)
    assert reads(tree) == (0, most_lacking(tree))


def test_tree_takes_another_shape() -> None:
    flat = Tree(Topology.even(8)._replace(arity=(8,)))
    add(flat, 0, ANON, 1, repeat=100)
    assert reads(flat) == (96, 100)
    assert flat.costs(0) == Costs(atomics=3)
    assert flat.accuracy().under[0] == 256


@pytest.mark.parametrize("fanouts", [(4, 4), (3, 3), (8, 1), (-2, -4), ()])
def test_tree_refuses_a_shape_that_does_not_fit(fanouts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="multiply to 8"):
        Tree(Topology.even(8)._replace(arity=fanouts))


#: Items below and with the root, by the order of the CPU count.
ITEMS = [0, 1, 3, 7, 7, 11, 21, 21, 37, 73, 149, 293, 585, 1173, 2341, 4681, 4681, 8777, 17481, 34953, 69905]


@pytest.mark.parametrize(("order", "items"), list(enumerate(ITEMS)))
def test_tree_table(order: int, items: int) -> None:
    shape = FANOUTS[order]
    assert prod(shape) == 1 << order
    assert sum((1 << order) // prod(shape[: level + 1]) for level in range(len(shape))) == items


def carried(original: int, added: int, unit: int) -> int:
    """What an add carries, bit by bit: whole units of it, and one more if the addition carried into the unit's bit."""
    whole = abs(added) // unit * unit * (1 if added >= 0 else -1)
    if (whole ^ original ^ (original + added)) & unit:
        whole += unit if added >= 0 else -unit
    return whole


@given(st.lists(st.integers(-3000, 3000), max_size=50))
@settings(deadline=None)
def test_tree_carries_what_the_bits_say(amounts: list[int]) -> None:
    tree = Tree(Topology.even(2))
    leaf = root = 0
    for amount in amounts:
        add(tree, 0, ANON, amount)
        root += carried(leaf, amount, 32)
        leaf += amount
        assert reads(tree) == (root, leaf)


@pytest.mark.parametrize("cpus", [8, 16, 64, 256])
def test_tree_never_reads_too_much_on_a_random_walk(cpus: int) -> None:
    random = np.random.default_rng(1)
    rows = np.zeros((5000, 7), np.int64)
    rows[:, 1], rows[:, 2], rows[:, 4], rows[:, 5] = ANON, random.integers(0, cpus, 5000), 1, 1
    rows[:, 4] = random.integers(-600, 601, 5000)
    tree = Tree(Topology.even(cpus))
    tree.replay(updates_of([tuple(row) for row in rows.tolist()]))
    assert int(tree.most_over[0]) == 0
    assert 0 < int(tree.most_under[0]) <= most_lacking(tree)


@pytest.mark.parametrize("name", ["split", "percpu", "pernode", "tree"])
@pytest.mark.parametrize("pages", [5, 100, 127, 128, 255, 256, 4095, 4096, 500_000, 0])
def test_what_was_there_from_before_is_exact(name: str, pages: int) -> None:
    design = DESIGNS[name](Topology.even(8))
    design.start[0, ANON] = pages
    assert reads(design) == (pages, pages)
    for amount, total in ((pages, 2 * pages), (-2 * pages, 0)):
        add(design, 0, ANON, amount, cpu=3)
        assert reads(design)[1] == total
        bound = design.accuracy()
        assert bound is not None
        assert total - bound.under[0] <= reads(design)[0] <= total + bound.over[0]


# Laws.

CPUS, THREADS = 20, 6
ROW = st.tuples(
    st.integers(0, 1),
    st.integers(0, 3),
    st.integers(0, CPUS - 1),
    st.integers(0, THREADS - 1),
    st.one_of(st.sampled_from((1, 1, 1, -1, 16, 512, -512, 0)), st.integers(-5000, 5000)),
    st.integers(1, 200),
    st.sampled_from((How.FAULT, How.FAULT, How.HUGE, How.BULK)),
)
ROWS = st.lists(ROW, max_size=60)


def made(name: str) -> Design:
    return DESIGNS[name](Topology.even(CPUS, 3), 2, [0, 0, 0, 1, 1, 1])


def own(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The rows with every process's threads its own."""
    return [(row[0], *row[1:3], row[3] % 3 + 3 * row[0], *row[4:]) for row in rows]


@pytest.mark.parametrize("name", DESIGNS)
@given(rows=ROWS)
@settings(deadline=None, max_examples=60)
def test_laws(name: str, rows: list[tuple[int, ...]]) -> None:
    rows = own(rows)
    design = made(name)
    truth = np.zeros((2, 4), np.int64)
    worst = np.zeros(2, np.int64)
    for row in rows:
        mm, member, cpu, thread, amount, repeat, how = row
        add(design, mm, member, amount, cpu=cpu, thread=thread, how=How(how), repeat=repeat)
        truth[mm, member] += amount * repeat
        error = truth - design.read()
        lacks = error.sum(axis=1) - error[:, MM_SWAPENTS]
        worst = np.maximum(worst, lacks)
        assert (design.lacks == lacks).all()
        assert (design.summed() == truth).all()  # a precise sum is the truth
        accuracy = design.accuracy()
        assert accuracy is not None
        assert (error <= accuracy.under[:, None]).all()
        assert (-error <= accuracy.over[:, None]).all()
        if name == "tree":
            assert isinstance(design, Tree)
            assert (error >= 0).all()
            assert (error <= most_lacking(design)).all()
    assert (design.most_under >= worst).all()

    # In one block, or with every repeat written out, it is the same.
    block, single = made(name), made(name)
    block.replay(updates_of(rows))
    single.replay(updates_of([(*row[:5], 1, row[6]) for row in rows for _ in range(row[5])]))
    for other in (block, single):
        assert (other.read() == design.read()).all()
        assert (other.held() == design.held()).all()
        assert [other.costs(mm) for mm in (0, 1)] == [design.costs(mm) for mm in (0, 1)]
    assert (single.updates == design.updates).all()
    # The worst error is that of every moment, inside a run of equal updates too.
    assert (single.most_under == design.most_under).all()
    assert (single.most_over == design.most_over).all()


@given(rows=ROWS)
@settings(deadline=None, max_examples=60)
def test_percpu_is_percpu_counter_add_batch(rows: list[tuple[int, ...]]) -> None:
    percpu = Percpu(Topology.even(CPUS), 2, [0])
    stat = RssStat.zeros(2, range(CPUS), range(CPUS), (), percpu.batch)
    for mm, member, cpu, _, amount, repeat, _ in rows:
        add(percpu, mm, member, amount, cpu=cpu, repeat=repeat)
        percpu_counter_add_batch(stat, mm, member, cpu, amount, repeat=repeat)
    assert (percpu.read() == stat.count).all()
    assert (percpu.slots == stat.percpu).all()
    assert (percpu.accuracy().under == accuracy_of(stat)[0]).all()


@pytest.mark.parametrize("name", DESIGNS)
def test_a_fresh_mm_starts_from_nothing(name: str) -> None:
    design = made(name)
    design.replay(updates_of([(0, ANON, 3, 0, 77, 1, How.BULK), (1, ANON, 1, 3, 7, 1, How.BULK)]))
    design.replay(updates_of([(0, ANON, 4, 0, 600, 1, How.FRESH)]))
    assert design.summed()[:, ANON].tolist() == [600, 7]
    fresh = made(name)
    fresh.replay(updates_of([(0, ANON, 4, 0, 600, 1, How.BULK)]))
    assert design.read()[0].tolist() == fresh.read()[0].tolist()
    assert design.lacks[0] == fresh.lacks[0]
