"""The fast search and the fast count find what Python's own do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.klog import search
from oomsel.klog.search import Finder, NewlineCounter


@given(st.text("ab", max_size=60), st.text("ab", min_size=1, max_size=4), st.integers(0, 60), st.integers(0, 60))
def test_the_same_is_found(text: str, needle: str, start: int, end: int) -> None:
    buffer = bytearray(text.encode())
    end = min(end, len(buffer))
    wanted = buffer.find(needle.encode(), start, end)
    finder = Finder()
    assert finder.find(buffer, needle.encode(), start, end) == wanted
    assert finder.find(bytes(buffer), needle.encode(), start, end) == wanted
    longer = bytearray(b"x" + buffer)
    assert finder.find(longer, needle.encode(), start + 1, end + 1) == (wanted + 1 if wanted >= 0 else -1)


@pytest.mark.parametrize("worth", [0, 10, 1 << 30])
def test_newlines_are_counted_within_bounds(worth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_WORTH_NUMPY", worth)
    counter = NewlineCounter()
    for buffer in (b"\na\n\nb\n", bytearray(b"\na\n\nb\n")):
        assert [counter.count(buffer, *ends) for ends in ((0, 6), (1, 5), (3, 4), (4, 5), (4, 2))] == [4, 2, 1, 0, 0]
