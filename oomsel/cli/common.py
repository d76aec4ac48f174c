"""What the commands share: their options, notes on standard error, and output that is whole or not there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from oomsel.klog.names import printable

if TYPE_CHECKING:
    from oomsel.scenario.boot import Booted

Command = TypeVar("Command", bound=Callable[..., Any])

KERNEL = click.option(
    "--kernel",
    metavar="RELEASE",
    help="Use another release's rules and formats, like 5.15 or 7.0; default: the scenario's own, or the newest known.",
)
SET = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="What if: change a key, a task by pid or comm: 'tasks[mysqld].oom_score_adj=-500'. Repeatable.",
)
OUTPUT = click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),  # completed as a file name; what is there is looked at later
    help="Write to FILE, whole or not at all, instead of standard output.",
)
INPUTS = click.argument("inputs", nargs=-1, required=True, metavar="SCENARIO...", type=click.Path())

_VERBOSITY = "oomsel.verbosity"


def _set_verbosity(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_VERBOSITY] = param.name


def verbosity(function: Command) -> Command:
    """--quiet and --verbose, before a command or after; `is_quiet` and `is_verbose` tell."""
    quiet = click.option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=_set_verbosity, help="No notes; only what matters."
    )
    verbose = click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_set_verbosity, help="Say more about each input."
    )
    return quiet(verbose(function))


def is_quiet() -> bool:
    """Whether --quiet was given."""
    return click.get_current_context().meta.get(_VERBOSITY) == "quiet"


def is_verbose() -> bool:
    """Whether --verbose was given."""
    return click.get_current_context().meta.get(_VERBOSITY) == "verbose"


def scenario_options(function: Command) -> Command:
    """The options by which any command takes a scenario."""
    return KERNEL(SET(verbosity(function)))


def boot_all(inputs: Iterable[str], overrides: tuple[str, ...], kernel: str | None) -> list[tuple[str, Booted]]:
    """Every input, read and booted, with its name; exits with 2 and every problem said if one of them is wrong."""
    from oomsel.errors import OomselError
    from oomsel.scenario.boot import boot
    from oomsel.scenario.load import load

    booted = []
    wrong: list[str] = []
    for name in inputs:
        try:
            booted.append((name, boot(load(name, overrides=overrides, kernel=kernel))))
            if is_verbose():
                note(name, _what_was_read(booted[-1][1]))
        except OomselError as error:
            wrong += [f"oomsel: {line}" for line in str(error).split("\n")]
    if wrong:
        for line in dict.fromkeys(wrong):  # an option's mistake is every input's
            say(line)
        raise click.exceptions.Exit(2)
    return booted


def _what_was_read(booted: Booted) -> str:
    system = booted.system
    read = "precisely" if system.rules.precise_oom else "approximately"
    online, batch = len(system.rss.online), system.rss.batch
    return f"{len(system.tasks)} tasks, {online} CPUs online, a batch of {batch}; its kernel reads {read}"


def print_lines(lines: Iterable[str]) -> None:
    """Lines on standard output, at once."""
    if text := "".join(f"{line}\n" for line in lines):
        write(text, None)


def say(line: str) -> None:
    """A line on standard error, as UTF-8 whatever the locale."""
    click.echo(line.encode("utf-8", "backslashreplace"), err=True)


def note(source: str, message: str) -> None:
    """A note on standard error, unless --quiet was given."""
    if not is_quiet():
        say(f"oomsel: {printable(source)}: note: {message}")


def write(text: str, output: str | None) -> None:
    """`text` as UTF-8 to a file, whole or not at all, or to standard output."""
    raw = text.encode("utf-8", "backslashreplace")
    if output is None or output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return
    from oomsel.files import write_whole

    try:
        write_whole(raw, output)
    except OSError as error:
        say(f"oomsel: {printable(output)}: {error.strerror or error}")
        raise click.exceptions.Exit(2) from None
