"""Help as people look for it: commands in groups, options in one order, and mistakes in words."""

from __future__ import annotations

import re

import click

#: The commands by what they are for; every one is in one group.
GROUPS = (
    ("Reports and logs", ("explain", "events", "diff")),
    ("Scenarios", ("select", "check", "convert", "capture", "init")),
    ("Studies", ("generate", "simulate", "sweep", "replay", "bench")),
    ("Tools", ("schema", "completion")),
)
#: Options that many commands have, in the order in which they stand after a command's own.
_SHARED = (
    "event", "pid", "last", "page_size", "cpus", "overrides", "kernel", "output", "quiet", "verbose", "color", "help"
)  # fmt: skip


def in_order(parameters: list[click.Parameter]) -> list[click.Parameter]:
    """A command's arguments and own options, then the shared ones in one order."""
    place = {name: index for index, name in enumerate(_SHARED, 1)}
    is_logs = any(parameter.name == "page_size" for parameter in parameters)

    def rank(parameter: click.Parameter) -> int:
        if not isinstance(parameter, click.Option) or (parameter.name in ("pid", "cpus", "event") and not is_logs):
            return 0
        return place.get(parameter.name or "", 0)

    return sorted(parameters, key=rank)


def write_commands(formatter: click.HelpFormatter, summaries: dict[str, str]) -> None:
    """The groups with each command's summary, whole."""
    width = max(map(len, summaries)) + 2
    for title, names in GROUPS:
        with formatter.section(title):
            formatter.write_dl([(name.ljust(width - 2), summaries[name]) for name in names])


#: What click says of a value, and how it is said here.
_MISTAKES = (
    (r"'(.*)' is not a valid integer(?: range)?\.?", "{0} is no whole number"),
    (r"'(.*)' is not a valid float(?: range)?\.?", "{0} is no number"),
    (r"(\S+) is not in the range (\S+?)<=?x<=?(\S+?)\.?", "{0} is out of range; use {1} to {2}"),
    (r"(\S+) is not in the range x>=(\S+?)\.?", "{0} is too small; use {1} or more"),
    (r"'(.*)' is not one of (.*?)\.?", "no {0}; use one of {1}"),
)


def meant_option(error: click.NoSuchOption, words: list[str]) -> str | None:
    """The option that was meant: the nearest, or the long one of a word that begins with a single dash: -kernel."""
    if error.possibilities:
        return error.possibilities[0]
    if error.ctx is None:
        return None
    known = {option for parameter in error.ctx.command.params for option in parameter.opts}
    typed = (f"-{word.partition('=')[0]}" for word in words if word.startswith(error.option_name))
    return next((option for option in typed if option.startswith("--") and option in known), None)


#: What click says of a call as a whole, and how it is said here.
_CALLS = (
    (r"Option '(.*)' requires an argument\.?", "{0} is without its value; give one"),
    (r"Option '(.*)' does not take a value\.?", "{0} takes no value; leave it out"),
    (r"Got unexpected extra arguments? \((.*)\)\.?", "{0}: more than is taken; leave it out"),
)


def mistake(error: click.ClickException) -> str | None:
    """What is wrong with a call and what would be right; None where click's words do."""
    if isinstance(error, click.MissingParameter) and error.param is not None:
        what = max(error.param.opts, key=len)
        if not isinstance(error.param, click.Option):
            what = error.param.make_metavar(click.Context(click.Command(None)))
        kind = error.param.type
        choices = f"; use one of {', '.join(kind.choices)}" if isinstance(kind, click.Choice) else ""
        return f"{what} is missing{choices or '; name it'}"
    if not isinstance(error, click.BadParameter):
        matches = ((re.fullmatch(pattern, error.message, re.DOTALL), words) for pattern, words in _CALLS)
        return next((words.format(*match.groups()) for match, words in matches if match), None)
    if error.param is None:
        return None
    is_option = isinstance(error.param, click.Option)
    name = max(error.param.opts, key=len) if is_option else error.param.human_readable_name
    for pattern, words in _MISTAKES:
        if match := re.fullmatch(pattern, error.message, re.DOTALL):
            value, *rest = match.groups()
            return f"{name}: {words.format(value, *(part.replace(chr(39), '') for part in rest))}"
    return f"{name}: {error.message}"
