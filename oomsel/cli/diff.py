"""`oomsel diff`: two runs compared, as text or task by task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from oomsel.cli import values
from oomsel.cli.common import (
    FILE,
    OUTPUT,
    is_quiet,
    load_one,
    log_options,
    note,
    scenario_options,
    write,
)
from oomsel.text import json_text, printable

if TYPE_CHECKING:
    from oomsel.booting import Booted
    from oomsel.diff.sides import Content, Side, SideRequest

_MODES = click.Choice(["approximate", "precise", "kernel", "both"])
_COLOURS = {"-": "red", "+": "green", "@": "cyan"}


def _by_side(function: Callable[..., Any]) -> Callable[..., Any]:
    for side in ("b", "a"):
        name = side.upper()
        function = click.option(
            f"--{side}-set",
            metavar="KEY=VALUE",
            multiple=True,
            shell_complete=values.keys,
            help=f"A what-if for {name} alone. Repeatable.",
        )(function)
        function = click.option(
            f"--{side}-event", type=click.IntRange(min=1), metavar="N", help=f"--event for {name} alone."
        )(function)
        function = click.option(
            f"--{side}-kernel",
            metavar="RELEASE",
            shell_complete=values.releases,
            help=f"--kernel for {name} alone.",
        )(function)
        function = click.option(f"--{side}-mode", type=_MODES, help=f"--mode for {name} alone.")(function)
    return function


def _ignored(ctx: click.Context, param: click.Parameter, value: str) -> frozenset[str]:  # noqa: ARG001
    from oomsel.diff.ignoring import IGNORABLE

    words = frozenset(word for word in value.split(",") if word)
    if strange := words - set(IGNORABLE):
        raise click.BadParameter(f"{min(strange)} cannot be ignored; use some of {','.join(IGNORABLE)}")
    return words


@click.command(
    "diff",
    short_help="Compare two runs, as text or task by task.",
    epilog="\b\nExample:\n  oomsel diff examples/real-contest.yaml --a-kernel 6.12 --b-kernel 7.0",
)
@click.argument("a", type=FILE, metavar="A")
@click.argument("b", type=FILE, metavar="[B]", required=False)
@click.option("--mode", type=_MODES, help="How both read the counters; default: as the release's kernel does.")
@_by_side
@click.option(
    "--format",
    "form",
    type=click.Choice(["kernel", "table", "json"]),
    default="kernel",
    show_default=True,
    help="A unified diff of the kernel's lines, what changed by task, or an object for programs.",
)
@click.option(
    "--ignore",
    metavar="WHAT",
    shell_complete=values.ignorable,
    default="",
    callback=_ignored,
    help="Leave out what differs between any two boots: timestamps,pids,order, or some of them.",
)
@click.option("-U", "--unified", metavar="N", type=click.IntRange(0), default=3, help="Lines of context; default 3.")
@click.option("--all", "show_all", is_flag=True, help="With --format table: every task, not the first 20.")
@scenario_options
@OUTPUT
def command(
    a: str,
    b: str | None,
    mode: str | None,
    form: str,
    ignore: frozenset[str],
    unified: int,
    show_all: bool,
    overrides: tuple[str, ...],
    kernel: str | None,
    output: str | None,
    **by_side: Any,
) -> int:
    """Compare what happens in A and in B.

    Each is a scenario, a kernel log, or text that an earlier run printed; one of them may be -
    for standard input.  Without B the approximate run of A is compared with its precise run, or A
    with itself where --a-... and --b-... options tell the sides apart.  Exits with 0 if they are
    the same, 1 if they differ, and 2 in trouble.
    """
    from oomsel.diff.sides import SideRequest, content_of, holds_both

    if a == b == "-":
        raise click.UsageError("standard input can be one side only; name a file for the other")
    modes = [by_side["a_mode"] or mode, by_side["b_mode"] or mode]
    contents = {name: content_of(name) for name in {a, b or a}}
    if b is None:
        if not holds_both(contents[a]):
            raise click.UsageError(f"{a} holds one event; name a second input to compare it with")
        if mode is None and not any(by_side.values()):
            modes = ["approximate", "precise"]
    requests = []
    for side, name, its_mode in zip("ab", (a, b or a), modes, strict=True):
        its_kernel, its_set = by_side[f"{side}_kernel"], by_side[f"{side}_set"]
        kernel_and_set = its_kernel or kernel, overrides + its_set
        requests.append(
            SideRequest(name, its_mode, *kernel_and_set, bool(its_kernel or its_set), by_side[f"{side}_event"])
        )
    one, other = _sides(requests, [contents[request.name] for request in requests])
    if b is None:
        _refuse_nothing(contents[a], by_side)
    differ, text = (
        _unified(one, other, ignore, unified) if form == "kernel" else _by_task(one, other, ignore, form, show_all)
    )
    if not is_quiet():
        write(text, output)
    return 1 if differ else 0


def _refuse_nothing(content: Content, by_side: dict[str, Any]) -> None:
    """A log alone reads the same in every mode: raises UsageError where nothing else tells the sides apart."""
    if (
        content.is_log
        and content.text is None
        and not any(value for name, value in by_side.items() if not name.endswith("_mode"))
    ):
        raise click.UsageError(
            "one log and nothing to differ: it does not hold what CPUs have not folded in, so that both modes read the"
            " same; name a second input, or use --a-event N --b-event M, --b-set or --b-kernel",
            click.get_current_context(),
        )


def _sides(requests: list[SideRequest], contents: list[Content]) -> list[Side]:
    """Both sides, with notes on what was taken for granted and on what prints nothing."""
    from oomsel.diff.sides import sides_of
    from oomsel.errors import UsageError

    booted = _boot(requests, contents)
    try:
        sides = sides_of(requests, contents, booted)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    for side in sides:
        for message in side.notes():
            note(side.name, message)
    said = log_options().given or (requests[0].kernel and "--kernel") or (requests[0].overrides and "--set")
    if said and not any(booted):
        raise click.UsageError(f"{said} changes nothing in text that was printed; it needs a scenario or a log")
    return sides


def _boot(requests: list[SideRequest], contents: list[Content]) -> list[Booted | None]:
    """Each side's machine, None for printed text."""
    from oomsel.booting import boot
    from oomsel.inputs.log.options import LogOptions

    options = log_options()
    any_log = any(content.is_log for content in contents)
    booted: list[Booted | None] = []
    for request, content in zip(requests, contents, strict=True):
        # Where nothing is a log, an option for logs is a mistake, and loading says so.
        its_options = options if content.is_log or not any_log else LogOptions()
        if request.event is not None:
            its_options = its_options._replace(event=request.event, pid=None, last=False)
        if content.text is not None:
            booted.append(None)
            continue
        booted.append(boot(load_one(request.name, request.overrides, request.kernel, its_options, content.raw)))
    notes = []
    for request, machine in zip(requests, booted, strict=True):
        if machine is not None:
            picked = [machine.log.picked_because] if machine.log is not None and machine.log.picked_because else []
            notes += [(request.name, message) for message in (*picked, *machine.notes)]
    for name, message in dict.fromkeys(notes):
        note(name, message)
    return booted


def _unified(a: Side, b: Side, ignored: frozenset[str], context: int) -> tuple[bool, str]:
    from oomsel.cli.terminal import has_colour, styled
    from oomsel.diff.ignoring import ignore
    from oomsel.outputs.unified import unified_diff

    lines = list(unified_diff(ignore(a.lines, ignored), ignore(b.lines, ignored), (a.label(), b.label()), context))
    if has_colour():  # asked once: there may be millions of lines
        head = [styled(_shown(line), bold=True) for line in lines[:2]]
        shown = head + [styled(_shown(line), fg=_COLOURS.get(line[:1])) for line in lines[2:]]
    else:
        shown = list(map(_shown, lines))
    return bool(lines), "".join(f"{line}\n" for line in shown)


def _by_task(a: Side, b: Side, ignored: frozenset[str], form: str, show_all: bool) -> tuple[bool, str]:
    from oomsel.cli import terminal
    from oomsel.diff import output as diff_output
    from oomsel.diff.tasks import diff_events

    if len(a.events) != len(b.events):
        raise click.UsageError("one side holds both modes' events, the other one; choose with --mode")
    shown_only = a.is_text or b.is_text
    diffs = [
        diff_events(a.view(index, shown_only=shown_only), b.view(index, shown_only=shown_only), ignored)
        for index in range(len(a.events))
    ]
    differ = any(not diff.same for diff in diffs)
    if form == "json":
        objects = [diff_output.diff_object(diff, a.said(index), b.said(index)) for index, diff in enumerate(diffs)]
        whole = {"oomsel_diff": diff_output.DIFF_VERSION, "same": not differ, "events": objects}
        return differ, json_text(whole)
    parts = []
    for index, diff in enumerate(diffs):
        parts.append(f"A: {a.title(index)}\nB: {b.title(index)}\n")
        if terminal.is_terminal() and not show_all:
            console = terminal.console()
            diff_output.print_table(diff, console)
            parts.append(terminal.printed(console))
        else:
            parts.append("".join(f"{line}\n" for line in diff_output.plain_table(diff)))
    return differ, "".join(parts)


def _shown(line: str) -> str:
    """A line of a text that may come from anywhere: nothing in it reaches a terminal raw."""
    return "\t".join(map(printable, line.split("\t")))
