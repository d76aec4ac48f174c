"""A pytest plugin: `pytest --oomsel` collects scenarios as tests.  Without the option it does nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from oomsel.check.run import Result


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --oomsel, --oomsel-strict and the ini options of the same names."""
    group = parser.getgroup("oomsel", "OOM scenarios")
    group.addoption("--oomsel", action="store_true", help="collect oomsel's scenarios as tests")
    group.addoption("--oomsel-strict", action="store_true", help="a scenario without expect fails; implies --oomsel")
    parser.addini("oomsel", "collect oomsel's scenarios as tests", type="bool", default=False)
    parser.addini("oomsel_strict", "a scenario without expect fails", type="bool", default=False)


def _is_strict(config: pytest.Config) -> bool:
    return bool(config.getoption("oomsel_strict") or config.getini("oomsel_strict"))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario as a file with one test in it."""
    config = parent.config
    if not (config.getoption("oomsel") or config.getini("oomsel") or _is_strict(config)):
        return None
    from oomsel.check.discover import why_not_checked
    from oomsel.inputs.source import SUFFIXES

    if file_path.suffix not in SUFFIXES or why_not_checked(str(file_path)):
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


class ScenarioFile(pytest.File):
    """A scenario's file."""

    def collect(self) -> Iterable[pytest.Item]:
        """The one test: that what is expected happens."""
        yield ScenarioItem.from_parent(self, name="expect")


class Unexpected(Exception):
    """A scenario's expectations do not hold, or it cannot be checked; the message is what `oomsel check` says."""


class ScenarioItem(pytest.Item):
    """A scenario's `expect`, as a test; skipped where there is none."""

    def runtest(self) -> None:
        """Check the scenario."""
        from oomsel.check.output import problem_lines
        from oomsel.check.run import Settings, check_one

        result = check_one(self._name(), Settings(strict=_is_strict(self.config)))
        if result.status == "none":
            pytest.skip("no expect in it")
        if result.status != "ok":
            raise Unexpected("\n".join(problem_lines(result) or _failure_lines(result)))

    def _name(self) -> str:
        """The file's name, relative to the folder where pytest was started."""
        start = self.config.invocation_params.dir
        return str(self.path.relative_to(start) if self.path.is_relative_to(start) else self.path)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """What is wrong, without a traceback."""
        if isinstance(excinfo.value, Unexpected):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the test is."""
        return self.path, None, self._name()


def _failure_lines(result: Result) -> list[str]:
    from oomsel.check.output import message_for
    from oomsel.text import printable, shown

    lines = []
    for place, failure in result.failures:
        lines.append(shown(message_for(result, place, failure)))
        lines += (f"  {shown(printable(line))}" for line in failure.detail)
    return lines
