"""Make a kept case's input smaller as long as it breaks the same law in the same way."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.attack import Arena
from tests.fuzz.cases import Case, save


def smaller(raw: bytes, still: Callable[[bytes], bool]) -> bytes:
    """The smallest that is found by taking out lines, then bytes: halves first, ever smaller parts then."""
    for split in (b"\n", b""):
        parts = raw.split(split) if split else [raw[at : at + 1] for at in range(len(raw))]
        size = max(1, len(parts) // 2)
        while size:
            at = 0
            while at < len(parts):
                shorter = parts[:at] + parts[at + size :]
                if still(split.join(shorter)):
                    parts = shorter
                else:
                    at += size
            size //= 2
        raw = split.join(parts)
        if len(raw) > 4000:  # bytes of so much take too long
            break
    return raw


def _with_less(case: Case, name: str, breaks: Callable[[Case], bool]) -> Case:
    def of(raw: bytes) -> Case:
        return case._replace(files=case.files | {name: raw})

    return of(smaller(case.files[name], lambda raw: breaks(of(raw))))


def minimise(folder: Path) -> int:
    """Make the case in `folder` smaller, in place."""
    case = Case.from_json((folder / "case.json").read_text())
    with tempfile.TemporaryDirectory(prefix="oomsel-fuzz-") as top:
        arena = Arena(Path(top), seconds=3)
        wanted = {str(broken) for broken in arena.attack(case)}
        if not wanted:
            print("it breaks no law any more")
            return 1

        def breaks(other: Case) -> bool:
            return any(str(broken) in wanted for broken in arena.attack(other))

        for name in case.files:
            case = _with_less(case, name, breaks)
        if case.stdin:
            whole = case
            case = case._replace(stdin=smaller(case.stdin, lambda raw: breaks(whole._replace(stdin=raw))))
        for at in range(len(case.args) - 1, 0, -1):
            fewer = case._replace(args=case.args[:at] + case.args[at + 1 :])
            if breaks(fewer):
                case = fewer
    save(case, folder)
    print(case.args, {name: raw[:600] for name, raw in case.files.items()}, case.stdin, sep="\n")
    return 0
