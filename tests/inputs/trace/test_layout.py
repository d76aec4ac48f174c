"""Where everything stands in a trace's line, asked of lines that are read together."""

from __future__ import annotations

import numpy as np

from oomsel.inputs.trace.layout import Layout

LINE = b" bash-77 [001] ..... 1000.000001: rss_stat: mm_id=7 curr=1 type=MM_ANONPAGES size=4096B"


def test_a_line_that_is_too_short_fits_nowhere() -> None:
    """The last line may end before the place where another one has its event's name."""
    layout = Layout.of(LINE)
    assert layout is not None
    for short in (b"x", LINE[:20], b""):
        text = np.frombuffer(LINE + b"\n" + short + b"\n", np.uint8)
        starts, ends = np.array([0, len(LINE) + 1]), np.array([len(LINE), len(LINE) + 1 + len(short)])
        fits, is_other = layout.fits(text, starts, ends)
        assert (fits.tolist(), is_other.tolist()) == ([True, False], [False, False])
    only = np.frombuffer(b"x\n", np.uint8)
    assert [found.tolist() for found in layout.fits(only, np.array([0]), np.array([1]))] == [[False], [False]]
