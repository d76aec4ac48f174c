"""The JSON Schema of what `oomsel bench --format json` prints."""

from __future__ import annotations

from typing import Any

from oomsel.outputs.schema_parts import DRAFT, INTEGER, NUMBER, STRING, list_of, mapping, say


def bench_schema() -> dict[str, Any]:
    """The schema of one run of measurements."""
    row = mapping(
        "A measurement.",
        tasks=INTEGER,
        cpus=INTEGER,
        mode=say(STRING, "how the counters are read"),
        median_ms=say(NUMBER, "from allocation to victim, in memory"),
        floor_ms=say(NUMBER, "one pass over every CPU's counters of this size"),
        kernel_ms=say({"type": ["number", "null"]}, "what the kernel's mails have for it"),
    )
    return {
        "$schema": DRAFT,
        "title": "oomsel bench results, format 1",
        **mapping(
            "How long a choice takes, in milliseconds.",
            oomsel_bench={"const": 1, "description": "the format's version"},
            floor_ms=say(NUMBER, "one pass over every CPU's counters of the largest state"),
            rows=list_of(row, "a size and a mode each"),
        ),
    }
