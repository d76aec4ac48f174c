"""The whole page: what each event shows, put into the templates, with a policy that lets nothing else run or load."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from oomsel.errors import UsageError
from oomsel.outputs.account import Account
from oomsel.outputs.first_screen import cgroups_title
from oomsel.outputs.log_evidence import sentence
from oomsel.outputs.page.candidates import chart
from oomsel.outputs.page.cgroups import tree
from oomsel.outputs.page.headline import cards, details, headline, kicker, verdict
from oomsel.outputs.page.kernel_lines import own_lines
from oomsel.outputs.page.listing import Collector
from oomsel.outputs.page.memory import memory
from oomsel.outputs.page.reasons import arithmetic, blocks
from oomsel.outputs.page.scale import Scale
from oomsel.outputs.page.task_table import task_table
from oomsel.outputs.page.what_if import what_if_data, why_not
from oomsel.outputs.sizes import share_words, size_words
from oomsel.outputs.usage import NameUse
from oomsel.text import printable

if TYPE_CHECKING:
    from jinja2 import Environment

#: Rows of tasks on a page unless --rows asks for another number.
ROWS = 2000
#: Names and cgroups that are shown of who used the memory.
_MOST = 8
_MISSING = (
    "--format html needs Jinja2, which is not installed; in a clone or an unpacked archive: pip install '.[html]'"
)


class PageEvent(NamedTuple):
    """One event of a page."""

    source: str  #: the input's name
    account: Account
    listing: Collector | None = None  #: the reports of the log that it is from
    description: str = ""  #: a scenario's own


class Storm(NamedTuple):
    """What stands above the events of a log."""

    lines: Sequence[str]
    listing: Collector


def page_html(
    events: Sequence[PageEvent],
    *,
    title: str | None,
    command: str,
    rows: int = ROWS,
    storms: Sequence[Storm] = (),
    version: str = "",
) -> str:
    """The page of one event or several; `rows` tasks have a row, all events' together.

    Raises UsageError where Jinja2 is missing.
    """
    environment = _environment()
    each = max(rows // max(len(events), 1), min(rows, 10))
    views = [_view(event, number, each) for number, event in enumerate(events, 1)]
    style, script = (_without_indents(_asset(name)) for name in ("style.css", "script.js"))
    many = f"{len(events)} OOM reports" if len(events) != 1 else views[0]["headline"]
    return environment.get_template("page.html.j2").render(
        title=title or many,
        has_title=title is not None,
        events=views,
        storms=[{"lines": storm.lines, "listing": storm.listing.listing(None)} for storm in storms],
        numbers={event.account.event.index: number for number, event in enumerate(events, 1)
                 if event.account.event is not None} if len(storms) == 1 else {},
        command=command,
        version=version,
        style=_markup(style),
        script=_markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )  # fmt: skip


def require_jinja() -> None:
    """Raises UsageError where Jinja2 is missing, and says what to install."""
    _environment()


def _view(event: PageEvent, number: int, rows: int) -> dict[str, Any]:
    """What the templates need of an event."""
    account = event.account
    has_sum = (found := arithmetic(account)) is not None
    judged = verdict(account)
    paragraphs = blocks(account, has_sum=has_sum)
    reason = why_not(account)
    told = account.event or (None if account.reading is None else account.reading.event)
    return {
        "id": f"e{number}",
        "source": event.source,
        "kicker": kicker(account),
        "headline": headline(account),
        "panic": account.panic,
        "verdict": judged,
        "details": details(account),
        "description": [line for line in event.description.split("\n") if line],
        "cards": cards(account),
        "deaths": account.deaths,
        "why": () if account.why == judged.sentences else account.why,
        "usage": _usage(account),
        "chart": chart(account),
        "sum": found,
        "blocks": [block for block in paragraphs if not block.is_of_counters],
        "counters": [block for block in paragraphs if block.is_of_counters],
        "findings": account.findings,
        "advice": account.advice,
        "open": account.open,
        "memory": memory(account),
        "tree": tree(account),
        "listing": None if event.listing is None else event.listing.listing(None if told is None else told.index),
        "what_if": reason,
        "data": None if reason else _json(what_if_data(account)),
        "table": None if account.explanation is None else task_table(account, rows),
        "page_size": account.sizes.page_size,
        "lines": own_lines(account, event.source, rows),
        "notes": _notes(account),
        "is_log": told is not None,
    }


def _notes(account: Account) -> list[str]:
    """What is missing, then how the input was read; each a sentence."""
    incomplete = "the report is incomplete: "
    found = [f"{incomplete}{'; '.join(account.missing)}"] if account.missing else []
    found += [text for text in (*account.notes, *account.more_notes) if not text.startswith(incomplete)]
    return [sentence(text) for text in found]


def _usage(account: Account) -> dict[str, Any]:
    usage = account.usage
    whole = usage.capacity or sum(kind.size for kind in usage.kinds) or 1
    kinds = sorted((kind for kind in usage.kinds if kind.size), key=lambda kind: -kind.size)
    return {
        "processes": len(usage.processes),
        "rss": size_words(usage.rss),
        "names": _uses(usage.names),
        "cgroups": _uses(usage.cgroups),
        "cgroups_title": cgroups_title(usage) if usage.cgroups else "",
        "kinds": [
            {"name": kind.words, "size": size_words(kind.size), "share": share_words(kind.size / whole),
             "bar": Scale(0, 1).span(0, kind.size / whole)[1]}
            for kind in kinds
        ],
        "parts": [f"{kind.words} {size_words(kind.size)}" for kind in usage.parts if kind.size],
        "slabs": [f"{name} {size_words(size)}" for name, size in usage.slabs],
    }  # fmt: skip


def _uses(uses: Sequence[NameUse]) -> dict[str, Any]:
    largest = max((use.share for use in uses), default=1) or 1
    rest = uses[_MOST:]
    return {
        "rows": [
            {"name": printable(use.name), "count": use.processes, "size": size_words(use.rss),
             "swap": size_words(use.swap) if use.swap else "", "share": share_words(use.share),
             "bar": Scale(0, largest).span(0, use.share)[1]}
            for use in uses[:_MOST]
        ],
        "rest": f"{len(rest):,} more: {size_words(sum(use.rss for use in rest))}" if rest else "",
        "has_swap": any(use.swap for use in uses),
    }  # fmt: skip


def _json(data: Any) -> Any:
    r"""JSON for a script element: nothing in it ends the element or a line.

    >>> str(_json("</script>"))
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(data, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return _markup(text)


def _without_indents(text: str) -> str:
    """What a person reads better, and a page carries for nothing, taken out."""
    return "".join(f"{line}\n" for line in map(str.strip, text.split("\n")) if line and not line.startswith("//"))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return resources.files("oomsel.outputs.page").joinpath("templates", name).read_text(encoding="utf-8")


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704, our own files, and JSON without what HTML acts on


@cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise UsageError(_MISSING) from None

    def shown(value: Any) -> Any:
        """What a template puts out: text with nothing in it that acts on what reads it."""
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    return Environment(
        loader=FunctionLoader(_asset), autoescape=True, finalize=shown, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
