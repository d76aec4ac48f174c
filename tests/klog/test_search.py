"""Both searches find the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oomsel.klog.search import fastest_find, plain_find


@given(st.text("ab", max_size=60), st.text("ab", min_size=1, max_size=4), st.integers(0, 60), st.integers(0, 60))
def test_the_same_is_found(text: str, needle: str, start: int, end: int) -> None:
    buffer = bytearray(text.encode())
    end = min(end, len(buffer))
    wanted = plain_find(buffer, needle.encode(), start, end)
    assert fastest_find()(buffer, needle.encode(), start, end) == wanted
    assert fastest_find()(bytes(buffer), needle.encode(), start, end) == wanted
