"""What kind of input something is, told by its beginning; nothing else in oomsel decides that."""

from __future__ import annotations

import re
from enum import Enum

from oomsel.errors import InputError, Problem
from oomsel.files import lines_of
from oomsel.inputs.source import HEAD, Peekable
from oomsel.text import nearest


class Kind(Enum):
    """What an input is; the value is what messages call it."""

    SCENARIO = "a scenario"
    BUNDLE = "a bundle"
    ZIP = "a zip file that is no bundle"
    LOG = "a kernel log"
    KERNEL_TEXT = "a report that oomsel printed"  #: as far as the beginning shows; a kernel log of one report, too
    WORKLOAD = "a workload"
    STUDY = "a study"
    TRACE = "a trace of kmem:rss_stat"
    EMPTY = "empty"
    NO_TEXT = "no text"
    OTHER = "text of another kind"


#: What a zip file, and so a bundle, begins with; the second is one without members.
_ZIP, _EMPTY_ZIP = b"PK\x03\x04", b"PK\x05\x06"
#: A bundle's first member, whose name stands within so many bytes.
_BUNDLE_MEMBER, _BUNDLE_HEAD = b"scenario.npy", 100
#: Programs and core dumps, pictures, documents, databases, journald's own files.
_MAGIC = (b"\x7fELF", b"MZ\x90\0", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF-", b"SQLite format 3\0", b"LPKSHHRH")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
#: Bytes that text does not have; a machine that lost power leaves runs of NUL in its logs.
_NOT_TEXT = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c\x1d\x1f\x7f]")
_NUL_RUN = re.compile(rb"\0{16,}")

#: The key that says what a document is.
_VERSION_KEYS = {"oomsel": Kind.SCENARIO, "oomsel_workload": Kind.WORKLOAD, "oomsel_study": Kind.STUDY}
#: Keys of a scenario that hardly any other text has at its top.  Some logs begin with a title or `kernel:`.
_SCENARIO_KEYS = frozenset(("machine", "memcgs", "oom", "sysctl", "tasks", "more", "updates", "expect"))
#: What YAML may have before the first key: comments, blank lines, directives, the mark of a document's start.
_BEFORE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t]*+(?:#[^\n]*+)?(?:\r?\n|\Z)|%[^\n]*+(?:\n|\Z)"
    rb"|---(?=[ \t\r\n]|\Z)(?:[ \t]++[&!][^ \t\r\n]*+)*+[ \t]*+)*+"
)
#: A file with more comments than this at its beginning is told by the comments.
_MOST_COMMENTS = 1 << 24
_KEY = rb"""(?P<quote>["']?)(?P<key>[A-Za-z_]\w*)(?P=quote)[ \t]*:(?=[ \t\r\n]|\Z)"""
_FIRST_KEY = re.compile(rb"(?P<indent>[ \t]*)" + _KEY)
#: In braces: what opens, what closes, and texts, which are keys where a colon follows.
_FLOW = re.compile(rb"""[{[]|[]}]|(?<!\w)(?:"((?:[^"\\]|\\.)*+)"|'([^'\n]*+)'|([A-Za-z_]\w*+))(\s*:)?""")

#: A line as some logger begins it.
_STAMPED = (
    rb"(?:> ?)*(?:\x1b\[[0-9;]*m)?(?:<[0-9]{1,3}>|[a-z]{4,8} *:[a-z]{3,7} *: |)"
    rb"(?:\[ *[0-9]+\.[0-9]{6}[ \]]|[0-9]{1,4},[0-9]+,[0-9]+,[^;]{1,80};|\[[^][\n]{1,40}:[0-9]{2}[^][\n]{0,30}\] "
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}|[^\W\d]\w{2,9} +[0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2} "
    rb"|__CURSOR=|__REALTIME_TIMESTAMP=|_TRANSPORT=)"
)
#: What stands in kernel logs and nowhere else: printk's time, and lines and rows of a report.
_LOG_TEXT = (
    rb"\[ *[0-9]+\.[0-9]{6}\]| invoked oom-killer: |oom-kill:constraint=|Kill(?:ed)? process [0-9]|\] Linux version "
    rb"|Mem-[Ii]nfo:|Tasks state \(|\[ *pid *\] +uid +tgid +total_vm|\[ *[0-9]+\](?: +[0-9]+){4}|oom_reaper: reaped "
    rb"|PID: [0-9]+ Comm: |\bmemory: usage [0-9]+kB|active_anon:[0-9]|[0-9]+ pages RAM\b|Free swap +="
)
#: Where the text does not begin with a key, this too.
_OOM_WORDS = rb"(?i)\boom\b|oom[-_]kill|oom[-_]reaper|out of memory"
#: What a line of a trace has, as ftrace, perf script and trace-cmd report print it.
_TRACE = re.compile(rb"\brss_stat: +mm_id=[0-9]+ curr=")
_LOG_JSON = rb'"(?:MESSAGE|dmesg|msg|__CURSOR|_TRANSPORT|log)"\s*:'


def identify(stream: Peekable) -> Kind:
    """The kind of an input, by its first 64 KiB, or more if it begins with comments; the stream is left as it was."""
    size = HEAD
    while True:
        head = stream.peek(size)
        begins = _BEFORE.match(head)
        assert begins is not None  # it matches nothing, too
        if len(head) - begins.end() > 100 or len(head) < size or size >= _MOST_COMMENTS:
            break
        size *= 2
    kind = _not_text(head) or _text_kind(head, begins.end(), is_whole=len(head) < size)
    return _utf_16_kind(head) if kind is Kind.OTHER else kind


def _utf_16_kind(head: bytes) -> Kind:
    """A log, if `head` is one in UTF-16, which nothing else may be."""
    from oomsel.klog.utf16 import utf8_of

    text = utf8_of(head)
    return Kind.LOG if text is not head and _holds_log(text, begins_with_key=False) else Kind.OTHER


def _not_text(head: bytes) -> Kind | None:
    """The kind of an input that is empty, a zip file or certainly no text; None for any other."""
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        return Kind.EMPTY
    if _ZIP.startswith(head[: len(_ZIP)]) or head.startswith(_EMPTY_ZIP):  # or a bundle that is cut off
        return Kind.BUNDLE if _BUNDLE_MEMBER in head[:_BUNDLE_HEAD] else Kind.ZIP
    return Kind.NO_TEXT if head.startswith(_MAGIC) else None


def _text_kind(head: bytes, begins: int, *, is_whole: bool) -> Kind:
    """The kind of an input that is not certainly no text; what stands before `begins` are comments."""
    first = _FIRST_KEY.match(head, begins)
    in_braces = head[begins:].lstrip(b" \t\r\n").startswith(b"{")
    if in_braces:
        keys = _keys_in_braces(head, begins)
    elif first is None and re.match(_STAMPED, head[begins:]):
        keys = frozenset[str]()  # a log may quote a scenario further down
    else:
        keys = _keys_on_lines(head, b"" if first is None else first["indent"])
    document = _document_kind(keys, is_whole=is_whole)
    if document is not None:
        return document
    if re.search(_TRACE, head) and not re.search(_LOG_TEXT, head):
        return Kind.TRACE
    if not _holds_log(head, begins_with_key=first is not None or in_braces):
        controls = len(_NOT_TEXT.findall(_NUL_RUN.sub(b"", head)))
        return Kind.NO_TEXT if controls * 20 > len(head) > 64 and not head.startswith(_UTF_16) else Kind.OTHER
    from oomsel.klog.event_text import is_event_text

    return Kind.KERNEL_TEXT if is_event_text(_lines(head)) else Kind.LOG


def _document_kind(keys: frozenset[str], *, is_whole: bool) -> Kind | None:
    """What a document with these keys at its top is; None if it may be anything."""
    for key, kind in _VERSION_KEYS.items():
        if key in keys:
            return kind
    found = keys & _SCENARIO_KEYS
    # The beginning of a long one may show only its tasks.
    if found & {"machine", "tasks"} and (len(found) > 1 or not is_whole):
        return Kind.SCENARIO
    return _misspelt(keys) or (Kind.OTHER if found else None)


def _misspelt(keys: frozenset[str]) -> Kind | None:
    """What a document is whose version key is spelt nearly right: `oomesl: 1` or `Oomsel: 1`."""
    meant = (nearest(key.lower(), _VERSION_KEYS, cutoff=0.8) for key in sorted(keys))
    return next((_VERSION_KEYS[key] for key in meant if key is not None), None)


def _keys_on_lines(head: bytes, indent: bytes) -> frozenset[str]:
    """The keys that begin a line and are indented like the first."""
    keys = re.finditer(rb"^" + indent + _KEY, head, re.MULTILINE)
    return frozenset(match["key"].decode() for match in keys)


def _keys_in_braces(head: bytes, begins: int) -> frozenset[str]:
    """The keys of the mapping in braces, JSON or YAML, up to a version key or as far as `head` shows it."""
    keys = set[str]()
    depth = 0
    for match in _FLOW.finditer(head, begins):
        mark = match[0]
        if mark in b"{[":
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if depth <= 0:
                break
        elif depth == 1 and (match[4] or not keys):  # the first one is a key, should its colon be missing
            keys.add((match[1] or match[2] or match[3] or b"").decode("utf-8", "replace"))
            if not keys.isdisjoint(_VERSION_KEYS):
                break
    return frozenset(keys)


def _holds_log(head: bytes, *, begins_with_key: bool) -> bool:
    """Whether a text that is no document of oomsel's is, or holds, a piece of a kernel log."""
    if re.search(_LOG_TEXT, head) or (begins_with_key and re.search(_LOG_JSON, head)):
        return True
    if not begins_with_key and re.search(_OOM_WORDS, head):
        return True
    lines = [line for line in head.split(b"\n")[:40] if line.strip()]
    return bool(lines) and sum(bool(re.match(_STAMPED, line)) for line in lines) * 2 > len(lines)


def printed_report(raw: bytes) -> list[str] | None:
    """The lines of an input of `Kind.KERNEL_TEXT`; None if it holds more than what oomsel prints of one report."""
    from oomsel.klog.event_text import is_event_text

    lines = _lines(raw)
    return lines if is_event_text(lines) else None


def _lines(raw: bytes) -> list[str]:
    return lines_of(raw.decode("utf-8", "surrogateescape"))


#: The kinds that can be read as one that is wanted.  The reader of that one says what is wrong with other text.
_TAKEN = {
    Kind.SCENARIO: {Kind.SCENARIO, Kind.BUNDLE, Kind.ZIP, Kind.LOG, Kind.KERNEL_TEXT, Kind.OTHER},
    Kind.LOG: {Kind.LOG, Kind.KERNEL_TEXT, Kind.EMPTY, Kind.OTHER},
    Kind.WORKLOAD: {Kind.WORKLOAD, Kind.OTHER},
    Kind.STUDY: {Kind.STUDY, Kind.OTHER},
}
_COMMANDS = {
    Kind.SCENARIO: "use oomsel select",
    Kind.BUNDLE: "use oomsel select",
    Kind.LOG: "use oomsel explain",
    Kind.KERNEL_TEXT: "use oomsel diff",
    Kind.WORKLOAD: "use oomsel simulate",
    Kind.STUDY: "use oomsel sweep",
    Kind.TRACE: "use oomsel replay",
}
_BEGINS = {
    Kind.SCENARIO: "a scenario begins with oomsel: 1",
    Kind.WORKLOAD: "a workload begins with oomsel_workload: 1",
    Kind.STUDY: "a study begins with oomsel_study: 1",
}


def identify_as(wanted: Kind, name: str, stream: Peekable) -> Kind:
    """The kind of the input called `name`; raises InputError if it cannot be read as the kind that is wanted."""
    kind = identify(stream)
    if kind in _TAKEN[wanted]:
        return kind
    if kind is Kind.EMPTY:
        raise InputError(name, [Problem(f"empty; {_BEGINS[wanted]}")])
    right = _COMMANDS.get(kind) or f"name {'a scenario or a kernel log' if wanted is Kind.SCENARIO else wanted.value}"
    raise InputError(name, [Problem(f"this is {kind.value}; {right}")])
