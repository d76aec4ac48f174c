"""What the reports of a log show to grow from one to the next, and what else died near one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from oomsel.inputs.log.digest import Digest
from oomsel.inputs.log.pick import STORM_SECONDS, seconds_between

#: By how much the last is more than the first, where something grew; a guess.
_TIMES = 1.2


class Point(NamedTuple):
    """All processes of a name at one report; bytes."""

    event: int  #: of the log, from 1
    line: int  #: its first
    when: str
    processes: int
    rss: int


class Growth(NamedTuple):
    """A name whose processes held more from report to report."""

    name: bytes
    points: tuple[Point, ...]  #: two or more

    @property
    def gained(self) -> int:
        """Bytes from the first report to the last."""
        return self.points[-1].rss - self.points[0].rss


class Others(NamedTuple):
    """Other reports within a minute of one, before it and after."""

    before: tuple[Digest, ...]
    after: tuple[Digest, ...]


def grown(digests: Sequence[Digest], page_size: int, *, at_least: int = 0) -> tuple[Growth, ...]:
    """What grew in every report of one boot and of one cgroup or the machine that names it; the most first.

    `at_least` is by how many bytes it must have grown to be worth a word.
    """
    found = []
    for name in dict.fromkeys(name for digest in digests for name in digest.names):
        points = tuple(
            Point(digest.event, digest.line, digest.when, processes, pages * page_size)
            for digest in digests
            if name in digest.names
            for processes, pages in (digest.names[name],)
        )
        rises = all(one.rss <= other.rss for one, other in pairwise(points))
        if len(points) > 1 and rises and points[-1].rss >= max(_TIMES * points[0].rss, 1):
            found.append(Growth(name, points))
    return tuple(sorted((each for each in found if each.gained >= at_least), key=lambda each: -each.gained))


def of_one_boot(digests: Iterable[Digest], index: int) -> tuple[Digest, ...]:
    """The reports of the same machine, boot, and cgroup or machine memory as report `index`, with a table; in order."""
    every = tuple(digests)
    own = next((digest for digest in every if digest.event == index), None)
    if own is None:
        return ()
    same = [
        digest
        for digest in every
        if (digest.host, digest.boots, digest.domain) == (own.host, own.boots, own.domain) and digest.names
    ]
    spans = (seconds_between(one, other) for one, other in pairwise(same))
    return tuple(same) if all(span is not None and span >= 0 for span in spans) else ()


def near(digests: Iterable[Digest], index: int) -> Others:
    """The reports of the same machine, each within a minute of the last, around report `index`."""
    every = tuple(digests)
    at = next((at for at, digest in enumerate(every) if digest.event == index), None)
    if at is None:
        return Others((), ())
    own = every[at]
    return Others(
        tuple(reversed(_chain(own, [digest for digest in reversed(every[:at]) if digest.host == own.host]))),
        tuple(_chain(own, [digest for digest in every[at + 1 :] if digest.host == own.host])),
    )


def _chain(own: Digest, following: list[Digest]) -> list[Digest]:
    chain: list[Digest] = []
    for digest in following:
        apart = seconds_between(own, digest)
        if apart is None or abs(apart) >= STORM_SECONDS or digest.boots != own.boots:
            break
        chain.append(digest)
        own = digest
    return chain
