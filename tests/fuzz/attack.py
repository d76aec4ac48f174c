"""One case carried out: in a folder of its own, with an end to its time, and with everything that it opens watched."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import seeds
from tests.fuzz.cases import Case
from tests.fuzz.laws import Broken, Ended, broken_laws
from tests.running import run

#: Seconds of a CPU that one case may take.
SECONDS = 8.0
#: Bytes of address space that a worker may use beyond what it has when it begins.
MEMORY = 1 << 30

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: What an audit hook is told of when something other than a file's content is changed, or the process left.
_CHANGES = frozenset(
    "os.rename os.remove os.mkdir os.rmdir os.link os.symlink os.chmod os.chown os.truncate os.utime shutil.rmtree"
    " subprocess.Popen os.system os.exec os.posix_spawn os.fork socket.connect socket.bind".split()
)


class TooLong(BaseException):
    """The case has used up its time."""


class _Watch:
    """What was opened for writing, changed, or read although it lies outside; filled by an audit hook."""

    def __init__(self) -> None:
        self.folder: str | None = None  #: None while nothing is watched
        self.seen: list[str] = []
        self.read_secret = False

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, bytes | str):
                name = os.path.realpath(os.fsdecode(path))
                if isinstance(flags, int) and flags & _WRITING and name != os.devnull:
                    self.seen.append(name)
                elif name.endswith(("/secret", "/etc/passwd")):
                    self.read_secret = True
        elif event in _CHANGES:
            first = arguments[0] if arguments else ""
            text = os.fsdecode(first) if isinstance(first, bytes | str) else ascii(first)
            self.seen.append(os.path.realpath(text) if event.startswith("os.") else f"{event} {text}")


_WATCH = _Watch()
_IS_HOOKED: list[bool] = []


def bound_memory(more: int = MEMORY) -> None:
    """Let this process have no more than that many bytes on top of what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more,) * 2)


@contextmanager
def _ends(seconds: float) -> Iterator[None]:
    """Raise `TooLong` in the block after so many seconds of a CPU."""

    def end(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class Arena:
    """A folder in which cases are carried out one after the other; `secret` beside it is nobody's to read."""

    def __init__(self, top: Path, seconds: float = SECONDS) -> None:
        self.folder, self.top, self.seconds = top / "arena", top, seconds
        self.folder.mkdir()
        (top / "secret").write_text("secret\n")
        if not _IS_HOOKED:
            sys.addaudithook(_WATCH.hook)
            _IS_HOOKED.append(True)

    def attack(self, case: Case) -> list[Broken]:
        """The laws that the case breaks."""
        self._lay_out(case)
        before = self._listed()
        ended = self._called(case)
        written = {name: raw for name, raw in self._listed().items() if before.get(name) != raw}
        found = list(broken_laws(case, ended, written))
        found += self._trespassed(case, written)
        self._clear(case)
        return [self._with_frames(case, one) if one.law == "no bug" else one for one in found]

    def _with_frames(self, case: Case, found: Broken) -> Broken:
        """A bug told by where it was raised."""
        again = case._replace(args=["--debug", *case.args])
        self._lay_out(again)
        ended = self._called(again)
        self._clear(again)
        frames = re.findall(r'File "[^"]*?/(oomsel/[^"]*)", line \d+, in (\S+)', ended.err)
        return found._replace(what=f"{' '.join(':'.join(frame) for frame in frames[-2:])}: {found.what}")

    def _lay_out(self, case: Case) -> None:
        for name, raw in case.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        if case.kind == "expect":
            with suppress(OSError):
                (self.folder / "link").symlink_to("../secret")
        if case.root:
            held = self.top / case.root
            if not held.exists():
                for name, raw in seeds.proc_tree(case.root).items():
                    (held / name).parent.mkdir(parents=True, exist_ok=True)
                    (held / name).write_bytes(raw)
            (self.folder / "root").symlink_to(held)
            for name, new in case.changes.items():
                (held / name).unlink(missing_ok=True)
                if new is not None:
                    (held / name).write_bytes(new)

    def _clear(self, case: Case) -> None:
        for entry in os.scandir(self.folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
        for name in case.changes:
            (self.top / case.root / name).write_bytes(seeds.proc_tree(case.root)[name])

    def _listed(self) -> dict[str, bytes]:
        """Every file in the folder, with its content."""
        held = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    held[os.path.relpath(path, self.folder)] = Path(path).read_bytes()
        return held

    def _called(self, case: Case) -> Ended:
        environment = {"GITHUB_ACTIONS": "true"} if case.github else {}
        os.environ.update(environment)
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            with warnings.catch_warnings(), _ends(self.seconds), _dump_of(case):
                warnings.simplefilter("always")
                for quiet in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
                    warnings.simplefilter("ignore", quiet)
                _WATCH.folder, _WATCH.seen, _WATCH.read_secret = str(self.folder), [], False
                ran = run(*case.args, stdin=case.stdin)
                return Ended(ran.status, ran.out, ran.err)
        except TooLong:
            return Ended(None, "", "", f"more than {self.seconds:g} s of a CPU: {case.args[0]}, {case.kind}")
        except BaseException as error:  # whatever comes out of main is a fault of it
            if isinstance(error, KeyboardInterrupt):
                raise
            return Ended(None, "", "", f"{type(error).__name__} comes out: {str(error)[:100]}")
        finally:
            _WATCH.folder = None
            os.chdir(here)
            for name in environment:
                del os.environ[name]

    def _trespassed(self, case: Case, written: dict[str, bytes]) -> Iterator[Broken]:
        if _WATCH.read_secret and not any(word in " ".join(case.args) for word in ("secret", "passwd")):
            yield Broken("no file outside is read", case.args[0])
        inside = os.path.join(os.path.realpath(self.folder), "")
        guest = os.path.join(os.path.realpath(self.top / case.root), "") if case.root else inside
        outside = [word for word in case.args[1:] if ".." in word] if case.kind == "options" else []  # asked for
        asked = {os.path.dirname(os.path.realpath(os.path.join(inside, word))) for word in outside if "\0" not in word}
        for name in _WATCH.seen:
            if os.path.dirname(name) in asked:
                continue
            if not name.startswith((inside, guest)) and "__pycache__" not in name:  # Numba keeps what it compiles
                yield Broken("nothing outside is written", name.replace(str(self.top), "TOP"))
                break
        named = set(case.args[1:]) if case.kind == "options" else set()
        for name in written:
            folder = f"{name.partition('/')[0]}/"
            if "*" in case.written or name in case.written or folder in case.written or {name, folder[:-1]} & named:
                continue
            if name == "matplotlib" or any(word.endswith(name) for word in named):
                continue
            yield Broken("nothing but what was asked for is written", re.sub("[0-9]+", "N", name[:60]))
            break


@contextmanager
def _dump_of(case: Case) -> Iterator[None]:
    """Let --vmcore open the case's recorded dump, damaged."""
    if not case.dump:
        yield
        return
    from oomsel.inputs.vmcore import capture as opening
    from tests.inputs.vmcore.recorded import Recorded

    recorded = Recorded(case.dump)
    starts = sorted(recorded.memory)
    for share, value in case.pokes:
        start = starts[share * len(starts) >> 32]
        held = bytearray(recorded.memory[start])
        rng = Random(value)
        if held and rng.random() < 0.8:
            at = rng.randrange(len(held))
            held[at : at + 8] = rng.choice((bytes(8), b"\xff" * 8, bytes([rng.randrange(256)]), rng.randbytes(8)))
        else:
            held = held[: len(held) // 2]
        recorded.memory[start] = bytes(held)
    before = opening.open_program
    setattr(opening, "open_program", lambda _: recorded.program())  # noqa: B010
    try:
        yield
    finally:
        setattr(opening, "open_program", before)  # noqa: B010
