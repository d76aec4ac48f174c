"""The JSON Schema of an explanation as data."""

from __future__ import annotations

from typing import Any

from oomsel.outputs.schema_parts import (
    BOOL,
    COUNT,
    DRAFT,
    INTEGER,
    NUMBER,
    SIZE,
    STRING,
    TEXT,
    WHO,
    WORDS,
    counts,
    list_of,
    mapping,
    or_null,
    say,
)

_NAMES = {
    "pod": say(TEXT, "its uid"),
    "container": say(TEXT, "its id"),
    "runtime": say(TEXT, "of the container, as the path names it"),
    "unit": say(TEXT, "of systemd's"),
    "guest": say(TEXT, "an LXC guest"),
}
_USE = {
    "processes": say(COUNT, "null where only memory.stat tells of a cgroup"),
    "rss": SIZE,
    "swap": SIZE,
    "share": say(NUMBER, "of the RSS of all processes, 0 to 1"),
}
_KIND = mapping("Memory of one kind.", kind=STRING, words=STRING, size=SIZE, line=COUNT)
_OTHER = mapping(
    "A report in short.",
    event={"type": "integer", "description": "its number in the log, from 1"},
    line=INTEGER,
    when=TEXT,
    killed=list_of(mapping("A process that died.", **WHO, rss=SIZE), "the victim first"),
)


def explanation_schema() -> dict[str, Any]:
    """The schema of what `oomsel explain --format json` prints for one input; for several it is a list of such."""
    return {
        "$schema": DRAFT,
        "title": "oomsel explanation, format 1",
        **mapping(
            "An OOM event explained; null is what the input does not hold.",
            input=STRING,
            oomsel_explanation={"const": 1, "description": "the format's version"},
            when=say(TEXT, "the log's own time"),
            utc=say(TEXT, "ISO, where the log says a zone and a year"),
            release=TEXT,
            mode={
                "enum": ["approximate", "precise", None],
                "description": "how the counters are read; null of a report that shows nobody to choose from",
            },
            scope=mapping(
                "What ran out.",
                kind={"enum": ["global", "memcg", "cpuset", "mempolicy", "sysrq", "not-memcg", "?"]},
                cgroup=TEXT,
                **_NAMES,
                limit=SIZE,
                limit_is_with_swap=BOOL,
                nodes=say(TEXT, "of a cpuset or a memory policy"),
                nodes_ram=say(SIZE, "bytes present on them"),
                ram=SIZE,
                swap=SIZE,
            ),
            ending={
                "type": "string",
                "description": "killed, panic, nobody, exiting, unknown, or why the kernel prints nothing",
            },
            seen_in_part=say(WORDS, "why a capture is not the whole machine"),
            panic=say(TEXT, "what the kernel says of it"),
            killed=list_of(
                mapping("A process that died.", **WHO, rss=SIZE, swap=SIZE, oom_score_adj=COUNT, line=COUNT),
                "the victim first",
            ),
            victim_cgroup=mapping("Where the victim was.", cgroup=TEXT, **_NAMES),
            why=say(WORDS, "sentences"),
            next=or_null(mapping("Who would have been next.", **WHO, behind=INTEGER)),
            also=mapping(
                "Other reports of the same machine, each within a minute of the next.",
                before=list_of(_OTHER, "the oldest first"),
                after=list_of(_OTHER, "the oldest first"),
            ),
            asked=mapping(
                "The allocation that failed.",
                comm=TEXT,
                pid=COUNT,
                oom_score_adj=COUNT,
                gfp=TEXT,
                purpose=TEXT,
                order=COUNT,
                size=SIZE,
                way=TEXT,
                call=TEXT,
                line=COUNT,
            ),
            totalpages=mapping("What oom_score_adj weighs by.", pages=COUNT, is_guess=BOOL, because=TEXT),
            usage=mapping(
                "Who and what held the memory; shared pages count once a process.",
                processes=INTEGER,
                rss=SIZE,
                capacity=say(SIZE, "bytes of RAM, or of the cgroup's limit"),
                by_name=list_of(mapping("All of one name.", comm=STRING, **_USE), "the largest first"),
                by_cgroup=list_of(mapping("All of one cgroup.", cgroup=STRING, **_USE), "the largest first"),
                by_kind=list_of(_KIND, "each page in one of them"),
                parts=list_of(_KIND, "counted in by_kind already"),
                slab_caches=list_of(mapping("A cache.", name=STRING, size=SIZE), "the largest three"),
                swap_total=SIZE,
                swap_used=SIZE,
            ),
            diagnosis=list_of(
                mapping(
                    "A kind of trouble.",
                    kind=STRING,
                    sentence=STRING,
                    figures={"type": "object"},
                ),
                "figures are bytes unless the name says otherwise",
            ),
            advice=list_of(
                mapping(
                    "What would help.",
                    kind=STRING,
                    sentence=STRING,
                    line=say(TEXT, "to write or run"),
                    warning=TEXT,
                    figures={"type": "object"},
                ),
                "the plainest first",
            ),
            open=say(WORDS, "questions that the evidence does not answer"),
            missing=say(WORDS, "of the report"),
            notes=WORDS,
            verdict={
                "type": ["object", "null"],
                "description": "of a log: the kernel's choice held against the one made again, as select has it",
            },
            counters=or_null(
                mapping(
                    "How far off approximate counters can be; pages.",
                    cpus=say(COUNT, "null where a log does not show how many there are, as are the next three"),
                    per_cpu=COUNT,
                    worst=say(COUNT, "of one counter"),
                    likely={"type": ["number", "null"], "description": "of one counter: a standard deviation"},
                    deltas_known=BOOL,
                    possible_victims=list_of(mapping("A task.", **WHO), "the worst first"),
                    other_mode=mapping(
                        "The other way of reading.",
                        mode=STRING,
                        outcome=STRING,
                        does=STRING,
                    ),
                )
            ),
            rescues=list_of(
                mapping(
                    "The highest oom_score_adj that saves a victim.",
                    **WHO,
                    oom_score_adj=COUNT,
                    mode=STRING,
                    then=STRING,
                    then_panics=BOOL,
                    guessed_totalpages=say(COUNT, "pages; null where the input says all of it"),
                ),
                "of the victim of each mode",
            ),
            tasks=list_of(
                mapping(
                    "A task.",
                    **WHO,
                    rss_pages=COUNT,
                    swap_pages=COUNT,
                    oom_score_adj=INTEGER,
                    badness={
                        "type": ["integer", "string", "null"],
                        "description": "points; `first` for one that is chosen first",
                    },
                    true_badness={
                        "type": ["array", "null"],
                        "items": INTEGER,
                        "description": "lowest, highest",
                    },
                    oom_score=COUNT,
                    skip_reason=TEXT,
                    killed=BOOL,
                ),
                "in the order of the input",
            ),
        ),
    }


def all_events_schema() -> dict[str, Any]:
    """The schema of what `oomsel explain --all-events --format json` prints for one log; for several it is a list."""
    point = mapping(
        "All processes of the name at one report.",
        event=say(INTEGER, "the report's number in the log, from 1"),
        line=say(INTEGER, "its first"),
        when=STRING,
        processes=INTEGER,
        rss=SIZE,
    )
    return {
        "$schema": DRAFT,
        "title": "oomsel explanation of all reports of a log, format 1",
        **mapping(
            "All reports of a log explained.",
            input=STRING,
            storm=mapping(
                "What the reports have in common.",
                reports=say(INTEGER, "how many there are, those that cannot be explained, too"),
                seconds=say({"type": ["number", "null"]}, "from the first to the last"),
                killed=counts("how many died, by name"),
                panics=say(INTEGER, "how many ended in one"),
                cgroups=counts("how often each ran out, by path"),
                growth=list_of(
                    mapping(
                        "Victims of one name.",
                        name=STRING,
                        first=say(SIZE, "bytes of RSS of the first"),
                        last=say(SIZE, "bytes of RSS of the last"),
                        reports=say(INTEGER, "in how many one died"),
                    ),
                    "names that died more than once",
                ),
                grown=list_of(
                    mapping("A name.", name=STRING, points=list_of(point, "in order")),
                    "names whose processes held more in each report than in the one before, the most first",
                ),
            ),
            events=list_of(
                {"type": "object", "description": "an explanation, as for one report"}, "in the order of the log"
            ),
        ),
    }
