"""The end of a report: who was chosen and killed, a group's members, the reaper, or why nobody was."""

from __future__ import annotations

from oomsel.klog import formats
from oomsel.klog.event import Chosen, GroupLine, OomEvent, Pinned
from oomsel.klog.prefix import Line
from oomsel.klog.report_lines import name_bytes, parse_killed, parse_summary


class Ending:
    """Reads these lines into `event`; `unfinished` is the text of one that ends inside a name."""

    def __init__(self, event: OomEvent) -> None:
        self._event = event
        self.unfinished: str | None = None

    def read(self, line: Line, text: str) -> bool:
        """Take `line` in if it is one of them."""
        self.unfinished = None
        if formats.ENDING_WORDS.search(text) is None:
            return False  # as most lines
        if formats.OOM_KILL_BEGINS in text and self._may_have_summary():
            return self._take_summary(line, text)
        if "Killed process " in text:
            return self._kill(line, text)
        return (
            self._chosen(line, text)
            or self._group(line, text)
            or self._exiting(line, text)
            or self._pinned(line, text)
            or self._nobody(line, text)
            or (text.startswith("oom_reaper: ") and self.read_reaper(line))
        )

    def _may_have_summary(self) -> bool:
        return self._event.summary is None and not self._event.ends

    def _take_summary(self, line: Line, text: str) -> bool:
        if line.is_bare:
            text = text[text.index(formats.OOM_KILL_BEGINS) :]
        if not text.startswith(formats.OOM_KILL_BEGINS):
            return False
        if not self.summary(line.number, text):
            self.unfinished = text
        return True

    def summary(self, number: int, text: str) -> bool:
        """The oom-kill line, whole."""
        self._event.summary = parse_summary(number, text, self._event.row_of)
        return self._event.summary is not None

    def _chosen(self, line: Line, text: str) -> bool:
        event = self._event
        if "ill process " not in text or event.chosen is not None or event.ends:
            return False
        match = formats.CHOSEN_RE.match(text)
        if match is None:
            return False
        event.chosen = Chosen(line.number, match[1], int(match[2]), name_bytes(match[3]), int(match[4]))
        return True

    def _kill(self, line: Line, text: str) -> bool:
        event = self._event
        begins = formats.KILLED_BEGINS.search(text) if line.is_bare else formats.KILLED_BEGINS.match(text)
        if begins is None:
            return False
        if event.kills and not (event.group and not event.no_killable):
            return False  # without a group a report kills once: this one's own report was not printed
        if event.exiting is not None and not event.kills:
            return False
        text = text[begins.start() :]
        killed = parse_killed(line.number, text)
        if killed is None:
            self.unfinished = text
            return not event.kills or event.group is not None
        named = event.summary.pid if event.summary else event.chosen.pid if event.chosen else None
        if not event.kills and named is None and event.rows and event.row_of(killed.pid) is None and event.ends:
            return False
        self.kill(line.number, text)
        return True

    def kill(self, number: int, text: str) -> bool:
        """A kill line, whole."""
        killed = parse_killed(number, text)
        if killed is None:
            return False
        self._event.kills.append(killed)
        if self._event.group is not None:
            self._event.walk.append(GroupLine(number, killed.pid, killed=True))
        return True

    def _group(self, line: Line, text: str) -> bool:
        event = self._event
        match = formats.OOM_GROUP_RE.search(text)
        if match is None or event.group is not None or not (event.kills or event.summary):
            return False
        event.group = (line.number, match[1])
        return True

    def _exiting(self, line: Line, text: str) -> bool:
        event = self._event
        match = formats.EXITING_RE.match(text)
        if match is None or event.no_killable is not None:
            return False
        pid = int(match[1])
        if event.group is not None:
            event.walk.append(GroupLine(line.number, pid, killed=False))
        elif event.kills and pid not in {kill.pid for kill in event.kills}:
            return False  # of the next report, whose other lines were not printed
        event.exiting = event.exiting or (line.number, pid)
        return True

    def _pinned(self, line: Line, text: str) -> bool:
        match = formats.PINNED_RE.fullmatch(text)
        if match is None or int(match[1]) not in {kill.pid for kill in self._event.kills}:
            return False
        self._event.pinned.append(Pinned(line.number, int(match[1]), int(match[3]), name_bytes(match[4])))
        return True

    def _nobody(self, line: Line, text: str) -> bool:
        event = self._event
        if formats.NO_KILLABLE_RE.match(text) and not event.ends:
            event.no_killable = line.number
            return True
        if (match := formats.PANIC_RE.match(text)) and event.panic is None and not event.kills:
            event.panic = (line.number, match[1])
            return True
        return False

    def read_reaper(self, line: Line) -> bool:
        """Take in a line of the oom_reaper's about one of the victims."""
        match = formats.REAPED_RE.match(line.text)
        if match is None or int(match[1]) not in {kill.pid for kill in self._event.kills}:
            return False
        self._event.reaped.append((line.number, int(match[1])))
        return True
