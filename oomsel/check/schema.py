"""The JSON Schema of what `oomsel check --format json` prints."""

from __future__ import annotations

from typing import Any

from oomsel.check.output import CHECK_VERSION
from oomsel.outputs.schema_parts import (
    COUNT,
    DRAFT,
    INTEGER,
    NUMBER,
    STRING,
    TEXT,
    WORDS,
    list_of,
    mapping,
    say,
)


def check_schema() -> dict[str, Any]:
    """The schema of the results of all scenarios together."""
    failure = mapping(
        "What does not hold.",
        key=say(TEXT, "of `expect`"),
        line=COUNT,
        column=COUNT,
        message=STRING,
        detail=say(WORDS, "lines of a comparison"),
    )
    return {
        "$schema": DRAFT,
        "title": "oomsel check results, format 1",
        **mapping(
            "Scenarios held to what they expect.",
            oomsel_check={"const": CHECK_VERSION, "description": "the format's version"},
            counts=mapping(
                "How many have which status.",
                ok=INTEGER,
                failed=INTEGER,
                none=say(INTEGER, "without `expect`"),
                error=say(INTEGER, "that cannot be checked"),
            ),
            scenarios=list_of(
                mapping(
                    "A scenario.",
                    input=STRING,
                    status={"enum": ["ok", "failed", "none", "error"]},
                    seconds=say(NUMBER, "that it took"),
                    failures=list_of(failure, "in the order of the file"),
                    problems=say(WORDS, "why it cannot be checked"),
                    notes=WORDS,
                    updated=say(WORDS, "files that --update wrote"),
                ),
                "in the order of the arguments",
            ),
        ),
    }
