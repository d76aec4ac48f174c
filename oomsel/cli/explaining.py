"""`explain`'s output for any number of inputs, in each format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oomsel.booting import boot
from oomsel.cli.common import is_verbose, log_options
from oomsel.cli.terminal import bar_signs, styled
from oomsel.layout import folded
from oomsel.outputs.account import Account, account_of_bare, account_of_machine
from oomsel.outputs.explain_text import explanation_lines
from oomsel.outputs.first_screen import first_screen
from oomsel.text import json_text, printable

if TYPE_CHECKING:
    from oomsel.inputs.log.convert import BareReading
    from oomsel.scenario.models import Scenario


class Explaining:
    """Explains inputs one by one; `notes` are (source, message) pairs."""

    def __init__(self, form: str, *, scores: bool, counters: bool, show_all: bool, pages: bool) -> None:
        self.form, self.scores, self.counters, self.show_all, self.pages = form, scores, counters, show_all, pages
        self.notes: list[tuple[str, str]] = []
        self._parts: list[Any] = []

    def add(self, name: str, scenario: Scenario, mode: str, *, headed: bool) -> None:
        """Explain one input, headed by its name where there are several."""
        booted = boot(scenario)
        description = scenario.description or ""
        self.notes += [(name, said) for said in booted.notes if said not in description.split("\n")]
        if booted.log is not None and booted.log.picked_because:
            self.notes.append((name, booted.log.picked_because))
        account = account_of_machine(booted, scenario, mode, pages=self.pages)
        self._add(name, account, description, headed=headed)

    def add_bare(self, name: str, bare: BareReading, *, headed: bool) -> None:
        """Explain a report that shows nobody to choose from."""
        if bare.picked_because:
            self.notes.append((name, bare.picked_because))
        self._add(name, account_of_bare(bare, pages=self.pages), "", headed=headed)

    def _add(self, name: str, account: Account, description: str, *, headed: bool) -> None:
        if self.form == "json":
            from oomsel.outputs.explain_json import explanation_object

            self._parts.append({"input": printable(name), **explanation_object(account)})
            return
        heading = [f"# {printable(name)}"] if headed else []
        screen = [*heading, *first_screen(account, every_note=is_verbose()), *self._described(description)]
        details = self._details(account)
        if self.form == "markdown":
            from oomsel.outputs.explain_markdown import markdown_lines

            self._parts.append("".join(f"{line}\n" for line in markdown_lines(account, details)))
            return
        lines = [_coloured(line) for line in screen]
        lines += ["", *map(_coloured, folded(details))] if details else []
        self._parts.append("".join(f"{line}\n" for line in lines))

    def add_events(self, name: str, overrides: tuple[str, ...], kernel: str | None, mode: str) -> None:
        """Explain every report of a log that has a table, after what they have in common."""
        from oomsel.inputs.log.convert import BareReading
        from oomsel.inputs.log.every import every_event
        from oomsel.outputs.storm import storm_lines, storm_object

        events = []
        parts, self._parts = self._parts, []
        for event, found in every_event(name, overrides, kernel, log_options()):
            events.append(event)
            if isinstance(found, str):
                self.notes.append((name, f"report {event.index}, line {event.first_line}, is not explained: {found}"))
                continue
            if self.form != "json" and self._parts:
                self._parts.append(f"--- report {event.index}, line {event.first_line} ---\n")
            if isinstance(found, BareReading):
                self.add_bare(name, found, headed=False)
            else:
                self.add(name, found, mode, headed=False)
        if self.form == "json":
            self._parts = [*parts, {"input": printable(name), "storm": storm_object(events), "events": self._parts}]
            return
        text = "".join(f"{_coloured(line)}\n" for line in storm_lines(events))
        self._parts = [*parts, text, *self._parts]

    def _described(self, description: str) -> list[str]:
        return ["", *folded(["THE SCENARIO", *description.split("\n")])] if description else []

    def _details(self, account: Account) -> list[str]:
        counters = self.counters or account.counters_matter
        if account.explanation is None or not (self.scores or counters):
            return []
        return explanation_lines(
            account.explanation,
            show_all=self.show_all,
            evidence=account.evidence,
            scores=self.scores,
            counters=counters,
            signs=bar_signs(),
        )

    def joined(self) -> str:
        """All inputs' explanations as one text."""
        if self.form == "json":
            return json_text(self._parts[0] if len(self._parts) == 1 else self._parts)
        return "\n".join(self._parts)


def _coloured(line: str) -> str:
    """A line with its heading in bold, the victim's in red."""
    label = line.partition("  ")[0]
    if not label or not label.isupper():
        return line
    if label in ("KILLED", "PANIC"):
        return styled(line, fg="red", bold=True)
    return styled(label, bold=True) + line[len(label) :]
