"""`select`'s output for any number of inputs, in each format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oomsel.booting import Booted, kernel_mode, select, select_both
from oomsel.cli import terminal
from oomsel.kernel.event import OomReport
from oomsel.klog.formats import PRINTK_ZERO
from oomsel.outputs.kernel_text import event_text
from oomsel.outputs.summary import SILENCE, compare
from oomsel.text import json_text, printable

if TYPE_CHECKING:
    from oomsel.inputs.log.reading import LogReading

#: In the place of whether the modes agree, where that cannot be known.
LOG_SENTENCE = "A log does not hold what CPUs have not folded in: both modes read what its table shows."


class Rendering:
    """Renders inputs one by one; `notes` are (source, message) pairs, `modes_differ` whether any input's modes did."""

    def __init__(self, mode: str | None, form: str, *, reaper: bool, timestamps: bool, show_all: bool) -> None:
        self._mode, self.form, self.show_all = mode, form, show_all
        self.reaper, self.prefix = reaper, PRINTK_ZERO if timestamps else ""
        self.notes: list[tuple[str, str]] = []
        self.modes_differ = False
        self.names: list[str] = []

    def add(self, name: str, booted: Booted) -> Any:
        """One input's output: a text, or for JSON an object."""
        self.names.append(name)
        self.notes += [(name, message) for message in booted.notes]
        approximate, precise = select_both(booted)
        self.modes_differ |= not compare(approximate, precise).agree
        done = {report.mode: report for report in (approximate, precise)}
        own = done[kernel_mode(booted)]
        wanted = [approximate, precise]
        mode = self._mode or ("both" if booted.log is None else "kernel")
        if mode != "both":
            wanted = [own if mode == "kernel" else done.get(mode) or select(booted, mode)]
        said = {} if booted.log is None else {"log": self._note_log(name, booted.log, own)}
        for message in dict.fromkeys(SILENCE[report.outcome] for report in wanted if report.outcome in SILENCE):
            modes = [report.mode for report in wanted if SILENCE.get(report.outcome) == message]
            where = "" if len(modes) == len(wanted) else f"{modes[0]}: "
            self.notes.append((name, f"{where}the kernel prints nothing: {message}"))
        self._note_two_pass(name, wanted)
        if self.form == "json":
            return {"input": printable(name), **said, **self._object(wanted, booted.log)}
        if self.form == "table":
            is_one = booted.log is not None and mode != "both"
            return self._table(approximate, precise, booted.log, is_one=is_one)
        if booted.log is None:
            return event_text(wanted, reaper=self.reaper, prefix=self.prefix)
        from oomsel.outputs.kernel_text import REMARK
        from oomsel.outputs.log_choice import LogChoice
        from oomsel.outputs.log_text import as_logged, of_rows_left
        from oomsel.outputs.logged_table import logged_table

        table = logged_table(booted.log)
        closing = None if _has_deltas(own) else LOG_SENTENCE
        text = event_text(wanted, reaper=self.reaper, prefix=self.prefix, closing=closing, table=table)
        remark = of_rows_left(LogChoice(booted.log, own))
        return as_logged(text, booted.log, own, self.prefix) + (f"{REMARK}{remark}\n" if remark else "")

    def _note_log(self, name: str, log: LogReading, own: OomReport) -> dict[str, Any]:
        """What the kernel said in the log that the input is, and whether it was right; as an object, too."""
        from oomsel.outputs.log_choice import LogChoice
        from oomsel.outputs.log_text import refuse_undecided
        from oomsel.outputs.log_verdict import log_verdict, verdict_object

        choice = LogChoice(log, own)
        refuse_undecided(name, choice, self.form)
        verdict = log_verdict(choice)
        notes = [log.picked_because] if log.picked_because else []
        self.notes += [(name, message) for message in (*notes, *log.notes, *verdict.sentences, *verdict.counters)]
        return verdict_object(log, verdict)

    def _note_two_pass(self, name: str, wanted: list[OomReport]) -> None:
        for report in wanted:
            if report.two_pass is not None and report.two_pass.limited:
                how = f"the limit of {report.two_pass.sums} precise sums was hit"
                self.notes.append((name, f"{report.mode}: {how}: the choice may not be the precise one"))

    def joined(self, parts: list[Any]) -> str:
        """All inputs' output as one text, each headed by its name where there are several."""
        if self.form == "json":
            return json_text(parts[0] if len(parts) == 1 else parts)
        if len(parts) == 1:
            return str(parts[0])
        return "".join(f"# {printable(name)}\n{part}" for name, part in zip(self.names, parts, strict=True))

    def _object(self, wanted: list[OomReport], log: LogReading | None) -> dict[str, Any]:
        from oomsel.outputs.json_report import both_object, report_object

        if len(wanted) == 1:
            found = report_object(wanted[0])
        else:
            approximate, precise = wanted
            found = both_object(approximate, precise, compare(approximate, precise))
        if log is None:
            return found
        from oomsel.outputs.log_choice import LogChoice
        from oomsel.outputs.log_text import known_object

        if len(wanted) == 1:
            return known_object(found, LogChoice(log, wanted[0]))
        known = {report.mode: known_object(found[report.mode], LogChoice(log, report)) for report in wanted}
        compared = {} if _has_deltas(wanted[0]) else {"agree": None, "cost_pages": None, "summary": LOG_SENTENCE}
        return {**found, **compared, **known}

    def _table(self, approximate: OomReport, precise: OomReport, log: LogReading | None, *, is_one: bool) -> str:
        from oomsel.outputs.table import ALL, plain_table, print_table

        shown = ALL
        if log is not None:
            from oomsel.outputs.log_text import shown_of

            shown = shown_of(log, approximate, None if is_one or _has_deltas(approximate) else LOG_SENTENCE)
        if self.show_all:
            return "".join(f"{line}\n" for line in plain_table(approximate, precise, is_one=is_one, shown=shown))
        console = terminal.console()
        print_table(approximate, precise, console, is_one=is_one, shown=shown)
        return terminal.printed(console)


def _has_deltas(report: OomReport) -> bool:
    """Whether somebody has stated what CPUs hold, which no log does."""
    return bool(report.system.rss.percpu.any())
