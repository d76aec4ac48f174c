"""What the commands share: their options, notes on standard error, and output that is whole or not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from oomsel.klog.names import printable

if TYPE_CHECKING:
    from oomsel.scenario.boot import Booted
    from oomsel.scenario.models import Scenario

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
    "-o", "--output", metavar="FILE", help="Write to FILE, whole or not at all, instead of standard output."
)
INPUTS = click.argument("inputs", nargs=-1, required=True, metavar="SCENARIO...")
#: Of a kernel log: which report, and what a person knows that the log does not say.
LOG_OPTIONS = (
    click.option("--event", type=click.IntRange(min=1), metavar="N", help="Of a kernel log: its report number N."),
    click.option(
        "--pid", type=click.IntRange(min=1), metavar="PID", help="Of a kernel log: the report that killed PID."
    ),
    click.option("--last", is_flag=True, help="Of a kernel log: the last report, complete or not."),
    click.option(
        "--page-size",
        type=click.Choice(["4096", "8192", "16384", "32768", "65536"]),
        metavar="BYTES",
        help="Of a kernel log: the page size; default: what the report shows.",
    ),
    click.option(
        "--cpus",
        type=click.IntRange(1, 8192),
        metavar="N",
        help="Of a kernel log: how many CPUs are online; default: what the boot lines say.",
    ),
)


def scenario_options(function: Command) -> Command:
    """The options by which any command takes a scenario, or a report of a kernel log as one."""
    for option in reversed(LOG_OPTIONS):
        function = option(function)
    return KERNEL(SET(_collecting(function)))


def _collecting(function: Command) -> Command:
    """Keep the log's options in the context, so that a command need not know of them."""
    from functools import wraps

    @wraps(function)
    def command(**values: Any) -> Any:
        names = ("event", "pid", "last", "page_size", "cpus")
        click.get_current_context().obj = {name: values.pop(name) for name in names}
        return function(**values)

    return command  # type: ignore[return-value]


def load_all(inputs: Iterable[str], overrides: tuple[str, ...], kernel: str | None) -> list[tuple[str, Scenario]]:
    """Every input as a scenario, with its name; exits with 2 and every problem said if one of them is wrong."""
    from oomsel.cli.progress import watching
    from oomsel.errors import OomselError
    from oomsel.klog.pick import LogOptions
    from oomsel.scenario.load import load

    said = click.get_current_context().obj or {}
    if sum(bool(said.get(name)) for name in ("event", "pid", "last")) > 1:
        raise click.UsageError("--event, --pid and --last each pick a report; use one of them")
    page_size = said.get("page_size")
    options = LogOptions(**{**said, "page_size": int(page_size) if page_size else None})
    scenarios = []
    wrong: list[str] = []
    for name in inputs:
        try:
            with watching(name) as progress:
                scenarios.append((name, load(name, overrides=overrides, kernel=kernel, log=options, progress=progress)))
        except OomselError as error:
            wrong += [f"oomsel: {line}" for line in str(error).split("\n")]
    if wrong:
        for line in dict.fromkeys(wrong):  # an option's mistake is every input's
            say(line)
        raise click.exceptions.Exit(2)
    return scenarios


def boot_all(inputs: Iterable[str], overrides: tuple[str, ...], kernel: str | None) -> list[tuple[str, Booted]]:
    """Every input, read and booted, with its name; exits with 2 and every problem said if one of them is wrong."""
    from oomsel.scenario.boot import boot

    return [(name, boot(scenario)) for name, scenario in load_all(inputs, overrides, kernel)]


def say(line: str) -> None:
    """A line on standard error, as UTF-8 whatever the locale."""
    click.echo(line.encode("utf-8", "backslashreplace"), err=True)


def note(source: str, message: str) -> None:
    """A note on standard error."""
    say(f"oomsel: {printable(source)}: note: {message}")


def write(text: str | bytes, output: str | None) -> None:
    """`text`, as UTF-8 where it is no bytes yet, to a file, whole or not at all, or to standard output."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    if output is None or output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return
    try:
        _write_file(raw, output)
    except OSError as error:
        say(f"oomsel: {printable(output)}: {error.strerror or error}")
        raise click.exceptions.Exit(2) from None


def _write_file(raw: bytes, name: str) -> None:
    import stat
    import tempfile

    target = os.path.realpath(name)  # a link stays one
    if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
        with open(target, "wb") as file:  # a device or a pipe cannot be replaced
            file.write(raw)
        return
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=f".{os.path.basename(target)}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
        os.chmod(temporary, _mode_for(target))
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode_for(target: str) -> int:
    """The permissions that an ordinary write would leave."""
    if os.path.exists(target):
        return os.stat(target).st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
