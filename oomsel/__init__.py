"""oomsel: whom does the Linux OOM killer choose, why, and would it have chosen someone else?

    >>> import oomsel
    >>> report = oomsel.select("examples/real-contest.yaml")
    >>> report.victim
    Process(pid=247, comm='over')

A path is the name of a scenario, a bundle or a kernel log; `-` is standard input.

==============================  ===================================================================
select(x, mode="kernel")        whom the OOM killer chooses: a Report; x is a path, a Scenario or an
                                Event
explain(x, mode="kernel")       why, who used the memory, what would help: an Explanation
events(path)                    the OOM reports in a kernel log, each an Event
load(path), loads(text)         a Scenario, with overrides=["tasks[mysqld].oom_score_adj=-500"] and
                                kernel="7.0" for what-ifs
capture()                       the running machine as a Scenario
boot(scenario)                  the machine in the moment before the choice, to select on repeatedly
kernel_lines(report)            the kernel's own lines
compare(a, b)                   what the difference of two modes' reports costs
report_object(report)           plain data; the same as report.to_dict()
------------------------------  -------------------------------------------------------------------
Report                          .victim, .killed, .outcome, .tasks, .lines(), .to_dict(),
                                .to_dataframe()
Explanation                     .report, .advice, .to_dict(), .to_markdown(); print() shows it
Event, Events                   .number, .time, .victim, .scenario, .to_dict(); .to_dataframe()
Process, Task                   who: .pid, .comm; a task with its counters and badness
OomselError                     the base of all that is raised: InputError (.problems has the place
                                of each mistake), UsageError
==============================  ===================================================================
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own would take longer to import than all that happens before Ctrl-C is handled
if TYPE_CHECKING:
    from typing import Any

    from oomsel.api import Event, Events, Explanation, Report, Task, events, explain, select
    from oomsel.booting import Booted, boot
    from oomsel.errors import InputError, OomselError, Problem, UsageError
    from oomsel.inputs.load import load, loads
    from oomsel.inputs.log.options import LogOptions
    from oomsel.inputs.proc.scenario import capture
    from oomsel.kernel.event import OomReport, Outcome, Process
    from oomsel.outputs.json_report import report_object
    from oomsel.outputs.kernel_text import kernel_lines
    from oomsel.outputs.summary import compare
    from oomsel.scenario.models import Scenario

__version__ = "0.2.0"

#: The room of each public name, which is imported when the name is first used.
_HOMES = {
    "Booted": "booting",
    "Event": "api",
    "Events": "api",
    "Explanation": "api",
    "InputError": "errors",
    "LogOptions": "inputs.log.options",
    "OomReport": "kernel.event",
    "OomselError": "errors",
    "Outcome": "kernel.event",
    "Problem": "errors",
    "Process": "kernel.event",
    "Report": "api",
    "Scenario": "scenario.models",
    "Task": "api",
    "UsageError": "errors",
    "boot": "booting",
    "capture": "inputs.proc.scenario",
    "compare": "outputs.summary",
    "events": "api",
    "explain": "api",
    "kernel_lines": "outputs.kernel_text",
    "load": "inputs.load",
    "loads": "inputs.load",
    "report_object": "outputs.json_report",
    "select": "api",
}

__all__ = [
    "Booted",
    "Event",
    "Events",
    "Explanation",
    "InputError",
    "LogOptions",
    "OomReport",
    "OomselError",
    "Outcome",
    "Problem",
    "Process",
    "Report",
    "Scenario",
    "Task",
    "UsageError",
    "__version__",
    "boot",
    "capture",
    "compare",
    "events",
    "explain",
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


def __dir__() -> list[str]:
    return list(__all__)
