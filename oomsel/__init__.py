"""oomsel: whom does the Linux OOM killer choose, why, and would it have chosen someone else?

The public API, each name imported when it is first used::

    import oomsel

    scenario = oomsel.load("scenario.yaml")
    report = oomsel.select(scenario, mode="precise")
    print("\\n".join(oomsel.kernel_lines(report)))
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own would take longer to import than all that happens before Ctrl-C is handled
if TYPE_CHECKING:
    from typing import Any

    from oomsel.booting import boot, select
    from oomsel.errors import InputError, OomselError, Problem, UsageError
    from oomsel.inputs.load import load, loads
    from oomsel.inputs.proc.scenario import capture
    from oomsel.kernel.event import OomReport, Outcome
    from oomsel.outputs.json_report import report_object
    from oomsel.outputs.kernel_text import kernel_lines
    from oomsel.outputs.summary import compare
    from oomsel.scenario.models import Scenario

__version__ = "0.1.0"

_HOMES = {
    "InputError": "errors",
    "OomReport": "kernel.event",
    "OomselError": "errors",
    "Outcome": "kernel.event",
    "Problem": "errors",
    "Scenario": "scenario.models",
    "UsageError": "errors",
    "boot": "booting",
    "capture": "inputs.proc.scenario",
    "compare": "outputs.summary",
    "kernel_lines": "outputs.kernel_text",
    "load": "inputs.load",
    "loads": "inputs.load",
    "report_object": "outputs.json_report",
    "select": "booting",
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
    "capture",
    "compare",
    "kernel_lines",
    "load",
    "loads",
    "report_object",
    "select",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(f"oomsel.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
