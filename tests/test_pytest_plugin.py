"""The pytest plugin: nothing without --oomsel, a test for each scenario with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = "oomsel: 1\nmachine: {cpus: 1, ram: 1GiB}\ntasks: [{pid: 7, comm: a, rss: {anon: 5}}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "holds.yaml").write_text(SCENARIO + "expect: {victim: a}\n")
    (tmp_path / "fails.yaml").write_text(SCENARIO + "expect: {victim: b}\n")
    (tmp_path / "broken.yaml").write_text(SCENARIO + "expect: {victim: []}\n")
    (tmp_path / "without.yaml").write_text(SCENARIO)
    (tmp_path / "other.yaml").write_text("a: 1\n")
    (tmp_path / "test_one.py").write_text("def test_one(): pass\n")
    return tmp_path


def pytest_in(folder: Path, *args: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *args]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # twice as fast
    ran = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True, env=env)
    return ran.returncode, ran.stdout


def test_inert_unless_asked_for(folder: Path) -> None:
    status, out = pytest_in(folder)
    assert status == 0
    assert "1 passed" in out


def test_scenarios_are_tests(folder: Path) -> None:
    status, out = pytest_in(folder, "--oomsel", "-v")
    assert status == 1
    assert "2 failed, 2 passed, 1 skipped" in out
    assert "holds.yaml::expect PASSED" in out
    assert 'fails.yaml:4:18: expect.victim: expected "b"; each mode kills 7 (a)' in out
    assert "oomsel: " not in out
    assert "broken.yaml:4:18: expect.victim: an empty list is no text" in out
    assert "Traceback" not in out
    assert "other.yaml" not in out


@pytest.mark.slow
def test_ini_and_strict(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\noomsel = true\n")
    assert "2 failed, 2 passed, 1 skipped" in pytest_in(folder)[1]
    assert "3 failed, 2 passed" in pytest_in(folder, "--oomsel-strict")[1]
