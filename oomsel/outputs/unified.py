"""The unified diff of two texts, as `diff -u` writes it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

Lines = Sequence[str]
#: Texts between two anchors are compared line by line if they have at most so many lines together.
_SMALL_GAP = 2000


def unified_diff(a: Lines, b: Lines, labels: tuple[str, str], context: int = 3) -> Iterator[str]:
    """The lines of the diff, without line ends; none where the texts are the same.

    The lines of `a` and `b` keep their "\\n"; a last one without is marked as `diff` marks it.
    """
    for number, group in enumerate(_Matcher(a, b).get_grouped_opcodes(context)):
        if number == 0:
            yield f"--- {labels[0]}"
            yield f"+++ {labels[1]}"
        yield f"@@ -{_range(group[0][1], group[-1][2])} +{_range(group[0][3], group[-1][4])} @@"
        for tag, a_first, a_end, b_first, b_end in group:
            if tag == "equal":
                yield from _marked(" ", a[a_first:a_end])
                continue
            yield from _marked("-", a[a_first:a_end])
            yield from _marked("+", b[b_first:b_end])


def _range(first: int, end: int) -> str:
    count = end - first
    if count == 1:
        return str(first + 1)
    return f"{first + 1 if count else first},{count}"


def _marked(mark: str, lines: Lines) -> Iterator[str]:
    for line in lines:
        yield mark + line.removesuffix("\n")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"


class _Matcher(SequenceMatcher[str]):
    """difflib's grouping of differences, with a matching that is fast for ten thousand rows.

    Nearly every line of a report is unique.  Lines that are unique in both texts and in the same
    order there are anchors; between two anchors little is left to compare.
    """

    def __init__(self, a: Lines, b: Lines) -> None:
        super().__init__(None, (), (), autojunk=False)
        self.a, self.b = a, b

    def get_matching_blocks(self) -> list[tuple[int, int, int]]:  # type: ignore[override]
        a, b = self.a, self.b
        pairs: list[tuple[int, int]] = []
        start = 0
        shorter = min(len(a), len(b))
        while start < shorter and a[start] == b[start]:
            start += 1
        tail = 0
        while tail < shorter - start and a[-1 - tail] == b[-1 - tail]:
            tail += 1
        pairs += ((index, index) for index in range(start))
        a_at = b_at = start
        ends = (len(a) - tail, len(b) - tail)
        for a_next, b_next in [*_anchors(a, b, start, ends), ends]:
            pairs += _gap(a, b, (a_at, a_next), (b_at, b_next))
            if (a_next, b_next) != ends:
                pairs.append((a_next, b_next))
            a_at, b_at = a_next + 1, b_next + 1
        pairs += zip(range(ends[0], len(a)), range(ends[1], len(b)), strict=True)
        return _blocks(pairs, len(a), len(b))


def _anchors(a: Lines, b: Lines, start: int, ends: tuple[int, int]) -> list[tuple[int, int]]:
    """Indices of lines that are unique in both texts, as many as are in the same order."""
    once_a = {line for line, count in Counter(a[start : ends[0]]).items() if count == 1}
    once = once_a & {line for line, count in Counter(b[start : ends[1]]).items() if count == 1}
    where = {b[index]: index for index in range(start, ends[1]) if b[index] in once}
    shared = [(index, where[a[index]]) for index in range(start, ends[0]) if a[index] in once]
    return [shared[index] for index in longest_increasing([b_index for _, b_index in shared])]


def longest_increasing(numbers: Sequence[int]) -> list[int]:
    """Indices of a longest increasing subsequence.

    >>> longest_increasing([5, 1, 2, 9, 3])
    [1, 2, 4]
    """
    tails: list[int] = []
    values: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        place = bisect_left(values, number)
        before.append(tails[place - 1] if place else -1)
        if place == len(tails):
            tails.append(index)
            values.append(number)
        else:
            tails[place], values[place] = index, number
    found: list[int] = []
    at = tails[-1] if tails else -1
    while at != -1:
        found.append(at)
        at = before[at]
    return found[::-1]


def _gap(a: Lines, b: Lines, a_range: tuple[int, int], b_range: tuple[int, int]) -> Iterator[tuple[int, int]]:
    a_lines, b_lines = a[slice(*a_range)], b[slice(*b_range)]
    if not a_lines or not b_lines or len(a_lines) + len(b_lines) > _SMALL_GAP:
        return
    for a_first, b_first, size in SequenceMatcher(None, a_lines, b_lines, autojunk=False).get_matching_blocks():
        yield from ((a_range[0] + a_first + step, b_range[0] + b_first + step) for step in range(size))


def _blocks(pairs: list[tuple[int, int]], a_size: int, b_size: int) -> list[tuple[int, int, int]]:
    blocks: list[tuple[int, int, int]] = []
    for a_index, b_index in pairs:
        if blocks and blocks[-1][0] + blocks[-1][2] == a_index and blocks[-1][1] + blocks[-1][2] == b_index:
            blocks[-1] = (blocks[-1][0], blocks[-1][1], blocks[-1][2] + 1)
        else:
            blocks.append((a_index, b_index, 1))
    return [*blocks, (a_size, b_size, 0)]
