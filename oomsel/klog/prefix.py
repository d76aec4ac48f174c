"""What loggers put before the kernel's text on the same line: stamps, dates, hosts, tags, levels, quotes."""

from __future__ import annotations

import re
from typing import NamedTuple

from oomsel.klog.patterns import Pattern
from oomsel.klog.records import date_of
from oomsel.klog.unknown_prefix import PrefixShapes, time_within


class Line(NamedTuple):
    """One line of the kernel's text."""

    number: int  #: 1-based, in the source
    text: str  #: without prefix; bytes that are no UTF-8 as surrogateescape holds them
    stamp: str = ""  #: the time as printed nearest to the text
    caller: str = ""  #: PRINTK_CALLER's T123 or C4
    tag: str | None = None  #: who logged it, as syslog says; None where nobody does
    continues: bool = False  #: for certain part of the record before it
    sequence: int | None = None  #: /dev/kmsg's number
    raw: bytes = b""  #: as it stands in the source
    is_bare: bool = False  #: nothing was taken off
    host: str | None = None  #: the machine, as the logger names it
    date: str = ""  #: a date as printed, where there is one beside seconds since boot
    cut_at: int = 0  #: characters after which the line was cut off; 0 for a whole one
    is_sure: bool = False  #: the form tells that the kernel itself logged the line


#: The tag of a line that bears the kernel's, or none, and that another program logged by what the form tells.
FORGED = "not kernel"


def tag_by(by_kernel: bool | None, tag: str | None) -> str | None:
    """The tag of a line that the kernel logged, or did not, or nobody knows, as the form tells."""
    return FORGED if by_kernel is False and tag in (None, "kernel") else tag


_SGR = Pattern("\x1b\\[[0-9;]*[mK]")
_QUOTE = Pattern(r"\ufeff?(?:[>|] ?)*(?:- (?=[\[<\"']))?")
_PRIORITY = Pattern(r"<([0-9]{1,3})>(?:1 (?=[0-9]{4}-))?")
_LEVEL = Pattern(r"([a-z][a-z0-9]{2,7}) *:[a-z]{3,7} *: ?(?=\S)")
#: printk's own, and what dmesg, journalctl and phones make of it: seconds, a difference, a date in any language.
_SECONDS = Pattern(r"\[[ \t]*([0-9]{1,15}\.[0-9]{1,9})(?: +<[ +0-9.]*>|[,/ ][^\]\[]{1,40})?\] ?")
#: The stamp alone, and after it what nothing but the text begins with.
_DMESG = Pattern(r"\[ *([0-9]{1,15}\.[0-9]{6})\] (?=[A-Zabd-jl-z0-9]| [A-Za-z_?</])(?!\S+ \S+:)")
_DELTA = Pattern(r"\[(?:< *[0-9]+\.[0-9]+>| *\+[0-9]+\.[0-9]+)\] ?")
_DATE = Pattern(r"\[([^][]{0,48}[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?[^][]{0,40})\](?:: | ?)")
_CALLER = Pattern(r"\[ *([TC][0-9]{1,10})\] ?")
#: Between the stamp and the text, CPU and pid as phones' kernels print them:
#: `c3   4101 `, `[3:  worker: 4101] `, `(3)[4101:worker]`.
_PHONE = Pattern(
    r"c[0-9]{1,4} +([0-9]{1,10}) |(?:<[0-9]>\.?)?\([0-9]{1,4}\)\[([0-9]{1,10}):[^\]]{0,31}\] ?"
    r"|(?:<[0-9]>\.?)? ?\[ *[0-9]{1,4}: *[^\]\[]{1,31}: *([0-9]{1,10})\] ?"
)
_ISO = Pattern(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T _][0-9]{2}:[0-9]{2}:[0-9]{2}(?:([.,])[0-9]+)?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)"
    r"(?:[ \t]|$)"
)
#: A container's line as CRI's loggers keep it; P for one that goes on.
_CRI = Pattern(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\S*) std(?:out|err) [FP] ")
_SYSLOG = Pattern(r"([^\W\d]\w{0,9}\.? +[0-9]{1,2} (?:[0-9]{4} )?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)[ \t]")
_FULL = Pattern(r"(\w{2,4} [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) [A-Z0-9+:-]{1,8} ")
_UNIX = Pattern(r"([0-9]{9,11}\.[0-9]{3,9}) ")
#: A name or an address; busybox puts the facility and level before the tag.
_HOST = r"([^\s:]+|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}[0-9.]*(?:%\w+)?)"
_HOST_AND_TAG = Pattern(
    _HOST + r"[ \t](?:(?P<facility>[a-z][a-z0-9]{2,7})\.[a-z]{3,7} )?(?P<tag>[^\s:\[\]]+)(?:\[[^\]]*\])?:(?:[ \t]|$)"
)
_MONOTONIC_HOST = Pattern(r"([^\s:]+) (kernel)(?:\[[^\]]*\])?:(?: |$)")
_TAG = Pattern(r"(kernel)(?:\[[^\]]*\])?:(?: |$)")
#: Words of the kernel's own that stand before a colon.
_NO_TAGS = frozenset(
    ("oom-killer", "CPU", "memory", "memory+swap", "swap", "kmem", "Mem-Info", "oom_reaper", "RIP", "RSP", "RAX", "RDX",
     "RBP", "R10", "R13", "Code", "FS", "CS", "CR2", "Trace", "lowmem_reserve", "DMA", "DMA32", "Normal", "Movable")
)  # fmt: skip
#: RFC 5424 without its time: host, application, process, message, structured data.
_RFC5424 = Pattern(
    r"(\S+) (?P<tag>\S+) \S+ \S+ (?P<facility>)"
    r"(?:-|(?:\[[^\]\s\"=]+(?: [^\]\s\"=]+=\"(?:[^\"\\]|\\.)*\")*\])+) ?(?:\ufeff)?"
)
#: Whole prefixes that name no host: OpenWrt's logread, Android's logcat in two forms.
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_MONTH_AND_DAY = r"((?:[0-9]{4}-)?[0-9]{2}-[0-9]{2} " + _TIME + r"\.[0-9]{3,9}"
_HOSTLESS = (
    Pattern(
        r"(\w{3} \w{3} [ 0-9][0-9] " + _TIME + r" [0-9]{4}) "
        r"(?P<facility>[a-z0-9]{3,8})\.[a-z]{3,7} (?P<tag>[^\s:\[]+)(?:\[[0-9]+\])?: "
    ),
    Pattern(_MONTH_AND_DAY + r"(?: [+-][0-9]{4})?) +(?:[a-z_0-9]+ +)?[0-9]+ +[0-9]+ [VDIWEFS] (?P<tag>[^\s:]*) *: ?"),
    Pattern(_MONTH_AND_DAY + r") [VDIWEFS]/(?P<tag>[^\s:(]+) *\( *[0-9]+\): ?"),
)
#: multilog's and s6-log's time: seconds of TAI since 1970, with 2 ** 62, and nanoseconds, in hexadecimal digits.
_TAI64N = Pattern(r"@([0-9a-f]{16})([0-9a-f]{8}) ")
_TAI_BEGINS, _TAI_BEFORE_UTC = 1 << 62, 37
#: klog's and glog's: severity, month and day, time, thread, line of the source.
_GLOG = Pattern(r"[IWEF]([01][0-9])([0-3][0-9]) (" + _TIME + r"\.[0-9]{6}) +[0-9]+ [^\s\]]{1,80}:[0-9]+\] ")
#: A time alone on its line, and the text below it, as logcat's `-v long` has them.
_HEADING = Pattern(r"\[ (?:[0-9]{4}-)?([0-9]{2}-[0-9]{2} " + _TIME + r"\.[0-9]{3,9})[^\]]* [VDIWEFS]/([^\]\s]*) *\]\s*")
#: A host, as pdsh puts it before a line.
_HOST_ALONE = Pattern(r"([A-Za-z][\w.-]{0,62}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}): ")
_NO_HOSTS = frozenset(
    ("kernel", "kern", "emerg", "alert", "crit", "err", "error", "warn", "warning", "notice", "info", "debug")
)
#: `talosctl dmesg`: node, facility, level, time.
_TALOS = Pattern(r"(?:([^\s:]+): )?([a-z0-9]{3,8}): +[a-z]{3,7}: \[([0-9]{4}-[0-9]{2}-[0-9]{2}T[^\]\s]+)\]: ?")
#: Labels in braces, as logcli prints them.
_LABELS = Pattern(r"\{[^{}\n]*\}[ \t]")
_LABEL_HOST = Pattern(r"[{ ,](?:host|hostname|node|nodename|node_name|instance)=\"([^\"]*)\"")
#: What may follow the file and line that grep prints, and what may be indented.
_STAMPED = (
    r"(?:<[0-9]{1,3}>)?(?:\[ *[0-9]+\.[0-9]+|\[\w{3} \w{3} +[0-9]|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:"
    r"|[A-Z][a-z]{2} +[0-9]{1,2} [0-9]{2}:[0-9]{2}:|[A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]{1,2} [0-9]{2}:)"
)
_GREP = Pattern(
    r"(?!kernel:)(?:[^\s:\[\]{}\"]{1,255}[:-][0-9]{1,9}[:-]|[0-9]{1,9}[:-]|(?=[^\s:\[\]{}\"./]*[./])[^\s:\[\]{}\"]*+:)(?="
    + _STAMPED
    + ")"
)
_INDENT = Pattern(r"[ \t]+(?=" + _STAMPED + ")")
_PLAIN_STAMP = Pattern(r"\[ *[0-9]{1,15}\.[0-9]{6}(?:[,/ ][^\]\[]{1,40})?\] ?")
_OCTAL = Pattern("#(0[0-3][0-7]|177)")
#: So far into a line a stamp is looked for behind a prefix that nobody knows.
_FAR = 400


def unescape_octal(text: str) -> str:
    """What rsyslog writes as #012 (its number in octal) as the character that it is."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


class _Cursor:
    """A line being read from its left, and what was found so far."""

    __slots__ = ("at", "by_kernel", "caller", "date", "host", "seconds", "stamp", "tag", "text")

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at
        self.stamp = self.caller = self.date = ""
        self.seconds = False  #: a printk stamp was found
        self.host: str | None = None
        self.tag: str | None = None
        self.by_kernel: bool | None = None  #: None where no facility is stated

    def take(self, pattern: Pattern[str]) -> re.Match[str] | None:
        """Go past `pattern` where the line goes on with it."""
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def dated(self, stamp: str) -> None:
        self.stamp = self.stamp or stamp
        self.date = self.date or stamp


class PrefixReader:
    """Takes prefixes off line by line; it knows what went before, for lines that only continue."""

    def __init__(self) -> None:
        #: Of the last prefix, by which dmesg and journalctl indent what continues; empty before the first line.
        self.widths: tuple[int, ...] = ()
        self.stamp = ""  #: of the last line
        self._last = Line(0, "")
        self._shapes = PrefixShapes()
        self._heading: tuple[str, str | None] | None = None  #: time and tag of the lines below one

    def read(self, number: int, text: str, raw: bytes) -> Line:
        """The line without its prefix."""
        if self._heading is None and (match := _DMESG.match(text)) is not None:
            return self._dmesg(number, text, raw, match)
        if text[:2] == "[ " and (heading := _HEADING.fullmatch(text)):
            self._heading = heading[1], heading[2] or None
            return Line(number, "", raw=raw, is_bare=True)
        if not text:
            self._heading = None
        cursor = _Cursor(text, _QUOTE.match(text).end())  # type: ignore[union-attr]  # it matches nothing, too
        outer = cri[1] if (cri := cursor.take(_CRI)) else ""
        if (line := self._indented(number, cursor, raw)) is not None:
            return line
        start = cursor.at
        cursor.take(_INDENT)
        cursor.take(_GREP)
        self._known(cursor)
        self._after(cursor)
        if not cursor.seconds and cursor.tag is None:
            self._unknown(cursor)
        if cursor.by_kernel is False:
            cursor.tag = tag_by(cursor.by_kernel, cursor.tag)
        rest = text[cursor.at :]
        if rest.startswith("\x1b[0;1;"):  # journalctl sets what is grave in bold
            rest = _SGR.sub("", rest)
        width = len(text[start : cursor.at].encode("utf-8", "surrogateescape"))
        self.widths = tuple({width: 0, cursor.at - start: 0})
        self.stamp = cursor.stamp or outer
        is_bare = cursor.at == start
        self._last = Line(
            number, rest, self.stamp, cursor.caller, cursor.tag, raw=raw, is_bare=is_bare, host=cursor.host,
            date=cursor.date or outer, is_sure=bool(cursor.by_kernel),
        )  # fmt: skip
        if is_bare and self._heading is not None:
            time, tag = self._heading
            return self._last._replace(stamp=time, date=time, tag=tag, is_bare=False)
        if is_bare and not self.stamp:
            time = time_within(text)
            return self._last._replace(stamp=time, date=time)
        return self._last

    def _dmesg(self, number: int, text: str, raw: bytes, match: re.Match[str]) -> Line:
        """The same for the form that most lines have, without asking for any other."""
        self.widths, self.stamp = (match.end(),), match[1]
        self._last = Line(number, text[match.end() :], match[1], raw=raw)
        return self._last

    def _indented(self, number: int, cursor: _Cursor, raw: bytes) -> Line | None:
        """dmesg's own continuation: indented by as much as the prefix before it was wide, or long."""
        text, at = cursor.text, cursor.at
        if text[at : at + 1] != " " or not self.widths[:1] > (0,):
            return None
        width = next((width for width in self.widths if text[at : at + width].isspace()), 0)
        if not width or _INDENT.match(text, at):
            return None
        return self._last._replace(number=number, text=text[at + width :], continues=True, raw=raw)

    def _known(self, cursor: _Cursor) -> None:
        """The prefixes of known loggers, one after the other."""
        if match := cursor.take(_PRIORITY):
            cursor.by_kernel = int(match[1]) < 8
        if match := cursor.take(_TALOS):
            cursor.host, cursor.tag, cursor.by_kernel = match[1], "kernel", match[2] == "kern"
            cursor.dated(match[3])
            return
        if match := cursor.take(_LEVEL):
            cursor.by_kernel = match[1] == "kern"
        start = cursor.at
        for _ in range(5):
            char = cursor.text[cursor.at : cursor.at + 1]
            if char == "[":
                found = self._bracket(cursor, is_first=cursor.at == start)
            elif not char or (cursor.stamp and cursor.tag in (None, "kernel")):
                found = False
            else:
                found = self._dated(cursor)
            if not found:
                break
            cursor.take(_INDENT)
        if cursor.tag is None and (match := cursor.take(_TAG)):
            cursor.tag = match[1]
            if match := cursor.take(_SECONDS):
                cursor.stamp, cursor.seconds = match[1], True

    def _bracket(self, cursor: _Cursor, *, is_first: bool) -> bool:
        if match := cursor.take(_SECONDS):
            cursor.stamp, cursor.seconds = cursor.stamp or match[1], True
        elif match := cursor.take(_DATE):
            cursor.dated(match[1])
        elif cursor.take(_DELTA):
            return True
        elif (cursor.stamp or is_first) and (match := cursor.take(_CALLER)):
            cursor.caller = match[1]
            return True
        else:
            return False
        if host := cursor.take(_MONOTONIC_HOST):
            cursor.host, cursor.tag = host[1], host[2]
        return True

    def _dated(self, cursor: _Cursor) -> bool:
        """A date of syslog's kind, and who logged what follows."""
        if self._hostless(cursor) or self._coded(cursor):
            return True
        match = cursor.take(_ISO)
        if match and match[2] == ",":  # dmesg's, which names no host
            cursor.dated(match[1])
            return True
        is_iso = match is not None
        match = match or cursor.take(_SYSLOG) or cursor.take(_FULL) or cursor.take(_UNIX)
        if match is None:
            return False
        cursor.dated(match[1])
        if labels := cursor.take(_LABELS):
            host = _LABEL_HOST.search(labels[0])
            cursor.host = host[1] if host else None
            return True
        who = _HOST_AND_TAG.match(cursor.text, cursor.at)
        if who is None or who["tag"] in _NO_TAGS:
            who = _RFC5424.match(cursor.text, cursor.at) if is_iso else None
        if who is None:
            return cursor.text[cursor.at : cursor.at + 1] == "["
        cursor.at = who.end()
        cursor.host, cursor.tag = cursor.host or who[1], cursor.tag or who["tag"]
        if facility := who["facility"]:
            cursor.by_kernel = facility == "kern"
        return True

    def _hostless(self, cursor: _Cursor) -> bool:
        """A whole prefix that names no host."""
        for pattern in _HOSTLESS:
            if match := cursor.take(pattern):
                cursor.dated(match[1])
                cursor.tag = cursor.tag or match["tag"]
                if facility := match.groupdict().get("facility"):
                    cursor.by_kernel = facility == "kern"
                return True
        return False

    def _coded(self, cursor: _Cursor) -> bool:
        """A time in a form that is for programs."""
        if match := cursor.take(_TAI64N):
            cursor.dated(date_of(f"{int(match[1], 16) - _TAI_BEGINS - _TAI_BEFORE_UTC}.{int(match[2], 16):09d}"))
        elif match := cursor.take(_GLOG):
            cursor.dated(f"{match[1]}-{match[2]} {match[3]}")
        return match is not None

    def _after(self, cursor: _Cursor) -> None:
        """What phones' kernels, and crash's `log -m`, put between the stamp and the text."""
        if cursor.seconds and cursor.text[cursor.at : cursor.at + 1] in "c([< " and (match := cursor.take(_PHONE)):
            cursor.caller = cursor.caller or f"T{match[match.lastindex or 0]}"
        elif cursor.seconds and cursor.text[cursor.at : cursor.at + 1] == "<":
            cursor.take(_PRIORITY)

    def _unknown(self, cursor: _Cursor) -> None:
        """A prefix that nobody knows: up to the kernel's own stamp, or as wide as one before a certain line."""
        text, at = cursor.text, cursor.at
        stamp = _PLAIN_STAMP.search(text, at, at + _FAR) if "[" in text else None
        end = stamp.start() if stamp else self._shapes.end_of(text, at)
        if end <= at:
            return
        if not cursor.stamp and (time := time_within(text[at:end])):
            cursor.dated(time)
        if (host := _HOST_ALONE.fullmatch(text, at, end)) and host[1] not in _NO_HOSTS:
            cursor.host = host[1]
        cursor.at = end
        if stamp and (match := cursor.take(_SECONDS)):
            cursor.stamp, cursor.seconds = cursor.stamp or match[1], True
            self._after(cursor)
