"""`oomsel explain` as a command: what stands around the explanation itself."""

from __future__ import annotations

from pathlib import Path

from tests.running import run

SCENARIO = "oomsel: 1\nmachine: {cpus: 4, ram: 1GiB}\ntasks: [{pid: 7, comm: a}]\n"


def test_each_of_several_inputs_is_headed_by_its_name(tmp_path: Path) -> None:
    paths = [tmp_path / "plain.yaml", tmp_path / "red\x1b[31m.yaml"]
    for path in paths:
        path.write_text(SCENARIO)
    result = run("explain", *paths)
    assert result.status == 0
    headings = [line for line in result.out.split("\n") if line.startswith("# ")]
    assert headings == [f"# {tmp_path}/plain.yaml", f"# {tmp_path}/red\\x1b[31m.yaml"]
    assert "\x1b" not in result.out
