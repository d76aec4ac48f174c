"""The inputs that are damaged: the examples, the tests' data, and what is made from them; each by its form."""

from __future__ import annotations

import lzma
import tarfile
from functools import cache
from pathlib import Path

from tests.running import run
from tests.support import DATA, ROOT

#: Longer inputs are cut to so many bytes: a fuzzer wants many, not long ones.
_MOST = 16_000


def _read(*patterns: str) -> list[bytes]:
    found = [path for pattern in patterns for path in sorted(ROOT.glob(pattern)) if path.is_file()]
    assert found, patterns
    return [path.read_bytes()[:_MOST] for path in found]


@cache
def scenarios() -> list[bytes]:
    """Scenarios in YAML, with lists and with tables, and what tests of errors begin with."""
    return _read("examples/*.yaml", "tests/data/golden/*.yaml", "tests/data/real/*/*.yaml")


@cache
def json_scenarios() -> list[bytes]:
    """Scenarios in JSON."""
    made = [run("convert", "--format", "json", path).out.encode() for path in sorted((DATA / "golden").glob("*.yaml"))]
    return _read("examples/contest.json") + [text for text in made if text]


@cache
def bundles() -> list[bytes]:
    """Scenarios as NumPy archives."""
    import oomsel
    from oomsel.outputs.bundle import save

    made = []
    for name in ("examples/real-contest.yaml", "examples/cgroup.yaml", "tests/data/golden/07.yaml"):
        import io

        out = io.BytesIO()
        save(oomsel.load(ROOT / name), out)
        made.append(out.getvalue())
    return made


@cache
def logs() -> list[bytes]:
    """Kernel logs of real machines and of made-up ones."""
    return _read("examples/*.log", "tests/data/logs/*.log", "tests/data/real-logs/*.log", "tests/data/real-logs/*.kmsg")


@cache
def kernel_texts() -> list[bytes]:
    """What `select` printed."""
    return _read("tests/data/golden/*.log", "tests/data/examples/*.select")


@cache
def traces() -> list[bytes]:
    """The beginning and a part of a recorded trace."""
    whole = lzma.decompress((ROOT / "examples/walk.trace.xz").read_bytes())
    lines = whole.split(b"\n")
    return [b"\n".join(lines[:200]), b"\n".join(lines[:12] + lines[400:520])]


#: Workloads and studies are small ones: what they cost is bounded by what they ask for.
WORKLOADS = (
    b"""oomsel_workload: 1
title: A small one
machine: {cpus: 4, nodes: 2, ram: 1GiB}
processes:
  - pid: 100
    comm: hopper
    threads: 3
    budget: 1MiB
    schedule: {kind: hop, every: 5}
    rounds: 2
    do:
      - {fault: 200kB}
      - {fault_around: 128kB}
      - {thp: 4MiB}
      - {mmap_munmap: 40kB, times: 3}
      - {unmap: 100kB}
      - {fork: 2}
  - {pid: 101, comm: steady, copies: 2, do: [{fault: 100kB, memory: shmem}]}
""",
    b"""{"oomsel_workload": 1, "machine": {"cpus": 2, "ram": "64MiB"}, "processes":
[{"pid": 7, "comm": "a", "do": [{"fault": "64kB"}], "schedule": {"kind": "node_local", "migrate": 0.5}},
{"pid": 8, "comm": "b", "do": [{"fault": "32kB"}], "schedule": {"kind": "round_robin"}}]}
""",
)
STUDIES = (
    b"""oomsel_study: 1
title: A small one
grid:
  cpus: [2, 4]
  threads: 2
  processes: 2
  hop: 10
seeds: 2
memory: 200kB
step: 40kB
churn: 20kB
times: 2
""",
)


@cache
def proc_tree(release: str) -> dict[str, bytes]:
    """The files of a guest's /proc, /sys and cgroups, by path."""
    with tarfile.open(DATA / "proc" / f"{release}.tar.xz") as archive:
        held = {}
        for info in archive.getmembers():
            file = archive.extractfile(info) if info.isfile() else None
            if file is not None:
                held[info.name] = file.read()
        return held


def proc_releases() -> list[str]:
    """The guests."""
    return sorted(Path(path.stem).stem for path in (DATA / "proc").glob("*.tar.xz"))


@cache
def hostile_seeds() -> list[bytes]:
    """Scenarios, logs and traces together: what parts of others are taken from."""
    return scenarios()[:40] + logs() + kernel_texts()[:20] + traces() + list(WORKLOADS) + list(STUDIES)
