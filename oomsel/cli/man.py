"""The man page, made from the commands themselves; the wheel installs it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

from oomsel import __version__

#: Columns of the source, which no tool then calls too wide.
_WIDTH = 78
#: Of this version.
RELEASED = "2026-11-28"
#: Options that stand once, under COMMON OPTIONS, and not with every command that has them.
_SHARED = ("event", "pid", "last", "page_size", "cpus", "overrides", "kernel", "quiet", "verbose", "color", "help")
#: Commands in which an option of such a name is another one.
_OWN = {"replay": ("cpus", "kernel", "page_size"), "generate": ("cpus",), "bench": ("cpus",)}
EXAMPLES = (
    ("dmesg | oomsel explain", "Who was killed, who used the memory, why this one, and what would help."),
    ("journalctl -k -o short-iso | oomsel events -", "The reports of this boot, a line each."),
    (
        "oomsel select --set 'tasks[mysqld].oom_score_adj=-500' kern.log",
        "Whom it would have been, had mysqld been protected.",
    ),
    ("oomsel init --example kubernetes", "A policy to begin with, with what it expects."),
    ("oomsel check --junit report.xml scenarios/", "Hold every scenario in a folder to what it expects."),
    ("oomsel capture -o now.yaml", "This machine as a scenario."),
)
_LOG = """What dmesg, journalctl, syslog, /dev/kmsg or a serial console gives, of Linux 5.4 and later, and older ones as
far as their formulas are known; compressed with gzip, xz, bz2 or zstd, wrapped in JSON, logfmt, CSV or HTML by
whatever ships logs, quoted in a mail.  Of several reports the last complete one is taken; --event, --pid or --last
picks another."""
INPUTS = (
    ("kernel log", _LOG),
    ("scenario", "YAML or JSON with the key oomsel at its top; oomsel schema has the format."),
    ("bundle", "A NumPy .npz of a large scenario, as oomsel convert writes it."),
    ("/proc, or a copy of it", "The running machine; --live is short for it."),
    ("-", "Standard input, the default of select, explain and events; what it holds is told by its content."),
)
FILES = (
    ("scenario.yaml", "What oomsel init writes where no other name is given."),
    ("oomsel.schema.json", "By it editors complete and check a scenario beside it whose first line names it."),
    ("PREFIX/share/bash-completion/completions/oomsel", "Completion for bash; oomsel completion bash prints it, too."),
    ("PREFIX/share/zsh/site-functions/_oomsel", "The same for zsh."),
    ("PREFIX/share/fish/vendor_completions.d/oomsel.fish", "The same for fish."),
)
EXIT_STATUS = (
    ("0", "As hoped: what was asked for is printed, nothing differs, every expectation holds."),
    ("1", "The answer is no: inputs differ, an expectation fails, no report is there, --exit-code found two victims."),
    ("2", "Trouble: an input or an option that cannot be used.  Standard error says which, and what would be right."),
    ("130", "Interrupted with Ctrl-C."),
)
ENVIRONMENT = (
    ("NO_COLOR", "If set, nothing is coloured."),
    ("FORCE_COLOR", "If set, colours are written to files and pipes, too; NO_COLOR wins."),
    ("CI", "If set, oomsel check --update refuses to run."),
    ("GITHUB_ACTIONS", "If set, oomsel check marks failures in the files, by workflow commands."),
    ("GITHUB_WORKSPACE", "With it: the folder to which the names of those files are relative."),
    ("GITHUB_STEP_SUMMARY", "With it: the file to which oomsel check adds a table of its results."),
)
SEE_ALSO = r"""\fBdmesg\fR(1), \fBjournalctl\fR(1), \fBchoom\fR(1), \fBproc_pid_oom_score_adj\fR(5), \fBcgroups\fR(7)"""


def man_page(group: click.Group) -> str:
    """oomsel(1) in roff: every command of `group` with its arguments and options, and what they have in common."""
    with click.Context(group, info_name="oomsel", **group.context_settings) as ctx:
        commands = [command for name in group.list_commands(ctx) if (command := group.get_command(ctx, name))]
        lines = [
            f'.TH OOMSEL 1 "{RELEASED}" "oomsel {__version__}" "User Commands"',
            ".SH NAME",
            r"oomsel \- whom the Linux OOM killer chooses, and why",
            ".SH SYNOPSIS",
            r"\fBoomsel\fR [\fIOPTION\fR...] \fICOMMAND\fR [\fIARGUMENT\fR...]",
            ".SH DESCRIPTION",
            *_paragraphs(group.help),
            ".SH EXAMPLES",
            *_tagged(EXAMPLES),
            ".SH INPUTS",
            *_tagged(INPUTS),
            ".SH OPTIONS",
            *_options(ctx, group.get_params(ctx)),
            ".SH COMMANDS",
        ]
        shared: dict[str, click.Parameter] = {}
        for command in commands:
            lines += _command(command, ctx, shared)
        lines += [".SH COMMON OPTIONS", "Every command has the last four; those that read a scenario have the others."]
        lines += _options(ctx, [shared[name] for name in _SHARED if name in shared])
    for title, pairs in (("FILES", FILES), ("EXIT STATUS", EXIT_STATUS), ("ENVIRONMENT", ENVIRONMENT)):
        lines += [f".SH {title}", *_tagged(pairs)]
    return "\n".join([*lines, ".SH SEE ALSO", SEE_ALSO]) + "\n"


def _command(command: click.Command, parent: click.Context, shared: dict[str, click.Parameter]) -> Iterator[str]:
    """A command with its own options; those that it shares are put into `shared`."""
    with click.Context(command, info_name=command.name, parent=parent, **command.context_settings) as ctx:
        yield f".SS oomsel {_escape(' '.join([command.name or '', *command.collect_usage_pieces(ctx)]))}"
        yield from _paragraphs(command.help)
        own = []
        for parameter in command.get_params(ctx):
            name = "help" if "--help" in parameter.opts else parameter.name or ""
            if name in _SHARED and name not in _OWN.get(command.name or "", ()):
                shared.setdefault(name, parameter)
            else:
                own.append(parameter)
        yield from _options(ctx, own)


def _options(ctx: click.Context, parameters: Iterable[click.Parameter]) -> Iterator[str]:
    for parameter in parameters:
        record = parameter.get_help_record(ctx)
        if record is not None and record[1]:
            yield from (".TP", f"\\fB{_escape(record[0])}\\fR", *_text(record[1]))


def _paragraphs(text: str | None) -> Iterator[str]:
    for index, paragraph in enumerate(re.split(r"\n\s*\n", text or "")):
        if index:
            yield ".PP"
        yield from _text(paragraph)


def _tagged(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for tag, text in pairs:
        yield from (".TP", f"\\fB{_escape(tag)}\\fR", *_text(text))


def _text(text: str) -> Iterator[str]:
    """A paragraph as lines of roff, each sentence on a new one."""
    for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z])", " ".join(text.split())):
        line = ""
        for word in map(_escape, sentence.split()):
            if line and len(line) + 1 + len(word) > _WIDTH:
                yield _guarded(line)
                line = ""
            line = f"{line} {word}" if line else word
        yield _guarded(line)


def _escape(text: str) -> str:
    """`text` as roff shows it unchanged, hyphens that can be copied."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")


def _guarded(line: str) -> str:
    return f"\\&{line}" if line.startswith((".", "\\(aq")) else line
