"""What stands after the kernel's text on every line: learned from lines of which it is certain where that text ends."""

from __future__ import annotations

import re

from oomsel.klog.patterns import Pattern
from oomsel.klog.unknown_prefix import shape_of

#: Lines whose last word is known; a quote, a bar, a tag or a field may follow it.
_CERTAIN = Pattern(
    r"(?:.* invoked oom-killer: gfp_mask=.*oom_score_adj=-?[0-9]+|Tasks state \(memory values in pages\):|Mem-Info:"
    r"|\[ *pid *\] +uid +tgid +total_vm .* name|.*Killed process [0-9]+ \(.*oom_score_adj:-?[0-9]+)(?=[^\w,(])",
    re.DOTALL,
)
_LONGEST = 80
_MOST = 4
#: The longest line that is looked at: none of these is longer but for a hostile one.
_LONGEST_LINE = 4096


class SuffixShapes:
    """The forms of the suffixes seen so far."""

    def __init__(self) -> None:
        self._known: dict[str, re.Pattern[str]] = {}

    def without(self, text: str) -> str:
        """`text` without what is known, or seen here, to follow the kernel's own."""
        for pattern in self._known.values():
            if match := pattern.search(text[-2 * _LONGEST :]):
                return text[: len(text) - len(match[0])]
        certain = _CERTAIN.match(text) if len(text) <= _LONGEST_LINE else None
        if certain is None or len(text) - certain.end() > _LONGEST:
            return text
        self._learn(text[certain.end() :])
        return text[: certain.end()]

    def _learn(self, suffix: str) -> None:
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        shape = r"\s+" if suffix.isspace() else shape_of(suffix)
        self._known[shape] = re.compile(shape + r"\Z")
