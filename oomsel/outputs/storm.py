"""What the reports of a log have in common: how many, who died, over what time, and whether something grew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from oomsel.inputs.log.digest import digest_of
from oomsel.inputs.log.facts import page_size_of
from oomsel.inputs.log.pick import seconds_between
from oomsel.klog.event import OomEvent
from oomsel.layout import wrapped
from oomsel.outputs.growth import Growth, grown, of_one_boot
from oomsel.outputs.log_events import entry_of
from oomsel.outputs.sizes import size_words
from oomsel.text import comm_to_text, number_of, printable

_NAMES = 6
#: Bytes by which a name must have grown to be worth a word.
_GROWN = 1 << 20


def storm_object(events: list[OomEvent]) -> dict[str, Any]:
    """The summary as data; sizes in bytes."""
    entries = [entry_of("", event) for event in events]
    names = Counter(comm_to_text(comm) for entry in entries for _, comm in entry.killed)
    cgroups = Counter(entry.cgroup for entry in entries if entry.cgroup)
    return {
        "reports": len(events),
        "seconds": seconds_between(events[0], events[-1]) if len(events) > 1 else None,
        "killed": dict(names.most_common()),
        "panics": sum(event.panic is not None for event in events),
        "cgroups": {printable(path): count for path, count in cgroups.most_common()},
        "growth": [
            {"name": name, "first": first, "last": last, "reports": count}
            for name, first, last, count in growth(events)
        ],
        "grown": [
            {"name": printable(each.name), "points": [point._asdict() for point in each.points]}
            for each in _grown(events)[:_NAMES]
        ],
    }


def _grown(events: list[OomEvent]) -> tuple[Growth, ...]:
    """What grew over the reports of the last one's machine, boot and cgroup, by their tables."""
    if not events:
        return ()
    digests = [digest_of(event, 0) for event in events]
    return grown(of_one_boot(digests, events[-1].index), page_size_of(events[-1])[0], at_least=_GROWN)


def growth(events: list[OomEvent]) -> list[tuple[str, int, int, int]]:
    """Victims' names that died more than once: RSS in bytes of the first and of the last, and how often."""
    sizes: dict[bytes, list[int]] = {}
    for event in events:
        for kill in event.killed[:1]:
            if kill.rss is not None:
                sizes.setdefault(kill.comm, []).append(kill.rss << 10)
    return [(printable(comm), found[0], found[-1], len(found)) for comm, found in sizes.items() if len(found) > 1]


def storm_lines(events: list[OomEvent]) -> Iterator[str]:
    """The summary in words, of at most 80 columns."""
    yield "ALL REPORTS"
    for text in storm_sentences(events):
        yield from wrapped(text, "  ", "    ")


def storm_sentences(events: list[OomEvent]) -> list[str]:
    """The summary in words, a text for each thing that it says."""
    found = storm_object(events)
    span = found["seconds"]
    within = "" if span is None else f" within {span:.0f} s" if span < 600 else f" within {span / 60:.0f} minutes"
    said = [f"{number_of(len(events), 'report')}{within}."]
    if found["killed"]:
        names = list(found["killed"].items())
        shown = ", ".join(f"{name} x{count}" if count > 1 else name for name, count in names[:_NAMES])
        more = f" and {len(names) - _NAMES} names more" if len(names) > _NAMES else ""
        said.append(f"Killed: {shown}{more}.")
    if found["panics"]:
        said.append("1 ends in a panic." if found["panics"] == 1 else f"{found['panics']} end in a panic.")
    if found["cgroups"]:
        shown = ", ".join(f"{path} x{count}" for path, count in list(found["cgroups"].items())[:3])
        said.append(f"Cgroups that ran out: {shown}.")
    for each in found["growth"]:
        way = "grew" if each["last"] > each["first"] else "did not grow"
        sizes = f"{size_words(each['first'])} at the first, {size_words(each['last'])} at the last"
        said.append(f"{each['name']}, killed {each['reports']} times, {way}: {sizes}.")
    for each in found["grown"]:
        first, last = each["points"][0], each["points"][-1]
        sizes = f"{size_words(first['rss'])} at {first['when']}, {size_words(last['rss'])} at {last['when']}"
        said.append(f"{each['name']} grew over {len(each['points'])} reports: {sizes}.")
    return said
