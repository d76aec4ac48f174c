"""Lines that were broken in two, or cut: put together again where it is certain that they belong together.

A line of the kernel's that lacks its end is made whole by the lines without a prefix after it:
by those with which it has the form that the kernel gives it, and by no others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from oomsel.klog import formats
from oomsel.klog.patterns import Pattern
from oomsel.klog.prefix import Line
from oomsel.klog.report_lines import name_bytes
from oomsel.klog.table import KNOWN_COLUMNS, Columns
from oomsel.text import TASK_COMM_LEN

#: So many lines one may have been broken into, and so many ways to put them together are tried.
_MOST_PARTS = 64
_MOST_WAYS = 32
_LONGEST = 1 << 14
#: How a pager or a terminal shows that a line goes on.
_MARK = Pattern(r"(?:\.\.\.|…|(?<![<-])>)$")
#: What other lines look like when they begin and when they are whole.
_SHAPES = (
    (r"CPU: [0-9]+ (?:UID: [0-9]+ )?PID: ", r".* #\S*(?: .*)?"),
    (r"\S.{0,15} cpuset=", r".* mems_allowed=[0-9,-]+"),
    (r"Task in /", r".* killed as a result of limit of /.*"),
    (r"(?:memory|swap|kmem|memory\+swap): usage ", r".*, failcnt [0-9]+"),
    (r"Memory cgroup stats for", r".*:|.*:.* unevictable:[0-9]+KB"),
    (r"(?:Node [0-9]+ )?[A-Z][A-Za-z0-9]* free:", r".*(?:all_unreclaimable\? (?:yes|no)|free_cma:[0-9]+kB)"),
    (r"(?:Node [0-9]+ )?[A-Z][A-Za-z0-9]*: [0-9]+\*[0-9]+kB", r".*= [0-9]+kB"),
    (r"oom_reaper: reaped process ", r".*shmem-rss:[0-9]+kB"),
    (r"oom-(?:kill:constraint=|$)", r"oom-kill:constraint=.*,pid=[0-9]+,uid=-?[0-9]+"),
    (r".*[Kk]ill process [0-9]+ \(", r".* score [0-9]+ or .*child"),
)
_FORMS = tuple((Pattern(begins), Pattern(whole, re.DOTALL)) for begins, whole in _SHAPES)
#: Any of them at once.
_BEGINS = Pattern("|".join(begins for begins, _ in _SHAPES))
_ROW = Pattern(r"\[ *[0-9]+\] +-?[0-9]+ +[0-9]+")
_HEADER = Pattern(r"\[ *pid *\] +uid\b")


class Joiner:
    """Joins what was broken; `column` is where the lines are cut or broken, None where they do not end alike."""

    def __init__(self, column: int | None = None) -> None:
        self.column = column
        self._columns: Columns | None = None  #: of the table that is being read
        self._lost_columns = False  #: the header of that table is cut
        self._held: list[Line] = []

    @property
    def is_holding(self) -> bool:
        """Whether a line has been taken that has not been given."""
        return bool(self._held)

    def lines(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The lines, those that were broken made whole."""
        held = self._held
        whole: Callable[[str], bool] | None = None
        ways: list[str] = []
        best: tuple[str, int] | None = None  #: the longest way that is whole, and how many lines it takes
        for line in lines:
            if held and whole is not None:
                if self._may_follow(held, line, is_whole=best is not None and best[1] == len(held)):
                    held.append(line)
                    ways = self._ways(ways, held)
                    found = next((way for way in ways if whole(way)), None)
                    best = (found, len(held)) if found is not None else best
                    continue
                released = list(self._released(held, best))
                held.clear()
                yield from released
                best = None
            whole = self._form_of(line)
            if whole is None:
                yield line
                continue
            held.append(line)
            ways = [line.text]
            best = (line.text, 1) if whole(line.text) else None
        released = list(self._released(held, best))
        held.clear()
        yield from released

    def _form_of(self, line: Line) -> Callable[[str], bool] | None:
        """What tells whether a line is whole; None for one that is not looked at."""
        text = line.text
        if not text:
            return None if line.is_bare or not line.stamp else lambda way: bool(way) and self._is_whole(way)
        if self._kind(text) is None:
            return None
        return self._is_whole

    def _kind(self, text: str) -> str | None:
        if text[0] == "[":
            return "header" if _HEADER.match(text) else "row" if _ROW.match(text) else None
        if " invoked oom-killer" in text[:90]:
            return "invoked"
        if formats.KILLED_BEGINS.match(text):
            return "killed"
        return "other" if _BEGINS.match(text) else None

    def _is_whole(self, text: str) -> bool:
        kind = self._kind(text)
        if kind in ("header", "row"):
            return self._is_whole_header(text) if kind == "header" else self._is_whole_row(text)
        if kind == "invoked":
            match = formats.INVOKED_RE.fullmatch(text)
            return match is not None and (match[5] or match[6]) is not None
        if kind == "killed":
            return formats.KILLED_RE.fullmatch(text) is not None
        form = next((form for form in _FORMS if form[0].match(text)), None)
        return form is not None and form[1].fullmatch(text) is not None

    def _is_whole_header(self, text: str) -> bool:
        columns = Columns.of_header(text, whole=True)
        if columns is None or not KNOWN_COLUMNS.issuperset(columns.names):
            return False
        self._columns, self._lost_columns = columns, False
        return True

    def _is_whole_row(self, text: str) -> bool:
        row = self._columns.row(0, text, whole=True) if self._columns else None
        if row is None:
            return self._columns is None and not self._lost_columns
        return len(name_bytes(row.name)) < TASK_COMM_LEN and (row.name != "" or text.endswith(" "))

    def _has_name(self, text: str) -> bool:
        """Whether a row goes on to its name: what is wrong with it is something else."""
        row = self._columns.row(0, text, whole=True) if self._columns and text[:1] == "[" else None
        return row is not None and row.name != ""

    def _may_follow(self, held: list[Line], line: Line, *, is_whole: bool) -> bool:
        """Whether `line` may be more of what is held."""
        last = held[-1]
        if len(held) >= _MOST_PARTS or not line.text or sum(len(part.text) for part in held) > _LONGEST:
            return False
        if line.continues:  # a newline in a name, unless cells are missing
            return not is_whole and _ROW.match(held[0].text) is not None
        if not line.is_bare or self._kind(line.text) is not None:
            return not held[0].text and line.is_bare
        if not is_whole:
            return True
        if formats.KILLED_BEGINS.match(held[0].text) and re.match(
            r"(?:total-vm|[a-z]+-rss|UID|pgtables|oom_)", line.text
        ):
            return True
        return self.column is not None and _width(last) == self.column and not held[0].is_bare

    def _ways(self, ways: list[str], held: list[Line]) -> list[str]:
        """How what is held may be put together: without and with a blank where it was broken."""
        before, line = held[-2], held[-1]
        text = line.text
        if not before.text:
            return [way + text for way in ways]
        if before.text[-1] == "-" and text[0] != " ":  # broken at a hyphen
            glue = ["", " "]
        elif text[0] == " " or before.text[-1] == " " or line.continues:
            glue = ["" if text[0] == " " or before.text[-1] == " " else " "]
        else:
            glue = ["", " "] if self.column is not None and _width(before) == self.column else [" ", ""]
        return [way + blank + text for blank in glue for way in ways][:_MOST_WAYS]

    def _released(self, held: list[Line], best: tuple[str, int] | None) -> Iterator[Line]:
        if not held:
            return
        taken = 1
        if best is None:
            first = held[0]
            mark = _MARK.search(first.text)
            if (mark or (self.column is not None and _width(first) == self.column)) and not self._has_name(first.text):
                if self._kind(first.text or " ") == "header":
                    self._columns, self._lost_columns = None, True
                yield first._replace(text=first.text[: mark.start()] if mark else first.text, cut_at=_width(first))
            else:
                yield first
        elif best[1] == 1:
            yield held[0]
        else:
            taken = best[1]
            raw = b"\n".join(part.raw for part in held[:taken])
            yield held[0]._replace(text=best[0], raw=raw)
        yield from held[taken:]


def _width(line: Line) -> int:
    return len(line.raw)
