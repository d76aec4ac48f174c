"""The floors of the house: a room imports from the rooms above it, and from nothing below."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support import ROOT

#: The rooms from top to bottom; those on one line know nothing of each other.
FLOORS = (
    ("text", "layout"),
    ("errors", "files", "workers"),
    ("kernel",),
    ("klog", "scenario"),
    ("inputs",),
    ("booting",),
    ("outputs",),
    ("diff", "check"),
    ("study",),
    ("api",),
    ("cli",),
)
#: The package itself and its plug-in show people the rooms; no room imports them.
DOORS = ("__init__", "__main__", "pytest_plugin")
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "oomsel").rglob("*.py"))
}


def room_of(module: str) -> str:
    """The room that a module stands in: `kernel` for oomsel.kernel.badness."""
    return module.split(".")[1] if "." in module else "__init__"


def imports_of(module: str, source: str) -> Iterator[str]:
    """Every module of oomsel that `source` imports, at its top or inside a function, for types or to run."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "oomsel":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "oomsel")
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{module}: a relative import"


def wrong_imports(module: str, source: str) -> list[str]:
    """The imports of `module` that lead down the house, or to another room on its floor."""
    room = room_of(module)
    if room in DOORS:
        return []
    wrong = []
    for imported in imports_of(module, source):
        other = room_of(imported)
        if imported == "oomsel" and room == "cli":  # __version__
            continue
        if other != room and (other in DOORS or FLOOR_OF[other] >= FLOOR_OF[room]):
            wrong.append(f"{module} imports {imported}")
    return wrong


def test_every_file_stands_in_a_room() -> None:
    assert {room_of(module) for module in MODULES} == {*FLOOR_OF, *DOORS}


@pytest.mark.parametrize("module", MODULES)
def test_imports_lead_up(module: str) -> None:
    assert wrong_imports(module, MODULES[module].read_text()) == []


def test_a_wrong_import_is_found() -> None:
    source = "def late():\n    from oomsel.cli import common\n"
    assert wrong_imports("oomsel.kernel.badness", source) == ["oomsel.kernel.badness imports oomsel.cli.common"]
    assert wrong_imports("oomsel.klog.event", "from oomsel.scenario import models") != []


def test_no_files_import_each_other_in_a_circle() -> None:
    edges = {module: set(imports_of(module, path.read_text())) - {module, "oomsel"} for module, path in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way[way.index(module) :], module))
        if module in done:
            return
        for imported in sorted(edges.get(module, ())):
            visit(imported, (*way, module))
        done.add(module)

    for module in MODULES:
        visit(module, ())
