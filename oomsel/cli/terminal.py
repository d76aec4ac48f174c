"""What standard output can show: on a terminal colour and lines of its width, elsewhere neither."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from oomsel.outputs.score_bars import Signs

from oomsel.cli import streams
from oomsel.layout import WIDTH
from oomsel.text import shown

#: What stands for the escape that begins a colour of oomsel's own until the text is written: no input can know it.
_ESCAPE = f"<{os.urandom(12).hex()}>"


def goes_to_file() -> bool:
    """Whether the running command writes to a file, with --output."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and ctx.params.get("output") not in (None, "-")


def is_terminal() -> bool:
    """Whether the output goes to a terminal."""
    return streams.is_terminal(sys.stdout) and not goes_to_file()


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


class _Shown:
    """What rich draws, with nothing in its text that a terminal acts on."""

    def __init__(self, renderable: Any) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        for segment in console.render(self._renderable, options):
            yield segment._replace(text=shown(segment.text))


class _ShowsAll:
    """A rich render hook: whatever is printed is `_Shown`."""

    def process_renderables(self, renderables: list[Any]) -> list[Any]:
        return [_Shown(renderable) for renderable in renderables]


def printed(console: Any) -> str:
    """What was printed on a `console`, for `write`."""
    return str(console.file.getvalue()).replace("\x1b", _ESCAPE)


def with_colours(text: str) -> str:
    """A text that is safe to write, with the colours that `styled` and `printed` have put into it."""
    return text.replace(_ESCAPE, "\x1b") if _ESCAPE in text else text


def bar_signs() -> Signs | None:
    """What bars are drawn with: on a terminal, or with --color always; plain ASCII where the locale has no UTF-8."""
    if not (is_terminal() or has_colour()):
        return None
    from oomsel.outputs.score_bars import ASCII, UTF8

    return UTF8 if _has_utf8() else ASCII


def _has_utf8() -> bool:
    """Whether the locale has UTF-8, as the environment names it.

    Python itself writes UTF-8 in the C locale, and puts LC_CTYPE=C.UTF-8 into its environment, so
    that neither the stream's encoding nor that value tells what the terminal shows.
    """
    variables: tuple[str, ...] = ("LC_ALL", "LC_CTYPE", "LANG")
    if os.environ.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8"):
        variables = ("LC_ALL", "LANG")
    name = next((os.environ[name] for name in variables if os.environ.get(name)), "")
    return name.lower().replace("-", "").partition("@")[0].endswith("utf8")


def console() -> Any:
    """A rich console that writes to memory what suits standard output; what goes to a pipe has 80 columns.

    Whatever is printed on it is text: no markup, no emoji by name, and nothing highlighted.
    """
    import io

    from rich.console import Console

    colour = has_colour()
    width = Console(file=sys.stdout).width if is_terminal() else WIDTH
    system = Console(file=sys.stdout, force_terminal=True).color_system if colour else None
    made = Console(
        file=io.StringIO(),
        force_terminal=colour,
        color_system=system or ("standard" if colour else None),  # type: ignore[arg-type]
        no_color=False,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
    )
    made.push_render_hook(_ShowsAll())  # type: ignore[arg-type]  # RenderHook's one method, without its import
    return made


def styled(text: str, **style: Any) -> str:
    """`text` in click's `style` where there is colour, for `write`."""
    return click.style(shown(text), **style).replace("\x1b", _ESCAPE) if has_colour() else text
