"""`make pictures`: the README's pictures of real runs: explain's screens as SVG, its page as a browser shows it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests import chromium
from tests.support import ROOT

FOLDER = ROOT / "examples" / "pictures"
#: As rich has it, without the fonts that it would load from elsewhere.
SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>@title</title>
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def oomsel(*arguments: str) -> str:
    """What the program prints, in colour, 80 columns wide."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "80", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    words = [sys.executable, "-m", "oomsel", *arguments]
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, check=True).stdout.decode()


def shown(*arguments: str) -> Text:
    """What a command prints on a terminal."""
    return Text.from_ansi(oomsel(*arguments, "--color", "always").rstrip("\n"))


def screen(name: str, *arguments: str) -> None:
    """A picture of what a command prints."""
    text = shown(*arguments)
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(text)
    console.print()  # the clip cuts the last line's underscores off
    title = "$ " + " ".join(["oomsel", *arguments])
    form = SVG.replace("@title", escape(title).replace("{", "{{").replace("}", "}}"))
    svg = console.export_svg(title=title, code_format=form, unique_id="oomsel")
    (FOLDER / name).write_text("\n".join(line.rstrip() for line in svg.split("\n")), encoding="utf-8")


def page(name: str, *arguments: str, until: str) -> None:
    """A picture of the top of a page, up to the heading with that id."""
    from PIL import Image

    program = chromium.find()
    if program is None:
        sys.exit(chromium.HOW_TO_INSTALL)
    with tempfile.TemporaryDirectory() as folder, chromium.browser(program) as browser:
        html, png = Path(folder) / "page.html", Path(folder) / "page.png"
        oomsel("explain", *arguments, "--format", "html", "-o", str(html))
        tab = browser.tab()
        tab.size(1100)
        tab.open(html.as_uri())
        tab.picture(png, most=tab.run(f"document.getElementById('{until}').getBoundingClientRect().top - 24"))
        # 64 colours are enough for text and bars, and keep the file small.
        with Image.open(png) as image:
            image.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)


def main() -> None:
    """Make all of them."""
    FOLDER.mkdir(exist_ok=True)
    screen("explain.svg", "explain", "examples/dmesg.log")
    screen("contest.svg", "select", "--format", "table", "examples/real-contest.yaml")
    page("page.png", "examples/real-contest.yaml", until="e1-sum")
    for path in sorted(FOLDER.iterdir()):
        sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
