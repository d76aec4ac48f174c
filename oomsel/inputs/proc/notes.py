"""What a person should know of a capture: what was not seen, and what the oom_scores prove."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oomsel.inputs.proc.process import Process
from oomsel.inputs.proc.reading import ProcReading
from oomsel.scenario.plain import HIDDEN, PART
from oomsel.text import number_of, printable, process_name

#: Processes that are named under each reason.
_NAMES = 12


def notes_of(reading: ProcReading) -> list[str]:
    """Sentences without their full stop."""
    return [*_part_only(reading), *_not_seen(reading), *_proof(reading)]


def _part_only(reading: ProcReading) -> Iterator[str]:
    """Why this is not the whole machine."""
    if reading.in_namespace:
        yield (
            f"{PART}: the pids are those of a container (a pid namespace), whose pid 1"
            " is not the global init; processes outside of it are missing"
        )
    if reading.hidepid is not None:
        yield f"{HIDDEN}{reading.hidepid}: other people's processes may be missing"
    limit = reading.cgroups.root_limit()
    if limit is not None:
        yield (
            f"the cgroup that is seen as the root is limited to {limit} pages, which a scenario's root cannot be;"
            f" for an OOM of its own state oom.totalpages"
        )


def _not_seen(reading: ProcReading) -> Iterator[str]:
    """One note of everything that could not be read, or not be relied on."""
    unstable = sum(not process.stable for process in reading.processes)
    parts = [
        _vanished(reading),
        _count(unstable, "did not stand still while it was read", "did not stand still while they were read"),
        _count(reading.refused, "may not be read", "may not be read"),
        _count(len(reading.malformed), "cannot be understood", "cannot be understood"),
    ]
    if reading.malformed:
        parts[-1] += f" ({', '.join(reading.malformed[:3])}{', ...' if len(reading.malformed) > 3 else ''})"
    files = [printable(path) for path in reading.tree.malformed]
    if files:
        named = f"({', '.join(files[:3])}{', ...' if len(files) > 3 else ''})"
        parts.append(f"{len(files)} file{'s' * (len(files) > 1)} of settings cannot be understood {named}")
    if not reading.mms_asked and len(reading.processes) > 1:
        parts.append("who shares an mm could not be asked (kcmp needs the rights of ptrace; for a copy, use --kcmp)")
    if reading.policies_refused:
        parts.append(
            _count(
                reading.policies_refused,
                "has no numa_maps that can be read, so its memory policy is not known",
                "have no numa_maps that can be read, so their memory policies are not known",
            )
        )
    if reading.kthreads:
        which = "which is never chosen, is" if reading.kthreads == 1 else "which are never chosen, are"
        parts.append(f"{number_of(reading.kthreads, 'kernel thread')}, {which} left out")
    said = [part for part in parts if part]
    if said:
        yield "; ".join(said)


def _vanished(reading: ProcReading) -> str:
    """Files that were missing: of a process that ended, but in a copy nothing ends while it is read."""
    if reading.tree.is_live:
        return _count(reading.vanished, "ended while it was read", "ended while they were read")
    return _count(reading.vanished, "lacks files in the copy", "lack files in the copy")


def _count(number: int, one: str, many: str) -> str:
    if not number:
        return ""
    return f"1 process {one}" if number == 1 else f"{number} processes {many}"


def _proof(reading: ProcReading) -> Iterator[str]:
    """Whether the figures are the kernel's: they give the score that it gave."""
    proof = reading.proof
    if not reading.release.rules.percpu_rss:
        reads = "before 6.2 a counter is one number, so there is one way to read it"
    elif proof.mode is None:
        reads = "whether this kernel reads approximately or precisely cannot be told from them"
    else:
        reads = f"this kernel reads {proof.mode}ly"
    yield f"oom_score predicted for {proof.predicted} of {proof.compared}; {reads}"
    if reading.release.rules.percpu_rss and not proof.differing:
        yield (
            "stat and status show the same RSS of every process, as where status is read approximately, too (before"
            " 6.12): how far off the counters are cannot be told"
        )
    total, at_most = reading.machine.totalpages, "" if proof.total_most is None else f" and at most {proof.total_most}"
    by_scores = f"by the oom_scores it has at least {proof.total_least}{at_most} pages of RAM and swap"
    if proof.total_is_own is None:
        yield "no process is large enough to tell whether MemTotal is the machine's own"
    elif proof.total_is_own:
        yield f"MemTotal is the machine's own: {by_scores}, and MemTotal and SwapTotal are {total}"
    else:
        yield (
            f"MemTotal is not the machine's own: {by_scores}, but MemTotal and SwapTotal are {total}, as where lxcfs"
            " shows a container what it may use; scores of a global OOM are wrong"
        )
    for why, indices in proof.not_eligible.items():
        yield f"not eligible, {_REASONS.get(why, why)}: {_names(reading.processes, indices)}"


_REASONS = {
    "init": "the global init",
    "vfork": "in the middle of vfork",
    "oom_skip": "with an oom_score of 0 for no reason that /proc shows (MMF_OOM_SKIP, or a vfork child)",
}


def _names(processes: Sequence[Process], indices: Sequence[int]) -> str:
    names = [process_name(processes[index].pid, processes[index].stat.comm) for index in indices[:_NAMES]]
    more = len(indices) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
