"""What an option's value may be, for completion: releases, keys of a scenario, the tasks of the input that is named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

#: Names the shell that asks for candidates; its script sets it.
VARIABLE = "_OOMSEL_COMPLETE"
#: Keys that take a name or a number in brackets, and no task: whoever needs one of these knows its name.
_NAMED = ("memcgs", "updates", "expect", "oomsel", "title", "description")


def releases(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001
    """Every release whose rules are known, the newest first."""
    from oomsel.kernel.release import known_releases

    return _items((name, None) for name in known_releases() if name.startswith(incomplete))


def ignorable(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001
    """The next word of a list with commas."""
    from oomsel.diff.ignoring import IGNORABLE

    before, comma, begun = incomplete.rpartition(",")
    left = [word for word in IGNORABLE if word not in before.split(",") and word.startswith(begun)]
    return _items((f"{before}{comma}{word}", None) for word in left)


def example_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001
    """The shipped examples."""
    from oomsel.cli.examples import examples

    return _items((each.name, each.says) for each in examples() if each.name.startswith(incomplete))


def directories(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001
    """The shell's own completion of directories."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]


def keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001
    """The keys that --set may change, level by level; tasks by pid and name as the input has them."""
    if "=" in incomplete:
        return []
    found = [(key, help_) for key, help_ in _keys(ctx.find_root().obj or ()) if key.startswith(incomplete)]
    if len(found) == 1 and found[0][0].endswith("."):  # what comes next, at once
        return _items(_below(found[0][0]))
    if not found and "." in incomplete:
        head = incomplete[: incomplete.rindex(".") + 1]
        found = [(key, help_) for key, help_ in _below(head) if key.startswith(incomplete)]
    return _items(found)


def _keys(words: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    from oomsel.scenario.models import Scenario

    for name, key in Scenario.keys().items():
        if name in _NAMED:
            continue
        if name != "tasks":
            yield f"{name}{_end_of(key.form)}", key.meaning
            continue
        for pid, comm in _tasks(words):
            yield f"tasks[{comm}].", f"pid {pid}"
            yield f"tasks[{pid}].", comm


def _below(head: str) -> Iterator[tuple[str, str | None]]:
    """The keys of the mapping at `head`, which ends in a dot."""
    from oomsel.scenario.declaration import ListOf
    from oomsel.scenario.models import Scenario

    form: Any = Scenario
    rest = head.rstrip(".")
    if rest.startswith("tasks["):
        rest = f"tasks.{rest.rpartition(']')[2].lstrip('.')}".rstrip(".")
    for part in rest.split("."):
        key = _keys_of(form).get(part)
        if key is None:
            return
        form = key.form.item if isinstance(key.form, ListOf) else key.form
    for name, key in _keys_of(form).items():
        yield f"{head}{name}{_end_of(key.form)}", key.meaning


def _keys_of(form: Any) -> dict[str, Any]:
    from oomsel.scenario.declaration import Model

    is_model = isinstance(form, type) and issubclass(form, Model)
    return dict(form.keys()) if is_model else {}


def _end_of(form: Any) -> str:
    """A mapping has keys of its own; a counter has a short form and is most often set whole."""
    return "." if _keys_of(form) and not getattr(form, "short_for", None) else "="


def _tasks(words: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Pid and name of the tasks of every input that the command line names."""
    from oomsel.text import comm_to_text

    for word in words:
        if word == "--live":
            yield from _running()
        if not os.path.isfile(word):
            continue
        from oomsel.errors import OomselError
        from oomsel.inputs.load import load

        try:
            scenario = load(word)
        except OomselError:
            continue
        for task in scenario.tasks:
            yield task.pid, comm_to_text(task.comm)


def _running() -> Iterator[tuple[int, str]]:
    from oomsel.text import comm_to_text

    for name in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        try:
            with open(f"/proc/{name}/comm", "rb") as file:
                yield int(name), comm_to_text(file.read().rstrip(b"\n"))
        except OSError:
            continue


def _items(found: Iterable[tuple[str, str | None]]) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(value, help=help_) for value, help_ in dict(found).items()]
