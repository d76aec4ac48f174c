"""Running a scenario: the one function a script needs, and the command line calls."""

from __future__ import annotations

from oomsel.errors import UsageError
from oomsel.kernel.oom_kill import READS, out_of_memory, out_of_memory_by_mode
from oomsel.report.oom_report import OomReport
from oomsel.scenario.boot import Booted, boot
from oomsel.scenario.models import Scenario


def select(scenario: Scenario | Booted, mode: str = "approximate") -> OomReport:
    """What the OOM killer does in `scenario` when it reads the RSS counters in `mode`.

    `mode` is approximate (the global counts alone, as Linux 6.2 to 6.19 do), precise (every
    CPU's share added, as 7.0 does) or kernel (what the scenario's release does).  Raises
    UsageError for any other.

    >>> import oomsel
    >>> scenario = oomsel.load("examples/real-contest.yaml")
    >>> for mode in ("approximate", "precise"):
    ...     print(mode, oomsel.select(scenario, mode=mode).victim)
    approximate 247 (over)
    precise 248 (under)
    """
    booted = scenario if isinstance(scenario, Booted) else boot(scenario)
    if mode == "kernel":
        mode = kernel_mode(booted)
    if mode not in READS:
        raise UsageError(f"no mode {mode}; use {', '.join(READS)} or kernel")
    return out_of_memory(booted.system, booted.oc, mode)


def kernel_mode(booted: Booted) -> str:
    """The mode in which the scenario's own release reads: precise since 7.0."""
    return "precise" if booted.system.rules.precise_oom else "approximate"


def select_both(booted: Booted) -> tuple[OomReport, OomReport]:
    """Both modes' reports, approximate and precise; what does not depend on the mode is worked out once."""
    approximate, precise = out_of_memory_by_mode(booted.system, booted.oc, ("approximate", "precise"))
    return approximate, precise
