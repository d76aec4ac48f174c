"""Every sample in README.md and the guides is what the program prints today; their Python runs, their links lead on."""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import oomsel

ROOT = Path(__file__).parent.parent
GUIDES = ROOT / "examples" / "guides"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted(GUIDES.glob("*.md")))}
README = TEXTS["README.md"]
pytestmark = pytest.mark.slow  #: all together: each sample starts the program, some of them twice
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the examples, where samples may leave their files."""
    made = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", made / "examples")
    return made


def run(command: str, folder: Path) -> str:
    env = {**os.environ, "PATH": PATH, "COLUMNS": "80"}
    words = ["sh", "-c", command]
    done = subprocess.run(words, cwd=folder, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode("utf-8")


def samples() -> list[tuple[str, str, str]]:
    """Every command with the text that it stands in, and what it prints; a block may have several."""
    found = []
    for name, text in TEXTS.items():
        for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
            for sample in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = sample.partition("\n")
                found.append((name, command, output))
    return found


@pytest.mark.parametrize(
    ("name", "command", "expected"), samples(), ids=[f"{name}: {command}" for name, command, _ in samples()]
)
def test_sample(name: str, command: str, expected: str, folder: Path) -> None:
    # A line of three dots stands for any lines.
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", expected, flags=re.MULTILINE)]
    printed = run(command, folder)
    assert re.fullmatch("(?:.*\n)*".join(parts), printed), printed


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if "```pycon" in text])
def test_python_session(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    monkeypatch.chdir(ROOT)
    session = doctest.DocTestParser().get_doctest(TEXTS[name], {}, name, name, 0)
    assert len(session.examples) >= 5
    results = doctest.DocTestRunner(verbose=False).run(session)
    assert results.failed == 0


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name: str) -> None:
    folder = ROOT if name == "README.md" else GUIDES
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXTS[name]):
        assert link.startswith("https://") or (folder / link).exists(), link


@pytest.mark.parametrize("name", TEXTS)
def test_yaml_in_it_can_be_read(name: str) -> None:
    for block in re.findall(r"```yaml\n(.*?)```", TEXTS[name], re.DOTALL):
        assert yaml.safe_load(block)


def test_there_are_guides_and_the_readme_names_them_all() -> None:
    assert [name for name in TEXTS if name != "README.md" and f"examples/guides/{name}" not in README] == []
    assert len(README.splitlines()) <= 185


def test_the_changes_begin_with_this_version() -> None:
    assert re.findall(r"^## (.*)", TEXTS["changes.md"], re.MULTILINE)[0] == oomsel.__version__
    assert f"rev: v{oomsel.__version__}" in TEXTS["ci.md"]


@pytest.mark.parametrize("name", TEXTS)
def test_every_option_named_exists(name: str) -> None:
    said = "".join(run_help())
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", re.sub(r"```.*?```", "", TEXTS[name], flags=re.DOTALL))):
        assert option in said or option in FOREIGN, option


#: Options of other programs that the texts name.
FOREIGN = {"--json", "--oomsel", "--oomsel-strict"}


def run_help() -> list[str]:
    """Every command's help."""
    from oomsel.cli import COMMANDS
    from tests.running import run as run_here

    return [run_here(command, "--help").out for command in COMMANDS]


def test_bench_sample_has_the_shape_of_what_is_printed(folder: Path) -> None:
    (sample,) = re.findall(r"```text\n\$ oomsel bench\n(.*?)```", TEXTS["large.md"], re.DOTALL)
    measured = re.compile(r" +[0-9]+\.[0-9]{2,3}\b")  # the kernel's figures have one decimal, and stay
    assert measured.sub(" N", sample) == measured.sub(" N", run("oomsel bench --runs 1", folder))


def test_every_key_of_a_report_is_told(folder: Path) -> None:
    for mode in ("both", "two-pass"):
        for name in ("examples/real-contest.yaml", "examples/dmesg.log"):
            report = json.loads(run(f"oomsel -q select --mode {mode} --format json {name}", folder))
            for key in (*report, *report.get("approximate", ())):
                assert f"`{key}`" in TEXTS["format.md"], key


def test_there_are_samples() -> None:
    assert len(samples()) >= 15


@pytest.mark.parametrize("name", ["README.md", "format.md"])
def test_first_scenario_is_the_example(name: str) -> None:
    text = re.findall(r"```yaml\n(oomsel: 1.*?)```", TEXTS[name], re.DOTALL)[0]
    example = (ROOT / "examples" / "first.yaml").read_text(encoding="utf-8")
    assert text in example
    assert len(text.splitlines()) <= 10


def test_the_workflow_runs_what_there_is() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    ran = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    targets = [words.removeprefix("make ") for words in ran if words.startswith("make ")]
    assert {"test-lowest", "test-browser", "test-package"} == set(targets)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    beside = TEXTS["developing.md"].partition("beside it CI runs")[2].partition(". ")[0]
    assert set(re.findall("`make ([a-z-]+)`", beside)) == set(targets)
    assert "bash .ci/run" in ran
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert (hook["entry"], hook["args"]) == ("oomsel check --allow-empty", ["."])
