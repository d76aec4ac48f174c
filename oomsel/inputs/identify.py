"""Whether an input is a kernel log, told by what it holds."""

from __future__ import annotations

import re

from oomsel.inputs.source import HEAD, Peekable

_KEYS = rb"(?:oomsel|machine|memcgs|oom|sysctl|tasks|more|updates|expect)"
_SCENARIO_KEY = re.compile(rb"^%s[ \t]*:(?:[ \t\r\n]|\Z)" % _KEYS, re.MULTILINE)
#: What may stand in YAML before the first key: comments, blank lines, directives, the mark of a document's start.
_BEFORE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t]*+(?:#[^\n]*+)?(?:\r?\n|\Z)|%[^\n]*+(?:\n|\Z)"
    rb"|---(?=[ \t\r\n]|\Z)(?:[ \t]++[&!][^ \t\r\n]*+)*+[ \t]*+)*+"
)
#: The first key of a scenario, be it in quotes, indented or in braces; some logs begin with a title, a kernel or both.
_FIRST_KEY = re.compile(
    rb"""[ \t]*(?:\{\s*)?(?P<quote>["']?)(?:%s|(?P<unsure>title|description|kernel))(?P=quote)[ \t]*:(?:[ \t\r\n]|\Z)"""
    % _KEYS
)
_VERSION_KEY = re.compile(rb"""^[ \t]*["']?oomsel["']?[ \t]*:[ \t\r\n]|[{,]\s*["']?oomsel["']?\s*:""", re.MULTILINE)
_SCENARIO_JSON = re.compile(rb'"(?:oomsel|machine|tasks)"\s*:')
_LOG_JSON = re.compile(rb'"(?:MESSAGE|dmesg|msg|__CURSOR|_TRANSPORT|log)"\s*:')
_WORDS = (b" invoked oom-killer: ", b"oom-kill:constraint=", b"Killed process ", b"] Linux version ")
_TABLE = re.compile(rb"\[ *pid *\] +uid +tgid +total_vm")
#: A line as some logger begins it.
_STAMPED = re.compile(
    rb"(?:> ?)*(?:\x1b\[[0-9;]*m)?(?:<[0-9]{1,3}>|[a-z]{4,8} *:[a-z]{3,7} *: |)"
    rb"(?:\[ *[0-9]+\.[0-9]{6}[ \]]|[0-9]{1,4},[0-9]+,[0-9]+,[^;]{1,80};|\[[^][\n]{1,40}:[0-9]{2}[^][\n]{0,30}\] "
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}|[^\W\d]\w{2,9} +[0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2} "
    rb"|__CURSOR=|__REALTIME_TIMESTAMP=|_TRANSPORT=)"
)
#: A file with more comments than this at its beginning is told by the comments.
_MOST_COMMENTS = 1 << 24


def is_log(stream: Peekable) -> bool:
    """Whether the input that is about to be read is a kernel log and no scenario."""
    head, begins = _head_of(stream)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return bool(_LOG_JSON.search(head)) and not _SCENARIO_JSON.search(head)
    first = _FIRST_KEY.match(head, begins)
    if first is not None and (first["unsure"] is None or _VERSION_KEY.search(head, begins)):
        return False
    # What a log quotes further down may look like anything.
    if not _STAMPED.match(head, begins) and _SCENARIO_KEY.search(head):
        return False
    if any(word in head for word in _WORDS) or _TABLE.search(head):
        return True
    lines = [line for line in head.split(b"\n")[:40] if line.strip()]
    return bool(lines) and sum(bool(_STAMPED.match(line)) for line in lines) * 2 > len(lines)


def _head_of(stream: Peekable) -> tuple[bytes, int]:
    """As much of the input's beginning as tells what it is, and where in it the first line is that is no comment."""
    size = HEAD
    while True:
        head = stream.peek(size)
        begins = _BEFORE.match(head)
        assert begins is not None  # it matches nothing, too
        if len(head) - begins.end() > 100 or len(head) < size or size >= _MOST_COMMENTS:
            return head, begins.end()
        size *= 2
