"""A long trace for measuring: the recorded one over and over, each time a second later."""

from __future__ import annotations

import lzma
import re
from pathlib import Path

from tests.support import DATA

_SECONDS = re.compile(rb"(?<= )1676(?=\.\d{6}: )")


def write_trace(path: Path, events: int) -> None:
    """At least so many kmem:rss_stat events, about 115 bytes each."""
    lines = lzma.decompress((DATA / "trace" / "walk.txt.xz").read_bytes()).splitlines(keepends=True)
    header = b"".join(line for line in lines if line.startswith(b"#"))
    recorded = [line for line in lines if b": rss_stat: " in line]
    with open(path, "wb") as file:
        file.write(header)
        file.writelines(
            _SECONDS.sub(b"%d" % (1676 + second), b"".join(recorded)) for second in range(-(-events // len(recorded)))
        )
