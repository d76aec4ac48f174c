"""A log's table prints again in the columns that it has, whatever release its stack dump names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real_logs import LOGS
from tests.running import run


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("01-global-8cpu.log", "6.12.117+deb12-cloud-amd64", "6.6.30-vendor"),
        ("12-61-global.log", "6.1.0", "6.9.0"),
    ],
)
def test_the_columns_stay(tmp_path: Path, name: str, old: str, new: str) -> None:
    text = (LOGS / name).read_text()
    assert old in text
    path = tmp_path / "vendor.log"
    path.write_text(text.replace(old, new))
    (header, *_) = (line.partition("] ")[2] for line in text.split("\n") if "[  pid  ]" in line)
    ran = run("select", "--mode", "kernel", "--event", "1", path)
    assert ran.status == 0, ran.err
    assert header in ran.out.split("\n")
