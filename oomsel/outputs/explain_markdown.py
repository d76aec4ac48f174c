"""An explanation as Markdown, to paste into a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterator

from oomsel.outputs.account import Account
from oomsel.outputs.first_screen import (
    cgroups_title,
    death_words,
    head_words,
    name_words,
    names_words,
    nobody_words,
    others_words,
    scope_words,
)
from oomsel.outputs.sizes import share_words
from oomsel.text import printable

#: What Markdown would act on.
_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")
_TICKS = re.compile("`{3,}")


def markdown_lines(account: Account, details: list[str]) -> Iterator[str]:
    """Headings, tables and lists; `details` stand in a block of their own at the end."""
    yield f"### OOM: {plain(scope_words(account.scope))}"
    yield ""
    yield plain(head_words(account))
    yield ""
    yield from (f"- **Seen:** {plain(text)}" for text in account.partial)
    if account.ending == "panic":
        yield f"- **Panic:** the machine panicked{plain(f': {account.panic}') if account.panic else ''}"
    if account.deaths:
        owner = names_words(account.victim_names)
        yield f"- **Killed:** {plain(death_words(account.deaths[0]))}{plain(f' in {owner}') if owner else ''}"
        if len(account.deaths) > 1:
            names = ", ".join(f"{name_words(death.comm)} ({death.pid})" for death in account.deaths[1:])
            yield f"- **With it:** {plain(names)}"
    elif account.ending != "panic":
        yield f"- **Killed:** {nobody_words(account.ending)}"
    yield f"- **Why:** {plain(' '.join(account.why))}"
    asked = account.asked
    comm = "" if asked.comm is None else name_words(asked.comm)
    if (words := asked.sentence(f"{comm} (pid {asked.pid})" if asked.pid else comm)) is not None:
        yield f"- **Asked:** {plain(words)}"
    if (also := others_words(account.others)) is not None:
        yield f"- **Also:** {plain(also)}"
    yield from _usage(account)
    yield from _what_now(account)
    if account.notes:
        yield ""
        yield from (f"- Note: {plain(text)}" for text in account.notes)
    if details:
        # A longer run of backticks than any in it is all that ends the block.
        fence = "`" * (1 + max([2, *(len(run) for line in details for run in _TICKS.findall(line))]))
        yield from ("", f"{fence}text", *map(printable, details), fence)


def _usage(account: Account) -> Iterator[str]:
    usage, sizes = account.usage, account.sizes
    if usage.names:
        yield from ("", "| process | count | RSS | share | swap |", "|---|---:|---:|---:|---:|")
        for use in usage.names[:10]:
            name, share = plain(name_words(use.name)), share_words(use.share)
            yield f"| {name} | {use.processes} | {sizes(use.rss)} | {share} | {sizes(use.swap)} |"
    if usage.cgroups:
        yield from ("", f"| {plain(cgroups_title(usage))} | size | share | swap |", "|---|---:|---:|---:|")
        for use in usage.cgroups[:10]:
            path, share = use.name.decode(errors="surrogateescape"), share_words(use.share)
            yield f"| {plain(path)} | {sizes(use.rss)} | {share} | {sizes(use.swap)} |"
    if usage.kinds:
        yield from ("", "| kind of memory | size |", "|---|---:|")
        shown = sorted((kind for kind in usage.kinds if kind.size), key=lambda kind: -kind.size)
        yield from (f"| {kind.words} | {sizes(kind.size)} |" for kind in shown)


def _what_now(account: Account) -> Iterator[str]:
    if not (account.findings or account.advice or account.open):
        return
    yield ""
    for finding in account.findings:
        yield f"- {plain(finding.sentence)}"
    for advice in account.advice:
        warning = f" **Warning: {plain(advice.warning)}.**" if advice.warning else ""
        line = f" `{advice.line}`" if advice.line and "`" not in advice.line else ""
        yield f"- {plain(advice.sentence)}{warning}{line}"
    if account.open:
        yield f"- Open: {plain('; '.join(account.open))}."


def plain(text: str) -> str:
    r"""`text` with nothing in it that Markdown acts on.

    >>> plain("a_b|c")
    'a\\_b\\|c'
    """
    return _ACTIVE.sub(r"\\\1", printable(text))
