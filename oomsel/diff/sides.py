"""The two sides of `diff`: scenarios that are run, or text that an earlier run printed."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from oomsel.booting import Booted, select
from oomsel.diff.tasks import ComparedEvent, compared_report, compared_text
from oomsel.errors import InputError, UsageError
from oomsel.files import lines_of
from oomsel.inputs.identify import Kind, identify, printed_report
from oomsel.inputs.source import STDIN, SUFFIXES, open_source
from oomsel.kernel.event import OomReport
from oomsel.klog.event_text import events_of, read_event
from oomsel.outputs.kernel_text import event_text
from oomsel.outputs.summary import SILENCE
from oomsel.text import printable

_BOTH = ("approximate", "precise")


class SideRequest(NamedTuple):
    """What was asked for of one side."""

    name: str
    mode: str | None  #: None: as the other side, or as the release's kernel reads
    kernel: str | None
    overrides: tuple[str, ...]
    on_its_own: bool  #: whether --a-... or --b-... options gave kernel or overrides
    event: int | None = None  #: of a log: its report of that number


class Side(NamedTuple):
    """One side, ready to be compared."""

    name: str
    details: tuple[str, ...]  #: another kernel and what-ifs, as they were asked for
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
        """This side's name for a unified diff, then a tab and the modes and details, where diff(1) has a date."""
        modes = [mode for mode, event in self.events if mode is not None and isinstance(event, OomReport)]
        what = printable(", ".join([*modes, *self.details]))
        return printable(self.name) + (f"\t{what}" if what else "")

    def notes(self) -> list[str]:
        """Why an event prints nothing."""
        reports = [event for _, event in self.events if isinstance(event, OomReport) and event.outcome in SILENCE]
        return [f"{report.mode}: the kernel prints nothing: {SILENCE[report.outcome]}" for report in reports]

    def said(self, index: int) -> dict[str, Any]:
        """What this side is, for a program."""
        return {"input": printable(self.name), "mode": self.events[index][0]}


class Content(NamedTuple):
    """What an input holds."""

    text: list[str] | None = None  #: the lines, if they are kernel text that was printed earlier
    raw: bytes | None = None  #: the bytes of a pipe, which can be read only once
    is_log: bool = False  #: whether it is a kernel log, to which the options for logs apply


def content_of(name: str) -> Content:
    """What an input holds; only kernel text is read here, all else is left to `load`."""
    once = name == STDIN or (os.path.exists(name) and not os.path.isfile(name))
    try:
        with open_source(name) as stream:
            kind = identify(stream)
            # An event that prints nothing leaves an empty file, which no scenario is.
            if kind is Kind.EMPTY and not stream.peek(1) and not once and not name.endswith(SUFFIXES):
                return Content(text=[])
            raw = stream.read() if once or kind is Kind.KERNEL_TEXT else None
    except InputError:
        if once:
            raise
        return Content()
    if kind is Kind.KERNEL_TEXT and raw is not None and (lines := printed_report(raw)) is not None:
        return Content(text=lines)
    return Content(raw=raw if once else None, is_log=kind in (Kind.LOG, Kind.KERNEL_TEXT))


def sides_of(requests: list[SideRequest], contents: list[Content], booted: list[Booted | None]) -> list[Side]:
    """Both sides; `booted` has the machine of an input that is not printed text.

    A mode that is not asked for is what the other side has, or what the release's kernel does.
    Raises UsageError if a printed text is asked for what only a scenario has.
    """
    both = any(content.text is not None and len(events_of(content.text)) == 2 for content in contents)
    sides = []
    for request, content, machine in zip(requests, contents, booted, strict=True):
        if content.text is not None:
            sides.append(_text_side(request, content.text))
        else:
            assert machine is not None
            sides.append(_run(request, machine, request.mode or ("both" if both else "kernel")))
    return sides


def _run(request: SideRequest, machine: Booted, mode: str) -> Side:
    reports = [select(machine, each) for each in (_BOTH if mode == "both" else (mode,))]
    details = (f"Linux {request.kernel}",) * bool(request.kernel) + request.overrides
    if request.event is not None:
        details = (f"report {request.event}", *details)
    lines = lines_of(event_text(reports))
    return Side(request.name, details, lines, [(report.mode, report) for report in reports])


def _text_side(request: SideRequest, lines: list[str]) -> Side:
    if request.on_its_own:
        raise UsageError(f"{request.name} is text that was printed; another kernel or a what-if needs a scenario")
    events = events_of(lines)
    mode = request.mode
    if mode in _BOTH and mode in events:
        return Side(request.name, (), events[mode], [(mode, events[mode])])
    if mode in _BOTH and None not in events:
        raise UsageError(f"{request.name} holds no {mode} event; it holds {', '.join(map(str, events))}")
    return Side(request.name, (), lines, list(events.items()))


def holds_both(content: Content) -> bool:
    """Whether an input that stands alone can be compared with itself: a scenario, or text of both modes."""
    return content.text is None or set(_BOTH) <= events_of(content.text).keys()
