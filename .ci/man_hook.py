"""Makes the man page from the commands when the wheel is built, so that neither can be older than the other."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPage(BuildHookInterface):  # type: ignore[type-arg]
    """Adds share/man/man1/oomsel.1 to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        sys.path.insert(0, self.root)
        try:
            from oomsel.cli import cli
            from oomsel.cli.man import man_page
        finally:
            sys.path.remove(self.root)
        page = Path(tempfile.mkdtemp()) / "oomsel.1"
        page.write_text(man_page(cli), encoding="utf-8")
        build_data["shared_data"][str(page)] = "share/man/man1/oomsel.1"
