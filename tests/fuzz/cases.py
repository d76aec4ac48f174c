"""One attack: files and a call of oomsel, made from a seed and a number alone, so that it can be made again."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.fuzz import seeds
from tests.fuzz.hostile import NUMBERS, TEXTS
from tests.fuzz.mutators import mutate

#: What is damaged of a copied /proc: a file that is there, and what it becomes; None for a file that is gone.
Changes = dict[str, bytes | None]


class Case(NamedTuple):
    """An attack; file names are relative to the folder in which oomsel is called."""

    kind: str  #: what is attacked, for the statistics
    args: list[str]
    files: dict[str, bytes]
    form: str  #: what standard output holds: text, json, jsonl, csv, markdown, bytes, github
    stdin: bytes | None = b""
    written: tuple[str, ...] = ()  #: files that the call may write or change, and folders that it may fill
    root: str = ""  #: the guest whose tree is at `root`
    changes: Changes = {}  # noqa: RUF012
    dump: str = ""  #: the recorded core dump that --vmcore opens
    pokes: tuple[tuple[int, int], ...] = ()  #: in it: what is damaged, as a share of all in 2^32, and with what
    github: bool = False  #: whether GITHUB_ACTIONS is set

    def to_json(self) -> str:
        """All of it, as text that can be kept."""
        data = self._asdict()
        data["files"] = {name: _encoded(raw) for name, raw in self.files.items()}
        data["changes"] = {name: _encoded(raw) for name, raw in self.changes.items()}
        data["stdin"] = _encoded(self.stdin)
        return json.dumps(data, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Case:
        """The case that `to_json` wrote."""
        data = json.loads(text)
        files = {name: _decoded(held) or b"" for name, held in data["files"].items()}
        changes = {name: _decoded(held) for name, held in data["changes"].items()}
        pokes = tuple(map(tuple, data["pokes"]))
        stdin, written = _decoded(data["stdin"]), tuple(data["written"])
        return cls(**data | {"files": files, "changes": changes, "stdin": stdin, "pokes": pokes, "written": written})


def _encoded(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()


def _decoded(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def case_of(seed: int, index: int) -> Case:
    """The case number `index` of a seed."""
    rng = Random(f"{seed}/{index}")
    make = rng.choices(MAKERS, [weight for _, weight in _WEIGHTS])[0]
    case = make(rng)
    args = [_as_argument(word) for word in case.args]
    return case._replace(args=args)


def _as_argument(word: str) -> str:
    """A word that a process can be started with: no NUL, no surrogate but those that stand for a byte."""
    raw = word.replace("\0", "").encode("utf-8", "surrogatepass")
    return raw.decode("utf-8", "surrogateescape")


# ------------------------------------------------------------------ options

#: Keys to override, and hostile ones.
_KEYS = (
    "kernel", "title", "machine.ram", "machine.cpus", "machine.batch", "machine.nodes[0].ram", "oom.order", "oom.memcg",
    "oom.current", "oom.gfp_mask", "oom.nodemask", "oom.totalpages", "sysctl.panic_on_oom", "sysctl.oom_dump_tasks",
    "tasks[0].rss.anon", "tasks[4242].oom_score_adj", "tasks[mysqld].comm", "tasks[over].rss.anon.deltas[0]",
    "tasks[large].rss.anon.deltas[2147483647]", "tasks[hog].flags", "tasks[hog].thread.pid", "tasks[hog].mm",
    'memcgs["/web"].max', "memcgs[/].max", "updates[0].repeat", "expect.victim", "expect.output", "tasks", "machine",
    "more[200].memcg", "tasks[1].cpuset.name", "tasks[1].reaper_leaves.shmem", "oomsel", "x", "",
    "[", "tasks[", "a.b.c",
)  # fmt: skip


def _override(rng: Random) -> str:
    key = rng.choice(_KEYS) if rng.random() < 0.9 else rng.choice(TEXTS)
    values: Sequence[str] = rng.choice(
        (NUMBERS, NUMBERS, TEXTS, ("-1000", "1000", "[exiting]", "{count: 5}", "[a, b]", "max"))
    )
    return f"{key}{'=' if rng.random() < 0.97 else ''}{rng.choice(values)}"


_RELEASES = (
    "5.4",
    "5.4.3",
    "5.10",
    "5.15.1",
    "6.1",
    "6.8",
    "6.12",
    "6.18",
    "6.19.9",
    "7.0",
    "7.3",
    "99.1",
    "4.18",
    "x",
    "6",
    "6.99999999",
)


def _scenario_options(rng: Random) -> list[str]:
    """Options that any command with a scenario takes."""
    words = []
    if rng.random() < 0.25:
        words += ["--set", _override(rng)] * rng.choice((1, 1, 1, 2))
    if rng.random() < 0.25:
        words += ["--kernel", rng.choice(_RELEASES if rng.random() < 0.9 else TEXTS)]
    if rng.random() < 0.1:
        words += rng.choice((["-v"], ["-q"]))
    if rng.random() < 0.08:
        words += rng.choice(
            (["--event", rng.choice(("1", "2", "3", "0", *NUMBERS))], ["--pid", rng.choice(("200", *NUMBERS))],
             ["--last"], ["--page-size", rng.choice(("65536", "4096", "1"))],
             ["--cpus", rng.choice(("8", "8192", *NUMBERS))])
        )  # fmt: skip
    return words


def _select(rng: Random, name: str) -> tuple[list[str], str]:
    form = rng.choice(("kernel", "kernel", "json", "table"))
    words = ["select", name, "--format", form]
    if rng.random() < 0.5:
        words += ["--mode", rng.choice(("approximate", "precise", "two-pass", "both", "kernel"))]
    words += [word for word in ("--reaper", "--timestamps", "--all", "--exit-code") if rng.random() < 0.2]
    return words, "json" if form == "json" else "text"


def _explain(rng: Random, name: str) -> tuple[list[str], str]:
    form = rng.choice(("text", "text", "json", "markdown", "html"))
    words = ["explain", name, "--format", form]
    words += [word for word in ("--scores", "--counters", "--all", "--full", "--pages") if rng.random() < 0.25]
    if rng.random() < 0.3:
        words += ["--mode", rng.choice(("approximate", "precise", "kernel"))]
    if rng.random() < 0.15:
        words.append("--all-events")
    return words, form


def _check(rng: Random, name: str) -> tuple[list[str], str]:
    words = ["check", rng.choice((name, name, "."))]
    words += [word for word in ("--strict", "--fail-fast", "-v") if rng.random() < 0.3]
    if rng.random() < 0.3:
        words += ["--junit", "out.xml"]
    as_json = rng.random() < 0.3
    return words + ["--json"] * as_json, "json" if as_json else "check"


def _convert(rng: Random, name: str) -> tuple[list[str], str]:
    if rng.random() < 0.3:
        return ["convert", name, "-o", rng.choice(("out.yaml", "out.json", "out.npz"))], "text"
    form = rng.choice(("yaml", "json", "npz"))
    return ["convert", name, "--format", form], {"yaml": "text", "json": "json", "npz": "bytes"}[form]


def _diff(rng: Random, name: str) -> tuple[list[str], str]:
    form = rng.choice(("kernel", "table", "json"))
    words = ["diff", name, *rng.choice(([], [name])), "--format", form]
    if rng.random() < 0.4:
        words += [rng.choice(("--a-set", "--b-set")), _override(rng)]
    if rng.random() < 0.3:
        words += [rng.choice(("--a-kernel", "--b-kernel")), rng.choice(_RELEASES)]
    if rng.random() < 0.2:
        words += ["--ignore", rng.choice(("timestamps,pids,order", "order", "x", ",", *TEXTS))]
    if rng.random() < 0.1:
        words += ["-U", rng.choice(NUMBERS)]
    return words, "json" if form == "json" else "diff"


def _events(rng: Random, name: str) -> tuple[list[str], str]:
    form = rng.choice(("text", "text", "json", "csv", "csv", "csv", "jsonl"))
    words = ["events", name, "--format", form]
    if rng.random() < 0.15:
        words += [rng.choice(("--killed", "--cgroup")), rng.choice(("batch", "200", "/", *TEXTS))]
    if rng.random() < 0.15:
        times = ("14.1", "today", "yesterday", "2 hours ago", "2026-08-12 03:54", "9999-12-31", *NUMBERS, *TEXTS)
        words += [rng.choice(("--since", "--until")), rng.choice(times)]
    if rng.random() < 0.05:
        words += ["--split", "out"]
    return words, form


_READERS = (_select, _select, _explain, _explain, _check, _convert, _diff)
_LOG_READERS = (_events, _events, _events, _explain, _explain, _explain, _select, _convert, _diff)
_NAMES = ("in", "in", "in", "in", "\x1b[2Jx", "[red]x", "=x", "::error ::x", "a b", "-x", "\u202ex", "a:1:2")


def _with_input(
    rng: Random, kind: str, raw: bytes, ending: str, readers: Sequence[Callable[..., tuple[list[str], str]]]
) -> Case:
    """A call that reads `raw`, from a file or from standard input."""
    name = f"{rng.choice(_NAMES)}{ending}" if rng.random() < 0.2 else f"in{ending}"
    by_pipe = rng.random() < 0.1
    make = rng.choice(readers)
    given = "-" if by_pipe else f"./{name}" if name.startswith("-") else name
    words, form = make(rng, given)
    if make is not _events:
        words += _scenario_options(rng)
    words += ["--color", "never"] * (rng.random() < 0.1)
    github = make is _check and rng.random() < 0.4
    if github and form == "check":
        form = "github"
    files = {} if by_pipe else {name: raw}
    written = ("out.yaml", "out.json", "out.npz", "out.xml", "out/")
    return Case(kind, words, files, form, raw if by_pipe else b"", written, github=github)


# ------------------------------------------------------------------ inputs


def _yaml(rng: Random) -> Case:
    raw = mutate(rng.choice(seeds.scenarios()), "yaml", rng, seeds.hostile_seeds())
    return _with_input(rng, "yaml", raw, rng.choice((".yaml", ".yml", "")), _READERS)


def _json(rng: Random) -> Case:
    raw = mutate(rng.choice(seeds.json_scenarios()), "json", rng, seeds.json_scenarios())
    return _with_input(rng, "json", raw, ".json", _READERS)


def _bundle(rng: Random) -> Case:
    raw = mutate(rng.choice(seeds.bundles()), "npz", rng, seeds.bundles())
    return _with_input(rng, "bundle", raw, ".npz", _READERS)


def _log(rng: Random) -> Case:
    raw = mutate(rng.choice(seeds.logs()), "log", rng, seeds.logs())
    return _with_input(rng, "log", raw, ".log", _LOG_READERS)


def _kernel_text(rng: Random) -> Case:
    raw = mutate(rng.choice(seeds.kernel_texts()), "log", rng, seeds.kernel_texts())
    return _with_input(rng, "kernel text", raw, ".log", (_diff, _diff, _events, _explain, _select))


def _whatever(rng: Random) -> Case:
    raw = mutate(rng.choice(seeds.hostile_seeds()), "text", rng, seeds.hostile_seeds())
    return _with_input(rng, "whatever", raw, rng.choice((".yaml", ".json", ".log", ".npz")), (*_READERS, *_LOG_READERS))


def _expect(rng: Random) -> Case:
    """A scenario that expects something odd, golden files among it, before `check` and `check --update`."""
    raw = rng.choice(seeds.scenarios())
    outputs = ("gold.log", "../secret", "/etc/passwd", "a/b.log", "in.yaml", ".", "", "link", "gold.log\\x00", *TEXTS)
    name = json.dumps(rng.choice((b"x", b"mysqld")).decode() if rng.random() < 0.5 else rng.choice(TEXTS))
    parts = rng.sample(
        [f"  victim: {name}", f"  victim: {rng.choice(NUMBERS)}", f"  output: {json.dumps(rng.choice(outputs))}",
         "  robust: true", f"  never: [{name}]", f"  kills: [{rng.choice(NUMBERS)}]", "  nobody: true",
         f"  tolerance: {rng.choice(NUMBERS)}", f"  precise: {{output: {json.dumps(rng.choice(outputs))}}}"],
        rng.choice((1, 1, 2, 3)),
    )  # fmt: skip
    raw = (
        raw.partition(b"\nexpect:")[0].rstrip()
        + b"\nexpect:\n"
        + "\n".join(parts).encode("utf-8", "surrogatepass")
        + b"\n"
    )
    if rng.random() < 0.3:
        raw = mutate(raw, "yaml", rng, seeds.scenarios())
    case = _with_input(rng, "expect", raw, ".yaml", (_check,))
    gold = mutate(rng.choice(seeds.kernel_texts()), "text", rng, seeds.kernel_texts())
    update = ["--update"] * (rng.random() < 0.2)
    return case._replace(
        args=case.args + update, files=case.files | {"gold.log": gold}, written=(*case.written, "gold.log", "*")
    )


def _options(rng: Random) -> Case:
    """A right input with options that are not."""
    raw, ending = rng.choice(
        (
            (rng.choice(seeds.scenarios()), ".yaml"),
            (rng.choice(seeds.json_scenarios()), ".json"),
            (rng.choice(seeds.logs()), ".log"),
        )
    )
    case = _with_input(rng, "options", raw, ending, _LOG_READERS if ending == ".log" else _READERS)
    words = list(case.args)
    for _ in range(rng.choice((1, 1, 2))):
        kind = rng.randrange(5)
        if kind == 0 and words[0] != "events":
            words += ["--set", _override(rng)]
        elif kind == 1:
            at = rng.randrange(len(words))
            words[at] = rng.choice((*TEXTS, *NUMBERS))
        elif kind == 2:
            words.insert(rng.randrange(len(words) + 1), rng.choice((*TEXTS, *NUMBERS)))
        elif kind == 3:
            del words[rng.randrange(len(words))]
        else:
            words += [
                rng.choice(("--mode", "--format", "--kernel", "--set", "--event", "--pid", "--cpus", "-U", "--since"))
            ]
    # What takes no input, or all of a machine's.
    forbidden = ("--live", "--help", "-h", "capture", "bench", "sweep", "/", "..")
    if any(word in forbidden for word in words):
        return case
    return case._replace(args=words, form="any")


def _trace(rng: Random) -> Case:
    raw = mutate(rng.choice(seeds.traces()), "trace", rng, seeds.traces())
    form = rng.choice(("table", "csv", "json"))
    words = ["replay", "in.trace", "--format", form]
    words += ["--all"] * (rng.random() < 0.2)
    if rng.random() < 0.2:
        words += ["--at", rng.choice(("1676.5", "0", *NUMBERS))]
    elif rng.random() < 0.1:
        words += ["--every", rng.choice(("0.1", "1e-6", "1e300", *NUMBERS))]
    if rng.random() < 0.2:
        words += ["--design", rng.choice(("split", "percpu", "pernode", "tree"))]
    if rng.random() < 0.1:
        words += [rng.choice(("--cpus", "--batch", "--page-size", "--ram", "--kernel")), rng.choice(NUMBERS)]
    if rng.random() < 0.2:
        words += ["--ram", "1GiB", "-o", rng.choice(("out.yaml", "out.json", "out.npz"))]
    return Case(
        "trace",
        words,
        {"in.trace": raw},
        "text" if form == "table" else form,
        written=("out.yaml", "out.json", "out.npz"),
    )


def _simulate(rng: Random) -> Case:
    raw = mutate(rng.choice(seeds.WORKLOADS), "yaml", rng, seeds.WORKLOADS)
    form = rng.choice(("table", "json"))
    words = ["simulate", "in.yaml", "--format", form]
    if rng.random() < 0.3:
        words += ["--design", rng.choice(("split", "percpu", "pernode", "tree"))]
    if rng.random() < 0.1:
        words += ["--tree", rng.choice(("2,2", "4", "8,8,4", "3", "0", ",", *NUMBERS))]
    if rng.random() < 0.2:
        words += ["--trace", "out.csv"]
    if rng.random() < 0.2:
        words += ["-o", rng.choice(("out.yaml", "out.json", "out.npz"))]
    return Case(
        "workload",
        words,
        {"in.yaml": raw},
        "text" if form == "table" else form,
        written=("out.yaml", "out.json", "out.npz", "out.csv"),
    )


def _sweep(rng: Random) -> Case:
    study = rng.choice(seeds.STUDIES)
    raw = mutate(study, "yaml", rng, seeds.STUDIES) if rng.random() < 0.7 else study
    words = ["sweep", "in.yaml", "-o", "out.csv"]
    files = {"in.yaml": raw}
    if rng.random() < 0.3:
        part = b'{"oomsel_sweep": 1}\n' + b'{"trial": 0, "row": ["=cmd()", null, 1e400]}\n'
        files["out.csv.part"] = mutate(part, "json", rng, seeds.STUDIES)
        words += ["--resume"] * (rng.random() < 0.8)
    return Case("study", words, files, "text", written=("out.csv", "out.csv.part"))


#: Of a /proc, what all depends on.
_MACHINE = ("meminfo", "zoneinfo", "devices", "mountinfo", "cgroup", "osrelease", "kcmp", "vm/")


def _proc(rng: Random) -> Case:
    release = rng.choice(seeds.proc_releases())
    held = seeds.proc_tree(release)
    names = sorted(held)
    machine = [name for name in names if any(part in name for part in _MACHINE)]
    changes: Changes = {}
    for _ in range(rng.choice((1, 1, 2, 5))):
        name = rng.choice(machine if machine and rng.random() < 0.5 else names)
        changes[name] = None if rng.random() < 0.1 else mutate(held[name], "text", rng, [held[rng.choice(names)]])
    form = rng.choice(("yaml", "json", "npz"))
    words = ["capture", "--root", "root", "--format", form]
    if any(name.endswith("kcmp.txt") for name in names) and rng.random() < 0.7:
        words += ["--kcmp", "root/kcmp.txt"]
    words += ["--mempolicies"] * (rng.random() < 0.3)
    return Case(
        "proc", words, {}, {"yaml": "text", "json": "json", "npz": "bytes"}[form], root=release, changes=changes
    )


def _vmcore(rng: Random) -> Case:
    dump = rng.choice(("7.3.4-02-0", "6.12.117-tree-1", "5.10.223-v1-tree-0", "5.10.223-09-0"))
    pokes = tuple((rng.randrange(1 << 32), rng.randrange(1 << 32)) for _ in range(rng.choice((1, 1, 2, 8))))
    words = ["capture", "--vmcore", "vmcore", "--format", rng.choice(("yaml", "json"))]
    return Case("vmcore", words, {}, "json" if words[-1] == "json" else "text", dump=dump, pokes=pokes)


_WEIGHTS: tuple[tuple[Callable[[Random], Case], float], ...] = (
    (_yaml, 22),
    (_json, 12),
    (_bundle, 7),
    (_log, 26),
    (_kernel_text, 5),
    (_whatever, 5),
    (_expect, 5),
    (_options, 8),
    (_trace, 5),
    (_simulate, 2),
    (_sweep, 1),
    (_proc, 0.8),
    (_vmcore, 0.1),
)
MAKERS = [make for make, _ in _WEIGHTS]


def save(case: Case, folder: Path) -> None:
    """Keep a case: its files, to be tried by hand, and all of it for `python -m tests.fuzz --again`."""
    (folder / "files").mkdir(parents=True, exist_ok=True)
    (folder / "case.json").write_text(case.to_json())
    for name, raw in case.files.items():
        path = folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    if case.stdin:
        (folder / "files" / "stdin").write_bytes(case.stdin)
