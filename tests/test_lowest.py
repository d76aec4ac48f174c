"""The versions that `make test-lowest` installs are the lowest that pyproject.toml allows."""

from __future__ import annotations

import re
import tomllib
from itertools import chain

from tests.support import ROOT


def test_the_lowest_versions_are_those_that_are_declared() -> None:
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = stated["project"], stated["dependency-groups"]
    needed = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    bounds = {tuple(requirement.split(">=")) for requirement in needed}
    pinned = dict(re.findall(r"^(\S+)==(\S+)$", (ROOT / ".ci" / "lowest.txt").read_text(), re.MULTILINE))
    assert {name for name, _ in bounds} <= set(pinned)
    bounds |= {tuple(each.split(">=")) for each in groups["dev"] if each.partition(">=")[0] in pinned}
    assert {name for name, _ in bounds} == set(pinned)
    for name, bound in bounds:
        assert re.fullmatch(re.escape(bound) + r"(\.0)*", pinned[name]), name
