"""One report, read line by line: which lines are its own, and what they say."""

from __future__ import annotations

from oomsel.klog import formats
from oomsel.klog.clock import PRINTK_STAMP, is_earlier
from oomsel.klog.cut import read_cut
from oomsel.klog.ending import Ending
from oomsel.klog.event import OomEvent
from oomsel.klog.headless import columns_of_rows
from oomsel.klog.invoker import whole_name
from oomsel.klog.patterns import Pattern
from oomsel.klog.preface import Preface
from oomsel.klog.prefix import Line
from oomsel.klog.report_lines import (
    has_newline_in_name,
    is_possible,
    is_torn,
    name_bytes,
    names_another,
    parse_current,
    parse_invoked,
    prefix_of_name,
)
from oomsel.klog.table import Columns
from oomsel.text import TASK_COMM_LEN

#: A row, as far as it can be told before the header.
_ROW = Pattern(r"\[ *[0-9]+\](?: +(?:-?[0-9]+|\?)){5,} ")
_CELL = Pattern(r" *-?[0-9]+ ")

#: Words of the lines with which a report begins, or what is left of one.
_BEGINNINGS = ("oom-kill", "ill process ", "Killed process ", "total_vm", "is already exiting. Skip killing")
#: Of those with which it ends.
_ENDINGS = (*_BEGINNINGS[:3], "no killable processes", "Kernel panic")


class EventParser:
    """Reads one report; `age` counts the lines since the last one that was its own.

    `cpus` is how many the machine may have, where the log says so.
    """

    def __init__(self, index: int, line: Line, *, keep_source: bool, cpus: int | None = None) -> None:
        self.event = OomEvent(
            index, line.number, line.number, line.stamp, line.tag, line.caller, host=line.host, date=line.date
        )
        self.age = 0
        self.follows_first_line = False  #: whether it begins where another report has had its first lines alone
        self._keep_source = keep_source
        self._cpus = cpus
        self._columns: Columns | None = None
        self._pids: set[int] = set()
        self._pending: Line | None = None  #: a line that ends inside a name
        self._joined = 0
        self._last_row: Line | None = None
        self._before: list[Line] = []  #: short lines before the first, of which a name's first lines may be
        self._offset = 0  #: characters of a prefix that nobody knows
        self._strays: list[Line] = []  #: rows before the header
        self._preface = Preface(self.event)
        self._ending = Ending(self.event)

    # -- the beginning -----------------------------------------------------------------------------------------

    def begin(self, line: Line, recent: list[Line]) -> bool:
        """Whether a report begins, or what is left of one, with `line`; `recent` are the lines before it.

        What `collect` took in before is the report's own.
        """
        if not self.begins_another(line) and not any(map(line.text.__contains__, _ENDINGS[3:])):
            return False
        if not self._recognised(line, recent):
            return False
        if self.event.invoked is None:
            self._begins_at(line)
            self._take_headless_rows()
        self._own(line)
        return True

    def collect(self, line: Line) -> bool:
        """Take in a line of a report whose first lines are lost, before anything shows that there is a report."""
        self._preface.overhear(line, line.text)
        part = "rows" if _ROW.match(line.text) else self._read_preface(line, line.text)
        if part is None:
            return False
        if part == "rows":
            self._strays.append(line)
        event = self.event
        if event.begins_at is None:
            event.begins_at, event.first_line = part, line.number
            event.stamp, event.date = line.stamp, line.date
        self._own(line)
        return True

    @property
    def is_ooms(self) -> bool:
        """Whether a line that `collect` took in is one that nothing but an OOM report has."""
        return self._preface.is_ooms

    @property
    def has_trace_of_another(self) -> bool:
        """Whether `collect` saw a stack dump that is not the OOM killer's: what follows is not a report's either."""
        return self._preface.has_trace and not self._preface.is_ooms

    def _begins_at(self, line: Line) -> None:
        if self.event.begins_at is not None:
            return
        if self._columns is not None or line.text == formats.TASKS_STATE:
            self.event.begins_at = "task table"
        elif self.event.summary is not None or self._ending.unfinished is not None:
            self.event.begins_at = "oom-kill line"

    def _take_headless_rows(self) -> None:
        """Rows whose header is lost: used where their widths tell one column from the other, else a loss."""
        strays, event = self._strays, self.event
        if not strays or self._columns is not None:
            return
        rows = f"{len(strays)} row{'s' * (len(strays) > 1)} whose header is lost"
        self._strays, self._columns = [], columns_of_rows(line.text for line in strays)
        if self._columns is not None:
            rows += ", with what may stand before; the columns are told by their widths"
            event.columns, event.pid_header = self._columns.names, self._columns.pid_header
            for line in strays:
                self._row(line, line.text)
        event.losses.append((strays[0].number, rows))

    @property
    def has_first_line_only(self) -> bool:
        """Whether the report has its first line and neither a table nor an end."""
        event = self.event
        return event.invoked is not None and event.header_line is None and not event.ends

    @property
    def has_headless_rows(self) -> bool:
        """Whether rows were collected that can be read without their header."""
        return bool(self._strays) and columns_of_rows(line.text for line in self._strays) is not None

    def begins_another(self, line: Line) -> bool:
        """Whether `line`, which is not of this report, may begin the next one."""
        return any(map(line.text.__contains__, _BEGINNINGS))

    # -- the lines ---------------------------------------------------------------------------------------------

    def read(self, line: Line, recent: list[Line]) -> bool:
        """Take `line` in if it belongs to the report; whether it does."""
        if self._pending is not None and self._continue_pending(line):
            self._own(line)
            return True
        if self._recognised(line, recent):
            self._own(line)
            return True
        if self._in_table():
            if self._continues_name(line):
                self._own(line)
                return True
            self._watch_for_damage(line)
        else:
            if not self.event.ends:
                self._preface.overhear(line, line.text)
            self._watch_for_strays(line)
        if not self.event.ends and self._keep_source:
            self.event.source_lines.append(line.raw)
        return False

    def read_reaper(self, line: Line) -> bool:
        """Take in a line of the oom_reaper's about one of the victims."""
        if not self._ending.read_reaper(line):
            return False
        self._own(line)
        return True

    def overhear(self, line: Line) -> None:
        """Note what a line amid the report says that is not the report's own; any program may have logged it."""
        if self.event.ends:
            return
        may_be = any(map(line.text.__contains__, formats.LOST_WORDS))
        if may_be and (match := formats.LOST_RE.search(line.text)):
            self.event.losses.append((line.number, f"messages that the log lost ({match[0].strip('* ')})"))
        elif line.is_bare and self.event.tag is not None and line.text.strip() and self._in_table():
            self.event.losses.append((line.number, "a line that has lost its beginning"))

    def miss(self, line: Line, records: int) -> None:
        """Note that so many records before `line` are not in the log."""
        if not self.event.ends:
            self.event.losses.append((line.number, f"{records} record{'s' * (records > 1)} that the log skips"))

    def _own(self, line: Line) -> None:
        self.event.last_line = max(line.number, self.event.last_line)
        self.age = 0
        if self._keep_source and line.raw:
            self.event.source_lines.append(line.raw)

    def _in_table(self) -> bool:
        event = self.event
        return self._columns is not None and event.summary is None and event.chosen is None and not event.ends

    def _recognised(self, line: Line, recent: list[Line]) -> bool:
        text = line.text[self._offset :] if line.is_bare and self._offset else line.text
        if line.is_bare and not self._offset and self._columns is None:
            self._learn_prefix(text)
        event = self.event
        if line.cut_at and read_cut(event, line):
            return True
        if text[:1] == " " and formats.CALL_RE.fullmatch(text):
            return False  # only overheard
        # The table's rows are the most; then whatever may come before it.  A row that has changed places with the
        # line after the table is one all the same.
        if self._columns is not None and not event.ends and self._row(line, text):
            return True
        if "invoked oom-killer" in text:
            return self._invoked(line, text, recent)
        return self._heading(line, text) or self._other(line, text)

    def _heading(self, line: Line, text: str) -> bool:
        """What stands above the table's rows."""
        event = self.event
        if event.header_line is not None:
            return False
        if not event.ends and (columns := self._header(line, text)):
            self._columns, event.columns, event.header_line = columns, columns.names, line.number
            event.pid_header = columns.pid_header
            self._take_strays(line)
            return True
        return text == formats.TASKS_STATE

    def _other(self, line: Line, text: str) -> bool:
        """What ends the report, or stands before its table."""
        if self._strays and any(word in text for word in _ENDINGS):
            self._take_headless_rows()
        if self._ending.read(line, text):
            if self._ending.unfinished is not None:
                self._wait_for_rest(line, self._ending.unfinished)
            return True
        event = self.event
        return not event.rows and not event.ends and self._read_preface(line, text) is not None

    def _learn_prefix(self, text: str) -> None:
        """How wide an unknown prefix is, by lines that hold one word of the kernel's."""
        for word in ("Mem-Info:", "Call Trace:"):
            if text.endswith(word) and len(text) > len(word):
                self._offset = len(text) - len(word)

    def _header(self, line: Line, text: str) -> Columns | None:
        return Columns.of_header(text, whole=not line.is_bare)

    def _invoked(self, line: Line, text: str, recent: list[Line]) -> bool:
        event = self.event
        if event.invoked is not None or event.rows or event.ends or event.summary:
            return False
        event.invoked = parse_invoked(line.number, text)
        if event.invoked is None:
            return False
        self._before = []
        later = line
        for other in reversed(recent):
            if (other.tag, other.caller) != (line.tag, line.caller):
                continue
            joined = later.continues or (other.stamp == line.stamp and PRINTK_STAMP.fullmatch(line.stamp))
            if not joined or len(name_bytes(other.text)) >= TASK_COMM_LEN - 1:
                break
            self._before.insert(0, other)
            later = other
        return True

    def _read_preface(self, line: Line, text: str) -> str | None:
        """What stands between the first line and the table: which part of it `line` is."""
        begins = formats.CURRENT_BEGINS.search(text) if line.is_bare else formats.CURRENT_BEGINS.match(text)
        if self._is_anothers(text):
            self._lose(line, "a line of another report, as two are mixed")
            # Another task's stack dump, or the Mem-Info of a failed allocation, may stand within a report.
            if self.follows_first_line or text.startswith("memory: "):
                self.event.mixed_line = self.event.mixed_line or line.number
            return None
        if self.event.current is None and begins is not None:
            if not self._current(line, text[begins.start() :]):
                self._wait_for_rest(line, text[begins.start() :])
            return "stack dump"
        return self._preface.read(line, text)

    def _is_anothers(self, text: str) -> bool:
        """Whether `text` cannot be of this report, as it has such a line, or names another task."""
        event = self.event
        if text == "Mem-Info:":
            return event.meminfo.line is not None
        if text.startswith("memory: usage "):
            return event.memcg.usage is not None
        return event.invoked is not None and names_another(text, event.invoked.comm)

    def _current(self, line: Line, text: str) -> bool:
        self.event.current = parse_current(line.number, text)
        if (invoked := self.event.invoked) is not None:  # whose prefix nobody could know before
            self.event.invoked = invoked._replace(comm=invoked.comm[prefix_of_name(text, invoked.comm) :])
        return self.event.current is not None

    # -- the table ---------------------------------------------------------------------------------------------

    def _row(self, line: Line, text: str) -> bool:
        assert self._columns is not None
        row = self._columns.row(line.number, text, whole=not line.is_bare)
        if row is None:
            return False
        event = self.event
        ids = {row.pid, row.numbers.get("tgid") or row.pid}
        # The name follows a blank, and so does an empty one: without it the last number may be cut, too.
        if not is_possible(row, self._cpus) or (not row.name and text[-1:] != " "):
            event.damaged.append(line.number)
            return True
        if ids & self._pids:
            event.doubled.append(line.number)
            return True
        last = self._last_row
        if last is not None and is_earlier(line.stamp, last.stamp):
            event.losses.append((line.number, "rows that are out of order in time"))
        self._pids |= ids
        event.rows.append(row)
        self._last_row = line
        return True

    def _continues_name(self, line: Line) -> bool:
        """Whether `line` is the rest of a name that has a newline in it."""
        rows, last = self.event.rows, self._last_row
        if not rows or last is None:
            return False
        if not line.continues and not (line.stamp == last.stamp and PRINTK_STAMP.fullmatch(line.stamp)):
            return False
        name = f"{rows[-1].name}\n{line.text}"
        if len(name_bytes(name)) >= TASK_COMM_LEN:
            return False
        rows[-1] = rows[-1]._replace(name=name)
        return True

    def _watch_for_damage(self, line: Line) -> None:
        """Note a line that was a row once."""
        if is_torn(line.text, is_bare=line.is_bare):
            self.event.damaged.append(line.number)

    def _watch_for_strays(self, line: Line) -> None:
        """Note a row before the table or after the report."""
        event = self.event
        if _ROW.search(line.text) is None:
            return
        if self._columns is None:
            self._strays.append(line)
        elif event.ends and event.rows:
            self._lose(line, "a row after the report's end")

    def _take_strays(self, header: Line) -> None:
        """Take in the row that has changed places with the header; where one from further away belongs nobody knows."""
        for line in self._strays:
            if line.number != header.number - 1 or not self._row(line, line.text):
                self._lose(line, "a row before the table's header")

    def _lose(self, line: Line, what: str) -> None:
        if what not in (known for _, known in self.event.losses):
            self.event.losses.append((line.number, what))

    # -- names with newlines in them ---------------------------------------------------------------------------

    def _wait_for_rest(self, line: Line, text: str) -> None:
        line = line._replace(text=text)
        self._pending, self._joined = line, 0

    def _continue_pending(self, line: Line) -> bool:
        """Add `line` to the one that ended inside a name; whether it belongs there."""
        pending = self._pending
        assert pending is not None
        joined = pending._replace(text=f"{pending.text}\n{line.text}")
        self._joined += 1
        text = joined.text
        if text.startswith(formats.OOM_KILL_BEGINS):
            done = self._ending.summary(pending.number, text)
        elif formats.CURRENT_BEGINS.match(text):
            done = self._current(pending, text)
        else:
            done = has_newline_in_name(text) and self._ending.kill(pending.number, text)
        if done or self._joined > TASK_COMM_LEN or len(line.text) >= TASK_COMM_LEN:
            self._pending = None
            return done
        self._pending = joined
        return line.continues or line.stamp == pending.stamp

    def finish(self) -> OomEvent:
        """The report as it is, with the allocating task's name made whole."""
        self._take_headless_rows()
        event = self.event
        if event.mixed_line is not None:
            event.forget_surroundings()
            if event.mixed_tables:
                event.damaged, event.rows = sorted([*event.damaged, *(row.line for row in event.rows)]), []
        invoked = event.invoked
        if sum(bool(_CELL.match(row.name)) for row in event.rows) * 2 > len(event.rows):
            # Names that begin with a number are cells: the header has lost a column.
            event.damaged = sorted([*event.damaged, *(row.line for row in event.rows)])
            event.rows = []
        if invoked is not None:
            event.invoked = invoked._replace(comm=whole_name(event, invoked.comm, self._before, self._keep_source))
        return event
