"""The bare loop reads what oomsel reads."""

from __future__ import annotations

import sys

import pytest

from oomsel.inputs.proc.reading import read_proc
from oomsel.inputs.proc.tree import Directory, Tree
from tests.bench.capturing import FILES, bare_loop, processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc as Linux has it")


def test_the_same_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: dict[str, list[str]] = {}
    true_read = Tree.read

    def noting(self: Tree, path: str, directory: Directory | None = None) -> bytes:
        if directory is not None:
            read.setdefault(directory.path, []).append(path)
        return true_read(self, path, directory)

    monkeypatch.setattr(Tree, "read", noting)
    with processes(3):
        still = [process for process in read_proc(Tree()).processes if process.stat.comm == b"sleep"]
    assert len(still) >= 3
    assert {tuple(read[f"proc/{process.pid}"]) for process in still} == {FILES}
    assert bare_loop() > 1000
