"""Makes examples/terminal.svg: a terminal in which oomsel has really run."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
WIDTH = 100
COMMANDS = (
    ("select", "--format", "table", "examples/real-contest.yaml"),
    ("check", "examples"),
)


def main() -> None:
    """Run the commands and draw what they print."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    env = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    for words in COMMANDS:
        command = [sys.executable, "-m", "oomsel", *words]
        ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603
        console.print(Text("$ ", style="green") + Text(f"oomsel {' '.join(words)}", style="bold"))
        console.print(Text.from_ansi(ran.stdout))
    svg = console.export_svg(title="oomsel", unique_id="oomsel")
    (ROOT / "examples/terminal.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
