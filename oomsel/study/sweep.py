"""Running a study's trials on any executor, and keeping what is done.

Each trial's rows go into a journal beside the table as they come, in whatever order that is; the
table is made of the journal in the order of the trials.  So the executor, the number of workers
and an interruption leave no trace in it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager, suppress
from io import RawIOBase
from itertools import islice

from oomsel.errors import OomselError
from oomsel.files import lock
from oomsel.study.grid import Study, SweepRow, Trial, run_trial, trials_of

#: Bytes of a line; a longer one is damaged.
_LONGEST = 1 << 16
_ANOTHER = "another sweep is writing this table; wait for it, or write to another file"


class JournalError(OomselError):
    """A journal that is in the way, or belongs to something else."""


class Journal:
    """Rows of trials that are done: a line of JSON each with its checksum, after a line that says of what study."""

    def __init__(self, path: str, study: Study) -> None:
        self.path = path
        self.study = study
        self.head = json.dumps({"oomsel_sweep": 2, "study": _fingerprint(study)})
        self.done: dict[int, list[SweepRow]] = {}
        self.damaged = 0  #: lines whose trials are simulated again
        self.whole = 0  #: bytes of it up to the end of the last whole line
        self.size = 0  #: bytes of it

    def read(self) -> None:
        """Take over what an interrupted sweep has left.  Raises JournalError if it is another study's."""
        with self._refusals(), open(self.path, "rb") as file:
            head, expected = file.readline(_LONGEST), f"{self.head}\n".encode()
            self.size = os.fstat(file.fileno()).st_size
            if head != expected:
                if expected.startswith(head):  # cut off before anything was done
                    return
                raise JournalError(f"{self.path}: no journal of this study; remove it to begin anew")
            self.whole = file.tell()
            found: dict[int, list[SweepRow]] = {}
            while line := file.readline(_LONGEST):
                if not line.endswith(b"\n"):  # cut off while it was written, or too long to be whole
                    continue
                self.whole = file.tell()
                try:
                    index, rows = self._checked(line)
                    found[index] = rows
                except (ValueError, TypeError):
                    self.damaged += 1
        for index, trial in enumerate(trials_of(self.study) if found else ()):
            if index in found and _are_of(found[index], self.study, trial):
                self.done[index] = found.pop(index)
        self.damaged += len(found)

    def _checked(self, line: bytes) -> tuple[int, list[SweepRow]]:
        checksum, _, text = line.decode().removesuffix("\n").partition(" ")
        if checksum != self._checksum(text):
            raise ValueError
        index, *rows = json.loads(text)
        if not rows:
            raise ValueError
        return int(index), [SweepRow(*row) for row in rows]

    def _checksum(self, text: str) -> str:
        return hashlib.sha256(f"{self.head}{text}".encode()).hexdigest()[:16]

    @contextmanager
    def writing(self) -> Iterator[Callable[[int, list[SweepRow]], None]]:
        """A function that notes a trial's rows, safe once it returns.  Raises JournalError where that is impossible."""
        with self._refusals():
            file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        with file:
            with self._refusals():
                if lock(file.fileno(), wait=False) is False or os.fstat(file.fileno()).st_size != self.size:
                    raise JournalError(f"{self.path}: {_ANOTHER}")
                file.truncate(self.whole)
                if not self.whole:
                    _line(file, self.head)

            def note(index: int, rows: list[SweepRow]) -> None:
                with self._refusals():
                    text = json.dumps([index, *rows])
                    _line(file, f"{self._checksum(text)} {text}")
                self.done[index] = rows

            yield note

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}") from None

    def remove(self) -> None:
        """Everything is in the table: the journal goes."""
        with self._refusals(), suppress(FileNotFoundError):
            os.unlink(self.path)

    def rows(self) -> Iterator[SweepRow]:
        """All rows in the order of the trials."""
        for index in sorted(self.done):
            yield from self.done[index]


def _are_of(rows: list[SweepRow], study: Study, trial: Trial) -> bool:
    """Whether these are rows that a trial may have."""
    designs = [row.design for row in rows]
    numbers = [value for row in rows for value in row[6:]]
    return (
        designs == list(study.grid.designs)
        and all(row[:5] == trial for row in rows)
        and all(type(number) is int and abs(number) < 1 << 63 for number in numbers)
    )


def _line(file: RawIOBase, text: str) -> None:
    left = f"{text}\n".encode()
    while left:  # a disk that is nearly full takes some of it
        left = left[file.write(left) or 0 :]


def _fingerprint(study: Study) -> str:
    return hashlib.sha256(repr(study).encode()).hexdigest()


def open_journal(path: str, study: Study, *, resume: bool) -> Journal:
    """The journal at `path`, with what is done already if `resume`.

    Raises JournalError if one is there and is not to be resumed, is another study's or another sweep's that runs now.
    """
    journal = Journal(path, study)
    if os.path.lexists(path):
        if os.path.exists(path) and not os.path.isfile(path):
            raise JournalError(f"{path}: no regular file, where the trials that are done are to be kept; remove it")
        if _is_locked(path):
            raise JournalError(f"{path}: {_ANOTHER}")
        if not resume and (not os.path.exists(path) or os.path.getsize(path)):  # on a full disk it stays empty
            raise JournalError(f"{path}: an interrupted sweep is there; use --resume to go on with it, or remove it")
        journal.read()
    return journal


def _is_locked(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return lock(file.fileno(), wait=False) is False
    except OSError:  # reading it will tell
        return False


def sweep(
    study: Study,
    journal: Journal,
    executor: Executor | None,
    *,
    in_flight: int = 16,
    done: Callable[[], object] = lambda: None,
) -> None:
    """Run every trial that is not in `journal` yet, on `executor` or here; `done` is called after each."""
    known = set(journal.done)
    todo = ((index, trial) for index, trial in enumerate(trials_of(study)) if index not in known)
    with journal.writing() as note:
        for index, rows in _results(study, todo, executor, in_flight):
            note(index, rows)
            done()


def _results(
    study: Study, todo: Iterator[tuple[int, Trial]], executor: Executor | None, in_flight: int
) -> Iterator[tuple[int, list[SweepRow]]]:
    if executor is None:
        for index, trial in todo:
            yield index, run_trial(study, trial)
        return
    running: dict[Future[list[SweepRow]], int] = {}
    try:
        while True:
            for index, trial in islice(todo, in_flight - len(running)):
                running[executor.submit(run_trial, study, trial)] = index
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        for future in running:
            future.cancel()
