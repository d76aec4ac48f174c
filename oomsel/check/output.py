"""The results of `check`: lines for people, annotations for GitHub, JUnit XML for other CI."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from oomsel.check.expectation import Failure
from oomsel.check.run import Place, Result
from oomsel.errors import InputError
from oomsel.text import number_of, printable, shown

_WORDS = {"ok": ("ok    ", "green"), "failed": ("FAILED", "red"), "none": ("none  ", "yellow")}
_DIFF_COLOURS = {"-": "red", "+": "green", "@": "cyan"}


def lines_for(result: Result, styled: Callable[..., str], *, quiet: bool, verbose: bool) -> Iterator[str]:
    """One line for a scenario, and below it what does not hold; nothing for one that cannot be checked.

    `styled` gives a text colours, as click.style() does, where the output has any.
    """
    if result.status == "error" or (quiet and result.status != "failed"):
        return
    word, colour = _WORDS[result.status]
    line = f"{styled(word, fg=colour, bold=result.status == 'failed')}  {printable(result.name)}"
    if result.status == "none":
        line += ": no expect in it, so nothing is held against what happens"
    yield line + (f": {result.sentence}" if verbose else "")
    yield from (f"  wrote {printable(path)}" for path in result.updated)
    for place, failure in result.failures:
        yield f"  {message_for(result, place, failure)}"
        yield from (f"    {_diff_line(line, styled)}" for line in failure.detail)


def _diff_line(line: str, styled: Callable[..., str]) -> str:
    colour = _DIFF_COLOURS.get(line[:1])
    return styled(printable(line), fg=colour) if colour else printable(line)


def message_for(result: Result, place: Place, failure: Failure) -> str:
    """`FILE:LINE:COL: KEY.PATH: message`, as errors have it."""
    key = f"{place.key}: " if place.key else ""
    where = f":{place.line}:{place.column}" if place.line else ""
    return printable(f"{result.name}{where}: {key}{failure.message}")


def problem_lines(result: Result) -> list[str]:
    """Why a scenario could not be checked, a line each."""
    return str(InputError(result.name, result.problems)).split("\n") if result.problems else []


def summary(results: Sequence[Result], others: int) -> str:
    """The last line: how many scenarios have which result."""
    counts = {
        status: sum(result.status == status for result in results) for status in ("ok", "failed", "none", "error")
    }
    said = {"none": "without expect", "error": "with errors"}
    parts = [f"{count} {said.get(status, status)}" for status, count in counts.items() if count or status == "ok"]
    passed = f"; {number_of(others, 'other file')} not checked" if others else ""
    return f"{number_of(len(results), 'scenario')}: {', '.join(parts)}{passed}"


#: Of `results_object`.
CHECK_VERSION = 1


def results_object(results: Sequence[Result]) -> dict[str, Any]:
    """The results as plain data."""
    return {
        "oomsel_check": CHECK_VERSION,
        "counts": {
            status: sum(each.status == status for each in results) for status in ("ok", "failed", "none", "error")
        },
        "scenarios": [_object(result) for result in results],
    }


def _object(result: Result) -> dict[str, Any]:
    return {
        "input": printable(result.name),
        "status": result.status,
        "seconds": round(result.seconds, 6),
        "failures": [
            {
                "key": printable(place.key),
                "line": place.line or None,
                "column": place.column or None,
                "message": printable(failure.message),
                "detail": [printable(line) for line in failure.detail],
            }
            for place, failure in result.failures
        ],
        "problems": problem_lines(result),
        "notes": [printable(text) for text in result.notes],
        "updated": [printable(path) for path in result.updated],
    }


def junit(results: Sequence[Result]) -> str:
    """JUnit's XML: a test case for each scenario."""
    failed = sum(result.status == "failed" for result in results)
    errors = sum(result.status == "error" for result in results)
    skipped = sum(result.status == "none" for result in results)
    seconds = sum(result.seconds for result in results)
    counts = f'tests="{len(results)}" failures="{failed}" errors="{errors}" skipped="{skipped}" time="{seconds:.3f}"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="oomsel check" {counts}>']
    lines.append(f'  <testsuite name="oomsel check" {counts}>')
    for result in results:
        name = _xml(printable(result.name))
        start = f'    <testcase classname="oomsel.check" name="{name}" file="{name}" time="{result.seconds:.3f}"'
        inner = list(_junit_inner(result))
        lines += [f"{start}>", *(f"      {line}" for line in inner), "    </testcase>"] if inner else [f"{start}/>"]
    return "\n".join([*lines, "  </testsuite>", "</testsuites>", ""])


def _junit_inner(result: Result) -> Iterator[str]:
    if result.status == "none":
        yield '<skipped message="no expect in it"/>'
    if result.failures:  # a JUnit test case has at most one
        messages = [message_for(result, place, failure) for place, failure in result.failures]
        texts = [
            "\n".join([message, *failure.detail])
            for message, (_, failure) in zip(messages, result.failures, strict=True)
        ]
        yield f'<failure message="{_xml(messages[0])}">{_xml(chr(10).join(texts))}</failure>'
    if result.problems:
        lines = problem_lines(result)
        yield f'<error message="{_xml(lines[0])}">{_xml(chr(10).join(lines))}</error>'


def _xml(text: str) -> str:
    """`text` for an attribute or an element; XML has no control characters, not even escaped."""
    said = shown("\n".join(printable(line) for line in text.split("\n")))
    said = said.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        said = said.replace(char, entity)
    return said
