"""What standard output can show: on a terminal colour and lines of its width, elsewhere neither."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from oomsel.text import WIDTH


def goes_to_file() -> bool:
    """Whether the running command writes to a file, with --output."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and ctx.params.get("output") not in (None, "-")


def is_terminal() -> bool:
    """Whether the output goes to a terminal."""
    return sys.stdout.isatty() and not goes_to_file()


def has_colour() -> bool:
    """Whether to write colours: --color decides, then NO_COLOR, then FORCE_COLOR, then a terminal that is not dumb."""
    ctx = click.get_current_context(silent=True)
    asked = None if ctx is None else ctx.meta.get("oomsel.color")
    if asked in ("always", "never"):
        return bool(asked == "always")
    if os.environ.get("NO_COLOR") or goes_to_file():
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal() and os.environ.get("TERM") != "dumb"


def console() -> Any:
    """A rich console that writes to memory what suits standard output; what goes to a pipe has 80 columns."""
    import io

    from rich.console import Console

    colour = has_colour()
    width = Console(file=sys.stdout).width if is_terminal() else WIDTH
    system = Console(file=sys.stdout, force_terminal=True).color_system if colour else None
    return Console(
        file=io.StringIO(),
        force_terminal=colour,
        color_system=system or ("standard" if colour else None),  # type: ignore[arg-type]
        no_color=False,
        width=width,
    )


def styled(text: str, **style: Any) -> str:
    """`text` in click's `style` where there is colour."""
    return click.style(text, **style) if has_colour() else text
