"""The long trace has as many events as were asked for, in the order of time."""

from __future__ import annotations

from pathlib import Path

from tests.bench.tracing import write_trace
from tests.running import run


def test_its_events(tmp_path: Path) -> None:
    file = tmp_path / "trace.txt"
    write_trace(file, 30_000)
    assert file.read_bytes().count(b": rss_stat: ") == 3 * 11_982
    ran = run("replay", file, "--format", "json")
    assert f'"updates": {3 * 11_982},' in ran.out
