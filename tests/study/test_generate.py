"""Synthetic scenarios: valid whatever is asked for, the same bytes from the same seed, a contest when one is wanted."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import oomsel
from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.outputs.scenario_text import json_pieces, yaml_pieces
from oomsel.scenario.columns import TaskColumns
from oomsel.study.generate import LEFTOVERS, SIZES, Recipe, generate


def columns(recipe: Recipe) -> TaskColumns:
    tasks = generate(recipe).tasks
    assert isinstance(tasks, TaskColumns)
    return tasks


@pytest.mark.parametrize("leftovers", LEFTOVERS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("shape", [(2, 1, 1), (7, 3, 2), (60, 4, 9)])
def test_yaml_and_json_say_the_same_and_a_contest_is_one(leftovers: str, sizes: str, shape: tuple[int, ...]) -> None:
    tasks, cpus, nodes = shape
    made = generate(Recipe(tasks, cpus, nodes, 5, sizes, leftovers, contest=True))
    scenario = oomsel.loads("".join(yaml_pieces(made)))
    assert scenario == oomsel.loads("".join(json_pieces(made)))
    chosen = [oomsel.select(scenario, mode).chosen for mode in ("approximate", "precise")]
    assert [scenario.tasks[task].comm for task in chosen if task is not None] == [b"over", b"under"]


@pytest.mark.parametrize(
    ("recipe", "digest"),
    [
        (Recipe(tasks=20, cpus=8, nodes=2, seed=1), "c8ac50f45356fa3b"),
        (Recipe(tasks=1030, cpus=3, seed=2, sizes="uniform", leftovers="hopping"), "2baa8d5e3e782452"),
        (Recipe(tasks=9, cpus=8, seed=3, sizes="equal", leftovers="worst", contest=True), "6c488f33c9bb18b5"),
        (Recipe(tasks=9, cpus=64, seed=4, leftovers="settled"), "4ecb94b3e1c0d53f"),
    ],
)
def test_a_seed_gives_these_bytes_on_every_platform(recipe: Recipe, digest: str) -> None:
    text = "".join(yaml_pieces(generate(recipe)))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize("leftovers", LEFTOVERS)
def test_leftovers_are_what_a_cpu_can_hold(leftovers: str) -> None:
    most = compute_batch_value(32) - 1
    slots = columns(Recipe(tasks=300, cpus=32, leftovers=leftovers)).percpu
    assert abs(slots).max() == most
    held = np.count_nonzero(slots[:, 0], axis=-1)
    if leftovers == "worst":
        assert (abs(slots) == most).all()
        assert (slots == slots[:, :1, :1]).all()
    elif leftovers == "hopping":
        assert slots.min() == 0
        assert 10 < held.mean() < 20
    elif leftovers == "settled":
        assert held.max() == 4
    else:
        assert abs(slots.mean()) < 1
        assert held.min() > 16


def test_another_seed_is_another_scenario() -> None:
    one, other = (columns(Recipe(tasks=9, cpus=4, seed=seed)) for seed in (1, 2))
    assert (one.percpu != other.percpu).any()
    assert (one.counts != other.counts).any()
