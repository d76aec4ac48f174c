"""Pages as tests make them, and what an HTML parser finds in one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from oomsel.booting import boot, kernel_mode, select_both
from oomsel.outputs.account import Account, account_of
from oomsel.outputs.explain import explain
from oomsel.scenario.models import Scenario
from tests.running import run
from tests.support import ROOT

#: Elements that need no end.
_VOID = {"meta", "link", "input", "br", "hr", "img"}
_SVG_LEAVES = {"rect", "line", "path", "circle", "use"}


class Page(HTMLParser):
    """What stands in a page: `tags` as (name, attributes), `text` outside of style and script."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.styles: list[str] = []
        self.scripts: list[str] = []  #: that run
        self.data: list[Any] = []  #: embedded JSON
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice: {tag} {attrs}"
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _SVG_LEAVES, f"{tag} cannot be empty"
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> too many"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "style":
            self.styles.append(data)
        elif inside == "script":
            kind = next(attrs for tag, attrs in reversed(self.tags) if tag == "script").get("type")
            if kind == "application/json":
                self.data.append(json.loads(data))
            else:
                self.scripts.append(data)
        else:
            self.text.append(data)

    @property
    def words(self) -> str:
        """All text, blanks as one."""
        return re.sub(r"\s+", " ", " ".join(self.text))

    @property
    def policy(self) -> str:
        """The Content-Security-Policy."""
        (found,) = [
            attrs["content"] for tag, attrs in self.tags if attrs.get("http-equiv") == "Content-Security-Policy"
        ]
        return found or ""


def check(html: str) -> Page:
    """What holds for every page: well formed, its policy right, nothing outside of it named, nothing inline."""
    page = Page(html)
    assert html.startswith("<!doctype html>\n")
    assert len(page.styles) == len(page.scripts) == 1
    for kind, text in (("style", page.styles[0]), ("script", page.scripts[0])):
        hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{hashed}';" in page.policy
    assert "unsafe" not in page.policy
    assert "default-src 'none'" in page.policy
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.tags:
        for name, value in attrs.items():
            assert name != "style", f"{tag} has a style"
            assert not name.startswith("on"), f"{tag} has {name}"
            if name in ("src", "href", "action", "data", "srcset", "poster", "xlink:href"):
                assert value == "data:," or (value or "").startswith("#"), f"{tag} {name}={value}"
                assert not (value or "").startswith("#") or (value or "")[1:] in ids
            if name in ("aria-labelledby", "for"):
                assert set((value or "").split()) <= set(ids)
    assert not re.search(r"(?:https?:)?//[a-z0-9]", re.sub(r"http://www.w3.org/2000/svg", "", page.scripts[0]))
    assert not re.search(r"@import|url\((?!#)", page.styles[0])
    raw = set(re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", html))
    assert not raw, f"raw {raw}"
    return page


def page_of(*arguments: object, stdin: bytes = b"") -> Page:
    """The page that `explain --format html ARGUMENTS` prints, checked."""
    ran = run("explain", "--format", "html", *arguments, stdin=stdin)
    assert ran.status == 0, ran.err
    return check(ran.out)


def account(scenario: Scenario) -> Account:
    """What a page of the scenario is made of."""
    booted = boot(scenario)
    return account_of(explain(*select_both(booted), kernel_mode(booted)), booted.log, release=scenario.kernel)


EXAMPLES = sorted(
    path for path in (ROOT / "examples").iterdir()
    if path.suffix in (".yaml", ".log") or path.name == "contest.json"
)  # fmt: skip
LOGS = sorted((ROOT / "tests" / "data" / "real-logs").iterdir())
REAL = sorted((ROOT / "tests" / "data" / "real").glob("*/*.yaml"))


def name_of(path: Path) -> str:
    """A short name for a test."""
    return f"{path.parent.name}/{path.name}"
