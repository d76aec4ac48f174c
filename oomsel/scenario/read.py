"""From a document to a Scenario: every problem of the file in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import ErrorDetails, ValidationError

from oomsel import text
from oomsel.errors import InputError
from oomsel.scenario import field_types, models, schema
from oomsel.scenario.columns import TaskColumns
from oomsel.scenario.problems import Places, ProblemCollector
from oomsel.scenario.rules.machine import MISSING, check_expect, check_machine, check_memcgs, check_oom
from oomsel.scenario.rules.tasks import check_tasks, keys_by_cpu
from oomsel.scenario.rules.updates import check_updates
from oomsel.scenario.values import Path, Plain, is_empty

#: More structural errors than this are not looked at: each costs a search for its place.
_ENOUGH = 200
#: So often a scenario is read around its errors: some are seen only once others are out of the way.
_PASSES = 5
#: What stands in, at such paths, for what does not read but must be there; None is any part.
_STAND_INS: tuple[tuple[tuple[str | None, ...], Any], ...] = (
    (("oomsel",), 1),
    (("machine",), {"cpus": 1}),
    (("machine", "cpus"), 1),
    (("machine", "nodes", None), {"ram": 0}),
    (("machine", "nodes", None, "ram"), 0),
    (("memcgs", None), {}),
    (("tasks",), [{"pid": 1, "comm": ""}]),
    (("tasks", None), {"pid": 1, "comm": ""}),
    (("tasks", None, "pid"), 1),
    (("tasks", None, "comm"), ""),
    (("tasks", None, "thread", "pid"), 1),
    (("updates", None), {}),
)


def read_scenario(places: Places) -> models.Scenario:
    """The scenario that an input states.  Raises InputError with all that is wrong, at most 20 problems."""
    collector = ProblemCollector(places)
    data = places.data
    if not isinstance(data, dict):
        collector.add((), f"{_shown(data)} is no mapping of keys; a scenario begins with oomsel: 1")
        raise InputError(places.source, collector.problems)
    context = field_types.Context(page_size_of(data), places.is_json)
    scenario: models.Scenario | None = None
    try:
        scenario = schema.validator().validate_python(data, context=context)
    except ValidationError:
        scenario = _read_around(data, context, collector)
    notes = [] if scenario is None else _check_rules(scenario, collector)
    known = {(problem.line, problem.column) for problem in places.problems}
    consequences = (problem for problem in collector.problems if (problem.line, problem.column) not in known)
    problems = [*places.problems, *consequences]
    if problems or scenario is None:
        raise InputError(places.source, problems)
    vars(scenario)["notes"] = tuple(notes)  # the one field that is no key of the file
    vars(scenario)["tasks"] = TaskColumns.of_tasks(scenario.tasks, scenario.machine.cpus)
    return scenario


def _check_rules(scenario: models.Scenario, collector: ProblemCollector) -> list[str]:
    """Complains about what no single value can break; returns what is worth a note."""
    check_machine(scenario, collector)
    check_memcgs(scenario, collector)
    notes = check_tasks(scenario, collector)
    check_oom(scenario, collector)
    check_updates(scenario, collector)
    check_expect(scenario, collector)
    return notes


def page_size_of(data: dict[Any, Any]) -> int:
    """The page size that units are converted with; a wrong one is complained about elsewhere."""
    machine = data.get("machine")
    size = machine.get("page_size") if isinstance(machine, dict) else None
    return size if isinstance(size, int) and size in text.PAGE_SIZES else 4096


def _read_around(
    data: dict[Any, Any], context: field_types.Context, collector: ProblemCollector
) -> models.Scenario | None:
    """What reads well in `data`, with stand-ins where something does not, which is complained about."""
    context.places = True
    rest = _copied(data)
    for _ in range(_PASSES):
        try:
            scenario: models.Scenario = schema.validator().validate_python(rest, context=context)
        except ValidationError as error:
            for index, detail in enumerate(error.errors(include_url=False)):
                if index < _ENOUGH:
                    add_validation_error(detail, collector)
                for hole in _take_out(detail, rest):
                    collector.mark_unreliable(hole)
        else:
            return scenario
    return None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _take_out(detail: ErrorDetails, data: Any) -> list[Path]:
    """Take the value that an error is about out of `data`, and put a stand-in where one must be; returns the holes."""
    path, _, at_key = _real_path(detail["loc"], data)
    if detail["type"] == "too_short" and _at(data, path):  # it also counts items that are wrong as missing
        return []
    holes = [path]
    inner = _at(data, path[:-1])
    if detail["type"] in ("unexpected_keyword_argument", "invalid_key"):
        holes += [(*path[:-1], meant) for meant in _nearest(path, _known_keys) if meant not in inner]
    elif at_key:
        holes = [path[:-1]]  # which of its keys was meant nobody knows
    while isinstance(inner, list) and len(path) > 2:  # a list of values is read as a whole
        path = path[:-1]
        holes, inner = [path], _at(data, path[:-1])
    stand_in = None if at_key else _stand_in(path)
    if isinstance(inner, dict) and stand_in is None:
        inner.pop(path[-1], None)
    elif isinstance(inner, dict | list):
        inner[path[-1]] = stand_in  # type: ignore[index]
    return holes


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _stand_in(path: Path) -> Any:
    """What a rule that does not ask takes no offence at; None where nothing needs to be."""
    for pattern, value in _STAND_INS:
        if len(pattern) == len(path) and all(part in (None, own) for part, own in zip(pattern, path, strict=True)):
            return _copied(value)
    return None


KnownKeys = Callable[[Path], Sequence[str]]


def add_validation_error(
    detail: ErrorDetails, collector: ProblemCollector, known_keys: KnownKeys | None = None
) -> None:
    """A structural error in our words; `known_keys` says what the mapping at a path knows, by default a scenario's."""
    path, cut, at_key = _real_path(detail["loc"], collector.places.data)
    kind, value = detail["type"], detail["input"]
    cpu = detail.get("ctx", {}).get("cpu")
    if cpu is not None:
        path, at_key = keys_by_cpu(path, collector).get(cpu, path), True
    if kind == "missing" and not cut:
        collector.add(path, MISSING)
    elif kind in ("unexpected_keyword_argument", "invalid_key"):
        collector.add(path, f"unknown key; {_hint(path, known_keys or _known_keys)}", at_key=True)
    elif is_empty(value):
        collector.add(path, "empty; leave the key out, or give it a value")
    elif kind == "wrong":
        message = detail["msg"]
        stands_alone = message[:1].isupper() or message[:1].isdigit()
        collector.add(path, message if stands_alone else f"{_shown(value)} is {message}", at_key=at_key)
    elif kind == "too_short":
        if not collector.stated(*path):  # it also counts items that are wrong as missing
            collector.add(path, "an empty list; a scenario has at least one task")
    else:
        want = "a list" if kind.startswith(("tuple", "list")) else "a mapping of keys"
        collector.add(path, f"{_shown(value)} is no {want.removeprefix('a ')}; use {want}", at_key=at_key)


def _real_path(loc: tuple[int | str, ...], data: Any) -> tuple[Path, bool, bool]:
    """`loc` as far as the file goes, whether it was cut short, and whether it speaks of a key.

    A counter's short form, `anon: 5`, is read as `{count: 5}`, and a union names its members:
    neither stands in the file.
    """
    path: list[str | int] = []
    value = data
    for index, part in enumerate(loc):
        if part == "[key]":
            return tuple(path), False, True
        if isinstance(value, dict) and part not in value:
            return (*path, part), False, index < len(loc) - 1
        if not (isinstance(value, dict) or (isinstance(value, list) and isinstance(part, int))):
            return tuple(path), True, False
        value = value[part]  # type: ignore[index]
        path.append(part)
    return tuple(path), False, False


def _hint(path: Path, known_keys: KnownKeys) -> str:
    close = _nearest(path, known_keys)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known_keys(path[:-1]))}"


def _nearest(path: Path, known_keys: KnownKeys) -> list[str]:
    """The key that an unknown one was meant to be, if there is one like it."""
    import difflib

    return difflib.get_close_matches(str(path[-1]).lower(), known_keys(path[:-1]), n=1)


def _known_keys(path: Path) -> tuple[str, ...]:
    names = [str(part) for part in path if not isinstance(part, int)]
    inner = {"rss": "Rss", "thread": "Thread", "cpuset": "Cpuset"}
    outer = {"machine": "Machine", "memcgs": "MemcgLimits", "oom": "Oom", "sysctl": "Sysctls"}
    outer |= {"tasks": "Task", "updates": "Update", "expect": "Expect"}
    if not names:
        return schema.KEYS["Scenario"]
    if names[0] == "tasks" and len(names) > 1:
        return schema.KEYS["Counter" if len(names) > 2 else inner.get(names[1], "Task")]
    if names[:2] == ["machine", "nodes"]:
        return schema.KEYS["Node"]
    if names[0] == "expect" and len(names) > 1:
        return schema.KEYS["Verdict"]
    return schema.KEYS[outer.get(names[0], "Scenario")]


def _shown(value: Any) -> str:
    """A value as a message quotes it, short."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        text = getattr(value, "text", None) or str(int(value))
    else:
        text = str(value) if isinstance(value, Plain) else f'"{value}"'
    return text if len(text) <= 40 else f"{text[:37]}..."
