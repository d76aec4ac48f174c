"""`explain --format html`: one page for any number of inputs."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable

import click

from oomsel.booting import boot
from oomsel.cli.common import load_one, log_options
from oomsel.errors import OomselError
from oomsel.inputs.log.convert import BareReading, NothingToChoose
from oomsel.outputs.account import account_of_bare, account_of_machine
from oomsel.outputs.page.document import PageEvent, Storm, page_html
from oomsel.outputs.page.listing import Collector
from oomsel.scenario.models import Scenario


class Paging:
    """Gathers the events of a page; `notes` are (source, message) pairs."""

    def __init__(self, overrides: tuple[str, ...], kernel: str | None, mode: str) -> None:
        self._overrides, self._kernel, self._mode = overrides, kernel, mode
        self.notes: list[tuple[str, str]] = []
        self._events: list[PageEvent] = []
        self._storms: list[Storm] = []

    def add_inputs(self, names: Iterable[str]) -> None:
        """One event of each input; raises OomselError with the problems of all of them."""
        wrong: list[str] = []
        for name in names:
            collector = Collector(name)
            options = log_options()._replace(first_of_storm=True, keep_source=True, told=collector)
            found: Scenario | BareReading
            try:
                found = load_one(name, self._overrides, self._kernel, options)
            except NothingToChoose as nothing:
                if self._overrides or self._kernel is not None:
                    wrong += str(nothing).split("\n")
                    continue
                found = nothing.bare
            except OomselError as error:
                wrong += str(error).split("\n")
                continue
            self._add(name, found, collector)
        if wrong:
            raise OomselError("\n".join(dict.fromkeys(wrong)))

    def add_events(self, name: str) -> None:
        """Every report of a log that has a table, after what they have in common."""
        from oomsel.inputs.log.every import every_event
        from oomsel.outputs.storm import storm_sentences

        events, collector = [], Collector(name)
        for event, found in every_event(name, self._overrides, self._kernel, log_options(), keep_source=True):
            events.append(event)
            collector(event)
            if isinstance(found, str):
                self.notes.append((name, f"report {event.index}, line {event.first_line}, is not explained: {found}"))
            else:
                self._add(name, found, None)
        lines = [" ".join(text.split()) for text in storm_sentences(events)]
        self._storms.append(Storm(lines, collector))

    def _add(self, name: str, found: Scenario | BareReading, collector: Collector | None) -> None:
        if isinstance(found, BareReading):
            because, description, account = found.picked_because, "", account_of_bare(found)
        else:
            booted = boot(found)
            description = found.description or ""
            self.notes += [(name, said) for said in booted.notes if said not in description.split("\n")]
            because = None if booted.log is None else booted.log.picked_because
            account = account_of_machine(booted, found, self._mode)
        if because and collector is not None:
            self.notes.append((name, because))
        self._events.append(PageEvent(name, account, collector, description))

    def html(self, *, title: str | None, rows: int, command: str) -> str:
        """The page."""
        from oomsel import __version__

        if not self._events:
            raise OomselError("no report has enough in it to be explained")
        return page_html(
            self._events, title=title, command=command, rows=rows, storms=self._storms, version=__version__
        )


def refuse_terminal(output: str | None) -> None:
    """A page is for a browser."""
    if output in (None, "-") and sys.stdout is not None and sys.stdout.isatty():
        raise click.UsageError("a page is nothing for a terminal; use -o FILE.html", click.get_current_context())


def command_line(context: click.Context, inputs: Iterable[str]) -> str:
    """What makes the page again: the options that were given, in the order in which help lists them."""
    words = ["oomsel", "explain"]
    given = {**context.params, **(context.obj or {})}
    for parameter in context.command.params:
        if not isinstance(parameter, click.Option) or parameter.name in ("quiet", "verbose", "color", "debug"):
            continue
        value = given.get(parameter.name or "")
        if value in (None, False, ()) or value == parameter.get_default(context):
            continue
        option = max(parameter.opts, key=len)
        for each in value if isinstance(value, tuple) else (value,):
            words += [option] if parameter.is_flag else [option, str(each)]
    names = (
        [] if given.get("live") else [f"./{name}" if name.startswith("-") and name != "-" else name for name in inputs]
    )
    return shlex.join([*words, *names])
