"""Checking many scenarios, in this process or in several."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from oomsel.check.expectation import Failure, failures, unknown_names
from oomsel.errors import NO_MEMORY, InputError, OomselError, Problem, unreadable
from oomsel.scenario.values import Path, format_path

if TYPE_CHECKING:
    from oomsel.inputs.log.options import LogOptions

#: The section `expect` of a YAML scenario: its key in the first column, and all that is indented below it.
_EXPECT = re.compile(rb"^expect:[^\n]*\n?(?:(?:[ #\r][^\n]*)?\n|[ #][^\n]*\Z)*", re.MULTILINE)


class Settings(NamedTuple):
    """The options of `check`."""

    overrides: tuple[str, ...] = ()
    kernel: str | None = None
    strict: bool = False
    update: bool = False
    verbose: bool = False  #: whether results say what happens
    log: LogOptions | None = None


#: The place of a key that is in no file, or in one that cannot be read again.
NOWHERE = (0, 0)


class Place(NamedTuple):
    """A failure's place in the scenario's file: line and column, both 0 if it has none, and the key."""

    line: int
    column: int
    key: str


class Result(NamedTuple):
    """The result of checking one scenario; plain data that another process can send."""

    name: str
    status: str  #: ok, failed, error, or none for one without `expect`
    seconds: float
    sentence: str = ""  #: what happens in both modes, if it was asked for
    failures: tuple[tuple[Place, Failure], ...] = ()
    problems: tuple[Problem, ...] = ()  #: why it could not be checked
    notes: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()  #: golden files written anew


def check_all(names: Sequence[str], settings: Settings, jobs: int) -> Iterator[Result]:
    """Every scenario's result, in order, each as soon as it is there."""
    if jobs == 1 or len(names) < 2:
        yield from (check_one(name, settings) for name in names)
        return
    from concurrent.futures.process import BrokenProcessPool
    from functools import partial

    from oomsel.workers import Pool

    pool = Pool(min(jobs, len(names)))
    done = 0
    try:
        chunk = max(1, min(32, len(names) // (4 * jobs)))
        for result in pool.map(partial(check_one, settings=settings), names, chunksize=chunk):
            yield result
            done += 1
        return
    except BrokenProcessPool:  # a worker was killed, nobody knows with which scenario
        pass
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    yield from (_check_alone(name, settings) for name in names[done:])


def _check_alone(name: str, settings: Settings) -> Result:
    """A scenario's result from a process of its own, which may be killed."""
    from concurrent.futures.process import BrokenProcessPool

    from oomsel.workers import Pool

    with Pool(1) as alone:
        try:
            return alone.submit(check_one, name, settings).result()
        except BrokenProcessPool:
            what = "the process that checked it was killed, perhaps for want of memory; check it alone, without --jobs"
            return Result(name, "error", 0.0, problems=(Problem(what),))


def check_one(name: str, settings: Settings) -> Result:
    """Reads and boots one scenario and holds its `expect` against what happens in both modes."""
    from time import perf_counter

    from oomsel.booting import boot, select_both
    from oomsel.check.golden import golden_failures
    from oomsel.inputs.load import load
    from oomsel.outputs.summary import compare
    from oomsel.scenario.models import Expect

    start = perf_counter()
    try:
        scenario = load(name, overrides=settings.overrides, kernel=settings.kernel, log=settings.log)
        booted = boot(scenario)
        reports = select_both(booted)
        expect = scenario.expect or Expect()
        has_expect = expect != Expect()
        unknown = list(unknown_names(expect, reports[0]))
        broken = [*failures(expect, *reports), *golden_failures(expect, *reports, "" if name == "-" else name)]
        updated: tuple[str, ...] = ()
        if settings.update:
            texts = {failure.golden: failure for failure in broken if failure.golden is not None}  # each once
            updated = tuple(map(_update, texts.values()))
            broken = [failure for failure in broken if failure.golden is None]
        if settings.strict:
            broken += [Failure(path, message) for path, message in unknown]
            if not has_expect:
                broken.append(Failure((), "no expect in it, and --strict wants one; state what is to happen"))
        placed = tuple(_placed(name, broken))
    except Exception as error:
        return Result(name, "error", perf_counter() - start, problems=_problems_of(error))
    status = "failed" if broken else "ok" if has_expect else "none"
    notes = [f"{format_path(path)}: {message}" for path, message in unknown]
    notes += booted.notes if settings.verbose else ()
    sentence = compare(*reports).sentence if settings.verbose else ""
    seconds = perf_counter() - start
    return Result(name, status, seconds, sentence, placed, notes=tuple(notes), updated=updated)


def _problems_of(error: Exception) -> tuple[Problem, ...]:
    """Why a scenario cannot be checked.  Whatever it is, the others are."""
    if isinstance(error, InputError):
        return tuple(problem._replace(source=problem.source or error.source) for problem in error.problems)
    if isinstance(error, OomselError):
        return (Problem(str(error)),)
    if isinstance(error, MemoryError):
        return (Problem(NO_MEMORY),)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return (Problem(f"a bug: {what}; please report it, with the output of oomsel --debug explain of this file"),)


def _update(failure: Failure) -> str:
    from oomsel.files import write_whole

    assert failure.golden is not None
    path, text = failure.golden
    try:
        write_whole(lambda file: file.write(text.encode("utf-8", "backslashreplace")), path)
    except OSError as error:
        raise unreadable(path, error) from None
    return path


def _placed(name: str, failures: Sequence[Failure]) -> Iterator[tuple[Place, Failure]]:
    """Each failure with the line and column of its key; only for this the file is read again."""
    for failure, (line, column) in zip(failures, _places(name, [failure.path for failure in failures]), strict=True):
        yield Place(line, column, format_path(failure.path)), failure


def _places(name: str, paths: Sequence[Path]) -> list[tuple[int, int]]:
    from oomsel.inputs.document import Document
    from oomsel.inputs.identify import Kind, identify
    from oomsel.inputs.load import read_bytes
    from oomsel.inputs.source import STDIN, source_of

    if name == STDIN or not paths or not os.path.isfile(name):  # what was read from a pipe is gone
        return [NOWHERE] * len(paths)
    raw = read_bytes(name)
    if identify(source_of(raw)) in (Kind.LOG, Kind.KERNEL_TEXT):  # a report has no keys
        return [NOWHERE] * len(paths)
    for text in (_expect_alone(raw), raw):
        try:
            document = Document(name, text)
        except InputError:
            continue
        if all(_is_stated(document.data, path) for path in paths):
            return [document.place(path) for path in paths]
    return [NOWHERE] * len(paths)


def _is_stated(value: Any, path: Path) -> bool:
    for part in path:
        if not (part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))):
            return False
        value = value[part]
    return True


def _expect_alone(raw: bytes) -> bytes:
    """`raw` with nothing but the section `expect`, in its lines: that is placed much faster than a whole scenario.

    If the section cannot be read alone, it does not have the key or is no YAML, and the caller reads all.
    """
    section = _EXPECT.search(raw)
    return b"" if section is None else b"\n" * raw.count(b"\n", 0, section.start()) + section[0]
