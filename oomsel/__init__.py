"""oomsel: whom does the Linux OOM killer choose, why, and would it have chosen someone else?

The public API, each name imported when it is first used::

    import oomsel

    scenario = oomsel.load("scenario.yaml")
    report = oomsel.select(scenario, mode="precise")
    print("\\n".join(oomsel.kernel_lines(report)))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oomsel.errors import InputError, OomselError, Problem, UsageError
    from oomsel.report.json_report import report_object
    from oomsel.report.kernel_text import kernel_lines
    from oomsel.report.oom_report import OomReport, Outcome
    from oomsel.report.summary import compare
    from oomsel.scenario.boot import boot
    from oomsel.scenario.load import load, loads
    from oomsel.scenario.models import Scenario
    from oomsel.scenario.select import select

__version__ = "0.1.0"

_HOMES = {
    "InputError": "errors",
    "OomReport": "report.oom_report",
    "OomselError": "errors",
    "Outcome": "report.oom_report",
    "Problem": "errors",
    "Scenario": "scenario.models",
    "UsageError": "errors",
    "boot": "scenario.boot",
    "compare": "report.summary",
    "kernel_lines": "report.kernel_text",
    "load": "scenario.load",
    "loads": "scenario.load",
    "report_object": "report.json_report",
    "select": "scenario.select",
}

__all__ = [
    "InputError",
    "OomReport",
    "OomselError",
    "Outcome",
    "Problem",
    "Scenario",
    "UsageError",
    "__version__",
    "boot",
    "compare",
    "kernel_lines",
    "load",
    "loads",
    "report_object",
    "select",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"oomsel.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
