"""`diff`'s two sides: scenarios that are run, or text that an earlier run printed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import click

from oomsel.booting import Booted, boot, select
from oomsel.check.discover import SUFFIXES
from oomsel.cli.common import fail_on_error, load_one, log_options, note
from oomsel.diff.tasks import ComparedEvent, compared_report, compared_text
from oomsel.errors import InputError
from oomsel.files import lines_of
from oomsel.inputs.identify import is_log
from oomsel.inputs.log.options import LogOptions
from oomsel.inputs.source import HEAD, STDIN, open_source
from oomsel.kernel.event import OomReport
from oomsel.klog.event_text import events_of, is_event_text, read_event
from oomsel.outputs.event_text import event_text
from oomsel.outputs.summary import SILENCE
from oomsel.text import printable

_BOTH = ("approximate", "precise")


class Wanted(NamedTuple):
    """What one side is to be."""

    name: str
    mode: str | None  #: None: what suits the other side
    kernel: str | None
    overrides: tuple[str, ...]
    on_its_own: bool  #: whether kernel or overrides are meant for this side alone


class Side(NamedTuple):
    """One side, ready to be compared: its text, and its events, each with the mode where it is known."""

    name: str
    details: tuple[str, ...]  #: what was asked for: another kernel, what-ifs
    lines: list[str]  #: with their line ends
    events: list[tuple[str | None, OomReport | list[str]]]

    def view(self, index: int, *, shown_only: bool) -> ComparedEvent:
        """One of the events, task by task."""
        event = self.events[index][1]
        return (
            compared_text(read_event(event))
            if isinstance(event, list)
            else compared_report(event, shown_only=shown_only)
        )

    @property
    def is_text(self) -> bool:
        return any(isinstance(event, list) for _, event in self.events)

    def title(self, index: int) -> str:
        """What this side is, for a person."""
        what = [self.events[index][0] or "", *self.details]
        return printable(f"{self.name} ({', '.join(filter(None, what))})" if any(what) else self.name)

    def label(self) -> str:
        """What heads this side of a unified diff: after the name and a tab, as diff's date, how it came to be."""
        modes = [mode for mode, event in self.events if mode is not None and isinstance(event, OomReport)]
        what = printable(", ".join([*modes, *self.details]))
        return printable(self.name) + (f"\t{what}" if what else "")

    def said(self, index: int) -> dict[str, Any]:
        """What this side is, for a program."""
        return {"input": printable(self.name), "mode": self.events[index][0]}


class Content(NamedTuple):
    """What an input turned out to be."""

    text: list[str] | None = None  #: the lines of kernel text that was printed earlier
    raw: bytes | None = None  #: what came out of a pipe, which gives it only once
    is_log: bool = False  #: a kernel log, of which the log's options speak


def content_of(name: str) -> Content:
    """Looks into an input; anything but kernel text is left for `load` to read, and to refuse."""
    once = name == STDIN or (os.path.exists(name) and not os.path.isfile(name))
    try:
        with open_source(name) as stream:
            head, found_log = stream.peek(HEAD), is_log(stream)
            # An event that prints nothing leaves an empty file, which no scenario is.
            is_nothing = not head and not once and not name.endswith(SUFFIXES)
            raw = stream.read() if once or _is_text(head) else None
    except InputError:
        return Content()
    if is_nothing or (raw is not None and _is_text(raw)):
        return Content(text=_lines(raw or b""))
    return Content(raw=raw if once else None, is_log=found_log)


def _is_text(raw: bytes) -> bool:
    return is_event_text(_lines(raw))


def _lines(raw: bytes) -> list[str]:
    return lines_of(raw.decode("utf-8", "surrogateescape"))


def sides_of(a: Wanted, b: Wanted, contents: Mapping[str, Content]) -> tuple[Side, Side]:
    """Both sides; a mode that is not asked for is what the other side has, or what the release's kernel does."""
    options = log_options()
    ours = [contents[side.name] for side in (a, b)]
    any_log = any(content.is_log for content in ours)
    booted = [
        # Where nothing is a log, that is an option's mistake, and loading says so.
        _booted(side, content.raw, options if content.is_log or not any_log else LogOptions())
        if content.text is None
        else None
        for side, content in zip((a, b), ours, strict=True)
    ]
    notes = [
        (side.name, text) for side, machine in zip((a, b), booted, strict=True) if machine for text in _notes(machine)
    ]
    for name, message in dict.fromkeys(notes):
        note(name, message)
    both = any(content.text is not None and len(events_of(content.text)) == 2 for content in ours)
    sides = []
    for wanted, content, machine in zip((a, b), ours, booted, strict=True):
        if content.text is not None:
            sides.append(_text_side(wanted, content.text))
        else:
            assert machine is not None
            sides.append(_run(wanted, machine, wanted.mode or ("both" if both else "kernel")))
    if not any(booted) and (given := options.given or (a.kernel and "--kernel") or (a.overrides and "--set")):
        raise click.UsageError(f"{given} changes nothing in text that was printed; it needs a scenario or a log")
    return sides[0], sides[1]


def _booted(wanted: Wanted, raw: bytes | None, options: LogOptions) -> Booted:
    with fail_on_error():
        return boot(load_one(wanted.name, wanted.overrides, wanted.kernel, options, raw))


def _notes(machine: Booted) -> Iterator[str]:
    if machine.log is not None and machine.log.picked_because:
        yield machine.log.picked_because
    yield from machine.notes


def _run(wanted: Wanted, machine: Booted, mode: str) -> Side:
    reports = [select(machine, each) for each in (_BOTH if mode == "both" else (mode,))]
    for report in reports:
        if report.outcome in SILENCE:
            note(wanted.name, f"{report.mode}: the kernel prints nothing: {SILENCE[report.outcome]}")
    details = (f"Linux {wanted.kernel}",) * bool(wanted.kernel) + wanted.overrides
    lines = lines_of(event_text(reports))
    return Side(wanted.name, details, lines, [(report.mode, report) for report in reports])


def _text_side(wanted: Wanted, lines: list[str]) -> Side:
    if wanted.on_its_own:
        raise click.UsageError(f"{wanted.name} is text that was printed; another kernel or a what-if needs a scenario")
    events = events_of(lines)
    mode = wanted.mode
    if mode in _BOTH and mode in events:
        return Side(wanted.name, (), events[mode], [(mode, events[mode])])
    if mode in _BOTH and None not in events:
        raise click.UsageError(f"{wanted.name} holds no {mode} event; it holds {', '.join(map(str, events))}")
    return Side(wanted.name, (), lines, list(events.items()))


def holds_both(content: Content) -> bool:
    """Whether an input that stands alone can be compared with itself: a scenario, or text of both modes."""
    return content.text is None or set(_BOTH) <= events_of(content.text).keys()
