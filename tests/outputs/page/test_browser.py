"""The page in a real browser: nothing to complain of, no request, and sliders that agree with --set.

`make test-browser` runs these and installs axe-core; without a browser they are skipped, and say so.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import pytest

import oomsel
from oomsel.outputs.page.what_if import what_if_data, why_not
from tests import chromium
from tests.chromium import Browser, Tab
from tests.outputs.page.pages import EXAMPLES, LOGS, REAL, account, name_of
from tests.outputs.page.test_pages import hostile_scenario
from tests.outputs.page.tries import tries
from tests.running import run
from tests.support import ROOT

pytestmark = pytest.mark.slow
#: Whether `make test-browser` asked for these: all of them, and none skipped.
IS_ASKED = bool(os.environ.get("OOMSEL_TEST_BROWSER"))

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CONTEST = ROOT / "examples" / "real-contest.yaml"
DMESG = ROOT / "examples" / "dmesg.log"


def without(what: str) -> NoReturn:
    """What is missing: a reason to skip, or under `make test-browser` to fail."""
    if IS_ASKED:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = chromium.find()
    if program is None:
        without(chromium.HOW_TO_INSTALL)
    with chromium.browser(program) as running:
        yield running


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    tab = browser.tab()
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


def made(folder: Path, *arguments: object, name: str = "page.html") -> Path:
    path = folder / name
    ran = run("explain", "--format", "html", "-o", path, "-q", *arguments)
    assert ran.status == 0, ran.err
    return path


def opened(tab: Tab, path: Path, width: int = 1200) -> Tab:
    tab.size(width)
    tab.open(path.as_uri())
    return tab


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, Path]:
    """Pages of every sort, by name."""
    (folder / "hostile.json").write_text(hostile_scenario())
    assert run("generate", "--tasks", 1000, "--cpus", 16, "--seed", 1, "-o", folder / "many.json").status == 0
    arguments: dict[str, tuple[object, ...]] = {
        "contest": (CONTEST,),
        "log": (DMESG,),
        "memcg": (next(path for path in LOGS if path.name == "03-memcg.log"), "--title", "<i>INC</i>"),
        "odd": (next(path for path in LOGS if path.name == "08-odd-comms.log"),),
        "group": (next(path for path in LOGS if path.name == "73-61-group-odd.log"),),
        "storm": ("--all-events", DMESG),
        "several": (ROOT / "examples" / "tie.yaml", ROOT / "examples" / "cgroup.yaml"),
        "kubernetes": (ROOT / "examples" / "kubernetes-node.yaml",),
        "hostile": (folder / "hostile.json",),
        "many": (folder / "many.json", "--rows", 200),
    }
    return {name: made(folder, *words, name=f"{name}.html") for name, words in arguments.items()}


NAMES = ("contest", "log", "memcg", "odd", "group", "storm", "several", "kubernetes", "hostile", "many")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_logged_and_nothing_requested(tab: Tab, pages: dict[str, Path], name: str) -> None:
    opened(tab, pages[name])
    tab.run("new Promise((done) => setTimeout(done, 50))")
    assert tab.console == []
    assert tab.requests == [pages[name].as_uri(), "data:,"][: len(tab.requests)]


@pytest.mark.parametrize("name", NAMES)
def test_a_phone_does_not_scroll_sideways(tab: Tab, pages: dict[str, Path], name: str) -> None:
    opened(tab, pages[name], 390)
    assert tab.run("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 1200), ("light", 390)])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(tab: Tab, pages: dict[str, Path], name: str, scheme: str, width: int) -> None:
    if not AXE.exists():
        without("no axe-core; make test-browser installs it with npm: npm install --no-save axe-core")
    tab.scheme(scheme)
    opened(tab, pages[name], width)
    tab.run("for (const each of document.querySelectorAll('details')) each.open = true")
    tab.run(f"{AXE.read_text()};0")
    found = tab.run(
        "axe.run(document, {}).then((found) => found.violations.map((each) =>"
        " [each.id, each.nodes.length, each.nodes[0].html, each.nodes[0].failureSummary]))"
    )
    assert found == []


TRY = """((tries) => tries.map(([pid, adj, mode]) => {
  const section = document.querySelector("section[data-event=e1]"), form = section.querySelector("form");
  form.reset();
  for (const radio of section.querySelectorAll(".modes input")) if (radio.value === mode) radio.click();
  const find = () => document.getElementById("e1-r" + pid);
  if (!find()) {
    form.querySelector("input").value = pid;
    form.requestSubmit();
  }
  const range = find();
  range.value = adj;
  range.dispatchEvent(new Event("input"));
  const { ending, pid: chosen } = section.querySelector(".answer").dataset;
  return [ending, chosen === "" ? null : Number(chosen)];
}))"""


@pytest.mark.parametrize("path", REAL + EXAMPLES if IS_ASKED else (REAL + EXAMPLES)[::6], ids=name_of)
def test_the_sliders_agree_with_set(tab: Tab, folder: Path, path: Path) -> None:
    found = account(oomsel.load(path))
    reason = why_not(found)
    event = () if found.reading is None else ("--event", found.reading.event.index)
    opened(tab, made(folder, path, *event))
    if reason is not None:
        assert reason in tab.run("document.querySelector('.whatif').textContent")
        assert tab.run("document.querySelector('[type=range]')") is None
        return
    wanted = tries(path, what_if_data(found))
    got = tab.run(f"{TRY}({json.dumps([[one.pid, one.adj, one.mode] for one in wanted])})")
    assert [tuple(each) for each in got] == [(one.ending, one.chosen) for one in wanted]
    assert tab.console == []


@pytest.mark.parametrize("path", [CONTEST, DMESG], ids=name_of)
def test_the_slider_flips_where_explain_says(tab: Tab, folder: Path, path: Path) -> None:
    rescue = json.loads(run("explain", "--format", "json", path).out)["rescues"][0]
    pid, adj = rescue["pid"], rescue["oom_score_adj"]
    opened(tab, made(folder, path))
    got = tab.run(f"{TRY}({json.dumps([[pid, adj + 1, rescue['mode']], [pid, adj, rescue['mode']]])})")
    assert got[0][1] == pid
    assert got[1][1] != pid
    assert f"kills {got[1][1]} (" in rescue["then"]
    assert tab.run("document.querySelector('.answer').textContent").startswith(f"Then {got[1][1]} (")
    command = tab.run("document.querySelector('.set code').textContent")
    assert command == f"--set 'tasks[{pid}].oom_score_adj={adj}'"


def test_an_arrow_key_moves_a_slider(tab: Tab, pages: dict[str, Path]) -> None:
    opened(tab, pages["contest"])
    tab.run("document.getElementById('e1-r247').focus()")
    for kind in ("keyDown", "keyUp"):
        tab.send("Input.dispatchKeyEvent", type=kind, key="ArrowLeft", code="ArrowLeft", windowsVirtualKeyCode=37)
    assert tab.run("document.getElementById('e1-r247').value") == "-1"
    assert tab.run("document.querySelector('.set code').textContent") == "--set 'tasks[247].oom_score_adj=-1'"


CELLS = "[...document.querySelectorAll('.tasks tbody tr:not([hidden])')].map((row) => row.cells[{}].textContent)"


def test_the_table_sorts_filters_and_changes_units(tab: Tab, pages: dict[str, Path]) -> None:
    opened(tab, pages["contest"])
    headings = tab.run("[...document.querySelectorAll('.tasks thead th')].map((each) => each.textContent)")
    name, rss = headings.index("name"), headings.index("RSS")
    click = "document.querySelectorAll('.tasks thead th')[{}].querySelector('button').click()"
    order = "document.querySelectorAll('.tasks thead th')[{}].getAttribute('aria-sort')"
    pages_of = [int(text.replace(",", "").replace("\u2013", "-1")) for text in tab.run(CELLS.format(rss))]
    tab.run(click.format(rss))
    assert tab.run(order.format(rss)) == "descending"
    sorted_pages = [int(text.replace(",", "").replace("\u2013", "-1")) for text in tab.run(CELLS.format(rss))]
    assert sorted_pages == sorted(pages_of, reverse=True)
    tab.run(click.format(rss))
    assert tab.run(order.format(rss)) == "ascending"
    tab.run(click.format(name))
    assert tab.run(order.format(rss)) is None
    names = tab.run(CELLS.format(name))
    assert names == sorted(names)
    tab.run("document.querySelector('.tasks [type=radio][value=MiB]').click()")
    tab.run(click.format(rss))
    assert tab.run(CELLS.format(rss))[0] == "284"
    tab.run(
        "{ const filter = document.querySelector('.tasks [type=search]');"
        " filter.value = 'OVER'; filter.dispatchEvent(new Event('input')) }"
    )
    assert tab.run(CELLS.format(name)) == ["over"]
    assert tab.run("document.querySelector('.tasks [role=status]').textContent") == "1 of 8 tasks"
    assert tab.console == []


def test_without_javascript_every_fact_is_there(browser: Browser, pages: dict[str, Path]) -> None:
    tab = browser.tab(scripts=False)
    opened(tab, pages["contest"])
    document = tab.send("DOM.getDocument")["root"]["nodeId"]
    html = tab.send("DOM.getOuterHTML", nodeId=document)["outerHTML"]
    tab.close()
    for fact in ("12,983", "11,495", "248 (under)", "echo -22", "--set 'tasks[PID]"):
        assert fact in html
    assert html.count('class="js" hidden') + html.count('class="controls js" hidden') == 2


def test_ten_thousand_tasks_open(tab: Tab, folder: Path) -> None:
    scenario = folder / "ten-thousand.json"
    assert run("generate", "--tasks", 10_000, "--cpus", 4, "--seed", 1, "-o", scenario).status == 0
    opened(tab, made(folder, scenario))
    assert tab.run("document.querySelectorAll('.tasks tbody tr').length") == 2000
    pid = tab.run("JSON.parse(document.getElementById('e1-data').textContent).tasks.at(-1)[0]")
    assert tab.run(f"{TRY}([[{pid}, 1000, 'precise']])")[0][1] == pid
    assert tab.console == []


def test_a_server_is_asked_for_nothing_else(tab: Tab, pages: dict[str, Path], folder: Path) -> None:
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *values: Any) -> None:
            asked.append(values[1])

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        tab.open(f"http://127.0.0.1:{server.server_address[1]}/contest.html")
        tab.run("new Promise((done) => setTimeout(done, 300))")
        server.shutdown()
        thread.join()
    assert asked == ["GET /contest.html HTTP/1.1"]
    assert tab.console == []


def test_print_shows_no_controls(tab: Tab, pages: dict[str, Path]) -> None:
    opened(tab, pages["log"])
    tab.send("Emulation.setEmulatedMedia", media="print")
    shown = "[...document.querySelectorAll('input, form button, .skip')]"
    shown += ".filter((each) => each.getClientRects().length).length"
    assert tab.run(shown) == 0
    assert tab.run("document.querySelectorAll('.tasks tbody tr').length") == 16
