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
from contextlib import contextmanager
from io import RawIOBase
from itertools import islice

from oomsel.errors import OomselError
from oomsel.study.grid import Study, SweepRow, Trial, run_trial, trials_of


class JournalError(OomselError):
    """A journal that is in the way, or belongs to something else."""


class Journal:
    """Rows of trials that are done: one line of JSON each, after a line that says of what study."""

    def __init__(self, path: str, study: Study) -> None:
        self.path = path
        self.head = json.dumps({"oomsel_sweep": 1, "study": _fingerprint(study)})
        self.done: dict[int, list[SweepRow]] = {}
        self.good = 0  #: bytes of it that are whole

    def read(self) -> None:
        """Take over what an interrupted sweep has left.  Raises JournalError if it is another study's."""
        with open(self.path, "rb") as file:
            head, expected = file.readline(), f"{self.head}\n".encode()
            if head != expected:
                if expected.startswith(head):  # cut off before anything was done
                    return
                raise JournalError(f"{self.path}: no journal of this study; remove it to begin anew")
            self.good = file.tell()
            for line in file:
                try:
                    index, *rows = json.loads(line)
                    self.done[index] = [SweepRow(*row) for row in rows]
                except (ValueError, TypeError):  # cut off while it was written
                    break
                self.good += len(line)

    @contextmanager
    def writing(self) -> Iterator[Callable[[int, list[SweepRow]], None]]:
        """A function that notes a trial's rows, safe once it returns.  Raises JournalError where that is impossible."""
        with self._refusals():
            file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        with file:
            with self._refusals():
                file.truncate(self.good)
                if not self.good:
                    _line(file, self.head)

            def note(index: int, rows: list[SweepRow]) -> None:
                with self._refusals():
                    _line(file, json.dumps([index, *rows]))
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
        os.unlink(self.path)

    def rows(self) -> Iterator[SweepRow]:
        """All rows in the order of the trials."""
        for index in sorted(self.done):
            yield from self.done[index]


def _line(file: RawIOBase, text: str) -> None:
    left = f"{text}\n".encode()
    while left:  # a disk that is nearly full takes some of it
        left = left[file.write(left) or 0 :]


def _fingerprint(study: Study) -> str:
    return hashlib.sha256(repr(study).encode()).hexdigest()


def open_journal(path: str, study: Study, *, resume: bool) -> Journal:
    """The journal at `path`, with what is done already if `resume`.

    Raises JournalError if one is there and is not to be resumed, or is another study's.
    """
    journal = Journal(path, study)
    if os.path.exists(path):
        if not resume:
            raise JournalError(f"{path}: an interrupted sweep is there; use --resume to go on with it, or remove it")
        journal.read()
    return journal


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
