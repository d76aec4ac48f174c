"""What single lines of a report say: the formats' patterns, as the event's parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from oomsel.kernel.percpu_batch import compute_batch_value
from oomsel.klog import formats
from oomsel.klog.event import Current, Invoked, Killed, Summary
from oomsel.klog.patterns import Pattern
from oomsel.klog.table import RSS_COLUMNS, Row, score_adj_of
from oomsel.text import TASK_COMM_LEN

_RELEASE = Pattern(r"[0-9]+\.[0-9][-+._~a-zA-Z0-9]{0,60}")
_MAX_PID = 1 << 22
_MAX_PAGES = 1 << 51
#: CONFIG_NR_CPUS of the largest kernels.
_MAX_CPUS = 8192
#: What is left of a row, unless nothing is: its beginning, or that of the line; five numbers in columns, after the
#: little that is left of the pid; or the columns before the name, which have more blanks than anything else.
_TORN = Pattern(
    r"\s*\[ *(?:[0-9]*(?:\]|$)|[0-9]+\.[0-9]*$)"
    r"|\s*(?:(?!\S*[A-Za-z]{2})\S+\s+){0,2}(?:-?[0-9]+(?: +|$)){5}"
    r"|.*[0-9] {9,}-?[0-9]{1,4} \S.{0,14}$"
)
#: The same behind a prefix that nobody knows.
_TORN_WITHIN = Pattern(r"(?<!\S)(?:\[ *[0-9]+\](?: |$)|(?:-?[0-9]+(?: +|$)){5})")

#: The task of a stack dump, and names as they are everywhere, whoever escapes what.
_PLAIN_COMM = Pattern(
    r"CPU: [0-9]+ (?:UID: [0-9]+ )?PID: [0-9]+ Comm: ([\w.:/@+-]{1,15}) (?:Not t|T)ainted[: ]", re.ASCII
)
_PLAIN_NAME = Pattern(rb"[\w./@+-][\w.:/@+-]{0,14}")


def name_bytes(text: str) -> bytes:
    """A name as it stands in a line."""
    return text.encode("utf-8", "surrogateescape")


def row_name(row: Row) -> bytes:
    """A row's name as bytes."""
    return name_bytes(row.name)


def is_possible(row: Row, cpus: int | None = None) -> bool:
    """Whether a kernel can have printed the row; what it cannot is a damaged line.

    `cpus` is how many there may be, None where nobody says.
    """
    numbers = row.numbers
    tgid, uid = numbers["tgid"], numbers["uid"]
    if tgid is None or uid is None or not 1 <= row.pid <= _MAX_PID or not 1 <= tgid <= _MAX_PID:
        return False
    if not -(1 << 31) <= uid < 1 << 32 or len(row_name(row)) >= TASK_COMM_LEN or "\0" in row.name:
        return False
    for name, value in numbers.items():
        if name == "oom_score_adj" and value is not None and not -1000 <= value <= 1000:
            return False
        if name == "oom_adj" and value is not None and not -17 <= value <= 15:
            return False
        if name not in ("uid", "oom_score_adj", "oom_adj") and value is not None and not -1 <= value < _MAX_PAGES:
            return False
    return _is_within(numbers, cpus or _MAX_CPUS)


def _is_within(numbers: dict[str, int | None], cpus: int) -> bool:
    """Whether what is resident fits in total_vm, as far as the release shows it right.

    Each of the three counters of 6.2 and later may be too high by what the CPUs have not folded
    in, and those of earlier releases by the number of threads, each of which has a stack in
    total_vm: only a table with the later columns is held to it, and to no more than the double.
    """
    total_vm, rss = numbers["total_vm"], numbers["rss"]
    parts = [numbers.get(name) for name in RSS_COLUMNS]
    if total_vm is None or rss is None or None in parts:
        return True
    error = 3 * cpus * (compute_batch_value(cpus) - 1)
    return max(rss, sum(part or 0 for part in parts)) <= 2 * total_vm + error


def parse_invoked(number: int, text: str) -> Invoked | None:
    """`COMM invoked oom-killer: ...`."""
    match = formats.INVOKED_RE.match(text)
    if match is None:
        return None
    comm, mask, names, order, adj_old, adj = match.groups()
    if adj is None and adj_old is None:
        return None
    score = int(adj) if adj is not None else score_adj_of(int(adj_old))
    name = name_bytes(comm).replace(b"\0", b"")  # what a file system leaves before a line after a crash
    return Invoked(number, name, int(mask, 16), names or "", int(order), max(-1000, min(score, 1000)))


def parse_current(number: int, text: str) -> Current | None:
    """`CPU: 7 UID: 500 PID: 398 Comm: ... 6.12.117 #1 ...`."""
    match = formats.CURRENT_RE.match(text)
    if match is None:
        return None
    cpu, uid, pid, _, release = match.groups()
    owner = int(uid) if uid and int(uid) < 1 << 32 else None
    return Current(number, int(pid), owner, int(cpu) if cpu and len(cpu) < 5 else None, release_of_text(release))


def release_of_text(text: str) -> str | None:
    """The release that `text` is, as uname(2) holds one in 64 characters; None for what is none.

    >>> release_of_text("6.1.0-27-amd64"), release_of_text("6.1<b>")
    ('6.1.0-27-amd64', None)
    """
    return text if _RELEASE.fullmatch(text) else None


def parse_killed(number: int, text: str) -> Killed | None:
    """`[PREFIX: ]Killed process PID (COMM) ...`, of any release."""
    match = formats.KILLED_RE.match(text)
    if match is None or ("-rss:" in text and match[6] is None):
        return None
    prefix, pid, uid6, comm, uid7, *sizes, uid, pgtables, adj = match.groups()
    vm, anon, file, shmem = (_number(size) for size in sizes)
    owner = next((value for value in (uid, uid7, uid6) if value), None)
    return Killed(
        number, prefix or "", int(pid), name_bytes(comm), vm, anon, file, shmem, _number(owner), _number(pgtables),
        _number(adj),
    )  # fmt: skip


def _number(text: str | None) -> int | None:
    return int(text) if text and text != "?" else None


def parse_summary(number: int, text: str, row_of: Callable[[int], Row | None]) -> Summary | None:
    """`oom-kill:constraint=...`; `row_of` helps to tell a path from a name."""
    match = formats.OOM_KILL_RE.match(text)
    if match is None:
        return None
    constraint, nodemask, cpuset, mems, oom_memcg, rest, pid, uid = match.groups()
    path, comm = _split_task(rest, row_of(int(pid)))
    if comm is None:
        return None
    return Summary(number, constraint, nodemask, cpuset, mems, oom_memcg, path, comm, int(pid), int(uid))


def _split_task(rest: str, row: Row | None) -> tuple[str, bytes | None]:
    """`PATH,task=COMM` in two; either may hold a comma, so the table's name decides, or else a name's length."""
    if row is not None and rest.endswith(f",task={row.name}"):
        return rest[: -len(row.name) - 6], row_name(row)
    at = rest.find(",task=")
    while at >= 0:
        comm = name_bytes(rest[at + 6 :])
        if len(comm) < TASK_COMM_LEN:
            return rest[:at], comm
        at = rest.find(",task=", at + 1)
    return rest, None


def names_another(text: str, comm: bytes) -> bool:
    """Whether a line of a stack dump is of another task than `comm`, as far as plain names tell."""
    match = _PLAIN_COMM.match(text)
    if match is None or _PLAIN_NAME.fullmatch(comm) is None or prefix_of_name(text, comm):
        return False
    return match[1].encode() != comm


def prefix_of_name(text: str, comm: bytes) -> int:
    """How many bytes at the beginning of `comm`, as the first line has it, are a prefix that nobody knows.

    The stack dump's line `text` names the task, too, and there what stands before the name is the kernel's.
    """
    match = _PLAIN_COMM.match(text)
    if match is None or not comm.endswith(match[1].encode()):
        return 0
    before = comm[: -len(match[1].encode())]
    return 0 if before[-1:].isalnum() else len(before)


def is_torn(text: str, *, is_bare: bool) -> bool:
    """Whether a line amid the table was a row once; a bare one may have a prefix that nobody knows."""
    if _TORN.match(text):
        return True
    return bool(_TORN_WITHIN.search(text)) if is_bare else not text


def has_newline_in_name(text: str) -> bool:
    """Whether a kill line's name goes on in the next line."""
    killed = parse_killed(0, text)
    return killed is not None and b"\n" in killed.comm


def name_at_end(text: bytes, names: Iterable[bytes]) -> bytes:
    """The name with which a text ends that is too long for one: one of `names`, or else its last word."""
    found = (name for name in names if name and text.endswith(name))
    return next(found, text.split(b" ")[-1][-15:])
