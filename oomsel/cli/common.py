"""What the commands share: options, notes on standard error, and output that is written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from oomsel.cli import terminal, values
from oomsel.cli.streams import discard, is_terminal, write_error
from oomsel.errors import OomselError, shortened
from oomsel.layout import WIDTH, wrapped
from oomsel.text import PAGE_SIZES, number_of, printable, safe_lines, shown

if TYPE_CHECKING:
    from oomsel.booting import Booted
    from oomsel.inputs.log.convert import BareReading
    from oomsel.inputs.log.options import LogOptions
    from oomsel.scenario.models import Scenario

Command = TypeVar("Command", bound=Callable[..., Any])

KERNEL = click.option(
    "--kernel",
    metavar="RELEASE",
    shell_complete=values.releases,
    help="Use another release's rules and formats, like 5.15 or 7.0; default: the scenario's own, or the newest known.",
)
SET = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    shell_complete=values.keys,
    multiple=True,
    help="What if: change a key, a task by pid or comm: 'tasks[mysqld].oom_score_adj=-500'. Repeatable.",
)
PAGE_SIZE = click.Choice([str(size) for size in PAGE_SIZES])
#: The names of `kernel.designs`, which loads NumPy.
DESIGN = click.Choice(["split", "percpu", "pernode", "tree"])
#: Shells complete it as the name of a file.  Whether the file can be read is checked by what opens it.
FILE = click.Path(readable=False)
OUTPUT = click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=FILE,
    help="Write to FILE, whole or not at all, instead of standard output.",
)
INPUTS_OR_LIVE = click.argument("inputs", nargs=-1, metavar="SCENARIO...", type=FILE)
LIVE = click.option("--live", is_flag=True, help="This machine as it is now, in the place of SCENARIO; see capture.")

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


def _set_color(ctx: click.Context, param: click.Parameter, value: str | None) -> None:  # noqa: ARG001
    if value is not None:
        ctx.meta[COLOR] = value


#: Where --color is kept in the context's meta.
COLOR = "oomsel.color"


def color_option() -> click.Option:
    """--color, which every command has."""
    return click.Option(
        ["--color"],
        type=click.Choice(["auto", "always", "never"]),
        expose_value=False,
        callback=_set_color,
        help="Colours: on a terminal (auto, and as NO_COLOR and FORCE_COLOR say), always, or never.",
    )


def is_quiet() -> bool:
    """Whether --quiet was given."""
    return click.get_current_context().meta.get(_VERBOSITY) == "quiet"


def is_verbose() -> bool:
    """Whether --verbose was given."""
    return click.get_current_context().meta.get(_VERBOSITY) == "verbose"


#: The options for kernel logs: which report, and what the log itself may not say.
LOG_OPTIONS = (
    click.option("--event", type=click.IntRange(min=1), metavar="N", help="Of a kernel log: its report number N."),
    click.option(
        "--pid", type=click.IntRange(min=1), metavar="PID", help="Of a kernel log: the report that killed PID."
    ),
    click.option("--last", is_flag=True, help="Of a kernel log: the last report, complete or not."),
    click.option(
        "--page-size",
        type=PAGE_SIZE,
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
    return KERNEL(SET(verbosity(_collecting(function))))


def _collecting(function: Command) -> Command:
    """Keep the options for kernel logs in the context, where `log_options` finds them."""
    from functools import wraps

    @wraps(function)
    def command(**values: Any) -> Any:
        names = ("event", "pid", "last", "page_size", "cpus")
        click.get_current_context().obj = {name: values.pop(name) for name in names}
        return function(**values)

    return command  # type: ignore[return-value]


def log_options() -> LogOptions:
    """The options for kernel logs that were given on the command line."""
    from oomsel.inputs.log.options import LogOptions

    given = click.get_current_context().obj or {}
    if sum(bool(given.get(name)) for name in ("event", "pid", "last")) > 1:
        raise click.UsageError("--event, --pid and --last each pick a report; use one of them")
    page_size = given.get("page_size")
    return LogOptions(**{**given, "page_size": int(page_size) if page_size else None})


def inputs_of(inputs: tuple[str, ...], live: bool) -> tuple[str, ...]:
    """The inputs that were named, or this machine; raises UsageError where it is neither or both."""
    if live and inputs:
        raise click.UsageError("--live is this machine, and takes no SCENARIO", click.get_current_context())
    if not live and not inputs and (sys.stdin is None or is_terminal(sys.stdin)):
        what = "no SCENARIO; name a log or a scenario, pipe one into it (dmesg | oomsel explain), or use --live"
        raise click.UsageError(what, click.get_current_context())
    return ("/proc",) if live else inputs or ("-",)


def load_one(
    name: str, overrides: tuple[str, ...], kernel: str | None, log: LogOptions, raw: bytes | None = None
) -> Scenario:
    """An input as a scenario, or `raw` where it has been read already; raises OomselError."""
    from oomsel.cli.progress import watching
    from oomsel.inputs.load import load, loads

    if raw is not None:
        scenario = loads(raw, source=name, overrides=overrides, kernel=kernel, log=log)
    else:
        with watching(name) as progress:
            scenario = load(name, overrides=overrides, kernel=kernel, log=log, progress=progress)
    if is_verbose():
        note(name, _what_was_read(scenario))
    return scenario


def load_all(inputs: Iterable[str], overrides: tuple[str, ...], kernel: str | None) -> list[tuple[str, Scenario]]:
    """Every input as a scenario, with its name; raises OomselError with the problems of all of them."""
    log = log_options()
    return _all(inputs, lambda name: load_one(name, overrides, kernel, log))


def load_to_explain(
    inputs: Iterable[str], overrides: tuple[str, ...], kernel: str | None
) -> list[tuple[str, Scenario | BareReading]]:
    """The same for `explain`: of a storm the first report; what is known of one that shows nobody to choose from."""
    log = log_options()._replace(first_of_storm=True)

    def load(name: str) -> Scenario | BareReading:
        from oomsel.inputs.log.convert import NothingToChoose

        try:
            return load_one(name, overrides, kernel, log)
        except NothingToChoose as nothing:
            if overrides or kernel is not None:
                raise
            return nothing.bare

    return _all(inputs, load)


Loaded = TypeVar("Loaded")


def _all(inputs: Iterable[str], load: Callable[[str], Loaded]) -> list[tuple[str, Loaded]]:
    loaded = []
    wrong: list[str] = []
    for name in inputs:
        try:
            loaded.append((name, load(name)))
        except OomselError as error:
            wrong += str(error).split("\n")
    if wrong:
        raise OomselError("\n".join(dict.fromkeys(wrong)))  # an option's mistake is every input's
    return loaded


def boot_all(inputs: Iterable[str], overrides: tuple[str, ...], kernel: str | None) -> list[tuple[str, Booted]]:
    """Every input, read and booted, with its name; see `load_all`."""
    from oomsel.booting import boot

    return [(name, boot(scenario)) for name, scenario in load_all(inputs, overrides, kernel)]


def _what_was_read(scenario: Scenario) -> str:
    from oomsel.booting import boot

    system = boot(scenario).system
    read = "precisely" if system.rules.precise_oom else "approximately"
    online, batch = len(system.rss.online), system.rss.batch
    size = f"{number_of(len(system.tasks), 'task')}, {number_of(online, 'CPU')} online"
    return f"{size}, a batch of {batch}; its kernel reads {read}"


def print_lines(lines: Iterable[str], output: str | None = None) -> None:
    """Lines to a file or on standard output, at once; a newline within one is shown as such."""
    if text := "".join(one_line(line) + "\n" for line in lines):
        write(text, output)


def one_line(text: str) -> str:
    """`text` with nothing in it that ends a line."""
    return text.replace("\n", "\\x0a") if "\n" in text else text


def say(line: str) -> None:
    """A line on standard error, as UTF-8 whatever the locale; on a terminal wrapped between words."""
    line = shortened(shown(one_line(line)).replace("\t", "\\x09"))
    if is_terminal(sys.stderr) and len(line) > WIDTH:
        line = "\n".join(wrapped(line, rest="  ", keep_long=True))
    write_error(f"{line}\n".encode("utf-8", "backslashreplace"))


def note(source: str, message: str) -> None:
    """A note on standard error, unless --quiet was given."""
    if not is_quiet():
        say(f"oomsel: {printable(source)}: note: {message}")


def write(text: str, output: str | None, *, is_kernels: bool = False) -> None:
    """`text` as UTF-8 to a file, whole or not at all, or to standard output: the one way out for text.

    Nothing in it reaches a terminal raw, and nothing but `styled` and `console` gives it colours.
    `is_kernels` says that it has the kernel's own lines, which stay what they are but in a CI
    runner's log, where a name in them might be a command.
    """
    text = safe_lines(text) if is_kernels and not _is_ci_log(output) else shown(text)
    raw = terminal.with_colours(text).encode("utf-8", "backslashreplace")
    write_with(lambda file: file.write(raw), output)


def _is_ci_log(output: str | None) -> bool:
    """Whether what is written stands in the log of a CI runner that takes commands from it."""
    in_ci = any(os.environ.get(name) for name in ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"))
    return in_ci and output in (None, "-")


def write_bytes(raw: bytes, output: str | None) -> None:
    """Bytes to a file, whole or not at all, or to standard output."""
    write_with(lambda file: file.write(raw), output)


FORM = click.option(
    "--format", "form", type=click.Choice(["yaml", "json", "npz"]), help="Default: what FILE's name ends in, or YAML."
)


MINUTES = click.option(
    "--minutes",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="Refuse what takes longer than that, by a rough estimate.",
)


def estimated(name: str, seconds: float, minutes: int) -> None:
    """Say how long a simulation takes if that is long; raises UsageError if it is longer than is allowed."""
    from oomsel.study.effort import time_text

    if seconds > 60 * minutes:
        needed = f"use smaller counts, or allow it with --minutes {int(seconds / 60) + 1}"
        raise OomselError(f"{name}: this takes about {time_text(seconds)}; {needed}")
    if seconds > 60:
        note(name, f"this takes about {time_text(seconds)}")


def text_or_json(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--format text|json, and --json for short; the command is told `as_json`."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(*args: Any, form: str, as_json: bool, **options: Any) -> Any:
            return function(*args, as_json=as_json or form == "json", **options)

        choice = click.Choice(["text", "json"])
        form = click.option("--format", "form", type=choice, default="text", show_default=True, help=help_text)
        short = click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
        return form(short(command))

    return decorated


#: What a scenario's file may be called, and the form in which it is then written.
_FORM_OF_ENDING = {"": "yaml", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".npz": "npz"}


def form_of(form: str | None, output: str | None) -> str:
    """The form to write a scenario in: the one asked for, or what the file's name ends in; YAML where it has no ending.

    Raises UsageError for an ending that is no form's.
    """
    ending = os.path.splitext(output or "")[1].lower()
    found = form or _FORM_OF_ENDING.get(ending)
    if found is None:
        what = f"{output}: a scenario is not written as {ending}; name it .yaml, .json or .npz"
        raise click.UsageError(what, click.get_current_context())
    return found


def write_scenario(scenario: Scenario, form: str | None, output: str | None) -> None:
    """`scenario` in the form that `form_of` says; see `write`."""
    form = form_of(form, output)
    if form == "npz":
        if output in (None, "-") and is_terminal(sys.stdout):
            raise click.UsageError("a bundle is nothing for a terminal; use -o FILE", click.get_current_context())
        from oomsel.outputs.bundle import save

        write_with(lambda file: save(scenario, file), output)
        return
    from oomsel.outputs.scenario_text import json_pieces, yaml_pieces

    pieces = json_pieces(scenario) if form == "json" else yaml_pieces(scenario)
    write_with(lambda file: file.writelines(piece.encode("utf-8", "backslashreplace") for piece in pieces), output)


def write_with(put: Callable[[IO[bytes]], Any], output: str | None) -> None:
    """What `put` writes into a file, whole or not at all, or to standard output."""
    from oomsel.files import write_whole

    to_standard_output = output is None or output == "-"
    try:
        if output is None or output == "-":
            _write_standard_output(put)
        else:
            write_whole(put, output)
    except OSError as error:
        name = "standard output" if to_standard_output else output
        raise OomselError(f"{name}: {error.strerror or error}") from None


def _write_standard_output(put: Callable[[IO[bytes]], Any]) -> None:
    if sys.stdout is None:
        raise OSError("it is closed")
    try:
        put(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except OSError:
        discard(sys.stdout)
        raise
