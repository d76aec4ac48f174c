"""Hostile text in every place of every form of input: no terminal, CI log or spreadsheet acts on any output.

Fields are found, not listed: every text and key of a scenario, a workload and a study, every capital or number of a
log's lines, every option of every command.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest

import oomsel
from oomsel.cli import COMMANDS, cli
from oomsel.outputs.bundle import save
from tests.inputs.proc.conftest import Files, process, tree
from tests.running import Ran, run
from tests.traces import Kernel

#: All at once, where there is room: OSC 52, cursor moves, C1, bidi controls, a lone surrogate, 0, a carriage return,
#: a line of its own, commands of CI runners, rich's markup and emoji, HTML, mathtext, Markdown.
LONG = (
    "=cmd|'/C calc'!A0\x1b]52;c;cHduZWQ=\x07\x1b[2J\x1b[1;31mx\x9b31m\u202ee\u2066\u2028\udcff\ud800\x00\x7f\r"
    "\n::add-mask::FORGED\n  ::error::FORGED\nFORGED ##[error]x ##vso[task.setvariable]x [red]r[/red] [/] :smile: "
    '</script><img src=x onerror=a()> $x^2$ `a` | b \\ % & " ]]> --> \ufffe'
)
#: The same in pieces, where there are 15 bytes.
SHORT = (
    "\x1b]0;x\x07\x1b[2J",
    "::error::FORGED",
    "##[add-mask]x",
    "=1+1|'x'",
    "\n::stop::F",
    "\u202e\x9b2J\udcff",
    "[/x][red]`|<b>",
)

_ACTED_ON = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_OWN_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_COMMAND = re.compile(r"(?m)^[^\S\n]*(?:::[A-Za-z]|FORGED)|##(?:vso|teamcity)?\[")
_MARK = re.compile(r"::error file=[^,\n]*,line=[0-9]+,col=[0-9]+,title=oomsel check::[^\n]*\n")


def harmless(ran: Ran, *, coloured: bool = False) -> Ran:
    """What a call said, which nothing acts on."""
    for stream in (ran.out, ran.err):
        text = _OWN_COLOUR.sub("", stream) if coloured else stream
        found = _ACTED_ON.search(text)
        assert found is None, (found, text[max(found.start() - 60, 0) : found.end() + 20])
        found = _COMMAND.search(_MARK.sub("", text))
        assert found is None, (found, text[max(found.start() - 60, 0) : found.end() + 40])
        assert "a bug" not in text, text
        assert "Traceback" not in text, text
    return ran


def formats(name: str) -> list[str]:
    """What a command's --format takes, but for what is no text."""
    choices = {option.name: option.type for option in command_of(name).params}
    return [form for form in choices["form"].choices if form not in ("npz", "parquet")]  # type: ignore[attr-defined]


def command_of(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def all_outputs(name: str, *, kind: str = "scenario") -> None:
    """Every command and format that reads an input of a kind."""
    calls = [
        *(["select", "--format", form, name] for form in formats("select")),
        *(["explain", "--format", form, "--scores", name] for form in formats("explain")),
        *(["diff", "--format", form, name, "other.yaml"] for form in formats("diff")),
        *(["convert", "-v", "--format", form, name] for form in formats("convert")),
        ["select", "--format", "table", "--all", name],
    ]
    if kind == "scenario":
        calls += [["check", "-v", name], ["check", "--format", "json", name], ["check", "--junit", "j.xml", name]]
    if kind == "log":
        calls += [["events", "--format", form, name] for form in formats("events")]
        calls += [["explain", "--all-events", name]]
    for call in calls:
        ran = harmless(run(*call))
        if ran.status == 2:
            continue
        if "json" in call:
            json.loads(ran.out)
        if "csv" in call:
            harmless_cells(ran.out)
        if "j.xml" in call:
            ElementTree.parse("j.xml")  # noqa: S314
            assert _COMMAND.search(Path("j.xml").read_text(encoding="utf-8")) is None
    harmless(run("diff", "--color", "always", name, "other.yaml"), coloured=True)
    harmless(run("explain", "--color", "always", name), coloured=True)


def harmless_cells(text: str) -> None:
    """No cell of a CSV is a formula; numbers are numbers."""
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(r"-[0-9.]+", cell), cell


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")  # the log of a runner that takes commands
    Path("other.yaml").write_text(json.dumps(SCENARIO), encoding="utf-8")


__all__ = ["tree"]  # a fixture


# -- scenarios ---------------------------------------------------------------------------------------------------------

SCENARIO: dict[str, Any] = {
    "oomsel": 1,
    "title": "t",
    "description": "one\ntwo",
    "kernel": "6.8",
    "machine": {"cpus": 2, "ram": "1GiB", "swap": 0, "nodes": {"0": {"ram": "1GiB", "cpus": "0-1"}}},
    "memcgs": {"/a": {"max": "512MiB"}, "/a/b": {}},
    "oom": {"memcg": "/a", "gfp_mask": "GFP_KERNEL", "order": 0, "current": 7},
    "sysctl": {"oom_dump_tasks": 1},
    "tasks": [
        {"pid": 7, "comm": "a", "memcg": "/a/b", "rss": {"anon": 400, "file": {"count": 5, "deltas": {"0-1": 3}}}},
        {"pid": 8, "comm": "b", "memcg": "/a", "flags": ["oom_skip"], "rss": {"anon": "4 MiB"}},
        {
            "pid": 9,
            "comm": "c",
            "memcg": "/a",
            "cpuset": {"name": "c", "mems_allowed": "0"},
            "mm": "label",
            "thread": {"pid": 10, "comm": "th"},
        },
    ],
    "expect": {"victim": "a", "never": ["b"], "output": "gold.log"},
}


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], bool]]:
    """Every value that is no container, and every key of a mapping, by its path and whether it is a key."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key), True
            yield from places(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from places(value, (*path, index))
    else:
        yield path, False


def changed(data: Any, path: tuple[Any, ...], *, is_key: bool, value: str) -> Any:
    """`data` with `value` for what stands at `path`, or for the key."""
    if not path:
        return value
    first, *rest = path
    if isinstance(data, list):
        return [
            changed(each, tuple(rest), is_key=is_key, value=value) if i == first else each
            for i, each in enumerate(data)
        ]
    if is_key and not rest:
        return {(value if key == first else key): each for key, each in data.items()}
    return {
        key: changed(each, tuple(rest), is_key=is_key, value=value) if key == first else each
        for key, each in data.items()
    }


PLACES = list(places(SCENARIO))


@pytest.mark.parametrize(
    ("path", "is_key"), PLACES, ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else ""
)
def test_every_place_of_a_scenario(path: tuple[Any, ...], is_key: bool) -> None:
    number = PLACES.index((path, is_key))
    Path("gold.log").write_bytes(LONG.encode("utf-8", "surrogatepass"))
    for index, value in enumerate((LONG, SHORT[number % len(SHORT)])):
        text = json.dumps(changed(SCENARIO, path, is_key=is_key, value=value))
        name = f"s.{('yaml', 'json')[(number + index) % 2]}"
        Path(name).write_text(text, encoding="utf-8")
        calls = [["select", name], ["explain", name], ["check", "-v", name], ["convert", name]]
        for call in calls[: 2 if index == 0 else 4]:
            harmless(run(*call))


@pytest.mark.parametrize("comm", [*SHORT, "$x^2$ :smile:"])
def test_a_name_in_every_output(comm: str) -> None:
    raw = comm.encode("utf-8", "surrogateescape")
    name = "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in raw)
    data = json.loads(json.dumps(SCENARIO).replace('"comm": "a"', f'"comm": {json.dumps(name)}'))
    data["expect"] = {"victim": name, "never": ["b"], "output": "gold.log"}
    data["oom"]["current"] = 7
    Path("gold.log").write_bytes(LONG.encode("utf-8", "surrogatepass"))
    Path("s.yaml").write_text(json.dumps(data), encoding="utf-8")
    scenario = oomsel.load("s.yaml")
    assert scenario.tasks[0].comm == raw
    with open("s.npz", "wb") as file:
        save(scenario, file)
    for name in ("s.yaml", "s.npz"):
        all_outputs(name)
    for form in ("yaml", "json"):  # and it is the same name again
        Path(f"again.{form}").write_text(harmless(run("convert", "--format", form, "s.yaml")).out, encoding="utf-8")
        assert oomsel.load(f"again.{form}").tasks[0].comm == raw


@pytest.mark.parametrize("key", ["title", "description"])
def test_free_text(key: str) -> None:
    text = LONG.replace("\x00", "").replace("\ufffe", "")
    Path("s.json").write_text(json.dumps(SCENARIO | {key: text, "expect": {"victim": "a"}}), encoding="utf-8")
    all_outputs("s.json")


def test_the_inputs_are_read_when_nothing_is_hostile(tmp_path: Path) -> None:
    Path("gold.log").write_text("", encoding="utf-8")
    for name, text in (("a.log", dmesg(LOG)), ("b.log", syslog(LOG)), ("c.log", journal(LOG)), ("d.log", export(LOG))):
        write(name, text)
        assert "(unit web.service)" in run("explain", name).out
    write("w.yaml", json.dumps(WORKLOAD))
    write("s.yaml", json.dumps(STUDY))
    calls = [["select", "other.yaml"], ["simulate", "w.yaml"], ["sweep", "-o", "x.csv", "s.yaml"]]
    assert [run(*call).status for call in calls] == [0, 0, 0]


# -- logs --------------------------------------------------------------------------------------------------------------

LOG = """\
Linux version 6.12.9-amd64 (builder@host) #1 SMP
smp: Brought up 1 node, 4 CPUs
Adding 1048572k swap on /dev/vda2.  Priority:-2 extents:1 across:1048572k
eater invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
CPU: 1 UID: 0 PID: 41 Comm: eater Tainted: G OE 6.12.9-amd64 #1 Debian
Hardware name: Machine, BIOS 1.0
Modules linked in: snd extra(O)
Call Trace:
 out_of_memory+0x1fd/0x4c0
memory: usage 1048576kB, limit 1048576kB, failcnt 77
swap: usage 0kB, limit 9007199254740988kB, failcnt 0
Memory cgroup stats for /system.slice/web.service:
anon 1048576
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
[     41]     0    41    50000    40000    40000        0         0   409600        0             0 eater
[     42]     0    42    30000    20000    20000        0         0   409600        0             0 helper
oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=web,mems_allowed=0,oom_memcg=/system.slice/web.service,\
task_memcg=/system.slice/web.service,task=eater,pid=41,uid=0
Memory cgroup out of memory: Killed process 41 (eater) total-vm:200000kB, anon-rss:160000kB, file-rss:0kB, \
shmem-rss:0kB, UID:0 pgtables:400kB oom_score_adj:0
Tasks in /system.slice/web.service are going to be killed due to memory.oom.group set
oom_reaper: reaped process 41 (eater), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
"""
WORDS = sorted({match[0] for match in re.finditer(r"[A-Za-z][\w./()+-]{2,}|(?<=[ =:])[0-9]+", LOG)})


def dmesg(text: str) -> str:
    return "".join(f"[    9.{number:06}] {line}\n" for number, line in enumerate(text.splitlines()))


def syslog(text: str, host: str = "web-1", tag: str = "kernel") -> str:
    return "".join(f"2026-11-28T15:00:{n:02}.5Z {host} {tag}: {line}\n" for n, line in enumerate(text.splitlines()))


def journal(text: str, **fields: str) -> str:
    given = {"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel", "_HOSTNAME": "web-1"} | fields
    return "".join(json.dumps({"MESSAGE": line, **given}) + "\n" for line in text.split("\n"))


def export(text: str) -> str:
    return "".join(f"__CURSOR=a\nMESSAGE={line}\n_HOSTNAME=h\n_TRANSPORT=kernel\n\n" for line in text.splitlines())


INLINE = LONG.replace("\n", " ")
FORMS: dict[str, Callable[[str], str]] = {"dmesg": dmesg, "syslog": syslog, "journal": journal, "export": export}


def write(name: str, text: str) -> None:
    Path(name).write_bytes(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_a_log(word: str) -> None:
    number = WORDS.index(word)
    short = SHORT[number % len(SHORT)].replace("\n", " ")
    form = list(FORMS.values())[number % len(FORMS)]
    for index, value in enumerate((INLINE, f"{word}{short}", f"{word}{INLINE}")):
        write("a.log", form(re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", lambda _: value, LOG)))  # noqa: B023
        harmless(run("select", "a.log"))
        harmless(run("events", "--format", ("text", "csv", "json")[index], "a.log"))
        harmless(run("explain", "-v", "a.log"))


@pytest.mark.parametrize("name", [*SHORT])
def test_a_logged_name_in_every_output(name: str) -> None:
    text = LOG.replace("eater", name.replace("\n", " ")).replace("web.service", f"{INLINE.replace(',', '')}.service")
    write("a.log", dmesg(text))
    all_outputs("a.log", kind="log")


@pytest.mark.parametrize(
    "text",
    [
        syslog(LOG, host=INLINE.replace(" ", "")),
        syslog(LOG, tag=INLINE.replace(" ", "").replace(":", "")),
        journal(LOG, _HOSTNAME=LONG),
        journal(LOG, SYSLOG_IDENTIFIER=LONG),
        journal(LOG, _TRANSPORT=LONG),
        journal(LOG, timestamp=LONG),
        "".join(f"{LONG!r} {line}" for line in dmesg(LOG).splitlines(keepends=True)),
    ],
    ids=["host", "tag", "journal's host", "identifier", "transport", "time", "an unknown prefix"],
)
def test_what_stands_around_a_log(text: str) -> None:
    write("a.log", text)
    all_outputs("a.log", kind="log")


# -- /proc, traces, workloads, studies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHORT)
def test_a_tree_of_proc(name: str, tree: Callable[..., Path]) -> None:
    odd = name.replace("/", "").replace("\x00", "")
    comm = odd.encode("utf-8", "surrogateescape").decode("latin-1")
    files: Files = {
        **process(70, comm, anon=9000, cgroup=f"0::/{comm}\n".replace("\n:", " :")),
        "proc/sys/kernel/osrelease": f"6.18.1{odd}\n".encode("utf-8", "replace").decode(),
        "proc/sys/kernel/hostname": f"{odd}\n".encode("utf-8", "replace").decode(),
    }
    root = tree(files)
    harmless(run("capture", "-v", "--root", root))
    harmless(run("explain", "-v", root / "proc"))


def test_a_folder_of_proc_by_name(tree: Callable[..., Path], tmp_path: Path) -> None:
    root = tree()
    hostile = tmp_path / LONG.replace("/", "").replace("\x00", "")[:100].encode("utf-8", "replace").decode()
    hostile.symlink_to(root)
    harmless(run("capture", "-v", "--root", hostile))


@pytest.mark.parametrize("comm", SHORT)
def test_a_trace(comm: str) -> None:
    kernel = Kernel()
    kernel.exec(1, pid=77, comm=comm.replace("\n", " "))
    kernel.add(1, 1, 40, pid=77, comm=comm.replace("\n", " "))
    kernel.say(f" x-77 [001] .... 1003.000001: mark_victim: pid=77 comm={INLINE} total-vm=1kB anon-rss=1kB")
    kernel.say(INLINE)
    Path("a.trace").write_bytes("".join(f"{line}\n" for line in kernel.lines).encode("utf-8", "surrogatepass"))
    for form in ("table", "csv", "json"):
        ran = harmless(run("replay", "--format", form, "a.trace"))
        if form == "csv":
            harmless_cells(ran.out)
    harmless(run("replay", "--at", "1002", "-o", "s.yaml", "--ram", "1GiB", "a.trace"))


WORKLOAD: dict[str, Any] = {
    "oomsel_workload": 1,
    "title": "t",
    "description": "d",
    "machine": {"cpus": 2, "ram": "1GiB"},
    "processes": [
        {"pid": 7, "comm": "a", "threads": 2, "do": [{"fault": 40, "memory": "anon"}], "schedule": {"kind": "pinned"}}
    ],
}
STUDY: dict[str, Any] = {
    "oomsel_study": 1,
    "title": "t",
    "grid": {"cpus": [2], "threads": 1, "processes": 2, "hop": 10},
    "seeds": 1,
    "memory": "1MiB",
    "step": "64 kB",
    "times": 1,
}


@pytest.mark.parametrize(
    ("data", "command"),
    [(WORKLOAD, ["simulate"]), (WORKLOAD, ["simulate", "--format", "json"]), (STUDY, ["sweep", "-o", "x.csv"])],
)
def test_every_place_of_a_workload_and_a_study(data: dict[str, Any], command: list[str]) -> None:
    for number, (path, is_key) in enumerate(places(data)):
        for value in (LONG, SHORT[number % len(SHORT)]):
            Path("w.yaml").write_text(json.dumps(changed(data, path, is_key=is_key, value=value)), encoding="utf-8")
            harmless(run(*command, "w.yaml"))
            for left in ("x.csv", "x.csv.part"):
                Path(left).unlink(missing_ok=True)


@pytest.mark.parametrize("comm", SHORT)
def test_a_name_in_a_simulation(comm: str) -> None:
    data = changed(WORKLOAD, ("processes", 0, "comm"), is_key=False, value=comm.encode("utf-8", "replace").decode())
    Path("w.yaml").write_text(json.dumps(data), encoding="utf-8")
    harmless(run("simulate", "--trace", "t.csv", "w.yaml"))
    if Path("t.csv").exists():
        harmless_cells(Path("t.csv").read_text(encoding="utf-8"))
    harmless(run("simulate", "-o", "-", "w.yaml"))


# -- file names and options --------------------------------------------------------------------------------------------

FILE_NAMES = [
    LONG.replace("/", "").replace("\x00", "")[:120].encode("utf-8", "replace").decode() + ".yaml",
    *(short.replace("/", "").encode("utf-8", "replace").decode() + ".yaml" for short in SHORT),
]


_HOSTILE_FILE = LONG.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((FILE_NAMES[0], content) for content in (dmesg(LOG), _HOSTILE_FILE, None)),
        *((name, json.dumps(SCENARIO)) for name in FILE_NAMES),
    ],
)
def test_names_of_files(name: str, content: str | None) -> None:
    if content is not None:
        Path(name).write_text(content, encoding="utf-8")
    Path("gold.log").write_text("x\n", encoding="utf-8")
    is_log = content == dmesg(LOG)
    all_outputs(f"./{name}" if name.startswith("-") else name, kind="log" if is_log else "scenario")
    harmless(run("check", "."))
    harmless(run("check", "--update", "--junit", "j.xml", "."))
    harmless(run("events", "--split", f"d{name}", "."))
    harmless(run("init", f"x{name}"))


def options_of(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.is_flag:
            yield parameter.opts[-1]


OPTIONS = [(name, option) for name in COMMANDS for option in options_of(command_of(name))]


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_every_option_of_every_command(name: str, option: str) -> None:
    if option in ("--jobs", "--dask"):
        return
    inputs = {
        "sweep": ["s.yaml"],
        "replay": ["t.trace"],
        "simulate": ["w.yaml"],
        "events": ["a.log"],
        "diff": ["a.log", "a.log"],
    }
    write("a.log", dmesg(LOG))
    write("w.yaml", json.dumps(WORKLOAD))
    write("s.yaml", json.dumps(STUDY))
    kernel = Kernel()
    kernel.add(1, 1, 40)
    Path("t.trace").write_bytes(kernel.text())
    words = inputs.get(name, ["other.yaml"] if name in ("select", "explain", "check", "convert") else [])
    hostile = LONG.replace("\x00", "").replace("\ud800", "").replace("/", "")
    for value in (hostile[:200], f"tasks[{hostile}]={hostile}", *SHORT):
        harmless(run(name, option, value, *words))
        if option == "--set":
            harmless(run(name, option, value, "other.yaml"))


@pytest.mark.parametrize("value", [LONG.replace("\x00", "").replace("\ud800", ""), *SHORT])
def test_commands_and_arguments(value: str) -> None:
    harmless(run(value))
    for name in COMMANDS:
        if name not in ("bench", "completion", "generate"):
            harmless(run(name, value.replace("/", "")[:200], "other.yaml"))
        harmless(run(name, f"--{value}"))


def test_the_table_on_a_terminal_reads_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    data = json.loads(json.dumps(SCENARIO).replace('"comm": "a"', '"comm": "[red]a[/] :x:"'))
    Path("s.yaml").write_text(json.dumps(data | {"expect": {}, "oom": {}}), encoding="utf-8")
    ran = harmless(run("select", "--format", "table", "s.yaml"), coloured=True)
    assert "[red]a[/] :x:" in _OWN_COLOUR.sub("", ran.out)
    assert "\x1b[" in ran.out


def test_a_reserved_word_of_ours_is_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text from an input that has a colour stays text where oomsel's own colours are shown."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    Path("gold.log").write_text("\x1b[31mred\n", encoding="utf-8")
    Path("s.yaml").write_text(json.dumps(SCENARIO | {"expect": {"output": "gold.log"}}), encoding="utf-8")
    ran = run("check", "s.yaml")
    assert "\\x1b[31mred" in ran.out
    assert "\x1b[" in ran.out
