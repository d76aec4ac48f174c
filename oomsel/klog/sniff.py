"""Whether an input is a kernel log, told by what it holds."""

from __future__ import annotations

import re

_SCENARIO_KEY = re.compile(
    rb"^(?:\xef\xbb\xbf)?(?:oomsel|machine|memcgs|oom|sysctl|tasks|more|updates|expect)[ \t]*:(?:[ \t\r\n]|$)",
    re.MULTILINE,
)
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


def is_log(head: bytes) -> bool:
    """Whether the input that begins with `head` is a kernel log and no scenario."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return bool(_LOG_JSON.search(head)) and not _SCENARIO_JSON.search(head)
    if _SCENARIO_KEY.search(head):
        return False
    if any(word in head for word in _WORDS) or _TABLE.search(head):
        return True
    lines = [line for line in head.split(b"\n")[:40] if line.strip()]
    return bool(lines) and sum(bool(_STAMPED.match(line)) for line in lines) * 2 > len(lines)
