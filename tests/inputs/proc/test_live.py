"""The machine that runs the tests, with odd processes on it, whatever else it does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import oomsel
from oomsel.inputs.proc.process import read_process
from oomsel.inputs.proc.reading import ProcReading, read_proc
from oomsel.inputs.proc.scenario import capture
from oomsel.inputs.proc.tree import Tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc as Linux has it")

CC = shutil.which("cc")
NOBODY = 65534


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that starts odd processes."""
    if CC is None:
        pytest.skip("there is no C compiler")
    made = tmp_path_factory.mktemp("odd") / "odd"
    source = Path(__file__).parent / "odd.c"
    subprocess.run([CC, "-w", "-pthread", "-o", made, source], check=True)
    return made


@pytest.fixture
def odd(program: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the odd processes, in a group of their own that ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.communicate()


def alone(work: Callable[[], Any], *, uid: int | None = None) -> Any:
    """What `work` returns in a child process, which may be another user's."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if uid is not None:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            with os.fdopen(write_end, "w") as file:
                json.dump(work(), file)
            status = 0
        finally:
            os._exit(status)
    os.close(write_end)
    with os.fdopen(read_end) as file:
        text = file.read()
    assert os.waitpid(child, 0)[1] == 0, "the child failed"
    return json.loads(text)


def sweep() -> list[Any]:
    """An oom_score_adj from 0 to 1000 each: those whose score is not as predicted though nothing moved."""
    from oomsel.inputs.proc.machine import read_machine
    from oomsel.inputs.proc.proof import prove
    from oomsel.kernel.release import parse_release

    tree = Tree()
    machine = read_machine(tree)
    release = parse_release(machine.kernel)
    wrong = []
    for adj in range(1001):
        Path("/proc/self/oom_score_adj").write_text(str(adj))
        process = read_process(tree, os.getpid())
        assert process is not None
        proof = prove([process], machine, release)
        if process.stable and (process.adj != adj or proof.predicted != proof.compared):
            wrong.append((adj, process.score))
    return wrong


def test_every_oom_score_adj_is_predicted() -> None:
    if not read_proc(Tree()).proof.total_is_own:
        pytest.skip("MemTotal is not the machine's own here, or cannot be told to be")
    assert alone(sweep) == []


def members(reading: ProcReading, group: int) -> dict[bytes, Any]:
    """The processes of one session by name."""
    found = {}
    for process in reading.processes:
        try:
            if os.getsid(process.pid) == group:
                found[process.stat.comm] = process
        except ProcessLookupError:  # somebody else's, that has ended
            continue
    return found


def test_odd_processes(odd: Callable[..., subprocess.Popen[bytes]]) -> None:
    group = odd().pid
    reading = read_proc(Tree())
    found = members(reading, group)
    assert found[b"deadleader"].thread is not None
    assert found[b"deadleader"].thread[1] == b"living"
    assert found[b"deadleader"].anon >= 300 * 4
    assert not found[b"zchild"].has_mm
    assert found[b"a) S 1 \n\x1b[31m\xff"].has_mm
    if reading.mms_asked:
        assert found[b"sharer-a"].mm == found[b"sharer-b"].mm is not None
    assert found[b"vforker"].mm == found[b"vfchild"].mm is not None
    assert found[b"vfchild"].score == 0
    tasks = {task.pid: task for task in capture().tasks}
    assert tasks[found[b"vfchild"].pid].flags == ("vfork",)
    assert tasks[found[b"zchild"].pid].flags == ("zombie",)
    assert oomsel.select(capture(), mode="kernel").victim is not None


def test_a_storm_of_forks(odd: Callable[..., subprocess.Popen[bytes]]) -> None:
    odd("storm")
    for _ in range(3):
        reading = read_proc(Tree())
        still = [process for process in reading.processes if process.stable and process.has_mm]
        assert len(still) >= 5
        # Who grows between two of its files may be missed, and nobody else.
        assert reading.proof.compared - reading.proof.predicted <= max(3, len(still) // 20)
        assert oomsel.select(capture()).victim is not None


def test_anybody_may_ask() -> None:
    """As nobody, or as whoever runs the tests: what can be read is read, what cannot is told."""

    def look() -> list[Any]:
        scenario = capture()
        return [len(scenario.tasks), list(scenario.notes), oomsel.select(scenario, mode="kernel").victim]

    number, notes, victim = alone(look, uid=NOBODY if os.geteuid() == 0 else None)
    assert number >= 1
    assert victim is not None
    if os.geteuid() == 0:
        assert any("who shares an mm could not be asked" in note for note in notes)
    assert any(note.startswith("oom_score predicted for ") for note in notes)
