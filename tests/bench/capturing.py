"""Reading the processes of a machine beside a bare loop that opens and reads the same files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

#: What is read of every process, in this order.
FILES = ("stat", "status", "oom_score", "stat", "oom_score_adj", "cgroup")


@contextmanager
def processes(number: int) -> Iterator[None]:
    """So many more processes on this machine, each with an address space of its own, inside the block."""
    sleep = shutil.which("sleep") or "sleep"
    started = [subprocess.Popen([sleep, "3600"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


def bare_loop() -> int:
    """Open and read the files of every process; returns how many bytes they have."""
    size = 0
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            directory = os.open(f"/proc/{name}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            for path in FILES:
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
                size += len(os.read(file, 1 << 16))
                os.close(file)
        except OSError:
            pass
        finally:
            os.close(directory)
    return size
