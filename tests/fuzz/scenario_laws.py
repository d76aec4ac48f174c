"""What holds of a random scenario that is right: the same choice from every form, and from the rules written again."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

import oomsel
from oomsel.booting import Booted
from oomsel.check.expectation import failures, rival
from oomsel.kernel.event import OomReport
from oomsel.kernel.oom_kill import out_of_memory
from oomsel.outputs.bundle import save
from oomsel.outputs.explain import explain
from oomsel.outputs.kernel_text import kernel_lines
from oomsel.outputs.scenario_text import json_pieces, yaml_pieces
from oomsel.scenario.models import Expect, Verdict
from tests.fuzz.kernel_rules import MEMBERS, Event, Mm
from tests.fuzz.laws import Broken
from tests.fuzz.scenarios import scenario_of

MODES = ("approximate", "precise")
_PREFIX = r"(?:Memory cgroup out|Out) of memory(?: \(oom_kill_allocating_task\))?"
_SAID = (
    (re.compile(r"\[ *(\d+)\]((?: +[-?\d]+)+) .*", re.DOTALL), "row"),
    (re.compile(r"oom-kill:constraint=(\w+),nodemask=\S*?,cpuset=.*?,mems_allowed=([-\d,]*),(?:(global)_oom|oom_memcg=(.*?)),task_memcg=(/[^,]*),"
                r"task=.*,pid=(\d+),uid=(-?\d+)"), "oom-kill"),
    (re.compile(rf"{_PREFIX}: Killed process (\d+) \(.*\) total-vm:(\d+)kB, anon-rss:([?\d]+)kB, file-rss:([?\d]+)kB,"
                r" shmem-rss:([?\d]+)kB, UID:(\d+) pgtables:(\d+)kB oom_score_adj:(-?\d+)"), "killed"),
    (re.compile(rf"{_PREFIX}: OOM victim (\d+) \(.*\) is already exiting\. Skip killing the task"), "exiting"),
    (re.compile(r"oom killer (\d+) \(.*\) has mm pinned by (\d+) \(.*\)"), "pinned"),
    (re.compile(r"Tasks in (.*) are going to be killed due to memory\.oom\.group set"), "group"),
    (re.compile(r"oom_reaper: reaped process (\d+) \(.*\), now anon-rss:(\d+)kB, file-rss:([?\d]+)kB,"
                r" shmem-rss:([?\d]+)kB"), "reaped"),
    (re.compile(r"Kernel panic - not syncing: .*(compulsory|system-wide|deadlocked).*"), "panic"),
    (re.compile(r"(Out of memory and no killable processes)\.\.\."), "nobody"),
)  # fmt: skip


def said_in(lines: list[str]) -> list[tuple[Any, ...]]:
    """The lines as `Event.said` has them."""
    said: list[tuple[Any, ...]] = []
    for line in lines:
        for pattern, kind in _SAID:
            if match := pattern.fullmatch(line):
                groups = [group for group in match.groups() if group is not None]
                if kind == "row":
                    said.append((kind, groups[0], *groups[1].split()))
                elif kind == "nobody":
                    said.append((kind,))
                else:
                    said.append((kind, *groups))
    return said


def broken_by(seed: int, index: int) -> list[Broken]:
    """The laws that the scenario number `index` of a seed breaks."""
    return broken_of(scenario_of(seed, index), Random(f"laws {seed}/{index}"))


def broken_of(data: dict[str, Any], rng: Random) -> list[Broken]:
    """The laws that a scenario breaks; an exception in one of them is a fault, too."""
    found: list[Broken] = []
    text = json.dumps(data)
    try:
        scenario = oomsel.loads(text, source="S")
        booted = oomsel.boot(scenario)
        reports = {mode: oomsel.select(booted, mode) for mode in MODES}
    except Exception as error:
        return [Broken("scenario is read", f"{type(error).__name__}: {str(error)[:200]}")]
    events = {mode: Event(data, mode) for mode in MODES}
    laws = (
        _rules,
        _expected,
        _round_trip,
        _table_form,
        _permuted,
        _two_pass,
        _intervals,
        _rescues,
        _log,
        _no_difference,
    )
    for law in laws:
        name = f"scenario {law.__name__.strip('_').replace('_', ' ')}"
        try:
            found += [Broken(name, what) for what in law(data, scenario, booted, reports, events, rng)]
        except Exception as error:
            frame = error.__traceback__
            while frame is not None and frame.tb_next is not None:
                frame = frame.tb_next
            where = "" if frame is None else f" in {frame.tb_frame.f_code.co_name}:{frame.tb_lineno}"
            found.append(Broken(name, f"{type(error).__name__}{where}: {str(error)[:160]}"))
    return found


Reports = Mapping[str, OomReport]
Events = dict[str, Event]


def _lines(booted: Booted | oomsel.Scenario) -> dict[str, list[str]]:
    booted = booted if isinstance(booted, Booted) else oomsel.boot(booted)
    return {mode: kernel_lines(oomsel.select(booted, mode), reaper=True) for mode in MODES}


def _chosen(report: OomReport) -> int | None:
    return None if report.chosen is None else int(report.system.tasks.pid[report.chosen])


def _rules(data: Any, _: Any, booted: Booted, reports: Reports, events: Events, rng: Random) -> Iterator[str]:
    """The same as the rules written again: outcome, victim, totalpages, and every number that is printed."""
    for mode, report in reports.items():
        event = events[mode]
        outcome = event.outcome
        if outcome != report.outcome.value:
            yield f"{mode}: ends {report.outcome.value}, not {outcome}"
            continue
        if event.totalpages != report.totalpages:
            yield f"{mode}: totalpages {report.totalpages}, not {event.totalpages}"
        if (None if event.chosen is None else event.chosen["pid"]) != _chosen(report):
            yield f"{mode}: chooses another one"
        ours, theirs = said_in(kernel_lines(report, reaper=True)), event.said()
        for one, other in zip(ours, theirs, strict=False):
            if one != other:
                yield f"{mode}: prints {one}, not {other}"
                break
        if len(ours) != len(theirs):
            yield f"{mode}: prints {len(ours)} lines, not {len(theirs)}"


def _expected(data: Any, _: Any, booted: Booted, reports: Reports, events: Events, rng: Random) -> Iterator[str]:
    """What happens is what `expect` says of it, and no other pid is."""
    for mode, event in events.items():
        killed = tuple(task["pid"] for task, how in event.killed[:1]) + tuple(
            task["pid"] for task, how in event.killed[1:] if how == "killed" and task is not event.chosen
        )
        pid = None if event.chosen is None else event.chosen["pid"]
        panics = event.outcome == "panic-on-oom" or (
            event.outcome == "no-killable" and event.memcg is None and not event.is_sysrq
        )
        right = Verdict(
            victim=pid,
            panic=True if panics else None,
            kills=killed or None,
            nobody=None if killed or event.outcome == "panic-on-oom" else True,
        )
        wrong = Verdict(victim=(pid or 0) + 1000)
        for verdict, holds in ((right, True), (wrong, False)):
            expect = Expect(approximate=verdict) if mode == "approximate" else Expect(precise=verdict)
            broken = [
                failure
                for failure in failures(expect, reports["approximate"], reports["precise"])
                if failure.path[1] == mode
            ]
            if bool(broken) == holds:
                yield f"{mode}: {verdict} should {'hold' if holds else 'fail'}: {broken}"


def _round_trip(
    data: Any, scenario: Any, booted: Booted, reports: Reports, events: Events, rng: Random
) -> Iterator[str]:
    """YAML, JSON and a bundle of it print the same, to the byte."""
    import yaml

    wanted = _lines(booted)
    bundle = io.BytesIO()
    save(scenario, bundle)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    flow = rng.choice((None, False))
    forms: dict[str, str | bytes] = {
        "JSON": "".join(json_pieces(scenario)),
        "YAML": "".join(yaml_pieces(scenario)),
        "a bundle": bundle.getvalue(),
        "YAML by another writer": yaml.dump(data, Dumper=dumper, allow_unicode=True, default_flow_style=flow),
    }  # fmt: skip
    for name, raw in forms.items():
        if _lines(oomsel.loads(raw, source="S")) != wanted:
            yield f"{name} says something else"


def _table_form(
    data: Any, scenario: Any, booted: Booted, reports: Reports, events: Events, rng: Random
) -> Iterator[str]:
    """Rows, with what they cannot say under `more`, print the same."""
    made = _as_table(data, events["approximate"])
    if made is not None and _lines(oomsel.loads(json.dumps(made), source="S")) != _lines(booted):
        yield "the table form says something else"


def _as_table(data: dict[str, Any], event: Event) -> dict[str, Any] | None:
    """The scenario with a table in place of its tasks, None where it has what no row can say."""
    rows = [
        "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name"
    ]
    more: dict[str, Any] = {}
    stated: set[int] = set()
    for task in data["tasks"]:
        pid = task["pid"]
        mm = event.mms.get(pid)
        if mm is None or mm.one_number or task["comm"] != task["comm"].strip() or "\\" in task["comm"]:
            return None
        own = Mm(next(other for other in mm.sharers))
        if any(own.count[member] < 0 for member in MEMBERS):
            return None
        tables = own.pgtables
        live, name = (
            (task["thread"]["pid"], task["thread"].get("comm", task["comm"]))
            if "thread" in task
            else (pid, task["comm"])
        )
        counts = [own.count[member] for member in ("anon", "file", "shmem")]
        total_vm = mm.sharers[0].get("total_vm", mm.total_vm)
        uid = task.get("uid", 0)
        numbers = (
            uid - (1 << 32) if uid >= 1 << 31 else uid,
            pid,
            total_vm,
            sum(counts),
            *counts,
            tables,
            own.count["swap"],
            task.get("oom_score_adj", 0),
        )
        rows.append(f"[{live:7}] {' '.join(map(str, numbers))} {name}")
        extra = {
            key: task[key] for key in ("flags", "mm", "memcg", "cpuset", "mempolicy", "reaper_leaves") if key in task
        }
        if "thread" in task:
            extra["comm"] = task["comm"]
        if id(mm) not in stated:
            stated.add(id(mm))
            deltas = {
                member: {"deltas": counter["deltas"]}
                for member, counter in task.get("rss", {}).items()
                if isinstance(counter, dict) and counter.get("deltas")
            }
            if deltas:
                extra["rss"] = deltas
        if extra:
            more[str(live)] = extra
    return data | {"tasks": "\n".join(rows)} | ({"more": more} if more else {})


def _permuted(data: Any, scenario: Any, booted: Booted, reports: Reports, events: Events, rng: Random) -> Iterator[str]:
    """Tasks in another order: the same victim, but of equals the last one."""
    if any("mm" in task for task in data["tasks"]) or any(
        "order" in group for group in data.get("memcgs", {}).values()
    ):
        return
    tasks = rng.sample(data["tasks"], len(data["tasks"]))
    current = (
        {}
        if reports["precise"].oc.current is None
        else {"current": int(booted.system.tasks.live_pid[reports["precise"].oc.current])}
    )
    other = oomsel.boot(oomsel.loads(json.dumps(data | {"tasks": tasks, "oom": data["oom"] | current}), source="S"))
    for mode, report in reports.items():
        again = oomsel.select(other, mode)
        if again.outcome is not report.outcome:
            best = int(report.points.max())
            if int((report.points == best).sum()) == 1:  # of equals another one may be dying already
                yield f"{mode}: ends {again.outcome.value}, not {report.outcome.value}"
        elif report.chosen is not None and not report.allocating_task:
            best = int(report.points[report.chosen])
            equals = {int(report.system.tasks.pid[task]) for task in report.visited if report.points[task] == best}
            last = [
                int(again.system.tasks.pid[task])
                for task in again.visited
                if int(again.system.tasks.pid[task]) in equals
            ][-1]
            if _chosen(again) != last:
                yield f"{mode}: chooses another one"


def _two_pass(data: Any, scenario: Any, booted: Booted, reports: Reports, events: Events, rng: Random) -> Iterator[str]:
    """Two passes come to the precise choice, unless their limit was hit."""
    report = oomsel.select(booted, "two-pass")
    if report.two_pass is not None and report.two_pass.limited:
        return
    if (report.outcome, _chosen(report)) != (reports["precise"].outcome, _chosen(reports["precise"])):
        yield "two passes choose another one"


def _intervals(
    data: Any, scenario: Any, booted: Booted, reports: Reports, events: Events, rng: Random
) -> Iterator[str]:
    """The precise badness lies in its interval; whoever is chosen when the CPUs hold something else could be chosen."""
    explanation = explain(reports["approximate"], reports["precise"], "approximate")
    low, high, precise = explanation.interval.low, explanation.interval.high, reports["precise"].points
    if not ((low <= precise) & (precise <= high)).all():
        yield "a precise badness is outside of its interval"
    if (
        reports["approximate"].chosen is None
        or reports["approximate"].allocating_task
        or not booted.system.rules.percpu_rss
    ):
        return
    possible, is_robust = set(explanation.possible_victims), rival(reports["approximate"]) is None
    stat = booted.system.rss
    most, seen = explanation.bound.per_cpu, sorted(stat.online | stat.dying)
    slots = [stat.slots[cpu] for cpu in seen if cpu in stat.slots]
    chance = np.random.default_rng(rng.randrange(1 << 32))
    for extreme in (True, False, True):
        percpu = np.zeros_like(stat.percpu)
        shape = (*percpu.shape[:2], len(slots))
        percpu[:, :, slots] = (
            chance.choice((-most, most), shape) if extreme else chance.integers(-most, most + 1, shape)
        )
        held = replace(booted.system, rss=replace(stat, percpu=percpu, bound=most))
        report = out_of_memory(held, booted.oc, "precise")
        if report.chosen is None:
            continue
        if report.chosen not in possible:
            yield "someone is chosen who could not be"
        if is_robust and report.chosen != reports["approximate"].chosen:
            yield "a robust choice changes"


def _rescues(data: Any, scenario: Any, booted: Booted, reports: Reports, events: Events, rng: Random) -> Iterator[str]:
    """The oom_score_adj that is advised saves the victim, one more does not."""
    for mode in MODES:
        explanation = explain(reports["approximate"], reports["precise"], mode)
        for rescue in explanation.rescues[:1]:
            pid = int(booted.system.tasks.pid[rescue.victim])
            own = int(booted.system.tasks.oom_score_adj[rescue.victim])
            run = mode if explanation.report.chosen == rescue.victim else MODES[mode == "approximate"]
            for adj, dies in ((-1000, True),) if rescue.adj is None else ((rescue.adj, False), (rescue.adj + 1, True)):
                if adj > own:
                    yield "a rescue raises oom_score_adj"
                changed = json.loads(json.dumps(data))
                next(task for task in changed["tasks"] if task["pid"] == pid)["oom_score_adj"] = adj
                event = Event(changed, run)
                named = {id(event.mms[task["pid"]]) for task, _ in event.killed}
                mm = event.mms[pid]
                is_init = "init" in event.flags(next(task for task in changed["tasks"] if task["pid"] == pid))
                if ((id(mm) in named) and not is_init) != dies:
                    yield f"{run}: with {adj} it {'lives' if dies else 'dies'}"


def _log(data: Any, scenario: Any, booted: Booted, reports: Reports, events: Events, rng: Random) -> Iterator[str]:
    """A log of it has the same table, says who was killed, and makes the same choice where a log can say enough."""
    mode = "precise" if booted.system.rules.precise_oom else "approximate"
    report = reports[mode]
    lines = kernel_lines(report)
    is_one_line = all("\n" not in line for line in lines)
    if not report.outcome.has_report or not is_one_line or booted.system.page_size != 4096:
        return
    machine = booted.system
    head = [f"Linux version {data['kernel']} (a@b) (gcc) #1 SMP"]
    memory = ["Mem-Info:", f"Total swap = {machine.total_swap_pages * 4}kB", f"{machine.totalram_pages} pages RAM",
              "0 pages HighMem/MovableOnly", "0 pages reserved"]  # fmt: skip
    log = [*head, lines[0], *memory, *lines[1:]]
    raw = "".join(f"[   14.{number:06}] {line}\n" for number, line in enumerate(log))
    if not len(report.shown) or not booted.oc.current_comm:
        return
    read = oomsel.loads(raw, source="L")
    again = oomsel.select(read, "kernel")
    assert read.log is not None
    if len(read.log.event.rows) != len(report.shown):
        yield "the log has other rows"
    if len(read.log.event.kills) != sum("Killed process" in line for line in lines):
        yield "the log has other kills"
    plain = (
        not any(set(task) & {"flags", "mm", "thread", "cpuset", "mempolicy"} for task in data["tasks"])
        and not set(data["oom"]) & {"totalpages", "nodemask", "cpuset_limited", "memcg"}
        and not data.get("sysctl")
        and "nodes" not in data["machine"]
        and not any(task["pid"] == 1 for task in data["tasks"])
        and data["oom"].get("order") != -1  # which real kernels say of a kworker alone
    )
    if plain:
        if _chosen(again) != _chosen(report):
            yield "the log makes another choice"
        if kernel_lines(again) != lines:
            yield "the log is printed otherwise"


def _no_difference(
    data: Any, scenario: Any, booted: Booted, reports: Reports, events: Events, rng: Random
) -> Iterator[str]:
    """`diff` of equal inputs is empty, and `check` of the same prints the same."""
    if rng.random() > 0.05:
        return
    import tempfile
    from pathlib import Path

    from tests.running import run

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.json"
        path.write_text(json.dumps(data))
        ran = run("diff", path, path)
        if (ran.status, ran.out) != (0, ""):
            yield f"diff of the same ends with {ran.status}: {ran.out[:100]}{ran.err[:100]}"
        for mode in MODES:
            ran = run("select", "--mode", mode, "--reaper", path)
            if ran.out.splitlines() != kernel_lines(reports[mode], reaper=True):
                yield f"select --mode {mode} prints something else"
