"""Every sample in README.md is what the program prints today, and its Python runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
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


def samples() -> list[tuple[str, str]]:
    """Every command and what it prints; a block may have several."""
    pairs = []
    for block in CONSOLE:
        for sample in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = sample.partition("\n")
            pairs.append((command, output))
    return pairs


@pytest.mark.parametrize(("command", "expected"), samples(), ids=[command for command, _ in samples()])
def test_sample(command: str, expected: str, folder: Path) -> None:
    # A line of three dots stands for any lines.
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", expected, flags=re.MULTILINE)]
    printed = run(command, folder)
    assert re.fullmatch("(?:.*\n)*".join(parts), printed), printed


def test_bench_sample_has_the_shape_of_what_is_printed(folder: Path) -> None:
    (sample,) = re.findall(r"```text\n\$ oomsel bench\n(.*?)```", README, re.DOTALL)
    measured = re.compile(r" +[0-9]+\.[0-9]{2,3}\b")  # the kernel's figures have one decimal, and stay
    assert measured.sub(" N", sample) == measured.sub(" N", run("oomsel bench --runs 1", folder))


def test_every_key_of_a_report_is_told(folder: Path) -> None:
    for mode in ("both", "two-pass"):
        for name in ("examples/real-contest.yaml", "examples/dmesg.log"):
            report = json.loads(run(f"oomsel -q select --mode {mode} --format json {name}", folder))
            for key in (*report, *report.get("approximate", ())):
                assert f"`{key}`" in README, key


def test_there_are_samples() -> None:
    assert len(samples()) >= 15


def test_python_sample(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(code, {})  # noqa: S102
    assert capsys.readouterr().out.startswith("248 (under)\nallocator invoked oom-killer: ")


def test_first_scenario_is_the_example() -> None:
    (text,) = re.findall(r"```yaml\n(oomsel.*?)```", README, re.DOTALL)
    example = (ROOT / "examples" / "first.yaml").read_text(encoding="utf-8")
    assert text in example
    assert len(text.splitlines()) <= 10
