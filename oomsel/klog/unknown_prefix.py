"""Prefixes of an unknown form: learned from lines of which it is certain where the kernel's text begins."""

from __future__ import annotations

import re
from itertools import pairwise

from oomsel.klog.patterns import Pattern

#: Where the kernel's text begins, whatever stands before it.
_CERTAIN = Pattern(
    r"CPU: [0-9]+ (?:UID: [0-9]+ )?PID: [0-9]+ Comm: |Mem-Info:$|Call Trace:$|Tasks state \(memory values in pages\):"
    r"|\[ *pid *\] +uid +tgid |\[ *[0-9]+\](?: +-?[0-9]+){4,} |oom-kill:constraint=|Memory cgroup stats for "
    r"|(?:Memory cgroup o|O)ut of memory(?: \(oom_kill_allocating_task\))?: [Kk]ill|Task in /.* killed as a result"
)
#: The first line behind a name, which is a host's.
_NAMED = Pattern(r"[A-Za-z0-9][\w.-]{0,62}: (?=[^\s:]{1,15} invoked oom-killer: gfp_mask=)")
#: The first line in quotes, after which the prefix ends.
_IN_QUOTES = Pattern(
    r"(?:.*[\s=:|>(,])?([\"'`])(?=[^\"'`]{1,64} invoked oom-killer: gfp_mask=.*oom_score_adj=-?[0-9]+\1)"
)
_TIME = Pattern(
    r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
    r"(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?(?![0-9])"
    r"|\b[A-Z][a-z]{2} +[0-9]{1,2} (?:[0-9]{4} )?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"|\b[0-9]{9,11}\.[0-9]{3,9}\b"
)
_PART = Pattern(r"\w+|\s+|[^\w\s]")
#: The longest prefix, and how many forms of one are kept.
_LONGEST = 300
_MOST = 8
#: Words that only lines hold of which the first may be missing its time.
_WORTH = (" invoked oom-killer: ", "Killed process ", "oom-kill:", "ill process ")


def time_within(text: str) -> str:
    """A date somewhere in what stands before the kernel's text; empty where there is none."""
    at = next((at for word in _WORTH if (at := text.find(word)) >= 0), _LONGEST)
    match = _TIME.search(text, 0, min(at, _LONGEST)) if at else None
    return match[0] if match else ""


class PrefixShapes:
    """The forms of the unknown prefixes seen so far."""

    def __init__(self) -> None:
        self._known: dict[str, re.Pattern[str]] = {}

    def end_of(self, text: str, at: int) -> int:
        """Where the kernel's text begins in `text`, no sooner than `at`; `at` where nothing shows a prefix."""
        for pattern in self._known.values():
            if match := pattern.match(text, at):
                return match.end()
        if len(text) > at and (certain := _CERTAIN.search(text, at, at + 4 * _LONGEST)) and certain.start() > at:
            prefix = text[at : certain.start()]
            if len(prefix) <= _LONGEST and (prefix[-1] in " \t:|>]" or prefix[-1] in "\"'"):
                self._learn(prefix)
                return certain.start()
        if named := _NAMED.match(text, at):
            self._learn(named[0])
            return int(named.end())
        if quoted := _IN_QUOTES.match(text, at, at + 4 * _LONGEST):
            self._learn(quoted[0])
            return quoted.end()
        return at

    def _learn(self, prefix: str) -> None:
        shape = shape_of(prefix)
        if shape not in self._known:
            if len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[shape] = re.compile(shape)


def shape_of(text: str) -> str:
    """A pattern for `text` with other numbers, which may be padded, and with other words where they have digits."""
    parts = [match[0] for match in _PART.finditer(text)]
    shapes = [_shape_of(part) for part in parts]
    for at, (part, after) in enumerate(pairwise(parts)):
        if part.isspace() and after.isdecimal():
            shapes[at] = r"\s+" if at else r"\s*"
    return "".join(shapes)


def _shape_of(part: str) -> str:
    """A word without digits stays itself, as `kernel`, so that the kernel's own words are not taken for one."""
    if part.isdecimal():
        return "[0-9]+"
    if any(char.isdecimal() for char in part):
        return r"\w+"
    return re.escape(part)
