"""Copies of /proc, /sys and cgroup files from guests of several kernels, unpacked; and trees made by a test."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import DATA

#: A tree's files by their paths.
Files = dict[str, str]


def unpack(name: str, folder: Path) -> Path:
    """The tree of the guest with this kernel, in `folder`; `kcmp.txt` in it says who shares an mm."""
    with tarfile.open(DATA / "proc" / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory with the tree of a guest, by the kernel's release."""
    made: dict[str, Path] = {}

    def once(name: str) -> Path:
        if name not in made:
            made[name] = unpack(name, tmp_path_factory.mktemp("guest"))
        return made[name]

    return once


STAT = "{pid} ({comm}) {state} 1 0 0 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 {threads} 0 {start} {vsize} {rss} 0 1 2 3{rest}"
STATUS = """\
Name:\t{comm}
Uid:\t{uid}\t{uid}\t{uid}\t{uid}
VmRSS:\t{rss_kb:8} kB
RssAnon:\t{anon:8} kB
RssFile:\t{file:8} kB
RssShmem:\t       0 kB
VmPTE:\t      40 kB
VmSwap:\t       0 kB
SigPnd:\t{pending:016x}
Mems_allowed_list:\t0
"""


def process(
    pid: int, comm: str = "a", *, anon: int = 400, file: int = 0, rss: int | None = None, **also: object
) -> Files:
    """The files of a process; `anon` and `file` in kB as `status` has them, `rss` in pages as `stat` has it."""
    values: dict[str, object] = {
        "pid": pid, "comm": comm, "state": "S", "flags": 0, "threads": 1, "start": pid, "vsize": 4096000,
        "rss": (anon + file) // 4 if rss is None else rss, "rest": " 0" * 30, "uid": 0, "anon": anon, "file": file,
        "rss_kb": anon + file, "pending": 0, "score": 666, "adj": 0, "cgroup": "0::/\n",
    }  # fmt: skip
    values |= also
    return {
        f"proc/{pid}/stat": STAT.format(**values),
        f"proc/{pid}/status": STATUS.format(**values),
        f"proc/{pid}/oom_score": f"{values['score']}\n",
        f"proc/{pid}/oom_score_adj": f"{values['adj']}\n",
        f"proc/{pid}/cgroup": str(values["cgroup"]),
    }


MACHINE = {
    "proc/sys/kernel/osrelease": "6.18.1\n",
    "proc/meminfo": "MemTotal:        4000000 kB\nSwapTotal:             0 kB\n",
    "proc/self/mountinfo": "28 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    "sys/devices/system/cpu/possible": "0-3\n",
    "sys/devices/system/cpu/online": "0-3\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Makes a tree of a small machine with these files, None for one that is not there."""

    def make(*parts: dict[str, str | None] | Files) -> Path:
        files: dict[str, str | None] = {**MACHINE, **process(1, "init", score=0)}
        for part in parts:
            files |= part
        for name, text in files.items():
            if text is not None:
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return tmp_path

    return make
