"""Every example says what to look for, and comes out as the golden file beside these tests says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import run

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(
    path
    for path in (ROOT / "examples").iterdir()
    if path.suffix in (".yaml", ".json") and not path.stem.endswith(".schema")
)
GOLDEN = Path(__file__).parent / "data" / "examples"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("command", ["select", "explain"])
def test_output(command: str, path: Path) -> None:
    result = run(command, path)
    assert result.status == 0, result.err
    assert result.out == (GOLDEN / f"{path.name}.{command}").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_says_what_to_look_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "Look for" in text or "killed 247" in text


def test_every_golden_file_has_its_example() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {path.name for path in EXAMPLES}
