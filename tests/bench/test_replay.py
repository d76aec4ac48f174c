"""The loops that replay updates, beside C."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from oomsel.kernel.designs.compiled import Loop, has_numba
from tests.bench.replay import replay_ratio


@pytest.mark.skipif(shutil.which("cc") is None and shutil.which("gcc") is None, reason="needs a C compiler")
@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_c_comes_to_the_same(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if compiled and not has_numba():
        pytest.skip("numba is not installed")
    monkeypatch.setattr(Loop, "compiled", compiled)
    ratio = replay_ratio(20_000)
    assert ratio is not None
    ours, other = ratio.ours(), ratio.other()
    assert all(np.array_equal(mine, its) for mine, its in zip(ours, other, strict=True))
    assert ours[1].sum() > 1000  # some of it folds


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert replay_ratio(10) is None
