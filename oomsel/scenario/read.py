"""From an input's plain data to a Scenario: every problem of the input in one go."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails, ValidationError

from oomsel.errors import InputError
from oomsel.scenario.columns import TaskColumns
from oomsel.scenario.declaration import form_at, known_keys
from oomsel.scenario.field_types import Context, page_size_of
from oomsel.scenario.models import Scenario
from oomsel.scenario.problems import Places, ProblemCollector
from oomsel.scenario.rules.machine import check_expect, check_machine, check_memcgs, check_oom
from oomsel.scenario.rules.pids import check_pids_named
from oomsel.scenario.rules.tasks import check_tasks
from oomsel.scenario.rules.updates import check_updates
from oomsel.scenario.validation import add_validation_error, real_path, shown
from oomsel.scenario.values import Path
from oomsel.text import nearest

#: More errors of keys and values than this are not looked at: each costs a search for its place.
ENOUGH = 200
#: How often a scenario is read with its errors replaced: some show only once others are gone.
_PASSES = 5


def read_scenario(places: Places) -> Scenario:
    """The scenario that an input states.  Raises InputError with all that is wrong, at most 20 problems."""
    collector = ProblemCollector(places)
    lost_rows = any(problem.path == "tasks" for problem in places.problems)
    if lost_rows:  # the task that a rule misses may be one of them
        collector.mark_unreliable(("tasks",))
    data = places.data
    if not isinstance(data, dict):
        collector.add((), f"{shown(data)} is no mapping of keys; a scenario begins with oomsel: 1")
        raise InputError(places.source, collector.problems)
    context = Context(page_size_of(data), places.is_json)
    scenario: Scenario | None = None
    try:
        scenario = Scenario.validator().validate_python(data, context=context)
    except ValidationError:
        scenario = _read_without_errors(data, context, collector)
    notes = [] if scenario is None else _check_rules(scenario, collector)
    known = {(problem.line, problem.column) for problem in places.problems}
    consequences = (
        problem
        for problem in collector.problems
        if (problem.line, problem.column) not in known and not (lost_rows and problem.path == "tasks")
    )
    problems = [*places.problems, *consequences]
    if problems or scenario is None:
        raise InputError(places.source, problems)
    return _finished(scenario, notes)


def check_scenario(scenario: Scenario, places: Places) -> Scenario:
    """A scenario that was built and not read, held to the same rules.  Raises InputError with all that is wrong."""
    collector = ProblemCollector(places)
    notes = _check_rules(scenario, collector)
    if collector.problems:
        raise InputError(places.source, collector.problems)
    return _finished(scenario, notes)


def _finished(scenario: Scenario, notes: list[str]) -> Scenario:
    vars(scenario)["notes"] = tuple(notes)  # no key of the input
    vars(scenario)["tasks"] = TaskColumns.of_tasks(scenario.tasks, scenario.machine.cpus)
    return scenario


def _check_rules(scenario: Scenario, collector: ProblemCollector) -> list[str]:
    """Adds the problems that no single value can have; returns what is worth a note."""
    check_machine(scenario, collector)
    check_memcgs(scenario, collector)
    notes = check_tasks(scenario, collector)
    check_oom(scenario, collector)
    check_pids_named(scenario, collector)
    check_updates(scenario, collector)
    check_expect(scenario, collector)
    return notes


def _read_without_errors(data: dict[Any, Any], context: Context, collector: ProblemCollector) -> Scenario | None:
    """What reads well in `data`, with placeholders where something does not; that becomes a problem."""
    context.places = True
    rest = _copied(data)
    for _ in range(_PASSES):
        try:
            scenario: Scenario = Scenario.validator().validate_python(rest, context=context)
        except ValidationError as error:
            for index, detail in enumerate(error.errors(include_url=False)):
                if index < ENOUGH:
                    add_validation_error(detail, collector, Scenario)
                for path in _take_out(detail, rest):
                    collector.mark_unreliable(path)
        else:
            return scenario
    return None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _take_out(detail: ErrorDetails, data: Any) -> list[Path]:
    """Take the value that an error is about out of `data`, or put a placeholder there; returns what is unreliable."""
    path, _, at_key = real_path(detail["loc"], data)
    unreliable = [path]
    inner = _at(data, path[:-1])
    if detail["type"] in ("unexpected_keyword_argument", "invalid_key"):
        meant = nearest(str(path[-1]).lower(), known_keys(Scenario, path[:-1]))
        unreliable += [(*path[:-1], meant)] if meant is not None and meant not in inner else []
    elif at_key:
        unreliable = [path[:-1]]  # which of its keys was meant nobody knows
    while isinstance(inner, list) and len(path) > 2:  # a list of values is read as a whole
        path = path[:-1]
        unreliable, inner = [path], _at(data, path[:-1])
    placeholder = None if at_key else _placeholder(path)
    if isinstance(inner, dict) and placeholder is None:
        inner.pop(path[-1], None)
    elif isinstance(inner, dict | list):
        inner[path[-1]] = placeholder  # type: ignore[index]
    return unreliable


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _placeholder(path: Path) -> Any:
    """A value that breaks no rule, for a key or item that must be there; None for one that may be left out."""
    above = form_at(Scenario, path[:-1])
    form = above and above.inner(path[-1])
    if form is None or (isinstance(above, type) and not above.keys()[str(path[-1])].required):
        return None
    return form.placeholder()
