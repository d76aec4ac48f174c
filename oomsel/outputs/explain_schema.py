"""The JSON Schema of an explanation as data."""

from __future__ import annotations

from typing import Any

_SIZE = {"type": ["integer", "null"], "description": "bytes"}
_COUNT = {"type": ["integer", "null"]}
_TEXT = {"type": ["string", "null"]}
_WORDS = {"type": "array", "items": {"type": "string"}}


def _object(description: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "items": schema, "description": description}


_NAMES = {
    "pod": {**_TEXT, "description": "its uid"},
    "container": {**_TEXT, "description": "its id"},
    "runtime": {**_TEXT, "description": "of the container, as the path names it"},
    "unit": {**_TEXT, "description": "of systemd's"},
    "guest": {**_TEXT, "description": "an LXC guest"},
}
_USE = {
    "processes": {**_COUNT, "description": "null where only memory.stat tells of a cgroup"},
    "rss": _SIZE,
    "swap": _SIZE,
    "share": {"type": "number", "description": "of the RSS of all processes, 0 to 1"},
}
_KIND = _object("Memory of one kind.", kind={"type": "string"}, words={"type": "string"}, size=_SIZE, line=_COUNT)
_WHO = {"pid": {"type": "integer"}, "comm": {"type": "string"}}
_OTHER = _object(
    "A report in short.",
    event={"type": "integer", "description": "its number in the log, from 1"},
    line={"type": "integer"},
    when=_TEXT,
    killed=_list(_object("A process that died.", **_WHO, rss=_SIZE), "the victim first"),
)


def explanation_schema() -> dict[str, Any]:
    """The schema of what `oomsel explain --format json` prints for one input; for several it is a list of such."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "oomsel explanation, format 1",
        **_object(
            "An OOM event explained; null is what the input does not hold.",
            input={"type": "string"},
            oomsel_explanation={"const": 1, "description": "the format's version"},
            when={**_TEXT, "description": "the log's own time"},
            utc={**_TEXT, "description": "ISO, where the log says a zone and a year"},
            release=_TEXT,
            mode={
                "enum": ["approximate", "precise", None],
                "description": "how the counters are read; null of a report that shows nobody to choose from",
            },
            scope=_object(
                "What ran out.",
                kind={"enum": ["global", "memcg", "cpuset", "mempolicy", "sysrq", "?"]},
                cgroup=_TEXT,
                **_NAMES,
                limit=_SIZE,
                limit_is_with_swap={"type": "boolean"},
                nodes={**_TEXT, "description": "of a cpuset or a memory policy"},
                nodes_ram={**_SIZE, "description": "bytes present on them"},
                ram=_SIZE,
                swap=_SIZE,
            ),
            ending={
                "type": "string",
                "description": "killed, panic, nobody, exiting, unknown, or why the kernel prints nothing",
            },
            seen_in_part={**_WORDS, "description": "why a capture is not the whole machine"},
            panic={**_TEXT, "description": "what the kernel says of it"},
            killed=_list(
                _object("A process that died.", **_WHO, rss=_SIZE, swap=_SIZE, oom_score_adj=_COUNT, line=_COUNT),
                "the victim first",
            ),
            victim_cgroup=_object("Where the victim was.", cgroup=_TEXT, **_NAMES),
            why={**_WORDS, "description": "sentences"},
            next=_or_null(_object("Who would have been next.", **_WHO, behind={"type": "integer"})),
            also=_object(
                "Other reports of the same machine, each within a minute of the next.",
                before=_list(_OTHER, "the oldest first"),
                after=_list(_OTHER, "the oldest first"),
            ),
            asked=_object(
                "The allocation that failed.",
                comm=_TEXT,
                pid=_COUNT,
                oom_score_adj=_COUNT,
                gfp=_TEXT,
                purpose=_TEXT,
                order=_COUNT,
                size=_SIZE,
                way=_TEXT,
                call=_TEXT,
                line=_COUNT,
            ),
            totalpages=_object(
                "What oom_score_adj weighs by.", pages=_COUNT, is_guess={"type": "boolean"}, because=_TEXT
            ),
            usage=_object(
                "Who and what held the memory; shared pages count once a process.",
                processes={"type": "integer"},
                rss=_SIZE,
                capacity={**_SIZE, "description": "bytes of RAM, or of the cgroup's limit"},
                by_name=_list(_object("All of one name.", comm={"type": "string"}, **_USE), "the largest first"),
                by_cgroup=_list(_object("All of one cgroup.", cgroup={"type": "string"}, **_USE), "the largest first"),
                by_kind=_list(_KIND, "each page in one of them"),
                parts=_list(_KIND, "counted in by_kind already"),
                slab_caches=_list(_object("A cache.", name={"type": "string"}, size=_SIZE), "the largest three"),
                swap_total=_SIZE,
                swap_used=_SIZE,
            ),
            diagnosis=_list(
                _object(
                    "A kind of trouble.",
                    kind={"type": "string"},
                    sentence={"type": "string"},
                    figures={"type": "object"},
                ),
                "figures are bytes unless the name says otherwise",
            ),
            advice=_list(
                _object(
                    "What would help.",
                    kind={"type": "string"},
                    sentence={"type": "string"},
                    line={**_TEXT, "description": "to write or run"},
                    warning=_TEXT,
                    figures={"type": "object"},
                ),
                "the plainest first",
            ),
            open={**_WORDS, "description": "questions that the evidence does not answer"},
            missing={**_WORDS, "description": "of the report"},
            notes=_WORDS,
            verdict={
                "type": ["object", "null"],
                "description": "of a log: the kernel's choice held against the one made again, as select has it",
            },
            counters=_or_null(
                _object(
                    "How far off approximate counters can be; pages.",
                    cpus={"type": "integer"},
                    per_cpu={"type": "integer"},
                    worst={"type": "integer", "description": "of one counter"},
                    likely={"type": "number", "description": "of one counter: a standard deviation"},
                    deltas_known={"type": "boolean"},
                    possible_victims=_list(_object("A task.", **_WHO), "the worst first"),
                    other_mode=_object(
                        "The other way of reading.",
                        mode={"type": "string"},
                        outcome={"type": "string"},
                        does={"type": "string"},
                    ),
                )
            ),
            rescues=_list(
                _object(
                    "The highest oom_score_adj that saves a victim.",
                    **_WHO,
                    oom_score_adj=_COUNT,
                    mode={"type": "string"},
                    then={"type": "string"},
                    then_panics={"type": "boolean"},
                    guessed_totalpages={**_COUNT, "description": "pages; null where the input says all of it"},
                ),
                "of the victim of each mode",
            ),
            tasks=_list(
                _object(
                    "A task.",
                    **_WHO,
                    rss_pages=_COUNT,
                    swap_pages=_COUNT,
                    oom_score_adj={"type": "integer"},
                    badness={
                        "type": ["integer", "string", "null"],
                        "description": "points; `first` for one that is chosen first",
                    },
                    true_badness={
                        "type": ["array", "null"],
                        "items": {"type": "integer"},
                        "description": "lowest, highest",
                    },
                    oom_score=_COUNT,
                    skip_reason=_TEXT,
                    killed={"type": "boolean"},
                ),
                "in the order of the input",
            ),
        ),
    }
