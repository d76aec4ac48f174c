"""The page as HTML: well formed, closed to the outside, every name as text, and the facts in it."""

from __future__ import annotations

import json
import re
import shlex
import sys
from html import unescape
from pathlib import Path

import pytest

import oomsel
from oomsel.outputs.page import document
from tests.outputs.page.pages import EXAMPLES, LOGS, Page, check, name_of, page_of
from tests.running import run
from tests.support import DATA, ROOT

CONTEST = ROOT / "examples" / "real-contest.yaml"
DMESG = ROOT / "examples" / "dmesg.log"
GOLDEN = DATA / "page" / "smallest.html"


@pytest.mark.parametrize("path", EXAMPLES + LOGS, ids=name_of)
def test_a_page_is_closed_to_the_outside(path: Path) -> None:
    found = json.loads(run("explain", "--format", "json", path).out)
    page = page_of(path)
    for death in found["killed"]:
        assert f"{death['comm']} (pid {death['pid']})" in page.html.replace("&#39;", "'").replace("&#34;", '"') or (
            f"({death['pid']})" in page.words
        )
    words = page.words.replace(" ", "")
    for said in (*found["why"], *(each["sentence"] for each in found["diagnosis"] + found["advice"])):
        assert said.replace(" ", "") in words
    for line in (each["line"] for each in found["advice"] if each["line"]):
        assert line.replace(" ", "") in words
    for name in found["usage"]["by_name"][:8]:
        assert name["comm"] in page.words


@pytest.mark.parametrize("path", [DMESG, *(path for path in LOGS if "22b" in path.name)], ids=name_of)
def test_every_report_of_a_log_is_on_one_page(path: Path) -> None:
    page = page_of("--all-events", path)
    storm = json.loads(run("explain", "--all-events", "--format", "json", path).out)
    assert sum(tag == "article" for tag, _ in page.tags) == len(storm["events"])
    assert f"{storm['storm']['reports']} reports within" in page.words


def without_assets(html: str) -> str:
    """A page without its style and its script, of no version."""
    html = re.sub(r"sha256-[^']*", "sha256-", html).replace(f"oomsel {oomsel.__version__}", "oomsel VERSION")
    return re.sub(r"(<style>|<script>).*?(</style>|</script>)", r"\1\2", html, flags=re.DOTALL)


def test_the_smallest_page() -> None:
    page = page_of("examples/smallest.yaml")
    assert without_assets(page.html) == GOLDEN.read_text()


HOSTILE = (
    "</script><b>", "<!--<script>", "\"'><img src=x", "{{7*7}}{%if%}", "\\x1b[31mred\\x07", "a\\x0ab\\x09c",
    "\u202eevil\u202c",
    "\u2028\u2029&lt;", "&amp;&#60;", "\\xff\\xfe", "*_[x](y)`", "${alert(1)}", "--set", "\u05e9\u05dc\u05d5\u05dd", "",
)  # fmt: skip


def hostile_scenario() -> str:
    """A scenario each of whose tasks and cgroups has a name that wants to be more than text."""
    tasks = [
        {"pid": 100 + at, "comm": name, "memcg": f"/g/{name.replace('/', '')}<i>", "rss": {"anon": 1000 + at}}
        for at, name in enumerate(HOSTILE)
    ]
    groups: dict[str, dict[str, str]] = {"/g": {"max": "100MiB"}}
    groups |= {str(task["memcg"]): {} for task in tasks}
    return json.dumps(
        {"oomsel": 1, "description": "<script>alert(1)</script>\u202e", "machine": {"cpus": 4, "ram": "1GiB"},
         "memcgs": groups, "tasks": tasks, "oom": {"memcg": "/g"}}
    )  # fmt: skip


def test_hostile_names_are_text(tmp_path: Path) -> None:
    path = tmp_path / "<b>\u202ex\x1b[1m'\".json"
    path.write_text(hostile_scenario())
    page = page_of("--title", "</title><b>\x1b", "--set", "description=</script>", path)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"img", "iframe", "object", "embed"}
    assert sum(tag == "script" for tag, _ in page.tags) == 2
    (data,) = page.data
    assert [task[1] for task in data["tasks"]] == [
        "</script><b>", "<!--<script>", "\"'><img src=x", "{{7*7}}{%if%}", "\\x1b[31mred\\x07", "a\\x0ab\\x09c",
        "\\xe2\\x80\\xaeevil\\xe2\\x80\\xac", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9&lt;", "&amp;&#60;", "\\xff\\xfe",
        "*_[x](y)`", "${alert(1)}", "--set", "\u05e9\u05dc\u05d5\u05dd", "",
    ]  # fmt: skip
    for task in data["tasks"]:
        assert task[1] in page.words
    assert "</title><b>\\x1b" in page.words


def test_long_names_do_not_widen_the_page(tmp_path: Path) -> None:
    scenario = {"oomsel": 1, "machine": {"cpus": 4, "ram": "1GiB"}, "memcgs": {"/" + "long" * 50: {}},
                "tasks": [{"pid": 7, "comm": "a", "memcg": "/" + "long" * 50}]}  # fmt: skip
    path = tmp_path / "long.json"
    path.write_text(json.dumps(scenario))
    assert "long" * 50 in page_of(path).words


def test_ten_tasks_are_below_60_kb() -> None:
    assert len(page_of(DATA / "real-logs" / "03-memcg.log").html.encode()) < 60_000  # 9 tasks, 116 lines
    assert len(page_of(CONTEST).html.encode()) < 60_000


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "thousand.json"
    assert run("generate", "--tasks", 1000, "--cpus", 16, "--seed", 1, "-o", path).status == 0
    return path


def test_a_thousand_tasks_are_below_1_5_mb(thousand: Path) -> None:
    page = page_of(thousand)
    assert len(page.html.encode()) < 1_500_000
    assert rows(page) == 1000


def rows(page: Page) -> int:
    """Rows of the table of every task."""
    inside = page.html[page.html.index('<section class="tasks"') :]
    return inside[inside.index("<tbody>") : inside.index("</tbody>")].count("<tr")


def test_what_has_no_row_is_summed_up(thousand: Path) -> None:
    tasks = json.loads(run("explain", "--format", "json", thousand).out)["tasks"]
    page = page_of("--rows", 30, thousand)
    assert rows(page) == 30
    assert len(page.data[0]["tasks"]) > 30  # the sliders know them all
    ordered = sorted((task for task in tasks if not task["skip_reason"]), key=lambda task: -task["badness"])[30:]
    rest = len(tasks) - 30
    expected = f"{rest:,} more tasks are not in this table: together they hold "
    assert expected in page.words
    assert f"{len(ordered):,} of them may be killed, with a badness of at most {ordered[0]['badness']:,}." in page.words


def test_the_command_makes_the_page_again(tmp_path: Path) -> None:
    page, again = tmp_path / "it's a page.html", tmp_path / "again.html"
    made = run(
        "explain", DMESG, "--event", 2, "--set", "tasks[194].oom_score_adj=5", "--kernel", "6.18", "--rows", 7,
        "--title", "two words", "--format", "html", "-o", page, "-q",
    )  # fmt: skip
    assert made.status == 0, made.err
    (command,) = re.findall(r'<pre tabindex="0">(oomsel .*?)</pre>', page.read_text())
    words = shlex.split(unescape(command))
    assert words[0] == "oomsel"
    words[words.index("--output") + 1] = str(again)
    assert run(*words[1:]).status == 0
    bare = [re.sub(r"--output [^\n]*<|--output .*? --event", "", path.read_text()) for path in (page, again)]
    assert bare[0] == bare[1]


def test_a_page_is_made_of_standard_input_and_of_several_inputs() -> None:
    assert "batch (pid 200)" in page_of("-", stdin=DMESG.read_bytes()).words
    page = page_of(CONTEST, "examples/tie.yaml")
    assert [attrs["id"] for tag, attrs in page.tags if tag == "article"] == ["e1", "e2"]


def test_the_reports_of_the_log_are_on_a_time_line() -> None:
    page = page_of("--event", 2, DMESG)
    current = [attrs for tag, attrs in page.tags if tag == "tr" and attrs.get("aria-current")]
    assert len(current) == 1
    assert sum(tag == "circle" for tag, _ in page.tags) == 2
    assert "194 (chrome)" in page.words


def test_the_lines_of_the_log_are_there() -> None:
    page = page_of("--event", 1, DMESG)
    text = "".join(page.text)
    for line in DMESG.read_text().split("\n")[:76]:
        assert line in text


def test_it_is_said_what_is_missing() -> None:
    lines = DMESG.read_bytes().split(b"\n")
    cut = b"\n".join(lines[5:76])
    page = page_of("-", stdin=cut)
    found = json.loads(run("explain", "--format", "json", "-", stdin=cut).out)
    assert found["missing"]
    assert f"The report is incomplete: {'; '.join(found['missing'])}." in page.words


def test_a_report_without_a_table_has_a_page() -> None:
    line = (
        b"[ 9.5] Out of memory: Killed process 7 (<i>x) total-vm:900kB, anon-rss:800kB, file-rss:0kB, shmem-rss:0kB\n"
    )
    page = page_of("-", stdin=line)
    assert "<i>x (pid 7) was killed" in page.words
    assert "Another oom_score_adj cannot be tried here: the log shows nobody to choose from." in page.words
    assert page.data == []
    assert line.decode().strip() in "".join(page.text)


def test_without_jinja_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    document._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    ran = run("explain", "--format", "html", CONTEST)
    document._environment.cache_clear()
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "oomsel: --format html needs Jinja2, which is not installed; in a clone or an unpacked archive:"
        " pip install '.[html]'\n"
    )


def test_jinja_is_imported_for_pages_alone() -> None:
    import subprocess

    script = (
        "import sys; from tests.running import run; run('explain', 'examples/tie.yaml'); print('jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("option", ["--title", "--rows"])
def test_options_of_a_page_are_refused_elsewhere(option: str) -> None:
    ran = run("explain", option, "7", CONTEST)
    assert (ran.status, ran.out) == (2, "")
    assert f"{option} is for --format html" in ran.err


def test_the_check_of_pages_can_fail() -> None:
    html = page_of(CONTEST).html
    for wrong in (
        html.replace("default-src 'none'; ", ""),
        html.replace("<main", "<img src='https://example.com/x.png'><main"),
        html.replace("<main", "<main style='x'"),
        html.replace('"use strict"', '"use  strict"'),
        html.replace("</main>", ""),
    ):
        assert wrong != html
        with pytest.raises(AssertionError):
            check(wrong)
