"""The man page, made from the commands themselves; the wheel installs it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from oomsel import __version__

EXIT_STATUS = (
    ("0", "As hoped: what was asked for is printed, nothing differs, every expectation holds."),
    ("1", "The answer is no: the inputs differ, an expectation does not hold, with --exit-code the modes disagree."),
    ("2", "Trouble: an input or an option that cannot be used.  Standard error says which, and what would be right."),
    ("130", "Interrupted with Ctrl-C."),
)
ENVIRONMENT = (
    ("NO_COLOR", "If set, nothing is coloured."),
    ("FORCE_COLOR", "If set, colours are written to files and pipes, too; NO_COLOR wins."),
    ("CI", "If set, oomsel check --update refuses to run."),
    ("GITHUB_ACTIONS", "If set, oomsel check marks failures in the files, by workflow commands."),
)


def man_page(group: click.Group) -> str:
    """oomsel(1) in roff: every command of `group` with its arguments, options and example."""
    with click.Context(group, info_name="oomsel", **group.context_settings) as ctx:
        commands = [group.get_command(ctx, name) for name in group.list_commands(ctx)]
        lines = [
            f'.TH OOMSEL 1 "" "oomsel {__version__}" "User Commands"',
            ".SH NAME",
            r"oomsel \- whom the Linux OOM killer chooses, and why",
            ".SH SYNOPSIS",
            r"\fBoomsel\fR [\fIOPTION\fR...] \fICOMMAND\fR [\fIARGUMENT\fR...]",
            ".SH DESCRIPTION",
            *_paragraphs(group.help),
            ".SH OPTIONS",
            *_options(group, ctx),
            ".SH COMMANDS",
        ]
        for command in commands:
            assert command is not None
            lines += _command(command, ctx)
    lines.append(".SH EXIT STATUS")
    lines += _tagged(EXIT_STATUS)
    lines.append(".SH ENVIRONMENT")
    lines += _tagged(ENVIRONMENT)
    return "\n".join(lines) + "\n"


def _command(command: click.Command, parent: click.Context) -> Iterator[str]:
    with click.Context(command, info_name=command.name, parent=parent, **command.context_settings) as ctx:
        yield f".SS oomsel {_escape(' '.join([command.name or '', *command.collect_usage_pieces(ctx)]))}"
        yield from _paragraphs(command.help)
        yield from _options(command, ctx)
        if command.epilog:
            yield ".PP"
            yield _escape(" ".join(command.epilog.replace("\b", "").split()))


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and record[1]:
            yield ".TP"
            yield f"\\fB{_escape(record[0])}\\fR"
            yield _escape(record[1])


def _paragraphs(text: str | None) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text or ""):
        yield ".PP"
        yield _escape(" ".join(paragraph.split()))


def _tagged(pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for tag, text in pairs:
        yield ".TP"
        yield f"\\fB{tag}\\fR"
        yield _escape(text)


def _escape(text: str) -> str:
    """`text` as roff shows it unchanged: no control line, hyphens that can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\`")
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped
