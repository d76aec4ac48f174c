"""The command line: a thin caller of the same functions that a script would use."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from oomsel import __version__
from oomsel.cli.common import color_option, say, verbosity
from oomsel.cli.helping import in_order, meant_option, mistake, write_commands
from oomsel.cli.streams import discard, is_of_writing, write_error
from oomsel.cli.values import VARIABLE
from oomsel.errors import NO_MEMORY, OomselError
from oomsel.text import nearest, shown

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: The commands; each is in the module of its name, which is imported when the command is used.
COMMANDS = (
    "select",
    "explain",
    "events",
    "diff",
    "check",
    "convert",
    "capture",
    "init",
    "generate",
    "simulate",
    "sweep",
    "replay",
    "bench",
    "schema",
    "completion",
)


class Commands(click.Group):
    """The command group: modules are loaded lazily, a mistyped name gets a suggestion."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"oomsel.cli.{cmd_name}").command
        has = {parameter.name for parameter in command.params}
        if "quiet" not in has:
            command = verbosity(command)
        if "color" not in has:
            command.params.append(color_option())
        command.params = in_order(command.params)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in groups, no summary cut."""
        summaries = {}
        for name in COMMANDS:
            command = self.get_command(ctx, name)
            assert command is not None
            summaries[name] = command.get_short_help_str(200)
        write_commands(formatter, summaries)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """The commands, no summary cut; options as click has them."""
        found = super().shell_complete(ctx, incomplete)
        for item in found:
            command = self.get_command(ctx, item.value)
            item.help = item.help if command is None else command.get_short_help_str(200)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        meant = nearest(name, COMMANDS)
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(COMMANDS)}"
        raise click.UsageError(f"no command {name}; {hint}", ctx)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  dmesg | oomsel explain\n  oomsel select scenario.yaml\n  oomsel help explain",
)
@click.version_option(__version__, message="oomsel %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of a bug.")
@verbosity
def cli(debug: bool) -> None:
    """Whom does the Linux OOM killer choose, why, and would it have chosen someone else if it had counted differently?

    Inputs are kernel logs with OOM reports in them, as dmesg or journalctl gives them, or
    scenarios.  A scenario describes the machine, its tasks with their RSS counters and what every CPU has
    not folded in yet; oomsel makes the choice as the kernel does.
    """


cli.params.append(color_option())


def main(args: list[str] | None = None) -> None:
    """Run a command and exit with its status; 2 for trouble."""
    if args is None and (shell := os.environ.get(VARIABLE)):
        _complete(shell)
    words = sys.argv[1:] if args is None else args
    if words[:1] == ["help"]:  # `oomsel help COMMAND` is `oomsel COMMAND --help`
        words = [*words[1:], "--help"]
    # NumPy's linear algebra, of which nothing is used, would start a thread for every CPU: half of its import.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()  # a command lives for a moment and makes no cycles; collecting is a tenth of its start-up
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `oomsel ... | head` ends like any filter
    try:
        status = cli.main(words, prog_name="oomsel", standalone_mode=False)
    except (KeyboardInterrupt, click.exceptions.Abort):
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        write_error(f"{error.format_message()}\n".encode())
        sys.exit(2)
    except click.exceptions.NoSuchOption as error:
        meant = f"; did you mean {option}?" if (option := meant_option(error, words)) else ""
        see = f"; see {error.ctx.command_path} --help" if error.ctx is not None else ""
        _end_in_trouble(f"no option {error.option_name}{meant}{see}")
    except click.ClickException as error:
        where = getattr(error, "ctx", None)
        see = f"; see {where.command_path} --help" if where is not None else ""
        _end_in_trouble(f"{_one_line(mistake(error) or error.format_message())}{see}")
    except OomselError as error:
        _end_in_trouble(*str(error).split("\n"))
    except MemoryError:
        _end_in_trouble(NO_MEMORY)
    except Exception as error:
        if isinstance(error, OSError) and is_of_writing(error):  # of click, which writes help itself
            discard(sys.stdout)
            _end_in_trouble(f"standard output: {error.strerror or error}")
        if "--debug" in words:
            import traceback

            write_error(shown(traceback.format_exc()).encode("utf-8", "backslashreplace"))
        what = _one_line(f"{type(error).__name__}: {error}")
        _end_in_trouble(f"a bug: {what}; please report it, with the output of oomsel --debug ...")
    sys.exit(status if isinstance(status, int) else 0)


def _complete(shell: str) -> NoReturn:
    """Answer a shell that completes a command line; whatever goes wrong is no candidate."""
    from oomsel.cli.shells import SCRIPTS, answer

    if shell in SCRIPTS:
        sys.stdout.buffer.write("".join(f"{line}\n" for line in answer(cli, os.environ)).encode("utf-8", "replace"))
    sys.exit(0)


def _end_in_trouble(*lines: str) -> NoReturn:
    """Say what is wrong, a line each, and exit with 2."""
    for line in lines:
        say(f"oomsel: {line}")
    sys.exit(2)


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
