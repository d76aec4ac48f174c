"""What the wheel has besides the package, made from the commands themselves: the man page, the completion scripts."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SharedFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Adds share/man/man1/oomsel.1 and each shell's completion script to the wheel, in their standard places."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        sys.path.insert(0, self.root)
        try:
            from oomsel.cli import cli
            from oomsel.cli.man import man_page
            from oomsel.cli.shells import PLACES, SCRIPTS
        finally:
            sys.path.remove(self.root)
        texts = {"share/man/man1/oomsel.1": man_page(cli)}
        texts |= {place: SCRIPTS[shell] for shell, place in PLACES.items()}
        folder = Path(tempfile.mkdtemp())
        for number, (place, text) in enumerate(texts.items()):
            file = folder / str(number)
            file.write_text(text, encoding="utf-8")
            build_data["shared_data"][str(file)] = place
